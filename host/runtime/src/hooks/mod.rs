//! The hooks, by what they are about. Which file has an interface of `wit/` says the first line of each; a hook says only what is its own there: events and outcomes
//! are declared by their fields, and what observers have in common is in [`observer`].

mod action;
mod answer;
mod approval;
mod before_tool_call;
mod context;
mod context_life;
mod finalize;
mod gateway;
mod lowered;
mod message;
mod model;
mod observer;
mod prompt;
mod session;
#[cfg(test)]
mod tests;
mod timer;
mod tools;
mod turn;

pub use action::{ActionAsked, ActionFailure, ActionOutcome, ActionSuccess, CommandAnswer, CommandAsked, Commands, SessionActions};
pub use approval::{Approval, ApprovalDecision, ApprovalEnd, Approvals, Resolution, Severity};
pub use before_tool_call::{BeforeToolCall, ToolCall, ToolDecision};
pub use context::{
    Assembled, Assembling, CompactionAsked, CompactionReason, ContextAssemble, ContextCompact, ContextIngest, ContextPart,
    EngineCompaction, Ingested, Ingesting,
};
pub use context_life::{
    Bootstrapped, Bootstrapping, ContextBootstrap, ContextDispose, ContextMaintain, ContextSpawn, ContextSpawnEnd, ContextTurn, Disposing,
    Maintaining, Moment, SpawnEnded, SpawnFate, SpawnPrepared, Spawning, TurnDone, TurnRecord,
};
pub use finalize::{Action, Answer, BeforeAgentFinalize, Finalization, Revision};
pub use gateway::{
    BeforeInstall, Cleanup, CleanupAsked, CleanupReason, Finding, GatewayStart, GatewayStop, InstallDecision, Installing, JobChange,
    JobChangeKind, JobChanged, Started, Stopping,
};
pub use message::{
    BeforeDispatch, BeforeMessageWrite, DispatchClaim, Message, MessageAsked, MessageReceived, MessageSending, MessageSent, SendDecision,
    Sending, Sent, WriteDecision, Written,
};
pub use model::{
    BeforeModelResolve, LlmInput, LlmOutput, ModelAsked, ModelCall, ModelCallEnd, ModelCallEnded, ModelCallFate, ModelCallStarted,
    ModelChoice, ModelInput, ModelOutput, Tokens,
};
pub use prompt::{
    AgentTurnPrepare, BeforePromptBuild, Context, Heartbeat, HeartbeatPrompt, Placement, PromptAsked, PromptChange, TurnInjection,
    TurnPrepared,
};
pub use session::{
    AfterCompaction, BeforeCompaction, BeforeReset, Compacted, Compacting, Projected, Projecting, Resetting, SessionBegan, SessionEnd,
    SessionEndReason, SessionEnded, SessionProjection, SessionStart, Spawned, SubagentEnd, SubagentEnded, SubagentFate, SubagentSpawned,
};
pub use timer::{TimerDue, Timers};
pub use tools::{
    AfterToolCall, AnswerChange, PolicyAsked, PolicyDecision, ToolAnswer, ToolCallFate, ToolEnded, ToolInvocation, ToolOutcome, ToolPolicy,
    ToolResultPersist, Tools,
};
pub use turn::{
    AgentEnd, AgentEvent, AgentEvents, BeforeAgentReply, BeforeAgentRun, ReplyAsked, ReplyClaim, RunAsked, RunBlock, RunDecision, Trigger,
    TurnEnded,
};

pub(crate) use lowered::Lowered;

/// Further facts as JSON has them: an object.
mod facts {
    use crate::json::Json;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::collections::BTreeMap;

    pub(super) fn serialize<S: Serializer>(facts: &[(String, Json)], to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(facts.iter().map(|(name, json)| (name, json)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, Json)>, D::Error> {
        Ok(BTreeMap::<String, Json>::deserialize(from)?.into_iter().collect())
    }
}
