//! The host side of what plugins import: one file an interface, named as the interface is.

mod attachments;
mod config;
mod events;
mod injections;
mod keyed_store;
mod log;
mod model;
mod run_context;
mod schedule;
mod session_state;
mod sessions;
mod subagents;
#[cfg(test)]
mod tests;
mod tokens;
mod types;

use crate::call::Session;
use crate::guest::Guest;
use crate::json::{Json, Payload};
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
    wire::plugbay::plugin::run_context::add_to_linker::<_, Imports>(linker, view)?;
    wire::plugbay::plugin::sessions::add_to_linker::<_, Imports>(linker, view)?;
    wire::plugbay::plugin::session_state::add_to_linker::<_, Imports>(linker, view)?;
    wire::plugbay::plugin::events::add_to_linker::<_, Imports>(linker, view)?;
    wire::plugbay::plugin::injections::add_to_linker::<_, Imports>(linker, view)?;
    wire::plugbay::plugin::tokens::add_to_linker::<_, Imports>(linker, view)?;
    wire::plugbay::plugin::model::add_to_linker::<_, Imports>(linker, view)?;
    wire::plugbay::plugin::subagents::add_to_linker::<_, Imports>(linker, view)?;
    wire::plugbay::plugin::schedule::add_to_linker::<_, Imports>(linker, view)?;
    wire::plugbay::plugin::attachments::add_to_linker::<_, Imports>(linker, view)?;
    if state.reads_in_place() { keyed_store::lookup_in_place(linker) } else { Ok(()) }
}

/// What a plugin is told that asks for a change where it can't.
const NOT_LIVE: &str = "nothing can be changed here: only in calls, not in `activate`, `restore`, `save`, `deactivate` or a projection";

/// Text of a guest's that has to be JSON.
fn checked(field: &str, text: String) -> Result<Json, String> {
    Json::check(text).map_err(|e| format!("`{field}`: {e}"))
}

/// What a plugin is told of a session that was deleted.
fn gone(session: &Session) -> Option<String> {
    session.key().is_none().then(|| format!("the session `{}` was deleted, and the handle is of no use any more", session.stable_key()))
}

impl From<Payload> for wire_types::Payload {
    fn from(payload: Payload) -> Self {
        match payload {
            Payload::Json(json) => Self::Json(json.into()),
            Payload::Truncated { bytes } => Self::Truncated(wire_types::Truncated { bytes }),
        }
    }
}
