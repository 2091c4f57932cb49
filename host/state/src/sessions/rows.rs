//! What a backend brings for conversations: row operations, inside a transaction. Everything else is in the rules.
//!
//! No operation here knows a bound, looks at a clock or decides whether something is welcome. Sessions are found by key, what belongs to one by the key, too.

use super::{
    Compaction, Cursor, Injection, InjectionStatus, NewEntry, NewInjection, Question, RunRow, RunStatus, SessionRow, Shown, StateSpot,
    Subagent,
};
use crate::error::Problem;
use crate::store::Order;
use std::ops::{ControlFlow, RangeInclusive};

/// The entries of one life, which follow each other: their numbers are those after `before`, so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stretch {
    /// Entries of the lives before.
    pub(crate) before: u64,
    /// Entries of this one.
    pub(crate) entries: u64,
}

impl Stretch {
    /// The number of the last entry, or of the one before the first.
    pub(crate) fn last(self) -> u64 {
        self.before.saturating_add(self.entries)
    }
}

/// A session without its key, and without what plugins show there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) life: String,
    pub(crate) created_at: u64,
    pub(crate) began_at: u64,
    pub(crate) updated_at: u64,
    pub(crate) stretch: Stretch,
    /// Runs that have begun, over all lives.
    pub(crate) runs: u64,
}

impl Standing {
    pub(crate) fn row(self, key: String, shown: Vec<Shown>) -> SessionRow {
        let Self { life: id, created_at, began_at, updated_at, stretch, .. } = self;
        SessionRow { key, id, created_at, began_at, updated_at, entries: stretch.entries, shown }
    }
}

/// An entry and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbered {
    pub(crate) id: u64,
    pub(crate) at: u64,
    pub(crate) entry: NewEntry,
}

/// An injection without what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Tells it from every other of its session.
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) plugin: String,
    pub(crate) key: Option<String>,
    pub(crate) created_at: u64,
    pub(crate) ttl_ms: Option<u64>,
    pub(crate) status: InjectionStatus,
    pub(crate) run: Option<String>,
}

/// What looks at each row in passing, and says when it has seen enough.
pub(crate) type Look<'v, T> = &'v mut dyn FnMut(T) -> ControlFlow<()>;

