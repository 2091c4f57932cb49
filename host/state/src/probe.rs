//! Trying the state out: each step on its own, with what it answered.
//!
//! A probe writes one row under an owner that no plugin can be, with a ttl of a minute should the probe die, reads it back and deletes it. What it
//! wrote is nowhere in what it reports.

use crate::error::{Operation, Problem, StateError};
use crate::store::{KeyedStore, Options, Owner, StateStore};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const MINUTE: u64 = 60_000;

/// What a probe found, step by step, up to the first that failed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Probe {
    /// The steps that were taken: `state-directory`, `open` and `schema` where there are files; `write`, `read`, `delete`.
    pub steps: Vec<Step>,
}

/// One step of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: &'static str,
    /// What became of it.
    pub outcome: Result<(), StateError>,
}

impl Probe {
    /// Every step that was taken succeeded.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.steps.iter().all(|step| step.outcome.is_ok())
    }

    /// Notes a step; answers what came out of it, if it succeeded.
    pub(crate) fn step<T>(&mut self, name: &'static str, outcome: Result<T, StateError>) -> Option<T> {
        let (value, outcome) = match outcome {
            Ok(value) => (Some(value), Ok(())),
            Err(error) => (None, Err(error)),
        };
        self.steps.push(Step { name, outcome });
        value
    }
}

/// Writes, reads and deletes, adding to a probe whose earlier steps succeeded.
pub(crate) async fn round_trip(state: &dyn StateStore, mut probe: Probe) -> Probe {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let nonce = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let written = write(state, &nonce).await;
    let Some(store) = probe.step("write", written) else { return probe };
    let read = read(&*store, &nonce).await;
    let sound = probe.step("read", read).is_some();
    // A row that couldn't be read is deleted all the same, and the step is told only after a sound read.
    let deleted = store.delete(&nonce).await;
    if sound {
        let outcome = deleted.and_then(|there| if there { Ok(()) } else { Err(astray("the row to delete wasn't there")) });
        probe.step("delete", outcome);
    }
    probe
}

async fn write(state: &dyn StateStore, nonce: &str) -> Result<Arc<dyn KeyedStore>, StateError> {
    let store = state.open(&Owner::reserved("probe"), "probe", Options::up_to(1_000)).await?;
    store.register(nonce, format!("{nonce:?}"), Some(MINUTE)).await?;
    Ok(store)
}

async fn read(store: &dyn KeyedStore, nonce: &str) -> Result<(), StateError> {
    match store.lookup(nonce).await? {
        Some(value) if value == format!("{nonce:?}") => Ok(()),
        Some(_) => Err(astray("the row isn't what was written")),
        None => Err(astray("the row that was written isn't there")),
    }
}

fn astray(what: &str) -> StateError {
    Problem::Corrupt(what.into()).during(Operation::Probe)
}
