//! Tools of plugins: which there are, and what happens when a model calls one.
//!
//! A call goes through policies, then `before-tool-call`, then the tool's schema, then people who are asked, then the tool; `after-tool-call` hears how it ended,
//! however that was. It costs those calls; knowing which tools there are costs one comparison while no plugin changes. It never fails as an error: what
//! went wrong is said to the model, in words.

mod arguments;
mod call;
mod set;

pub use call::ToolEnd;
pub use set::{Clash, ListedTool, ToolSet};

use crate::approvals::Approvals;
use crate::hooks::Hooks;
use plugbay_runtime::Plugins;
use std::sync::{Arc, Mutex, PoisonError};

/// The tools of a host's plugins. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Tools(Arc<Inner>);

struct Inner {
    plugins: Plugins,
    hooks: Hooks,
    approvals: Approvals,
    /// The newest set, and which state of the plugins it is of.
    newest: Mutex<(Option<u64>, Arc<ToolSet>)>,
}

impl Tools {
    /// The tools of these plugins.
    #[must_use]
    pub fn new(plugins: Plugins, hooks: Hooks, approvals: Approvals) -> Self {
        Self(Arc::new(Inner { plugins, hooks, approvals, newest: Mutex::default() }))
    }

    /// The tools as they are now: a turn takes them when it begins, and keeps them.
    #[must_use]
    pub fn now(&self) -> Arc<ToolSet> {
        let mut newest = self.0.newest.lock().unwrap_or_else(PoisonError::into_inner);
        // Read first: what changes while they are gathered is seen the next time.
        let revision = self.0.plugins.revision();
        if newest.0 != Some(revision) {
            let set = ToolSet::gather(&self.0.plugins, &newest.1);
            for clash in set.clashes().iter().filter(|clash| !newest.1.clashes().contains(clash)) {
                tracing::warn!(tool = clash.name, owners = ?clash.owners, "several plugins claim a tool of this name: none has it");
            }
            *newest = (Some(revision), Arc::new(set));
        }
        newest.1.clone()
    }
}
