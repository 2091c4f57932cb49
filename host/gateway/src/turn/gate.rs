//! Before the model: a plugin may answer in the agent's place, choose the model, or not let the turn run.
//!
//! Of a turn that isn't let run nothing is kept of what was said: the transcript says who blocked it and when, with the words for the person; and what plugins have queued waits for
//! the next turn. A turn that a plugin answers keeps both texts, and what was queued waits, too: no model saw it.

use super::prepare::Prompt;
use super::{Ended, Run, Stopped, TurnEvent};
use crate::context::builtin::BLOCKED;
use crate::model::Voice;
use plugbay_runtime::state::RunStatus;
use plugbay_runtime::{BeforeAgentReply, BeforeAgentRun, BeforeModelResolve, ModelAsked, ReplyAsked, Role, RunAsked, RunBlock};
use serde_json::{Value, json};

impl Run {
    /// Whether a plugin answers in the agent's place.
    pub(super) async fn claimed(&mut self) -> Result<bool, Stopped> {
        let event = ReplyAsked { trigger: self.asked.trigger, text: self.asked.text.clone(), attrs: Vec::new() };
        let asked = self.stop.unless(self.gateway.hooks.fire::<BeforeAgentReply>(&self.call(), event)).await?;
        if !asked.outcome.taken {
            return Ok(false);
        }
        let by = asked.by.map(|by| by.to_string());
        tracing::info!(run = %self.guard.id(), by, why = asked.outcome.reason, "a plugin answers in the agent's place");
        let user = self.looked_at(Role::User, json!(self.asked.text), None, Value::Null).await;
        self.append(user.entry).await?;
        if let Some(reply) = asked.outcome.reply {
            let answer = self.looked_at(Role::Assistant, json!(reply), None, json!({ "by": by })).await;
            self.append(answer.entry).await?;
            self.send(answer.text).await?;
        }
        Ok(true)
    }

    /// The model of this turn.
    pub(super) async fn voice(&self) -> Result<Voice, Stopped> {
        let models = &self.gateway.agent.models;
        let default = models.default_provider();
        let event = ModelAsked {
            trigger: self.asked.trigger,
            prompt: self.asked.text.clone(),
            provider: default.provider().to_owned(),
            model: default.default_model().to_owned(),
            attrs: Vec::new(),
        };
        let choice = self.stop.unless(self.gateway.hooks.fire::<BeforeModelResolve>(&self.call(), event)).await?.outcome;
        let resolved = models.resolve(choice.provider.as_deref(), choice.model.as_deref());
        let (model, name) = resolved.map_err(|none| Stopped::Failed(none.to_string()))?;
        Ok(Voice { model, name, thinking: choice.thinking })
    }

    /// Whether the turn may run; otherwise how it ends.
    pub(super) async fn gate(&mut self, voice: &Voice, prompt: &Prompt) -> Result<Option<Ended>, Stopped> {
        let event = RunAsked {
            trigger: self.asked.trigger,
            prompt: prompt.text.clone(),
            system_prompt: prompt.system.clone(),
            model: voice.name.clone(),
            attrs: Vec::new(),
        };
        let asked = self.stop.unless(self.gateway.hooks.fire::<BeforeAgentRun>(&self.call(), event)).await?;
        let Some(RunBlock { reason, message }) = asked.outcome.block else { return Ok(None) };
        let meta = json!({ "status": RunStatus::Blocked.as_str(), "by": asked.by });
        let entry = self.entry(Role::System, &json!(message.as_deref().unwrap_or(BLOCKED)), None, &meta);
        self.append(Some(entry)).await?;
        let shown = asked.by.as_ref().map_or_else(|| "the host blocked it".to_owned(), |by| format!("plugin `{by}` blocked it"));
        tracing::info!(run = %self.guard.id(), reason, "a turn was blocked: {shown}");
        let blocked = |message| TurnEvent::Blocked { by: asked.by.clone(), message };
        let sent = match message {
            Some(message) => self.send_as(message, |text| blocked(Some(text))).await?,
            None => false,
        };
        if !sent {
            self.listener.tell(blocked(None));
        }
        Ok(Some(Ended::Blocked { reason, shown }))
    }
}
