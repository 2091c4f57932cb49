//! What the settings make a method do.

use plugbay_sdk::prelude::*;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

/// Bytes of an answer that no host takes.
const OVERSIZED: usize = 9_000_000;

/// What the test sets.
#[plugbay_sdk::settings]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// Whether calls are written down; they are, if not said.
    #[serde(default = "yes")]
    pub(crate) record: bool,
    /// What a method does, by the interface's name: one deed for each call, the last for all that follow.
    #[serde(default)]
    pub(crate) does: BTreeMap<String, Vec<Deed>>,
}

fn yes() -> bool {
    true
}

/// Something to do.
#[plugbay_sdk::settings]
#[serde(rename_all = "kebab-case")]
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// What a good engine does.
    Well,
    /// The same, after so many milliseconds.
    Nap(u64),
    /// Answers an error.
    Err,
    /// Panics.
    Trap,
    /// Never ends.
    Spin,
    /// Answers more than a host takes.
    Oversized,
    /// Answers this, with the contract's names.
    Answer(Value),
    /// Of `context-assemble`: well, but for one thing.
    Assembles(Flaw),
}

/// What is wrong with what the model would see.
#[plugbay_sdk::settings]
#[serde(rename_all = "kebab-case")]
#[derive(Clone, Debug)]
pub(crate) enum Flaw {
    /// A last entry that there isn't.
    UnknownEntry,
    /// The newest first.
    WrongOrder,
    /// The last entry twice.
    TwiceTheSame,
    /// The newest tool's answer is left out.
    HalfGroup,
    /// The newest tool's answer is there, what called it isn't.
    OrphanAnswer,
    /// It says that it takes one token more than it may.
    OverEstimate,
    /// It says that it takes nothing, and takes more than it may.
    OverBudget,
    /// A new message of a tool.
    ToolMessage,
    /// A new message that isn't JSON.
    BadJson,
    /// One byte too many above the instructions.
    LongAddition,
    /// Nothing wrong: this stands above the instructions.
    Addition(String),
}

impl Settings {
    /// What a method does at its `number`th call, from 1.
    pub(crate) fn deed(&self, method: &str, number: u64) -> Deed {
        let deeds = self.does.get(method).map(Vec::as_slice).unwrap_or_default();
        let at = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX).min(deeds.len().saturating_sub(1));
        deeds.get(at).cloned().unwrap_or(Deed::Well)
    }

    /// Whether a method's calls have to be counted.
    pub(crate) fn counts(&self, method: &str) -> bool {
        self.does.get(method).is_some_and(|deeds| deeds.len() > 1)
    }
}

impl Deed {
    /// Does what has nothing to do with the method; the rest is for the method to do.
    pub(crate) fn begin(self, method: &str) -> Result<Self> {
        match self {
            Self::Nap(ms) => std::thread::sleep(Duration::from_millis(ms)),
            Self::Err => return Err(Error::new(format!("{method} was told to fail"))),
            Self::Trap => trap(),
            Self::Spin => spin(),
            other => return Ok(other),
        }
        Ok(Self::Well)
    }

    /// For methods that answer nothing: there is nothing to do but well, or an error that is too large.
    #[cfg(not(feature = "bare"))]
    pub(crate) fn without_answer(&self, method: &str) -> Result<()> {
        match self {
            Self::Well => Ok(()),
            Self::Oversized => Err(Error::new(oversized())),
            other => Err(other.not_here(method)),
        }
    }

    /// The error of a deed that a method can't do.
    pub(crate) fn not_here(&self, method: &str) -> Error {
        Error::new(format!("{method} can't do this: {self:?}"))
    }
}

/// A text that no host takes.
pub(crate) fn oversized() -> String {
    "x".repeat(OVERSIZED)
}

fn spin() -> ! {
    loop {
        black_box(0);
    }
}

#[expect(clippy::panic, reason = "what a fault does is what is tested")]
fn trap() -> ! {
    panic!("as you asked")
}
