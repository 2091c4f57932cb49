//! What a backend brings: a handful of row operations, inside a transaction. Everything else is in [`crate::rules`].
//!
//! No operation here knows a limit or decides whether a row is welcome, and none looks at a clock: `now` comes in.

use crate::clock::{Clock, MAX_TIME};
use crate::error::{Problem, StateError};
use crate::ledger::rules::Ledger;
use crate::limits::StateLimits;
use crate::pins::Pins;
use crate::probe::Probe;
use crate::sessions::rows::{Belongings, Contexts, Subagents, Transcripts, Turns};
use crate::store::{Options, Order, Owner, RowId, Usage};
use crate::work::rows::{Deliveries, Jobs};
use std::future::Future;
use std::ops::ControlFlow;
use std::sync::Arc;

/// How many expired rows one write or one sweep deletes at most: more would hold the write lock for long.
pub(crate) const EXPIRY_BATCH: usize = 1_024;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot<'a> {
    pub(crate) owner: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) key: &'a str,
}

/// A row as it is stored: live or expired, sound or corrupt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) value: Vec<u8>,
    pub(crate) created_at: u64,
    pub(crate) expires_at: Option<u64>,
    /// Another one with each write, whatever the clock says: of a row that is deleted and written anew, too.
    pub(crate) mark: i64,
}

/// A value as it is stored, live or expired, sound or corrupt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) value: Vec<u8>,
    pub(crate) expires_at: Option<u64>,
}

/// Whether a row with this expiry is there at this moment.
pub(crate) fn is_live(expires_at: Option<u64>, now: u64) -> bool {
    expires_at.is_none_or(|expiry| expiry > now)
}

/// What a write needs to know before it writes, read in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Survey {
    /// The latest `created_at` of the namespace.
    pub(crate) youngest: Option<u64>,
    /// The namespace holds expired rows.
    pub(crate) expired: bool,
    /// Rows of the namespace, expired ones included.
    pub(crate) rows: u64,
    /// Rows of the owner, expired ones included.
    pub(crate) owner_rows: u64,
    /// Bytes of the owner's values, expired ones included.
    pub(crate) owner_bytes: u64,
    /// The row that stands there, live or not.
    pub(crate) current: Option<Standing>,
}

/// A row without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) expires_at: Option<u64>,
    pub(crate) bytes: u64,
}

/// A row to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fresh<'a> {
    pub(crate) value: &'a str,
    pub(crate) created_at: u64,
    pub(crate) expires_at: Option<u64>,
    /// How many of the namespace's oldest other live rows go.
    pub(crate) evict: u64,
}

/// Rows and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Amount {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// Which live rows a scan visits, and in which order.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scan<'a> {
    /// All, by age, then key.
    Oldest,
    /// Those with `start <= key < end`, by key, so many at most.
    Keys { start: &'a str, end: Option<&'a str>, order: Order, limit: usize },
}

/// A row in passing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passing<'a> {
    pub(crate) key: &'a str,
    pub(crate) value: &'a [u8],
    pub(crate) created_at: u64,
    pub(crate) expires_at: Option<u64>,
}

