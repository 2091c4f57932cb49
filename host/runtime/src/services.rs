//! What plugins reach through the host and the runtime itself doesn't have: sessions, runs, events, what is queued for a turn.
//!
//! The runtime says who asks ([`Caller`]), from the cell that makes the call; whoever builds a gateway on it answers. A host without a gateway has none of
//! this: [`NoServices`] refuses by name.

use crate::call::{Chain, Session};
use crate::grant::Grant;
use crate::id::PluginId;
use crate::json::Json;
use crate::transcript::Entry;
use plugbay_engine::Digest;
use semver::Version;
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

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

/// Why a service has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ServiceError {
    /// What kind of failure.
    pub code: ServiceCode,
    /// What was asked, what refused it and what would change that.
    pub message: String,
}

impl ServiceError {
    /// A failure in words.
    #[must_use]
    pub fn new(code: ServiceCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Kinds of failure. Each interface of the contract has some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceCode {
    /// An argument is no good.
    InvalidInput,
    /// The call belongs to no run.
    NoRun,
    /// The run has ended.
    Closed,
    /// The plugin hasn't met such a session.
    Unknown,
    /// The session was deleted, or began another life.
    Gone,
    /// The topic isn't the plugin's.
    ForeignTopic,
    /// A limit was reached.
    LimitExceeded,
    /// Something of this name isn't the plugin's.
    Taken,
    /// There was no answer in time.
    TimedOut,
    /// The model takes less than this.
    TooLong,
    /// Whoever asks would wait for itself.
    ReEntrant,
    /// The context engine didn't prepare for it.
    NotPrepared,
    /// The state can't be read or written, or the host has no such service.
    Failed,
}

/// What a plugin wants shown in a session's next turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectionRequest {
    /// What it says.
    pub text: String,
    /// Whether it goes behind what was said, or before it.
    pub append: bool,
    /// Higher is shown first.
    pub priority: i32,
    /// How long it waits, in milliseconds.
    pub ttl_ms: Option<u64>,
    /// While one with the same key waits, this one isn't queued.
    pub key: Option<String>,
    /// Facts of the plugin's own.
    pub metadata: Option<Json>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectionQueued {
    /// Its id, or that of the one that waits already.
    pub id: String,
    /// Whether it was queued just now.
    pub fresh: bool,
}

/// What a plugin asks the host's model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletionRequest {
    /// The message.
    pub message: String,
    /// The instructions above it.
    pub system_prompt: Option<String>,
    /// How long to wait, in milliseconds.
    pub timeout_ms: Option<u32>,
}

/// What the host's model said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// Its words.
    pub text: String,
    /// Who answered.
    pub model: String,
    /// Tokens that it read, if the provider says.
    pub input_tokens: Option<u64>,
    /// Tokens that it wrote, if the provider says.
    pub output_tokens: Option<u64>,
}

/// A subagent that was set to work.
#[derive(Debug, Clone)]
pub struct SubagentStarted {
    /// Its session.
    pub session: Session,
    /// Its run.
    pub run: Arc<str>,
}

/// How far a run of a subagent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SubagentState {
    Pending,
    Done,
    Blocked,
    Failed,
    Cancelled,
}

/// How a run of a subagent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubagentStatus {
    /// How far.
    pub state: SubagentState,
    /// What it answered.
    pub text: Option<String>,
    /// Why it has no answer.
    pub error: Option<String>,
}

/// A version of a plugin that is about to be installed, after it said what it registers and before any of it runs.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The plugin.
    pub plugin: PluginId,
    /// Its version.
    pub version: Version,
    /// Its component.
    pub digest: Digest,
    /// The version that serves now.
    pub replaces: Option<Version>,
    /// Its bytes.
    pub bytes: u64,
    /// Interfaces of the contract that it imports.
    pub imports: BTreeSet<String>,
    /// Interfaces of the contract that it exports.
    pub exports: BTreeSet<String>,
    /// What it was granted.
    pub granted: BTreeSet<Grant>,
    /// Names of the tools that it brings.
    pub tools: Vec<String>,
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

    /// The gates of an installation.
    ///
    /// # Errors
    /// Why it may not be installed, naming who says so.
    fn may_install(&self, candidate: Candidate) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;

    /// A plugin was switched off, or uninstalled: what waits for it in sessions goes.
    fn left<'a>(&'a self, plugin: &'a PluginId, uninstalled: bool) -> ServiceReply<'a, ()>;
}

/// No services: a host that has plugins and no gateway.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoServices;

fn none<T>(what: &str) -> Result<T, ServiceError> {
    Err(ServiceError::new(ServiceCode::Failed, format!("{what}: this host runs plugins without a gateway, so it has none")))
}

impl Services for NoServices {
    fn meet<'a>(&'a self, _: &'a PluginId, _: &'a Session) -> ServiceReply<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn open_session<'a>(&'a self, _: &'a Caller, _: &'a str) -> ServiceReply<'a, Session> {
        Box::pin(async { none("sessions") })
    }

    fn run_value(&self, _: &Caller, _: &str) -> Result<Option<Json>, ServiceError> {
        none("a run's context")
    }

    fn set_run_value(&self, _: &Caller, _: &str, _: Option<Json>) -> Result<bool, ServiceError> {
        none("a run's context")
    }

    fn clear_run_values(&self, _: &Caller) -> Result<(), ServiceError> {
        none("a run's context")
    }

    fn session_state(&self, _: &Caller, _: &Session, _: &str) -> Result<Option<Json>, ServiceError> {
        none("session state")
    }

    fn set_session_state<'a>(&'a self, _: &'a Caller, _: &'a Session, _: &'a str, _: Option<Json>) -> ServiceReply<'a, bool> {
        Box::pin(async { none("session state") })
    }

    fn emit(&self, _: &Caller, _: &str, _: Json) -> Result<(), ServiceError> {
        none("agent events")
    }

    fn enqueue<'a>(&'a self, _: &'a Caller, _: &'a Session, _: InjectionRequest) -> ServiceReply<'a, InjectionQueued> {
        Box::pin(async { none("injections") })
    }

    /// A token for four bytes.
    fn count_tokens(&self, text: &str) -> u64 {
        (text.len() as u64).div_ceil(4)
    }

    fn complete<'a>(&'a self, _: &'a Caller, _: CompletionRequest) -> ServiceReply<'a, Completed> {
        Box::pin(async { none("a model") })
    }

    fn run_subagent<'a>(&'a self, _: &'a Caller, _: &'a str, _: String) -> ServiceReply<'a, SubagentStarted> {
        Box::pin(async { none("subagents") })
    }

    fn wait_for_subagent<'a>(&'a self, _: &'a Caller, _: &'a str, _: Duration) -> ServiceReply<'a, SubagentStatus> {
        Box::pin(async { none("subagents") })
    }

    fn subagent_messages<'a>(&'a self, _: &'a Caller, _: &'a str, _: u32) -> ServiceReply<'a, Vec<Entry>> {
        Box::pin(async { none("subagents") })
    }

    fn delete_subagent<'a>(&'a self, _: &'a Caller, _: &'a str) -> ServiceReply<'a, bool> {
        Box::pin(async { none("subagents") })
    }

    fn may_install(&self, _: Candidate) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(async { Ok(()) })
    }

    fn left<'a>(&'a self, _: &'a PluginId, _: bool) -> ServiceReply<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}
