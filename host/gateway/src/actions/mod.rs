//! What people can have plugins do: actions, by a button or over HTTP, and commands, where they talk with an agent.
//!
//! A call goes through the caller's scopes and, for an action, the schema; then the plugin is called, once. A plugin's own failure is an answer, told whole; that it broke is told as that, and the
//! operator's log has its words. Where the agent is to go on, that is a job, so it is kept over a host that is killed between the answer and the turn. It costs the call, and a commit where the agent goes on.

mod act;
mod set;

pub use act::{Act, ActError, Acted, CommandAnswered, Invoked};
pub use set::{ActionSet, ListedAction, ListedCommand, ListedUi, RESERVED_COMMANDS};

use plugbay_runtime::Plugins;
use std::sync::{Arc, Mutex, PoisonError};

/// The actions and commands of a host's plugins. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Actions(Arc<Inner>);

struct Inner {
    plugins: Plugins,
    /// The newest set, and which state of the plugins it is of.
    newest: Mutex<(Option<u64>, Arc<ActionSet>)>,
}

impl Actions {
    pub(crate) fn new(plugins: Plugins) -> Self {
        Self(Arc::new(Inner { plugins, newest: Mutex::default() }))
    }

    /// The actions and commands as they are now.
    #[must_use]
    pub fn now(&self) -> Arc<ActionSet> {
        let mut newest = self.0.newest.lock().unwrap_or_else(PoisonError::into_inner);
        // Read first: what changes while they are gathered is seen the next time.
        let revision = self.0.plugins.revision();
        if newest.0 != Some(revision) {
            let set = ActionSet::gather(&self.0.plugins, &newest.1);
            for clash in set.clashes().iter().filter(|clash| !newest.1.clashes().contains(clash)) {
                tracing::warn!(command = clash.name, owners = ?clash.owners, "a command that several claim, or the host has itself: no plugin has it");
            }
            *newest = (Some(revision), Arc::new(set));
        }
        newest.1.clone()
    }
}