/// What looks at each row, and says when it has seen enough.
pub(crate) type Visit<'v> = &'v mut dyn FnMut(Passing<'_>) -> ControlFlow<()>;

/// The rows, seen from inside a transaction. What writes is called only inside [`Backend::write`].
pub(crate) trait Rows: Ledger + Transcripts + Turns + Belongings + Contexts + Subagents + Jobs + Deliveries {
    /// What is written from now on is made or unmade together, whatever else is in the transaction.
    fn begin_steps(&mut self) -> Result<(), Problem>;
    /// Makes it, or unmakes it. A backend whose steps don't fail has nothing to unmake: rules refuse before they write.
    fn end_steps(&mut self, made: bool) -> Result<(), Problem>;

    fn get(&self, spot: Spot<'_>) -> Result<Option<Row>, Problem>;
    /// What a lookup needs of a row.
    fn value(&self, spot: Spot<'_>) -> Result<Option<Held>, Problem> {
        Ok(self.get(spot)?.map(|Row { value, expires_at, .. }| Held { value, expires_at }))
    }
    fn survey(&self, spot: Spot<'_>, now: u64) -> Result<Survey, Problem>;
    fn live(&self, owner: &str, namespace: &str, now: u64) -> Result<u64, Problem>;
    fn has_expired(&self, owner: &str, namespace: &str, now: u64) -> Result<bool, Problem>;
    /// What of an owner has expired and is still there.
    fn expired_of(&self, owner: &str, now: u64) -> Result<Amount, Problem>;
    /// The bytes of the rows that [`Fresh::evict`] would delete.
    fn oldest_bytes(&self, spot: Spot<'_>, evict: u64, now: u64) -> Result<u64, Problem>;
    fn scan(&self, owner: &str, namespace: &str, scan: Scan<'_>, now: u64, visit: Visit<'_>) -> Result<(), Problem>;
    fn usage(&self, now: u64) -> Result<Vec<Usage>, Problem>;
    fn export(
        &self,
        after: Option<&RowId>,
        limit: usize,
        now: u64,
        visit: &mut dyn FnMut(RowId, Row) -> ControlFlow<()>,
    ) -> Result<(), Problem>;

    fn put(&mut self, spot: Spot<'_>, fresh: Fresh<'_>, now: u64) -> Result<(), Problem>;
    fn remove(&mut self, spot: Spot<'_>) -> Result<(), Problem>;
    fn clear(&mut self, owner: &str, namespace: &str) -> Result<(), Problem>;
    /// Deletes expired rows of a namespace, [`EXPIRY_BATCH`] at most.
    fn expire(&mut self, owner: &str, namespace: &str, now: u64) -> Result<(), Problem>;
    /// Deletes expired rows of all, those that expired first first, [`EXPIRY_BATCH`] at most.
    fn sweep(&mut self, now: u64) -> Result<u64, Problem>;
    fn purge(&mut self, owner: &str) -> Result<u64, Problem>;
}

/// What all stores of a backend share.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) limits: StateLimits,
    pub(crate) clock: Arc<dyn Clock>,
    /// Tells this database's tokens from any other's.
    pub(crate) identity: String,
    pub(crate) pins: Pins,
}

impl Shelf {
    pub(crate) fn new(limits: StateLimits, clock: Arc<dyn Clock>, identity: String) -> Arc<Self> {
        Arc::new(Self { limits, clock, identity, pins: Pins::default() })
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.now().min(MAX_TIME)
    }
}

/// One namespace of one owner, as the rules see it.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) owner: Owner,
    pub(crate) namespace: String,
    pub(crate) options: Options,
    pub(crate) shelf: Arc<Shelf>,
}

impl Scope {
    pub(crate) fn spot<'a>(&'a self, key: &'a str) -> Spot<'a> {
        Spot { owner: self.owner.as_str(), namespace: &self.namespace, key }
    }
}

/// How many rows a write touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// One, or a few.
    Few,
    /// Perhaps thousands: nothing to do on a thread that serves others.
    Many,
}

/// How much of one moment a read sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// One statement.
    Once,
    /// Several statements that must see the same moment.
    Together,
}

/// A place where rows are kept, and how to get at them.
pub(crate) trait Backend: std::fmt::Debug + Send + Sync + 'static {
    fn shelf(&self) -> &Arc<Shelf>;

    /// Fails once it is closed. Reads nothing.
    fn is_open(&self) -> Result<(), Problem>;

    /// Notes in a probe what has to be passed before rows can be written and read.
    fn reach(&self, _: &mut Probe) -> Result<(), StateError> {
        Ok(())
    }

    fn read<T>(&self, reads: Reads, look: impl FnOnce(&dyn Rows) -> Result<T, Problem>) -> Result<T, Problem>;

    /// Answers after the commit. Work that fails has written nothing.
    fn write<T: Send + 'static>(
        &self,
        weight: Weight,
        work: impl FnOnce(&mut dyn Rows) -> Result<T, Problem> + Send + 'static,
    ) -> impl Future<Output = Result<T, Problem>> + Send;
}
