//! From an entry of the transcript to the message that a model is told, and what the host keeps of a model's calls so that this can be done.

use crate::model::{ModelMessage, ToolRequest};
use crate::sessions::role;
use plugbay_runtime::Role;
use plugbay_runtime::state::{NewEntry, RunStatus, StoredEntry};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What stands in the transcript for a turn that was blocked without a word for the person, and what the model is told of any that was blocked.
pub(crate) const BLOCKED: &str = "A turn was blocked.";

/// What the host keeps of an assistant's entry.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct AssistantMeta {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tool_calls: Vec<KeptCall>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
}

/// A model's wish for a tool, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptCall {
    id: String,
    name: String,
    arguments: String,
}

impl From<&ToolRequest> for KeptCall {
    fn from(ToolRequest { id, name, arguments }: &ToolRequest) -> Self {
        Self { id: id.clone(), name: name.clone(), arguments: arguments.clone() }
    }
}

impl From<KeptCall> for ToolRequest {
    fn from(KeptCall { id, name, arguments }: KeptCall) -> Self {
        Self { id, name, arguments }
    }
}

/// What a model is told for an entry; nothing, if the entry says nothing: models refuse messages without words.
pub(crate) fn told(entry: NewEntry) -> Option<ModelMessage> {
    Some(message(entry)).filter(says_something)
}

fn message(entry: NewEntry) -> ModelMessage {
    let NewEntry { role: name, content, tool_call_id, meta, .. } = entry;
    let text = spoken(&serde_json::from_str::<Value>(&content).unwrap_or(Value::String(content)));
    match role(&name) {
        Role::System if is_of_a_blocked_turn(meta.as_deref()) => ModelMessage::System { text: BLOCKED.to_owned() },
        Role::System => ModelMessage::System { text },
        Role::User => ModelMessage::User { text },
        Role::Tool => ModelMessage::Tool { call_id: tool_call_id.unwrap_or_default(), content: text },
        Role::Assistant => {
            let meta: AssistantMeta = meta.and_then(|meta| serde_json::from_str(&meta).ok()).unwrap_or_default();
            ModelMessage::Assistant { text, tool_calls: meta.tool_calls.into_iter().map(ToolRequest::from).collect() }
        }
    }
}

/// Whether an entry says that a plugin didn't let a turn run: its words are for the person, and no instructions to the model.
fn is_of_a_blocked_turn(meta: Option<&str>) -> bool {
    let facts: Option<Value> = meta.and_then(|meta| serde_json::from_str(meta).ok());
    facts.is_some_and(|facts| facts.get("status").and_then(Value::as_str) == Some(RunStatus::Blocked.as_str()))
}

/// Whether there is anything in a message: words, calls, or an answer to one.
pub(crate) fn says_something(message: &ModelMessage) -> bool {
    match message {
        ModelMessage::System { text } | ModelMessage::User { text } => !text.trim().is_empty(),
        ModelMessage::Assistant { text, tool_calls } => !tool_calls.is_empty() || !text.trim().is_empty(),
        ModelMessage::Tool { .. } => true,
    }
}

/// The words of an entry's content: a string, or parts with texts.
pub(crate) fn spoken(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(part).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

fn part(part: &Value) -> String {
    match part.get("text").unwrap_or(part) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An entry as a model is told it, with its place.
pub(super) struct Told {
    /// How many entries of the life are before it.
    pub(super) before: u64,
    /// The entry's number.
    pub(super) id: u64,
    pub(super) message: ModelMessage,
}

impl Told {
    pub(super) fn of(before: u64, stored: StoredEntry) -> Option<Self> {
        let id = stored.id;
        told(stored.entry).map(|message| Self { before, id, message })
    }
}
