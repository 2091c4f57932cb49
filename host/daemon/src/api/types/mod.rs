//! What goes over the wire, both ways: the same types serve the HTTP side, the command line and the OpenAPI document.
//!
//! Names are what operators read: kebab-case values, snake-case fields, digests in hexadecimal, times in milliseconds since 1970, durations in milliseconds.

mod changes;
mod operators;
mod plugins;
mod usage;

pub use changes::{Because, Changed, GrantsPatch, LimitsPatch, RollbackTo};
pub use operators::{
    Finding, Findings, HistoryEvent, HistoryPage, HistoryQuery, IssuedToken, LogEntry, LogPage, LogQuery, NewToken, Problem, Readiness,
    Severity, TokenList, TokenView,
};
pub use plugins::{
    FileView, GrantsView, HookView, Inspection, PluginDetail, PluginList, PluginSummary, ProbationView, RefusedFile, Standing, VersionList,
    VersionView,
};
pub use usage::{ExportUsage, HookAnswer, HookCall, LimitList, LimitView, PluginUsage, UsageList};
