//! The face of the crate: the two traits, and what goes in and out of them.
//!
//! Every method answers a [`Reply`] or an [`Answer`], so that a database across a network fits behind the same traits. A dropped reply cancels a write that hasn't
//! begun, and lets one that has begun finish.

use crate::error::{Operation, Problem, StateError};
use crate::ledger::{Conflict, Document, Event, HistoryQuery, Record};
use crate::probe::Probe;
use std::fmt;
use std::future::{Future, Ready};
use std::num::{NonZeroU64, NonZeroUsize};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The answer to a call, ready when it is read or committed.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, StateError>> + Send + 'a>>;

/// The answer to a read. A database at hand answers in place, before anything is awaited; one that is far away makes its caller wait.
#[must_use = "await it"]
pub enum Answer<'a, T> {
    /// Was read when it was asked for.
    Now(Ready<Result<T, StateError>>),
    /// Is on its way.
    Later(Reply<'a, T>),
}

impl<T> Future for Answer<'_, T> {
    type Output = Result<T, StateError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Now(read) => Pin::new(read).poll(context),
            Self::Later(reply) => reply.as_mut().poll(context),
        }
    }
}

/// A backend: hands out stores, and serves operators.
pub trait StateStore: fmt::Debug + Send + Sync {
    /// Opens a namespace. The first opener's options hold for the life of the backend; other options are `invalid-input`.
    fn open<'a>(&'a self, owner: &'a Owner, namespace: &'a str, options: Options) -> Reply<'a, Arc<dyn KeyedStore>>;

    /// Every read of its stores is an [`Answer::Now`]: who calls it needn't be able to wait.
    fn reads_in_place(&self) -> bool {
        false
    }

    /// Deletes up to 1,024 expired rows, those that expired first first. Answers how many; call again until it is 0.
    fn sweep(&self) -> Reply<'_, u64>;

    /// Rows and bytes of every namespace, by owner and namespace.
    fn usage(&self) -> Reply<'_, Vec<Usage>>;

    /// Up to `limit` live rows that follow `after`, by owner, namespace and key; fewer when a result's bytes are used up, none at the end.
    fn export<'a>(&'a self, after: Option<&'a RowId>, limit: NonZeroUsize) -> Reply<'a, Vec<ExportedRow>>;

    /// Deletes all rows of an owner, answers how many: what `uninstall --purge` asks for.
    fn purge<'a>(&'a self, owner: &'a Owner) -> Reply<'a, u64>;

    /// The host's own documents of a kind, by name: all of them, for what the host itself wrote it can hold.
    fn documents<'a>(&'a self, kind: &'a str) -> Reply<'a, Vec<Document>>;

    /// One of the host's own documents.
    fn document<'a>(&'a self, kind: &'a str, name: &'a str) -> Reply<'a, Option<Document>>;

    /// Changes documents and tells the history, all in one transaction; answers the events' numbers. If a document isn't as it was seen, nothing
    /// happens but the conflict's being told.
    fn record(&self, record: Record) -> Reply<'_, Result<Vec<u64>, Conflict>>;

    /// What happened; fewer events than asked for when a result's bytes are used up, none at the end.
    fn history(&self, query: HistoryQuery) -> Reply<'_, Vec<Event>>;

    /// Tries everything once, with a row of its own. Never fails: what failed stands in the probe.
    fn probe(&self) -> Pin<Box<dyn Future<Output = Probe> + Send + '_>>;

    /// Lets the writes that were accepted finish, and closes. From then on everything is `unavailable`. Closing twice is fine.
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// One namespace of one owner. `ttl` is in milliseconds, 0 is refused; without one the namespace's default holds, and without that a row lives for
/// ever. Keys are trimmed.
pub trait KeyedStore: fmt::Debug + Send + Sync {
    /// Writes a row. A row that was there gets a new value, a new age and a new expiry.
    fn register<'a>(&'a self, key: &'a str, value: String, ttl: Option<u64>) -> Reply<'a, ()>;

