//! Jobs that are kept, found and taken away.

use super::bytes;
use crate::error::Problem;
use crate::rows::{Backend, Reads, Rows, Weight};
use crate::sessions::rules::{Answer, alive, write};
use crate::work::{Job, JobPut, JobStatus, JobsQuery, NewJob, bounds};

pub(in crate::work) async fn put<B: Backend>(backend: &B, new: NewJob, most: u64) -> Result<JobPut, Problem> {
    bounds::new_job(&new)?;
    write(backend, Weight::Few, move |rows, now| {
        if let Some(about) = &new.session
            && alive(rows, &about.key, &about.life)?.is_none()
        {
            return Ok(JobPut::Gone);
        }
        let there = match &new.name {
            Some(name) => rows.job_named(&new.plugin, name)?,
            None => None,
        };
        if there.as_ref().is_none_or(|job| job.asked.id != new.id) && rows.job(&new.id)?.is_some() {
            return Err(Problem::Invalid(format!("there is a job {:?} already: expected a new id", new.id)));
        }
        match there {
            Some(there) => change(rows, there, new),
            None => add(rows, new, most, now),
        }
    })
    .await
}

fn add(rows: &mut dyn Rows, asked: NewJob, most: u64, now: u64) -> Result<JobPut, Problem> {
    let there = rows.count_jobs(&asked.plugin)?;
    if there >= most {
        return Ok(JobPut::Full(there));
    }
    let job = Job { asked, created_at: now, status: JobStatus::Waiting, claim: None, anew: false };
    rows.put_job(&job)?;
    Ok(JobPut::Added(job))
}

fn change(rows: &mut dyn Rows, there: Job, new: NewJob) -> Result<JobPut, Problem> {
    let asked = NewJob { id: there.asked.id.clone(), ..new };
    if same(&asked, &there.asked) {
        return Ok(JobPut::Same(there));
    }
    let job = Job { asked, anew: there.status != JobStatus::Waiting, ..there };
    rows.put_job(&job)?;
    Ok(JobPut::Changed(job))
}

/// Whether nothing but the times would change.
fn same(one: &NewJob, other: &NewJob) -> bool {
    let NewJob { kind, body, plan, session, tag, .. } = other;
    (&one.kind, &one.body, &one.plan, &one.session, &one.tag) == (kind, body, plan, session, tag)
}

pub(in crate::work) fn find<B: Backend>(backend: &B, id: &str) -> Result<Option<Job>, Problem> {
    bounds::job(id)?;
    backend.read(Reads::Once, |rows| rows.job(id))
}

pub(in crate::work) fn list<B: Backend>(backend: &B, which: &JobsQuery) -> Result<Vec<Job>, Problem> {
    bounds::jobs(which)?;
    let listed = Answer::of(backend);
    backend.read(Reads::Once, |rows| listing(rows, which, listed))
}

fn listing(rows: &dyn Rows, which: &JobsQuery, mut listed: Answer<Job>) -> Result<Vec<Job>, Problem> {
    rows.jobs(which, &mut |job| {
        let bytes = bytes(&job);
        listed.take(job, bytes)
    })?;
    Ok(listed.taken)
}

pub(in crate::work) async fn remove<B: Backend>(backend: &B, which: JobsQuery) -> Result<Vec<Job>, Problem> {
    bounds::jobs(&which)?;
    let removed = Answer::of(backend);
    write(backend, Weight::Many, move |rows, _| {
        let removed = listing(rows, &which, removed)?;
        removed.iter().try_for_each(|job| rows.remove_job(&job.asked.id))?;
        Ok(removed)
    })
    .await
}

pub(in crate::work) fn next_at<B: Backend>(backend: &B, plugins: &[String]) -> Result<Option<u64>, Problem> {
    bounds::plugins(plugins)?;
    backend.read(Reads::Together, |rows| {
        let mut next: Option<u64> = None;
        for plugin in plugins {
            next = [next, rows.next_job_at(plugin)?].into_iter().flatten().min();
        }
        Ok(next)
    })
}
