//! What stands in a plugin's cell beside its limits: its log, its settings, and its way to the state.

use crate::config::Config;
use plugbay_engine::Log;
use plugbay_state::{Owner, StateStore};
use std::sync::Arc;

/// A guest's own part of a store. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Guest {
    log: Arc<Log>,
    config: Arc<Config>,
    state: Option<Arc<State>>,
    /// Whether it may change anything: not in `activate` or `restore`.
    pub(crate) live: bool,
}

/// A plugin's own part of the state.
pub(crate) struct State {
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) owner: Owner,
}

impl Guest {
    /// A guest without state: it was denied, or is sealed.
    pub(crate) const fn new(log: Arc<Log>, config: Arc<Config>) -> Self {
        Self { log, config, state: None, live: false }
    }

    /// With a part of the state.
    pub(crate) fn with_state(mut self, state: State) -> Self {
        self.state = Some(Arc::new(state));
        self
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Its part of the state, unless it was denied.
    pub(crate) const fn state(&self) -> Option<&Arc<State>> {
        self.state.as_ref()
    }
}
