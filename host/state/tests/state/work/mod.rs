//! The rules of jobs and deliveries, each as a test of its own on each backend, at time 1,000; and what only a file can show.

mod deliveries;
mod file;
mod jobs;
mod listings;
mod owners;
mod runs;
mod welcome;

use crate::settings;
use plugbay_state::{
    Clock, HistoryQuery, Job, JobEnd, JobPut, JobSession, JobTime, JobsQuery, Memory, NewDelivery, NewJob, NewRun, SessionStore, Sqlite,
    SqliteSettings, StateLimits, StateStore, TestClock, WorkStore,
};
use std::num::NonZeroUsize;
use std::sync::Arc;
use tempfile::TempDir;

/// All that a backend can do here.
trait Whole: WorkStore + SessionStore + StateStore {}
impl<T: WorkStore + SessionStore + StateStore> Whole for T {}

/// A backend for one rule.
struct Stage {
    state: Arc<dyn Whole>,
    clock: Arc<TestClock>,
    folder: Option<TempDir>,
}

impl Stage {
    fn on_disk() -> Self {
        Self::new(Some(tempfile::tempdir().unwrap()), StateLimits::default())
    }

    fn in_memory() -> Self {
        Self::new(None, StateLimits::default())
    }

    /// In this folder, or in memory.
    fn new(folder: Option<TempDir>, limits: StateLimits) -> Self {
        let clock = Arc::new(TestClock::at(1_000));
        let shared: Arc<dyn Clock> = clock.clone();
        let state: Arc<dyn Whole> = match &folder {
            Some(folder) => Arc::new(Sqlite::open(SqliteSettings { limits, clock: shared, ..settings(folder.path()) }).unwrap()),
            None => Arc::new(Memory::new(limits, shared).unwrap()),
        };
        Self { state, clock, folder }
    }

    /// The same, empty, with answers of so many bytes.
    fn answering(self, bytes: usize) -> Self {
        drop(self.state);
        Self::new(self.folder, StateLimits { result: n(bytes), ..StateLimits::default() })
    }

    /// With the sessions `main` and `other`, each in its life `l1`.
    async fn with_sessions(self) -> Self {
        for key in ["main", "other"] {
            assert!(self.state.ensure_session(key, "l1").await.unwrap().is_new);
        }
        self
    }
}

/// Makes each rule a test on each backend.
macro_rules! rules {
    ($($rule:ident,)*) => {
        mod on_disk {
            $(#[tokio::test] async fn $rule() { super::$rule(crate::work::Stage::on_disk()).await; })*
        }
        mod in_memory {
            $(#[tokio::test] async fn $rule() { super::$rule(crate::work::Stage::in_memory()).await; })*
        }
    };
}
use rules;

fn n(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

/// Due at this moment, and not put off.
fn at(moment: u64) -> JobTime {
    JobTime { due_at: moment, run_at: moment }
}

/// A timer of `p` that is due at 2,000.
fn timer(id: &str) -> NewJob {
    NewJob {
        id: id.into(),
        plugin: "p".into(),
        name: None,
        tag: None,
        session: None,
        kind: "timer".into(),
        body: "{}".into(),
        plan: "1".into(),
        time: at(2_000),
    }
}

/// The same with a name.
fn named(id: &str, name: &str) -> NewJob {
    NewJob { name: Some(name.into()), ..timer(id) }
}

/// The same about a session in its life `l1`.
fn about(id: &str, session: &str) -> NewJob {
    NewJob { session: Some(JobSession { key: session.into(), life: "l1".into() }), ..timer(id) }
}

async fn add(state: &dyn WorkStore, job: NewJob) -> Job {
    match state.put_job(job, 100_000).await.unwrap() {
        JobPut::Added(job) => job,
        other => panic!("{other:?}"),
    }
}

fn ids(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.asked.id.as_str()).collect()
}

/// The ids of all jobs that are there.
async fn all(state: &dyn WorkStore) -> Vec<String> {
    state.jobs(JobsQuery::default()).await.unwrap().into_iter().map(|job| job.asked.id).collect()
}

/// Claims so many jobs of `p`; the claims are `c`, a dot, and a number.
async fn claim(state: &dyn WorkStore, c: &str, most: usize) -> Vec<Job> {
    state.claim_jobs(&["p".into()], (0..most).map(|i| format!("{c}.{i}")).collect()).await.unwrap()
}

/// It runs again at this moment, or not any more; the history is told nothing.
fn next(moment: Option<u64>) -> JobEnd {
    JobEnd { next: moment.map(at), events: vec![] }
}

/// A turn of `main` in its life `l1`.
fn turn(run: &str) -> NewRun {
    let (run, session, life, trigger, facts) = (run.into(), "main".into(), "l1".into(), "schedule".into(), "{}".into());
    NewRun { run, session, life, trigger, facts, plugins: vec![] }
}

/// What happened, oldest first.
async fn history(state: &dyn StateStore) -> Vec<String> {
    state.history(HistoryQuery::oldest(100)).await.unwrap().into_iter().map(|event| event.fact.what).collect()
}

/// A delivery of `p` to `main` in its life `l1`.
fn parcel(id: &str) -> NewDelivery {
    NewDelivery {
        id: id.into(),
        plugin: "p".into(),
        session: "main".into(),
        life: "l1".into(),
        run: Some("r".into()),
        body: "[]".into(),
        bytes: 7,
    }
}
