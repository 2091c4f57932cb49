//! Jobs and deliveries in memory: jobs by id, and by plugin and time; deliveries by number.
//!
//! What is due costs what is found. A job's name, a session's jobs and deliveries, and a delivery's id are looked for one by one.

use super::Contents;
use crate::error::Problem;
use crate::sessions::rows::Look;
use crate::work::rows::{Deliveries, Jobs};
use crate::work::{DeliveriesQuery, Delivery, Job, JobSpot, JobStatus, JobsQuery, NewDelivery};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be done, and what was handed over.
#[derive(Debug, Default)]
pub(super) struct Desk {
    jobs: BTreeMap<String, Job>,
    /// Each plugin's jobs, those that wait first: whether it is at work, when it runs, its id.
    lines: BTreeMap<String, BTreeSet<(bool, u64, String)>>,
    deliveries: BTreeMap<u64, Delivery>,
    /// The last that was given to a delivery.
    delivery: u64,
}

fn place(job: &Job) -> (bool, u64, String) {
    (job.status != JobStatus::Waiting, job.asked.time.run_at, job.asked.id.clone())
}

impl Desk {
    fn keep(&mut self, job: Job) {
        self.remove(&job.asked.id);
        self.lines.entry(job.asked.plugin.clone()).or_default().insert(place(&job));
        self.jobs.insert(job.asked.id.clone(), job);
    }

    fn remove(&mut self, id: &str) {
        let Some(job) = self.jobs.remove(id) else { return };
        let Some(line) = self.lines.get_mut(&job.asked.plugin) else { return };
        line.remove(&place(&job));
        if line.is_empty() {
            self.lines.remove(&job.asked.plugin);
        }
    }

    fn line(&self, plugin: &str) -> impl Iterator<Item = &(bool, u64, String)> {
        self.lines.get(plugin).into_iter().flatten()
    }

    /// Takes away the jobs of which this is true.
    fn clear(&mut self, gone: impl Fn(&Job) -> bool) {
        let gone: Vec<_> = self.jobs.values().filter(|job| gone(job)).map(|job| job.asked.id.clone()).collect();
        gone.iter().for_each(|id| self.remove(id));
    }

    /// Takes away a session's jobs.
    pub(super) fn clear_jobs(&mut self, session: &str) {
        self.clear(|job| job.asked.session.as_ref().is_some_and(|about| about.key == session));
    }

    /// Takes away a session's deliveries.
    pub(super) fn clear_deliveries(&mut self, session: &str) {
        self.deliveries.retain(|_, delivery| delivery.sent.session != session);
    }

    /// Those of which this is true, by `run_at`, then id.
    fn sorted(&self, wanted: impl Fn(&Job) -> bool) -> Vec<&Job> {
        let mut jobs: Vec<_> = self.jobs.values().filter(|job| wanted(job)).collect();
        // They come by id, and stay so.
        jobs.sort_by_key(|job| job.asked.time.run_at);
        jobs
    }
}

/// Whether it is what is asked for, or anything is.
fn is(asked: Option<&String>, there: Option<&String>) -> bool {
    asked.is_none() || asked == there
}

fn is_asked_for(which: &JobsQuery, job: &Job) -> bool {
    let (asked, about) = (&job.asked, job.asked.session.as_ref());
    is(which.id.as_ref(), Some(&asked.id))
        && is(which.plugin.as_ref(), Some(&asked.plugin))
        && is(which.session.as_ref(), about.map(|session| &session.key))
        && is(which.tag.as_ref(), asked.tag.as_ref())
        && is(which.kind.as_ref(), Some(&asked.kind))
        && which.after.as_ref().is_none_or(|spot| (asked.time.run_at, &asked.id) > (spot.run_at, &spot.id))
}

impl Jobs for Contents {
    fn job(&self, id: &str) -> Result<Option<Job>, Problem> {
        Ok(self.desk.jobs.get(id).cloned())
    }

