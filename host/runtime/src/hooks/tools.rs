//! Tools of plugins, and what happens around their calls: `tools`, `tool-policy`, `after-tool-call`, `tool-result-persist`.

use super::answer::{Attrs, REASON, Weighed, asked, attrs, json, last, outcome, params, replace, weighed, within};
use super::approval::{Approval, ask};
use super::lowered::{Lowered, cases, event};
use super::observer::Observer;
use crate::grant::Grant;
use crate::hook::{Hook, Malformed, Mode, Subject, Unseen};
use crate::id::PluginId;
use crate::json::{Json, Payload};
use crate::wire::exports::plugbay::plugin as wire;
use crate::wire::types::CauseKind;
use serde::Serialize;
use std::time::Duration;

/// `tools`: one tool of a plugin is called.
#[derive(Debug, Clone, Copy)]
pub struct Tools;

event! {
    /// A call of a plugin's own tool.
    ToolInvocation => wire::tools::Event {
        /// The tool's name.
        name: String,
        /// Its arguments, an object that the tool's schema has let through.
        params: Json,
        /// The model's name for this call.
        tool_call_id: Option<String>,
    }
}

/// What a tool answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ToolOutcome {
    /// What the model is told.
    pub content: Json,
    /// Whether this says that the tool couldn't do what it was asked.
    pub is_error: bool,
    /// Further facts.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "super::facts::serialize")]
    pub attrs: Attrs,
}

weighed!(wire::tools::ToolResult { content, attrs });

impl Hook for Tools {
    const NAME: &'static str = "tools";
    const MODE: Mode = Mode::Direct;
    const CAUSE: CauseKind = CauseKind::Tool;
    const BUDGET: Duration = Duration::from_secs(30);
    const GRANTS: &'static [Grant] = &[];

    type Event = ToolInvocation;
    type Wire = wire::tools::Event;
    type Answer = wire::tools::ToolResult;
    type Outcome = ToolOutcome;

    fn lower(event: ToolInvocation) -> wire::tools::Event {
        event.lowered()
    }

    fn lift(answer: wire::tools::ToolResult) -> Result<ToolOutcome, Malformed> {
        Ok(ToolOutcome { content: json("content", answer.content)?, is_error: answer.is_error, attrs: attrs(answer.attrs)? })
    }

    fn size(answer: &wire::tools::ToolResult) -> usize {
        answer.bytes()
    }
}

/// `tool-policy`: decides on each tool call before any hook is asked.
#[derive(Debug, Clone, Copy)]
pub struct ToolPolicy;

event! {
    /// A tool call that policies decide on.
    PolicyAsked => wire::tool_policy::Event {
        /// The tool's name.
        tool_name: String,
        /// Its arguments, an object.
        params: Payload,
        /// The model's name for this call.
        tool_call_id: Option<String>,
    }
}

outcome! {
    /// What a policy decides. Nothing set: no opinion.
    PolicyDecision {
        /// Other arguments, an object.
        params: Option<Json>,
        /// Don't make the call, for this reason.
        deny: Option<String>,
        /// Ask a person first.
        approval: Option<Approval>,
    }
}

impl TryFrom<wire::tool_policy::Outcome> for PolicyDecision {
    type Error = Malformed;

    fn try_from(outcome: wire::tool_policy::Outcome) -> Result<Self, Malformed> {
        Ok(Self {
            params: outcome.params.map(params).transpose()?,
            deny: outcome.deny.map(|why| within("deny", why, REASON)).transpose()?,
            approval: outcome.approval.map(Approval::try_from).transpose()?,
            attrs: attrs(outcome.attrs)?,
        })
    }
}

weighed!(wire::tool_policy::Outcome { params, deny, approval, attrs });

impl Hook for ToolPolicy {
    const NAME: &'static str = "tool-policy";
    const MODE: Mode = Mode::Gate;
    const CAUSE: CauseKind = CauseKind::Policy;
    const FAILS_CLOSED: bool = true;
    const BUDGET: Duration = Duration::from_secs(15);
    const GRANTS: &'static [Grant] = &[Grant::Policy];
    const SUBJECT: Option<Subject> = Some(Subject::Tool);

    asked!(PolicyAsked, PolicyDecision, wire::tool_policy);

    fn is_final(outcome: &PolicyDecision) -> bool {
        outcome.deny.is_some()
    }

