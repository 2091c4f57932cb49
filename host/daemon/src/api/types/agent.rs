//! What goes to agents and comes from them: turns, what is told of one while it lasts, tools, questions to people, hooks of others' agent loops.

use super::approvals::{ApprovalView, SettledView};
use super::sessions::ReceiptView;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What is said to an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TurnRequest {
    /// The words.
    pub text: String,
    /// The channel's name for the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Where it comes from; `http` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TurnStatus {
    /// It came to its end.
    Done,
    /// A plugin took the message, so there was no turn.
    Taken,
    /// A plugin didn't let it run.
    Blocked,
    /// It couldn't be brought to its end.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// The host stopped in the middle of it.
    Interrupted,
}

/// A turn that has ended, in one piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TurnResult {
    /// Its run; none, if a plugin took the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// How it ended.
    pub status: TurnStatus,
    /// What goes to the channel, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How a call of a tool ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ToolFate {
    /// The tool answered.
    Answered,
    /// It failed, or the call couldn't be made.
    Failed,
    /// A policy, a hook or a person was against it.
    Blocked,
}

/// Something that happened in a turn. As a server-sent event its name is the value of `event`, and its data is all of it. The last one is `end`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum TurnEvent {
    /// There is a turn, which may wait for others of its session. The first event, unless a plugin took the message.
    Accepted {
        /// Its run, by which it can be cancelled.
        run: String,
    },
    /// It was the turn's turn: it has begun.
    RunStarted {
        /// Its run.
        run: String,
        /// Its session.
        session: String,
        /// The life of the session.
        life: String,
    },
    /// The model goes on with these words. There is none where a plugin decides on messages before they are sent: then there is only `message`.
    Text {
        /// The words.
        text: String,
    },
    /// The model wants a tool called.
    ToolStarted {
        /// The model's name for the call.
        call_id: String,
        /// The tool, as the model wrote it.
        tool: String,
        /// What with, as the model wrote it.
        arguments: String,
    },
    /// The call has ended.
    ToolEnded {
        /// The model's name for the call.
        call_id: String,
        /// The tool.
        tool: String,
        /// How.
        end: ToolFate,
        /// Whether the answer says that something went wrong.
        is_error: bool,
        /// The answer, as the model sees it.
        answer: String,
        /// How long the tool took.
        took_ms: u64,
        /// Who blocked it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// A person is asked.
    ApprovalAsked {
        /// The question.
        approval: ApprovalView,
    },
    /// The question is settled.
    ApprovalResolved {
        /// How.
        settled: SettledView,
    },
    /// What goes to the channel.
    Message {
        /// The text.
        text: String,
    },
    /// A plugin didn't let the turn run.
    Blocked {
        /// Which; none, if the host itself refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// What the person is told in place of an answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// It couldn't be brought to its end.
    Failed {
        /// Why.
        error: String,
    },
    /// Somebody cancelled it.
    Cancelled,
    /// The host stops.
    Interrupted,
    /// Nothing comes after this. The session's next turn may begin.
    End {
        /// How it ended.
        status: TurnStatus,
    },
}

impl TurnEvent {
    /// Its kind: the value of `event`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::RunStarted { .. } => "run-started",
            Self::Text { .. } => "text",
            Self::ToolStarted { .. } => "tool-started",
            Self::ToolEnded { .. } => "tool-ended",
            Self::ApprovalAsked { .. } => "approval-asked",
            Self::ApprovalResolved { .. } => "approval-resolved",
            Self::Message { .. } => "message",
            Self::Blocked { .. } => "blocked",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
            Self::End { .. } => "end",
        }
    }
}

/// A turn whose model somebody else runs: what the model is to be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PreparedView {
    /// Its run, by which it goes on. One that nobody goes on with for ten minutes has failed.
    pub run: String,
    /// The instructions above the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// The conversation so far, oldest first, as much as the settings say.
    pub history: Vec<MessageView>,
    /// What was said, with what plugins add.
    pub prompt: String,
    /// The tools of this turn.
    pub tools: Vec<ToolView>,
}

/// One message of a conversation, as a model gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "role", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum MessageView {
    /// Instructions in the middle of it.
    System {
        /// What it says.
        text: String,
    },
    /// From whoever talks to the model.
    User {
        /// What it says.
        text: String,
    },
    /// From the model.
    Assistant {
        /// What it says; may be empty where it only asks for tools.
        text: String,
        /// The tools that it wants called, in order.
        #[serde(default)]
        tool_calls: Vec<ToolCallView>,
    },
    /// What came of a call of a tool.
    Tool {
        /// Which call.
        call_id: String,
        /// What came.
        content: String,
    },
}

/// A model wants a tool called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToolCallView {
    /// Names the call among those of the conversation.
    pub id: String,
    /// Which tool, as the model wrote it.
    pub name: String,
    /// What with, as the model wrote it: meant to be a JSON object, and not checked.
    pub arguments: String,
}

/// What the model is to be told, as it was written into the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PromptShown {
    /// The words.
    pub prompt: String,
}

/// What the model said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Spoken {
    /// Its words; may be empty where it only asks for tools.
    pub text: String,
    /// The tools that it wants called. Each is called over `/v1/runs/{run}/tools`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCallView>,
}

/// What was said, as it was written into the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpokenWritten {
    /// The words.
    pub text: String,
}

/// What came of a call of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToolEndView {
    /// How it ended.
    pub end: ToolFate,
    /// Whether the answer says that something went wrong.
    pub is_error: bool,
    /// What the model is to be told.
    pub answer: String,
    /// How long the tool took.
    pub took_ms: u64,
    /// Who blocked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// How a prepared turn ends: well, unless there is an error.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Finish {
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A run, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunNamed {
    /// The run.
    pub run: String,
}

/// All tools.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolList {
    /// By name.
    pub tools: Vec<ToolView>,
    /// Names that several plugins claim. None of them has the tool.
    pub clashes: Vec<ToolClash>,
}

/// A tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolView {
    /// Its name.
    pub name: String,
    /// The plugin that it is of.
    pub owner: String,
    /// The plugin's version.
    pub version: String,
    /// The plugin's generation.
    pub generation: u64,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is good for.
    pub description: String,
    /// What can come of it: `low`, `medium` or `high`, where its plugin says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
    /// What it is about.
    pub tags: Vec<String>,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
}

/// A name that several plugins claim, so that none has the tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToolClash {
    /// The name.
    pub name: String,
    /// Who claims it, by id.
    pub owners: Vec<String>,
}

/// A hook that is to fire at all plugins that handle it, for a gateway with an agent loop of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HookFire {
    /// What happened, as the hook's documentation says.
    pub event: Value,
    /// The session that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionNamed>,
    /// The gateway's own name for the run: its receipts are kept by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Who is behind it; the caller, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<PrincipalView>,
}

/// A session, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionNamed {
    /// Its stable key.
    pub key: String,
}

/// Who is behind something that reaches plugins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PrincipalView {
    /// Where the request came in.
    pub channel: String,
    /// Who sent it.
    pub sender: String,
    /// What the sender may do: none of this host's scopes that the caller hasn't.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// What came of a hook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HookFired {
    /// What plugins want, taken together, as the hook's documentation says. None for a hook that plugins are only told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Value>,
    /// Who ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What became of each plugin.
    pub receipt: ReceiptView,
}
