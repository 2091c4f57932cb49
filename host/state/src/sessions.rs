//! Conversations: sessions and their transcripts, turns under way, what plugins leave there, how far engines are with them, and whom plugins have sent out.
//!
//! A session's *key* is its stable name, its *id* one life of it: a reset begins another life, whose transcript starts empty, and keeps the lives before. An
//! entry's number is unique in its session, growing over all lives. A *run* is one turn; what it claims and shows is written in the transaction that says
//! so, so that after a kill nothing is lost silently and nothing is shown twice. Reading costs one search and what is read, whatever the length of
//! the history; each write is one commit. What is too large is `limit-exceeded`, what makes no sense `invalid-input`, each with nothing changed.
//!
//! ```
//! use plugbay_state::{Memory, NewEntry, NewRun, RunStatus, SessionStore, Window};
//!
//! # async fn example() -> Result<(), plugbay_state::StateError> {
//! let state = Memory::default();
//! let session = state.ensure_session("main", "life-1").await?.session;
//! let turn = NewRun {
//!     run: "run-1".into(),
//!     session: session.key.clone(),
//!     life: session.id.clone(),
//!     trigger: "user".into(),
//!     facts: "{}".into(),
//!     plugins: vec!["scribe".into()],
//! };
//! assert_eq!(state.begin_run(turn).await?, Some(vec![]), "nobody had anything to inject");
//!
//! let said = |role: &str, text: &str| NewEntry {
//!     role: role.into(),
//!     content: format!("{text:?}"),
//!     tool_call_id: None,
//!     run: Some("run-1".into()),
//!     meta: None,
//! };
//! assert_eq!(state.show("run-1", vec![said("user", "hello")]).await?, Some(vec![1]));
//! assert_eq!(state.append("main", &session.id, vec![said("assistant", "hi")]).await?, Some(vec![2]));
//! assert!(state.end_run("run-1", RunStatus::Done, None).await?);
//!
//! let newest = state.entries("main", &session.id, Window::Newest(1))?;
//! assert_eq!(newest.first().map(|entry| entry.entry.content.as_str()), Some("\"hi\""));
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
//! ```

pub(crate) mod bounds;
mod context;
pub(crate) mod rows;
pub(crate) mod rules;
mod session;
mod subagent;
mod turn;

pub use bounds::SessionBounds;
pub use context::{Compaction, Cursor, EngineSpot, NewCompaction, Untold};
pub use session::{Ensured, NewEntry, SessionRow, Shown, StateSpot, StoredEntry, Window};
pub use subagent::{NewSubagent, Subagent};
pub use turn::{Injection, InjectionStatus, Interrupted, NewInjection, NewRun, Question, Queued, RunRow, RunStatus};

use crate::error::{Operation, StateError};
use crate::front::Front;
use crate::keyed::reply;
use crate::store::Reply;
use rules::lives::Workers;
use rules::{engines, injections, lives, plugins, subagents, transcript, turns};
use std::num::NonZeroUsize;

/// Sessions and turns, as they outlive a process.
///
/// Every operation is one transaction. Times are the backend's clock. Names (keys, ids, namespaces) are 1 to 512 bytes without control characters and without space
/// around them; see [`SessionBounds`] for the rest.
pub trait SessionStore: Send + Sync {
    /// The session with this key.
    fn session<'a>(&'a self, key: &'a str) -> Reply<'a, Option<SessionRow>>;

