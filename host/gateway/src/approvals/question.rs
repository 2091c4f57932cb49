//! A question to a person, from being asked to being settled.

use super::waiting::Verdict;
use plugbay_runtime::{Approval, ApprovalDecision, Payload, PluginId, Resolution, Session, Severity};
use serde::Serialize;
use std::sync::Arc;
use thiserror::Error;

/// What a person may answer.
pub use plugbay_runtime::ApprovalDecision as ApprovalAnswer;

/// A question that a plugin wants asked before a tool is called.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The plugin.
    pub plugin: PluginId,
    /// What it asks.
    pub approval: Approval,
    /// The tool.
    pub tool: String,
    /// The model's name for the call.
    pub call_id: Option<String>,
    /// The arguments, as the tool will get them: nothing changes them any more.
    pub params: Payload,
    /// The session.
    pub session: Option<Session>,
    /// The run.
    pub run: Option<Arc<str>>,
}

/// A question that waits for a person.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PendingApproval {
    /// Its id.
    pub id: Arc<str>,
    /// The plugin that asks.
    pub plugin: String,
    /// The question.
    pub title: String,
    /// What there is to know.
    pub description: String,
    /// How it is shown.
    pub severity: Severity,
    /// What may be answered; never empty.
    pub answers: Vec<ApprovalAnswer>,
    /// The tool that is about to be called.
    pub tool: String,
    /// The model's name for the call.
    pub call_id: Option<String>,
    /// Its arguments.
    pub params: serde_json::Value,
    /// The session.
    pub session: Option<String>,
    /// The run.
    pub run: Option<Arc<str>>,
    /// When it was asked, in milliseconds since 1970.
    pub asked_at: u64,
    /// When no answer means no.
    pub until: u64,
}

impl PendingApproval {
    pub(super) fn new(id: Arc<str>, asked_at: u64, wanted: &Wanted) -> Self {
        let Wanted { plugin, approval, tool, call_id, params, session, run } = wanted;
        Self {
            id,
            plugin: plugin.to_string(),
            title: approval.title.clone(),
            description: approval.description.clone(),
            severity: approval.severity,
            answers: approval.decisions.clone(),
            tool: tool.clone(),
            call_id: call_id.clone(),
            params: shown(params),
            session: session.as_ref().and_then(Session::key).map(str::to_owned),
            run: run.clone(),
            asked_at,
            until: asked_at.saturating_add(u64::try_from(approval.patience.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

/// Arguments as people see them.
fn shown(params: &Payload) -> serde_json::Value {
    match params {
        Payload::Json(json) => json.parse().unwrap_or_else(|_| serde_json::Value::from(json.as_str())),
        Payload::Truncated { bytes } => serde_json::json!({ "truncated": { "bytes": bytes } }),
    }
}

/// How a question was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Settled {
    /// Its id; none if it was never asked.
    pub id: Option<Arc<str>>,
    /// The plugin that asked.
    pub plugin: String,
    /// Its title.
    pub title: String,
    /// What became of it.
    pub resolution: Resolution,
    /// Who answered.
    pub by: Option<String>,
    /// Why it was settled without an answer.
    pub why: Option<String>,
}

impl Settled {
    pub(super) fn new(question: &PendingApproval, verdict: &Verdict) -> Self {
        let Verdict { resolution, by, why } = verdict;
        Self {
            id: Some(question.id.clone()),
            plugin: question.plugin.clone(),
            title: question.title.clone(),
            resolution: *resolution,
            by: by.clone(),
            why: why.clone(),
        }
    }

    /// What became of it, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let outcome = outcome(self);
        let why = self.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        format!("plugin `{}` wanted approval ({:?}): {outcome}{why}", self.plugin, self.title)
    }

    /// Whether the call may be made.
    #[must_use]
    pub const fn allows(&self) -> bool {
        matches!(self.resolution, Resolution::AllowOnce | Resolution::AllowAlways)
    }
}

/// What those who show questions are told.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum ApprovalEvent {
    /// A question waits for an answer.
    Asked(Arc<PendingApproval>),
    /// One doesn't any more.
    Settled(Arc<Settled>),
}

/// Why an answer doesn't count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// There is no such question.
    #[error("no question `{0}` waits for an answer, or it was settled long ago")]
    Unknown(String),
    /// Somebody was first, or time ran out.
    #[error("the question `{id}` is settled: {}", outcome(.settled))]
    AlreadyResolved {
        /// The question.
        id: String,
        /// How.
        settled: Arc<Settled>,
    },
    /// The plugin doesn't take this answer.
    #[error("`{answer}` isn't among the answers to `{id}`: it takes {}", names(.offered))]
    NotOffered {
        /// The question.
        id: String,
        /// The answer.
        answer: &'static str,
        /// Those that it takes.
        offered: Vec<ApprovalAnswer>,
    },
}

/// An answer's name.
pub(super) const fn name(answer: ApprovalAnswer) -> &'static str {
    match answer {
        ApprovalDecision::AllowOnce => "allow-once",
        ApprovalDecision::AllowAlways => "allow-always",
        ApprovalDecision::Deny => "deny",
    }
}

fn names(answers: &[ApprovalAnswer]) -> String {
    answers.iter().map(|a| format!("`{}`", name(*a))).collect::<Vec<_>>().join(", ")
}

fn outcome(settled: &Settled) -> String {
    let what = match settled.resolution {
        Resolution::AllowOnce => "allowed once",
        Resolution::AllowAlways => "allowed for good",
        Resolution::Deny => "denied",
        Resolution::TimedOut => "nobody answered in time",
        Resolution::Cancelled => "cancelled",
    };
    settled.by.as_ref().map_or_else(|| what.to_owned(), |by| format!("{what} by {by}"))
}
