//! What every plugin of a host is made with.

use crate::guest::Guest;
use crate::id::PluginId;
use plugbay_engine::{CellState, Engine, LogSink};
use plugbay_state::StateStore;
use std::sync::Arc;
use wasmtime::component::Linker;

/// Where the log of a plugin goes.
type SinkOf = Box<dyn Fn(&PluginId) -> Arc<dyn LogSink> + Send + Sync>;

/// What plugins are made with.
pub(crate) struct Host {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<CellState<Guest>>,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) sink: SinkOf,
}
