//! What plugins have the host do later, and what they have handed over: jobs and deliveries.
//!
//! A *job* waits for its time. Who runs it *claims* it, says that it *begins*, and *ends* it: so it is never run twice at a time, and after a kill it is known
//! of each whether it may have done something. What a job does and when is the host's own JSON; here it is kept and compared, and not read. A *delivery* is
//! the note of files that lie elsewhere. Claiming costs one search for each plugin and each job, however many jobs there are; each write is one commit. What is
//! too large is `limit-exceeded`, what makes no sense `invalid-input`, each with nothing changed.
//!
//! ```
//! use plugbay_state::{Fact, JobEnd, JobEnded, JobPut, JobTime, JobsQuery, Memory, NewJob, WorkStore};
//!
//! # async fn example() -> Result<(), plugbay_state::StateError> {
//! let state = Memory::default();
//! let tick = NewJob {
//!     id: "job-1".into(),
//!     plugin: "scribe".into(),
//!     name: Some("tick".into()),
//!     tag: None,
//!     session: None,
//!     kind: "timer".into(),
//!     body: r#"{"payload":1}"#.into(),
//!     plan: r#"{"every":"minute"}"#.into(),
//!     time: JobTime { due_at: 60_000, run_at: 60_000 },
//! };
//! assert!(matches!(state.put_job(tick.clone(), 100).await?, JobPut::Added(_)));
//! assert!(matches!(state.put_job(NewJob { id: "job-2".into(), ..tick }, 100).await?, JobPut::Same(_)), "its name says which it is");
//!
//! let plugins = ["scribe".to_owned()];
//! assert_eq!(state.next_job_at(&plugins)?, Some(60_000));
//! let claimed = state.claim_jobs(&plugins, vec!["run-1".into(), "run-2".into()]).await?;
//! assert_eq!(claimed.iter().map(|job| job.asked.id.as_str()).collect::<Vec<_>>(), ["job-1"], "its time has long come");
//! assert!(state.begin_job("job-1", "run-1").await?);
//! let next = JobTime { due_at: 120_000, run_at: 120_000 };
//! let end = JobEnd { next: Some(next), events: vec![Fact::new("host", "run-job")], ..JobEnd::default() };
//! assert_eq!(state.end_job("job-1", "run-1", end).await?, JobEnded::Waits(next));
//!
//! assert_eq!(state.remove_jobs(JobsQuery::default().of("scribe")).await?.len(), 1);
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
//! ```

mod bounds;
mod delivery;
mod job;
pub(crate) mod rows;
mod rules;

pub use bounds::WorkBounds;
pub use delivery::{DeliveriesQuery, Delivery, NewDelivery};
pub use job::{Job, JobEnd, JobEnded, JobPut, JobSession, JobSpot, JobStatus, JobTime, JobsQuery, NewJob};

use crate::error::{Operation, StateError};
use crate::front::Front;
use crate::keyed::reply;
use crate::store::Reply;
use rules::{deliveries, jobs, runs};

/// Jobs and deliveries, as they outlive a process.
///
/// Every operation is one transaction. Times are the backend's clock. Names (ids, plugins, sessions, tags, claims) are 1 to 512 bytes without control
/// characters and without space around them; see [`WorkBounds`] for the rest. Jobs go with the life of the session that they are about, and when their plugin is
/// switched off or uninstalled; deliveries go with their session, and stay when it is reset.
pub trait WorkStore: Send + Sync {
    /// Keeps a job. One of the same plugin with the same name takes the new plan, and keeps its id and its age; if nothing but the times would change, it
    /// stays as it is. One that is at work when it is planned anew stays so, and goes by the new plan once that run has ended. `most`: jobs that the plugin
    /// may have; one that is there already may always be planned anew. An id that another job has is `invalid-input`.
    fn put_job(&self, job: NewJob, most: u64) -> Reply<'_, JobPut>;

    /// The job with this id.
    fn job<'a>(&'a self, id: &'a str) -> Reply<'a, Option<Job>>;

    /// Jobs by `run_at`, then id; fewer than asked for when a result's bytes are used up, but one at least.
    fn jobs(&self, which: JobsQuery) -> Reply<'_, Vec<Job>>;

    /// Takes away the jobs that [`WorkStore::jobs`] would answer, those at work included, and answers them. There may be more: none is left once it answers none.
    fn remove_jobs(&self, which: JobsQuery) -> Reply<'_, Vec<Job>>;

    /// When the first of these plugins' jobs that wait is to run.
    ///
    /// # Errors
    /// As every reply. It reads in place: a backend on this machine doesn't wait.
    fn next_job_at(&self, plugins: &[String]) -> Result<Option<u64>, StateError>;

