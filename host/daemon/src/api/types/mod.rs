//! What goes over the wire, both ways: the same types serve the HTTP side, the command line and the OpenAPI document.
//!
//! Names are what operators read: kebab-case values, snake-case fields (`continueAgent` is the one exception: see [`ActionDone`]), digests in hexadecimal, times in milliseconds since 1970, durations in milliseconds.

mod actions;
mod agent;
mod approvals;
mod changes;
mod operators;
mod plugins;
mod sessions;
mod usage;
mod work;

pub use actions::{
    ActionAnswer, ActionDone, ActionFailed, ActionList, ActionRequest, ActionView, ActionsQuery, Always, CommandAnswer, CommandList,
    CommandRequest, CommandView, UiList, UiView,
};
pub use agent::{
    Finish, HookFire, HookFired, MessageView, PreparedView, PrincipalView, PromptShown, RunNamed, SessionNamed, Spoken, SpokenWritten,
    ToolCallView, ToolClash, ToolEndView, ToolFate, ToolList, ToolView, TurnEvent, TurnRequest, TurnResult, TurnStatus,
};
pub use approvals::{ApprovalList, ApprovalView, Concern, Decision, Resolve, Resolved, SettledView};
pub use changes::{Because, Changed, GrantsPatch, LimitsPatch, RollbackTo};
pub use operators::{
    Finding, Findings, HistoryEvent, HistoryPage, HistoryQuery, IssuedToken, LogEntry, LogPage, LogQuery, NewToken, Problem, Readiness,
    Severity, TokenList, TokenView,
};
pub use plugins::{
    EngineView, FileView, GrantsView, HookView, Inspection, PluginAction, PluginCommand, PluginDetail, PluginList, PluginSummary,
    PluginTool, PluginUi, ProbationView, RefusedFile, SlotChange, SlotList, SlotView, Standing, UncalledHook, VersionList, VersionView,
};
pub use sessions::{
    CompactAsked, EntryView, RanView, ReceiptList, ReceiptView, RunState, RunView, SaidKind, SessionCompacted, SessionDeleted,
    SessionDetail, SessionList, SessionReset, SessionSummary, SessionsQuery, ShownState, SkippedView, StatePatch, StatePatched,
    TranscriptPage, TranscriptQuery,
};
pub use usage::{ExportUsage, HookAnswer, HookCall, LimitList, LimitView, PluginUsage, UsageList};
pub use work::{
    DeliveredFile, DeliveryList, DeliveryRemoved, DeliveryView, JobList, JobRemoved, JobView, JobsQuery, OutboxQuery, RemovalQuery,
};
