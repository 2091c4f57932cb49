//! What a backend brings for jobs and deliveries: row operations, inside a transaction. Everything else is in the rules.
//!
//! No operation here knows a bound, looks at a clock or decides whether something is welcome. What goes with a session is taken away with the session's other
//! rows, by [`crate::sessions::rows::Transcripts`].

use super::{DeliveriesQuery, Delivery, Job, JobSpot, JobsQuery, NewDelivery};
use crate::error::Problem;
use crate::sessions::rows::Look;

/// What is to be done, and who does it.
pub(crate) trait Jobs {
    fn job(&self, id: &str) -> Result<Option<Job>, Problem>;
    fn job_named(&self, plugin: &str, name: &str) -> Result<Option<Job>, Problem>;
    fn count_jobs(&self, plugin: &str) -> Result<u64, Problem>;
    /// By `run_at`, then id.
    fn jobs(&self, which: &JobsQuery, look: Look<'_, Job>) -> Result<(), Problem>;
    /// Those of a plugin that wait and whose `run_at` isn't after this moment, by `run_at`, then id.
    fn due_jobs(&self, plugin: &str, now: u64, limit: usize) -> Result<Vec<JobSpot>, Problem>;
    /// The first `run_at` of those of a plugin that wait.
    fn next_job_at(&self, plugin: &str) -> Result<Option<u64>, Problem>;
    /// Those that are claimed or begun, by `run_at`, then id.
    fn jobs_at_work(&self) -> Result<Vec<Job>, Problem>;
    /// Makes one, or changes everything about it but its plugin, its name and its age.
    fn put_job(&mut self, job: &Job) -> Result<(), Problem>;
    /// Changes how one stands: its time, its status, its claim, whether it was planned anew.
    fn mark_job(&mut self, job: &Job) -> Result<(), Problem>;
    fn remove_job(&mut self, id: &str) -> Result<(), Problem>;
    /// Takes away a plugin's.
    fn forget_jobs(&mut self, plugin: &str) -> Result<(), Problem>;
}

/// What was handed over.
pub(crate) trait Deliveries {
    fn delivery(&self, id: &str) -> Result<Option<Delivery>, Problem>;
    /// Newest first. Numbers and moments grow together, so that the rules say `before` for `older_than`, which is passed over here.
    fn deliveries(&self, which: &DeliveriesQuery, look: Look<'_, Delivery>) -> Result<(), Problem>;
    /// Number and moment of the newest, or of the newest before a moment.
    fn newest_delivery(&self, before: Option<u64>) -> Result<Option<(u64, u64)>, Problem>;
    fn add_delivery(&mut self, sent: &NewDelivery, at: u64) -> Result<(), Problem>;
    fn remove_delivery(&mut self, id: &str) -> Result<(), Problem>;
}
