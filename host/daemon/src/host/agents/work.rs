//! Jobs and deliveries of plugins: looked at, removed, and a delivery's files handed out. What an administrator removes is in the history.

use super::sessions::bounded;
use crate::api::types::{DeliveredFile, DeliveryList, DeliveryRemoved, DeliveryView, JobList, JobRemoved, JobView, JobsQuery, OutboxQuery};
use crate::host::{By, Failure, Host, Kind};
use plugbay_gateway::Schedule;
use plugbay_runtime::state::{self, Fact, JobSpot};
use std::fs::File;

/// A delivered file, about to be read.
pub(crate) struct Opened {
    /// What is said of it.
    pub(crate) about: DeliveredFile,
    /// The file.
    pub(crate) file: File,
}

impl Host {
    /// Jobs, by when they run next.
    ///
    /// # Errors
    /// If the bounds make no sense, or the state can't be read.
    pub async fn jobs(&self, query: JobsQuery) -> Result<JobList, Failure> {
        let limit = bounded("limit", query.limit)?;
        let JobsQuery { plugin, session, tag, after, .. } = query;
        let after = after.as_deref().map(spot).transpose()?;
        let which = state::JobsQuery { plugin, session, tag, after, limit, ..state::JobsQuery::default() };
        let jobs = self.schedule().jobs(which).await?;
        let next = jobs.last().map(|job| format!("{}.{}", job.spot.run_at, job.spot.id));
        Ok(JobList { jobs: jobs.into_iter().map(Into::into).collect(), next })
    }

    fn schedule(&self) -> &Schedule {
        self.gateway().schedule()
    }

    /// The job with this id.
    ///
    /// # Errors
    /// If there is none, or the state can't be read.
    pub async fn job(&self, id: &str) -> Result<JobView, Failure> {
        Ok(self.schedule().job(id).await?.ok_or_else(|| no_job(id))?.into())
    }

    /// Removes a job. A run of it that is under way comes to its end.
    ///
    /// # Errors
    /// If there is none, or the state can't be written.
    pub async fn remove_job(&self, id: &str, by: By) -> Result<JobRemoved, Failure> {
        let JobView { plugin, name, .. } = self.job(id).await?;
        if !self.schedule().remove_job(id).await? {
            return Err(no_job(id));
        }
        let what = name.unwrap_or_else(|| id.to_owned());
        let fact = Fact { plugin: Some(plugin.clone()), why: Some(told(what, by.why)), ..Fact::new(&by.who, "job-removed") };
        self.note(fact).await?;
        Ok(JobRemoved { id: id.to_owned(), plugin })
    }

    /// Deliveries, the newest first.
    ///
    /// # Errors
    /// If the bounds make no sense, or the state can't be read.
    pub async fn outbox(&self, query: OutboxQuery) -> Result<DeliveryList, Failure> {
        let limit = bounded("limit", query.limit)?;
        let OutboxQuery { session, plugin, before, .. } = query;
        let which = state::DeliveriesQuery { session, plugin, before, limit, ..state::DeliveriesQuery::default() };
        Ok(DeliveryList { deliveries: self.gateway().deliveries().list(which).await?.into_iter().map(Into::into).collect() })
    }

    /// The delivery with this id.
    ///
    /// # Errors
    /// If there is none, or the state can't be read.
    pub async fn delivery(&self, id: &str) -> Result<DeliveryView, Failure> {
        Ok(self.gateway().deliveries().delivery(id).await?.ok_or_else(|| no_delivery(id))?.into())
    }

    /// A file of a delivery, by its number.
    ///
    /// # Errors
    /// If there is none, it isn't kept, or it can't be read.
    pub(crate) async fn delivered(&self, id: &str, number: u64) -> Result<Opened, Failure> {
        let found = self.delivery(id).await?.files.into_iter().enumerate().find(|(_, file)| file.number == number);
        let none = |why: &str| Failure::new(Kind::NotFound, "not-found", format!("the delivery `{id}` has no file {number}{why}"));
        let (place, about) = found.ok_or_else(|| none(""))?;
        let failed = |e: plugbay_gateway::OutboxError| {
            tracing::warn!(delivery = id, file = number, error = %e, "a delivered file can't be read");
            Failure::new(
                Kind::Unavailable,
                "unavailable",
                format!("file {number} of the delivery `{id}` can't be read: the host's log says why"),
            )
        };
        let file = self.gateway().deliveries().read(id, place).await.map_err(failed)?;
        Ok(Opened { about, file: file.ok_or_else(|| none(" any more: it isn't kept"))? })
    }

    /// Removes a delivery, with its files.
    ///
    /// # Errors
    /// If there is none, or the state can't be written.
    pub async fn remove_delivery(&self, id: &str, by: By) -> Result<DeliveryRemoved, Failure> {
        let DeliveryView { session, plugin, .. } = self.delivery(id).await?;
        if !self.gateway().deliveries().remove(id).await? {
            return Err(no_delivery(id));
        }
        let what = format!("{id} of the session {session:?}");
        self.note(Fact { plugin: Some(plugin), why: Some(told(what, by.why)), ..Fact::new(&by.who, "delivery-removed") }).await?;
        Ok(DeliveryRemoved { id: id.to_owned(), session })
    }
}

/// What was removed, and why.
fn told(what: String, why: Option<String>) -> String {
    why.map_or(what.clone(), |why| format!("{what}: {why}"))
}

/// The spot that a page said.
fn spot(said: &str) -> Result<JobSpot, Failure> {
    let read = said.split_once('.').and_then(|(run_at, id)| Some(JobSpot { run_at: run_at.parse().ok()?, id: id.to_owned() }));
    let wrong = || Failure::invalid(format!("`after` is {said:?}: expected `next` of the page before, as it came"));
    read.filter(|spot| !spot.id.is_empty()).ok_or_else(wrong)
}

fn no_job(id: &str) -> Failure {
    Failure::not_found("job", id, [])
}

fn no_delivery(id: &str) -> Failure {
    Failure::not_found("delivery", id, [])
}

impl From<plugbay_gateway::JobView> for JobView {
    fn from(job: plugbay_gateway::JobView) -> Self {
        let plugbay_gateway::JobView { id, spot: _, plugin, kind, name, tag, session, when, next_at, running, message, created_at } = job;
        Self { id, plugin, kind, name, tag, session, when, next_at, running, message, created_at }
    }
}

impl From<plugbay_gateway::DeliveryView> for DeliveryView {
    fn from(delivery: plugbay_gateway::DeliveryView) -> Self {
        let plugbay_gateway::DeliveryView { id, seq, session, plugin, run, at, caption, caption_format, files, .. } = delivery;
        let file = |(number, file): (u64, plugbay_gateway::DeliveredFile)| DeliveredFile {
            number,
            name: file.name,
            content_type: file.content_type,
            bytes: file.bytes,
        };
        Self { id, seq, session, plugin, run, at, caption, caption_format, files: (1..).zip(files).map(file).collect() }
    }
}
