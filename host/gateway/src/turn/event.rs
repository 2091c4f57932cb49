//! What is told about a turn while it lasts, and how it ends. Plain data.

use crate::approvals::{PendingApproval, Settled};
use crate::model::ModelFailure;
use plugbay_runtime::{PluginId, ToolCallFate};
use serde::Serialize;
use std::sync::Arc;

/// Something that happened in a turn. The last one is [`TurnEvent::End`].
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum TurnEvent {
    /// It was the turn's turn: it has begun.
    RunStarted {
        /// Its run.
        run: Arc<str>,
        /// Its session.
        session: String,
        /// The life of the session.
        life: String,
    },
    /// The model goes on with these words. None, where a plugin decides on messages before they are sent: then there is only the [message](TurnEvent::Message).
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
        end: ToolCallFate,
        /// Whether the answer says that something went wrong.
        is_error: bool,
        /// The answer, as the model sees it.
        answer: String,
        /// How long the tool took.
        took_ms: u64,
        /// Who blocked it.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<PluginId>,
    },
    /// A person is asked.
    ApprovalAsked(Arc<PendingApproval>),
    /// The question is settled.
    ApprovalResolved(Arc<Settled>),
    /// What goes to the channel.
    Message {
        /// The text.
        text: String,
    },
    /// A plugin didn't let the turn run.
    Blocked {
        /// Which; none, if the host itself refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<PluginId>,
        /// What the person is told in place of an answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// It couldn't be brought to its end.
    Failed {
        /// Why.
        error: String,
        /// What kind of failure of the model it was, if it was one. Not on the wire: who hears the turn has the words.
        #[serde(skip)]
        unanswered: Option<ModelFailure>,
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

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
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