    /// Claims jobs of these plugins that wait and whose `run_at` has come, the longest due first: one with each claim at most, in their order; fewer when a
    /// result's bytes are used up, but one at least. A claim is an id that was never used before. A job that is claimed isn't claimed again before it has ended.
    fn claim_jobs<'a>(&'a self, plugins: &'a [String], claims: Vec<String>) -> Reply<'a, Vec<Job>>;

    /// A claimed job is about to do what it does; from now on it isn't begun again. False: it was removed, has begun already, or isn't claimed so any more.
    fn begin_job<'a>(&'a self, id: &'a str, claim: &'a str) -> Reply<'a, bool>;

    /// A run is over, begun or not: the job waits for its next time, or is gone; one that was planned anew meanwhile goes by that. The history is told in the
    /// same transaction, also of a job that isn't there any more. Answers what became of it.
    fn end_job<'a>(&'a self, id: &'a str, claim: &'a str, end: JobEnd) -> Reply<'a, JobEnded>;

    /// For a host that starts: what was claimed and not begun waits again, and so does a `turn` or an `action` that was begun and whose claim is no run's id.
    /// Answers the others that were begun, of which nobody knows how they ended, by `run_at`, then id: they stay at work until [`WorkStore::end_job`].
    fn recover_jobs(&self) -> Reply<'_, Vec<Job>>;

    /// Lists a delivery whose files are in their place. False: the session is gone, or in another life. An id that another delivery has is `invalid-input`.
    fn add_delivery(&self, delivery: NewDelivery) -> Reply<'_, bool>;

    /// The delivery with this id.
    fn delivery<'a>(&'a self, id: &'a str) -> Reply<'a, Option<Delivery>>;

    /// Deliveries, newest first; fewer than asked for when a result's bytes are used up, but one at least.
    fn deliveries(&self, which: DeliveriesQuery) -> Reply<'_, Vec<Delivery>>;

    /// Takes a delivery off the list. Whether it was there.
    fn remove_delivery<'a>(&'a self, id: &'a str) -> Reply<'a, bool>;
}

impl<F: Front> WorkStore for F {
    fn put_job(&self, job: NewJob, most: u64) -> Reply<'_, JobPut> {
        reply(Operation::PutJob, jobs::put(&**self.backend(), job, most))
    }

    fn job<'a>(&'a self, id: &'a str) -> Reply<'a, Option<Job>> {
        reply(Operation::Job, async move { jobs::find(&**self.backend(), id) })
    }

    fn jobs(&self, which: JobsQuery) -> Reply<'_, Vec<Job>> {
        reply(Operation::Jobs, async move { jobs::list(&**self.backend(), &which) })
    }

    fn remove_jobs(&self, which: JobsQuery) -> Reply<'_, Vec<Job>> {
        reply(Operation::RemoveJobs, jobs::remove(&**self.backend(), which))
    }

    fn next_job_at(&self, plugins: &[String]) -> Result<Option<u64>, StateError> {
        jobs::next_at(&**self.backend(), plugins).map_err(|problem| problem.during(Operation::NextJobAt))
    }

    fn claim_jobs<'a>(&'a self, plugins: &'a [String], claims: Vec<String>) -> Reply<'a, Vec<Job>> {
        reply(Operation::ClaimJobs, runs::claim(&**self.backend(), plugins, claims))
    }

    fn begin_job<'a>(&'a self, id: &'a str, claim: &'a str) -> Reply<'a, bool> {
        reply(Operation::BeginJob, runs::begin(&**self.backend(), id, claim))
    }

    fn end_job<'a>(&'a self, id: &'a str, claim: &'a str, end: JobEnd) -> Reply<'a, JobEnded> {
        reply(Operation::EndJob, runs::end(&**self.backend(), id, claim, end))
    }

    fn recover_jobs(&self) -> Reply<'_, Vec<Job>> {
        reply(Operation::RecoverJobs, runs::recover(&**self.backend()))
    }

    fn add_delivery(&self, delivery: NewDelivery) -> Reply<'_, bool> {
        reply(Operation::AddDelivery, deliveries::add(&**self.backend(), delivery))
    }

    fn delivery<'a>(&'a self, id: &'a str) -> Reply<'a, Option<Delivery>> {
        reply(Operation::Delivery, async move { deliveries::find(&**self.backend(), id) })
    }

    fn deliveries(&self, which: DeliveriesQuery) -> Reply<'_, Vec<Delivery>> {
        reply(Operation::Deliveries, async move { deliveries::list(&**self.backend(), &which) })
    }

    fn remove_delivery<'a>(&'a self, id: &'a str) -> Reply<'a, bool> {
        reply(Operation::RemoveDelivery, deliveries::remove(&**self.backend(), id))
    }
}
