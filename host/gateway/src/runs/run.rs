//! One run: its values, its events, its second tries.

use super::topics::{self, HostTopic};
use super::values::{Values, named};
use crate::desk::Late;
use crate::finalize::{Revisions, Ruling};
use plugbay_runtime::{
    AgentEvent, AgentEvents, Call, Finalization, Json, Payload, PluginId, Principal, ServiceCode, ServiceError, Session,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Events of one plugin in one run.
const EVENTS: u32 = 1_000;

/// Who watches a run's events, as they happen.
pub(super) type Watch = Box<dyn Fn(&AgentEvent) + Send + Sync>;

/// What a run is about.
#[derive(Debug, Clone, Default)]
pub struct RunAbout {
    /// Its session.
    pub session: Option<Session>,
    /// Who is behind it.
    pub principal: Option<Principal>,
}

pub(super) struct Run {
    pub(super) id: Arc<str>,
    about: RunAbout,
    late: Late,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ended: bool,
    numbered: u64,
    watch: Option<Watch>,
    revisions: Revisions,
    plugins: HashMap<PluginId, Kept>,
}

/// What a run keeps for one plugin.
#[derive(Default)]
struct Kept {
    values: Values,
    emitted: u32,
}

impl Run {
    pub(super) fn new(id: Arc<str>, about: RunAbout, late: Late) -> Self {
        Self { id, about, late, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, to write into: not after the end.
    fn open(&self) -> Result<MutexGuard<'_, State>, ServiceError> {
        let state = self.state();
        if state.ended { Err(closed(&self.id)) } else { Ok(state) }
    }

    /// What it is about, while it hasn't ended.
    pub(super) fn about_open(&self) -> Result<RunAbout, ServiceError> {
        self.open().map(|_| self.about.clone())
    }

    /// Nothing is written from now on.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        state.watch = None;
    }

    pub(super) fn watch(&self, watch: Watch) {
        self.state().watch = Some(watch);
    }

    pub(super) fn rule(&self, wanted: &Finalization) -> Ruling {
        self.state().revisions.rule(wanted)
    }

    pub(super) fn revisions(&self) -> u32 {
        self.state().revisions.count()
    }

    /// Values are readable until the run is forgotten: who observes its end still finds them.
    pub(super) fn value(&self, plugin: &PluginId, name: &str) -> Result<Option<Json>, ServiceError> {
        let name = named(name)?;
        Ok(self.state().plugins.get(plugin).and_then(|kept| kept.values.get(name)))
    }

    pub(super) fn set(&self, plugin: &PluginId, name: &str, value: Option<Json>) -> Result<bool, ServiceError> {
        let name = named(name)?;
        let mut state = self.open()?;
        match value {
            Some(value) => state.plugins.entry(plugin.clone()).or_default().values.set(name, value),
            None => Ok(state.plugins.get_mut(plugin).is_some_and(|kept| kept.values.unset(name))),
        }
    }

    pub(super) fn clear(&self, plugin: &PluginId) -> Result<(), ServiceError> {
        if let Some(kept) = self.open()?.plugins.get_mut(plugin) {
            kept.values = Values::default();
        }
        Ok(())
    }

    /// A plugin's own event.
    pub(super) fn emit(&self, plugin: &PluginId, topic: &str, data: &Json) -> Result<(), ServiceError> {
        let (topic, data) = (topics::own(plugin, topic)?, topics::stamped(plugin, data)?);
        let mut state = self.open()?;
        let kept = state.plugins.entry(plugin.clone()).or_default();
        if kept.emitted >= EVENTS {
            let why =
                format!("emit: the plugin has emitted {EVENTS} events in this run, and that is the limit (fixed: no setting changes it)");
            return Err(ServiceError::new(ServiceCode::LimitExceeded, why));
        }
        kept.emitted += 1;
        self.tell(&mut state, topic, data.into());
        Ok(())
    }

    /// One of the host's own. None after the end.
    pub(super) fn event(&self, topic: HostTopic, data: Payload) {
        let mut state = self.state();
        if !state.ended {
            self.tell(&mut state, topic.name(), data);
        }
    }

    /// Numbers an event and hands it on, under the lock: so that it is told in the order of its number.
    fn tell(&self, state: &mut State, topic: &str, data: Payload) {
        state.numbered += 1;
        let event = AgentEvent { topic: topic.to_owned(), number: state.numbered, at: now(), data, attrs: Vec::new() };
        if let Some(watch) = &state.watch {
            watch(&event);
        }
        if let Some(bound) = self.late.get() {
            bound.hooks.tell::<AgentEvents>(&self.call(), event);
        }
    }

    /// What plugins are told about it. Nobody waits for observers, so no chain of calls leads to them.
    fn call(&self) -> Call {
        let mut call = Call::new().run(self.id.clone());
        if let Some(session) = &self.about.session {
            call = call.session(session.clone());
        }
        if let Some(principal) = &self.about.principal {
            call = call.principal(principal.clone());
        }
        call
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The refusal of who comes too late.
pub(super) fn closed(run: &str) -> ServiceError {
    ServiceError::new(ServiceCode::Closed, format!("the run `{run}` has ended"))
}
