//! What the desk learns only after it was made: plugins are made with the desk, and hooks with the plugins.
//!
//! The desk doesn't keep them alive: who builds the gateway holds the [`Binding`], and when that is dropped, so are they.

use crate::hooks::Hooks;
use plugbay_runtime::Plugins;
use std::sync::{Arc, OnceLock, Weak};

/// The plugins of a gateway, and how they are told.
pub(crate) struct Bound {
    pub(crate) plugins: Plugins,
    pub(crate) hooks: Hooks,
}

/// Keeps what the desk was given. Dropping it takes it from the desk again: from then on nobody is told anything.
#[must_use = "when it is dropped the desk reaches nobody any more"]
pub struct Binding(#[expect(dead_code, reason = "held so that it lives")] Arc<Bound>);

/// A place that is filled once.
#[derive(Clone, Default)]
pub(crate) struct Late(Arc<OnceLock<Weak<Bound>>>);

impl Late {
    /// Fills it. None: it was filled before.
    pub(crate) fn bind(&self, plugins: Plugins, hooks: Hooks) -> Option<Binding> {
        let bound = Arc::new(Bound { plugins, hooks });
        self.0.set(Arc::downgrade(&bound)).ok().map(|()| Binding(bound))
    }

    /// What it was filled with, while that lives.
    pub(crate) fn get(&self) -> Option<Arc<Bound>> {
        self.0.get().and_then(Weak::upgrade)
    }
}
