//! One run of a job: begun, done, ended.
//!
//! From the mark `begun` on nobody runs this due time again, whatever becomes of the host. What the plugin was never asked (it was busy, or the session's line was full) is put off
//! instead, and counts as not begun. How a run failed is for the plugin (`job-changed`) and, of a job that doesn't come again, for the history.

use super::asked::changed;
use super::plan::{Due, Plan};
use super::task::{Actor, Task};
use super::{Schedule, call};
use crate::gateway::Gateway;
use crate::turn::{AnswerTo, TurnAsked, TurnEnd, TurnError, TurnStatus};
use plugbay_runtime::engine::CallError;
use plugbay_runtime::state::{Fact, Job, JobEnd, JobSession, JobTime, StateError};
use plugbay_runtime::{Fired, Grant, JobChange, JobChangeKind, Json, Plugin, Principal, TimerDue, Timers, Trigger};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// The channel of turns that a job begins.
const CHANNEL: &str = "schedule";
/// The same, of turns that go on after an action.
const ACTIONS: &str = "action";
/// Who does what the schedule does, in the history.
const WHO: &str = "schedule";
/// How long what couldn't be asked is put off.
const PUT_OFF: u64 = 10_000;
/// Characters of a failure that are kept.
const WORDS: usize = 1_000;

/// A job that was claimed.
pub(super) struct Running {
    pub(super) schedule: Schedule,
    pub(super) gateway: Gateway,
    pub(super) job: Job,
    /// Its place among those that run; given back when others may begin.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

/// How a run ended.
enum Ended {
    Done,
    Failed(String),
    /// It wasn't run, for this reason.
    Skipped(String),
    /// Nobody could be asked: later.
    PutOff(String),
}

impl Running {
    pub(super) async fn play(mut self) {
        let ended = match self.skipped() {
            Some(why) => Ended::Skipped(why),
            None => match self.run().await {
                Ok(Some(ended)) => ended,
                // It was removed before it began.
                Ok(None) => return,
                Err(error) => return self.unwritten(&error),
            },
        };
        if let Err(error) = self.end(ended).await {
            self.unwritten(&error);
        }
    }

    /// What can't be written now is settled when the host starts again.
    fn unwritten(&self, error: &StateError) {
        tracing::error!(job = self.job.asked.id, plugin = self.job.asked.plugin, %error, "what becomes of a job can't be written: the next start settles it");
    }

    /// Why this due time isn't run, if it isn't.
    fn skipped(&self) -> Option<String> {
        let inner = &self.schedule.0;
        let missed = inner.began_at.get().is_some_and(|began| self.job.asked.time.due_at < *began);
        let plan = self.plan().ok();
        if missed && plan.is_some_and(|plan| !plan.catches_up(inner.settings.catch_up)) {
            return Some("it was due while the host was down (setting `schedule.catch-up`)".to_owned());
        }
        let is_action = matches!(Task::of(&self.job), Ok(Task::Action { .. }));
        let may =
            self.plugin().and_then(|plugin| plugin.generation()).is_some_and(|serving| serving.settings().grants.has(Grant::Schedule));
        (!is_action && !may).then(|| "the operator denied the grant `schedule`".to_owned())
    }

    fn plugin(&self) -> Option<Arc<Plugin>> {
        self.gateway.plugins().get(&self.job.asked.plugin)
    }

    fn plan(&self) -> Result<Plan, String> {
        serde_json::from_str(&self.job.asked.plan).map_err(|e| format!("when it runs can't be read: {e}"))
    }

    /// Its answer goes into the outbox, on the plugin's behalf.
    fn outbox(&self) -> AnswerTo {
        AnswerTo::Outbox { plugin: self.job.asked.plugin.clone() }
    }

    fn claim(&self) -> &str {
        self.job.claim.as_deref().unwrap_or_default()
    }

    /// Begins it, and does it. None: it was removed meanwhile.
    async fn run(&mut self) -> Result<Option<Ended>, StateError> {
        let task = match Task::of(&self.job) {
            Ok(task) => task,
            Err(why) => return Ok(Some(Ended::Failed(why))),
        };
        if !self.schedule.0.store.begin_job(&self.job.asked.id, self.claim()).await? {
            return Ok(None);
        }
        drop(self.schedule.0.putting.write().await); // whoever put it has told so
        self.schedule.tell_start(&self.job);
        Ok(Some(match task {
            Task::Timer { payload } => self.timer(payload).await,
            Task::Turn { message, announce } => {
                let answer = if announce { self.outbox() } else { AnswerTo::Nobody };
                self.turn(Trigger::Schedule, CHANNEL, message, answer, None).await
            }
            Task::Action { message, by } => self.turn(Trigger::Action, ACTIONS, message, self.outbox(), by).await,
        }))
    }

