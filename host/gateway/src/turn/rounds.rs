//! The agent at work: the model is asked, the tools that it wants are called, and it is asked again, until it has no more wishes and nobody sends it back.

use super::gate::Voice;
use super::history::{self, AssistantMeta, KeptCall, Piece, says_something, weight};
use super::model::Heard;
use super::prepare::Prompt;
use super::{Run, Stopped};
use crate::finalize::Ruling;
use crate::model::{ModelMessage, ModelRequest, ToolDefinition};
use crate::runs::HostTopic;
use crate::tools::ToolSet;
use plugbay_runtime::state::SessionBounds;
use plugbay_runtime::{Answer, BeforeAgentFinalize, Role};
use serde_json::{Value, json};
use std::sync::Arc;

/// What a model is told, so far.
pub(super) struct Talk {
    pub(super) voice: Voice,
    pub(super) system: Option<String>,
    pub(super) tools: Arc<ToolSet>,
    definitions: Vec<ToolDefinition>,
    history: Vec<Piece>,
    /// What was said in this turn: all of it is told.
    said: Vec<ModelMessage>,
    /// Bytes of all together.
    bytes: usize,
}

impl Talk {
    fn new(voice: Voice, system: Option<String>, tools: Arc<ToolSet>, history: Vec<Piece>, bytes: usize) -> Self {
        Self { voice, system, definitions: tools.definitions(None), tools, history, said: Vec::new(), bytes }
    }

    /// Adds what was said, if it was anything; what a person says always counts, whatever it is.
    pub(super) fn add(&mut self, message: ModelMessage) {
        if says_something(&message) || matches!(message, ModelMessage::User { .. }) {
            self.said.push(message);
        }
    }

    /// What the model gets now: of the history as much as there is still room for.
    pub(super) fn request(&self) -> ModelRequest {
        let mut left = self.bytes.saturating_sub(self.said.iter().map(weight).sum());
        let fits = |piece: &&Piece| {
            let rest = left.checked_sub(piece.iter().map(weight).sum());
            rest.map(|rest| left = rest).is_some()
        };
        let kept = self.history.iter().rev().take_while(fits).count();
        let history = self.history.iter().skip(self.history.len() - kept).flatten();
        ModelRequest {
            model: self.voice.name.clone(),
            system: self.system.clone(),
            messages: history.chain(&self.said).cloned().collect(),
            tools: self.definitions.clone(),
            thinking: self.voice.thinking.clone(),
        }
    }
}

impl Run {
    /// Writes what was said to the agent. From here on a model has seen it.
    pub(super) async fn say(&mut self, voice: Voice, prompt: Prompt) -> Result<Talk, Stopped> {
        let bytes = self.gateway.agent.history_bytes;
        let history = history::newest(&*self.gateway.store, &self.key, &self.life, self.entries, bytes)?;
        let told = self.write_prompt(&prompt).await?;
        let mut talk = Talk::new(voice, prompt.system, prompt.tools, history, bytes);
        talk.add(ModelMessage::User { text: told });
        Ok(talk)
    }

    /// Writes what was said, and what plugins have queued is spent with it. Answers what the model is told: what was said, as it is written, with what was added.
    pub(super) async fn write_prompt(&mut self, prompt: &Prompt) -> Result<String, Stopped> {
        let user = self.looked_at(Role::User, json!(self.asked.text), None, self.prompt_meta(prompt)).await;
        self.show(user.entry).await?;
        Ok(prompt.added.around(&user.text))
    }

    /// What is kept of what was added. More than an entry takes is kept as its size.
    fn prompt_meta(&self, prompt: &Prompt) -> Value {
        if prompt.added.is_empty() {
            return Value::Null;
        }
        let injections: Vec<_> = self.injections.iter().map(|i| &i.asked.id).collect();
        let meta = json!({ "added": prompt.added, "injections": injections });
        match meta.to_string().len() {
            bytes if bytes > SessionBounds::META => json!({ "added": { "truncated": bytes }, "injections": injections }),
            _ => meta,
        }
    }

    /// Goes on until there is an answer.
    pub(super) async fn rounds(&mut self, talk: &mut Talk) -> Result<String, Stopped> {
        let most = self.gateway.agent.rounds.get();
        for number in 1..=most {
            let heard = self.ask(talk, u32::try_from(number).unwrap_or(u32::MAX)).await?;
            let text = self.write_answer(talk, &heard).await?;
            if heard.calls.is_empty() {
                match self.finalize(talk, &text).await? {
                    Ruling::Again { instruction } if number < most => self.instruct(talk, instruction).await?,
                    _ => return Ok(text),
                }
            } else if number < most {
                self.call_tools(talk, &heard.calls).await?;
            }
        }
        Err(Stopped::Failed(format!(
            "the model wants tools after {most} calls of it, and that many are allowed in one turn (setting `agent.rounds`)"
        )))
    }

    /// Writes what the model said, and answers its words as they were written.
    async fn write_answer(&mut self, talk: &mut Talk, heard: &Heard) -> Result<String, Stopped> {
        let calls: Vec<KeptCall> = heard.calls.iter().map(KeptCall::from).collect();
        let meta = json!(AssistantMeta { tool_calls: calls, model: Some(talk.voice.name.clone()) });
        let answer = self.looked_at(Role::Assistant, json!(heard.text), None, meta).await;
        self.append(answer.entry).await?;
        self.unfinished.clear();
        let tools: Vec<_> = heard.calls.iter().map(|call| &call.name).collect();
        self.guard.event(HostTopic::Assistant, &json!({ "text": answer.text, "tools": tools }));
        talk.add(ModelMessage::Assistant { text: answer.text.clone(), tool_calls: heard.calls.clone() });
        Ok(answer.text)
    }

    /// Whether plugins send the agent back with its last word.
    async fn finalize(&self, talk: &Talk, text: &str) -> Result<Ruling, Stopped> {
        let revisions = self.guard.revisions();
        let event = Answer { last_message: text.to_owned(), model: talk.voice.name.clone(), revisions, attrs: Vec::new() };
        let asked = self.stop.unless(self.gateway.hooks.fire::<BeforeAgentFinalize>(&self.call(), event)).await?;
        Ok(self.guard.rule(&asked.outcome))
    }

    /// Sends it back.
    async fn instruct(&mut self, talk: &mut Talk, instruction: String) -> Result<(), Stopped> {
        let told = self.looked_at(Role::System, json!(instruction), None, json!({ "revision": self.guard.revisions() })).await;
        self.append(told.entry).await?;
        talk.add(ModelMessage::System { text: told.text });
        Ok(())
    }
}
