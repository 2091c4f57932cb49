//! Which turn a call belongs to: when it began, and whether it is for somebody who wrote.
//!
//! What it is for: an answer is for those who wrote before its turn began, and what a turn did may be told after the session's next one has begun. What it costs: a value of the run, in memory.
//! How it fails: a run that ended some seconds ago is forgotten; then the row's own turn is taken, which is the last one that is known.

use plugbay_sdk::prelude::*;
use plugbay_sdk::run_context;
use serde::{Deserialize, Serialize};

const NAME: &str = "turn";

/// A turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Turn {
    /// When it began.
    pub(crate) began: u64,
    /// Whether it is for somebody who wrote.
    pub(crate) answers: bool,
}

impl Turn {
    /// Keeps it for what is told of its run later.
    pub(crate) fn note(self) {
        if let Err(error) = run_context::set(NAME, &self) {
            log::warn!("when a turn began can't be kept: {error}");
        }
    }

    /// The turn of the call's run, if that is known.
    pub(crate) fn of_call() -> Option<Self> {
        run_context::get(NAME).ok().flatten()
    }
}
