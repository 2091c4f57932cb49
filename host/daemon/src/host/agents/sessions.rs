//! Sessions: looked at, reset, deleted, and what plugins keep about them changed. What an administrator does is in the history.

use crate::api::types::{
    CompactAsked, EntryView, ReceiptList, RunView, SessionCompacted, SessionDeleted, SessionDetail, SessionList, SessionReset,
    SessionSummary, SessionsQuery, StatePatch, StatePatched, TranscriptPage, TranscriptQuery,
};
use crate::host::{By, Failure, Host, Kind, views};
use plugbay_gateway::CompactionReport;
use plugbay_runtime::Json;
use plugbay_runtime::state::{Fact, Record, StateStore, Window};
use std::num::NonZeroUsize;

/// How many are listed, unless said.
const LISTED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99);
/// Bytes of what somebody wants kept of a conversation.
const INSTRUCTIONS: usize = 16 << 10;
/// How many at most.
const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

impl Host {
    /// Sessions, by key.
    ///
    /// # Errors
    /// If the bounds make no sense, or the state can't be read.
    pub async fn sessions(&self, query: SessionsQuery) -> Result<SessionList, Failure> {
        let limit = bounded("limit", query.limit)?;
        let sessions = self.gateway().sessions(query.after.as_deref(), limit).await?;
        Ok(SessionList { sessions: sessions.into_iter().map(Into::into).collect() })
    }

    /// A session, with its newest turns.
    ///
    /// # Errors
    /// If there is none, or the state can't be read.
    pub async fn session(&self, key: &str) -> Result<SessionDetail, Failure> {
        let summary = self.summary(key).await?;
        let runs = self.gateway().runs_of(key, LISTED).await?.into_iter().map(RunView::from).collect();
        Ok(SessionDetail { summary, runs })
    }

    /// Entries of a session's present life.
    ///
    /// # Errors
    /// If there is no such session, the bounds make no sense, or the state can't be read.
    pub async fn transcript(&self, key: &str, query: TranscriptQuery) -> Result<TranscriptPage, Failure> {
        let count = bounded("count", query.count)?.get();
        let window = query.start.map_or(Window::Newest(count), |start| Window::From { start, count });
        let total = self.summary(key).await?.entries;
        let entries = self.gateway().transcript(key, window).await?.ok_or_else(|| no_session(key))?;
        Ok(TranscriptPage { total, entries: entries.into_iter().map(EntryView::from).collect() })
    }

    /// What plugins did in a turn of a session.
    ///
    /// # Errors
    /// If there is no such session or turn, or the state can't be read.
    pub async fn receipts(&self, key: &str, run: &str) -> Result<ReceiptList, Failure> {
        self.summary(key).await?;
        let runs = self.gateway().runs_of(key, MOST).await?;
        if !runs.iter().any(|known| known.run == run) {
            return Err(Failure::not_found(&format!("turn of the session {key:?}"), run, runs.iter().map(|known| known.run.as_str())));
        }
        let receipts = self.gateway().receipts(run).into_iter().map(Into::into).collect();
        Ok(ReceiptList { receipts, beyond: self.gateway().hooks().receipts_beyond(run) })
    }

    /// Begins another life of a session.
    ///
    /// # Errors
    /// If there is none, too many turns wait, or the state can't be written.
    pub async fn reset_session(&self, key: &str) -> Result<SessionReset, Failure> {
        let life = self.gateway().reset(key).await?.ok_or_else(|| no_session(key))?;
        Ok(SessionReset { key: key.to_owned(), life })
    }

