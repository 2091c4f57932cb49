//! What the agent is told: the words that were said, what plugins have queued, what they add, the instructions above, the tools.
//!
//! Plugins' texts stand before or behind what was said, in groups joined by blank lines: what was queued, then `agent-turn-prepare`, `heartbeat-prompt`,
//! `before-prompt-build`. They are for this turn only: the transcript keeps what the person said, with what was added in the entry's `meta`, and later turns see the words alone.

use super::{Run, Stopped};
use crate::tools::ToolSet;
use plugbay_runtime::{
    AgentTurnPrepare, BeforePromptBuild, Heartbeat, HeartbeatPrompt, Placement, PromptAsked, PromptChange, Trigger, TurnInjection,
    TurnPrepared,
};
use serde::Serialize;
use std::sync::Arc;

/// What a turn gives to the model.
pub(super) struct Prompt {
    /// What was said, with all that was added.
    pub(super) text: String,
    /// The instructions above the conversation.
    pub(super) system: Option<String>,
    /// The tools of this turn.
    pub(super) tools: Arc<ToolSet>,
    /// What was added.
    pub(super) added: Added,
}

/// What plugins add to what was said.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Added {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) prepend: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) append: Vec<String>,
}

impl Added {
    fn add(&mut self, prepend: Option<String>, append: Option<String>) {
        self.prepend.extend(prepend);
        self.append.extend(append);
    }

    /// All of it around what was said.
    pub(super) fn around(&self, said: &str) -> String {
        joined(self.prepend.iter().map(String::as_str).chain([said]).chain(self.append.iter().map(String::as_str)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.prepend.is_empty() && self.append.is_empty()
    }
}

/// Texts with blank lines between them; blank ones are left out.
fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join("\n\n")
}

impl Run {
    /// Asks plugins what they add, and fixes the tools.
    pub(super) async fn prepare(&self) -> Result<Prompt, Stopped> {
        let added = self.added().await?;
        let tools = self.gateway.tools.now();
        let system = self.gateway.agent.system_prompt.clone();
        let event = PromptAsked {
            trigger: self.asked.trigger,
            prompt: added.around(&self.asked.text),
            system_prompt: system.clone(),
            tools: tools.listed().map(|tool| tool.name.clone()).collect(),
            attrs: Vec::new(),
        };
        let change = self.stop.unless(self.gateway.hooks.fire::<BeforePromptBuild>(&self.call(), event)).await?.outcome;
        Ok(built(&self.asked.text, added, system, tools, change))
    }

    /// What was queued, and what plugins add knowing that.
    async fn added(&self) -> Result<Added, Stopped> {
        let mut added = Added::default();
        for injection in &self.injections {
            let text = Some(injection.asked.text.clone());
            if injection.asked.append { added.add(None, text) } else { added.add(text, None) }
        }
        let prompt = self.asked.text.clone();
        let event = TurnPrepared { trigger: self.asked.trigger, prompt: prompt.clone(), injections: self.queued(), attrs: Vec::new() };
        let context = self.stop.unless(self.gateway.hooks.fire::<AgentTurnPrepare>(&self.call(), event)).await?.outcome;
        added.add(context.prepend, context.append);
        if self.asked.trigger == Trigger::Heartbeat {
            let event = Heartbeat { prompt, attrs: Vec::new() };
            let context = self.stop.unless(self.gateway.hooks.fire::<HeartbeatPrompt>(&self.call(), event)).await?.outcome;
            added.add(context.prepend, context.append);
        }
        Ok(added)
    }

    fn queued(&self) -> Vec<TurnInjection> {
        let queued = self.injections.iter().map(|injection| TurnInjection {
            id: injection.asked.id.clone(),
            plugin: injection.asked.plugin.clone(),
            text: injection.asked.text.clone(),
            placement: if injection.asked.append { Placement::Append } else { Placement::Prepend },
        });
        queued.collect()
    }
}

fn built(said: &str, mut added: Added, system: Option<String>, tools: Arc<ToolSet>, change: PromptChange) -> Prompt {
    added.add(change.prepend, change.append);
    let system = [change.prepend_system, change.system_prompt.or(system), change.append_system];
    let system = Some(joined(system.iter().flatten().map(String::as_str))).filter(|text| !text.is_empty());
    let tools = change.tools_allow.map_or_else(|| tools.clone(), |allowed| Arc::new(tools.only(&allowed)));
    Prompt { text: added.around(said), system, tools, added }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn groups_stand_around_what_was_said() {
        let mut added = Added::default();
        added.add(some("queued"), None);
        added.add(some("prepared"), some("behind"));
        let change = PromptChange {
            prepend: some("built"),
            append: some("last"),
            prepend_system: some("above"),
            append_system: some("below"),
            ..PromptChange::default()
        };
        let prompt = built("said", added, some("instructions"), Arc::default(), change);
        assert_eq!(prompt.text, "queued\n\nprepared\n\nbuilt\n\nsaid\n\nbehind\n\nlast");
        assert_eq!(prompt.system.as_deref(), Some("above\n\ninstructions\n\nbelow"));
    }

    #[test]
    fn blank_parts_leave_no_blank_lines() {
        let change = PromptChange { system_prompt: some(" "), append: some("last"), ..PromptChange::default() };
        let prompt = built("  ", Added::default(), some("instructions"), Arc::default(), change);
        assert_eq!((prompt.text.as_str(), prompt.system), ("last", None));
    }
}
