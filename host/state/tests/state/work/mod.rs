//! The rules of jobs and deliveries, each as a test of its own on each backend, at time 1,000; and what only a file can show.

mod deliveries;
mod file;
mod jobs;
mod listings;
mod owners;
mod runs;
mod welcome;

use crate::stage::{Stage, n, rules};
use plugbay_state::{
    HistoryQuery, Job, JobEnd, JobPut, JobSession, JobTime, JobsQuery, NewDelivery, NewJob, NewRun, StateStore, WorkStore,
};

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
    JobEnd { next: moment.map(at), ..JobEnd::default() }
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
