//! What every plugin of a host is made with.

use crate::breaker::BreakerSettings;
use crate::guest::Guest;
use crate::id::PluginId;
use crate::registration::Registration;
use crate::services::Services;
use crate::waits::Waits;
use plugbay_engine::{CellState, Digest, Engine, LogSink};
use plugbay_state::StateStore;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::task::TaskTracker;
use wasmtime::component::Linker;

/// Where the log of a plugin goes.
pub(crate) type SinkOf = Box<dyn Fn(&PluginId) -> Arc<dyn LogSink> + Send + Sync>;

/// Rung by a generation, by its number, when something must happen to its plugin.
pub(crate) type Bell = Arc<dyn Fn(&PluginId, u64, Alarm) + Send + Sync>;

/// What must happen.
#[derive(Debug)]
pub(crate) enum Alarm {
    /// It failed on probation: the one before comes back.
    Failed {
        /// Why.
        why: String,
    },
    /// Its breaker opened too often: until an operator resets it, it isn't called.
    Quarantined {
        /// Why.
        why: String,
    },
}

/// What components have registered, by digest.
#[derive(Default)]
pub(crate) struct Described(Mutex<HashMap<Digest, Registration>>);

impl Described {
    /// Components that are remembered; when there are more, all are forgotten and asked again.
    const MOST: usize = 1_000;

    pub(crate) fn get(&self, digest: Digest) -> Option<Registration> {
        self.known().get(&digest).cloned()
    }

    pub(crate) fn keep(&self, digest: Digest, registration: &Registration) {
        let mut known = self.known();
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(digest, registration.clone());
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Digest, Registration>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What plugins are made with.
pub(crate) struct Host {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<CellState<Guest>>,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) services: Arc<dyn Services>,
    pub(crate) sink: SinkOf,
    pub(crate) described: Described,
    pub(crate) breaker: BreakerSettings,
    pub(crate) bell: Bell,
    pub(crate) waits: Waits,
    /// Ends of generations and cells that are under way.
    pub(crate) tasks: TaskTracker,
}
