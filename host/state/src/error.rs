//! What can go wrong, told with the operation that was called.
//!
//! Inside the crate a failure is a [`Problem`], which knows nothing of operations; [`Problem::during`] is the one place where it becomes a
//! [`StateError`]. So no error can name an operation other than the one that was called.

use crate::limits::Overrun;
use std::fmt;
use thiserror::Error;

/// What kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The state could not be opened.
    OpenFailed,
    /// The state can't be used now: closed, or another process holds its lock for too long.
    Unavailable,
    /// The file is of a newer version than this program knows.
    SchemaUnsupported,
    /// Reading failed.
    ReadFailed,
    /// Writing failed; nothing was written.
    WriteFailed,
    /// What is stored isn't what was written.
    Corrupt,
    /// A limit was reached; nothing was written.
    LimitExceeded,
    /// What was asked for makes no sense; nothing was read or written.
    InvalidInput,
}

impl Code {
    /// The code as contracts and logs write it: `limit-exceeded`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenFailed => "open-failed",
            Self::Unavailable => "unavailable",
            Self::SchemaUnsupported => "schema-unsupported",
            Self::ReadFailed => "read-failed",
            Self::WriteFailed => "write-failed",
            Self::Corrupt => "corrupt",
            Self::LimitExceeded => "limit-exceeded",
            Self::InvalidInput => "invalid-input",
        }
    }

    /// The code as people are shown it: `PLUGIN_STATE_LIMIT_EXCEEDED`.
    #[must_use]
    pub const fn shown(self) -> &'static str {
        match self {
            Self::OpenFailed => "PLUGIN_STATE_OPEN_FAILED",
            Self::Unavailable => "PLUGIN_STATE_UNAVAILABLE",
            Self::SchemaUnsupported => "PLUGIN_STATE_SCHEMA_UNSUPPORTED",
            Self::ReadFailed => "PLUGIN_STATE_READ_FAILED",
            Self::WriteFailed => "PLUGIN_STATE_WRITE_FAILED",
            Self::Corrupt => "PLUGIN_STATE_CORRUPT",
            Self::LimitExceeded => "PLUGIN_STATE_LIMIT_EXCEEDED",
            Self::InvalidInput => "PLUGIN_STATE_INVALID_INPUT",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is named as the method is")]
pub enum Operation {
    Open,
    EnsureSchema,
    Register,
    RegisterIfAbsent,
    Lookup,
    LookupMany,
    Consume,
    Delete,
    Entries,
    Range,
    Count,
    Clear,
    Observe,
    CompareAndApply,
    DeleteIfEqual,
    Sweep,
    Usage,
    Export,
    Purge,
    Documents,
    Document,
    Record,
    History,
    Probe,
    Session,
    EnsureSession,
    Sessions,
    ResetSession,
    DeleteSession,
    Append,
    Entry,
    CountEntries,
    BeginRun,
    Show,
    EndRun,
    Runs,
    Recover,
    Inject,
    Injections,
    PutState,
    StateOf,
    ForgetPlugin,
    Meet,
    Met,
    Ask,
    Answered,
    Cursor,
    PutCursor,
    Compaction,
    Compactions,
    PutCompaction,
    AddSubagent,
    Subagent,
    SubagentAt,
    Subagents,
    MarkDeleting,
    ForgetSubagent,
    SetTicket,
}

impl Operation {
    /// Its name: `compare-and-apply`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::EnsureSchema => "ensure-schema",
            Self::Register => "register",
            Self::RegisterIfAbsent => "register-if-absent",
            Self::Lookup => "lookup",
            Self::LookupMany => "lookup-many",
            Self::Consume => "consume",
            Self::Delete => "delete",
            Self::Entries => "entries",
            Self::Range => "range",
            Self::Count => "count",
            Self::Clear => "clear",
            Self::Observe => "observe",
            Self::CompareAndApply => "compare-and-apply",
            Self::DeleteIfEqual => "delete-if-equal",
            Self::Sweep => "sweep",
            Self::Usage => "usage",
            Self::Export => "export",
            Self::Purge => "purge",
            Self::Documents => "documents",
            Self::Document => "document",
            Self::Record => "record",
            Self::History => "history",
            Self::Probe => "probe",
            Self::Session => "session",
            Self::EnsureSession => "ensure-session",
            Self::Sessions => "sessions",
            Self::ResetSession => "reset-session",
            Self::DeleteSession => "delete-session",
            Self::Append => "append",
            Self::Entry => "entry",
            Self::CountEntries => "count-entries",
            Self::BeginRun => "begin-run",
            Self::Show => "show",
            Self::EndRun => "end-run",
            Self::Runs => "runs",
            Self::Recover => "recover",
            Self::Inject => "inject",
            Self::Injections => "injections",
            Self::PutState => "put-state",
            Self::StateOf => "state-of",
            Self::ForgetPlugin => "forget-plugin",
            Self::Meet => "meet",
            Self::Met => "met",
            Self::Ask => "ask",
            Self::Answered => "answered",
            Self::Cursor => "cursor",
            Self::PutCursor => "put-cursor",
            Self::Compaction => "compaction",
            Self::Compactions => "compactions",
            Self::PutCompaction => "put-compaction",
            Self::AddSubagent => "add-subagent",
            Self::Subagent => "subagent",
            Self::SubagentAt => "subagent-at",
            Self::Subagents => "subagents",
            Self::MarkDeleting => "mark-deleting",
            Self::ForgetSubagent => "forget-subagent",
            Self::SetTicket => "set-ticket",
        }
    }

    /// The code of a failure that the database didn't explain. Consuming counts as reading: what the caller misses is the value.
    const fn failure(self) -> Code {
        match self {
            Self::Open | Self::EnsureSchema => Code::OpenFailed,
            Self::Lookup | Self::LookupMany | Self::Consume | Self::Entries | Self::Range => Code::ReadFailed,
            Self::Count | Self::Observe | Self::Usage | Self::Export => Code::ReadFailed,
            Self::Documents | Self::Document | Self::History => Code::ReadFailed,
            Self::Session | Self::Sessions | Self::Entry | Self::CountEntries | Self::Runs => Code::ReadFailed,
            Self::Injections | Self::StateOf | Self::Met => Code::ReadFailed,
            Self::Cursor | Self::Compaction | Self::Compactions => Code::ReadFailed,
            Self::Subagent | Self::SubagentAt | Self::Subagents => Code::ReadFailed,
            Self::Register | Self::RegisterIfAbsent | Self::CompareAndApply | Self::DeleteIfEqual => Code::WriteFailed,
            Self::Delete | Self::Clear | Self::Sweep | Self::Purge | Self::Record | Self::Probe => Code::WriteFailed,
            Self::EnsureSession | Self::ResetSession | Self::DeleteSession | Self::Append => Code::WriteFailed,
            Self::BeginRun | Self::Show | Self::EndRun | Self::Recover | Self::Inject => Code::WriteFailed,
            Self::PutState | Self::ForgetPlugin | Self::Meet | Self::Ask | Self::Answered => Code::WriteFailed,
            Self::PutCursor | Self::PutCompaction | Self::AddSubagent => Code::WriteFailed,
            Self::MarkDeleting | Self::ForgetSubagent | Self::SetTicket => Code::WriteFailed,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} ({operation}): {message}", code.shown())]
pub struct StateError {
    /// What kind of failure.
    pub code: Code,
    /// What was called.
    pub operation: Operation,
    /// What happened, for people. Never holds a stored value.
    pub message: String,
    /// The limit, if one that is a setting was reached.
    pub overrun: Option<Overrun>,
}

/// A failure before it is known what was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    Invalid(String),
    /// A limit whose overrun is a matter of form, as a key's length: `invalid-input`.
    Malformed(Overrun),
    Limit(Overrun),
    /// More than a bound allows that isn't a setting: `limit-exceeded`.
    Beyond(String),
    Corrupt(String),
    Unavailable(String),
    Schema(String),
    Failed(String),
}

