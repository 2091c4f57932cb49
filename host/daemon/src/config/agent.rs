//! `[model]` and `[agent]`: which model answers, and what an agent is told and allowed.
//!
//! A key is named by where it is, never written into the file: what the file says is shown to whoever may read the configuration.

use super::error::Report;
use super::form::{Directory, Flag, Form, OneOf};
use super::node::{Node, join};
use super::number::{Count, Time};
use super::setting::{At, Field, Maybe, Row, Section, Setting};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Provider {
    /// The deterministic model that is built in.
    #[default]
    Offline,
    /// A server that speaks the chat-completions protocol.
    OpenAi,
}

/// `[model]`: which model answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Who answers, if no plugin chooses another.
    pub provider: Provider,
    /// The server.
    pub base_url: String,
    /// The model's name at the provider.
    pub model: Option<String>,
    /// The environment variable that holds the key.
    pub key_env: Option<String>,
    /// The file that holds the key.
    pub key_file: Option<PathBuf>,
    /// How long one answer may take in all.
    pub timeout: Duration,
    /// How often a call is tried again.
    pub retries: u32,
}

impl Model {
    /// Takes relative paths from this directory.
    pub(crate) fn relative_to(&mut self, directory: &Path) {
        if let Some(file) = &mut self.key_file {
            *file = directory.join(&*file);
        }
    }
}

impl Default for Model {
    fn default() -> Self {
        Self {
            provider: Provider::default(),
            base_url: "https://api.openai.com/v1".to_owned(),
            model: None,
            key_env: None,
            key_file: None,
            timeout: Duration::from_secs(300),
            retries: 4,
        }
    }
}

impl Section for Model {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "provider",
            says: "Who answers if no plugin chooses another: the deterministic model that is built in, or a server that speaks OpenAI's chat completions.",
            field: &At(&OneOf(&[("offline", Provider::Offline), ("openai", Provider::OpenAi)]), |m: &mut Self| &mut m.provider),
        },
        Setting {
            name: "base-url",
            says: "Where the server is, up to `/v1`.",
            field: &At(
                &Words { what: "an address such as \"https://api.openai.com/v1\"", example: "http://127.0.0.1:8000/v1" },
                |m: &mut Self| &mut m.base_url,
            ),
        },
        Setting {
            name: "model",
            says: "The model, as the provider calls it; needed for `openai`.",
            field: &Maybe(&Words { what: "a model's name", example: "gpt-5-mini" }, |m: &mut Self| &mut m.model),
        },
        Setting {
            name: "key-env",
            says: "The environment variable that holds the key for the server.",
            field: &Maybe(&Words { what: "a variable's name", example: "OPENAI_API_KEY" }, |m: &mut Self| &mut m.key_env),
        },
        Setting {
            name: "key-file",
            says: "The file that holds the key for the server; read again when it changes.",
            field: &Maybe(&Directory, |m: &mut Self| &mut m.key_file),
        },
        Setting { name: "timeout", says: "How long one answer may take in all.", field: &At(&Time::SOME, |m: &mut Self| &mut m.timeout) },
        Setting {
            name: "retries",
            says: "How often a call is tried again that the server refused for now, or that didn't reach it.",
            field: &At(&Count { least: 0, most: 20 }, |m: &mut Self| &mut m.retries),
        },
    ];
}

/// `[agent]`: what the agent is told, and how far it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The instructions above each conversation.
    pub system_prompt: Option<String>,
    /// Calls of a model in one turn.
    pub rounds: NonZeroUsize,
    /// Tokens of history that a model is given, as estimated.
    pub history_tokens: NonZeroUsize,
    /// Whether plugins may have people asked.
    pub approvals: bool,
    /// Heartbeats by session.
    pub heartbeats: BTreeMap<String, Duration>,
}

impl Default for Agent {
    fn default() -> Self {
        let (rounds, history_tokens) = (NonZeroUsize::MIN.saturating_add(31), NonZeroUsize::MIN.saturating_add(99_999));
        Self { system_prompt: None, rounds, history_tokens, approvals: true, heartbeats: BTreeMap::new() }
    }
}

impl Section for Agent {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "system-prompt",
            says: "The instructions above each conversation.",
            field: &Maybe(&Words { what: "text", example: "You help the people of the shop floor." }, |a: &mut Self| &mut a.system_prompt),
        },
        Setting {
            name: "rounds",
            says: "How often the model is called in one turn.",
            field: &At(&Count { least: 1, most: 1_000 }, |a: &mut Self| &mut a.rounds),
        },
        Setting {
            name: "history-tokens",
            says: "How much of a conversation the model is given: tokens, at four bytes each.",
            field: &At(&Count { least: 1_000, most: 100_000_000 }, |a: &mut Self| &mut a.history_tokens),
        },
        Setting {
            name: "approvals",
            says: "Whether plugins may have people asked. If not, what they would ask is denied at once.",
            field: &At(&Flag, |a: &mut Self| &mut a.approvals),
        },
        Setting { name: "heartbeats", says: "Sessions whose agent is woken now and then, and how often.", field: &Heartbeats },
    ];
}

/// Text that isn't empty.
struct Words {
    what: &'static str,
    example: &'static str,
}

impl Form<String> for Words {
    fn expected(&self) -> String {
        self.what.to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "string", "minLength": 1 })
    }

    fn read(&self, node: &Node<'_>, report: &mut Report<'_>) -> Option<String> {
        let text = node.text().filter(|text| !text.is_empty());
        if text.is_none() {
            node.misfit(&self.expected(), report);
        }
        text.map(str::to_owned)
    }

    fn show(&self, value: &String) -> Option<Value> {
        Some(json!(value))
    }

    fn example(&self) -> Value {
        json!(self.example)
    }
}

/// How often at most.
const INTERVAL: Time = Time { least: 1_000 };

/// A table of intervals by session.
struct Heartbeats;

impl Field<Agent> for Heartbeats {
    fn read(&self, agent: &mut Agent, node: &Node<'_>, report: &mut Report<'_>) {
        for entry in node.entries(report) {
            if let Some(interval) = INTERVAL.read(&entry.node, report) {
                agent.heartbeats.insert(entry.key.to_owned(), interval);
            }
        }
    }

    fn schema(&self) -> Value {
        json!({ "type": "object", "additionalProperties": INTERVAL.schema() })
    }

    fn rows(&self, _: &mut Agent, path: &str, says: &'static str, rows: &mut Vec<Row>) {
        rows.push(Row { path: join(path, "SESSION"), says, expected: INTERVAL.expected(), default: None, example: json!("30 m") });
    }
}
