//! What an embedder, or the daemon's configuration, decides about a gateway. Every value is one that is enforced.

use crate::approvals::ApprovalsSettings;
use crate::hooks::HooksSettings;
use crate::model::Models;
use crate::outbox::OutboxSettings;
use crate::schedule::ScheduleSettings;
use crate::subagents::SubagentsSettings;
use plugbay_runtime::{PluginId, PluginsSettings};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

/// How a gateway runs its agents.
pub struct GatewaySettings {
    /// How plugins are kept. Their `services` are the gateway's, whatever it says here.
    pub plugins: PluginsSettings,
    /// How hooks are dispatched.
    pub hooks: HooksSettings,
    /// Whether people are asked.
    pub approvals: ApprovalsSettings,
    /// Who answers.
    pub models: Models,
    /// The instructions above each conversation (setting `agent.system-prompt`).
    pub system_prompt: Option<String>,
    /// How often the model is called in one turn (setting `agent.rounds`).
    pub rounds: NonZeroUsize,
    /// How many tokens of a conversation the model is given at most (setting `agent.history-tokens`); fewer where its window has no room for as many.
    pub history_tokens: NonZeroUsize,
    /// The plugin that decides what the model sees of a conversation; none: the built-in engine (setting `slots.context-engine`).
    pub context_engine: Option<PluginId>,
    /// Turns of one session that may wait (setting `agent.waiting`).
    pub waiting: usize,
    /// How many agents work for plugins, and how long.
    pub subagents: SubagentsSettings,
    /// How jobs of plugins are kept and run.
    pub schedule: ScheduleSettings,
    /// Where files go that plugins hand over.
    pub outbox: OutboxSettings,
    /// Sessions whose agent is woken now and then, and how often (setting `agent.heartbeats`).
    pub heartbeats: BTreeMap<String, Duration>,
    /// What it is told then.
    pub heartbeat_prompt: String,
}

impl Default for GatewaySettings {
    /// The offline model, no heartbeats, plugins in memory, no outbox.
    fn default() -> Self {
        Self {
            plugins: PluginsSettings::default(),
            hooks: HooksSettings::default(),
            approvals: ApprovalsSettings::default(),
            models: Models::default(),
            system_prompt: None,
            rounds: NonZeroUsize::MIN.saturating_add(31),
            history_tokens: NonZeroUsize::MIN.saturating_add(99_999),
            context_engine: None,
            waiting: 32,
            subagents: SubagentsSettings::default(),
            schedule: ScheduleSettings::default(),
            outbox: OutboxSettings::default(),
            heartbeats: BTreeMap::new(),
            heartbeat_prompt: "This is a heartbeat: nobody said anything. See whether there is something to do, and say so.".to_owned(),
        }
    }
}
