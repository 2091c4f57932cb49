//! Hooks: what a plugin can be called for. A hook is one WIT interface with one function, and one type here.
//!
//! To add one: its interface in `wit/`, a type in `hooks/` that implements [`Hook`] (or `Observer`, if nobody answers it), and its line in
//! [`HOOKS`]. The host then knows it wherever hooks matter: in surfaces, grants, registrations and calls. What a hook's dispatch means (who is asked,
//! what several answers come to, what a failure does) is said by its type too; dispatching itself is the gateway's.

use crate::call::Call;
use crate::cell::PluginCell;
use crate::grant::Grant;
use crate::hooks;
use crate::id::PluginId;
use crate::json::{BYTES, DEPTH, KEYS, NODES, Payload, STRING};
use crate::plugin::Plugin;
use crate::surface::SurfaceError;
use crate::wire::types::CauseKind;
use plugbay_engine::CallError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use wasmtime::component::{ComponentType, Lift, Lower};

/// How a hook reaches the plugins that handle it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// All are told, in order for each plugin and session; nobody waits, and nothing is answered.
    Observe,
    /// One after the other is asked, and what they want is merged.
    Modify,
    /// One after the other is asked, until one takes it.
    Claim,
    /// As [`Mode::Modify`], and one may end it.
    Gate,
    /// One plugin is called, by name: nothing is dispatched.
    Direct,
}

/// What a plugin may restrict a handler of its own to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Some tools, by name.
    Tool,
    /// Some topics of agent events.
    Topic,
}

/// One hook.
pub trait Hook: Send + Sync + 'static {
    /// The interface's name.
    const NAME: &'static str;
    /// How it reaches plugins.
    const MODE: Mode;
    /// What a plugin is told as the cause.
    const CAUSE: CauseKind = CauseKind::Hook;
    /// How long one call may take, unless the operator or the plugin says otherwise.
    const BUDGET: Duration;
    /// What a plugin must be granted for its handler to be called.
    const GRANTS: &'static [Grant];
    /// Whether a plugin that can't answer counts as one that says no ([`Hook::refusal`]). Otherwise it is passed over.
    const FAILS_CLOSED: bool = false;
    /// What a plugin may choose among, in its registration.
    const SUBJECT: Option<Subject> = None;

    /// What happened.
    type Event: DeserializeOwned + Clone + Send + Sync;
    /// The same, as it goes to guests: one for all of them.
    type Wire: ComponentType + Lower + Send + Sync + 'static;
    /// What a guest answers.
    type Answer: ComponentType + Lift + Send + Sync + 'static;
    /// The same, checked. The default is what a plugin without an opinion answers.
    type Outcome: Default + Clone + PartialEq + Serialize + Send + Sync + 'static;

    /// Makes an event ready for guests.
    fn lower(event: Self::Event) -> Self::Wire;

    /// Checks an answer.
    ///
    /// # Errors
    /// Says what is wrong with it; that is a fault of the guest.
    fn lift(answer: Self::Answer) -> Result<Self::Outcome, Malformed>;

    /// Bytes of an answer, so far as a guest decides on them.
    fn size(answer: &Self::Answer) -> usize;

    /// Whether nobody else is asked after this outcome: a block, a claim.
    fn is_final(_outcome: &Self::Outcome) -> bool {
        false
    }

    /// Adds what a plugin wants to what those before it wanted. Not called for hooks that nobody answers.
    fn merge(_so_far: &mut Self::Outcome, _next: Self::Outcome, _by: &PluginId) {}

    /// Lets plugins that come later see what an answer changes, where the hook says that they do. Whether anything changed. Comes before [`merge`](Hook::merge):
    /// a change that can't be made to this event is taken out of the answer.
    fn rewrite(_event: &mut Self::Event, _answer: &mut Self::Outcome) -> bool {
        false
    }

    /// What comes of a plugin that can't answer, where that [counts as a no](Hook::FAILS_CLOSED).
    fn refusal(_why: String) -> Self::Outcome {
        Self::Outcome::default()
    }

    /// What a plugin's own choice of [tools or topics](Hook::SUBJECT) is held against.
    fn subject(_event: &Self::Event) -> Option<&str> {
        None
    }

    /// The field of an event that is too large to be shown and that a gate would have to see: then the answer is no, whatever plugins say.
    fn unseen(_event: &Self::Event) -> Option<Unseen> {
        None
    }

    /// The plugin that an event is about: it isn't asked about itself.
    fn about(_event: &Self::Event) -> Option<&str> {
        None
    }
}

