//! Agents that work for a plugin: what a plugin is told of them.

use crate::call::Session;
use std::sync::Arc;

/// A subagent that was set to work.
#[derive(Debug, Clone)]
pub struct SubagentStarted {
    /// Its session.
    pub session: Session,
    /// Its run.
    pub run: Arc<str>,
}

/// How far a run of a subagent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SubagentState {
    Pending,
    Done,
    Blocked,
    Failed,
    Cancelled,
}

/// How a run of a subagent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubagentStatus {
    /// How far.
    pub state: SubagentState,
    /// What it answered.
    pub text: Option<String>,
    /// Why it has no answer.
    pub error: Option<String>,
}
