//! What an agent is told: `agent-turn-prepare`, `heartbeat-prompt`, `before-prompt-build`.

use super::answer::{NAME, addition, append, asked, attrs, first, outcome, text, weighed, within};
use super::lowered::{cases, event, record};
use super::turn::Trigger;
use crate::grant::Grant;
use crate::hook::{Hook, Malformed, Mode};
use crate::id::PluginId;
use crate::wire::exports::plugbay::plugin as wire;
use crate::wire::types;
use std::collections::BTreeSet;
use std::time::Duration;

/// What all of these hooks ask for.
const GRANTS: &[Grant] = &[Grant::Conversation, Grant::Prompt];
/// How long each of them may take.
const BUDGET: Duration = Duration::from_secs(15);
/// Tools that one plugin may name.
const TOOLS: usize = 256;

cases! {
    /// Where text goes that is added to what was said.
    Placement = types::Placement {
        /// Before it.
        Prepend,
        /// Behind it.
        Append,
    }
}

/// `agent-turn-prepare`: adds to what is said to the agent, knowing what was queued for this turn.
#[derive(Debug, Clone, Copy)]
pub struct AgentTurnPrepare;

record! {
    /// What a plugin had queued, and this turn shows.
    TurnInjection => wire::agent_turn_prepare::Injection {
        /// Its id.
        id: String,
        /// The plugin.
        plugin: String,
        /// What it says.
        text: String,
        /// Where it goes.
        placement: Placement,
    }
}

event! {
    /// A turn that is being prepared.
    TurnPrepared => wire::agent_turn_prepare::Event {
        /// Why there is a turn.
        trigger: Trigger,
        /// What was said.
        prompt: String,
        /// What was queued, in the order in which it is shown.
        injections: Vec<TurnInjection>,
    }
}

outcome! {
    /// What plugins add to what was said.
    Context {
        /// Goes before it.
        prepend: Option<String>,
        /// Goes behind it.
        append: Option<String>,
    }
}

impl Context {
    fn of(prepend: Option<String>, append: Option<String>, facts: Vec<(String, String)>) -> Result<Self, Malformed> {
        Ok(Self { prepend: addition("prepend-context", prepend)?, append: addition("append-context", append)?, attrs: attrs(facts)? })
    }

    /// All texts, in the order of the plugins.
    fn add(&mut self, next: Self) {
        self.attrs.extend(next.attrs);
        append(&mut self.prepend, next.prepend);
        append(&mut self.append, next.append);
    }
}

impl TryFrom<wire::agent_turn_prepare::Outcome> for Context {
    type Error = Malformed;

    fn try_from(outcome: wire::agent_turn_prepare::Outcome) -> Result<Self, Malformed> {
        Self::of(outcome.prepend_context, outcome.append_context, outcome.attrs)
    }
}

weighed!(wire::agent_turn_prepare::Outcome { prepend_context, append_context, attrs });

impl Hook for AgentTurnPrepare {
    const NAME: &'static str = "agent-turn-prepare";
    const MODE: Mode = Mode::Modify;
    const BUDGET: Duration = BUDGET;
    const GRANTS: &'static [Grant] = GRANTS;

    asked!(TurnPrepared, Context, wire::agent_turn_prepare);

    fn merge(so_far: &mut Context, next: Context, _by: &PluginId) {
        so_far.add(next);
    }
}

/// `heartbeat-prompt`: adds to what is said to the agent in a turn that a heartbeat began.
#[derive(Debug, Clone, Copy)]
pub struct HeartbeatPrompt;

event! {
    /// A heartbeat.
    Heartbeat => wire::heartbeat_prompt::Event {
        /// What is said to the agent.
        prompt: String,
    }
}

impl TryFrom<wire::heartbeat_prompt::Outcome> for Context {
    type Error = Malformed;

    fn try_from(outcome: wire::heartbeat_prompt::Outcome) -> Result<Self, Malformed> {
        Self::of(outcome.prepend_context, outcome.append_context, outcome.attrs)
    }
}

