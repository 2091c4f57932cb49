//! Sessions as people and programs see them: copies of what the state says at one moment.

use crate::gateway::Gateway;
use crate::hooks::Receipt;
use crate::session_state::{PatchError, Patched};
use plugbay_runtime::Json;
use plugbay_runtime::state::{RunRow, SessionRow, Shown, StateError, StoredEntry, Window};
use serde::Serialize;
use serde_json::Value;
use std::num::NonZeroUsize;

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SessionView {
    /// Its stable name.
    pub key: String,
    /// Its present life.
    pub id: String,
    /// When it began, in milliseconds since 1970.
    pub created_at: u64,
    /// When its present life began.
    pub began_at: u64,
    /// When something of it was last written.
    pub updated_at: u64,
    /// Entries of its present life.
    pub entries: u64,
    /// Turns that are under way or wait.
    pub turns: usize,
    /// What plugins show there.
    pub shown: Vec<ShownState>,
}

/// What a plugin shows of its state of a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ShownState {
    /// The plugin.
    pub plugin: String,
    /// The namespace.
    pub namespace: String,
    /// What it shows.
    pub value: Value,
}

/// An entry of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct EntryView {
    /// Its number.
    pub id: u64,
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// When it was written, in milliseconds since 1970.
    pub at: u64,
    /// What was said.
    pub content: Value,
    /// For an answer of a tool: the call that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The run that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What the host knows of it besides: what plugins added to what was said, which tools the model wanted, how a turn ended.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub meta: Value,
}

/// A turn.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunView {
    /// Its id.
    pub run: String,
    /// The life of the session.
    pub life: String,
    /// Why there was a turn.
    pub trigger: String,
    /// Where it came from, and who was behind it.
    pub facts: Value,
    /// `running`, `done`, `failed`, `cancelled`, `blocked` or `interrupted`.
    pub status: &'static str,
    /// When it began, in milliseconds since 1970.
    pub began_at: u64,
    /// When it ended.
    pub ended_at: Option<u64>,
    /// Why it failed, or was blocked.
    pub error: Option<String>,
}

/// JSON of the state; what isn't any more is shown as text.
fn value(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

impl From<Shown> for ShownState {
    fn from(Shown { plugin, namespace, value: shown }: Shown) -> Self {
        Self { plugin, namespace, value: value(shown) }
    }
}

impl From<StoredEntry> for EntryView {
    fn from(StoredEntry { id, at, entry, .. }: StoredEntry) -> Self {
        let meta = entry.meta.map_or(Value::Null, value);
        Self { id, role: entry.role, at, content: value(entry.content), tool_call_id: entry.tool_call_id, run: entry.run, meta }
    }
}

impl From<RunRow> for RunView {
    fn from(row: RunRow) -> Self {
        let RunRow { run, life, trigger, facts, status, began_at, ended_at, error, session: _ } = row;
        Self { run, life, trigger, facts: value(facts), status: status.as_str(), began_at, ended_at, error }
    }
}

impl Gateway {
    /// Sessions behind this key, by key; fewer than asked for when an answer's bytes are used up, none at the end.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn sessions(&self, after: Option<&str>, limit: NonZeroUsize) -> Result<Vec<SessionView>, StateError> {
        Ok(self.0.store.sessions(after, limit).await?.into_iter().map(|row| self.viewed(row)).collect())
    }

    /// The session with this key.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn session(&self, key: &str) -> Result<Option<SessionView>, StateError> {
        Ok(self.0.store.session(key).await?.map(|row| self.viewed(row)))
    }

    /// Entries of a session's present life, oldest first; fewer than asked for when an answer's bytes are used up. None: there is no such session.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn transcript(&self, key: &str, window: Window) -> Result<Option<Vec<EntryView>>, StateError> {
        let Some(SessionRow { id, .. }) = self.0.store.session(key).await? else { return Ok(None) };
        Ok(Some(self.0.store.entries(key, &id, window)?.into_iter().map(EntryView::from).collect()))
    }

    /// Turns of a session, newest first.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn runs_of(&self, session: &str, limit: NonZeroUsize) -> Result<Vec<RunView>, StateError> {
        Ok(self.0.store.runs(session, limit).await?.into_iter().map(RunView::from).collect())
    }

    /// What plugins did in a turn, as far as it is kept.
    #[must_use]
    pub fn receipts(&self, run: &str) -> Vec<Receipt> {
        self.0.hooks.receipts(run)
    }

    /// Puts a plugin's state of a session, or takes it away. For operators.
    ///
    /// # Errors
    /// If there is no such plugin, namespace or session, or the state can't be written.
    pub async fn patch_state(&self, session: &str, plugin: &str, namespace: &str, value: Option<Json>) -> Result<Patched, PatchError> {
        self.0.desk.session_state().patch_as_admin(session, plugin, namespace, value).await
    }

    fn viewed(&self, row: SessionRow) -> SessionView {
        let SessionRow { key, id, created_at, began_at, updated_at, entries, shown } = row;
        let (turns, shown) = (self.0.lines.standing(&key), shown.into_iter().map(ShownState::from).collect());
        SessionView { key, id, created_at, began_at, updated_at, entries, turns, shown }
    }
}
