//! Plugins as WebAssembly components: what they ask for, what they get, and how the host calls them.
//!
//! A component's type is its [`Surface`]: what it imports is what it needs, what it exports is what it does. A [`Generation`] is one version of a plugin
//! with one set of [`Settings`], ready to run; a [`Plugin`] is an id that stays while its generations change; [`Plugins`] loads files and
//! replaces generations. All that can go wrong with a new version goes wrong before anybody is served by it, as a [`LoadError`] that names the
//! [`Step`]. A call that has no answer says why in a [`CallError`](engine::CallError).
//!
//! ```
//! use plugbay_runtime::engine::{CompileIn, Engine, EngineSettings};
//! use plugbay_runtime::state::Memory;
//! use plugbay_runtime::{BeforeToolCall, Call, Fired, Grant, Grants, Payload, Plugins, Session, Settings, ToolCall};
//! use std::sync::Arc;
//! # use plugbay_guests::built;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // A program names itself as the compiler (`CompileIn::Child`) and calls `engine::serve_compile_child` in `main`; see `examples/embed.rs`.
//! let engine = Engine::new(EngineSettings { cells: 10, ..EngineSettings::new(CompileIn::Thread) })?;
//! let plugins = Plugins::new(engine, Arc::new(Memory::default()))?; // or `Sqlite`, to keep what they store

//!
//! # let folder = std::env::temp_dir().join(format!("plugbay-example-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! # std::fs::copy(built::NO_SHELL, folder.join("no-shell.wasm"))?;
//! // What the operator decides: this plugin may see conversations.
//! let settings = Settings { grants: Grants::granting([Grant::Conversation]), ..Settings::default() };
//! let (plugin, _) = plugins.load(&folder.join("no-shell.wasm"), settings).await?;
//!
//! let call = Call::new().session(Session::new("main", "first"));
//! let event = ToolCall { tool: "shell".into(), params: Payload::of(&serde_json::json!({ "command": "ls" })), call_id: None, attrs: vec![] };
//! let decision = plugin.call::<BeforeToolCall>(&call, &Fired::new(event)).await?;
//! assert!(decision.block.is_some());
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```

mod apply;
mod breaker;
mod call;
mod cell;
mod changes;
mod config;
mod error;
mod extra;
mod generation;
mod grant;
mod guest;
mod hook;
mod hooks;
mod host;
mod id;
mod imports;
mod json;
mod json_walk;
mod lifetime;
mod listing;
mod manifest;
mod met;
mod order;
mod orphans;
mod pinned;
mod plugin;
mod plugins;
mod prepare;
mod probation;
mod record;
mod recover;
mod registration;
mod schema;
mod sealed;
mod serve;
mod services;
mod settings;
mod source;
mod standing;
mod surface;
mod swap;
mod tally;
mod to_the_end;
mod transcript;
mod versions;
mod waits;
mod wire;
mod write;

pub use apply::Wanted;
pub use breaker::{BreakerSettings, BreakerState, BreakerView};
pub use call::{Call, Chain, Principal, Session, WeakSession};
pub use error::{Done, LoadError, Loaded, Reason, Step};
pub use generation::Generation;
pub use grant::{Grant, Grants};
pub use hook::{Fired, HOOKS, Hook, HookInfo, InJsonError, Malformed, Mode, Subject, Unseen};
pub use hooks::{
    Action, ActionAsked, ActionFailure, ActionOutcome, ActionSuccess, AfterCompaction, AfterToolCall, AgentEnd, AgentEvent, AgentEvents,
    AgentTurnPrepare, Answer, AnswerChange, Approval, ApprovalDecision, ApprovalEnd, Approvals, Assembled, Assembling, BeforeAgentFinalize,
    BeforeAgentReply, BeforeAgentRun, BeforeCompaction, BeforeDispatch, BeforeInstall, BeforeMessageWrite, BeforeModelResolve,
    BeforePromptBuild, BeforeReset, BeforeToolCall, Bootstrapped, Bootstrapping, Cleanup, CleanupAsked, CleanupReason, CommandAnswer,
    CommandAsked, Commands, Compacted, Compacting, CompactionAsked, CompactionReason, Context, ContextAssemble, ContextBootstrap,
    ContextCompact, ContextDispose, ContextIngest, ContextMaintain, ContextPart, ContextSpawn, ContextSpawnEnd, ContextTurn, DispatchClaim,
    Disposing, EngineCompaction, Finalization, Finding, GatewayStart, GatewayStop, Heartbeat, HeartbeatPrompt, Ingested, Ingesting,
    InstallDecision, Installing, JobChange, JobChangeKind, JobChanged, LlmInput, LlmOutput, Maintaining, Message, MessageAsked,
    MessageReceived, MessageSending, MessageSent, ModelAsked, ModelCall, ModelCallEnd, ModelCallEnded, ModelCallFate, ModelCallStarted,
    ModelChoice, ModelInput, ModelOutput, Moment, Placement, PolicyAsked, PolicyDecision, Projected, Projecting, PromptAsked, PromptChange,
    ReplyAsked, ReplyClaim, Resetting, Resolution, Revision, RunAsked, RunBlock, RunDecision, SendDecision, Sending, Sent, SessionActions,
    SessionBegan, SessionEnd, SessionEndReason, SessionEnded, SessionProjection, SessionStart, Severity, SpawnEnded, SpawnFate,
    SpawnPrepared, Spawned, Spawning, Started, Stopping, SubagentEnd, SubagentEnded, SubagentFate, SubagentSpawned, TimerDue, Timers,
    Tokens, ToolAnswer, ToolCall, ToolCallFate, ToolDecision, ToolEnded, ToolInvocation, ToolOutcome, ToolPolicy, ToolResultPersist, Tools,
    Trigger, TurnDone, TurnEnded, TurnInjection, TurnPrepared, TurnRecord, WriteDecision, Written,
};
pub use id::{NoId, PluginId};
pub use json::{Json, JsonError, Payload};
pub use listing::{Listing, Serving};
pub use manifest::{Manifest, ManifestError};
pub use order::{Alongside, Order, Retry};
pub use pinned::Pinned;
pub use plugbay_engine as engine;
pub use plugbay_state as state;
pub use plugin::Plugin;
pub use plugins::{Inspected, Plugins, PluginsSettings};
pub use probation::{ProbationSettings, ProbationView, Verdict};
pub use record::{Fate, Judged, KeptVersion};
pub use registration::{
    ActionRegistration, Borne, CommandRegistration, EngineRegistration, HookRegistration, Maintenance, NamespaceRegistration, Registration,
    RegistrationError, Risk, Scope, ToolRegistration, UiRegistration, UiSurface,
};
pub use schema::Schema;
pub use serve::{Answered, Asking};
pub use services::{
    AttachmentFile, Caller, Candidate, Caption, CaptionFormat, CatchUp, Completed, CompletionRequest, FilesDelivered, InjectionQueued,
    InjectionRequest, JobKind, JobMoment, JobPlan, JobTask, NoServices, PluginJob, ServiceCode, ServiceError, ServiceReply, Services,
    SubagentStarted, SubagentState, SubagentStatus,
};
pub use settings::Settings;
pub use source::Source;
pub use standing::Standing;
pub use surface::{API, Surface, SurfaceError};
pub use tally::Counted;
pub use transcript::{Conversation, Entry, OUTLINE, Outline, Role, Transcript, WINDOW, WINDOW_BYTES};
pub use versions::{VersionError, Versions};
pub use waits::{ReEntrant, Waiting, Waits};