    /// Writes a row if there is no live one; answers whether it did.
    fn register_if_absent<'a>(&'a self, key: &'a str, value: String, ttl: Option<u64>) -> Reply<'a, bool>;

    /// The value of a live row.
    fn lookup<'a>(&'a self, key: &'a str) -> Answer<'a, Option<String>>;

    /// The values of many rows as they are at one moment, in the order of the keys. A corrupt row fails its own position only.
    fn lookup_many<'a>(&'a self, keys: &'a [String]) -> Answer<'a, Vec<Result<Option<String>, StateError>>>;

    /// Reads and deletes a row. Of several callers one gets it. A corrupt row stays.
    fn consume<'a>(&'a self, key: &'a str) -> Reply<'a, Option<String>>;

    /// Deletes a row; answers whether there was a live one.
    fn delete<'a>(&'a self, key: &'a str) -> Reply<'a, bool>;

    /// All live rows, oldest first, rows of one age by key.
    fn entries(&self) -> Answer<'_, Vec<Entry>>;

    /// Live rows by key.
    fn range<'a>(&'a self, range: Range<'a>) -> Answer<'a, Page>;

    /// How many live rows there are.
    fn count(&self) -> Answer<'_, u64>;

    /// Deletes all rows of this namespace.
    fn clear(&self) -> Reply<'_, ()>;

    /// The live row, if any, with a token for [`KeyedStore::compare_and_apply`].
    fn observe<'a>(&'a self, key: &'a str) -> Answer<'a, Observation>;

    /// Makes the change if the row and all conditions are still as they were observed, in one transaction.
    fn compare_and_apply<'a>(
        &'a self,
        key: &'a str,
        seen: &'a Comparison,
        change: Change,
        conditions: &'a [Condition],
    ) -> Reply<'a, Applied>;

    /// Deletes a row whose value equals this JSON string, number, boolean or null; answers whether it did.
    fn delete_if_equal<'a>(&'a self, key: &'a str, scalar: &'a str) -> Reply<'a, bool>;
}

/// Whose rows: a plugin's id. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(Arc<str>);

impl Owner {
    /// An owner by its id: 1 to 128 ASCII letters, digits, hyphens, dots and underscores, a letter or digit first.
    ///
    /// # Errors
    /// `invalid-input` for anything else.
    pub fn new(id: &str) -> Result<Self, StateError> {
        if crate::check::is_name(id) && id.len() <= 128 {
            return Ok(Self(id.into()));
        }
        let shown: String = id.chars().take(80).collect();
        Err(Problem::Invalid(format!("{shown:?} is no owner's id")).during(Operation::Open))
    }

    /// An owner that no plugin can be, since no plugin's id has such a name.
    pub(crate) fn reserved(name: &str) -> Self {
        Self(format!("${name}").into())
    }

    /// An owner as it is stored.
    pub(crate) fn stored(text: String) -> Self {
        Self(text.into())
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a full namespace does with a new row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// Deletes its oldest rows, never the new one.
    #[default]
    EvictOldest,
    /// Refuses it. Rows that are there can still be written.
    RejectNew,
}

/// How a namespace is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Live rows it holds.
    pub max_entries: NonZeroUsize,
    /// What it does when full.
    pub overflow: Overflow,
    /// How long a row lives whose writer doesn't say, in milliseconds.
    pub default_ttl: Option<NonZeroU64>,
}

impl Options {
    /// A namespace of so many rows (one, if 0 is asked for) that evicts its oldest and whose rows live for ever.
    #[must_use]
    pub fn up_to(max_entries: usize) -> Self {
        Self {
            max_entries: NonZeroUsize::new(max_entries).unwrap_or(NonZeroUsize::MIN),
            overflow: Overflow::EvictOldest,
            default_ttl: None,
        }
    }

    /// The same, with this overflow.
    #[must_use]
    pub fn overflow(self, overflow: Overflow) -> Self {
        Self { overflow, ..self }
    }

