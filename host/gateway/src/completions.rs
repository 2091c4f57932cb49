//! Questions that plugins ask the host's model: one answer each, without tools, in no session and in no transcript.
//!
//! Three of a plugin's may be under way at a time; further ones wait in the order in which they came, and waiting counts against a question's time. It costs what the model costs; who
//! has nothing under way takes no room. Whoever stops waiting takes the question back: the model isn't heard any further. That is so when the call that asks is cut, and when the turn that
//! it belongs to is cancelled. The hooks `llm-input`, `model-call-started` and the like are about turns, and don't fire for these. It fails as the model fails, in the kind of failure alone:
//! what a provider says is for the operator's log.

use crate::model::{ModelError, ModelFailure, ModelMessage, ModelPiece, ModelRequest, ModelStream, Models};
use futures_util::StreamExt;
use plugbay_runtime::{Completed, CompletionRequest, PluginId, ServiceCode, ServiceError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Questions of one plugin that are under way at a time.
const AT_ONCE: usize = 3;
/// How long a question may take, if the plugin doesn't say.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer.
const ANSWER: usize = 256 << 10;

/// Who asks how much at this moment.
#[derive(Default)]
pub(crate) struct Completions(Mutex<HashMap<PluginId, Weak<Semaphore>>>);

impl Completions {
    /// Asks the default model.
    ///
    /// # Errors
    /// `TimedOut`, `TooLong`, `Failed`.
    pub(crate) async fn complete(&self, models: &Models, plugin: &PluginId, asked: CompletionRequest) -> Result<Completed, ServiceError> {
        let patience = asked.timeout_ms.map_or(PATIENCE, |ms| Duration::from_millis(ms.into()));
        let answer = async {
            let _turn = self.turn(plugin).await?;
            let model = models.default_provider();
            let request = request(model.default_model(), asked);
            heard(model.default_model().to_owned(), model.stream(request)).await.map_err(|error| failed(plugin, &error))
        };
        tokio::time::timeout(patience, answer).await.unwrap_or_else(|_| Err(too_late(patience)))
    }

    /// Waits until fewer than so many of the plugin's questions are under way.
    async fn turn(&self, plugin: &PluginId) -> Result<OwnedSemaphorePermit, ServiceError> {
        let line = {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.retain(|_, line| line.strong_count() > 0);
            let line = lines.get(plugin).and_then(Weak::upgrade).unwrap_or_else(|| Arc::new(Semaphore::new(AT_ONCE)));
            lines.insert(plugin.clone(), Arc::downgrade(&line));
            line
        };
        line.acquire_owned().await.map_err(|_| ServiceError::new(ServiceCode::Failed, "complete: the plugin's line was closed"))
    }
}

fn request(model: &str, asked: CompletionRequest) -> ModelRequest {
    let CompletionRequest { message, system_prompt, timeout_ms: _ } = asked;
    let messages = vec![ModelMessage::User { text: message }];
    ModelRequest { model: model.to_owned(), system: system_prompt, messages, tools: Vec::new(), thinking: None }
}

/// What the model says, all of it or nothing.
async fn heard(asked: String, mut stream: ModelStream) -> Result<Completed, ModelError> {
    let mut text = String::new();
    while let Some(piece) = stream.next().await {
        match piece? {
            ModelPiece::Text(words) => text.push_str(&words),
            ModelPiece::ToolCall(_) => {} // none was offered
            ModelPiece::End { usage, model, .. } => {
                let model = model.unwrap_or(asked);
                return Ok(Completed { text, model, input_tokens: usage.input, output_tokens: usage.output });
            }
        }
        if text.len() > ANSWER {
            return Err(ModelError::new(ModelFailure::TooLarge, format!("the answer is larger than {ANSWER} bytes")));
        }
    }
    Err(ModelError::new(ModelFailure::Malformed, "the answer broke off without an end"))
}

fn failed(plugin: &PluginId, error: &ModelError) -> ServiceError {
    tracing::warn!(%plugin, kind = %error.kind, %error, "the model didn't answer a plugin");
    let code = match error.kind {
        ModelFailure::Timeout => ServiceCode::TimedOut,
        ModelFailure::TooLong => ServiceCode::TooLong,
        _ => ServiceCode::Failed,
    };
    let more = if error.kind == ModelFailure::TooLarge {
        format!(": {ANSWER} bytes are allowed (fixed: no setting changes it)")
    } else {
        String::new()
    };
    ServiceError::new(code, format!("complete: the model didn't answer (`{}`){more}; the host's log says more", error.kind))
}

fn too_late(patience: Duration) -> ServiceError {
    let (ms, most) = (patience.as_millis(), AT_ONCE);
    let why = format!(
        "complete: no answer within {ms} ms (`timeout-ms`), the wait for others of the plugin's included: {most} are asked at a time"
    );
    ServiceError::new(ServiceCode::TimedOut, why)
}

#[cfg(test)]
mod tests;
