//! What plugins ask of the schedule: jobs are made, found and removed.
//!
//! Whose they are comes from the cell that asks. Making one costs a commit. What is no good is refused by name, and nothing is cut.

use super::Schedule;
use super::plan::{Due, Plan};
use super::task::{TIMER, TURN, Task};
use super::view::next_at;
use plugbay_runtime::state::{Job, JobPut, JobSession, JobStatus, JobTime, JobsQuery, NewJob, StateError};
use plugbay_runtime::{
    Caller, JobChange, JobChangeKind, JobKind, JobPlan, JobTask, PluginId, PluginJob, ServiceCode, ServiceError, Session,
};
use uuid::Uuid;

/// Characters of what a turn is told.
const MESSAGE: usize = 32_768;
/// Characters of a name or a tag.
const NAME: usize = 128;

impl Schedule {
    /// `schedule.turn` and `schedule.timer`.
    ///
    /// # Errors
    /// `InvalidInput`, `Gone`, `LimitExceeded`, `Failed`.
    pub(crate) async fn schedule(&self, caller: &Caller, task: JobTask, plan: JobPlan) -> Result<PluginJob, ServiceError> {
        let (task, session) = kept(task)?;
        let name = plan.name.as_deref().map(|name| named("name", name)).transpose()?;
        let tag = plan.tag.as_deref().map(tagged).transpose()?;
        let (kept, Due { at, runs_at }) = Plan::check(&plan, self.now()).map_err(invalid)?;
        let job = NewJob {
            id: Uuid::new_v4().to_string(),
            plugin: caller.plugin.to_string(),
            name,
            tag,
            session,
            kind: task.kind().to_owned(),
            body: task.body(),
            plan: serde_json::to_string(&kept).map_err(|e| failed(&e))?,
            time: JobTime { due_at: at, run_at: runs_at },
        };
        let schedule = self.clone();
        to_its_end(async move { schedule.put(job).await }).await
    }

    async fn put(&self, job: NewJob) -> Result<PluginJob, ServiceError> {
        let most = self.0.settings.jobs.get() as u64;
        let _told = self.0.putting.read().await;
        match self.0.store.put_job(job, most).await.map_err(|e| failed(&e))? {
            JobPut::Added(job) => Ok(self.kept(job, JobChangeKind::Added)),
            JobPut::Changed(job) => Ok(self.kept(job, JobChangeKind::Updated)),
            JobPut::Same(job) => Ok(self.seen(&job)),
            JobPut::Full(there) => Err(full(there, most)),
            JobPut::Gone => Err(gone()),
        }
    }

    /// A job was written: the plugin is told, and whoever waits for due ones looks again.
    fn kept(&self, job: Job, change: JobChangeKind) -> PluginJob {
        self.tell(&job, JobChange { next_at: Some(job.asked.time.due_at), ..changed(&job, change) });
        self.poke();
        self.seen(&job)
    }

    /// `schedule.cancel`.
    ///
    /// # Errors
    /// `Failed`.
    pub(crate) async fn cancel(&self, plugin: &PluginId, id: &str) -> Result<bool, ServiceError> {
        let which = JobsQuery { id: Some(id.to_owned()), ..of(plugin) };
        Ok(self.removed(which).await? > 0)
    }

    /// `schedule.cancel-tag`.
    ///
    /// # Errors
    /// `InvalidInput`, `Gone`, `Failed`.
    pub(crate) async fn cancel_tagged(&self, plugin: &PluginId, about: Option<&Session>, tag: &str) -> Result<u32, ServiceError> {
        let session = about.map(|session| session.key().ok_or_else(gone)).transpose()?.map(str::to_owned);
        let which = JobsQuery { tag: Some(tagged(tag)?), session, ..of(plugin) };
        let removed = self.removed(which).await?;
        Ok(u32::try_from(removed).unwrap_or(u32::MAX))
    }

    async fn removed(&self, which: JobsQuery) -> Result<usize, ServiceError> {
        let schedule = self.clone();
        to_its_end(async move { schedule.remove(which).await.map_err(|e| failed(&e)) }).await
    }

    /// Removes jobs, and tells their plugins.
    pub(super) async fn remove(&self, which: JobsQuery) -> Result<usize, StateError> {
        let mut count = 0;
        loop {
            let removed = self.0.store.remove_jobs(which.clone()).await?;
            if removed.is_empty() {
                return Ok(count);
            }
            removed.iter().for_each(|job| self.tell(job, changed(job, JobChangeKind::Removed)));
            count += removed.len();
        }
    }

