//! Jobs of plugins: what is asked for, and what a plugin is told of them. Nothing of a plan is checked by the runtime.

use crate::call::Session;
use crate::json::Json;

/// When a job runs, as a plugin says it; nothing of it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobMoment {
    /// Once, in milliseconds since 1970.
    At(u64),
    /// Once, at an RFC 3339 time.
    AtTime(String),
    /// Once, so many milliseconds from now.
    After(u64),
    /// Again and again.
    Cron {
        /// When.
        expression: String,
        /// Where: an IANA time zone.
        zone: Option<String>,
    },
}

/// What becomes of times of a job that passed while the host was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    /// It runs once.
    Once,
    /// It waits for its next time.
    Skip,
}

/// How a job is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobPlan {
    /// When it runs.
    pub when: JobMoment,
    /// The plugin's own name for it: it takes the place of the job of this name.
    pub name: Option<String>,
    /// What it belongs to.
    pub tag: Option<String>,
    /// What becomes of missed times, if the plugin says.
    pub catch_up: Option<CatchUp>,
    /// How long each run is put off at most, in milliseconds.
    pub jitter_ms: u32,
}

/// What a job does.
#[derive(Debug, Clone)]
pub enum JobTask {
    /// The agent of a session has a turn.
    Turn {
        /// The session.
        session: Session,
        /// What the agent is told.
        message: String,
        /// Whether its answer is sent.
        announce: bool,
    },
    /// The plugin's `timers` are told.
    Timer {
        /// What it is about.
        about: Option<Session>,
        /// What the plugin wants to be told.
        payload: Option<Json>,
    },
}

/// Kinds of jobs of plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum JobKind {
    Turn,
    Timer,
}

/// A plugin's job, as the plugin sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginJob {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// The plugin's own name for it.
    pub name: Option<String>,
    /// What it belongs to.
    pub tag: Option<String>,
    /// The key of the session that it is about.
    pub session: Option<String>,
    /// When it runs next, in milliseconds since 1970.
    pub next_at: Option<u64>,
    /// Whether a run of it is under way.
    pub running: bool,
}
