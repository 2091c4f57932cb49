//! What the model sees of a conversation: the newest of it that fits, and all of the present turn.
//!
//! History is read from the state, the newest first and only as much as fits; a model's calls of tools and their answers are one piece, which is in or out. Calls that were never
//! answered, since their turn was stopped, get an answer that says so: models refuse a conversation without. They refuse messages without words, too: those are left out.

use super::gate::BLOCKED;
use super::write::spoken;
use crate::model::{ModelMessage, ToolRequest};
use crate::sessions::role;
use plugbay_runtime::Role;
use plugbay_runtime::state::{NewEntry, RunStatus, SessionStore, StateError, StoredEntry, Window};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::VecDeque;

/// Entries that are read at a time.
const PORTION: u64 = 64;
/// What a model is told of a call that nobody answered.
const UNANSWERED: &str = "There is no answer: the turn was stopped before.";
/// About what a message takes besides its words, in bytes.
const FRAME: usize = 16;

/// Messages that belong together.
pub(super) type Piece = Vec<ModelMessage>;

/// What the host keeps of an assistant's entry.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct AssistantMeta {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tool_calls: Vec<KeptCall>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
}

/// A model's wish for a tool, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KeptCall {
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

/// The newest of a life's first so many entries that fit into so many bytes, oldest first.
pub(super) fn newest(store: &dyn SessionStore, key: &str, life: &str, entries: u64, bytes: usize) -> Result<Vec<Piece>, StateError> {
    let (mut kept, mut left, mut before) = (VecDeque::new(), bytes, entries);
    while before > 0 {
        let portion = portion(store, key, life, before)?;
        if portion.is_empty() {
            break; // the session was deleted by another process
        }
        before = before.saturating_sub(portion.len() as u64);
        for message in portion.into_iter().rev().map(message).filter(says_something) {
            let Some(rest) = left.checked_sub(weight(&message)) else { return Ok(pieces(kept)) };
            left = rest;
            kept.push_front(message);
        }
    }
    Ok(pieces(kept))
}

/// Some entries that end before this position. One at least: what is too large together is read in smaller portions.
fn portion(store: &dyn SessionStore, key: &str, life: &str, before: u64) -> Result<Vec<StoredEntry>, StateError> {
    let mut count = PORTION.min(before);
    loop {
        let window = Window::From { start: before - count, count: usize::try_from(count).unwrap_or(usize::MAX) };
        let portion = store.entries(key, life, window)?;
        if portion.len() as u64 == count || count == 1 {
            return Ok(portion);
        }
        count = (count / 2).max(1);
    }
}

