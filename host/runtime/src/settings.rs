//! What an operator decides about a plugin, as the runtime takes it: every value is one that is enforced.

use crate::grant::{Grant, Grants};
use plugbay_engine::{Isolation, Limits};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the operator decides about a plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The plugin's own settings.
    pub config: Map<String, Value>,
    /// What it may do.
    pub grants: Grants,
    /// What a cell may use.
    pub limits: Limits,
    /// How its cells are kept. Not said: as the plugin registers, which is one cell for all calls, or one for each session if it is a context engine that bears that.
    pub isolation: Option<Isolation>,
    /// Budgets of hooks, by name. Where it says nothing the hook's default counts, or less if the plugin asks for less.
    pub budgets: BTreeMap<String, Duration>,
    /// How long calls that are under way may go on after the generation was replaced; what then still runs is cut off.
    pub drain: Duration,
    /// Whether what the plugin guards is refused while it isn't active. Not said: if it was granted `policy`.
    pub required: Option<bool>,
}

impl Settings {
    /// How long calls go on after a swap, unless the operator says otherwise: as long as the longest ordinary budget.
    pub const DRAIN: Duration = Duration::from_secs(30);

    /// Whether what the plugin guards is refused while it isn't active.
    pub(crate) fn requires(&self) -> bool {
        self.required.unwrap_or_else(|| self.grants.has(Grant::Policy))
    }

    /// What tells these settings from others, over restarts too. Nothing of them can be read from it.
    pub(crate) fn fingerprint(&self) -> String {
        // What is written by `Debug` may change with a new host; then what was refused is tried once more.
        blake3::hash(format!("{self:?}").as_bytes()).to_hex().to_string()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            config: Map::new(),
            grants: Grants::default(),
            limits: Limits::default(),
            isolation: None,
            budgets: BTreeMap::new(),
            drain: Self::DRAIN,
            required: None,
        }
    }
}
