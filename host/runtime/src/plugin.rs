//! A plugin: an id that stays, and the generation that serves at the moment.

use crate::call::Call;
use crate::generation::Generation;
use crate::hook::{Fired, Hook};
use crate::id::PluginId;
use arc_swap::ArcSwap;
use plugbay_engine::CallError;
use std::sync::Arc;

/// A plugin that is loaded. Stays the same while its generations change.
pub struct Plugin {
    id: PluginId,
    serving: ArcSwap<Generation>,
}

impl Plugin {
    pub(crate) fn new(id: PluginId, generation: Arc<Generation>) -> Self {
        Self { id, serving: ArcSwap::new(generation) }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &PluginId {
        &self.id
    }

    /// The generation that serves new calls. Holding on to it keeps its cells, and puts their `deactivate` off, after it was replaced.
    #[must_use]
    pub fn generation(&self) -> Arc<Generation> {
        self.serving.load_full()
    }

    /// Calls a hook's handler in the generation that serves now. A plugin that doesn't handle the hook, or was denied what it takes to, has no opinion.
    ///
    /// This is one call of one plugin. Which plugins are asked, in which order, whether a plugin's own choice of tools
    /// ([`Registration`](crate::Registration)) covers this one, and what a failure means for the hook, is for the caller to decide.
    ///
    /// # Errors
    /// Why there is no answer; [`CallError::consequence`] says what follows from it. The plugin goes on serving either way.
    pub async fn call<H: Hook>(&self, call: &Call, event: &Fired<H>) -> Result<H::Outcome, CallError> {
        self.generation().call(call, event).await
    }

    /// Lets another generation serve and answers the one before.
    pub(crate) fn publish(&self, generation: Arc<Generation>) -> Arc<Generation> {
        self.serving.swap(generation)
    }
}
