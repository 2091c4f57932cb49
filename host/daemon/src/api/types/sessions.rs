//! Sessions, their transcripts and turns, and what plugins did in them and keep about them.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Which sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct SessionsQuery {
    /// Those behind this key.
    pub after: Option<String>,
    /// So many at most; 100 unless said, 1,000 at most.
    pub limit: Option<usize>,
}

/// Sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionList {
    /// By key; fewer than asked for where they are large, none at the end.
    pub sessions: Vec<SessionSummary>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionSummary {
    /// Its stable name.
    pub key: String,
    /// Its present life: another one after a reset.
    pub life: String,
    /// When it began.
    pub created_at: u64,
    /// When its present life began.
    pub began_at: u64,
    /// When something of it was last written.
    pub updated_at: u64,
    /// Entries of its present life.
    pub entries: u64,
    /// Turns that are under way or wait.
    pub turns: u64,
    /// What plugins show there.
    pub shown: Vec<ShownState>,
}

/// What a plugin shows of its state of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShownState {
    /// The plugin.
    pub plugin: String,
    /// The namespace.
    pub namespace: String,
    /// What it shows.
    pub value: Value,
}

/// A session with its turns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionDetail {
    /// As in a list.
    #[serde(flatten)]
    pub summary: SessionSummary,
    /// Its newest turns, of all its lives, the newest first: 100 at most.
    pub runs: Vec<RunView>,
}

/// How a turn is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// It is under way.
    Running,
    /// It came to its end.
    Done,
    /// It couldn't be brought to its end.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// A plugin didn't let it run.
    Blocked,
    /// The host stopped in the middle of it.
    Interrupted,
}

/// A turn that has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunView {
    /// Its id.
    pub run: String,
    /// The life of the session.
    pub life: String,
    /// Why there was a turn: `user`, `heartbeat`, `schedule`, `action` or `subagent`.
    pub trigger: String,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Who was behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The channel's name for the message; the job's id, where a job began the turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// How it is doing.
    pub status: RunState,
    /// When it began.
    pub began_at: u64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<u64>,
    /// Why it failed, or was blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Which entries of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct TranscriptQuery {
    /// From this position; 0 is the oldest. The newest, unless said.
    pub start: Option<u64>,
    /// So many at most; 100 unless said, 1,000 at most.
    pub count: Option<usize>,
}

/// Entries of a session's present life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TranscriptPage {
    /// How many entries that life has.
    pub total: u64,
    /// The oldest first; fewer than asked for where they are large.
    pub entries: Vec<EntryView>,
}

/// An entry of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EntryView {
    /// Its number; growing over all lives of the session.
    pub id: u64,
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// When it was written.
    pub at: u64,
    /// What was said.
    pub content: Value,
    /// For an answer of a tool: the call that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The turn that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What the host knows of it besides: what plugins added to what was said, which tools the model wanted, how a turn ended.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub meta: Value,
}

/// What plugins did in a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptList {
    /// In order. Those of the newest turns are kept, in memory.
    pub receipts: Vec<ReceiptView>,
    /// How many more there were.
    pub beyond: u64,
}

/// What became of one dispatch of a hook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptView {
    /// The hook.
    pub hook: String,
    /// The number that plugins were told.
    pub invocation: u64,
    /// The run that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// When it began.
    pub at: u64,
    /// How long whoever fired it waited, in microseconds.
    pub took_us: u64,
    /// Who ran, in this order; for a hook that is only told, who is to.
    pub ran: Vec<RanView>,
    /// Who handles the hook and didn't run.
    pub skipped: Vec<SkippedView>,
    /// Why the host itself said no, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A plugin that ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RanView {
    /// The plugin.
    pub plugin: String,
    /// Which of its generations served, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// How long it took, with waiting for a cell, in microseconds.
    pub took_us: u64,
    /// How long the event lay in its queue, in microseconds, for a hook that is only told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_us: Option<u64>,
    /// Whether a cell was made for this call alone, since a call of the plugin waits for this one.
    pub extra_cell: bool,
    /// What came of it.
    pub said: SaidKind,
    /// What it wants, as the hook's documentation says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wants: Option<Value>,
    /// Why it has no answer, in one word for programs: `fault`, `failed`, `busy`, `waited`, `cut`, or why it serves no calls, such as `breaker-open`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same for people; or why it wasn't told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What came of asking or telling a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SaidKind {
    /// It has no opinion.
    Nothing,
    /// It wants something.
    Wants,
    /// It wants something, and nobody was asked after it.
    Ended,
    /// It has no answer, so it was passed over.
    Failed,
    /// It has no answer, which counts as a no for this hook.
    Refused,
    /// It isn't its turn yet.
    Queued,
    /// It was told.
    Told,
    /// It wasn't told.
    Dropped,
}

/// A plugin that handles a hook and wasn't asked or told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SkippedView {
    /// The plugin.
    pub plugin: String,
    /// One word for programs: `denied`, `not-its-subject`, `about-itself`, `ended-before`, `aside`, or `required-but-aside`, which is a no.
    pub code: String,
    /// The same for people.
    pub why: String,
}

/// Another life of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionReset {
    /// The session.
    pub key: String,
    /// Its life from now on.
    pub life: String,
}

/// How to make a conversation smaller.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CompactAsked {
    /// What is to be kept, or left out, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
}

/// What became of a conversation that was to be made smaller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionCompacted {
    /// The session.
    pub key: String,
    /// Who did it: a plugin, or `builtin`.
    pub engine: String,
    /// Whether anything changed.
    pub compacted: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What stands for what the model isn't told any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Tokens that the model was told of the conversation.
    pub tokens_before: u64,
    /// Tokens that it is told now.
    pub tokens_after: u64,
    /// Entries that the summary stands for, where that is known.
    pub summarised: u64,
}

/// A session that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionDeleted {
    /// Its key.
    pub key: String,
}

/// What a plugin is to keep about a session: a value (which may be null), or nothing any more.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct StatePatch {
    /// The value. Not together with `unset`.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    pub value: Option<Value>,
    /// Whether what is there is to be taken away.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unset: bool,
}

/// That null is given is something else than that nothing is.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

/// What became of what a plugin keeps about a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatePatched {
    /// Whether there was a value before.
    pub replaced: bool,
    /// What is shown of it now, where sessions are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Value>,
}
