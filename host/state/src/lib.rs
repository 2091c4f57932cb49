//! What outlives a process: keyed stores that plugins write JSON to and the host's own ledger, in memory or in SQLite.
//!
//! Three ideas. A [`StateStore`] is a backend; it hands out a [`KeyedStore`] per owner and namespace, and nothing of the database shows through
//! either.
//! All rules (expiry, eviction, limits, comparisons) are written once, over a handful of row operations that each backend brings. Reads run in
//! place and are ready when first polled; a write answers when it is committed. The crate knows no wasm and no plugin API.
//!
//! Beside the plugins' rows stands what the host itself remembers: documents, and a history that only grows, changed by [`Record`]s; and conversations, with what
//! plugins leave there, how far context engines are with them, and plugins' subagents, a [`SessionStore`]; and what the
//! host is to do later for plugins, and what they have handed over, a [`WorkStore`].
//!
//! What it costs and how it fails stands at each backend ([`Sqlite`], [`Memory`]). Every failure is a [`StateError`]: a [`Code`], the
//! [`Operation`] that was called, and a sentence.
//!
//! ```
//! use plugbay_state::{Applied, Change, Memory, Options, Owner, StateStore};
//!
//! # async fn example() -> Result<(), plugbay_state::StateError> {
//! let state = Memory::default();
//! let notes = state.open(&Owner::new("scribe")?, "notes", Options::up_to(100)).await?;
//!
//! notes.register("greeting", r#"{"text":"hello"}"#.into(), None).await?;
//! assert_eq!(notes.lookup("greeting").await?.as_deref(), Some(r#"{"text":"hello"}"#));
//!
//! // Read, think, write: applied only if nobody else wrote in between.
//! let seen = notes.observe("greeting").await?;
//! let change = Change::Set { value: r#"{"text":"bye"}"#.into(), ttl: Some(60_000) };
//! assert_eq!(notes.compare_and_apply("greeting", &seen.comparison, change, &[]).await?, Applied::Applied);
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
//! ```

mod check;
mod clock;
mod error;
mod front;
mod keyed;
mod ledger;
mod limits;
mod memory;
mod pins;
mod probe;
mod rows;
mod rules;
mod sessions;
mod sqlite;
mod store;
mod sweeper;
mod token;
mod work;

pub use clock::{Clock, MAX_TIME, SystemClock, TestClock};
pub use error::{Code, Operation, StateError};
pub use ledger::{Conflict, Document, DocumentChange, Event, Fact, HistoryQuery, Record, Seen};
pub use limits::{Limit, Overrun, StateLimits};
pub use memory::Memory;
pub use probe::{Probe, Step};
pub use sessions::{
    Compaction, Cursor, EngineSpot, Ensured, Injection, InjectionStatus, Interrupted, NewCompaction, NewEntry, NewInjection, NewRun,
    NewSubagent, Question, Queued, RunRow, RunStatus, SessionBounds, SessionRow, SessionStore, Shown, StateSpot, StoredEntry, Subagent,
    Untold, Window,
};
pub use sqlite::{DATABASE_FILE, Holder, Locked, SCHEMA_VERSION, Sqlite, SqliteSettings, StateLock, Synchronous};
pub use store::{
    Answer, Applied, Change, Comparison, Condition, Entry, ExportedRow, KeyedStore, Observation, Options, Order, Overflow, Owner, Page,
    Range, Reply, RowId, StateStore, Usage,
};
pub use sweeper::Sweeper;
pub use work::{
    DeliveriesQuery, Delivery, Job, JobEnd, JobEnded, JobPut, JobSession, JobSpot, JobStatus, JobTime, JobsQuery, NewDelivery, NewJob,
    WorkBounds, WorkStore,
};
