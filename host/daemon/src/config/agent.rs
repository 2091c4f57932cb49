//! `[agent]`: what an agent is told, and how far it goes.

use super::error::Report;
use super::form::{Flag, Form};
use super::node::Node;
use super::number::{Count, Time};
use super::setting::{At, Field, In, Maybe, Row, Section, Setting};
use plugbay_gateway::{ApprovalsSettings, GatewaySettings, SubagentsSettings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

/// `[agent]`: what the agent is told, and how far it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The instructions above each conversation.
    pub system_prompt: Option<String>,
    /// Calls of a model in one turn.
    pub rounds: NonZeroUsize,
    /// Tokens of a conversation that a model is given.
    pub history_tokens: NonZeroUsize,
    /// Turns of one session that may wait.
    pub waiting: usize,
    /// Whether plugins may have people asked.
    pub approvals: bool,
    /// Questions to people that may wait at the same time.
    pub approvals_pending: NonZeroUsize,
    /// Heartbeats by session.
    pub heartbeats: BTreeMap<String, Duration>,
    /// Agents that work for plugins.
    pub subagents: SubagentsSettings,
}

impl Default for Agent {
    fn default() -> Self {
        let GatewaySettings { system_prompt, rounds, history_tokens, waiting, approvals, heartbeats, subagents, .. } =
            GatewaySettings::default();
        let ApprovalsSettings { asked, pending } = approvals;
        Self { system_prompt, rounds, history_tokens, waiting, approvals: asked, approvals_pending: pending, heartbeats, subagents }
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
            says: "How many tokens of a conversation the model is given at most; fewer where its window (`model.window`) has no room for as many.",
            field: &At(&Count { least: 1_000, most: 100_000_000 }, |a: &mut Self| &mut a.history_tokens),
        },
        Setting {
            name: "waiting",
            says: "How many turns of one session may wait; further ones are refused.",
            field: &At(&Count { least: 0, most: 10_000 }, |a: &mut Self| &mut a.waiting),
        },
        Setting {
            name: "approvals",
            says: "Whether plugins may have people asked. If not, what they would ask is denied at once.",
            field: &At(&Flag, |a: &mut Self| &mut a.approvals),
        },
        Setting {
            name: "approvals-pending",
            says: "How many questions to people may wait at the same time; what is asked beyond is denied at once.",
            field: &At(&Count { least: 1, most: 10_000 }, |a: &mut Self| &mut a.approvals_pending),
        },
        Setting {
            name: "heartbeats",
            says: "Sessions by their keys whose agent is woken now and then, and how often.",
            field: &Heartbeats,
        },
        Setting { name: "subagents", says: "Agents that plugins have work for them.", field: &In(|a: &mut Self| &mut a.subagents) },
    ];
}

/// `[agent.subagents]`: agents that plugins have work for them.
impl Section for SubagentsSettings {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "each-plugin",
            says: "How many subagents a plugin may have, whether they are at work or not.",
            field: &At(&Count { least: 0, most: 1_000 }, |s: &mut Self| &mut s.each_plugin),
        },
        Setting {
            name: "depth",
            says: "How deep they go: one that a subagent's turn sets to work is one deeper.",
            field: &At(&Count { least: 0, most: 32 }, |s: &mut Self| &mut s.depth),
        },
        Setting {
            name: "at-once",
            says: "How many turns of subagents of all plugins may be under way or wait.",
            field: &At(&Count { least: 0, most: 10_000 }, |s: &mut Self| &mut s.at_once),
        },
        Setting {
            name: "outlive",
            says: "Whether they go on when the turn that set them to work is cancelled, and stay when the session that they work for is reset or deleted.",
            field: &At(&Flag, |s: &mut Self| &mut s.outlive),
        },
    ];
}

/// Text that isn't empty.
pub(crate) struct Words {
    pub(crate) what: &'static str,
    pub(crate) example: &'static str,
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
        json!({ "type": "object", "properties": {}, "additionalProperties": INTERVAL.schema() })
    }

    fn rows(&self, _: &mut Agent, path: &str, says: &'static str, rows: &mut Vec<Row>) {
        rows.push(Row { path: format!("{path}.<id>"), says, expected: INTERVAL.expected(), default: None, example: json!("30 min") });
    }
}
