//! Why a model didn't answer: a kind for programs (to retry, to compact, to count) and a sentence for people. No key is in either.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A model didn't answer, or not to the end.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ModelError {
    /// What kind of failure.
    pub kind: ModelFailure,
    /// Who failed, how, and which setting matters.
    pub message: String,
}

impl ModelError {
    /// A failure with its sentence.
    pub fn new(kind: ModelFailure, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// Kinds of failure. Their names in kebab-case are what plugins see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelFailure {
    /// It took longer than the settings allow.
    Timeout,
    /// The provider wants fewer calls.
    RateLimited,
    /// The key is missing, or the provider doesn't take it.
    Unauthorized,
    /// The provider doesn't take the request.
    Refused,
    /// The provider doesn't know the model.
    NoSuchModel,
    /// The conversation is longer than the model takes.
    TooLong,
    /// The answer is larger than the host takes.
    TooLarge,
    /// The provider failed.
    Server,
    /// The provider can't be reached, or the connection broke.
    Unreachable,
    /// The answer isn't what the protocol says.
    Malformed,
}

impl ModelFailure {
    /// All there are.
    pub const ALL: [Self; 10] = [
        Self::Timeout,
        Self::RateLimited,
        Self::Unauthorized,
        Self::Refused,
        Self::NoSuchModel,
        Self::TooLong,
        Self::TooLarge,
        Self::Server,
        Self::Unreachable,
        Self::Malformed,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::RateLimited => "rate-limited",
            Self::Unauthorized => "unauthorized",
            Self::Refused => "refused",
            Self::NoSuchModel => "no-such-model",
            Self::TooLong => "too-long",
            Self::TooLarge => "too-large",
            Self::Server => "server",
            Self::Unreachable => "unreachable",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for ModelFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ModelFailure {
    type Err = UnknownFailure;

    fn from_str(name: &str) -> Result<Self, UnknownFailure> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| UnknownFailure { name: name.to_owned() })
    }
}

/// A name that isn't the name of a kind of failure.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{name}` is no kind of failure; there are {}", ModelFailure::ALL.map(ModelFailure::name).join(", "))]
pub struct UnknownFailure {
    /// What was said instead.
    pub name: String,
}
