//! `[model]`: which model answers.
//!
//! A key is named by where it is, never written into the file: what the file says is shown to whoever may read the configuration. What only a server needs is
//! refused where no server is named, since nothing would read it.

use super::agent::Words;
use super::error::Report;
use super::form::{Directory, OneOf, SetOf};
use super::node::{Entry, Node, entries};
use super::number::{Count, Time};
use super::setting::{At, Maybe, Section, Setting};
use plugbay_gateway::model::{ModelWindow, OpenAiModel, OpenAiSettings, OpenAiSettingsError, OpenAiTimeouts};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

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
    /// Further models of the provider that plugins may choose.
    pub models: BTreeSet<String>,
    /// The environment variable that holds the key.
    pub key_env: Option<String>,
    /// The file that holds the key.
    pub key_file: Option<PathBuf>,
    /// Tokens that a model takes, its answer included.
    pub window: u32,
    /// How many of them are kept free for the answer.
    pub reserve: Option<u32>,
    /// How long an answer may take.
    pub timeouts: OpenAiTimeouts,
    /// How often a call is tried again.
    pub retries: u32,
}

impl Model {
    /// How much a model takes.
    #[must_use]
    pub fn takes(&self) -> ModelWindow {
        let window = ModelWindow::of(self.window.into());
        self.reserve.map_or(window, |reserve| window.reserving(reserve.into()))
    }

    /// Takes relative paths from this directory.
    pub(crate) fn relative_to(&mut self, directory: &Path) {
        if let Some(file) = &mut self.key_file {
            *file = directory.join(&*file);
        }
    }
}

impl Default for Model {
    fn default() -> Self {
        let OpenAiSettings { base_url, timeouts, retries, .. } = OpenAiSettings::new("https://api.openai.com/v1", "");
        let (provider, models) = (Provider::default(), BTreeSet::new());
        let window = 128_000;
        Self { provider, base_url, model: None, models, key_env: None, key_file: None, window, reserve: None, timeouts, retries }
    }
}

/// What a model may take.
const WINDOW: Count = Count { least: 1_000, most: 100_000_000 };

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
            name: "models",
            says: "Further models of the server that plugins may choose.",
            field: &At(&SetOf(Words { what: "a model's name", example: "gpt-5" }), |m: &mut Self| &mut m.models),
        },
        Setting {
            name: "window",
            says: "How many tokens a model takes: what it is given and what it answers together. Of several models, the smallest.",
            field: &At(&WINDOW, |m: &mut Self| &mut m.window),
        },
        Setting {
            name: "reserve",
            says: "How many of them are kept free for the answer; fewer than `model.window`. If nothing is said, 8192, or a quarter of the window if that is less.",
            field: &Maybe(&Count { least: 1, most: WINDOW.most }, |m: &mut Self| &mut m.reserve),
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
        Setting {
            name: "timeout",
            says: "How long one answer may take in all, with retries and the pauses between.",
            field: &At(&Time::SOME, |m: &mut Self| &mut m.timeouts.whole),
        },
        Setting {
            name: "connect-timeout",
            says: "How long it may take to connect.",
            field: &At(&Time::SOME, |m: &mut Self| &mut m.timeouts.connect),
        },
        Setting {
            name: "first-piece-timeout",
            says: "How long it may take from the request to the first piece of the answer.",
            field: &At(&Time::SOME, |m: &mut Self| &mut m.timeouts.first_piece),
        },
        Setting {
            name: "piece-timeout",
            says: "How long it may take from one piece of the answer to the next.",
            field: &At(&Time::SOME, |m: &mut Self| &mut m.timeouts.between_pieces),
        },
        Setting {
            name: "retries",
            says: "How often a call is tried again that the server refused for now, or that didn't reach it.",
            field: &At(&Count { least: 0, most: 20 }, |m: &mut Self| &mut m.retries),
        },
    ];
}

/// What says who is to be asked; how patiently is no slip without.
const SERVERS: [&str; 4] = ["base-url", "models", "key-env", "key-file"];

/// Refuses settings that don't go together, and addresses that are none.
pub(crate) fn settle(tree: &DeTable<'_>, model: &Model, report: &mut Report<'_>) {
    let given: Vec<Entry<'_>> = entries("", tree).into_iter().filter(|e| e.key == "model").flat_map(|e| e.node.children()).collect();
    let node = |name: &str| given.iter().find(|e| e.key == name).map(|e| &e.node);
    if let (Some(provider), Provider::OpenAi) = (node("provider"), model.provider) {
        lacks(provider, &node, report);
    } else if node("model").is_none() {
        for Entry { node, .. } in given.iter().filter(|e| SERVERS.contains(&e.key)) {
            let what = format!("`{}`: this is for a server, and none is asked: there is no `model.model`", node.path);
            report.add(&node.at, what, Some("name the server's model, or leave this out".to_owned()));
        }
    }
    if let (Some(_), Some(second)) = (node("key-env"), node("key-file")) {
        let what = "`model.key-file`: the key is in `model.key-env` already".to_owned();
        report.add(&second.at, what, Some("a key is in one place: leave one of the two out".to_owned()));
    }
    if let (Some(node), Some(reserve), window) = (node("reserve"), model.reserve, model.window)
        && reserve >= window
    {
        let what = format!("`model.reserve`: {reserve} tokens for the answer leave nothing of a window of {window}");
        report.add(&node.at, what, Some("make it smaller, or `model.window` larger".to_owned()));
    }
    if let Some(base) = node("base-url")
        && let Err(OpenAiSettingsError::BaseUrl { problem }) = OpenAiModel::new(OpenAiSettings::new(&model.base_url, ""))
    {
        report.add(&base.at, format!("`model.base-url`: {problem}"), None);
    }
}

/// What a server needs that is asked first.
fn lacks<'a>(provider: &Node<'_>, node: &dyn Fn(&str) -> Option<&'a Node<'a>>, report: &mut Report<'_>) {
    if node("model").is_none() {
        let what = "`model.provider`: `openai` needs a model, and there is no `model.model`".to_owned();
        report.add(&provider.at, what, Some("name it as the server does: model = \"gpt-5-mini\"".to_owned()));
    }
    let keyless = ["key-env", "key-file", "base-url"].into_iter().all(|name| node(name).is_none());
    if keyless {
        let what = "`model.provider`: `openai` needs a key, and there is neither `model.key-env` nor `model.key-file`".to_owned();
        report.add(&provider.at, what, Some("say where it is; a server that needs none is named in `model.base-url`".to_owned()));
    }
}
