//! What an operator says about an OpenAI-compatible server: the table `[model]`. The daemon decodes it.

use super::KeySource;
use crate::model::ModelWindow;
use std::time::Duration;
use thiserror::Error;

/// Which server is asked, for what, and how patiently.
#[derive(Debug, Clone)]
pub struct OpenAiSettings {
    /// Where its API begins, as `https://api.openai.com/v1`: `chat/completions` is added to it. Setting `model.base-url`.
    pub base_url: String,
    /// The model that answers when nobody asks for another. Setting `model.model`.
    pub model: String,
    /// Further models that may be asked for. Setting `model.models`.
    pub models: Vec<String>,
    /// How much each of them takes. Settings `model.window` and `model.reserve`.
    pub window: ModelWindow,
    /// Where the key is. Settings `model.key-env` and `model.key-file`.
    pub key: KeySource,
    /// How long things may take.
    pub timeouts: OpenAiTimeouts,
    /// How often a request is sent again. Setting `model.retries`.
    pub retries: u32,
    /// The pause before the first retry; each further one is twice as long, up to 30 s, and a random part of it longer. A server that says when to
    /// come back is obeyed instead.
    pub backoff: Duration,
}

impl OpenAiSettings {
    /// A server and its model with the usual window, without a key; three retries, half a second apart at first.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            models: Vec::new(),
            window: ModelWindow::default(),
            key: KeySource::None,
            timeouts: OpenAiTimeouts::default(),
            retries: 3,
            backoff: Duration::from_millis(500),
        }
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenAiTimeouts {
    /// To connect. Setting `model.connect-timeout`.
    pub connect: Duration,
    /// From the request to the first piece of the answer. Setting `model.first-piece-timeout`.
    pub first_piece: Duration,
    /// From one piece to the next; keep-alive comments are none. Setting `model.piece-timeout`.
    pub between_pieces: Duration,
    /// The whole call, with retries and the pauses between. Setting `model.timeout`.
    pub whole: Duration,
}

/// 10 s to connect, 5 min for the first piece, 1 min for each further one, 10 min in all.
impl Default for OpenAiTimeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(10), first_piece: seconds(300), between_pieces: seconds(60), whole: seconds(600) }
    }
}

/// The settings can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenAiSettingsError {
    /// The base URL is none. It isn't repeated: whatever stands in it may be a secret.
    #[error("setting `model.base-url`: {problem}; expected something like `https://api.openai.com/v1`")]
    BaseUrl {
        /// What is wrong with it.
        problem: String,
    },
    /// The client can't be made.
    #[error("no client for `{host}` (setting `model.base-url`): {problem}")]
    Client {
        /// Whose.
        host: String,
        /// What is wrong.
        problem: String,
    },
}
