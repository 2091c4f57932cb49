//! Entries of the transcript: each message passes `before-message-write`, and what is written is what the model sees, now and later.
//!
//! A message that a plugin keeps out isn't written. Where a model's call of a tool and its answer would come apart, its words are replaced instead: a model needs both. What was said to
//! the agent and kept out is heard in this turn and in no other. The host's own notes (blocked, cancelled, failed, interrupted) are nobody's message: no plugin is asked about
//! them.

use super::{Run, Stopped};
use crate::context::builtin::spoken;
use crate::sessions::role_name;
use plugbay_runtime::state::NewEntry;
use plugbay_runtime::{BeforeMessageWrite, Payload, Role, Written};
use serde_json::{Value, json};

/// A message that plugins have looked at.
pub(super) struct LookedAt {
    /// Its words, for the model and the channel. Of one that is kept out those that were said.
    pub(super) text: String,
    /// What is to be written; nothing, if it is kept out.
    pub(super) entry: Option<NewEntry>,
}

impl Run {
    /// Lets plugins look at a message.
    pub(super) async fn looked_at(&self, role: Role, content: Value, call_id: Option<&str>, meta: Value) -> LookedAt {
        let event = Written { role, content: Payload::of(&content), tool_call_id: call_id.map(str::to_owned), attrs: Vec::new() };
        let asked = self.gateway.hooks.fire::<BeforeMessageWrite>(&self.call(), event).await;
        if let Some(why) = asked.outcome.block {
            let by = asked.by.map(|by| by.to_string()).unwrap_or_default();
            tracing::info!(run = %self.guard.id(), by, why, role = role_name(role), "a message is kept out of the transcript");
            return self.kept_out(role, &content, call_id, meta, &by);
        }
        let content = asked.outcome.content.and_then(|json| json.parse().ok()).unwrap_or(content);
        LookedAt { text: spoken(&content), entry: Some(self.entry(role, &content, call_id, &meta)) }
    }

    fn kept_out(&self, role: Role, content: &Value, call_id: Option<&str>, mut meta: Value, by: &str) -> LookedAt {
        let half_of_a_call = call_id.is_some() || meta.get("tool-calls").is_some();
        if !half_of_a_call {
            return LookedAt { text: spoken(content), entry: None };
        }
        let text = if call_id.is_some() { format!("The answer is kept out of the conversation by plugin `{by}`.") } else { String::new() };
        if let Value::Object(facts) = &mut meta {
            facts.insert("kept-out-by".to_owned(), json!(by));
        }
        let entry = self.entry(role, &json!(text), call_id, &meta);
        LookedAt { text, entry: Some(entry) }
    }

    pub(super) fn entry(&self, role: Role, content: &Value, call_id: Option<&str>, meta: &Value) -> NewEntry {
        NewEntry {
            role: role_name(role).to_owned(),
            content: content.to_string(),
            tool_call_id: call_id.map(str::to_owned),
            run: Some(self.guard.id().to_string()),
            meta: (!meta.is_null()).then(|| meta.to_string()),
        }
    }

    /// Writes an entry, if there is one.
    pub(super) async fn append(&mut self, entry: Option<NewEntry>) -> Result<(), Stopped> {
        let Some(entry) = entry else { return Ok(()) };
        let written = self.gateway.store.append(&self.key, &self.life, vec![entry]).await?;
        self.count(written)
    }

    /// Writes what was said to the agent; from then on what plugins have queued is spent.
    pub(super) async fn show(&mut self, entry: Option<NewEntry>) -> Result<(), Stopped> {
        let written = self.gateway.store.show(self.guard.id(), entry.into_iter().collect()).await?;
        self.count(written)
    }

    fn count(&mut self, written: Option<Vec<u64>>) -> Result<(), Stopped> {
        let gone = || Stopped::Failed(format!("the session {:?} was deleted or reset meanwhile", self.key));
        self.entries += written.ok_or_else(gone)?.len() as u64;
        Ok(())
    }
}
