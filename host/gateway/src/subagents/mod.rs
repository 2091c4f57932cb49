//! Agents that work for plugins: each in a session of its own, `<plugin>/<name>`, that only its plugin may run, look at and delete.
//!
//! A subagent is noted in the state before its session is made, and until its session is gone: so that a delete which can't be finished is finished later, also after a restart. What it does
//! is turns like all others; `run` begins them, `wait` tells how they are. They can be had only while a turn is under way behind the call, and on behalf of its principal.
//!
//! [`table`] knows the runs that are under way, and the last that ended; `start` makes a subagent, `run` follows its turn, `wait` waits and looks, `remove` ends it, `parents` says what the end of a session means for
//! those who work for it. It costs a turn, a task beside it, and a row for each subagent. It fails by saying which limit, which wait or which state refused it.

mod parents;
mod remove;
mod run;
mod settings;
mod start;
mod table;
mod wait;

pub use settings::SubagentsSettings;
pub(crate) use table::Subagents;

use plugbay_runtime::state::StateError;
use plugbay_runtime::{PluginId, ServiceCode, ServiceError};

/// The key of a subagent's session.
fn key(plugin: &PluginId, name: &str) -> String {
    format!("{plugin}/{name}")
}

fn failed(what: &str, error: &StateError) -> ServiceError {
    ServiceError::new(ServiceCode::Failed, format!("{what}: {error}"))
}

fn refused(code: ServiceCode, why: String) -> ServiceError {
    ServiceError::new(code, why)
}