impl Problem {
    pub(crate) fn closed() -> Self {
        Self::Unavailable("the state is closed".into())
    }

    pub(crate) fn during(self, operation: Operation) -> StateError {
        let (code, message, overrun) = match self {
            Self::Invalid(message) => (Code::InvalidInput, message, None),
            Self::Malformed(overrun) => (Code::InvalidInput, overrun.to_string(), Some(overrun)),
            Self::Limit(overrun) => (Code::LimitExceeded, overrun.to_string(), Some(overrun)),
            Self::Beyond(message) => (Code::LimitExceeded, message, None),
            Self::Corrupt(message) => (Code::Corrupt, message, None),
            Self::Unavailable(message) => (Code::Unavailable, message, None),
            Self::Schema(message) => (Code::SchemaUnsupported, message, None),
            Self::Failed(message) => (operation.failure(), message, None),
        };
        StateError { code, operation, message, overrun }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limit;

    #[test]
    fn people_see_code_operation_and_sentence() {
        let error = Problem::Limit(Overrun::new(Limit::Value, 65_537, 65_536)).during(Operation::Register);
        assert_eq!(
            error.to_string(),
            "PLUGIN_STATE_LIMIT_EXCEEDED (register): value: 65537 bytes wanted, 65536 bytes allowed (setting `state.value-bytes`)"
        );
    }

    #[test]
    fn consuming_fails_as_a_read_and_deleting_as_a_write() {
        assert_eq!(Problem::Failed(String::new()).during(Operation::Consume).code, Code::ReadFailed);
        assert_eq!(Problem::Failed(String::new()).during(Operation::Delete).code, Code::WriteFailed);
    }
}