    /// The session with this key; made with this id as its first life if there is none.
    fn ensure_session<'a>(&'a self, key: &'a str, id: &'a str) -> Reply<'a, Ensured>;

    /// Sessions behind this key, by key; fewer than asked for when a result's bytes are used up, none at the end. No guest is called for it.
    fn sessions<'a>(&'a self, after: Option<&'a str>, limit: NonZeroUsize) -> Reply<'a, Vec<SessionRow>>;

    /// Begins another life of a session, with this id, and answers how the session was. Its injections, the plugins' state of it, the engines' cursors,
    /// its compactions and its jobs are gone, its runs, questions and deliveries stay. None: there is no such session. An id that a life of it has had is `invalid-input`.
    fn reset_session<'a>(&'a self, key: &'a str, id: &'a str) -> Reply<'a, Option<SessionRow>>;

    /// Deletes a session with everything that belongs to it, all lives, runs, questions, jobs and deliveries, and answers how it was. Who has met it still has, and subagents
    /// stay noted; if it was one's own, that is noted.
    fn delete_session<'a>(&'a self, key: &'a str) -> Reply<'a, Option<SessionRow>>;

    /// Does the one or the other, by whether there is an id of a next life; and those who work for the session are to be deleted from then on, all of them, in the
    /// same transaction.
    fn end_life<'a>(&'a self, key: &'a str, next: Option<&'a str>) -> Reply<'a, Option<SessionRow>>;

    /// Writes entries into this life of a session, and answers their numbers. None: the session is gone, or in another life.
    fn append<'a>(&'a self, key: &'a str, life: &'a str, entries: Vec<NewEntry>) -> Reply<'a, Option<Vec<u64>>>;

    /// Entries of a life, oldest first; fewer when a result's bytes (8 MiB) are used up, but one at least: of the newest then the oldest are left out. Empty for a life that there isn't.
    ///
    /// # Errors
    /// As every reply. It reads in place: a backend on this machine doesn't wait.
    fn entries(&self, key: &str, life: &str, window: Window) -> Result<Vec<StoredEntry>, StateError>;

    /// One entry of a life by its number.
    ///
    /// # Errors
    /// As every reply. It reads in place.
    fn entry(&self, key: &str, life: &str, id: u64) -> Result<Option<StoredEntry>, StateError>;

    /// How many entries a life has.
    ///
    /// # Errors
    /// As every reply. It reads in place.
    fn count_entries(&self, key: &str, life: &str) -> Result<u64, StateError>;

    /// Begins a run, and claims what plugins have queued for it: higher priority first, then age; what has expired is dropped. None: the session
    /// is gone, or in another life.
    fn begin_run(&self, run: NewRun) -> Reply<'_, Option<Vec<Injection>>>;

    /// What a run has claimed was shown to a model: it is spent. Writes these entries in the same transaction, and answers their numbers. None: the session
    /// is gone, or in another life, or the run isn't running any more; then nothing is written.
    fn show<'a>(&'a self, run: &'a str, entries: Vec<NewEntry>) -> Reply<'a, Option<Vec<u64>>>;

    /// Ends a run; what it has claimed and not shown is pending again, with its age. Whether it was running.
    fn end_run<'a>(&'a self, run: &'a str, status: RunStatus, error: Option<&'a str>) -> Reply<'a, bool>;

    /// The same; and in the same transaction it is noted where this engine is that it may not have been told of the turn. That takes the place of a turn that is noted
    /// there: to be told of one is to be told that everything up to then was.
    fn end_run_untold<'a>(&'a self, run: &'a str, status: RunStatus, error: Option<&'a str>, untold: Untold<'a>) -> Reply<'a, bool>;

    /// Runs of a session, newest first; fewer than asked for when a result's bytes are used up, but one at least.
    fn runs<'a>(&'a self, session: &'a str, limit: NonZeroUsize) -> Reply<'a, Vec<RunRow>>;

    /// For a host that starts, and finds nothing when it is called again: runs that were running are interrupted, what they claimed and didn't show is pending again, and their questions are gone. The
    /// questions of no run are gone, too: they come with the answer's second half.
    fn recover(&self) -> Reply<'_, (Vec<Interrupted>, Vec<Question>)>;

    /// Queues an injection for a session in this life. An id that waits there already, of the same plugin, is `invalid-input`.
    fn inject<'a>(&'a self, injection: NewInjection, life: &'a str) -> Reply<'a, Queued>;

    /// Injections of a session that are pending or claimed, in the order in which a run shows them.
    fn injections<'a>(&'a self, session: &'a str) -> Reply<'a, Vec<Injection>>;

    /// Puts a plugin's state of a session, or takes it away; with what is shown of it. Whether there was any, or none if the session is gone or in another life.
    fn put_state<'a>(&'a self, at: StateSpot<'a>, value: Option<String>, shown: Option<String>) -> Reply<'a, Option<bool>>;

    /// A plugin's state of a session. The outer none: the session is gone, or in another life.
    ///
    /// # Errors
    /// As every reply. It reads in place.
    fn state_of(&self, at: StateSpot<'_>) -> Result<Option<Option<String>>, StateError>;

    /// A plugin is switched off: its injections are gone, but for those that a run has shown, and its jobs. Or uninstalled: its state
    /// of sessions, its cursors, and the sessions that it has met, too; its subagents stay noted, and its deliveries listed.
    fn forget_plugin<'a>(&'a self, plugin: &'a str, uninstalled: bool) -> Reply<'a, ()>;

    /// A plugin has met a session.
    fn meet<'a>(&'a self, plugin: &'a str, session: &'a str) -> Reply<'a, ()>;

    /// Whether a plugin has met a session, and the session if there still is one.
    fn met<'a>(&'a self, plugin: &'a str, session: &'a str) -> Reply<'a, Option<Option<SessionRow>>>;

    /// A question is asked. An id that another question has is `invalid-input`.
    fn ask(&self, question: Question) -> Reply<'_, ()>;

    /// A question is answered, or not any more: it is gone. Whether it was there.
    fn answered<'a>(&'a self, id: &'a str) -> Reply<'a, bool>;

    /// How far an engine is with a life. None: it has never seen it, or the session is gone or in another life.
    ///
    /// # Errors
    /// As every reply. It reads in place.
    fn cursor(&self, at: EngineSpot<'_>) -> Result<Option<Cursor>, StateError>;

    /// An engine is so far with a life; it may be less far than before. False: the session is gone, or in another life. Beyond the life's entries is
    /// `invalid-input`. The session's time stays: nothing was said.
    fn put_cursor<'a>(&'a self, at: EngineSpot<'a>, cursor: Cursor) -> Reply<'a, bool>;

    /// The newest compaction of a life. None: there is none, or the session is gone or in another life.
    ///
    /// # Errors
    /// As every reply. It reads in place.
    fn compaction(&self, key: &str, life: &str) -> Result<Option<Compaction>, StateError>;

    /// The newest compactions of a life, [`SessionBounds::ANSWER`] at most, oldest first; fewer when a result's bytes are used up, but one at least: then the
    /// oldest are left out. Empty if the session is gone or in another life.
    fn compactions<'a>(&'a self, key: &'a str, life: &'a str) -> Reply<'a, Vec<Compaction>>;

    /// Keeps a summary of a life's beginning. False: the session is gone, or in another life. One that covers no more than the newest does, or more than the
    /// life's entries, is `invalid-input`.
    fn put_compaction<'a>(&'a self, key: &'a str, life: &'a str, compaction: NewCompaction) -> Reply<'a, bool>;

    /// Notes a subagent. False: the plugin has one of this name already. A session that is another subagent's is `invalid-input`.
    fn add_subagent(&self, subagent: NewSubagent) -> Reply<'_, bool>;

    /// The subagent that a plugin calls so.
    fn subagent<'a>(&'a self, plugin: &'a str, name: &'a str) -> Reply<'a, Option<Subagent>>;

    /// The subagent whose session has this key.
    fn subagent_at<'a>(&'a self, session: &'a str) -> Reply<'a, Option<Subagent>>;

    /// Subagents of a plugin, or of all: those without a session first, then those that are to be deleted, then by plugin and name. [`SessionBounds::ANSWER`] at most; fewer when a
    /// result's bytes are used up, but one at least.
    fn subagents<'a>(&'a self, plugin: Option<&'a str>) -> Reply<'a, Vec<Subagent>>;

    /// Subagents of all plugins whose session's key is behind this one, by that key; [`SessionBounds::ANSWER`] at most, fewer when a result's bytes are used up, none at
    /// the end. For whoever has to see all of them.
    fn subagents_behind<'a>(&'a self, after: Option<&'a str>) -> Reply<'a, Vec<Subagent>>;

    /// A subagent is to be deleted. Whether there is one.
    fn mark_deleting<'a>(&'a self, plugin: &'a str, name: &'a str) -> Reply<'a, bool>;

    /// A subagent is noted no more. Whether there was one.
    fn forget_subagent<'a>(&'a self, plugin: &'a str, name: &'a str) -> Reply<'a, bool>;

    /// The engine that prepared a subagent, and what it wants to see again, in place of what was kept. Whether there is such a subagent. A ticket of no
    /// engine is `invalid-input`.
    fn set_ticket<'a>(&'a self, plugin: &'a str, name: &'a str, engine: Option<String>, ticket: Option<String>) -> Reply<'a, bool>;
}