    /// The last arguments count: whoever rewrote them saw those of the policies before. The first question counts; a denial is stronger.
    fn merge(so_far: &mut PolicyDecision, next: PolicyDecision, by: &PluginId) {
        so_far.attrs.extend(next.attrs);
        if so_far.deny.is_some() {
            return;
        }
        last(&mut so_far.params, next.params);
        ask(&mut so_far.approval, next.approval, by);
        so_far.deny = next.deny;
        if so_far.deny.is_some() {
            so_far.approval = None;
        }
    }

    fn rewrite(event: &mut PolicyAsked, answer: &mut PolicyDecision) -> bool {
        answer.params.clone().map(|params| event.params = params.into()).is_some()
    }

    fn refusal(why: String) -> PolicyDecision {
        PolicyDecision { deny: Some(format!("the call is denied: {why}")), ..PolicyDecision::default() }
    }

    fn subject(event: &PolicyAsked) -> Option<&str> {
        Some(&event.tool_name)
    }

    fn unseen(event: &PolicyAsked) -> Option<Unseen> {
        Unseen::payload("params", &event.params)
    }
}

/// `after-tool-call`: observes each tool call after it ended.
#[derive(Debug, Clone, Copy)]
pub struct AfterToolCall;

event! {
    /// A tool call that has ended.
    ToolEnded => wire::after_tool_call::Event {
        /// The tool's name.
        tool_name: String,
        /// The arguments that it was called with.
        params: Payload,
        /// The model's name for this call.
        tool_call_id: Option<String>,
        /// How it ended.
        end: ToolCallFate,
        /// What the model is told.
        answer: Payload,
        /// How long the tool took.
        duration_ms: u64,
    }
}

cases! {
    /// How a tool call ended.
    ToolCallFate = wire::after_tool_call::End {
        /// The tool answered.
        Answered,
        /// The tool failed.
        Failed,
        /// It was blocked before it reached the tool.
        Blocked,
    }
}

impl Observer for AfterToolCall {
    const NAME: &'static str = "after-tool-call";
    const GRANTS: &'static [Grant] = &[Grant::Conversation];
    const SUBJECT: Option<Subject> = Some(Subject::Tool);

    type Event = ToolEnded;
    type Wire = wire::after_tool_call::Event;

    fn subject(event: &ToolEnded) -> Option<&str> {
        Some(&event.tool_name)
    }
}

/// `tool-result-persist`: changes a tool's answer before it is written.
#[derive(Debug, Clone, Copy)]
pub struct ToolResultPersist;

event! {
    /// An answer that is about to be written.
    ToolAnswer => wire::tool_result_persist::Event {
        /// The tool's name.
        tool_name: String,
        /// The model's name for the call.
        tool_call_id: Option<String>,
        /// The answer. Where it is truncated nobody can change it.
        content: Payload,
        /// Whether the host wrote it in the tool's place.
        synthetic: bool,
    }
}

outcome! {
    /// What a plugin wants of an answer. Nothing set: no opinion.
    AnswerChange {
        /// Another answer.
        content: Option<Json>,
    }
}

impl TryFrom<wire::tool_result_persist::Outcome> for AnswerChange {
    type Error = Malformed;

    fn try_from(outcome: wire::tool_result_persist::Outcome) -> Result<Self, Malformed> {
        Ok(Self { content: outcome.content.map(|text| json("content", text)).transpose()?, attrs: attrs(outcome.attrs)? })
    }
}

weighed!(wire::tool_result_persist::Outcome { content, attrs });

impl Hook for ToolResultPersist {
    const NAME: &'static str = "tool-result-persist";
    const MODE: Mode = Mode::Modify;
    const BUDGET: Duration = Duration::from_secs(5);
    const GRANTS: &'static [Grant] = &[Grant::Conversation, Grant::Prompt];
    const SUBJECT: Option<Subject> = Some(Subject::Tool);

    asked!(ToolAnswer, AnswerChange, wire::tool_result_persist);

    fn merge(so_far: &mut AnswerChange, next: AnswerChange, _by: &PluginId) {
        so_far.attrs.extend(next.attrs);
        last(&mut so_far.content, next.content);
    }

    fn rewrite(event: &mut ToolAnswer, answer: &mut AnswerChange) -> bool {
        replace(&mut event.content, &mut answer.content)
    }

    fn subject(event: &ToolAnswer) -> Option<&str> {
        Some(&event.tool_name)
    }
}
