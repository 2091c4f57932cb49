//! `before-tool-call`: a gate before each tool call.

use super::{attrs, attrs_size, wire_attrs};
use crate::grant::Grant;
use crate::hook::{Hook, Malformed, Mode};
use crate::json::{Json, Payload};
use crate::wire::exports::plugbay::plugin::before_tool_call as wire;
use crate::wire::types;
use serde::{Deserialize, Serialize, Serializer};
use std::num::NonZeroU32;
use std::time::Duration;

/// Characters of a block's reason.
const REASON: usize = 4_096;
/// Characters of an approval's title.
const TITLE: usize = 80;
/// Characters of an approval's description.
const DESCRIPTION: usize = 512;
/// How long an approval waits, if the plugin doesn't say.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long an approval waits at most.
const MOST_PATIENCE: Duration = Duration::from_secs(600);

/// The hook.
#[derive(Debug, Clone, Copy)]
pub struct BeforeToolCall;

/// A tool call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ToolCall {
    /// The tool's name.
    pub tool: String,
    /// Its arguments, an object.
    pub params: Payload,
    /// The model's name for this call.
    #[serde(default)]
    pub call_id: Option<String>,
    /// Further facts.
    #[serde(default, deserialize_with = "super::facts::deserialize")]
    pub attrs: Vec<(String, Json)>,
}

/// What a plugin wants of it. Nothing set: no opinion.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ToolDecision {
    /// Other arguments, an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<Json>,
    /// Don't make the call, for this reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<String>,
    /// Ask a person first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Further wishes.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "super::facts::serialize")]
    pub attrs: Vec<(String, Json)>,
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Approval {
    /// The question.
    pub title: String,
    /// What there is to know.
    pub description: String,
    /// How it is shown.
    pub severity: Severity,
    /// How long to wait; no answer means no.
    #[serde(rename = "patience-ms", serialize_with = "millis")]
    pub patience: Duration,
    /// What may be answered; never empty.
    pub decisions: Vec<ApprovalDecision>,
}

/// How a question to a person is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

/// What a person may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ApprovalDecision {
    AllowOnce,
    AllowAlways,
    Deny,
}

/// A duration as JSON has it.
fn millis<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

impl Hook for BeforeToolCall {
    const NAME: &'static str = "before-tool-call";
    const MODE: Mode = Mode::Gate;
    const FAILS_CLOSED: bool = true;
    const BUDGET: Duration = Duration::from_secs(15);
    const GRANTS: &'static [Grant] = &[Grant::Conversation];

    type Event = ToolCall;
    type Wire = wire::Event;
    type Answer = Option<wire::Outcome>;
    type Outcome = ToolDecision;

    fn lower(event: ToolCall) -> wire::Event {
        let ToolCall { tool, params, call_id, attrs } = event;
        wire::Event { tool_name: tool, params: params.into(), tool_call_id: call_id, attrs: wire_attrs(attrs) }
    }

    fn lift(answer: Option<wire::Outcome>) -> Result<ToolDecision, Malformed> {
        let Some(wire::Outcome { params, block, approval, attrs: facts }) = answer else { return Ok(ToolDecision::default()) };
        Ok(ToolDecision {
            params: params.map(object).transpose()?,
            block: block.map(reason).transpose()?,
            approval: approval.map(question).transpose()?,
            attrs: attrs(facts)?,
        })
    }

    fn size(answer: &Option<wire::Outcome>) -> usize {
        let Some(outcome) = answer else { return 0 };
        let question = |a: &types::ApprovalRequest| a.title.len() + a.description.len() + a.decisions.len();
        outcome.params.as_ref().map_or(0, String::len)
            + outcome.block.as_ref().map_or(0, |b| b.reason.len())
            + outcome.approval.as_ref().map_or(0, question)
            + attrs_size(&outcome.attrs)
    }
}

/// Arguments are an object.
fn object(text: String) -> Result<Json, Malformed> {
    let json = Json::check(text).map_err(|e| Malformed::new("params", e))?;
    if json.as_str().trim_start().starts_with('{') { Ok(json) } else { Err(Malformed::new("params", "expected an object")) }
}

fn reason(block: wire::Block) -> Result<String, Malformed> {
    within("block.reason", &block.reason, REASON)?;
    Ok(block.reason)
}

fn question(request: types::ApprovalRequest) -> Result<Approval, Malformed> {
    let types::ApprovalRequest { title, description, severity, timeout_ms, decisions } = request;
    if title.trim().is_empty() {
        return Err(Malformed::new("approval.title", "it is empty"));
    }
    within("approval.title", &title, TITLE)?;
    within("approval.description", &description, DESCRIPTION)?;
    let severity = match severity {
        types::Severity::Info => Severity::Info,
        types::Severity::Warning => Severity::Warning,
        types::Severity::Critical => Severity::Critical,
    };
    Ok(Approval { title, description, severity, patience: patience(timeout_ms)?, decisions: answers(&decisions) })
}

fn within(field: &'static str, text: &str, most: usize) -> Result<(), Malformed> {
    match text.chars().count() {
        n if n > most => Err(Malformed::new(field, format!("{n} characters, {most} allowed"))),
        _ => Ok(()),
    }
}

fn patience(timeout_ms: Option<u32>) -> Result<Duration, Malformed> {
    let Some(ms) = timeout_ms else { return Ok(PATIENCE) };
    let patience = NonZeroU32::new(ms).map(|ms| Duration::from_millis(ms.get().into()));
    patience.filter(|p| *p <= MOST_PATIENCE).ok_or_else(|| Malformed::new("approval.timeout-ms", format!("{ms}: expected 1 to 600000")))
}

/// What may be answered, each once; all of it, if the plugin doesn't say.
fn answers(decisions: &[types::Decision]) -> Vec<ApprovalDecision> {
    let all = [
        (types::Decision::AllowOnce, ApprovalDecision::AllowOnce),
        (types::Decision::AllowAlways, ApprovalDecision::AllowAlways),
        (types::Decision::Deny, ApprovalDecision::Deny),
    ];
    all.into_iter().filter(|(asked, _)| decisions.is_empty() || decisions.contains(asked)).map(|(_, decision)| decision).collect()
}
