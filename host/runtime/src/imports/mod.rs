//! The host side of what plugins import: one file an interface, named as the interface is.

mod config;
mod keyed_store;
mod log;
mod types;

use crate::guest::Guest;
use crate::json::Payload;
use crate::wire::{self, types as wire_types};
use plugbay_engine::{CellState, Entered};
use plugbay_state::StateStore;
use wasmtime::component::{HasData, Linker, ResourceTable};

/// What a host function works with.
pub(crate) struct View<'a> {
    guest: &'a mut Guest,
    table: &'a mut ResourceTable,
}

struct Imports;

impl HasData for Imports {
    type Data<'a> = View<'a>;
}

/// The way into every function: the engine counts the call.
fn view(state: &mut CellState<Guest>) -> View<'_> {
    let Entered { host, table } = state.enter();
    View { guest: host, table }
}

/// Adds all interfaces to a linker, for plugins whose rows are in this state.
pub(crate) fn add(linker: &mut Linker<CellState<Guest>>, state: &dyn StateStore) -> wasmtime::Result<()> {
    wire_types::add_to_linker::<_, Imports>(linker, view)?;
    wire::plugbay::plugin::log::add_to_linker::<_, Imports>(linker, view)?;
    wire::plugbay::plugin::config::add_to_linker::<_, Imports>(linker, view)?;
    wire::keyed_store::add_to_linker::<_, Imports>(linker, view)?;
    if state.reads_in_place() { keyed_store::lookup_in_place(linker) } else { Ok(()) }
}

impl From<Payload> for wire_types::Payload {
    fn from(payload: Payload) -> Self {
        match payload {
            Payload::Json(json) => Self::Json(json.into()),
            Payload::Truncated { bytes } => Self::Truncated(wire_types::Truncated { bytes }),
        }
    }
}