weighed!(wire::heartbeat_prompt::Outcome { prepend_context, append_context, attrs });

impl Hook for HeartbeatPrompt {
    const NAME: &'static str = "heartbeat-prompt";
    const MODE: Mode = Mode::Modify;
    const BUDGET: Duration = BUDGET;
    const GRANTS: &'static [Grant] = GRANTS;

    asked!(Heartbeat, Context, wire::heartbeat_prompt);

    fn merge(so_far: &mut Context, next: Context, _by: &PluginId) {
        so_far.add(next);
    }
}

/// `before-prompt-build`: shapes what the model sees in a turn.
#[derive(Debug, Clone, Copy)]
pub struct BeforePromptBuild;

event! {
    /// A prompt that is being built.
    PromptAsked => wire::before_prompt_build::Event {
        /// Why there is a turn.
        trigger: Trigger,
        /// What was said, with what was added so far.
        prompt: String,
        /// The instructions above the conversation.
        system_prompt: Option<String>,
        /// The tools of this turn.
        tools: Vec<String>,
    }
}

outcome! {
    /// What plugins want the model to see.
    PromptChange {
        /// Other instructions.
        system_prompt: Option<String>,
        /// Goes before what was said.
        prepend: Option<String>,
        /// Goes behind what was said.
        append: Option<String>,
        /// Goes before the instructions.
        prepend_system: Option<String>,
        /// Goes behind the instructions.
        append_system: Option<String>,
        /// Only these tools. `None`: all of them.
        tools_allow: Option<BTreeSet<String>>,
    }
}

impl TryFrom<wire::before_prompt_build::Outcome> for PromptChange {
    type Error = Malformed;

    fn try_from(outcome: wire::before_prompt_build::Outcome) -> Result<Self, Malformed> {
        Ok(Self {
            system_prompt: text("system-prompt", outcome.system_prompt)?,
            prepend: addition("prepend-context", outcome.prepend_context)?,
            append: addition("append-context", outcome.append_context)?,
            prepend_system: addition("prepend-system-context", outcome.prepend_system_context)?,
            append_system: addition("append-system-context", outcome.append_system_context)?,
            tools_allow: outcome.tools_allow.map(tools).transpose()?,
            attrs: attrs(outcome.attrs)?,
        })
    }
}

fn tools(names: Vec<String>) -> Result<BTreeSet<String>, Malformed> {
    match names.len() {
        n if n > TOOLS => Err(Malformed::new("tools-allow", format!("{n} names, {TOOLS} allowed"))),
        _ => names.into_iter().map(|name| within("tools-allow", name, NAME)).collect(),
    }
}

weighed!(wire::before_prompt_build::Outcome {
    system_prompt,
    prepend_context,
    append_context,
    prepend_system_context,
    append_system_context,
    tools_allow,
    attrs
});

impl Hook for BeforePromptBuild {
    const NAME: &'static str = "before-prompt-build";
    const MODE: Mode = Mode::Modify;
    const BUDGET: Duration = BUDGET;
    const GRANTS: &'static [Grant] = GRANTS;

    asked!(PromptAsked, PromptChange, wire::before_prompt_build);

    /// The first instructions count, all texts, and the tools that nobody leaves out.
    fn merge(so_far: &mut PromptChange, next: PromptChange, _by: &PluginId) {
        so_far.attrs.extend(next.attrs);
        first(&mut so_far.system_prompt, next.system_prompt);
        append(&mut so_far.prepend, next.prepend);
        append(&mut so_far.append, next.append);
        append(&mut so_far.prepend_system, next.prepend_system);
        append(&mut so_far.append_system, next.append_system);
        so_far.tools_allow = match (so_far.tools_allow.take(), next.tools_allow) {
            (Some(these), Some(those)) => Some(&these & &those),
            (these, those) => these.or(those),
        };
    }
}
