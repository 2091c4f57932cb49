//! Why a command wasn't done: one type for all of them, which becomes a status over HTTP and an exit code on the command line.

use crate::api::types::Problem;
use crate::config::{EditError, FileError, nearest};
use plugbay_runtime::engine::{CallError, Unserved};
use plugbay_runtime::state::{Code, StateError};
use plugbay_runtime::{InJsonError, LoadError, Reason};
use std::fmt;

/// The kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What was named isn't there.
    NotFound,
    /// What was asked makes no sense.
    Invalid,
    /// Who asks may not.
    Forbidden,
    /// It was looked at and refused.
    Refused,
    /// Somebody else was quicker, or it waits for a decision.
    Conflict,
    /// It is larger than it may be.
    TooLarge,
    /// A plugin had no answer.
    Unanswered,
    /// Not now.
    Unavailable,
    /// The host's own fault.
    Internal,
}

/// A command that wasn't done.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Of which kind.
    pub kind: Kind,
    /// What is said about it.
    pub problem: Problem,
}

impl Failure {
    /// A failure with a word for programs and a sentence for people.
    #[must_use]
    pub fn new(kind: Kind, code: &str, message: impl Into<String>) -> Self {
        Self { kind, problem: Problem { code: code.to_owned(), message: message.into(), step: None, near: None } }
    }

    /// What was named isn't among these.
    #[must_use]
    pub fn not_found<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let near = nearest(name, known);
        let hint = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
        let mut failure = Self::new(Kind::NotFound, "not-found", format!("there is no {what} `{}`{hint}", shown(name)));
        failure.problem.near = near.map(str::to_owned);
        failure
    }

    /// What was given makes no sense.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, "invalid-input", message)
    }

    /// A defect or a broken machine.
    #[must_use]
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::new(Kind::Internal, "internal", message.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Failure {}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let (kind, code) = match &error.reason {
            held if held.is_held() => (Kind::Conflict, "held"),
            Reason::NoVersion { .. } => (Kind::NotFound, "not-found"),
            Reason::Stopping => (Kind::Unavailable, "stopping"),
            Reason::Alongside(_) => (Kind::Conflict, "conflict"),
            Reason::Host(_) => (Kind::Internal, "internal"),
            Reason::Record(_) | Reason::State(_) => (Kind::Unavailable, "unavailable"),
            _ => (Kind::Refused, "refused"),
        };
        let mut failure = Self::new(kind, code, error.to_string());
        failure.problem.step = Some(error.step.to_string());
        failure
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        match &error {
            FileError::Changed { .. } => Self::new(Kind::Conflict, "conflict", error.to_string()),
            FileError::Invalid(_) => Self::new(Kind::Conflict, "invalid-configuration", format!("{error:#}")),
            _ => Self::new(Kind::Unavailable, "unavailable", error.to_string()),
        }
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        let (kind, code) = match error.code {
            Code::InvalidInput => (Kind::Invalid, "invalid-input"),
            Code::LimitExceeded => (Kind::TooLarge, "too-large"),
            _ => (Kind::Unavailable, "unavailable"),
        };
        Self::new(kind, code, error.to_string())
    }
}

impl From<InJsonError> for Failure {
    fn from(error: InJsonError) -> Self {
        let code = match &error {
            InJsonError::NoHook(_) => return Self::new(Kind::NotFound, "not-found", error.to_string()),
            InJsonError::Event { .. } => return Self::invalid(error.to_string()),
            InJsonError::Call(CallError::Unserved(Unserved::Closed { code, .. })) => code,
            InJsonError::Call(CallError::Unserved(Unserved::Waited(_))) => "waited",
            InJsonError::Call(CallError::Unserved(_)) => "busy",
            InJsonError::Call(CallError::Failed(_)) => "failed",
            InJsonError::Call(CallError::Cut(_)) => "cut",
            InJsonError::Call(_) => "fault",
        };
        let kind = if matches!(error, InJsonError::Call(CallError::Unserved(_))) { Kind::Unavailable } else { Kind::Unanswered };
        Self::new(kind, code, error.to_string())
    }
}

/// A name that a stranger chose, as part of a sentence.
fn shown(name: &str) -> String {
    name.chars().take(80).flat_map(char::escape_debug).collect()
}
