//! What the model sees of a conversation, and who decides on it: the [built-in engine](builtin), or the plugin in the slot.
//!
//! [`Contexts`] is the slot. A run takes a [`Seat`] there, which holds one generation of the engine until the run is over; all calls of the engine go through it, and
//! what a failure means is decided there, for all of them alike. `lifecycle` tells the engine what was said, `assembled` checks what it answers, `compaction` makes a conversation smaller,
//! `spawning` asks it about subagents, `queue` is where it waits to tidy up.
//!
//! It costs the calls of the engine; the host's own part grows with what is new and with what is told, not with what there is. It fails by the built-in engine
//! serving in the plugin's place; [`Contexts::view`] says why.

mod assembled;
pub(crate) mod builtin;
mod compaction;
mod lifecycle;
mod queue;
mod seat;
mod slot;
mod spawning;

pub(crate) use assembled::Context;
pub use compaction::CompactionReport;
pub(crate) use compaction::{By, CompactionFailed, Wanted};
pub(crate) use lifecycle::{Afterwards, TurnTold};
pub(crate) use seat::{Occasion, Seat};
pub use slot::{ContextView, Contexts, Quarantined, ServingEngine};
pub(crate) use spawning::EndTold;
