//! Turns for those who keep their sessions here and run the model themselves: the same steps, taken one by one.
//!
//! A prepared turn has the session to itself until it is finished. One that is dropped has failed: its session says so, and what plugins have queued for it and nobody was shown
//! waits again. What hooks there are besides the steps here (the model's, the channel's) is the embedder's to fire, with [`PreparedTurn::call`].

use super::listener::Listener;
use super::open::Opening;
use super::prepare::Prompt;
use super::rounds::Talk;
use super::{Ended, Run, Stopped, TurnAsked, TurnError};
use crate::context::builtin::AssistantMeta;
use crate::gateway::Gateway;
use crate::model::{ModelMessage, ToolRequest};
use crate::tools::{ToolEnd, ToolSet};
use plugbay_runtime::{Call, Role};
use serde_json::json;
use std::sync::Arc;
use tokio_util::task::task_tracker::TaskTrackerToken;
use uuid::Uuid;

/// A turn whose prompt is ready.
pub struct PreparedTurn {
    run: Run,
    prompt: Prompt,
    /// What the embedder's model is told, as far as it goes through here.
    talk: Talk,
    /// The instructions, as of the last history.
    system: Option<String>,
    /// How often the history was asked for.
    histories: u32,
    /// Who stops the gateway waits for it.
    _token: TaskTrackerToken,
}

impl From<Stopped> for TurnError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Cancelled => Self::Cancelled,
            Stopped::HostStops => Self::Stopping,
            Stopped::Failed(why) | Stopped::Unanswered { why, .. } => Self::Failed(why),
        }
    }
}

impl Gateway {
    /// Begins a turn whose model somebody else runs: waits for its turn in the session's line, takes what plugins have queued, and asks them what they add. Who stops waiting
    /// cancels it.
    ///
    /// # Errors
    /// As for [`Gateway::turn`], or if it is cancelled meanwhile.
    pub async fn prepare_turn(&self, asked: TurnAsked) -> Result<PreparedTurn, TurnError> {
        let gateway = self.0.clone();
        gateway.open()?;
        asked.check()?;
        let place = gateway.enter(&asked.session)?;
        let run: Arc<str> = Uuid::new_v4().to_string().into();
        let stop = gateway.live.add(run.clone());
        let unwanted = stop.unless_kept();
        let opening = Opening { gateway: gateway.clone(), asked, run, listener: Listener::new().0, stop, place };
        let prepared = gateway.to_its_end(opening.prepare()).await;
        unwanted.disarm();
        prepared
    }
}

impl Opening {
    /// Begins the turn when it may, up to its prompt. In a task of its own: half begun, it would be nobody's to end.
    async fn prepare(self) -> Result<PreparedTurn, TurnError> {
        let token = self.gateway.turns.token();
        let run = self.open().await?;
        match run.prepare().await {
            Ok(prompt) => Ok(PreparedTurn::new(run, prompt, token)),
            Err(stopped) => {
                let error = stopped.clone().into();
                run.finish(Ended::Stopped(stopped)).await;
                Err(error)
            }
        }
    }
}

impl PreparedTurn {
    /// The room is that of the host's own model: the embedder's isn't known.
    fn new(run: Run, prompt: Prompt, token: TaskTrackerToken) -> Self {
        let (voice, tokens) = (run.gateway.agent.voice(), run.gateway.contexts.tokens());
        let mut talk = Talk::new(voice, prompt.system.clone(), prompt.tools.clone(), run.entries, tokens);
        talk.begin(prompt.text.clone());
        Self { system: talk.system(), run, prompt, talk, histories: 0, _token: token }
    }

    /// Its run.
    #[must_use]
    pub fn run(&self) -> &Arc<str> {
        self.run.guard.id()
    }

    /// What the model is to be told: what was said, with what was added.
    #[must_use]
    pub fn prompt(&self) -> &str {
        &self.prompt.text
    }

    /// The instructions above the conversation; once the [history](Self::history) was asked for, with what the context engine puts above them.
    #[must_use]
    pub fn system_prompt(&self) -> Option<&str> {
        self.system.as_deref()
    }

    /// The tools of this turn.
    #[must_use]
    pub fn tools(&self) -> &ToolSet {
        &self.prompt.tools
    }

    /// What plugins are told of whatever happens next, for hooks that the embedder fires.
    #[must_use]
    pub fn call(&self) -> Call {
        self.run.call()
    }

    /// What a model is told of the turns before: as much as the settings and the window of the host's own model leave beside this turn. The context engine decides, so it is asked for before each
    /// call of the model.
    ///
    /// # Errors
    /// If the state can't be read, this turn is too long all by itself, or it is cancelled.
    pub async fn history(&mut self) -> Result<Vec<ModelMessage>, TurnError> {
        if self.histories == 0 {
            self.run.open_context(self.talk.before).await?;
        }
        self.histories = self.histories.saturating_add(1);
        self.run.assemble(&mut self.talk, self.histories).await?;
        self.system = self.talk.system();
        Ok(self.talk.context.messages.clone())
    }

    /// Writes what was said; what plugins have queued is spent with it. To be called once, just before the model is. Answers what it is to be told: what
    /// was said, as it was written, with what was added.
    ///
    /// # Errors
    /// If the session is gone, or the state can't be written.
    pub async fn show(&mut self) -> Result<String, TurnError> {
        let told = self.run.write_prompt(&self.prompt).await?;
        self.talk.begin(told.clone());
        Ok(told)
    }

    /// Writes what the model said, with the tools that it wants. Answers its words as they were written.
    ///
    /// # Errors
    /// As for [`PreparedTurn::show`].
    pub async fn say(&mut self, text: &str, calls: &[ToolRequest]) -> Result<String, TurnError> {
        let meta = json!(AssistantMeta { tool_calls: calls.iter().map(Into::into).collect(), model: None });
        let answer = self.run.looked_at(Role::Assistant, json!(text), None, meta).await;
        self.run.append(answer.entry).await?;
        self.talk.add(ModelMessage::Assistant { text: answer.text.clone(), tool_calls: calls.to_vec() });
        Ok(answer.text)
    }

    /// Calls a tool, and writes its answer. Answers how the call ended, and what the model is to be told.
    ///
    /// # Errors
    /// As for [`PreparedTurn::show`], or if the turn is cancelled.
    pub async fn call_tool(&mut self, request: &ToolRequest) -> Result<(ToolEnd, String), TurnError> {
        let end = self.run.call_tool(&self.prompt.tools, request).await.map_err(Stopped::from)?;
        let answer = self.run.write_result(request, &end).await?;
        self.talk.add(ModelMessage::Tool { call_id: request.id.clone(), content: answer.clone() });
        Ok((end, answer))
    }

    /// Waits for this, unless the turn is cancelled or the gateway stops before; then it is dropped.
    ///
    /// # Errors
    /// If it is.
    pub async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, TurnError> {
        Ok(self.run.stop.unless(work).await.map_err(Stopped::from)?)
    }

    /// Ends the turn: well, or with what went wrong.
    pub async fn finish(self, result: Result<(), TurnError>) {
        let ended = match result {
            Ok(()) => Ended::Done,
            Err(TurnError::Cancelled) => Ended::Stopped(Stopped::Cancelled),
            Err(TurnError::Stopping) => Ended::Stopped(Stopped::HostStops),
            Err(error) => Ended::Stopped(Stopped::Failed(error.to_string())),
        };
        self.run.finish(ended).await;
    }
}
