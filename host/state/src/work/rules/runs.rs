//! Runs of jobs: who claims, begins and ends one, and what becomes of those that their host didn't end. A job has one run at a time.

use super::bytes;
use crate::error::Problem;
use crate::ledger::rules as ledger;
use crate::rows::{Backend, Rows, Weight};
use crate::sessions::rules::{Answer, write};
use crate::work::{Job, JobEnd, JobEnded, JobSpot, JobStatus, JobTime, bounds};

/// The kinds of jobs whose claim is the id of the run that they begin.
const RUNS: [&str; 2] = ["turn", "action"];

pub(in crate::work) async fn claim<B: Backend>(backend: &B, plugins: &[String], claims: Vec<String>) -> Result<Vec<Job>, Problem> {
    bounds::plugins(plugins)?;
    bounds::claims(&claims)?;
    if plugins.is_empty() || claims.is_empty() {
        return Ok(Vec::new());
    }
    let (plugins, mut claimed) = (plugins.to_vec(), Answer::of(backend));
    write(backend, Weight::Many, move |rows, now| {
        for (spot, claim) in due(rows, &plugins, now, claims.len())?.into_iter().zip(claims) {
            let Some(job) = rows.job(&spot.id)? else { continue };
            let job = Job { status: JobStatus::Claimed, claim: Some(claim), ..job };
            let bytes = bytes(&job);
            if claimed.take(job, bytes).is_break() {
                break;
            }
            claimed.taken.last().map_or(Ok(()), |job| rows.mark_job(job))?;
        }
        Ok(claimed.taken)
    })
    .await
}

/// So many of these plugins' jobs whose time has come, the longest due first.
fn due(rows: &dyn Rows, plugins: &[String], now: u64, most: usize) -> Result<Vec<JobSpot>, Problem> {
    let mut due = Vec::new();
    for plugin in plugins {
        due.extend(rows.due_jobs(plugin, now, most)?);
        due.sort_by(|a, b| (a.run_at, &a.id).cmp(&(b.run_at, &b.id)));
        due.truncate(most);
    }
    Ok(due)
}

/// The job, if this claim runs it.
fn at_work(rows: &dyn Rows, id: &str, claim: &str) -> Result<Option<Job>, Problem> {
    Ok(rows.job(id)?.filter(|job| job.claim.as_deref() == Some(claim)))
}

pub(in crate::work) async fn begin<B: Backend>(backend: &B, id: &str, claim: &str) -> Result<bool, Problem> {
    bounds::job(id)?;
    bounds::claim(claim)?;
    let (id, claim) = (id.to_owned(), claim.to_owned());
    write(backend, Weight::Few, move |rows, _| {
        let Some(job) = at_work(rows, &id, &claim)?.filter(|job| job.status == JobStatus::Claimed) else { return Ok(false) };
        rows.mark_job(&Job { status: JobStatus::Begun, ..job })?;
        Ok(true)
    })
    .await
}

pub(in crate::work) async fn end<B: Backend>(backend: &B, id: &str, claim: &str, end: JobEnd) -> Result<JobEnded, Problem> {
    bounds::job(id)?;
    bounds::claim(claim)?;
    bounds::end(&end)?;
    let (id, claim) = (id.to_owned(), claim.to_owned());
    write(backend, Weight::Few, move |rows, now| {
        let job = at_work(rows, &id, &claim)?;
        let next = job.as_ref().and_then(|job| if job.anew { Some(job.asked.time) } else { end.next });
        let last = if next.is_none() { end.last } else { Vec::new() };
        ledger::tell(rows, [end.events, last].concat(), now)?;
        match (job, next) {
            (None, _) => Ok(JobEnded::NotThere),
            (Some(job), Some(time)) => wait(rows, job, time).map(|()| JobEnded::Waits(time)),
            (Some(_), None) => rows.remove_job(&id).map(|()| JobEnded::Gone),
        }
    })
    .await
}

/// A job waits, and nobody runs it.
fn wait(rows: &mut dyn Rows, mut job: Job, time: JobTime) -> Result<(), Problem> {
    (job.asked.time, job.status, job.claim, job.anew) = (time, JobStatus::Waiting, None, false);
    rows.mark_job(&job)
}

pub(in crate::work) async fn recover<B: Backend>(backend: &B) -> Result<Vec<Job>, Problem> {
    write(backend, Weight::Many, |rows, _| {
        let mut unknown = Vec::new();
        for job in rows.jobs_at_work()? {
            if has_begun(rows, &job)? {
                unknown.push(job);
            } else {
                let time = job.asked.time;
                wait(rows, job, time)?;
            }
        }
        Ok(unknown)
    })
    .await
}

/// Whether a job may have done something: one that begins a run has, once there is that run.
fn has_begun(rows: &dyn Rows, job: &Job) -> Result<bool, Problem> {
    match &job.claim {
        _ if job.status != JobStatus::Begun => Ok(false),
        Some(run) if RUNS.contains(&job.asked.kind.as_str()) => Ok(rows.run(run)?.is_some()),
        _ => Ok(true),
    }
}
