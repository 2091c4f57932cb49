//! What plugins reach through the host: sessions that they have met, values and events of the run, state of sessions, injections, the gate of installations.
//!
//! The desk is made before the plugins, since they are made with it; it learns of them when the gateway is built ([`Desk::bind`]). What a service costs and
//! how it fails is said where it lives: [`Runs`], [`SessionState`], `injections`. Who asks comes from the runtime, never from what a guest says.

mod handles;
mod install;
mod late;

pub use handles::SessionHandles;
pub use late::Binding;
pub(crate) use late::Late;

use crate::completions::Completions;
use crate::gateway::{Gateway, WeakGateway};
use crate::hooks::Hooks;
use crate::injections::Injections;
use crate::outbox::{Deliveries, OutboxSettings};
use crate::runs::Runs;
use crate::schedule::{Schedule, ScheduleSettings};
use crate::session_state::SessionState;
use crate::tokens::Tokens;
use plugbay_runtime::state::{SessionStore, WorkStore};
use plugbay_runtime::{
    AttachmentFile, Call, Caller, Candidate, Caption, Cleanup, CleanupAsked, CleanupReason, Completed, CompletionRequest, Entry,
    FilesDelivered, InjectionQueued, InjectionRequest, JobPlan, JobTask, Json, PluginId, PluginJob, Plugins, ServiceCode, ServiceError,
    ServiceReply, Services, Session, SubagentStarted, SubagentStatus,
};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What plugins have the host do later, and what they hand over.
pub(crate) struct Work {
    pub(crate) schedule: Schedule,
    pub(crate) deliveries: Deliveries,
}

/// What plugins reach through the host.
pub struct Desk {
    store: Arc<dyn SessionStore>,
    late: Late,
    handles: SessionHandles,
    runs: Runs,
    session_state: SessionState,
    injections: Injections,
    completions: Completions,
    work: Work,
    tokens: Tokens,
    /// Whose turns subagents take, and whose model is asked.
    gateway: OnceLock<WeakGateway>,
}

impl Desk {
    /// A desk that reaches no plugins yet, with the usual schedule and no outbox.
    #[must_use]
    pub fn new<S: SessionStore + WorkStore + 'static>(state: Arc<S>) -> Self {
        let schedule = Schedule::new(state.clone(), ScheduleSettings::default());
        let deliveries = Deliveries::new(state.clone(), OutboxSettings::default());
        Self::with(state, Work { schedule, deliveries })
    }

    /// A desk that reaches no plugins yet.
    #[must_use]
    pub(crate) fn with(store: Arc<dyn SessionStore>, work: Work) -> Self {
        let late = Late::default();
        work.schedule.tells(late.clone());
        Self {
            handles: SessionHandles::default(),
            runs: Runs::new(late.clone()),
            session_state: SessionState::new(store.clone(), late.clone()),
            injections: Injections::new(store.clone()),
            completions: Completions::default(),
            work,
            tokens: Tokens::default(),
            gateway: OnceLock::new(),
            store,
            late,
        }
    }

    /// Lets it reach them, for as long as what is answered is held. None: it reaches others already.
    #[must_use]
    pub fn bind(&self, plugins: Plugins, hooks: Hooks) -> Option<Binding> {
        self.late.bind(plugins, hooks)
    }

    /// Lets plugins reach its agents and its model, once.
    pub(crate) fn serves(&self, gateway: &Gateway) {
        let _ = self.gateway.set(gateway.downgrade()); // a desk has one gateway, which is made with it
    }

    /// Whose agents plugins reach.
    fn gateway(&self, what: &str) -> Result<Gateway, ServiceError> {
        let none =
            || ServiceError::new(ServiceCode::Failed, format!("{what}: this host has no agents and no model of its own, or it stops"));
        self.gateway.get().and_then(WeakGateway::upgrade).ok_or_else(none)
    }

    /// Handles of sessions: whoever calls plugins about a session takes its handle from here.
    #[must_use]
    pub const fn handles(&self) -> &SessionHandles {
        &self.handles
    }

    pub(crate) const fn schedule(&self) -> &Schedule {
        &self.work.schedule
    }

    pub(crate) const fn deliveries(&self) -> &Deliveries {
        &self.work.deliveries
    }

    /// Runs that are under way.
    #[must_use]
    pub const fn runs(&self) -> &Runs {
        &self.runs
    }

    /// What plugins keep about sessions.
    #[must_use]
    pub const fn session_state(&self) -> &SessionState {
        &self.session_state
    }
}

