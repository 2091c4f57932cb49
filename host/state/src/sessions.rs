//! Conversations: sessions and their transcripts, turns under way, and what plugins leave there.
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

mod bounds;
pub(crate) mod rows;
mod rules;
mod session;
mod turn;

pub use bounds::SessionBounds;
pub use session::{Ensured, NewEntry, SessionRow, Shown, StateSpot, StoredEntry, Window};
pub use turn::{Injection, InjectionStatus, Interrupted, NewInjection, NewRun, Question, Queued, RunRow, RunStatus};

use crate::error::{Operation, StateError};
use crate::front::Front;
use crate::keyed::reply;
use crate::store::Reply;
use rules::{injections, lives, plugins, transcript, turns};
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

    /// Begins another life of a session, with this id, and answers how the session was. Its injections and the plugins' state of it are gone, its runs and
    /// questions stay. None: there is no such session. An id that a life of it has had is `invalid-input`.
    fn reset_session<'a>(&'a self, key: &'a str, id: &'a str) -> Reply<'a, Option<SessionRow>>;

    /// Deletes a session with everything that belongs to it, all lives, runs and questions, and answers how it was. Who has met it still has.
    fn delete_session<'a>(&'a self, key: &'a str) -> Reply<'a, Option<SessionRow>>;

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

    /// A plugin is switched off: its injections are gone, but for those that a run has shown. Or uninstalled: its state of sessions, and the sessions that it has met, too.
    fn forget_plugin<'a>(&'a self, plugin: &'a str, uninstalled: bool) -> Reply<'a, ()>;

    /// A plugin has met a session.
    fn meet<'a>(&'a self, plugin: &'a str, session: &'a str) -> Reply<'a, ()>;

    /// Whether a plugin has met a session, and the session if there still is one.
    fn met<'a>(&'a self, plugin: &'a str, session: &'a str) -> Reply<'a, Option<Option<SessionRow>>>;

    /// A question is asked. An id that another question has is `invalid-input`.
    fn ask(&self, question: Question) -> Reply<'_, ()>;

    /// A question is answered, or not any more: it is gone. Whether it was there.
    fn answered<'a>(&'a self, id: &'a str) -> Reply<'a, bool>;
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
        reply(Operation::ResetSession, lives::reset(&**self.backend(), key, id))
    }

    fn delete_session<'a>(&'a self, key: &'a str) -> Reply<'a, Option<SessionRow>> {
        reply(Operation::DeleteSession, lives::delete(&**self.backend(), key))
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
        reply(Operation::EndRun, turns::end(&**self.backend(), run, status, error))
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
}
