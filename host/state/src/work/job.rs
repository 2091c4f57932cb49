//! What a job is made of, as it goes in and comes out: plain data, checked by the rules and nowhere here.

use super::bounds::MOST;
use crate::ledger::Fact;
use std::num::NonZeroUsize;

/// A job to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Its id; that of no other job.
    pub id: String,
    /// The plugin whose job it is.
    pub plugin: String,
    /// What the plugin calls it: it has one job of a name at most.
    pub name: Option<String>,
    /// What it belongs to, in the plugin's words.
    pub tag: Option<String>,
    /// The session that it is about, and goes with.
    pub session: Option<JobSession>,
    /// `turn` and `action`, whose claims become runs; or anything else, as `timer`.
    pub kind: String,
    /// JSON of the host's own: what it does.
    pub body: String,
    /// JSON of the host's own: when it runs, as it was asked for.
    pub plan: String,
    /// When it runs next. Not compared with that of a job that is there.
    pub time: JobTime,
}

/// A session in one of its lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSession {
    /// The session's key.
    pub key: String,
    /// The life of it.
    pub life: String,
}

/// When a job runs, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobTime {
    /// When it is due.
    pub due_at: u64,
    /// When it runs: then, or as much later as it is put off.
    pub run_at: u64,
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// For its time.
    Waiting,
    /// Somebody is about to run it, and it has done nothing yet.
    Claimed,
    /// It does what it does.
    Begun,
}

impl JobStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Claimed, Self::Begun];

    /// Its name: `waiting`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Claimed => "claimed",
            Self::Begun => "begun",
        }
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What was asked, with the time of its present run; or of its next, when it waits or was planned anew.
    pub asked: NewJob,
    /// When it was kept first, in milliseconds since 1970.
    pub created_at: u64,
    /// How it stands.
    pub status: JobStatus,
    /// Who runs it. None: it waits.
    pub claim: Option<String>,
    /// It was planned anew since it was claimed.
    pub anew: bool,
}

/// What became of a job that was to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobPut {
    /// It is a new one.
    Added(Job),
    /// One with the same name was there, and goes by the new plan.
    Changed(Job),
    /// One with the same name was there, and nothing about it changes.
    Same(Job),
    /// So many of the plugin are there already, as many as may.
    Full(u64),
    /// The session that it is about is gone, or in another life.
    Gone,
}

/// How a run of a job ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobEnd {
    /// When the job runs next. None: it has no next time, and is gone. Neither counts for a job that was planned anew.
    pub next: Option<JobTime>,
    /// What the history is told.
    pub events: Vec<Fact>,
    /// What it is told beside, unless the job waits for another run.
    pub last: Vec<Fact>,
}

/// What became of a job whose run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnded {
    /// It waits for this time.
    Waits(JobTime),
    /// That was its last run, and it is gone.
    Gone,
    /// It was removed before, or isn't claimed so any more.
    NotThere,
}

/// Where a listing of jobs stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSpot {
    /// When the job runs.
    pub run_at: u64,
    /// Its id.
    pub id: String,
}

impl JobSpot {
    /// The spot of a job.
    #[must_use]
    pub fn of(job: &Job) -> Self {
        Self { run_at: job.asked.time.run_at, id: job.asked.id.clone() }
    }
}

/// Which jobs: those that are all of this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobsQuery {
    /// With this id only.
    pub id: Option<String>,
    /// Of this plugin only.
    pub plugin: Option<String>,
    /// About the session with this key only.
    pub session: Option<String>,
    /// With this tag only.
    pub tag: Option<String>,
    /// Of this kind only.
    pub kind: Option<String>,
    /// Behind this spot only.
    pub after: Option<JobSpot>,
    /// How many at most; up to [`WorkBounds::ANSWER`](super::WorkBounds::ANSWER).
    pub limit: NonZeroUsize,
}

impl Default for JobsQuery {
    /// Any, as many as an answer may hold.
    fn default() -> Self {
        Self { id: None, plugin: None, session: None, tag: None, kind: None, after: None, limit: MOST }
    }
}

impl JobsQuery {
    /// The same, of this plugin only.
    #[must_use]
    pub fn of(self, plugin: &str) -> Self {
        Self { plugin: Some(plugin.into()), ..self }
    }

    /// The same, with this id only.
    #[must_use]
    pub fn id(self, id: &str) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// The same, about this session only.
    #[must_use]
    pub fn about(self, session: &str) -> Self {
        Self { session: Some(session.into()), ..self }
    }

    /// The same, with this tag only.
    #[must_use]
    pub fn tagged(self, tag: &str) -> Self {
        Self { tag: Some(tag.into()), ..self }
    }

    /// The same, of this kind only.
    #[must_use]
    pub fn kind(self, kind: &str) -> Self {
        Self { kind: Some(kind.into()), ..self }
    }

    /// The same, behind this job only.
    #[must_use]
    pub fn after(self, job: &Job) -> Self {
        Self { after: Some(JobSpot::of(job)), ..self }
    }
}
