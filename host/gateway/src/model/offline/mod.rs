//! A model that isn't one: it carries out the commands that it is told and otherwise says what it was given. It is there so that everything can be tried,
//! shown and tested without a key and without a network: calls of tools, long answers, slow ones, failures.
//!
//! The same request gets the same answer, always. It costs nothing, and fails only where it is told to (`fail <kind>`), and where what it is given is longer than its
//! window. Told to summarise, it says how each line begins. Its commands are in `docs/models.md`.

mod command;
mod digest;
mod heard;
mod telling;

use super::{Model, ModelError, ModelFailure, ModelRequest, ModelStream, ModelWindow};
use crate::tokens::Tokens;
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
    window: ModelWindow,
}

impl OfflineModel {
    /// Under another name, for hosts that want to show how a model is chosen.
    pub fn named(provider: impl Into<String>, model: impl Into<String>) -> Self {
        Self { provider: provider.into(), model: model.into(), others: Vec::new(), window: ModelWindow::default() }
    }

    /// With one more model that may be asked for. All answer alike; which one it was is in the answer.
    #[must_use]
    pub fn also(mut self, model: impl Into<String>) -> Self {
        self.others.push(model.into());
        self
    }

    /// With a window of this size. What is longer is refused, as servers do.
    #[must_use]
    pub fn within(mut self, window: ModelWindow) -> Self {
        self.window = window;
        self
    }

    /// What is wrong with a request that is too long. One that has fewer bytes than the window has tokens isn't counted: it fits.
    fn refusal(&self, request: &ModelRequest) -> Option<ModelError> {
        let most = self.window.tokens();
        let tokens = if bytes(request) <= most { 0 } else { Tokens::default().request(request) };
        let why = || format!("the offline model was given {tokens} tokens, and takes {most} (setting `model.window`)");
        (tokens > most).then(|| ModelError::new(ModelFailure::TooLong, why()))
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

    fn window(&self, _model: &str) -> u64 {
        self.window.tokens()
    }

    fn reserve(&self, _model: &str) -> u64 {
        self.window.reserve()
    }

    fn stream(&self, request: ModelRequest) -> ModelStream {
        let telling = Telling::new(&request, self.refusal(&request));
        Box::pin(stream::unfold(telling, async |mut telling| telling.next().await.map(|piece| (piece, telling))).fuse())
    }
}

/// At least as many bytes as a request has tokens.
fn bytes(request: &ModelRequest) -> u64 {
    let ModelRequest { system, messages, tools, .. } = request;
    let frames = 1 + messages.len() + tools.len();
    let told = serde_json::to_string(&(system, messages, tools)).map_or(usize::MAX, |json| json.len());
    told.saturating_add(frames * 8) as u64
}
