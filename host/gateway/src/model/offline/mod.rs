//! A model that isn't one: it carries out the commands that it is told and otherwise says what it was given. It is there so that everything can be tried,
//! shown and tested without a key and without a network: calls of tools, long answers, slow ones, failures.
//!
//! The same request gets the same answer, always. It costs nothing, and fails only where it is told to (`fail <kind>`). Its commands are in
//! `docs/models.md`.

mod command;
mod heard;
mod telling;

use super::{Model, ModelRequest, ModelStream};
use futures_util::stream::{self, StreamExt};
use telling::Telling;

/// The offline model: no intelligence, no network, the same answer to the same request.
///
/// ```
/// use futures_util::StreamExt;
/// use plugbay_gateway::model::{Model, ModelMessage, ModelPiece, ModelRequest, OfflineModel};
///
/// # async fn example() {
/// let asked = ModelMessage::User { text: "say Good morning.".into() };
/// let mut answer = OfflineModel::default().stream(ModelRequest { messages: vec![asked], ..ModelRequest::default() });
/// assert_eq!(answer.next().await, Some(Ok(ModelPiece::Text("Good ".into()))));
/// assert_eq!(answer.next().await, Some(Ok(ModelPiece::Text("morning.".into()))));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example());
/// ```
#[derive(Debug, Clone)]
pub struct OfflineModel {
    provider: String,
    model: String,
    others: Vec<String>,
}

impl OfflineModel {
    /// Under another name, for hosts that want to show how a model is chosen.
    pub fn named(provider: impl Into<String>, model: impl Into<String>) -> Self {
        Self { provider: provider.into(), model: model.into(), others: Vec::new() }
    }

    /// With one more model that may be asked for. All answer alike; which one it was is in the answer.
    #[must_use]
    pub fn also(mut self, model: impl Into<String>) -> Self {
        self.others.push(model.into());
        self
    }
}

/// Provider `offline` with the model `offline`.
impl Default for OfflineModel {
    fn default() -> Self {
        Self::named("offline", "offline")
    }
}

impl Model for OfflineModel {
    fn provider(&self) -> &str {
        &self.provider
    }

    fn default_model(&self) -> &str {
        &self.model
    }

    fn models(&self) -> Vec<&str> {
        std::iter::once(&self.model).chain(&self.others).map(String::as_str).collect()
    }

    fn stream(&self, request: ModelRequest) -> ModelStream {
        Box::pin(stream::unfold(Telling::new(&request), async |mut telling| telling.next().await.map(|piece| (piece, telling))).fuse())
    }
}