    fn job_named(&self, plugin: &str, name: &str) -> Result<Option<Job>, Problem> {
        let mut jobs = self.desk.line(plugin).filter_map(|(.., id)| self.desk.jobs.get(id));
        Ok(jobs.find(|job| job.asked.name.as_deref() == Some(name)).cloned())
    }

    fn count_jobs(&self, plugin: &str) -> Result<u64, Problem> {
        Ok(self.desk.lines.get(plugin).map_or(0, |line| line.len() as u64))
    }

    fn jobs(&self, which: &JobsQuery, look: Look<'_, Job>) -> Result<(), Problem> {
        let jobs = self.desk.sorted(|job| is_asked_for(which, job));
        let _ = jobs.into_iter().take(which.limit.get()).cloned().try_for_each(look);
        Ok(())
    }

    fn due_jobs(&self, plugin: &str, now: u64, limit: usize) -> Result<Vec<JobSpot>, Problem> {
        let due = self.desk.line(plugin).take_while(|(at_work, run_at, _)| !at_work && *run_at <= now);
        Ok(due.take(limit).map(|(_, run_at, id)| JobSpot { run_at: *run_at, id: id.clone() }).collect())
    }

    fn next_job_at(&self, plugin: &str) -> Result<Option<u64>, Problem> {
        Ok(self.desk.line(plugin).next().filter(|(at_work, ..)| !at_work).map(|(_, run_at, _)| *run_at))
    }

    fn jobs_at_work(&self) -> Result<Vec<Job>, Problem> {
        Ok(self.desk.sorted(|job| job.status != JobStatus::Waiting).into_iter().cloned().collect())
    }

    fn put_job(&mut self, job: &Job) -> Result<(), Problem> {
        self.desk.keep(job.clone());
        Ok(())
    }

    fn mark_job(&mut self, job: &Job) -> Result<(), Problem> {
        self.put_job(job)
    }

    fn remove_job(&mut self, id: &str) -> Result<(), Problem> {
        self.desk.remove(id);
        Ok(())
    }

    fn forget_jobs(&mut self, plugin: &str) -> Result<(), Problem> {
        self.desk.clear(|job| job.asked.plugin == plugin);
        Ok(())
    }
}

impl Deliveries for Contents {
    fn delivery(&self, id: &str) -> Result<Option<Delivery>, Problem> {
        Ok(self.desk.deliveries.values().find(|delivery| delivery.sent.id == id).cloned())
    }

    fn deliveries(&self, which: &DeliveriesQuery, look: Look<'_, Delivery>) -> Result<(), Problem> {
        let DeliveriesQuery { session, plugin, before, older_than: _, limit } = which;
        let older = self.desk.deliveries.range(..before.unwrap_or(u64::MAX)).rev().map(|(_, delivery)| delivery);
        let asked =
            older.filter(|delivery| is(session.as_ref(), Some(&delivery.sent.session)) && is(plugin.as_ref(), Some(&delivery.sent.plugin)));
        let _ = asked.take(limit.get()).cloned().try_for_each(look);
        Ok(())
    }

    fn newest_delivery(&self, before: Option<u64>) -> Result<Option<(u64, u64)>, Problem> {
        let mut newest = self.desk.deliveries.values().rev();
        let newest = newest.find(|delivery| before.is_none_or(|moment| delivery.at < moment));
        Ok(newest.map(|delivery| (delivery.seq, delivery.at)))
    }

    fn add_delivery(&mut self, sent: &NewDelivery, at: u64) -> Result<(), Problem> {
        self.desk.delivery += 1;
        let seq = self.desk.delivery;
        self.desk.deliveries.insert(seq, Delivery { sent: sent.clone(), seq, at });
        Ok(())
    }

    fn remove_delivery(&mut self, id: &str) -> Result<(), Problem> {
        self.desk.deliveries.retain(|_, delivery| delivery.sent.id != id);
        Ok(())
    }
}