    /// Makes a session's conversation smaller. Who stops waiting stops it.
    ///
    /// # Errors
    /// If there is none, too many turns wait, the engine or the model fails, or the state can't be used.
    pub async fn compact_session(&self, key: &str, asked: CompactAsked, by: By) -> Result<SessionCompacted, Failure> {
        let instructions = asked.instructions.filter(|words| !words.trim().is_empty());
        if let Some(bytes) = instructions.as_ref().map(String::len).filter(|bytes| *bytes > INSTRUCTIONS) {
            return Err(Failure::invalid(format!("`instructions` has {bytes} bytes: at most {INSTRUCTIONS} are taken")));
        }
        let CompactionReport { engine, compacted, why, summary, tokens_before, tokens_after, summarised } =
            self.gateway().compact(key, instructions).await?.ok_or_else(|| no_session(key))?;
        let engine = views::serving_engine(&engine);
        let told = format!("{key}: {tokens_before} tokens, {tokens_after} afterwards, by {engine}");
        self.note(Fact { why: Some(told), ..Fact::new(&by.who, "session-compacted") }).await?;
        Ok(SessionCompacted { key: key.to_owned(), engine, compacted, why, summary, tokens_before, tokens_after, summarised })
    }

    /// Deletes a session with all that belongs to it.
    ///
    /// # Errors
    /// If there is none, too many turns wait, or the state can't be written.
    pub async fn delete_session(&self, key: &str, by: By) -> Result<SessionDeleted, Failure> {
        if !self.gateway().delete(key).await? {
            return Err(no_session(key));
        }
        let why = by.why.as_ref().map_or_else(|| key.to_owned(), |why| format!("{key}: {why}"));
        self.note(Fact { why: Some(why), ..Fact::new(&by.who, "session-deleted") }).await?;
        Ok(SessionDeleted { key: key.to_owned() })
    }

    /// Changes what a plugin keeps about a session.
    ///
    /// # Errors
    /// If it isn't said what to do, there is no such session, plugin or namespace, or the state can't be written.
    pub async fn patch_state(&self, key: &str, plugin: &str, namespace: &str, patch: StatePatch, by: By) -> Result<StatePatched, Failure> {
        let value = match (patch.value, patch.unset) {
            (Some(value), false) => Some(Json::from_value(&value).map_err(|e| Failure::invalid(format!("`value` isn't taken: {e}")))?),
            (None, true) => None,
            (Some(_), true) => {
                return Err(Failure::invalid(
                    "both `value` and `unset` are given: one says what is to be there, the other that nothing is",
                ));
            }
            (None, false) => return Err(Failure::invalid("neither `value` nor `unset` is given: it isn't said what is to be there")),
        };
        self.plugin(plugin)?;
        let what = if value.is_some() { "state-set" } else { "state-unset" };
        let patched = self.gateway().patch_state(key, plugin, namespace, value).await?;
        let fact =
            Fact { plugin: Some(plugin.to_owned()), why: Some(format!("{namespace} of the session {key:?}")), ..Fact::new(&by.who, what) };
        self.note(fact).await?;
        let shown = patched.shown.map(|shown| serde_json::from_str(shown.as_str())).transpose().map_err(Failure::internal)?;
        Ok(StatePatched { replaced: patched.replaced, shown })
    }

    async fn summary(&self, key: &str) -> Result<SessionSummary, Failure> {
        Ok(self.gateway().session(key).await?.ok_or_else(|| no_session(key))?.into())
    }

    /// Writes a line of the history about something that is done.
    pub(super) async fn note(&self, fact: Fact) -> Result<(), Failure> {
        let written = self.0.state.record(Record { documents: Vec::new(), events: vec![fact] }).await?;
        written.map(drop).map_err(|e| Failure::new(Kind::Conflict, "conflict", e.to_string()))
    }
}

/// How many are asked for.
pub(super) fn bounded(name: &str, asked: Option<usize>) -> Result<NonZeroUsize, Failure> {
    let Some(asked) = asked else { return Ok(LISTED) };
    let fits = NonZeroUsize::new(asked).filter(|n| *n <= MOST);
    fits.ok_or_else(|| Failure::invalid(format!("`{name}` is {asked}: expected 1 to {MOST}")))
}

fn no_session(key: &str) -> Failure {
    Failure::not_found("session", key, [])
}