/// Sessions, their lives, their entries.
pub(crate) trait Transcripts {
    fn standing(&self, key: &str) -> Result<Option<Standing>, Problem>;
    /// Makes or changes a session.
    fn put_session(&mut self, key: &str, standing: &Standing) -> Result<(), Problem>;
    /// Takes a session away with its lives, entries, runs, questions and deliveries, and with what doesn't survive a reset.
    fn remove_session(&mut self, key: &str) -> Result<(), Problem>;
    /// Takes away what doesn't survive a reset: injections, plugins' state, cursors, compactions and jobs.
    fn clear_session(&mut self, key: &str) -> Result<(), Problem>;
    /// What plugins show there, by plugin and namespace.
    fn shown(&self, key: &str) -> Result<Vec<Shown>, Problem>;
    /// Sessions behind this key, by key, in one go with what plugins show there.
    fn sessions(&self, after: Option<&str>, limit: usize, look: Look<'_, SessionRow>) -> Result<(), Problem>;

    /// A life that is over.
    fn past_life(&self, key: &str, life: &str) -> Result<Option<Stretch>, Problem>;
    fn add_past_life(&mut self, key: &str, life: &str, stretch: Stretch) -> Result<(), Problem>;

    /// Entries with these numbers. An empty range has none.
    fn entries(&self, key: &str, ids: RangeInclusive<u64>, order: Order, look: Look<'_, Numbered>) -> Result<(), Problem>;
    fn add_entry(&mut self, key: &str, id: u64, at: u64, entry: &NewEntry) -> Result<(), Problem>;
}

/// Runs, and the injections that they claim.
pub(crate) trait Turns {
    fn run(&self, run: &str) -> Result<Option<RunRow>, Problem>;
    /// Of a session, those that began last first.
    fn runs(&self, session: &str, limit: usize, look: Look<'_, RunRow>) -> Result<(), Problem>;
    /// Those that are running, of all sessions, by beginning and id.
    fn running(&self) -> Result<Vec<RunRow>, Problem>;
    /// A run with its number in the session.
    fn add_run(&mut self, number: u64, run: &RunRow) -> Result<(), Problem>;
    fn end_run(&mut self, run: &str, status: RunStatus, at: u64, error: Option<&str>) -> Result<(), Problem>;
    /// Takes away runs of a session up to this number, unless they are running.
    fn forget_runs(&mut self, session: &str, up_to: u64) -> Result<(), Problem>;

    /// All of a session, whatever their status, each with its number.
    fn injections(&self, session: &str) -> Result<Vec<(u64, Injection)>, Problem>;
    /// The same, without what they say.
    fn waiting(&self, session: &str) -> Result<Vec<Waiting>, Problem>;
    fn add_injection(&mut self, injection: &NewInjection, created_at: u64) -> Result<(), Problem>;
    fn mark_injection(&mut self, session: &str, number: u64, status: InjectionStatus, run: Option<&str>) -> Result<(), Problem>;
    fn remove_injection(&mut self, session: &str, number: u64) -> Result<(), Problem>;
    /// Takes away a plugin's injections for all sessions, but for those that were shown.
    fn forget_injections(&mut self, plugin: &str) -> Result<(), Problem>;
}

/// What plugins keep and ask.
pub(crate) trait Belongings {
    fn state(&self, at: StateSpot<'_>) -> Result<Option<String>, Problem>;
    fn put_state(&mut self, at: StateSpot<'_>, value: &str, shown: Option<&str>) -> Result<(), Problem>;
    fn remove_state(&mut self, at: StateSpot<'_>) -> Result<(), Problem>;
    /// Takes away a plugin's state of all sessions, its cursors, and what it has met.
    fn forget_belongings(&mut self, plugin: &str) -> Result<(), Problem>;

    fn has_met(&self, plugin: &str, session: &str) -> Result<bool, Problem>;
    fn add_met(&mut self, plugin: &str, session: &str) -> Result<(), Problem>;

    /// All questions, those that were asked first first, then by id.
    fn questions(&self) -> Result<Vec<Question>, Problem>;
    fn has_question(&self, id: &str) -> Result<bool, Problem>;
    fn add_question(&mut self, question: &Question) -> Result<(), Problem>;
    fn remove_question(&mut self, id: &str) -> Result<(), Problem>;
}

/// How far engines are with the present life of a session, and what stands for its beginning.
pub(crate) trait Contexts {
    fn cursor(&self, session: &str, engine: &str) -> Result<Option<Cursor>, Problem>;
    fn put_cursor(&mut self, session: &str, engine: &str, cursor: &Cursor) -> Result<(), Problem>;

    /// How many entries the newest compaction covers; none if there is none.
    fn compacted(&self, session: &str) -> Result<u64, Problem>;
    /// The newest first.
    fn compactions(&self, session: &str, limit: usize, look: Look<'_, Compaction>) -> Result<(), Problem>;
    /// One that covers more than all before it.
    fn add_compaction(&mut self, session: &str, compaction: &Compaction) -> Result<(), Problem>;
}

/// Whom plugins have sent out.
pub(crate) trait Subagents {
    fn subagent(&self, plugin: &str, name: &str) -> Result<Option<Subagent>, Problem>;
    fn subagent_at(&self, session: &str) -> Result<Option<Subagent>, Problem>;
    /// Those without a session first, then those that are to be deleted, then by plugin and name.
    fn subagents(&self, plugin: Option<&str>, limit: usize, look: Look<'_, Subagent>) -> Result<(), Problem>;
    /// Of all plugins, those whose session's key is behind this one, by that key.
    fn subagents_behind(&self, after: Option<&str>, limit: usize, look: Look<'_, Subagent>) -> Result<(), Problem>;
    /// Those who work for the session with this key are to be deleted.
    fn mark_subagents_of(&mut self, parent: &str) -> Result<(), Problem>;
    /// Makes one, or changes its engine, its ticket, whether it is to be deleted, and whether its session is gone.
    fn put_subagent(&mut self, row: &Subagent) -> Result<(), Problem>;
    fn remove_subagent(&mut self, plugin: &str, name: &str) -> Result<(), Problem>;
}
