//! Conversations: sessions and their transcripts, turns under way, and what plugins leave there.
//!
//! A session's *key* is its stable name, its *id* one life of it: a reset begins another life, whose transcript starts empty, and keeps the lives before. An
//! entry's number is unique in its session, growing over all lives. A *run* is one turn; what it claims and shows is written in the transaction that says
//! so, so that after a kill nothing is lost silently and nothing is shown twice. Reading costs one search and what is read, whatever the length of
//! the history; each write is one commit. What is too large is `limit-exceeded`, what makes no sense `invalid-input`, each with nothing changed.

use crate::error::StateError;
use crate::store::Reply;
use std::num::NonZeroUsize;

/// A session, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Its stable name.
    pub key: String,
    /// The name of its present life.
    pub id: String,
    /// When the session began, in milliseconds since 1970.
    pub created_at: u64,
    /// When its present life began.
    pub began_at: u64,
    /// When something of it was last written.
    pub updated_at: u64,
    /// Entries of its present life.
    pub entries: u64,
    /// What plugins show of their state there.
    pub shown: Vec<Shown>,
}

/// What a plugin shows of its state of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The plugin.
    pub plugin: String,
    /// The namespace.
    pub namespace: String,
    /// JSON.
    pub value: String,
}

/// A session that was looked up, and whether it has just been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensured {
    /// The session.
    pub session: SessionRow,
    /// Whether there was none before.
    pub is_new: bool,
}

/// An entry to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// JSON: what was said.
    pub content: String,
    /// For an answer of a tool: the call that it answers.
    pub tool_call_id: Option<String>,
    /// The run that wrote it.
    pub run: Option<String>,
    /// JSON of the host's own about the entry: tool calls of a model, who blocked it. Guests don't see it.
    pub meta: Option<String>,
}

/// An entry of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its number.
    pub id: u64,
    /// The life of the session that it belongs to.
    pub life: String,
    /// When it was written, in milliseconds since 1970. Never earlier than the entry before.
    pub at: u64,
    /// What was written.
    pub entry: NewEntry,
}

/// Which entries of one life, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// From this position (0 is the oldest), so many at most.
    From {
        /// The first.
        start: u64,
        /// How many.
        count: usize,
    },
    /// The newest so many.
    Newest(usize),
}

/// A turn that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its id; never used before.
    pub run: String,
    /// Its session.
    pub session: String,
    /// The life of the session for which it was asked. Another one by now: nothing begins.
    pub life: String,
    /// `user`, `heartbeat`, `schedule`, `action`, `subagent`.
    pub trigger: String,
    /// JSON of the host's own: channel, principal.
    pub facts: String,
    /// The plugins whose injections it takes along. What others have waiting there is dropped.
    pub plugins: Vec<String>,
}

/// How a turn stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum RunStatus {
    Running,
    Done,
    Failed,
    Cancelled,
    Blocked,
    /// The host stopped in the middle of it.
    Interrupted,
}

/// A turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Its id.
    pub run: String,
    /// Its session.
    pub session: String,
    /// The life of the session.
    pub life: String,
    /// Why there is a turn.
    pub trigger: String,
    /// JSON of the host's own.
    pub facts: String,
    /// How it stands.
    pub status: RunStatus,
    /// When it began.
    pub began_at: u64,
    /// When it ended.
    pub ended_at: Option<u64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Text that a plugin wants shown in the next turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInjection {
    /// Its id, unless one with the same key waits already.
    pub id: String,
    /// Its session.
    pub session: String,
    /// Its plugin.
    pub plugin: String,
    /// What it says; trimmed.
    pub text: String,
    /// Whether it goes behind what was said, or before it.
    pub append: bool,
    /// Higher is shown first.
    pub priority: i32,
    /// How long it waits, in milliseconds.
    pub ttl_ms: Option<u64>,
    /// While one with the same key waits, this one isn't queued.
    pub key: Option<String>,
    /// JSON of the plugin's own.
    pub metadata: Option<String>,
}

/// How far an injection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum InjectionStatus {
    Pending,
    /// By a run that hasn't shown it yet.
    Claimed,
    Shown,
}

/// An injection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// What was asked.
    pub asked: NewInjection,
    /// When it was queued. It keeps its age when it is pending again.
    pub created_at: u64,
    /// How far it is.
    pub status: InjectionStatus,
    /// The run that claimed it.
    pub run: Option<String>,
}

/// What became of an injection that was to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queued {
    /// It waits.
    Fresh,
    /// One with the same key waits already: its id.
    Waits(String),
    /// So many of the plugin wait there already, as many as may.
    Full(u64),
    /// There is no such session, or it is in another life.
    Gone,
}

/// A question to a person that nobody has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its id.
    pub id: String,
    /// The plugin that asks.
    pub plugin: String,
    /// The session.
    pub session: Option<String>,
    /// The run.
    pub run: Option<String>,
    /// JSON of the host's own: title, description, tool, parameters, who may be asked.
    pub body: String,
    /// When it was asked.
    pub asked_at: u64,
}

/// What a host that starts finds of turns that its predecessor didn't end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    /// The turn, which is interrupted now.
    pub run: RunRow,
    /// What it had shown already: spent.
    pub shown: Vec<Injection>,
    /// The questions that it had asked; they are gone from the state.
    pub questions: Vec<Question>,
}

/// Bounds of conversations. Fixed: no setting changes them.
#[derive(Debug, Clone, Copy)]
pub struct SessionBounds;

