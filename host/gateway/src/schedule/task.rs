//! What a job does, as it is kept: its kind, and the rest as JSON.

use plugbay_runtime::Principal;
use plugbay_runtime::state::Job;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a job does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(crate) enum Task {
    /// The agent of the job's session has a turn.
    Turn {
        /// What it is told.
        message: String,
        /// Whether its answer is sent.
        announce: bool,
    },
    /// The plugin's `timers` are told.
    Timer {
        /// What it wants to be told.
        payload: Option<Value>,
    },
    /// The agent goes on after an action or a command of the plugin's.
    Action {
        /// What it is told.
        message: String,
        /// Who acted.
        by: Option<Actor>,
    },
}

/// Who acted, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Actor {
    channel: String,
    sender: String,
    scopes: Vec<String>,
}

impl From<Principal> for Actor {
    fn from(Principal { channel, sender, scopes }: Principal) -> Self {
        Self { channel, sender, scopes }
    }
}

impl From<Actor> for Principal {
    fn from(Actor { channel, sender, scopes }: Actor) -> Self {
        Self { channel, sender, scopes }
    }
}

/// The name of a kind of jobs, in the state.
pub(crate) const TURN: &str = "turn";
/// The same.
pub(crate) const TIMER: &str = "timer";
/// The same.
pub(crate) const ACTION: &str = "action";

impl Task {
    /// Its kind's name.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Turn { .. } => TURN,
            Self::Timer { .. } => TIMER,
            Self::Action { .. } => ACTION,
        }
    }

    /// As it is kept.
    pub(crate) fn body(&self) -> String {
        // Plain data with text for keys is always JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What a job does.
    ///
    /// # Errors
    /// If another version of the host wrote it.
    pub(crate) fn of(job: &Job) -> Result<Self, String> {
        serde_json::from_str(&job.asked.body).map_err(|e| format!("what it does can't be read: {e}"))
    }
}
