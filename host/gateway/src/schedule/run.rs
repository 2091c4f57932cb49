//! One run of a job: begun, done, ended.
//!
//! From the mark `begun` on nobody runs this due time again, whatever becomes of the host. What the plugin was never asked (it was busy, or the session's line was full) is put off
//! instead, and counts as not begun. How a run failed is for the plugin (`job-changed`) and, of a job that doesn't come again, for the history.

use super::asked::changed;
use super::places::Place;
use super::plan::{Due, Plan};
use super::rounds::AGAIN;
use super::task::{ACTION, Actor, Task};
use super::{Schedule, call};
use crate::gateway::Gateway;
use crate::turn::{AnswerTo, TurnAsked, TurnEnd, TurnError, TurnStatus};
use plugbay_runtime::engine::CallError;
use plugbay_runtime::state::{Code, Fact, Job, JobEnd, JobEnded, JobSession, JobTime, StateError};
use plugbay_runtime::{Fired, Grant, JobChange, JobChangeKind, Json, Plugin, Principal, TimerDue, Timers, Trigger};
use serde_json::{Value, json};
use std::sync::Arc;

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
    pub(super) place: Option<Place>,
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
        let ended = match self.refused() {
            Some(ended) => ended,
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

    /// What can't be written before the host stops is settled when it starts again.
    fn unwritten(&self, error: &StateError) {
        tracing::error!(job = self.job.asked.id, plugin = self.job.asked.plugin, %error, "what becomes of a job can't be written: the next start settles it");
    }

    /// Whether to write once more what couldn't be written: a while later, unless the host stops.
    async fn again(&self, error: &StateError) -> bool {
        if error.code != Code::WriteFailed {
            return false;
        }
        tracing::error!(job = self.job.asked.id, plugin = self.job.asked.plugin, %error, "what becomes of a job can't be written: tried again");
        self.gateway.0.closing.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_some()
    }

    /// How this due time ends that isn't run, if it isn't.
    fn refused(&self) -> Option<Ended> {
        let inner = &self.schedule.0;
        let missed = inner.began_at.get().is_some_and(|began| self.job.asked.time.due_at < *began);
        let plan = self.plan().ok();
        if missed && plan.is_some_and(|plan| !plan.catches_up(inner.settings.catch_up)) {
            return Some(Ended::Skipped("it was due while the host was down (setting `schedule.catch-up`)".to_owned()));
        }
        if self.job.asked.kind == ACTION {
            return None;
        }
        match self.plugin().and_then(|plugin| plugin.generation()) {
            None => Some(absent()),
            Some(serving) if serving.settings().grants.has(Grant::Schedule) => None,
            Some(_) => Some(Ended::Skipped("the operator denied the grant `schedule`".to_owned())),
        }
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
        if !self.begin().await? {
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

    async fn begin(&self) -> Result<bool, StateError> {
        loop {
            match self.schedule.0.store.begin_job(&self.job.asked.id, self.claim()).await {
                Err(error) if self.again(&error).await => {}
                begun => return begun,
            }
        }
    }

    async fn timer(&self, payload: Option<Value>) -> Ended {
        let Some((plugin, serving)) = self.plugin().and_then(|plugin| plugin.generation().map(|serving| (plugin, serving))) else {
            return absent();
        };
        if !serving.handles::<Timers>() {
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
            message_id: Some(self.job.asked.id.clone()),
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
        loop {
            match self.schedule.ended(&self.job, &ended).await {
                Err(error) if self.again(&error).await => {}
                written => return written,
            }
        }
    }
}

/// Of a plugin that doesn't serve now.
fn absent() -> Ended {
    Ended::PutOff("its plugin doesn't serve".to_owned())
}

impl Schedule {
    /// A run whose end nobody knows: the host died in it.
    pub(super) async fn lost(&self, job: &Job) -> Result<(), StateError> {
        let why = "the host stopped while it ran: whether it was done isn't known, and it isn't run again";
        self.ended(job, &Ended::Failed(why.to_owned())).await
    }

    async fn ended(&self, job: &Job, ended: &Ended) -> Result<(), StateError> {
        let End { next, what, error } = End::of(job, ended, self.now());
        let put_off = matches!(ended, Ended::PutOff(_));
        let told = || if put_off { Vec::new() } else { vec![fact(job, what, error.as_deref())] };
        // Of what comes again and goes well there would be a line without end, and so there would of what always fails.
        let news = !put_off && self.is_news(job, error.is_some());
        let (events, last) = if news { (told(), Vec::new()) } else { (Vec::new(), told()) };
        let claim = job.claim.as_deref().unwrap_or_default();
        let became = self.0.store.end_job(&job.asked.id, claim, JobEnd { next, events, last }).await;
        let next_at = match became {
            Ok(JobEnded::Waits(time)) => Some(time.due_at),
            _ => None,
        };
        if next_at.is_none() {
            self.is_news(job, false);
        }
        became?;
        match &error {
            Some(why) if news => tracing::warn!(job = job.asked.id, plugin = job.asked.plugin, why, "a job's run: {what}"),
            Some(why) => tracing::debug!(job = job.asked.id, plugin = job.asked.plugin, why, "a job's run: {what}"),
            None => {}
        }
        self.tell(job, JobChange { next_at, error, ..changed(job, JobChangeKind::Finished) });
        self.poke();
        Ok(())
    }
}

/// What is written of a run that is over.
struct End {
    next: Option<JobTime>,
    /// What the history calls it.
    what: &'static str,
    error: Option<String>,
}

impl End {
    fn of(job: &Job, ended: &Ended, now: u64) -> Self {
        let (what, error) = match ended {
            Ended::Done => ("job-done", None),
            Ended::Failed(why) => ("job-failed", Some(why)),
            Ended::Skipped(why) | Ended::PutOff(why) => ("job-skipped", Some(why)),
        };
        let shortened = |why: &String| why.chars().take(WORDS).collect();
        let (next, broken) = match (ended, next(job, now)) {
            (Ended::PutOff(_), _) => (Some(JobTime { due_at: job.asked.time.due_at, run_at: now + PUT_OFF }), None),
            (_, Ok(next)) => (next.map(|Due { at, runs_at }| JobTime { due_at: at, run_at: runs_at }), None),
            (_, Err(why)) => (None, Some(why)),
        };
        Self { next, what, error: broken.as_ref().or(error).map(shortened) }
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
