//! The beginning of a turn: it waits for its turn in the session's line, makes the session if there is none, and begins a run, which claims what plugins have queued for it.

use super::listener::Listener;
use super::unended::Unended;
use super::{Run, TurnAsked, TurnError, TurnEvent, TurnStatus};
use crate::gateway::{Inner, Stop, Why};
use crate::runs::{HostTopic, RunAbout};
use crate::sessions::Place;
use plugbay_runtime::state::{Ensured, NewRun, SessionRow, StateError};
use plugbay_runtime::{Call, Grant, Plugin, SessionBegan, SessionStart, Standing, Trigger};
use serde_json::json;
use std::sync::{Arc, PoisonError};
use std::time::Instant;
use uuid::Uuid;

/// A turn that hasn't begun.
pub(super) struct Opening {
    pub(super) gateway: Arc<Inner>,
    pub(super) asked: TurnAsked,
    pub(super) run: Arc<str>,
    pub(super) listener: Listener,
    pub(super) stop: Stop,
    pub(super) place: Place,
}

impl Opening {
    pub(super) async fn play(self) {
        let listener = self.listener.clone();
        let error = match self.open().await {
            Ok(run) => return run.play().await,
            Err(error) => error,
        };
        let (said, status) = match error {
            TurnError::Cancelled => (TurnEvent::Cancelled, TurnStatus::Cancelled),
            TurnError::Stopping => (TurnEvent::Interrupted, TurnStatus::Interrupted),
            error => (TurnEvent::Failed { error: error.to_string(), unanswered: None }, TurnStatus::Failed),
        };
        listener.tell(said);
        listener.tell(TurnEvent::End { status });
    }

    /// Begins the turn when it may.
    pub(super) async fn open(mut self) -> Result<Run, TurnError> {
        self.turn().await?;
        let row = self.session().await?;
        let session = self.gateway.desk.handles().handle(&row.key, &row.id);
        let about = RunAbout { session: Some(session.clone()), principal: self.asked.principal.clone() };
        let guard = self.gateway.desk.runs().open(self.run.clone(), about).map_err(|taken| TurnError::Failed(taken.to_string()))?;
        let injections = self.gateway.store.begin_run(self.new_run(&row)).await?.ok_or_else(|| TurnError::Gone(row.key.clone()))?;
        let Self { gateway, asked, run, listener, stop, place } = self;
        listener.tell(TurnEvent::RunStarted { run, session: row.key.clone(), life: row.id.clone() });
        guard.event(HostTopic::Lifecycle, &json!({ "phase": "start", "trigger": asked.trigger }));
        let (key, life, entries): (Arc<str>, Arc<str>, _) = (row.key.into(), row.id.into(), row.entries);
        let seat = Arc::new(gateway.contexts.seat().behind_entries(entries));
        let unended = Unended {
            gateway: gateway.clone(),
            run: guard.id().clone(),
            key: key.clone(),
            life: life.clone(),
            seat: seat.clone(),
            engine: stop.calls(),
            place: Some(place),
        };
        let (began, unfinished, told) = (Instant::now(), String::new(), None);
        Ok(Run { gateway, asked, session, key, life, entries, injections, unfinished, seat, told, began, listener, guard, stop, unended })
    }

    /// Waits for its turn.
    async fn turn(&mut self) -> Result<(), TurnError> {
        match self.stop.unless(self.gateway.closing.run_until_cancelled(self.place.turn())).await {
            Ok(Some(())) => Ok(()),
            Ok(None) | Err(Why::HostStops) => Err(TurnError::Stopping),
            Err(Why::Cancelled) => Err(TurnError::Cancelled),
        }
    }

    /// The session, made if there is none. A subagent's is made before it has turns: one that isn't there any more was deleted, and a turn that waited meanwhile doesn't bring it back.
    async fn session(&self) -> Result<SessionRow, TurnError> {
        let (gateway, key) = (&self.gateway, &self.asked.session);
        if let Some(life) = &self.asked.life {
            let row = gateway.store.session(key).await?.filter(|row| row.id == *life);
            return row.ok_or_else(|| TurnError::Gone(key.clone()));
        }
        match self.asked.trigger {
            Trigger::Subagent => gateway.store.session(key).await?.ok_or_else(|| TurnError::Gone(key.clone())),
            _ => Ok(gateway.ensured(key).await?.session),
        }
    }

    fn new_run(&self, row: &SessionRow) -> NewRun {
        let plugins = self.gateway.plugins.all();
        NewRun {
            run: self.run.to_string(),
            session: row.key.clone(),
            life: row.id.clone(),
            trigger: trigger(self.asked.trigger).to_owned(),
            facts: self.asked.facts(),
            plugins: plugins.iter().filter(|plugin| may_inject(plugin)).map(|plugin| plugin.id().to_string()).collect(),
        }
    }
}

impl Inner {
    /// A session, made if there is none: then plugins are told.
    pub(crate) async fn ensured(&self, key: &str) -> Result<Ensured, StateError> {
        let ensured = self.store.ensure_session(key, &Uuid::new_v4().to_string()).await?;
        let row = &ensured.session;
        if ensured.is_new {
            let call = Call::new().session(self.desk.handles().handle(&row.key, &row.id));
            self.hooks.tell::<SessionStart>(&call, SessionBegan { previous: None, attrs: Vec::new() });
        }
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(row.key.clone());
        Ok(ensured)
    }
}

/// Whether what a plugin has queued is shown: it isn't switched off, and if it serves, it may shape prompts.
fn may_inject(plugin: &Plugin) -> bool {
    plugin.standing() != Standing::Disabled && plugin.generation().is_none_or(|serving| serving.settings().grants.has(Grant::Prompt))
}

const fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::User => "user",
        Trigger::Heartbeat => "heartbeat",
        Trigger::Schedule => "schedule",
        Trigger::Action => "action",
        Trigger::Subagent => "subagent",
    }
}
