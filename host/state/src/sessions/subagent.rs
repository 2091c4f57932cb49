//! Whom plugins have sent out, as it goes in and comes out: plain data, checked by the rules and nowhere here.

/// A subagent to be noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubagent {
    /// The key of its session. No two subagents have one.
    pub session: String,
    /// The plugin that owns it.
    pub plugin: String,
    /// What the plugin calls it.
    pub name: String,
    /// The key of the session for which it works.
    pub parent: String,
    /// How many stand above it.
    pub depth: u32,
    /// The engine that prepared it.
    pub engine: Option<String>,
    /// What that engine wants to see again when it ends; any text.
    pub ticket: Option<String>,
}

/// A subagent. It is noted until it is forgotten, whatever becomes of its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subagent {
    /// The key of its session.
    pub session: String,
    /// The plugin that owns it.
    pub plugin: String,
    /// What the plugin calls it.
    pub name: String,
    /// The key of the session for which it works.
    pub parent: String,
    /// How many stand above it.
    pub depth: u32,
    /// The engine that prepared it.
    pub engine: Option<String>,
    /// What that engine wants to see again when it ends.
    pub ticket: Option<String>,
    /// When it was noted, in milliseconds since 1970.
    pub made_at: u64,
    /// Whether it is to be deleted: begun, and not known to be done.
    pub deleting: bool,
    /// Whether its session was deleted: one that has its key now isn't its own.
    pub gone: bool,
}
