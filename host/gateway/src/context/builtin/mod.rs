//! The context engine that is always there: a summary of what is old, if there is one, and the newest that fits.
//!
//! The transcript stays as it is; a summary stands beside it in the state, with the number of entries that it covers. What a model does with tools and what came of it is one piece, in or out. To
//! tell a history costs reading what is told, newest first, and counting it; to compact costs reading everything that no summary covers yet, and calls of the model. It fails as
//! the state does, and compaction as the model does: what was summarised before stays.

mod asking;
mod compact;
mod entries;
mod history;
mod pieces;
mod reading;
mod rendered;
#[cfg(test)]
mod tests;
mod told;

pub(crate) use compact::{Compact, CompactError, Compacted, Reason};
pub(crate) use history::History;
pub(crate) use pieces::UNANSWERED;
pub(crate) use told::{AssistantMeta, BLOCKED, KeptCall, says_something, spoken, told};

use crate::tokens::Tokens;
use plugbay_runtime::state::SessionStore;
use std::sync::Arc;

/// A life of a session, as far as it was written.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    /// The session.
    pub(crate) key: Arc<str>,
    /// Which life of it.
    pub(crate) life: Arc<str>,
    /// How many of its entries count: those before the present turn.
    pub(crate) entries: u64,
}

/// The built-in engine.
#[derive(Clone)]
pub(crate) struct Builtin {
    store: Arc<dyn SessionStore>,
    tokens: Tokens,
}

impl Builtin {
    pub(crate) fn new(store: Arc<dyn SessionStore>, tokens: Tokens) -> Self {
        Self { store, tokens }
    }
}