fn message(stored: StoredEntry) -> ModelMessage {
    let NewEntry { role: name, content, tool_call_id, meta, .. } = stored.entry;
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
pub(super) fn says_something(message: &ModelMessage) -> bool {
    match message {
        ModelMessage::System { text } | ModelMessage::User { text } => !text.trim().is_empty(),
        ModelMessage::Assistant { text, tool_calls } => !tool_calls.is_empty() || !text.trim().is_empty(),
        ModelMessage::Tool { .. } => true,
    }
}

/// About how many bytes a model gets with a message.
pub(super) fn weight(message: &ModelMessage) -> usize {
    FRAME
        + match message {
            ModelMessage::System { text } | ModelMessage::User { text } => text.len(),
            ModelMessage::Assistant { text, tool_calls } => {
                text.len() + tool_calls.iter().map(|call| call.id.len() + call.name.len() + call.arguments.len()).sum::<usize>()
            }
            ModelMessage::Tool { call_id, content } => call_id.len() + content.len(),
        }
}

/// What belongs together. Answers whose calls aren't there any more are left out.
fn pieces(messages: VecDeque<ModelMessage>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for message in messages {
        if let ModelMessage::Tool { call_id, .. } = &message {
            if let (Some(at), Some(piece)) = (open.iter().position(|id| id == call_id), pieces.last_mut()) {
                open.remove(at);
                piece.push(message);
            }
            continue;
        }
        close(&mut pieces, &mut open);
        if let ModelMessage::Assistant { tool_calls, .. } = &message {
            open.extend(tool_calls.iter().map(|call| call.id.clone()));
        }
        pieces.push(vec![message]);
    }
    close(&mut pieces, &mut open);
    pieces
}

/// Answers the calls that nobody answered.
fn close(pieces: &mut [Piece], open: &mut Vec<String>) {
    let unanswered = open.drain(..).map(|call_id| ModelMessage::Tool { call_id, content: UNANSWERED.to_owned() });
    if let Some(piece) = pieces.last_mut() {
        piece.extend(unanswered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugbay_runtime::state::Memory;
    use serde_json::json;

    fn entry(role: &str, text: &str, call: Option<&str>, calls: &[&str]) -> NewEntry {
        let calls: Vec<_> = calls.iter().map(|id| json!({ "id": id, "name": "t", "arguments": "{}" })).collect();
        NewEntry {
            role: role.into(),
            content: json!(text).to_string(),
            tool_call_id: call.map(str::to_owned),
            run: None,
            meta: (!calls.is_empty()).then(|| json!({ "tool-calls": calls }).to_string()),
        }
    }

    async fn read(entries: Vec<NewEntry>, bytes: usize) -> Vec<Vec<String>> {
        let store = Memory::default();
        store.ensure_session("s", "one").await.unwrap();
        let count = entries.len() as u64;
        for chunk in entries.chunks(100) {
            store.append("s", "one", chunk.to_vec()).await.unwrap().unwrap();
        }
        let words = |message: &ModelMessage| match message {
            ModelMessage::System { text } | ModelMessage::User { text } | ModelMessage::Assistant { text, .. } => text.clone(),
            ModelMessage::Tool { call_id, content } => format!("{call_id}={content}"),
        };
        let pieces = newest(&store, "s", "one", count, bytes).unwrap();
        pieces.iter().map(|piece| piece.iter().map(words).collect()).collect()
    }

    #[tokio::test]
    async fn calls_and_answers_are_one_piece_and_half_of_one_is_none() {
        let entries = vec![
            entry("user", "hello", None, &[]),
            entry("assistant", "calls", None, &["a", "b"]),
            entry("tool", "first", Some("a"), &[]),
            entry("tool", "second", Some("b"), &[]),
            entry("assistant", "done", None, &[]),
        ];
        let all = vec![vec!["hello"], vec!["calls", "a=first", "b=second"], vec!["done"]];
        assert_eq!(read(entries.clone(), 10_000).await, all);
        // Room for the answers, and not for the calls.
        assert_eq!(read(entries.clone(), 80).await, vec![vec!["done"]]);
        assert_eq!(read(entries, 0).await, Vec::<Vec<String>>::new());
    }

    #[tokio::test]
    async fn a_call_that_nobody_answered_gets_an_answer() {
        let entries = vec![
            entry("assistant", "calls", None, &["a", "b"]),
            entry("tool", "first", Some("a"), &[]),
            entry("system", "cancelled", None, &[]),
            entry("tool", "of nobody", Some("z"), &[]),
        ];
        let unanswered = format!("b={UNANSWERED}");
        assert_eq!(read(entries, 10_000).await, vec![vec!["calls", "a=first", &unanswered], vec!["cancelled"]]);
    }

    #[tokio::test]
    async fn what_says_nothing_is_left_out() {
        let entries = vec![
            entry("user", " ", None, &[]),
            entry("assistant", "", None, &[]),
            entry("assistant", "", None, &["a"]),
            entry("tool", "", Some("a"), &[]),
            entry("system", "\n", None, &[]),
            entry("user", "hello", None, &[]),
        ];
        assert_eq!(read(entries, 10_000).await, vec![vec!["", "a="], vec!["hello"]]);
    }

    #[tokio::test]
    async fn a_session_that_somebody_else_deleted_has_no_history() {
        let store = Memory::default();
        assert!(newest(&store, "s", "one", 100, 10_000).unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_newest_that_fit_are_there_whatever_the_length() {
        let entries: Vec<_> = (0..300).map(|n| entry("user", &format!("{n:04}"), None, &[])).collect();
        let read = read(entries, 200 * (FRAME + 4)).await;
        assert_eq!((read.len(), read[0][0].as_str(), read[199][0].as_str()), (200, "0100", "0299"));
    }
}
