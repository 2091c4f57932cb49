//! Sessions: listed, looked at, compacted, reset, deleted.
//!
//! Listing is one read of the state, and calls no guest. To compact, reset or delete a session takes its turn in the session's line, behind the turns that were asked for before; so
//! no turn ever sees its session change under it.

mod compact;
mod conversation;
mod ends;
mod lines;
mod view;

pub(crate) use conversation::{StoredConversation, role, role_name};
pub(crate) use lines::{Lines, Place};
pub use view::{EntryView, RunView, SessionView, ShownState};
