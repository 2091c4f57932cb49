//! What a rule works with: a place of its own, a clock that stands, and checks that say what is wrong.

use super::backend::{Backend, Durable, Make};
use anyhow::{Context, Result, anyhow, ensure};
use plugbay_state::{
    Applied, Change, Clock, Code, Comparison, ExportedRow, KeyedStore, Operation, Options, Owner, StateError, StateLimits, StateStore,
    TestClock,
};
use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::Arc;

pub(super) type State = Arc<dyn StateStore>;
pub(super) type Store = Arc<dyn KeyedStore>;

/// The plugin that most rules are checked with.
pub(super) const TESTER: &str = "tester";

/// The namespace that most rules are checked with.
pub(super) const ROWS: &str = "rows";

/// A place for one rule, at time 1,000.
pub struct Stage {
    /// What the time is.
    pub clock: Arc<TestClock>,
    place: Box<dyn Backend>,
    make: Make,
}

impl Stage {
    /// A new place.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn new(make: Make) -> Result<Self> {
        Ok(Self { clock: Arc::new(TestClock::at(1_000)), place: make()?, make })
    }

    /// Another place of the same kind. Dropping it removes its files.
    pub(super) fn elsewhere(&self) -> Result<Self> {
        Self::new(self.make)
    }

    /// What can be done to it behind its back.
    pub(super) fn durable(&self) -> Result<&dyn Durable> {
        self.place.durable().context("the rows of this backend don't outlive it")
    }

    pub(super) fn try_open(&self, limits: StateLimits, clock: Arc<dyn Clock>) -> Result<State, StateError> {
        self.place.open(limits, clock)
    }

    /// The state with these limits.
    pub(super) fn state_with(&self, limits: StateLimits) -> Result<State> {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Ok(self.try_open(limits, clock)?)
    }

    /// The state with the limits that hold by default.
    pub(super) fn state(&self) -> Result<State> {
        self.state_with(StateLimits::default())
    }

    /// The state with room for so many rows of a plugin.
    pub(super) fn state_of(&self, rows: usize) -> Result<State> {
        self.state_with(StateLimits { rows: count(rows)?, ..StateLimits::default() })
    }

    /// The one namespace that a rule needs.
    pub(super) async fn rows(&self, options: Options) -> Result<Store> {
        open(&self.state()?, TESTER, ROWS, options).await
    }
}

pub(super) fn count(n: usize) -> Result<NonZeroUsize> {
    NonZeroUsize::new(n).context("0 of anything isn't checked")
}

pub(super) async fn open(state: &State, owner: &str, namespace: &str, options: Options) -> Result<Store> {
    Ok(state.open(&Owner::new(owner)?, namespace, options).await?)
}

/// A namespace of the tester that is large enough.
pub(super) async fn roomy(state: &State, namespace: &str) -> Result<Store> {
    open(state, TESTER, namespace, Options::up_to(100_000)).await
}

pub(super) async fn put(rows: &Store, key: &str, value: &str) -> Result<()> {
    rows.register(key, value.into(), None).await.with_context(|| format!("writing {key:?}"))
}

pub(super) async fn get(rows: &Store, key: &str) -> Result<Option<String>> {
    rows.lookup(key).await.with_context(|| format!("reading {key:?}"))
}

/// The keys of all rows, oldest first, with spaces between them.
pub(super) async fn keys(rows: &Store) -> Result<String> {
    let entries = rows.entries().await.context("listing")?;
    Ok(entries.into_iter().map(|entry| entry.key).collect::<Vec<_>>().join(" "))
}

/// The token of what is there.
pub(super) async fn seen(rows: &Store, key: &str) -> Result<Comparison> {
    Ok(rows.observe(key).await?.comparison)
}

pub(super) fn set(value: &str) -> Change {
    Change::Set { value: value.into(), ttl: None }
}

/// Every live row of every plugin.
pub(super) async fn everything(state: &State) -> Result<Vec<ExportedRow>> {
    let mut rows: Vec<ExportedRow> = Vec::new();
    loop {
        let page = state.export(rows.last().map(|row| &row.id), count(1_000)?).await?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows.extend(page);
    }
}

/// A JSON string of so many bytes in all.
pub(super) fn text(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes.saturating_sub(2)))
}

pub(super) fn equal<T: PartialEq + Debug>(what: &str, there: T, expected: T) -> Result<()> {
    ensure!(there == expected, "{what}: expected {expected:?}, there is {there:?}");
    Ok(())
}

/// The same, of a value.
pub(super) async fn holds(rows: &Store, key: &str, expected: Option<&str>) -> Result<()> {
    equal(key, get(rows, key).await?.as_deref(), expected)
}

/// Checks that a call failed, how, and which call it says it was.
pub(super) fn refused<T: Debug>(what: &str, outcome: Result<T, StateError>, code: Code, operation: Operation) -> Result<StateError> {
    match outcome {
        Ok(there) => Err(anyhow!("{what}: expected {code} of {operation}, and it succeeded with {:.200}", format!("{there:?}"))),
        Err(error) if (error.code, error.operation) == (code, operation) => Ok(error),
        Err(error) => Err(anyhow!("{what}: expected {code} of {operation}, got {} of {}: {error}", error.code, error.operation)),
    }
}

/// Checks that a change met another row than was seen; answers what the row is now.
pub(super) fn conflict(what: &str, applied: Applied) -> Result<plugbay_state::Observation> {
    match applied {
        Applied::Conflict(current) => Ok(current),
        other => Err(anyhow!("{what}: expected a conflict, got {other:?}")),
    }
}