/// A field of an event that is too large to be shown to plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "`{field}` has {bytes} bytes and is beyond what plugins are shown (at most {BYTES} bytes; of JSON also {NODES} values, {KEYS} keys of an \
     object, nesting of {DEPTH} and {STRING} characters of a string)"
)]
pub struct Unseen {
    /// Which.
    pub field: &'static str,
    /// Its size.
    pub bytes: u64,
}

impl Unseen {
    /// A field with JSON, if it is too large.
    #[must_use]
    pub const fn payload(field: &'static str, payload: &Payload) -> Option<Self> {
        match payload {
            Payload::Json(_) => None,
            Payload::Truncated { bytes } => Some(Self { field, bytes: *bytes }),
        }
    }

    /// A field with text, if it is too large.
    #[must_use]
    pub const fn text(field: &'static str, text: &str) -> Option<Self> {
        if text.len() > BYTES { Some(Self { field, bytes: text.len() as u64 }) } else { None }
    }
}

/// An answer that its type lets through and the contract doesn't.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{field}`: {problem}")]
pub struct Malformed {
    /// Where.
    pub field: &'static str,
    /// What.
    pub problem: String,
}

impl Malformed {
    pub(crate) fn new(field: &'static str, problem: impl ToString) -> Self {
        Self { field, problem: problem.to_string() }
    }
}

/// An event, ready for any number of plugins.
pub struct Fired<H: Hook>(Arc<H::Wire>);

impl<H: Hook> Fired<H> {
    /// Makes an event ready.
    #[must_use]
    pub fn new(event: H::Event) -> Self {
        Self(Arc::new(H::lower(event)))
    }

    pub(crate) fn wire(&self) -> Arc<H::Wire> {
        self.0.clone()
    }
}

/// What the host knows about a hook before any plugin.
#[derive(Clone, Copy)]
pub struct HookInfo {
    /// The interface's name.
    pub name: &'static str,
    /// How it reaches plugins.
    pub mode: Mode,
    /// Whether a plugin that can't answer counts as one that says no.
    pub fails_closed: bool,
    /// The default budget.
    pub budget: Duration,
    /// The grants it needs.
    pub grants: &'static [Grant],
    /// What a plugin may choose among.
    pub subject: Option<Subject>,
    /// What a plugin is told as the cause.
    pub(crate) cause: CauseKind,
    /// Whether a cell's export is of the hook's type.
    pub(crate) typed: fn(&mut PluginCell) -> Result<(), SurfaceError>,
    /// Fires it at one plugin, in JSON.
    pub(crate) call: for<'a> fn(&'a Plugin, &'a Call, Value) -> InJson<'a>,
}

/// An outcome in JSON.
type InJson<'a> = Pin<Box<dyn Future<Output = Result<Value, InJsonError>> + Send + 'a>>;