    /// `schedule.jobs`.
    ///
    /// # Errors
    /// `InvalidInput`, `Failed`.
    pub(crate) async fn of_plugin(&self, plugin: &PluginId, tag: Option<&str>) -> Result<Vec<PluginJob>, ServiceError> {
        let which = JobsQuery { tag: tag.map(tagged).transpose()?, ..of(plugin) };
        let (mut seen, mut which) = (Vec::new(), which);
        loop {
            let page = self.0.store.jobs(which.clone()).await.map_err(|e| failed(&e))?;
            let Some(last) = page.last() else { return Ok(seen) };
            which = which.after(last);
            seen.extend(page.iter().filter(|job| job.asked.kind == TURN || job.asked.kind == TIMER).map(|job| self.seen(job)));
        }
    }

    /// Timers of a plugin.
    ///
    /// # Errors
    /// `Failed`.
    pub(crate) async fn timers(&self, plugin: &PluginId) -> Result<Vec<PluginJob>, ServiceError> {
        let which = JobsQuery { kind: Some(TIMER.to_owned()), ..of(plugin) };
        Ok(self.0.store.jobs(which).await.map_err(|e| failed(&e))?.iter().map(|job| self.seen(job)).collect())
    }

    /// A job as its plugin sees it.
    fn seen(&self, job: &Job) -> PluginJob {
        let running = job.status != JobStatus::Waiting;
        PluginJob {
            id: job.asked.id.clone(),
            kind: if job.asked.kind == TIMER { JobKind::Timer } else { JobKind::Turn },
            name: job.asked.name.clone(),
            tag: job.asked.tag.clone(),
            session: job.asked.session.as_ref().map(|session| session.key.clone()),
            next_at: next_at(job, self.now()),
            running,
        }
    }
}

/// Does this to its end: a call that is cut off between what is written and what is told of it would leave one without the other.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = Result<T, ServiceError>> + Send + 'static) -> Result<T, ServiceError> {
    tokio::spawn(work).await.unwrap_or_else(|e| Err(failed(&e)))
}

fn of(plugin: &PluginId) -> JobsQuery {
    JobsQuery { plugin: Some(plugin.to_string()), ..JobsQuery::default() }
}

/// What a job does, and the session that it is about.
fn kept(task: JobTask) -> Result<(Task, Option<JobSession>), ServiceError> {
    let life = |session: &Session| {
        let named = session.key().zip(session.id());
        named.map(|(key, life)| JobSession { key: key.to_owned(), life: life.to_owned() }).ok_or_else(gone)
    };
    match task {
        JobTask::Turn { session, message, announce } => {
            let message = message.trim().to_owned();
            match message.chars().count() {
                0 => return Err(invalid("`message` is blank".to_owned())),
                n if n > MESSAGE => return Err(invalid(format!("`message` has {n} characters, {MESSAGE} allowed"))),
                _ => {}
            }
            Ok((Task::Turn { message, announce }, Some(life(&session)?)))
        }
        JobTask::Timer { about, payload } => {
            let payload = payload.map(|json| json.parse().map_err(|e| invalid(format!("`payload`: {e}")))).transpose()?;
            Ok((Task::Timer { payload }, about.as_ref().map(life).transpose()?))
        }
    }
}

fn named(what: &str, name: &str) -> Result<String, ServiceError> {
    let name = name.trim();
    match name.chars().count() {
        0 => Err(invalid(format!("`{what}` is blank"))),
        n if n > NAME => Err(invalid(format!("`{what}` has {n} characters, {NAME} allowed"))),
        _ if name.contains(char::is_control) => Err(invalid(format!("`{what}` has control characters"))),
        _ => Ok(name.to_owned()),
    }
}

fn tagged(tag: &str) -> Result<String, ServiceError> {
    let tag = named("tag", tag)?;
    if tag.contains(':') { Err(invalid(format!("`tag` is {tag:?}: it has no colon"))) } else { Ok(tag) }
}

/// What a plugin is told of a job, without when it runs next.
pub(super) fn changed(job: &Job, change: JobChangeKind) -> JobChange {
    JobChange { job: job.asked.id.clone(), change, next_at: None, error: None, attrs: Vec::new() }
}

fn invalid(why: String) -> ServiceError {
    ServiceError::new(ServiceCode::InvalidInput, format!("schedule: {why}"))
}

fn gone() -> ServiceError {
    ServiceError::new(ServiceCode::Gone, "schedule: the session was deleted, or began another life")
}

fn full(there: u64, most: u64) -> ServiceError {
    let why = format!("schedule: the plugin has {there} jobs already, {most} allowed (setting `schedule.jobs`)");
    ServiceError::new(ServiceCode::LimitExceeded, why)
}

fn failed(why: &dyn std::fmt::Display) -> ServiceError {
    ServiceError::new(ServiceCode::Failed, format!("schedule: {why}"))
}
