//! `schedule`: jobs of the plugin's. Whose they are comes from the cell that asks; when they run, how many there may be and where they are kept is the gateway's, and so are the rules of a plan.

use super::{NOT_LIVE, View, checked, gone};
use crate::call::Session;
use crate::grant::Grant;
use crate::guest::Guest;
use crate::services::{CatchUp, JobKind, JobMoment, JobPlan, JobTask, PluginJob, ServiceCode, ServiceError};
use crate::wire::plugbay::plugin::schedule as wire;
use crate::wire::plugbay::plugin::schedule::{Delivery, Error, ErrorCode, Host, Job, Plan};
use wasmtime::component::Resource;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

fn error(code: ErrorCode, message: impl Into<String>) -> Error {
    Error { code, message: message.into() }
}

/// Whether a call may have to do with jobs at all.
fn open(guest: &Guest) -> Result<(), Error> {
    if guest.has(Grant::Schedule) { Ok(()) } else { Err(error(ErrorCode::Denied, "the operator denied the grant `schedule`")) }
}

/// Whether a call may change jobs, those about a session only while that is there.
fn changing(guest: &Guest, about: Option<&Session>) -> Result<(), Error> {
    open(guest)?;
    if !guest.may_change() {
        return Err(error(ErrorCode::NotLive, NOT_LIVE));
    }
    about.and_then(gone).map_or(Ok(()), |message| Err(error(ErrorCode::Gone, message)))
}

async fn schedule(guest: &Guest, task: JobTask, plan: Plan) -> Result<Job, Error> {
    if guest.succession().ended().is_some() {
        let message = "the plugin was switched off or uninstalled while this call lasted: nothing is scheduled for it any more";
        return Err(error(ErrorCode::Failed, message));
    }
    guest.services().schedule(&guest.caller(), task, read_plan(plan)).await.map(job).map_err(told)
}

async fn turn(guest: &Guest, session: &Session, message: String, delivery: Delivery, plan: Plan) -> Result<Job, Error> {
    changing(guest, Some(session))?;
    let announce = match delivery {
        Delivery::Announce => true,
        Delivery::None => false,
    };
    schedule(guest, JobTask::Turn { session: session.clone(), message, announce }, plan).await
}

async fn timer(guest: &Guest, about: Option<&Session>, payload: Option<String>, plan: Plan) -> Result<Job, Error> {
    changing(guest, about)?;
    if !guest.has_timers() {
        let message = "timer: the plugin doesn't export `timers`, so nobody could be told that it is due";
        return Err(error(ErrorCode::InvalidInput, message));
    }
    let payload = payload.map(|json| checked("payload", json)).transpose();
    let payload = payload.map_err(|message| error(ErrorCode::InvalidInput, message))?;
    schedule(guest, JobTask::Timer { about: about.cloned(), payload }, plan).await
}

async fn cancel(guest: &Guest, id: &str) -> Result<bool, Error> {
    changing(guest, None)?;
    guest.services().cancel_job(&guest.caller(), id).await.map_err(told)
}

async fn cancel_tag(guest: &Guest, about: Option<&Session>, tag: &str) -> Result<u32, Error> {
    changing(guest, about)?;
    guest.services().cancel_jobs(&guest.caller(), about, tag).await.map_err(told)
}

async fn jobs(guest: &Guest, tag: Option<&str>) -> Result<Vec<Job>, Error> {
    open(guest)?;
    let jobs = guest.services().jobs(&guest.caller(), tag).await.map_err(told)?;
    Ok(jobs.into_iter().map(job).collect())
}

impl Host for View<'_> {
    async fn turn(&mut self, session: Resource<Session>, message: String, delivery: Delivery, plan: Plan) -> Answer<Job> {
        let session = self.table.get(&session)?;
        Ok(turn(self.guest, session, message, delivery, plan).await)
    }

    async fn timer(&mut self, about: Option<Resource<Session>>, payload: Option<String>, plan: Plan) -> Answer<Job> {
        let about = about.map(|session| self.table.get(&session)).transpose()?;
        Ok(timer(self.guest, about, payload, plan).await)
    }

    async fn cancel(&mut self, id: String) -> Answer<bool> {
        Ok(cancel(self.guest, &id).await)
    }

    async fn cancel_tag(&mut self, about: Option<Resource<Session>>, tag: String) -> Answer<u32> {
        let about = about.map(|session| self.table.get(&session)).transpose()?;
        Ok(cancel_tag(self.guest, about, &tag).await)
    }

    async fn jobs(&mut self, tag: Option<String>) -> Answer<Vec<Job>> {
        Ok(jobs(self.guest, tag.as_deref()).await)
    }
}

fn read_plan(plan: Plan) -> JobPlan {
    let Plan { when, name, tag, catch_up, jitter_ms, attrs: _ } = plan;
    let when = match when {
        wire::Moment::At(at) => JobMoment::At(at),
        wire::Moment::AtTime(at) => JobMoment::AtTime(at),
        wire::Moment::After(ms) => JobMoment::After(ms),
        wire::Moment::Cron(wire::Cron { expression, zone }) => JobMoment::Cron { expression, zone },
    };
    let catch_up = catch_up.map(|said| match said {
        wire::CatchUp::Once => CatchUp::Once,
        wire::CatchUp::Skip => CatchUp::Skip,
    });
    JobPlan { when, name, tag, catch_up, jitter_ms }
}

fn job(job: PluginJob) -> Job {
    let PluginJob { id, kind, name, tag, session, next_at, running } = job;
    let kind = match kind {
        JobKind::Turn => wire::JobKind::Turn,
        JobKind::Timer => wire::JobKind::Timer,
    };
    Job { id, kind, name, tag, session, next_at, running }
}

fn told(failed: ServiceError) -> Error {
    let code = match failed.code {
        ServiceCode::InvalidInput => ErrorCode::InvalidInput,
        ServiceCode::Gone | ServiceCode::Unknown => ErrorCode::Gone,
        ServiceCode::LimitExceeded => ErrorCode::LimitExceeded,
        _ => ErrorCode::Failed,
    };
    error(code, failed.message)
}
