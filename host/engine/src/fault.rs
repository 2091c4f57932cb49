//! What can go wrong in a call, and what each thing costs: one enum, one table.
//!
//! A [`Fault`] is a broken guest: its cell is dropped. [`CallError::Failed`] is a guest that said no in good order. [`Unserved`] is a call that
//! never reached a guest. [`CallError::consequence`] is the one place that says what follows from each.

use crate::limits::Overrun;
use thiserror::Error;

/// A guest that broke. Its cell is gone; the next call gets a fresh one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// A limit was reached.
    #[error("{0}")]
    Limit(Overrun),
    /// The guest trapped.
    #[error("trap: {trap}{}", said(.message.as_deref()))]
    Trap {
        /// What kind of trap.
        trap: String,
        /// What the guest wrote to stderr before it, a panic's message for example: bounded, without control characters and secrets.
        message: Option<String>,
        /// The wasm frames, innermost first.
        backtrace: Vec<String>,
    },
    /// The guest called `exit`.
    #[error("the plugin called exit")]
    Exited,
    /// The guest's answer isn't what its type or the contract says.
    #[error("malformed answer: {0}")]
    Malformed(String),
    /// The host's own code failed during the call. It is a defect of the host, and the cell is dropped all the same.
    #[error("the host failed during the call: {0}")]
    Host(String),
}

fn said(message: Option<&str>) -> String {
    message.map(|text| format!(": {text}")).unwrap_or_default()
}

/// A call that didn't reach a guest. Nothing happened to any cell.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unserved {
    /// As many calls wait already as may.
    #[error("busy: {0}")]
    Busy(Overrun),
    /// All cells that the engine has room for are in use.
    #[error("busy: {0} (setting `engine.cells`)")]
    NoRoom(String),
    /// The call's time was over before a cell was free.
    #[error("waited too long: {0}")]
    Waited(Overrun),
    /// The embedder serves no calls of it at present.
    #[error("{code}: {why}")]
    Closed {
        /// One word for programs, such as `disabled` or `breaker-open`.
        code: &'static str,
        /// The same for people, with what to do about it.
        why: String,
    },
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The guest broke.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The guest answered `Err`, with these words.
    #[error("the plugin failed: {0}")]
    Failed(String),
    /// The call never reached the guest.
    #[error(transparent)]
    Unserved(#[from] Unserved),
    /// The host ended the call while it ran, for reasons of its own.
    #[error("cut off: {0}")]
    Cut(String),
}

impl CallError {
    /// What follows from it.
    #[must_use]
    pub const fn consequence(&self) -> Consequence {
        match self {
            Self::Fault(_) => Happening::Fault.consequence(),
            Self::Failed(_) => Happening::Failed.consequence(),
            Self::Unserved(_) => Happening::Unserved.consequence(),
            Self::Cut(_) => Happening::Cut.consequence(),
        }
    }
}

/// The kinds of things that can end a call without an answer to its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// A trap, a limit, a deadline while running, a malformed answer.
    Fault,
    /// `Err` from the guest.
    Failed,
    /// Busy, closed, or the deadline spent waiting.
    Unserved,
    /// The host ended the call: its version was replaced, or the host stops, and the time for draining is over; or what it was for was cancelled.
    Cut,
    /// The caller stopped waiting: unless the call was to end with it, it ends by itself or at its deadline, and its answer is dropped.
    CallerGone,
}

/// What follows when a call has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consequence {
    /// The cell is dropped.
    pub drops_cell: bool,
    /// It counts for the breaker, and against a new version on probation.
    pub counts_as_fault: bool,
    /// The hook's failure policy decides what the host does instead.
    pub applies_policy: bool,
    /// What it means for a context engine.
    pub context_engine: EngineFate,
}

/// What becomes of a context engine whose call had no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineFate {
    /// It is quarantined, and the built-in engine answers from now on.
    Quarantined,
    /// The built-in engine answers this once.
    BuiltinAnswers,
    /// Nothing happens to it.
    Untouched,
}

impl Happening {
    /// The table.
    #[must_use]
    pub const fn consequence(self) -> Consequence {
        let (drops_cell, counts_as_fault, applies_policy, context_engine) = match self {
            Self::Fault => (true, true, true, EngineFate::Quarantined),
            Self::Failed => (false, false, true, EngineFate::Quarantined),
            Self::Unserved => (false, false, true, EngineFate::BuiltinAnswers),
            Self::Cut => (true, false, true, EngineFate::BuiltinAnswers),
            Self::CallerGone => (false, false, false, EngineFate::Untouched),
        };
        Consequence { drops_cell, counts_as_fault, applies_policy, context_engine }
    }
}