    /// The same, with this default ttl in milliseconds; 0 is none.
    #[must_use]
    pub fn default_ttl(self, ms: u64) -> Self {
        Self { default_ttl: NonZeroU64::new(ms), ..self }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let overflow = match self.overflow {
            Overflow::EvictOldest => "evict-oldest",
            Overflow::RejectNew => "reject-new",
        };
        write!(f, "{} entries, {overflow}, ", self.max_entries)?;
        match self.default_ttl {
            Some(ms) => write!(f, "default ttl {ms} ms"),
            None => f.write_str("no default ttl"),
        }
    }
}

/// A live row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its key, trimmed.
    pub key: String,
    /// Its JSON, byte for byte as it was given.
    pub value: String,
    /// When it was last written, in milliseconds since 1970. Never earlier than any row of the namespace that was written before it.
    pub created_at: u64,
    /// From when on it is gone.
    pub expires_at: Option<u64>,
}

/// Which way a range goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// From the first key up.
    #[default]
    Ascending,
    /// From the last key down.
    Descending,
}

/// Which rows a range reads. Keys compare by their UTF-8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range<'a> {
    /// The first key, itself included.
    pub start: Option<&'a str>,
    /// The last key, itself excluded.
    pub end: Option<&'a str>,
    /// How many rows at most.
    pub limit: NonZeroUsize,
    /// How many bytes of keys and values at most; the page ends before a row that would be too much. Without it the result's limit holds, and a
    /// range beyond it is refused.
    pub max_bytes: Option<NonZeroUsize>,
    /// Which way.
    pub order: Order,
}

impl Range<'_> {
    /// The first rows of all (one, if 0 are asked for).
    #[must_use]
    pub fn first(limit: usize) -> Self {
        let limit = NonZeroUsize::new(limit).unwrap_or(NonZeroUsize::MIN);
        Self { start: None, end: None, limit, max_bytes: None, order: Order::Ascending }
    }
}

/// Rows of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The rows, in the order that was asked for.
    pub entries: Vec<Entry>,
    /// There are more rows in the range.
    pub more: bool,
}

/// What a row was at one moment: an opaque token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Comparison(pub(crate) String);

impl Comparison {
    /// A token as a caller hands it back. What it is worth shows when it is used.
    #[must_use]
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What [`KeyedStore::observe`] saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The live row, if there is one.
    pub value: Option<Entry>,
    /// The token of what was seen, absence included.
    pub comparison: Comparison,
}

/// A row of the same owner that must still be as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its namespace.
    pub namespace: String,
    /// Its key.
    pub key: String,
    /// What was seen.
    pub comparison: Comparison,
}

/// What to do with a row that is still as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Write it, as `register` would.
    Set {
        /// The JSON.
        value: String,
        /// How long it lives, in milliseconds.
        ttl: Option<u64>,
    },
    /// Leave it.
    Keep,
    /// Delete it.
    Delete,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It was made.
    Applied,
    /// There was nothing to change: [`Change::Keep`], or [`Change::Delete`] of no row.
    Unchanged,
    /// The row, or a condition's row, isn't as it was seen. Holds what the row is now, not what the condition's row is.
    Conflict(Observation),
}

/// What a namespace holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Whose it is.
    pub owner: Owner,
    /// Its name.
    pub namespace: String,
    /// Live rows.
    pub rows: u64,
    /// Bytes of live values.
    pub bytes: u64,
    /// Rows that have expired and aren't deleted yet.
    pub expired: u64,
}

/// Where a row stands, in the order of an export.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowId {
    /// Whose it is.
    pub owner: Owner,
    /// Its namespace.
    pub namespace: String,
    /// Its key.
    pub key: String,
}

/// A row as operators export it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedRow {
    /// Where it stands.
    pub id: RowId,
    /// Its text as it is stored; bytes that are no UTF-8 are replaced.
    pub value: String,
    /// The text is no JSON.
    pub corrupt: bool,
    /// When it was last written.
    pub created_at: u64,
    /// From when on it is gone.
    pub expires_at: Option<u64>,
}
