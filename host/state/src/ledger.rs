//! What the host itself remembers: one document per subject, and a history that only grows.
//!
//! Neither belongs to a plugin: no plugin's limits count them, and no usage, export or purge touches them. A [`Record`] writes documents and tells the
//! history in one transaction, so that the two never contradict each other; it costs one commit and a thread hop, and reading a document one search.
//! Bounds are fixed, no setting changes them. What is too large is `limit-exceeded`, what makes no sense `invalid-input`, and a document that isn't as
//! the writer had seen it a [`Conflict`]; each leaves everything as it was.
//!
//! ```
//! use plugbay_state::{DocumentChange, Fact, HistoryQuery, Memory, Record, Seen, StateStore};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let state = Memory::default();
//! let installed = DocumentChange::set("plugin", "scribe", r#"{"active":"b3:77"}"#.into()).seen(Seen::Absent);
//! let fact = Fact { plugin: Some("scribe".into()), to: Some("b3:77".into()), ..Fact::new("operator", "install") };
//! state.record(Record { documents: vec![installed], events: vec![fact] }).await??;
//!
//! let history = state.history(HistoryQuery::newest(10).of("scribe")).await?;
//! assert_eq!(history.first().map(|event| event.fact.what.as_str()), Some("install"));
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
//! ```

pub(crate) mod rules;

use crate::store::Order;
use std::fmt;
use std::num::NonZeroUsize;
use thiserror::Error;

/// What the host keeps about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What kind of subject.
    pub kind: String,
    /// Which one of its kind.
    pub name: String,
    /// JSON, byte for byte as it was given.
    pub body: String,
    /// Grows with each write, and never comes again: not after a deletion, not in another document.
    pub revision: u64,
}

/// What a writer knows of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// There was none.
    Absent,
    /// It had this revision.
    Revision(u64),
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("none"),
            Self::Revision(revision) => write!(f, "revision {revision}"),
        }
    }
}

/// What to do with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentChange {
    /// What kind of subject: a word as `grant` or `kept-version`.
    pub kind: String,
    /// Which one of its kind: any text but an empty one.
    pub name: String,
    /// The JSON to write. None: delete the document, if there is one.
    pub body: Option<String>,
    /// What it must still be. None: whatever it is.
    pub seen: Option<Seen>,
}

impl DocumentChange {
    /// Writes it, whatever is there.
    #[must_use]
    pub fn set(kind: &str, name: &str, body: String) -> Self {
        Self { kind: kind.into(), name: name.into(), body: Some(body), seen: None }
    }

    /// Deletes it, whatever is there.
    #[must_use]
    pub fn delete(kind: &str, name: &str) -> Self {
        Self { kind: kind.into(), name: name.into(), body: None, seen: None }
    }

    /// The same, but only if the document is still as it was seen.
    #[must_use]
    pub fn seen(self, seen: Seen) -> Self {
        Self { seen: Some(seen), ..self }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Who did it.
    pub who: String,
    /// What it was: a word as `install` or `roll-back`.
    pub what: String,
    /// To which plugin.
    pub plugin: Option<String>,
    /// The digest before.
    pub from: Option<String>,
    /// The digest after.
    pub to: Option<String>,
    /// The reason.
    pub why: Option<String>,
    /// JSON with whatever else there is to say.
    pub details: Option<String>,
}

impl Fact {
    /// Who did what, and no more.
    #[must_use]
    pub fn new(who: &str, what: &str) -> Self {
        Self { who: who.into(), what: what.into(), plugin: None, from: None, to: None, why: None, details: None }
    }

    /// Every text of it with its name, those first that must be there.
    fn texts(&self) -> [(&'static str, Option<&str>); 7] {
        [
            ("who", Some(&self.who)),
            ("what", Some(&self.what)),
            ("plugin", self.plugin.as_deref()),
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
            ("why", self.why.as_deref()),
            ("details", self.details.as_deref()),
        ]
    }

    fn bytes(&self) -> usize {
        self.texts().iter().filter_map(|(_, text)| *text).map(str::len).sum()
    }
}

/// A row of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number: later events have larger ones, and none comes twice.
    pub seq: u64,
    /// When, in milliseconds since 1970. Never earlier than the event before, though the clock be set back.
    pub at: u64,
    /// What happened.
    pub fact: Fact,
}

/// What is written together: all of it, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// What becomes of which document; each at most once.
    pub documents: Vec<DocumentChange>,
    /// What the history is told, in this order.
    pub events: Vec<Fact>,
}

impl Record {
    /// Documents and events of one record, together.
    pub const MAX_PARTS: usize = 1_000;
    /// Bytes of a document's body.
    pub const MAX_BODY: usize = 256 << 10;
    /// Bytes of a document's name, and of each text of an event but its details.
    pub const MAX_TEXT: usize = 4 << 10;
    /// Bytes of an event's details.
    pub const MAX_DETAILS: usize = 16 << 10;
    /// How deep arrays and objects of a body or of details nest.
    pub const MAX_DEPTH: usize = 64;
}

/// Somebody else was quicker: a document isn't as it was seen, and nothing of the record was written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the {kind} document {name:?} was changed meanwhile: expected {seen}, there is {there}")]
pub struct Conflict {
    /// The document's kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What the writer had seen.
    pub seen: Seen,
    /// What is there.
    pub there: Seen,
}

/// Which events to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Of this plugin only.
    pub plugin: Option<String>,
    /// With larger numbers than this only.
    pub after: Option<u64>,
    /// With smaller numbers than this only.
    pub before: Option<u64>,
    /// Which way: up from the oldest, or down from the newest.
    pub order: Order,
    /// How many at most; up to [`HistoryQuery::MAX_EVENTS`].
    pub limit: NonZeroUsize,
}

impl HistoryQuery {
    /// Events of one answer.
    pub const MAX_EVENTS: usize = 1_000;

    /// The newest so many events (one, if 0 are asked for), newest first.
    #[must_use]
    pub fn newest(limit: usize) -> Self {
        let limit = NonZeroUsize::new(limit).unwrap_or(NonZeroUsize::MIN);
        Self { plugin: None, after: None, before: None, order: Order::Descending, limit }
    }

    /// The oldest so many events (one, if 0 are asked for), oldest first.
    #[must_use]
    pub fn oldest(limit: usize) -> Self {
        Self { order: Order::Ascending, ..Self::newest(limit) }
    }

    /// The same, of this plugin only.
    #[must_use]
    pub fn of(self, plugin: &str) -> Self {
        Self { plugin: Some(plugin.into()), ..self }
    }

    /// The same, with larger numbers than this only.
    #[must_use]
    pub fn after(self, seq: u64) -> Self {
        Self { after: Some(seq), ..self }
    }

    /// The same, with smaller numbers than this only.
    #[must_use]
    pub fn before(self, seq: u64) -> Self {
        Self { before: Some(seq), ..self }
    }
}