impl<F: Front> SessionStore for F {
    fn session<'a>(&'a self, key: &'a str) -> Reply<'a, Option<SessionRow>> {
        reply(Operation::Session, async move { lives::session(&**self.backend(), key) })
    }

    fn ensure_session<'a>(&'a self, key: &'a str, id: &'a str) -> Reply<'a, Ensured> {
        reply(Operation::EnsureSession, lives::ensure(&**self.backend(), key, id))
    }

    fn sessions<'a>(&'a self, after: Option<&'a str>, limit: NonZeroUsize) -> Reply<'a, Vec<SessionRow>> {
        reply(Operation::Sessions, async move { lives::sessions(&**self.backend(), after, limit) })
    }

    fn reset_session<'a>(&'a self, key: &'a str, id: &'a str) -> Reply<'a, Option<SessionRow>> {
        reply(Operation::ResetSession, lives::reset(&**self.backend(), key, id, Workers::Stay))
    }

    fn delete_session<'a>(&'a self, key: &'a str) -> Reply<'a, Option<SessionRow>> {
        reply(Operation::DeleteSession, lives::delete(&**self.backend(), key, Workers::Stay))
    }

    fn end_life<'a>(&'a self, key: &'a str, next: Option<&'a str>) -> Reply<'a, Option<SessionRow>> {
        match next {
            Some(id) => reply(Operation::ResetSession, lives::reset(&**self.backend(), key, id, Workers::Go)),
            None => reply(Operation::DeleteSession, lives::delete(&**self.backend(), key, Workers::Go)),
        }
    }

    fn append<'a>(&'a self, key: &'a str, life: &'a str, entries: Vec<NewEntry>) -> Reply<'a, Option<Vec<u64>>> {
        reply(Operation::Append, transcript::append(&**self.backend(), key, life, entries))
    }

    fn entries(&self, key: &str, life: &str, window: Window) -> Result<Vec<StoredEntry>, StateError> {
        transcript::entries(&**self.backend(), key, life, window).map_err(|problem| problem.during(Operation::Entries))
    }

    fn entry(&self, key: &str, life: &str, id: u64) -> Result<Option<StoredEntry>, StateError> {
        transcript::entry(&**self.backend(), key, life, id).map_err(|problem| problem.during(Operation::Entry))
    }

    fn count_entries(&self, key: &str, life: &str) -> Result<u64, StateError> {
        transcript::count(&**self.backend(), key, life).map_err(|problem| problem.during(Operation::CountEntries))
    }

    fn begin_run(&self, run: NewRun) -> Reply<'_, Option<Vec<Injection>>> {
        reply(Operation::BeginRun, turns::begin(&**self.backend(), run))
    }

    fn show<'a>(&'a self, run: &'a str, entries: Vec<NewEntry>) -> Reply<'a, Option<Vec<u64>>> {
        reply(Operation::Show, turns::show(&**self.backend(), run, entries))
    }

    fn end_run<'a>(&'a self, run: &'a str, status: RunStatus, error: Option<&'a str>) -> Reply<'a, bool> {
        reply(Operation::EndRun, turns::end(&**self.backend(), run, status, error, None))
    }

    fn end_run_untold<'a>(&'a self, run: &'a str, status: RunStatus, error: Option<&'a str>, untold: Untold<'a>) -> Reply<'a, bool> {
        reply(Operation::EndRun, turns::end(&**self.backend(), run, status, error, Some(untold)))
    }

    fn runs<'a>(&'a self, session: &'a str, limit: NonZeroUsize) -> Reply<'a, Vec<RunRow>> {
        reply(Operation::Runs, async move { turns::runs(&**self.backend(), session, limit) })
    }

    fn recover(&self) -> Reply<'_, (Vec<Interrupted>, Vec<Question>)> {
        reply(Operation::Recover, turns::recover(&**self.backend()))
    }

    fn inject<'a>(&'a self, injection: NewInjection, life: &'a str) -> Reply<'a, Queued> {
        reply(Operation::Inject, injections::inject(&**self.backend(), injection, life))
    }

    fn injections<'a>(&'a self, session: &'a str) -> Reply<'a, Vec<Injection>> {
        reply(Operation::Injections, async move { injections::waiting(&**self.backend(), session) })
    }

    fn put_state<'a>(&'a self, at: StateSpot<'a>, value: Option<String>, shown: Option<String>) -> Reply<'a, Option<bool>> {
        reply(Operation::PutState, plugins::put_state(&**self.backend(), at, value, shown))
    }

    fn state_of(&self, at: StateSpot<'_>) -> Result<Option<Option<String>>, StateError> {
        plugins::state_of(&**self.backend(), at).map_err(|problem| problem.during(Operation::StateOf))
    }

    fn forget_plugin<'a>(&'a self, plugin: &'a str, uninstalled: bool) -> Reply<'a, ()> {
        reply(Operation::ForgetPlugin, plugins::forget(&**self.backend(), plugin, uninstalled))
    }

    fn meet<'a>(&'a self, plugin: &'a str, session: &'a str) -> Reply<'a, ()> {
        reply(Operation::Meet, plugins::meet(&**self.backend(), plugin, session))
    }

    fn met<'a>(&'a self, plugin: &'a str, session: &'a str) -> Reply<'a, Option<Option<SessionRow>>> {
        reply(Operation::Met, async move { plugins::met(&**self.backend(), plugin, session) })
    }

    fn ask(&self, question: Question) -> Reply<'_, ()> {
        reply(Operation::Ask, plugins::ask(&**self.backend(), question))
    }

    fn answered<'a>(&'a self, id: &'a str) -> Reply<'a, bool> {
        reply(Operation::Answered, plugins::answered(&**self.backend(), id))
    }

    fn cursor(&self, at: EngineSpot<'_>) -> Result<Option<Cursor>, StateError> {
        engines::cursor(&**self.backend(), at).map_err(|problem| problem.during(Operation::Cursor))
    }

    fn put_cursor<'a>(&'a self, at: EngineSpot<'a>, cursor: Cursor) -> Reply<'a, bool> {
        reply(Operation::PutCursor, engines::put_cursor(&**self.backend(), at, cursor))
    }

    fn compaction(&self, key: &str, life: &str) -> Result<Option<Compaction>, StateError> {
        engines::compaction(&**self.backend(), key, life).map_err(|problem| problem.during(Operation::Compaction))
    }

    fn compactions<'a>(&'a self, key: &'a str, life: &'a str) -> Reply<'a, Vec<Compaction>> {
        reply(Operation::Compactions, async move { engines::compactions(&**self.backend(), key, life) })
    }

    fn put_compaction<'a>(&'a self, key: &'a str, life: &'a str, compaction: NewCompaction) -> Reply<'a, bool> {
        reply(Operation::PutCompaction, engines::put_compaction(&**self.backend(), key, life, compaction))
    }

    fn add_subagent(&self, subagent: NewSubagent) -> Reply<'_, bool> {
        reply(Operation::AddSubagent, subagents::add(&**self.backend(), subagent))
    }

    fn subagent<'a>(&'a self, plugin: &'a str, name: &'a str) -> Reply<'a, Option<Subagent>> {
        reply(Operation::Subagent, async move { subagents::find(&**self.backend(), plugin, name) })
    }

    fn subagent_at<'a>(&'a self, session: &'a str) -> Reply<'a, Option<Subagent>> {
        reply(Operation::SubagentAt, async move { subagents::at(&**self.backend(), session) })
    }

    fn subagents<'a>(&'a self, plugin: Option<&'a str>) -> Reply<'a, Vec<Subagent>> {
        reply(Operation::Subagents, async move { subagents::list(&**self.backend(), plugin) })
    }

    fn subagents_behind<'a>(&'a self, after: Option<&'a str>) -> Reply<'a, Vec<Subagent>> {
        reply(Operation::Subagents, async move { subagents::behind(&**self.backend(), after) })
    }

    fn mark_deleting<'a>(&'a self, plugin: &'a str, name: &'a str) -> Reply<'a, bool> {
        reply(Operation::MarkDeleting, subagents::mark_deleting(&**self.backend(), plugin, name))
    }

    fn forget_subagent<'a>(&'a self, plugin: &'a str, name: &'a str) -> Reply<'a, bool> {
        reply(Operation::ForgetSubagent, subagents::forget(&**self.backend(), plugin, name))
    }

    fn set_ticket<'a>(&'a self, plugin: &'a str, name: &'a str, engine: Option<String>, ticket: Option<String>) -> Reply<'a, bool> {
        reply(Operation::SetTicket, subagents::set_ticket(&**self.backend(), plugin, name, engine, ticket))
    }
}