impl SessionBounds {
    /// Bytes of a session's key, an id, a plugin's id, a namespace, an idempotency key.
    pub const NAME: usize = 512;
    /// Bytes of an entry's content.
    pub const CONTENT: usize = 4 << 20;
    /// Bytes of an entry's `meta`, of a run's `facts`, of a question's body.
    pub const META: usize = 1 << 20;
    /// Characters of an injection.
    pub const INJECTION: usize = 32_768;
    /// Injections of one plugin that wait for one session.
    pub const INJECTIONS: u64 = 32;
    /// Bytes of a plugin's state of a session, in one namespace.
    pub const STATE: usize = 256 << 10;
    /// Entries, sessions, runs of one answer.
    pub const ANSWER: usize = 1_000;
}

/// Sessions and turns, as they outlive a process.
///
/// Every operation is one transaction. Times are the backend's clock.
pub trait SessionStore: Send + Sync {
    /// The session with this key.
    fn session<'a>(&'a self, key: &'a str) -> Reply<'a, Option<SessionRow>>;

    /// The session with this key; made with this id as its first life if there is none.
    fn ensure_session<'a>(&'a self, key: &'a str, id: &'a str) -> Reply<'a, Ensured>;

    /// Sessions behind this key, by key.
    fn sessions<'a>(&'a self, after: Option<&'a str>, limit: NonZeroUsize) -> Reply<'a, Vec<SessionRow>>;

    /// Begins another life of a session, with this id, and answers how the session was. Its injections and the plugins' state of it are gone. None: there is no
    /// such session.
    fn reset_session<'a>(&'a self, key: &'a str, id: &'a str) -> Reply<'a, Option<SessionRow>>;

    /// Deletes a session with everything that belongs to it, all lives, and answers how it was.
    fn delete_session<'a>(&'a self, key: &'a str) -> Reply<'a, Option<SessionRow>>;

    /// Writes entries into this life of a session, and answers their numbers. None: the session is gone, or in another life.
    fn append<'a>(&'a self, key: &'a str, life: &'a str, entries: Vec<NewEntry>) -> Reply<'a, Option<Vec<u64>>>;

    /// Entries of a life, oldest first; fewer when 8 MiB are used up, but one at least. Empty for a life that there isn't.
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

    /// Begins a run, and claims what plugins have queued for it: higher priority first, then age, then id; what has expired is dropped. None: the session
    /// is gone, or in another life.
    fn begin_run(&self, run: NewRun) -> Reply<'_, Option<Vec<Injection>>>;

    /// What a run has claimed was shown to a model: it is spent. Writes these entries in the same transaction, and answers their numbers. None: the session
    /// is gone, or in another life.
    fn show<'a>(&'a self, run: &'a str, entries: Vec<NewEntry>) -> Reply<'a, Option<Vec<u64>>>;

    /// Ends a run; what it has claimed and not shown is pending again. Whether it was running.
    fn end_run<'a>(&'a self, run: &'a str, status: RunStatus, error: Option<&'a str>) -> Reply<'a, bool>;

    /// Runs of a session, newest first.
    fn runs<'a>(&'a self, session: &'a str, limit: NonZeroUsize) -> Reply<'a, Vec<RunRow>>;

    /// For a host that starts: runs that were running are interrupted, what they claimed and didn't show is pending again, and their questions are gone. The
    /// questions of no run are gone, too: they come with the answer's second half.
    fn recover(&self) -> Reply<'_, (Vec<Interrupted>, Vec<Question>)>;

    /// Queues an injection for a session in this life.
    fn inject<'a>(&'a self, injection: NewInjection, life: &'a str) -> Reply<'a, Queued>;

    /// Injections of a session that are pending or claimed.
    fn injections<'a>(&'a self, session: &'a str) -> Reply<'a, Vec<Injection>>;

    /// Puts a plugin's state of a session, or takes it away; with what is shown of it. Whether there was any, or none if the session is gone or in another life.
    fn put_state<'a>(&'a self, at: StateSpot<'a>, value: Option<String>, shown: Option<String>) -> Reply<'a, Option<bool>>;

    /// A plugin's state of a session. The outer none: the session is gone, or in another life.
    ///
    /// # Errors
    /// As every reply. It reads in place.
    fn state_of(&self, at: StateSpot<'_>) -> Result<Option<Option<String>>, StateError>;

    /// A plugin is switched off: its injections are gone. Or uninstalled: its state of sessions, and the sessions that it has met, too.
    fn forget_plugin<'a>(&'a self, plugin: &'a str, uninstalled: bool) -> Reply<'a, ()>;

    /// A plugin has met a session.
    fn meet<'a>(&'a self, plugin: &'a str, session: &'a str) -> Reply<'a, ()>;

    /// Whether a plugin has met a session, and the session if there still is one.
    fn met<'a>(&'a self, plugin: &'a str, session: &'a str) -> Reply<'a, Option<Option<SessionRow>>>;

    /// A question is asked.
    fn ask(&self, question: Question) -> Reply<'_, ()>;

    /// A question is answered, or not any more: it is gone. Whether it was there.
    fn answered<'a>(&'a self, id: &'a str) -> Reply<'a, bool>;
}

/// Where a plugin's state of a session is.
#[derive(Debug, Clone, Copy)]
pub struct StateSpot<'a> {
    /// The session.
    pub session: &'a str,
    /// The life of it.
    pub life: &'a str,
    /// The plugin.
    pub plugin: &'a str,
    /// The namespace.
    pub namespace: &'a str,
}