/// Why a hook that was fired in JSON has no outcome.
#[derive(Debug, Error)]
pub enum InJsonError {
    /// There is no such hook.
    #[error("there is no hook `{0}`")]
    NoHook(String),
    /// The event isn't one of this hook.
    #[error("the event isn't one of `{hook}`: {problem}")]
    Event {
        /// The hook.
        hook: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The plugin has no answer.
    #[error(transparent)]
    Call(#[from] CallError),
}

fn in_json<'a, H: Hook>(plugin: &'a Plugin, call: &'a Call, event: Value) -> InJson<'a> {
    Box::pin(async move {
        let wrong = |e: serde_json::Error| InJsonError::Event { hook: H::NAME, problem: e.to_string() };
        let fired = Fired::<H>::new(serde_json::from_value(event).map_err(wrong)?);
        serde_json::to_value(plugin.call::<H>(call, &fired).await?).map_err(wrong)
    })
}

impl HookInfo {
    const fn of<H: Hook>() -> Self {
        Self {
            name: H::NAME,
            mode: H::MODE,
            fails_closed: H::FAILS_CLOSED,
            budget: H::BUDGET,
            grants: H::GRANTS,
            subject: H::SUBJECT,
            cause: H::CAUSE,
            typed: |cell| cell.hook::<H>().map(drop),
            call: in_json::<H>,
        }
    }
}

/// All hooks, in the order of `wit/worlds.wit`.
pub const HOOKS: &[HookInfo] = &[
    HookInfo::of::<hooks::BeforeAgentRun>(),
    HookInfo::of::<hooks::BeforeAgentReply>(),
    HookInfo::of::<hooks::BeforeAgentFinalize>(),
    HookInfo::of::<hooks::AgentEnd>(),
    HookInfo::of::<hooks::BeforeModelResolve>(),
    HookInfo::of::<hooks::LlmInput>(),
    HookInfo::of::<hooks::LlmOutput>(),
    HookInfo::of::<hooks::BeforeToolCall>(),
    HookInfo::of::<hooks::AfterToolCall>(),
    HookInfo::of::<hooks::MessageReceived>(),
    HookInfo::of::<hooks::BeforeDispatch>(),
    HookInfo::of::<hooks::MessageSent>(),
    HookInfo::of::<hooks::AgentTurnPrepare>(),
    HookInfo::of::<hooks::BeforePromptBuild>(),
    HookInfo::of::<hooks::HeartbeatPrompt>(),
    HookInfo::of::<hooks::BeforeMessageWrite>(),
    HookInfo::of::<hooks::ToolResultPersist>(),
    HookInfo::of::<hooks::MessageSending>(),
    HookInfo::of::<hooks::BeforeInstall>(),
    HookInfo::of::<hooks::ModelCallStarted>(),
    HookInfo::of::<hooks::ModelCallEnded>(),
    HookInfo::of::<hooks::SessionStart>(),
    HookInfo::of::<hooks::SessionEnd>(),
    HookInfo::of::<hooks::BeforeReset>(),
    HookInfo::of::<hooks::BeforeCompaction>(),
    HookInfo::of::<hooks::AfterCompaction>(),
    HookInfo::of::<hooks::SubagentSpawned>(),
    HookInfo::of::<hooks::SubagentEnded>(),
    HookInfo::of::<hooks::GatewayStart>(),
    HookInfo::of::<hooks::GatewayStop>(),
    HookInfo::of::<hooks::JobChanged>(),
    HookInfo::of::<hooks::Tools>(),
    HookInfo::of::<hooks::ToolPolicy>(),
    HookInfo::of::<hooks::SessionActions>(),
    HookInfo::of::<hooks::Commands>(),
    HookInfo::of::<hooks::Timers>(),
    HookInfo::of::<hooks::SessionProjection>(),
    HookInfo::of::<hooks::AgentEvents>(),
    HookInfo::of::<hooks::Approvals>(),
    HookInfo::of::<hooks::Cleanup>(),
    HookInfo::of::<hooks::ContextIngest>(),
    HookInfo::of::<hooks::ContextAssemble>(),
    HookInfo::of::<hooks::ContextCompact>(),
    HookInfo::of::<hooks::ContextBootstrap>(),
    HookInfo::of::<hooks::ContextTurn>(),
    HookInfo::of::<hooks::ContextMaintain>(),
    HookInfo::of::<hooks::ContextSpawn>(),
    HookInfo::of::<hooks::ContextSpawnEnd>(),
    HookInfo::of::<hooks::ContextDispose>(),
];
