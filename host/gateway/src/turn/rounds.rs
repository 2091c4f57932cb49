//! The agent at work: the model is asked, the tools that it wants are called, and it is asked again, until it has no more wishes and nobody sends it back.

use super::model::{Heard, Unheard};
use super::prepare::Prompt;
use super::{Run, Stopped};
use crate::context::Context;
use crate::context::builtin::{AssistantMeta, History, KeptCall, says_something};
use crate::finalize::Ruling;
use crate::model::{ModelFailure, ModelMessage, ModelRequest, ToolDefinition, Voice};
use crate::runs::HostTopic;
use crate::tokens::Tokens;
use crate::tools::ToolSet;
use plugbay_runtime::state::SessionBounds;
use plugbay_runtime::{Answer, BeforeAgentFinalize, Role};
use serde_json::{Value, json};
use std::sync::Arc;

/// What a model is told, so far.
pub(super) struct Talk {
    pub(super) voice: Voice,
    system: Option<String>,
    pub(super) tools: Arc<ToolSet>,
    definitions: Vec<ToolDefinition>,
    /// Entries of the turns before.
    pub(super) before: u64,
    /// What is told of them.
    pub(super) context: Context,
    /// What the built-in engine has read of them.
    pub(super) history: Option<History>,
    /// How often the model has said that it is too long.
    pub(super) overflows: u32,
    /// How often the built-in engine could do nothing about it: it tells half as much each time.
    pub(super) narrowed: u32,
    /// What was said of the last compaction that did nothing.
    pub(super) last_compaction: Option<String>,
    /// What was said in this turn: all of it is told.
    said: Vec<ModelMessage>,
    /// What takes how much.
    taken: Taken,
    tokens: Tokens,
}

/// Tokens of what is told in any case.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    system: u64,
    tools: u64,
    said: u64,
}

impl Taken {
    const fn all(self) -> u64 {
        self.system.saturating_add(self.tools).saturating_add(self.said)
    }
}

impl Talk {
    /// Nothing was said yet in this turn.
    pub(super) fn new(voice: Voice, system: Option<String>, tools: Arc<ToolSet>, before: u64, tokens: Tokens) -> Self {
        let definitions = tools.definitions(None);
        let tools_taken = definitions.iter().map(|tool| tokens.tool(tool)).sum();
        let taken = Taken { system: tokens.system(system.as_deref()), tools: tools_taken, said: 0 };
        let (context, history, last_compaction, said) = (Context::default(), None, None, Vec::new());
        Self {
            voice,
            system,
            tools,
            definitions,
            before,
            context,
            history,
            overflows: 0,
            narrowed: 0,
            last_compaction,
            said,
            taken,
            tokens,
        }
    }

    /// What was said to the agent: with it the turn begins.
    pub(super) fn begin(&mut self, told: String) {
        (self.said, self.taken.said) = (Vec::new(), 0);
        self.add(ModelMessage::User { text: told });
    }

    /// Adds what was said, if it was anything; what a person says always counts, whatever it is.
    pub(super) fn add(&mut self, message: ModelMessage) {
        if says_something(&message) || matches!(message, ModelMessage::User { .. }) {
            self.taken.said += self.tokens.message(&message);
            self.said.push(message);
        }
    }

    /// What was said to the agent.
    pub(super) fn prompt(&self) -> &str {
        match self.said.first() {
            Some(ModelMessage::User { text }) => text,
            _ => "",
        }
    }

    /// The instructions above the conversation, with what the context engine puts above them.
    pub(super) fn system(&self) -> Option<String> {
        let texts: Vec<&str> = self.context.addition.iter().chain(&self.system).map(String::as_str).collect();
        (!texts.is_empty()).then(|| texts.join("\n\n"))
    }

    /// The tokens that are left for the turns before.
    pub(super) fn room(&self, limit: u64) -> u64 {
        limit.saturating_sub(self.taken.all())
    }

    /// The same in a turn in which nothing is said. What is written down for later turns goes by this: one long message is no reason to forget what came before it.
    pub(super) fn usual_room(&self, limit: u64) -> u64 {
        limit.saturating_sub(self.taken.system.saturating_add(self.taken.tools))
    }

    /// Refuses a turn that no model could take, whatever is left out of the turns before.
    pub(super) fn has_room(&self) -> Result<(), Stopped> {
        match self.taken.all() > self.voice.model.window(&self.voice.name) {
            true => Err(self.too_long_alone("this turn is too long all by itself")),
            false => Ok(()),
        }
    }

    /// The end of a turn that is too long without anything before it.
    pub(super) fn too_long_alone(&self, why: &str) -> Stopped {
        let (Taken { system, tools, said }, Voice { model, name, .. }) = (self.taken, &self.voice);
        let why = format!(
            "{why}. What was said in this turn takes {said} tokens, the instructions {system} (setting `agent.system-prompt`), {} tools {tools}, and nothing is told of the turns before; the \
             model `{name}` takes {} (setting `model.window`), with the answer",
            self.definitions.len(),
            model.window(name)
        );
        Stopped::Unanswered { kind: ModelFailure::TooLong, why }
    }

    /// What the model gets now.
    pub(super) fn request(&self) -> ModelRequest {
        ModelRequest {
            model: self.voice.name.clone(),
            system: self.system(),
            messages: self.context.messages.iter().chain(&self.said).cloned().collect(),
            tools: self.definitions.clone(),
            thinking: self.voice.thinking.clone(),
        }
    }
}

impl Run {
    /// Writes what was said to the agent. From here on a model has seen it.
    pub(super) async fn say(&mut self, voice: Voice, prompt: Prompt) -> Result<Talk, Stopped> {
        let before = self.entries;
        self.open_context(before).await?;
        let told = self.write_prompt(&prompt).await?;
        let mut talk = Talk::new(voice, prompt.system, prompt.tools, before, self.gateway.contexts.tokens());
        talk.begin(told);
        Ok(talk)
    }

    /// Asks the model. Where it says that the conversation is too long, that is made smaller, and it is asked again.
    async fn answered(&mut self, talk: &mut Talk, number: u32) -> Result<Heard, Stopped> {
        loop {
            self.assemble(talk, number).await?;
            match self.ask(talk, number).await {
                Ok(heard) => return Ok(heard),
                Err(Unheard::TooLong(error)) => self.overflow(talk, &error).await?,
                Err(Unheard::Stopped(stopped)) => return Err(stopped),
            }
        }
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
            let heard = self.answered(talk, u32::try_from(number).unwrap_or(u32::MAX)).await?;
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
