//! What plugins reach through the host and the runtime itself doesn't have: sessions, runs, events, what is queued for a turn, jobs, files.
//!
//! The runtime says who asks ([`Caller`]), from the cell that makes the call; whoever builds a gateway on it answers. A host without a gateway has none of
//! this: [`NoServices`] refuses by name.

mod attachments;
mod candidate;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod injections;
mod model;
mod none;
mod schedule;
#[cfg(test)]
pub(crate) mod stage;
mod subagents;

pub use attachments::{AttachmentFile, Caption, CaptionFormat, FilesDelivered};
pub use candidate::Candidate;
pub use error::{ServiceCode, ServiceError};
pub use injections::{InjectionQueued, InjectionRequest};
pub use model::{Completed, CompletionRequest};
pub use none::NoServices;
pub use schedule::{CatchUp, JobKind, JobMoment, JobPlan, JobTask, PluginJob};
pub use subagents::{SubagentStarted, SubagentState, SubagentStatus};

use crate::call::{Chain, Session};
use crate::id::PluginId;
use crate::json::Json;
use crate::transcript::Entry;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// What a service answers, when it does.
pub type ServiceReply<'a, T> = Pin<Box<dyn Future<Output = Result<T, ServiceError>> + Send + 'a>>;

/// Who asks, and in which call.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The plugin.
    pub plugin: PluginId,
    /// Its generation.
    pub generation: u64,
    /// The session that its call is about.
    pub session: Option<Session>,
    /// The run that its call belongs to.
    pub run: Option<Arc<str>>,
    /// The calls that led here, this one included: whatever is called on behalf of this caller carries it on.
    pub chain: Chain,
}

/// What plugins reach through the host.
pub trait Services: Send + Sync + 'static {
    /// A plugin that may open sessions which it has met is called about this one. Awaited before the call, once for each plugin and session.
    fn meet<'a>(&'a self, plugin: &'a PluginId, session: &'a Session) -> ServiceReply<'a, ()>;

    /// `sessions.open`.
    fn open_session<'a>(&'a self, caller: &'a Caller, key: &'a str) -> ServiceReply<'a, Session>;

    /// `run-context.get`.
    ///
    /// # Errors
    /// `NoRun`, `Closed`, `InvalidInput`.
    fn run_value(&self, caller: &Caller, name: &str) -> Result<Option<Json>, ServiceError>;

    /// `run-context.set`, or `unset` without a value. Whether there was one.
    ///
    /// # Errors
    /// `NoRun`, `Closed`, `InvalidInput`, `LimitExceeded`.
    fn set_run_value(&self, caller: &Caller, name: &str, value: Option<Json>) -> Result<bool, ServiceError>;

    /// `run-context.clear`.
    ///
    /// # Errors
    /// `NoRun`, `Closed`.
    fn clear_run_values(&self, caller: &Caller) -> Result<(), ServiceError>;

    /// `session-state.read`. The namespace is one of the plugin's.
    ///
    /// # Errors
    /// `Gone`, `Failed`.
    fn session_state(&self, caller: &Caller, session: &Session, namespace: &str) -> Result<Option<Json>, ServiceError>;

    /// `session-state.patch`, or `unset` without a value. Whether there was one. The namespace is one of the plugin's.
    fn set_session_state<'a>(
        &'a self,
        caller: &'a Caller,
        session: &'a Session,
        namespace: &'a str,
        value: Option<Json>,
    ) -> ServiceReply<'a, bool>;

    /// `events.emit`.
    ///
    /// # Errors
    /// `InvalidInput`, `ForeignTopic`, `Closed`, `LimitExceeded`.
    fn emit(&self, caller: &Caller, topic: &str, data: Json) -> Result<(), ServiceError>;

    /// `injections.enqueue`.
    fn enqueue<'a>(&'a self, caller: &'a Caller, session: &'a Session, injection: InjectionRequest) -> ServiceReply<'a, InjectionQueued>;

    /// `tokens.count`.
    fn count_tokens(&self, text: &str) -> u64;

    /// `model.complete`. Who stops waiting takes the question back.
    fn complete<'a>(&'a self, caller: &'a Caller, request: CompletionRequest) -> ServiceReply<'a, Completed>;

    /// `subagents.run`.
    fn run_subagent<'a>(&'a self, caller: &'a Caller, name: &'a str, message: String) -> ServiceReply<'a, SubagentStarted>;

    /// `subagents.wait`, so long at most.
    fn wait_for_subagent<'a>(&'a self, caller: &'a Caller, run: &'a str, patience: Duration) -> ServiceReply<'a, SubagentStatus>;

    /// `subagents.messages`: the newest so many, oldest first.
    fn subagent_messages<'a>(&'a self, caller: &'a Caller, name: &'a str, limit: u32) -> ServiceReply<'a, Vec<Entry>>;

    /// `subagents.delete`. Whether there was one.
    fn delete_subagent<'a>(&'a self, caller: &'a Caller, name: &'a str) -> ServiceReply<'a, bool>;

    /// `schedule.turn` and `schedule.timer`.
    fn schedule<'a>(&'a self, caller: &'a Caller, task: JobTask, plan: JobPlan) -> ServiceReply<'a, PluginJob>;

    /// `schedule.cancel`. Whether there was one.
    fn cancel_job<'a>(&'a self, caller: &'a Caller, id: &'a str) -> ServiceReply<'a, bool>;

    /// `schedule.cancel-tag`. How many there were.
    fn cancel_jobs<'a>(&'a self, caller: &'a Caller, about: Option<&'a Session>, tag: &'a str) -> ServiceReply<'a, u32>;

    /// `schedule.jobs`.
    fn jobs<'a>(&'a self, caller: &'a Caller, tag: Option<&'a str>) -> ServiceReply<'a, Vec<PluginJob>>;

    /// The timers of a plugin that wait: a version without `timers` would orphan them.
    fn waiting_timers<'a>(&'a self, plugin: &'a PluginId) -> ServiceReply<'a, Vec<PluginJob>>;

    /// `attachments.create`.
    fn create_file<'a>(
        &'a self,
        caller: &'a Caller,
        name: &'a str,
        content_type: Option<&'a str>,
    ) -> ServiceReply<'a, Box<dyn AttachmentFile>>;

    /// `attachments.send`: all of them, or none.
    fn send_files<'a>(
        &'a self,
        caller: &'a Caller,
        session: &'a Session,
        files: Vec<Box<dyn AttachmentFile>>,
        caption: Option<Caption>,
    ) -> ServiceReply<'a, FilesDelivered>;

    /// The gates of an installation.
    ///
    /// # Errors
    /// Why it may not be installed, naming who says so.
    fn may_install(&self, candidate: Candidate) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;

    /// A plugin was switched off, or uninstalled: what waits for it in sessions goes.
    fn left<'a>(&'a self, plugin: &'a PluginId, uninstalled: bool) -> ServiceReply<'a, ()>;
}
