//! Why the store has no answer.
//!
//! What it is for: one enum to match on, with the operation and the host's own words. What it costs: two strings. How it fails: it doesn't.

use crate::Refusal;
use crate::bindings::imports::plugbay::plugin::keyed_store::{Error as HostError, ErrorCode};
use std::fmt;

/// What a store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why an operation of a store has no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The store can't be opened.
    OpenFailed(Refusal),
    /// The store can't be reached now; a later try may go well.
    Unavailable(Refusal),
    /// The host's state is of a newer version than the host.
    SchemaUnsupported(Refusal),
    /// Reading failed.
    ReadFailed(Refusal),
    /// Writing failed, and nothing was changed.
    WriteFailed(Refusal),
    /// What is stored isn't JSON any more.
    Corrupt(Refusal),
    /// A limit was reached, and nothing was changed. The message names it.
    LimitExceeded(Refusal),
    /// An argument is no good. The message names it.
    InvalidInput(Refusal),
    /// The operator denied the grant `state`.
    Denied(Refusal),
    /// The plugin isn't live yet: it can't write in `activate` or `restore`.
    NotLive(Refusal),
    /// A value can't become JSON, or what is stored has another form than the type.
    Json {
        /// The operation that was called.
        operation: &'static str,
        /// The key, where it is known.
        key: Option<String>,
        /// What serde says.
        source: serde_json::Error,
    },
    /// Somebody else changed the row each time that `update` tried.
    TooContended {
        /// The key.
        key: String,
        /// How often it tried.
        attempts: u32,
    },
}

impl StoreError {
    /// The kind of failure as a word: `limit-exceeded`. The contract's, and `json` and `too-contended`, which are the SDK's.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::OpenFailed(_) => "open-failed",
            Self::Unavailable(_) => "unavailable",
            Self::SchemaUnsupported(_) => "schema-unsupported",
            Self::ReadFailed(_) => "read-failed",
            Self::WriteFailed(_) => "write-failed",
            Self::Corrupt(_) => "corrupt",
            Self::LimitExceeded(_) => "limit-exceeded",
            Self::InvalidInput(_) => "invalid-input",
            Self::Denied(_) => "denied",
            Self::NotLive(_) => "not-live",
            Self::Json { .. } => "json",
            Self::TooContended { .. } => "too-contended",
        }
    }

    /// What the host said, unless it is the SDK that refuses.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::OpenFailed(refusal)
            | Self::Unavailable(refusal)
            | Self::SchemaUnsupported(refusal)
            | Self::ReadFailed(refusal)
            | Self::WriteFailed(refusal)
            | Self::Corrupt(refusal)
            | Self::LimitExceeded(refusal)
            | Self::InvalidInput(refusal)
            | Self::Denied(refusal)
            | Self::NotLive(refusal) => Some(refusal),
            Self::Json { .. } | Self::TooContended { .. } => None,
        }
    }

    /// The operation that was called: `register`, `lookup` …
    #[must_use]
    pub fn operation(&self) -> &str {
        match self {
            Self::Json { operation, .. } => operation,
            refused => refused.refusal().map_or("update", |refusal| &refusal.operation),
        }
    }

    /// What happened, without the operation.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Json { key: Some(key), .. } => format!("the value of {key:?} doesn't fit its type"),
            Self::Json { key: None, .. } => "the value can't be JSON".into(),
            Self::TooContended { key, attempts } => format!("{key:?} was changed by somebody else in each of {attempts} attempts"),
            refused => refused.refusal().map(|refusal| refusal.message.clone()).unwrap_or_default(),
        }
    }
}

impl From<HostError> for StoreError {
    fn from(error: HostError) -> Self {
        let kind = match error.code {
            ErrorCode::OpenFailed => Self::OpenFailed,
            ErrorCode::Unavailable => Self::Unavailable,
            ErrorCode::SchemaUnsupported => Self::SchemaUnsupported,
            ErrorCode::ReadFailed => Self::ReadFailed,
            ErrorCode::WriteFailed => Self::WriteFailed,
            ErrorCode::Corrupt => Self::Corrupt,
            ErrorCode::LimitExceeded => Self::LimitExceeded,
            ErrorCode::InvalidInput => Self::InvalidInput,
            ErrorCode::Denied => Self::Denied,
            ErrorCode::NotLive => Self::NotLive,
        };
        kind(Refusal { operation: error.operation, message: error.message })
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.operation(), self.code(), self.message())
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json { source, .. } => Some(source),
            _ => None,
        }
    }
}
