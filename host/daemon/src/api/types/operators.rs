//! What operators look at besides plugins: logs, history, findings, tokens, readiness; and why something wasn't done.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A line of a plugin's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogEntry {
    /// Its number; growing.
    pub seq: u64,
    /// When.
    pub at: u64,
    /// `trace` to `error`.
    pub level: String,
    /// What was said.
    pub text: String,
}

/// Lines of a plugin's log, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogPage {
    /// The lines.
    pub lines: Vec<LogEntry>,
}

/// Which lines of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(default)]
pub struct LogQuery {
    /// The last so many.
    pub tail: Option<usize>,
    /// Only those with larger numbers.
    pub after: Option<u64>,
    /// Goes on with those that come, as server-sent events.
    pub follow: bool,
}

/// A line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryEvent {
    /// Its number; growing, and never used twice.
    pub seq: u64,
    /// When.
    pub at: u64,
    /// Who did it.
    pub who: String,
    /// What it was.
    pub what: String,
    /// To which plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The digest before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The digest after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Lines of the history, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryPage {
    /// The lines.
    pub events: Vec<HistoryEvent>,
}

/// Which lines of the history.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(default)]
pub struct HistoryQuery {
    /// Of this plugin.
    pub plugin: Option<String>,
    /// With smaller numbers than this.
    pub before: Option<u64>,
    /// So many at most; 100 unless said.
    pub limit: Option<usize>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// All is well.
    Ok,
    /// Something to look at.
    Warning,
    /// Something doesn't work.
    Error,
}

/// Something that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was checked.
    pub about: String,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// All that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Findings {
    /// The worst first.
    pub findings: Vec<Finding>,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Its name.
    pub name: String,
    /// What it may do: `operator.read`, `operator.write` or `operator.admin`.
    pub scope: String,
    /// When it was made.
    pub created_at: u64,
    /// From when on it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
}

/// All tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// By name.
    pub tokens: Vec<TokenView>,
}

/// A token that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scope: String,
    /// From when on it is refused.
    #[serde(default)]
    pub expires_at: Option<u64>,
}

/// A token that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedToken {
    /// The token itself, shown this once.
    pub secret: String,
    /// The rest of it.
    #[serde(flatten)]
    pub token: TokenView,
}

/// Whether the program serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether it does.
    pub ready: bool,
    /// What keeps it from serving: plugins that are required and not active, a state that can't be read.
    pub waits_for: Vec<String>,
    /// The program's version.
    pub version: String,
    /// Plugins that are active.
    pub active: usize,
}

/// Why something wasn't done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// One word for programs: `not-found`, `refused`, `held`, `invalid-input`, `conflict`, `unauthorized`, `forbidden`, `too-large`, `unavailable`, or what a call
    /// answered (`breaker-open`, `busy` …).
    pub code: String,
    /// What was asked, what refused it, its value, and what to change.
    pub message: String,
    /// The step at which a plugin was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The name that was probably meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near: Option<String>,
}
