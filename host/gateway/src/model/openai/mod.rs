//! A client for servers that speak OpenAI's chat completions: OpenAI itself, and the many that do as it does.
//!
//! One request per call, streamed: server-sent events over HTTP/1.1, with TLS by rustls and the system's certificates. Nothing is sent anywhere but to the
//! base URL: redirects are not followed and the environment's proxies not used, since either would carry the key to somebody else.
//!
//! What it costs: one connection for as long as an answer takes (connections are used again), and at most one event and the arguments of unfinished calls of
//! tools in memory. How it fails: a [`ModelError`](super::ModelError) of each kind. Rate limits (429), failures of the server (5xx) and of the
//! connection are tried again, with growing and scattered pauses or those that the server asks for, as long as no piece has been handed on.

mod assembly;
mod body;
mod call;
mod connection;
mod events;
mod fault;
mod key;
mod settings;
mod wire;

use super::{Model, ModelRequest, ModelStream};
use call::Answering;
use connection::Server;
use futures_util::stream::{self, StreamExt};
use std::sync::Arc;

pub use key::KeySource;
pub use settings::{OpenAiSettings, OpenAiSettingsError, OpenAiTimeouts};

/// A provider that speaks OpenAI's chat completions.
#[derive(Debug, Clone)]
pub struct OpenAiModel {
    server: Arc<Server>,
}

impl OpenAiModel {
    /// Makes a client. Connects to nobody and reads no key before it is asked for an answer.
    ///
    /// # Errors
    /// When the base URL can't be used, or the system has no certificates to check a server with.
    pub fn new(settings: OpenAiSettings) -> Result<Self, OpenAiSettingsError> {
        Ok(Self { server: Arc::new(Server::new(settings)?) })
    }
}

impl Model for OpenAiModel {
    fn provider(&self) -> &str {
        "openai"
    }

    fn default_model(&self) -> &str {
        &self.server.settings.model
    }

    fn models(&self) -> Vec<&str> {
        let settings = &self.server.settings;
        std::iter::once(&settings.model).chain(&settings.models).map(String::as_str).collect()
    }

    fn window(&self, _model: &str) -> u64 {
        self.server.settings.window.tokens()
    }

    fn reserve(&self, _model: &str) -> u64 {
        self.server.settings.window.reserve()
    }

    fn stream(&self, request: ModelRequest) -> ModelStream {
        let answering = Answering::new(self.server.clone(), &request);
        Box::pin(stream::unfold(answering, async |mut answering| answering.next().await.map(|piece| (piece, answering))).fuse())
    }
}
