//! Turns as a whole: `before-agent-run`, `before-agent-reply`, `agent-end`, `agent-events`.

use super::answer::{REASON, asked, attrs, outcome, reason, text, weighed, within};
use super::lowered::{cases, event};
use super::observer::Observer;
use crate::grant::Grant;
use crate::hook::{Hook, Malformed, Mode, Subject};
use crate::id::PluginId;
use crate::json::Payload;
use crate::wire::exports::plugbay::plugin as wire;
use crate::wire::types::{self, CauseKind};
use serde::Serialize;
use std::time::Duration;

cases! {
    /// Why there is a turn.
    Trigger = types::Trigger {
        /// Somebody said something.
        User,
        /// A heartbeat.
        Heartbeat,
        /// A job was due.
        Schedule,
        /// An action wants the agent to go on.
        Action,
        /// Another agent asked.
        Subagent,
    }
}

/// `before-agent-run`: a gate before a turn reaches the model.
#[derive(Debug, Clone, Copy)]
pub struct BeforeAgentRun;

event! {
    /// A turn that is about to run.
    RunAsked => wire::before_agent_run::Event {
        /// Why there is a turn.
        trigger: Trigger,
        /// What was said to the agent, with all that plugins added.
        prompt: String,
        /// The instructions above the conversation.
        system_prompt: Option<String>,
        /// The model that will be asked.
        model: String,
    }
}

outcome! {
    /// What a plugin wants of a turn. Nothing set: no opinion.
    RunDecision {
        /// Don't run it.
        block: Option<RunBlock>,
    }
}

/// Why a turn doesn't run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunBlock {
    /// For the operator; nobody else sees it.
    pub reason: String,
    /// For the person, in place of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl TryFrom<wire::before_agent_run::Outcome> for RunDecision {
    type Error = Malformed;

    fn try_from(outcome: wire::before_agent_run::Outcome) -> Result<Self, Malformed> {
        let block = |block: wire::before_agent_run::Block| {
            Ok(RunBlock { reason: within("block.reason", block.reason, REASON)?, message: text("block.message", block.message)? })
        };
        Ok(Self { block: outcome.block.map(block).transpose()?, attrs: attrs(outcome.attrs)? })
    }
}

weighed!(wire::before_agent_run::Block { reason, message });
weighed!(wire::before_agent_run::Outcome { block, attrs });

impl Hook for BeforeAgentRun {
    const NAME: &'static str = "before-agent-run";
    const MODE: Mode = Mode::Gate;
    const FAILS_CLOSED: bool = true;
    const BUDGET: Duration = Duration::from_secs(15);
    const GRANTS: &'static [Grant] = &[Grant::Conversation];

    asked!(RunAsked, RunDecision, wire::before_agent_run);

    fn is_final(outcome: &RunDecision) -> bool {
        outcome.block.is_some()
    }

    /// The first block counts.
    fn merge(so_far: &mut RunDecision, next: RunDecision, _by: &PluginId) {
        so_far.attrs.extend(next.attrs);
        so_far.block = so_far.block.take().or(next.block);
    }

    fn refusal(why: String) -> RunDecision {
        let block = RunBlock { reason: format!("the turn isn't run: {why}"), message: None };
        RunDecision { block: Some(block), ..RunDecision::default() }
    }
}

/// `before-agent-reply`: lets a plugin answer in place of the agent.
#[derive(Debug, Clone, Copy)]
pub struct BeforeAgentReply;

event! {
    /// What wants an answer.
    ReplyAsked => wire::before_agent_reply::Event {
        /// Why there is a turn.
        trigger: Trigger,
        /// What was said.
        text: String,
    }
}

outcome! {
    /// Whether the turn is a plugin's.
    ReplyClaim {
        /// It is, and no model is asked.
        taken: bool,
        /// The answer; none, if there is to be none.
        reply: Option<String>,
        /// Why, for the operator.
        reason: Option<String>,
    }
}

impl TryFrom<wire::before_agent_reply::Outcome> for ReplyClaim {
    type Error = Malformed;

    fn try_from(outcome: wire::before_agent_reply::Outcome) -> Result<Self, Malformed> {
        let wire::before_agent_reply::Outcome { reply, reason: why, attrs: facts } = outcome;
        Ok(Self { taken: true, reply: text("reply", reply)?, reason: reason("reason", why)?, attrs: attrs(facts)? })
    }
}

weighed!(wire::before_agent_reply::Outcome { reply, reason, attrs });

impl Hook for BeforeAgentReply {
    const NAME: &'static str = "before-agent-reply";
    const MODE: Mode = Mode::Claim;
    const BUDGET: Duration = Duration::from_secs(30);
    const GRANTS: &'static [Grant] = &[Grant::Conversation];

    asked!(ReplyAsked, ReplyClaim, wire::before_agent_reply);

    fn is_final(outcome: &ReplyClaim) -> bool {
        outcome.taken
    }

    /// Who takes it first has it.
    fn merge(so_far: &mut ReplyClaim, next: ReplyClaim, _by: &PluginId) {
        if !so_far.taken {
            *so_far = next;
        }
    }
}

/// `agent-end`: observes the end of each turn.
#[derive(Debug, Clone, Copy)]
pub struct AgentEnd;

event! {
    /// A turn that has ended.
    TurnEnded => wire::agent_end::Event {
        /// Whether it came to its end.
        success: bool,
        /// Why not.
        error: Option<String>,
        /// How long it took.
        duration_ms: u64,
    }
}

impl Observer for AgentEnd {
    const NAME: &'static str = "agent-end";
    const GRANTS: &'static [Grant] = &[Grant::Conversation];

    type Event = TurnEnded;
    type Wire = wire::agent_end::Event;
}

/// `agent-events`: observes what running turns and plugins emit.
#[derive(Debug, Clone, Copy)]
pub struct AgentEvents;

event! {
    /// Something that happened in a run.
    AgentEvent => wire::agent_events::Event {
        /// In which stream: one of the host's, or `<plugin>`, or `<plugin>.…`.
        topic: String,
        /// The number of this event in its run, from 1.
        number: u64,
        /// When, in milliseconds since 1970.
        at: u64,
        /// What.
        data: Payload,
    }
}

impl Observer for AgentEvents {
    const NAME: &'static str = "agent-events";
    const CAUSE: CauseKind = CauseKind::Event;
    const BUDGET: Duration = Duration::from_secs(5);
    const GRANTS: &'static [Grant] = &[Grant::Conversation];
    const SUBJECT: Option<Subject> = Some(Subject::Topic);

    type Event = AgentEvent;
    type Wire = wire::agent_events::Event;

    fn subject(event: &AgentEvent) -> Option<&str> {
        Some(&event.topic)
    }
}
