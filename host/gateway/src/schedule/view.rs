//! Jobs as operators see them, and what they do to them.

use super::Schedule;
use super::plan::Plan;
use super::task::Task;
use plugbay_runtime::state::{Job, JobSpot, JobStatus, JobsQuery, StateError};
use serde::Serialize;

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct JobView {
    /// Its id.
    pub id: String,
    /// Where it stands in a listing, which goes on behind it.
    #[serde(skip)]
    pub spot: JobSpot,
    /// Whose it is.
    pub plugin: String,
    /// `turn`, `timer` or `action`.
    pub kind: String,
    /// The plugin's own name for it.
    pub name: Option<String>,
    /// What it belongs to.
    pub tag: Option<String>,
    /// The key of the session that it is about.
    pub session: Option<String>,
    /// When it runs, in words: `once`, or the repeated moment.
    pub when: String,
    /// When it is due next, in milliseconds since 1970; none: it is running for the last time.
    pub next_at: Option<u64>,
    /// Whether a run of it is under way.
    pub running: bool,
    /// What the agent is told, if it has a turn.
    pub message: Option<String>,
    /// When it was made.
    pub created_at: u64,
}

/// When a job is due next. While it runs: by its plan, from now on.
pub(super) fn next_at(job: &Job, now: u64) -> Option<u64> {
    match job.status {
        JobStatus::Waiting => Some(job.asked.time.due_at),
        JobStatus::Claimed | JobStatus::Begun => {
            let plan = serde_json::from_str::<Plan>(&job.asked.plan).ok()?;
            plan.next(now.max(job.asked.time.due_at)).ok().flatten().map(|due| due.at)
        }
    }
}

impl JobView {
    fn of(job: Job, now: u64) -> Self {
        let (next_at, spot) = (next_at(&job, now), JobSpot::of(&job));
        let when = serde_json::from_str::<Plan>(&job.asked.plan).map_or_else(|_| job.asked.plan.clone(), |plan| plan.words());
        let message = Task::of(&job).ok().and_then(|task| match task {
            Task::Turn { message, .. } | Task::Action { message, .. } => Some(message),
            Task::Timer { .. } => None,
        });
        let Job { asked, created_at, status, .. } = job;
        Self {
            id: asked.id,
            spot,
            plugin: asked.plugin,
            kind: asked.kind,
            name: asked.name,
            tag: asked.tag,
            session: asked.session.map(|session| session.key),
            when,
            next_at,
            running: status != JobStatus::Waiting,
            message,
            created_at,
        }
    }
}

impl Schedule {
    /// Jobs, by when they run next.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn jobs(&self, which: JobsQuery) -> Result<Vec<JobView>, StateError> {
        Ok(self.0.store.jobs(which).await?.into_iter().map(|job| JobView::of(job, self.now())).collect())
    }

    /// The job with this id.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn job(&self, id: &str) -> Result<Option<JobView>, StateError> {
        Ok(self.0.store.job(id).await?.map(|job| JobView::of(job, self.now())))
    }

    /// Removes a job, for an operator: its plugin is told. Whether there was one. A run that is under way comes to its end.
    ///
    /// # Errors
    /// If the state can't be written.
    pub async fn remove_job(&self, id: &str) -> Result<bool, StateError> {
        Ok(self.remove(JobsQuery { id: Some(id.to_owned()), ..JobsQuery::default() }).await? > 0)
    }
}
