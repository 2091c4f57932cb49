//! Models: what a turn asks for words and for calls of tools. One trait, an [offline model](OfflineModel) that needs no key, and a client for
//! everything that speaks [OpenAI's chat completions](OpenAiModel).
//!
//! A model answers with a stream of pieces that ends with [`ModelPiece::End`] or with an error, and nothing comes after either. To cancel is to drop the
//! stream: what it was doing is aborted at once. A stream does its work where it is polled, so that a reader who is slow slows the model down instead of
//! filling memory; nothing runs beside it.
//!
//! It fails with a [`ModelError`]: a kind for programs, a sentence for people. What came before the error stays said.

mod answer;
mod error;
mod models;
mod offline;
mod openai;
mod request;
mod voice;
mod window;

pub use answer::{ModelPiece, ModelStream, Stop, Usage};
pub use error::{ModelError, ModelFailure, UnknownFailure};
pub use models::{Models, NoModel};
pub use offline::OfflineModel;
pub use openai::{KeySource, OpenAiModel, OpenAiSettings, OpenAiSettingsError, OpenAiTimeouts};
pub use request::{ModelMessage, ModelRequest, ToolDefinition, ToolRequest};
pub(crate) use voice::Voice;
pub use window::ModelWindow;

/// Something that answers conversations. Object safe: a turn doesn't know which it has.
pub trait Model: Send + Sync {
    /// What it is called in settings and in a [request for a model](Models::resolve).
    fn provider(&self) -> &str;

    /// The model that answers when nobody asks for another.
    fn default_model(&self) -> &str;

    /// All that may be asked for.
    fn models(&self) -> Vec<&str> {
        vec![self.default_model()]
    }

    /// Whether a model may be asked for.
    fn has(&self, model: &str) -> bool {
        self.models().contains(&model)
    }

    /// How many tokens a model takes: what it is given and what it answers together. 128,000 if nobody knows better.
    fn window(&self, _model: &str) -> u64 {
        ModelWindow::default().tokens()
    }

    /// How many of them are kept free for the answer. 8,192 if nobody knows better, or a quarter of the window if that is less.
    fn reserve(&self, model: &str) -> u64 {
        ModelWindow::of(self.window(model)).reserve()
    }

    /// Asks. Nothing happens before the stream is polled; dropping it cancels.
    fn stream(&self, request: ModelRequest) -> ModelStream;
}