/// Tells all plugins that a life of a session is over, after the host has cleaned away its own part. They get a handle of the life that was.
pub fn tell_cleanup(hooks: &Hooks, key: &str, life: &str, reason: CleanupReason) {
    hooks.tell::<Cleanup>(&Call::new().session(Session::new(key, life)), CleanupAsked { reason, attrs: Vec::new() });
}

fn unwanted() -> ServiceError {
    ServiceError::new(ServiceCode::Failed, "complete: the turn that this call belongs to was cancelled")
}

fn failed(what: &str, why: impl std::fmt::Display) -> ServiceError {
    ServiceError::new(ServiceCode::Failed, format!("{what}: {why}"))
}

impl Services for Desk {
    fn meet<'a>(&'a self, plugin: &'a PluginId, session: &'a Session) -> ServiceReply<'a, ()> {
        Box::pin(async move {
            let Some(key) = session.key() else { return Ok(()) };
            self.store.meet(plugin.as_str(), key).await.map_err(|e| failed("sessions", e))
        })
    }

    fn open_session<'a>(&'a self, caller: &'a Caller, key: &'a str) -> ServiceReply<'a, Session> {
        Box::pin(async move {
            let met = self.store.met(caller.plugin.as_str(), key).await.map_err(|e| failed("open", e))?;
            let unknown = || ServiceError::new(ServiceCode::Unknown, format!("open: the plugin has met no session {key:?} in any call"));
            let row = met.ok_or_else(unknown)?;
            let gone = || ServiceError::new(ServiceCode::Gone, format!("open: the session {key:?} was deleted"));
            row.map(|row| self.handles.handle(&row.key, &row.id)).ok_or_else(gone)
        })
    }

    fn run_value(&self, caller: &Caller, name: &str) -> Result<Option<Json>, ServiceError> {
        self.runs.value(caller, name)
    }

    fn set_run_value(&self, caller: &Caller, name: &str, value: Option<Json>) -> Result<bool, ServiceError> {
        self.runs.set_value(caller, name, value)
    }

    fn clear_run_values(&self, caller: &Caller) -> Result<(), ServiceError> {
        self.runs.clear_values(caller)
    }

    fn session_state(&self, caller: &Caller, session: &Session, namespace: &str) -> Result<Option<Json>, ServiceError> {
        self.session_state.read(&caller.plugin, session, namespace)
    }

    fn set_session_state<'a>(
        &'a self,
        caller: &'a Caller,
        session: &'a Session,
        namespace: &'a str,
        value: Option<Json>,
    ) -> ServiceReply<'a, bool> {
        Box::pin(self.session_state.set(caller, session, namespace, value))
    }

    fn emit(&self, caller: &Caller, topic: &str, data: Json) -> Result<(), ServiceError> {
        self.runs.emit(caller, topic, &data)
    }

    fn enqueue<'a>(&'a self, caller: &'a Caller, session: &'a Session, injection: InjectionRequest) -> ServiceReply<'a, InjectionQueued> {
        Box::pin(self.injections.enqueue(&caller.plugin, session, injection))
    }

    fn count_tokens(&self, text: &str) -> u64 {
        self.tokens.count(text)
    }

    fn complete<'a>(&'a self, caller: &'a Caller, request: CompletionRequest) -> ServiceReply<'a, Completed> {
        Box::pin(async move {
            let gateway = self.gateway("complete")?;
            let asking = self.completions.complete(gateway.models(), &caller.plugin, request);
            match caller.run.as_ref().and_then(|run| gateway.0.live.cancelled(run)) {
                Some(cancelled) => cancelled.run_until_cancelled(asking).await.unwrap_or_else(|| Err(unwanted())),
                None => asking.await,
            }
        })
    }

    fn run_subagent<'a>(&'a self, caller: &'a Caller, name: &'a str, message: String) -> ServiceReply<'a, SubagentStarted> {
        Box::pin(async move { self.gateway("run")?.run_subagent(caller, name, message).await })
    }

    fn wait_for_subagent<'a>(&'a self, caller: &'a Caller, run: &'a str, patience: Duration) -> ServiceReply<'a, SubagentStatus> {
        Box::pin(async move { self.gateway("wait")?.wait_for_subagent(caller, run, patience).await })
    }

    fn subagent_messages<'a>(&'a self, caller: &'a Caller, name: &'a str, limit: u32) -> ServiceReply<'a, Vec<Entry>> {
        Box::pin(async move { self.gateway("messages")?.subagent_messages(caller, name, limit).await })
    }

    fn delete_subagent<'a>(&'a self, caller: &'a Caller, name: &'a str) -> ServiceReply<'a, bool> {
        Box::pin(async move { self.gateway("delete")?.delete_subagent(caller, name).await })
    }

    fn schedule<'a>(&'a self, caller: &'a Caller, task: JobTask, plan: JobPlan) -> ServiceReply<'a, PluginJob> {
        Box::pin(self.work.schedule.schedule(caller, task, plan))
    }

    fn cancel_job<'a>(&'a self, caller: &'a Caller, id: &'a str) -> ServiceReply<'a, bool> {
        Box::pin(self.work.schedule.cancel(&caller.plugin, id))
    }

    fn cancel_jobs<'a>(&'a self, caller: &'a Caller, about: Option<&'a Session>, tag: &'a str) -> ServiceReply<'a, u32> {
        Box::pin(self.work.schedule.cancel_tagged(&caller.plugin, about, tag))
    }

    fn jobs<'a>(&'a self, caller: &'a Caller, tag: Option<&'a str>) -> ServiceReply<'a, Vec<PluginJob>> {
        Box::pin(self.work.schedule.of_plugin(&caller.plugin, tag))
    }

    fn waiting_timers<'a>(&'a self, plugin: &'a PluginId) -> ServiceReply<'a, Vec<PluginJob>> {
        Box::pin(self.work.schedule.timers(plugin))
    }

    fn create_file<'a>(
        &'a self,
        caller: &'a Caller,
        name: &'a str,
        content_type: Option<&'a str>,
    ) -> ServiceReply<'a, Box<dyn AttachmentFile>> {
        Box::pin(self.work.deliveries.create(&caller.plugin, name, content_type))
    }

    fn send_files<'a>(
        &'a self,
        caller: &'a Caller,
        session: &'a Session,
        files: Vec<Box<dyn AttachmentFile>>,
        caption: Option<Caption>,
    ) -> ServiceReply<'a, FilesDelivered> {
        Box::pin(self.work.deliveries.send(caller, session, files, caption))
    }

    fn may_install(&self, candidate: Candidate) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(install::may(self.late.get(), candidate))
    }

    fn left<'a>(&'a self, plugin: &'a PluginId, uninstalled: bool) -> ServiceReply<'a, ()> {
        Box::pin(async move {
            self.store.forget_plugin(plugin.as_str(), uninstalled).await.map_err(|e| failed("sessions", e))?;
            match self.gateway.get().and_then(WeakGateway::upgrade).filter(|_| uninstalled) {
                Some(gateway) => gateway.uninstalled(plugin).await.map_err(|e| failed("subagents", e)),
                None => Ok(()),
            }
        })
    }
}
