//! Questions of plugins to people, and their answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What a person may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// This call may be made.
    AllowOnce,
    /// This call may be made, and the plugin needn't ask for others of its kind.
    AllowAlways,
    /// It may not.
    Deny,
}

impl Decision {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllowOnce => "allow-once",
            Self::AllowAlways => "allow-always",
            Self::Deny => "deny",
        }
    }
}

impl From<Decision> for Resolved {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::AllowOnce => Self::AllowOnce,
            Decision::AllowAlways => Self::AllowAlways,
            Decision::Deny => Self::Deny,
        }
    }
}

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Resolved {
    /// Allowed once.
    AllowOnce,
    /// Allowed for good.
    AllowAlways,
    /// Denied.
    Deny,
    /// Nobody answered in time, which is a no.
    TimedOut,
    /// Its turn ended before, or its host did: a no.
    Cancelled,
}

/// How bad it is what a plugin asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Concern {
    /// Worth knowing.
    Info,
    /// Worth a second look.
    Warning,
    /// Much may go wrong.
    Critical,
}

/// Questions that wait for an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalList {
    /// The oldest first.
    pub approvals: Vec<ApprovalView>,
}

/// A question that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalView {
    /// Its id.
    pub id: String,
    /// The plugin that asks.
    pub plugin: String,
    /// The question.
    pub title: String,
    /// What there is to know.
    pub description: String,
    /// How bad it is.
    pub severity: Concern,
    /// What may be answered; never empty.
    pub answers: Vec<Decision>,
    /// The tool that is about to be called.
    pub tool: String,
    /// The model's name for the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// Its arguments, which nothing changes any more.
    pub params: Value,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// When it was asked.
    pub asked_at: u64,
    /// When no answer means no.
    pub until: u64,
}

/// How a question was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettledView {
    /// Its id; none, if it was never asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The plugin that asked.
    pub plugin: String,
    /// The question.
    pub title: String,
    /// What became of it.
    pub resolution: Resolved,
    /// Who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why it was settled without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resolve {
    /// The answer: one of those that the question takes.
    pub decision: Decision,
    /// Why, for the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
