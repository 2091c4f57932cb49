//! Why a service has no answer.

use thiserror::Error;

/// Why a service has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ServiceError {
    /// What kind of failure.
    pub code: ServiceCode,
    /// What was asked, what refused it and what would change that.
    pub message: String,
}

impl ServiceError {
    /// A failure in words.
    #[must_use]
    pub fn new(code: ServiceCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Kinds of failure. Each interface of the contract has some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceCode {
    /// An argument is no good.
    InvalidInput,
    /// The call belongs to no run.
    NoRun,
    /// The run has ended.
    Closed,
    /// The plugin hasn't met such a session.
    Unknown,
    /// The session was deleted, or began another life.
    Gone,
    /// The topic isn't the plugin's.
    ForeignTopic,
    /// A limit was reached.
    LimitExceeded,
    /// Something of this name isn't the plugin's.
    Taken,
    /// There was no answer in time.
    TimedOut,
    /// The model takes less than this.
    TooLong,
    /// Whoever asks would wait for itself.
    ReEntrant,
    /// The context engine didn't prepare for it.
    NotPrepared,
    /// There is no room for it on the host's disk.
    Full,
    /// The state can't be read or written, or the host has no such service.
    Failed,
}