    async fn timer(&self, payload: Option<Value>) -> Ended {
        let Some(plugin) = self.plugin() else { return Ended::PutOff("its plugin isn't there".to_owned()) };
        if !plugin.generation().is_some_and(|serving| serving.handles::<Timers>()) {
            return Ended::Skipped("the plugin doesn't export `timers` any more".to_owned());
        }
        let asked = &self.job.asked;
        let payload = match payload.map(|payload| Json::from_value(&payload)).transpose() {
            Ok(payload) => payload,
            Err(e) => return Ended::Failed(format!("its payload: {e}")),
        };
        let event = TimerDue {
            job: asked.id.clone(),
            name: asked.name.clone(),
            tag: asked.tag.clone(),
            payload,
            due_at: asked.time.due_at,
            next_at: super::view::next_at(&self.job, self.schedule.now()),
            attrs: Vec::new(),
        };
        let call = match &asked.session {
            Some(JobSession { key, life }) => call(&self.job).session(self.gateway.0.desk.handles().handle(key, life)),
            None => call(&self.job),
        };
        match plugin.serve::<Timers>(&call, &Fired::new(event)).await.answer {
            Ok(()) => Ended::Done,
            Err(CallError::Unserved(why)) => Ended::PutOff(why.to_string()),
            Err(error) => Ended::Failed(error.to_string()),
        }
    }

    async fn turn(&mut self, trigger: Trigger, channel: &str, message: String, answer: AnswerTo, by: Option<Actor>) -> Ended {
        let Some(JobSession { key: session, life }) = self.job.asked.session.clone() else {
            return Ended::Failed("it is about no session".to_owned());
        };
        let asked = TurnAsked {
            trigger,
            principal: by.map(Principal::from),
            life: Some(life),
            answer,
            ..TurnAsked::said(session, channel, message)
        };
        let turn = match self.gateway.turn_as(self.claim().into(), asked).await {
            Ok(turn) => turn,
            Err(error @ (TurnError::Busy { .. } | TurnError::Stopping | TurnError::NotStarted)) => return Ended::PutOff(error.to_string()),
            Err(error) => return Ended::Failed(error.to_string()),
        };
        // It has its place in the session's line: others may begin.
        self.place = None;
        let TurnEnd { status, error, .. } = turn.ended().await;
        match status {
            TurnStatus::Done | TurnStatus::Taken => Ended::Done,
            TurnStatus::Blocked => Ended::Failed(error.unwrap_or_else(|| "a plugin didn't let it run".to_owned())),
            TurnStatus::Cancelled => Ended::Failed("it was cancelled".to_owned()),
            TurnStatus::Failed | TurnStatus::Interrupted => Ended::Failed(error.unwrap_or_else(|| "it didn't come to its end".to_owned())),
        }
    }

    /// Writes how it ended, and when it runs next; then the plugin is told.
    async fn end(&self, ended: Ended) -> Result<(), StateError> {
        if let Ended::PutOff(why) = &ended {
            tracing::debug!(job = self.job.asked.id, why, "a job is put off");
            let next = JobTime { due_at: self.job.asked.time.due_at, run_at: self.schedule.now() + PUT_OFF };
            let end = JobEnd { next: Some(next), events: Vec::new() };
            self.schedule.0.store.end_job(&self.job.asked.id, self.claim(), end).await?;
            return Ok(());
        }
        self.schedule.ended(&self.job, ended).await
    }
}

impl Schedule {
    /// A run whose end nobody knows: the host died in it.
    pub(super) async fn lost(&self, job: &Job) -> Result<(), StateError> {
        self.ended(job, Ended::Failed("the host stopped while it ran: whether it was done isn't known, and it isn't run again".to_owned()))
            .await
    }

    async fn ended(&self, job: &Job, ended: Ended) -> Result<(), StateError> {
        let (next, broken) = match next(job, self.now()) {
            Ok(next) => (next, None),
            Err(why) => (None, Some(why)),
        };
        let (what, error) = match ended {
            Ended::Done => ("job-done", None),
            Ended::Failed(why) => ("job-failed", Some(why)),
            Ended::Skipped(why) | Ended::PutOff(why) => ("job-skipped", Some(why)),
        };
        let error = broken.or(error).map(|why| why.chars().take(WORDS).collect::<String>());
        // Of what comes again and goes well there would be a line without end.
        let told = next.is_none() || error.is_some();
        let events = told.then(|| fact(job, what, error.as_deref())).into_iter().collect();
        let time = next.map(|Due { at, runs_at }| JobTime { due_at: at, run_at: runs_at });
        self.0.store.end_job(&job.asked.id, job.claim.as_deref().unwrap_or_default(), JobEnd { next: time, events }).await?;
        if let Some(why) = &error {
            tracing::warn!(job = job.asked.id, plugin = job.asked.plugin, why, "a job's run: {what}");
        }
        self.poke();
        let change = changed(job, JobChangeKind::Finished);
        self.tell(job, JobChange { next_at: next.map(|due| due.at), error, ..change });
        Ok(())
    }
}

/// When a job is due after this one.
fn next(job: &Job, now: u64) -> Result<Option<Due>, String> {
    let plan: Plan = serde_json::from_str(&job.asked.plan).map_err(|e| format!("when it runs can't be read: {e}"))?;
    plan.next(now.max(job.asked.time.due_at))
}

/// A line of the history.
fn fact(job: &Job, what: &str, why: Option<&str>) -> Fact {
    let asked = &job.asked;
    let session = asked.session.as_ref().map(|session| &session.key);
    let details = json!({
        "job": asked.id, "kind": asked.kind, "name": asked.name, "tag": asked.tag, "session": session, "due-at": asked.time.due_at,
    });
    Fact { plugin: Some(asked.plugin.clone()), why: why.map(str::to_owned), details: Some(details.to_string()), ..Fact::new(WHO, what) }
}
