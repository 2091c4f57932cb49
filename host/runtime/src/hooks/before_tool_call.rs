//! `before-tool-call`: a gate before each tool call.

use super::answer::{Attrs, REASON, asked, attrs, last, outcome, params, weighed, within};
use super::approval::{Approval, ask};
use super::lowered::Lowered;
use crate::grant::Grant;
use crate::hook::{Hook, Malformed, Mode, Subject, Unseen};
use crate::id::PluginId;
use crate::json::{Json, Payload};
use crate::wire::exports::plugbay::plugin::before_tool_call as wire;
use serde::Deserialize;
use std::time::Duration;

/// The hook.
#[derive(Debug, Clone, Copy)]
pub struct BeforeToolCall;

/// A tool call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ToolCall {
    /// The tool's name.
    #[serde(rename = "tool-name")]
    pub tool: String,
    /// Its arguments, an object.
    pub params: Payload,
    /// The model's name for this call.
    #[serde(rename = "tool-call-id")]
    pub call_id: Option<String>,
    /// Further facts.
    #[serde(default, deserialize_with = "super::facts::deserialize")]
    pub attrs: Attrs,
}

outcome! {
    /// What a plugin wants of it. Nothing set: no opinion.
    ToolDecision {
        /// Other arguments, an object.
        params: Option<Json>,
        /// Don't make the call, for this reason.
        block: Option<String>,
        /// Ask a person first.
        approval: Option<Approval>,
    }
}

impl TryFrom<wire::Outcome> for ToolDecision {
    type Error = Malformed;

    fn try_from(outcome: wire::Outcome) -> Result<Self, Malformed> {
        Ok(Self {
            params: outcome.params.map(params).transpose()?,
            block: outcome.block.map(|block| within("block.reason", block.reason, REASON)).transpose()?,
            approval: outcome.approval.map(Approval::try_from).transpose()?,
            attrs: attrs(outcome.attrs)?,
        })
    }
}

impl Lowered<wire::Event> for ToolCall {
    fn lowered(self) -> wire::Event {
        let Self { tool, params, call_id, attrs } = self;
        wire::Event { tool_name: tool, params: params.into(), tool_call_id: call_id, attrs: attrs.lowered() }
    }
}

weighed!(wire::Block { reason });
weighed!(wire::Outcome { params, block, approval, attrs });

impl Hook for BeforeToolCall {
    const NAME: &'static str = "before-tool-call";
    const MODE: Mode = Mode::Gate;
    const FAILS_CLOSED: bool = true;
    const BUDGET: Duration = Duration::from_secs(15);
    const GRANTS: &'static [Grant] = &[Grant::Conversation];
    const SUBJECT: Option<Subject> = Some(Subject::Tool);

    asked!(ToolCall, ToolDecision, wire);

    fn is_final(outcome: &ToolDecision) -> bool {
        outcome.block.is_some()
    }

    /// The last arguments count, until somebody asks a person: that person decides on these arguments and no others. A block is stronger than a question.
    fn merge(so_far: &mut ToolDecision, next: ToolDecision, by: &PluginId) {
        so_far.attrs.extend(next.attrs);
        if so_far.block.is_some() {
            return;
        }
        if so_far.approval.is_none() {
            last(&mut so_far.params, next.params);
        }
        ask(&mut so_far.approval, next.approval, by);
        so_far.block = next.block;
        if so_far.block.is_some() {
            so_far.approval = None;
        }
    }

    fn refusal(why: String) -> ToolDecision {
        ToolDecision { block: Some(format!("the call isn't made: {why}")), ..ToolDecision::default() }
    }

    fn subject(event: &ToolCall) -> Option<&str> {
        Some(&event.tool)
    }

    fn unseen(event: &ToolCall) -> Option<Unseen> {
        Unseen::payload("params", &event.params)
    }
}
