//! Text for a session's next turn, as it is asked for and answered.

use crate::json::Json;

/// What a plugin wants shown in a session's next turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectionRequest {
    /// What it says.
    pub text: String,
    /// Whether it goes behind what was said, or before it.
    pub append: bool,
    /// Higher is shown first.
    pub priority: i32,
    /// How long it waits, in milliseconds.
    pub ttl_ms: Option<u64>,
    /// While one with the same key waits, this one isn't queued.
    pub key: Option<String>,
    /// Facts of the plugin's own.
    pub metadata: Option<Json>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectionQueued {
    /// Its id, or that of the one that waits already.
    pub id: String,
    /// Whether it was queued just now.
    pub fresh: bool,
}
