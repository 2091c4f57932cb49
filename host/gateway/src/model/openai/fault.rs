//! What went wrong with a request: which kind it is, whether to try again, and how people are told. A sentence names the server (its host, never the whole
//! URL, which may hold secrets), what it said (cleaned, cut, without the key) and the setting that matters.

use super::connection::Server;
use super::key::Key;
use super::wire::Complaint;
use crate::model::{ModelError, ModelFailure};
use reqwest::StatusCode;
use std::error::Error;
use std::time::Duration;

/// The characters of a server's own words that are shown.
const SHOWN: usize = 300;

/// What servers call a conversation that is too long: OpenAI and those that do as it does, llama.cpp, GitHub.
const TOO_LONG: [&str; 3] = ["context_length_exceeded", "exceed_context_size_error", "tokens_limit_reached"];

/// What they say of one where they have no name for it: vLLM and OpenRouter, SGLang, llama.cpp of old, Anthropic, Gemini.
const SAID_OF_TOO_LONG: [&str; 7] = [
    "maximum context length",
    "maximum model length",
    "model's context length",
    "available context size",
    "context window",
    "prompt is too long",
    "maximum number of tokens allowed",
];

/// A failed attempt.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: ModelError,
    pub(super) again: Again,
}

/// Whether another attempt may do better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Never,
    /// After a pause of our choice.
    Later,
    /// After the pause that the server asked for.
    After(Duration),
}

impl Fault {
    pub(super) fn never(kind: ModelFailure, message: String) -> Self {
        Self { error: ModelError::new(kind, message), again: Again::Never }
    }

    pub(super) fn later(kind: ModelFailure, message: String) -> Self {
        Self { error: ModelError::new(kind, message), again: Again::Later }
    }
}

impl From<ModelError> for Fault {
    fn from(error: ModelError) -> Self {
        Self { error, again: Again::Never }
    }
}

/// The server answered with a status that isn't success.
pub(super) fn refused(server: &Server, model: &str, status: StatusCode, complaint: &Complaint, key: Option<&Key>) -> Fault {
    let kind = kind(status, complaint);
    let said = match shown(&complaint.message, key).as_str() {
        "" => "without a word".to_owned(),
        words => format!("\"{words}\""),
    };
    let message = format!("model server `{}` answered {status}: {said}{}", server.host, advice(server, model, status, kind));
    match kind {
        ModelFailure::RateLimited | ModelFailure::Server => Fault::later(kind, message),
        _ => Fault::never(kind, message),
    }
}

/// The server sent an error in the middle of its answer.
pub(super) fn complained(server: &Server, model: &str, complaint: &Complaint, key: Option<&Key>) -> Fault {
    let told = complaint.status.and_then(|status| StatusCode::from_u16(status).ok()).filter(|status| !status.is_success());
    let status = told.unwrap_or(match complaint.code.as_deref() {
        Some("rate_limit_exceeded" | "rate_limit_error") => StatusCode::TOO_MANY_REQUESTS,
        Some("invalid_request_error") => StatusCode::BAD_REQUEST,
        _ if says_too_long(&complaint.message) => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    });
    refused(server, model, status, complaint, key)
}

fn kind(status: StatusCode, complaint: &Complaint) -> ModelFailure {
    match (status.as_u16(), complaint.code.as_deref()) {
        (_, Some(code)) if TOO_LONG.contains(&code) => ModelFailure::TooLong,
        (400 | 413 | 422, _) if says_too_long(&complaint.message) => ModelFailure::TooLong,
        (400 | 404, Some("model_not_found")) => ModelFailure::NoSuchModel,
        (401 | 403, _) => ModelFailure::Unauthorized,
        (429, _) => ModelFailure::RateLimited,
        (500.., _) => ModelFailure::Server,
        _ => ModelFailure::Refused,
    }
}

fn says_too_long(message: &str) -> bool {
    let message = message.to_lowercase();
    SAID_OF_TOO_LONG.iter().any(|words| message.contains(words))
}

fn advice(server: &Server, model: &str, status: StatusCode, kind: ModelFailure) -> String {
    match kind {
        ModelFailure::Unauthorized => format!("; the key: {}", server.settings.key),
        ModelFailure::NoSuchModel => format!("; model `{model}` (settings `model.model`, `model.models`)"),
        ModelFailure::TooLong => {
            format!("; model `{model}` is given up to {} tokens (setting `model.window`)", server.settings.window.tokens())
        }
        _ if status.is_redirection() => {
            "; redirects aren't followed, since they would carry the key elsewhere (setting `model.base-url`)".to_owned()
        }
        _ if status == StatusCode::NOT_FOUND => {
            format!("; model `{model}` (setting `model.model`), or the place is wrong (setting `model.base-url`)")
        }
        _ => String::new(),
    }
}

/// The connection couldn't be made, or broke.
pub(super) fn broken(server: &Server, what: &str, error: reqwest::Error) -> Fault {
    let timeout = if error.is_connect() && error.is_timeout() {
        format!(" within {:?} (setting `model.connect-timeout`)", server.settings.timeouts.connect)
    } else {
        String::new()
    };
    let causes = shown(&causes(&error.without_url()), None);
    Fault::later(ModelFailure::Unreachable, format!("model server `{}` (setting `model.base-url`): {what}{timeout}: {causes}", server.host))
}

/// An error with what caused it, each once.
fn causes(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !said.contains(&words) {
            said = format!("{said}: {words}");
        }
        cause = error.source();
    }
    said
}

/// Somebody else's words as we repeat them: without the key, on one line, nothing that steers a terminal, not too many.
pub(super) fn shown(words: &str, key: Option<&Key>) -> String {
    let words = key.map_or_else(|| words.to_owned(), |key| key.hidden_in(words));
    let visible = words.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let plain = visible.chars().filter(|c| !steers(*c));
    let mut start: String = plain.clone().take(SHOWN).collect();
    if plain.clone().nth(SHOWN).is_some() {
        start.push('…');
    }
    start
}

/// Characters that change the direction or place of what is written after them.
fn steers(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
