//! What a turn is made of, as it goes in and comes out: runs, injections, questions. Plain data, checked by the rules and nowhere here.

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

impl RunStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [Self::Running, Self::Done, Self::Failed, Self::Cancelled, Self::Blocked, Self::Interrupted];

    /// Its name: `interrupted`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Blocked => "blocked",
            Self::Interrupted => "interrupted",
        }
    }
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
    /// What it says. Kept trimmed.
    pub text: String,
    /// Whether it goes behind what was said, or before it.
    pub append: bool,
    /// Higher is shown first.
    pub priority: i32,
    /// How long it waits, in milliseconds: it is dropped once it is older than this.
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

impl InjectionStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Claimed, Self::Shown];

    /// Its name: `pending`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Claimed => "claimed",
            Self::Shown => "shown",
        }
    }
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
    /// When it was asked, in the words of who asks.
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
