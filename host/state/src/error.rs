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

/// The operations, each with its name.
macro_rules! operations {
    ($($operation:ident = $name:literal,)*) => {
        /// What was called.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[expect(missing_docs, reason = "each is named as the method is")]
        pub enum Operation {
            $($operation,)*
        }

        impl Operation {
            /// Its name: `compare-and-apply`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$operation => $name,)*
                }
            }
        }
    };
}

operations! {
    Open = "open",
    EnsureSchema = "ensure-schema",
    Register = "register",
    RegisterIfAbsent = "register-if-absent",
    Lookup = "lookup",
    LookupMany = "lookup-many",
    Consume = "consume",
    Delete = "delete",
    Entries = "entries",
    Range = "range",
    Count = "count",
    Clear = "clear",
    Observe = "observe",
    CompareAndApply = "compare-and-apply",
    DeleteIfEqual = "delete-if-equal",
    Sweep = "sweep",
    Usage = "usage",
    Export = "export",
    Purge = "purge",
    Documents = "documents",
    Document = "document",
    Record = "record",
    History = "history",
    Probe = "probe",
    Session = "session",
    EnsureSession = "ensure-session",
    Sessions = "sessions",
    ResetSession = "reset-session",
    DeleteSession = "delete-session",
    Append = "append",
    Entry = "entry",
    CountEntries = "count-entries",
    BeginRun = "begin-run",
    Show = "show",
    EndRun = "end-run",
    Runs = "runs",
    Recover = "recover",
    Inject = "inject",
    Injections = "injections",
    PutState = "put-state",
    StateOf = "state-of",
    ForgetPlugin = "forget-plugin",
    Meet = "meet",
    Met = "met",
    Ask = "ask",
    Answered = "answered",
    Cursor = "cursor",
    PutCursor = "put-cursor",
    Compaction = "compaction",
    Compactions = "compactions",
    PutCompaction = "put-compaction",
    AddSubagent = "add-subagent",
    Subagent = "subagent",
    SubagentAt = "subagent-at",
    Subagents = "subagents",
    MarkDeleting = "mark-deleting",
    ForgetSubagent = "forget-subagent",
    SetTicket = "set-ticket",
    PutJob = "put-job",
    Job = "job",
    Jobs = "jobs",
    RemoveJobs = "remove-jobs",
    NextJobAt = "next-job-at",
    ClaimJobs = "claim-jobs",
    BeginJob = "begin-job",
    EndJob = "end-job",
    RecoverJobs = "recover-jobs",
    AddDelivery = "add-delivery",
    Delivery = "delivery",
    Deliveries = "deliveries",
    RemoveDelivery = "remove-delivery",
}

impl Operation {
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
            Self::Job | Self::Jobs | Self::NextJobAt | Self::Delivery | Self::Deliveries => Code::ReadFailed,
            Self::Register | Self::RegisterIfAbsent | Self::CompareAndApply | Self::DeleteIfEqual => Code::WriteFailed,
            Self::Delete | Self::Clear | Self::Sweep | Self::Purge | Self::Record | Self::Probe => Code::WriteFailed,
            Self::EnsureSession | Self::ResetSession | Self::DeleteSession | Self::Append => Code::WriteFailed,
            Self::BeginRun | Self::Show | Self::EndRun | Self::Recover | Self::Inject => Code::WriteFailed,
            Self::PutState | Self::ForgetPlugin | Self::Meet | Self::Ask | Self::Answered => Code::WriteFailed,
            Self::PutCursor | Self::PutCompaction | Self::AddSubagent => Code::WriteFailed,
            Self::MarkDeleting | Self::ForgetSubagent | Self::SetTicket => Code::WriteFailed,
            Self::PutJob | Self::RemoveJobs | Self::ClaimJobs | Self::BeginJob | Self::EndJob => Code::WriteFailed,
            Self::RecoverJobs | Self::AddDelivery | Self::RemoveDelivery => Code::WriteFailed,
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
