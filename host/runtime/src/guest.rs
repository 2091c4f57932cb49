//! What stands in a plugin's cell beside its limits: its log and its settings.

use crate::config::Config;
use plugbay_engine::Log;
use std::sync::Arc;

/// A guest's own part of a store. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Guest {
    log: Arc<Log>,
    config: Arc<Config>,
}

impl Guest {
    pub(crate) const fn new(log: Arc<Log>, config: Arc<Config>) -> Self {
        Self { log, config }
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }
}
