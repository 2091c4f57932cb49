//! How a subagent's run is, and what was said in its session.
//!
//! Whoever waits says so to [`Waits`](plugbay_runtime::Waits) first: who would wait for itself is refused before it waits. A run that isn't remembered any more is looked up in the state.

use super::run::{BLOCKED, FAILED, bounded};
use super::table::{Known, PENDING};
use super::{failed, refused};
use crate::gateway::Gateway;
use crate::sessions::StoredConversation;
use plugbay_runtime::state::{RunRow, RunStatus, SessionBounds, SessionRow, StateError, Window};
use plugbay_runtime::{
    Caller, Conversation, Entry, Payload, PluginId, ReEntrant, ServiceCode, ServiceError, SubagentState, SubagentStatus, WINDOW,
    WINDOW_BYTES,
};
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::time::timeout;

/// Runs of a session that are looked through.
const RUNS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(SessionBounds::ANSWER - 1);

impl Gateway {
    /// `subagents.wait`.
    ///
    /// # Errors
    /// `NoRun`, `Closed`, `Unknown`, `ReEntrant`, `Failed`.
    pub(crate) async fn wait_for_subagent(&self, caller: &Caller, run: &str, patience: Duration) -> Result<SubagentStatus, ServiceError> {
        self.runs().behind(caller, "wait")?;
        let child = match self.0.subagents.find(&caller.plugin, run) {
            Some(Known::Ended(status)) => return Ok(status),
            Some(Known::UnderWay(child)) => child,
            None => {
                let unknown = || refused(ServiceCode::Unknown, format!("wait: no subagent of the plugin has, or had, a run `{run}`"));
                return self.ended_earlier(&caller.plugin, run).await.map_err(|e| failed("wait", &e))?.ok_or_else(unknown);
            }
        };
        let mut ended = child.ended();
        if patience.is_zero() {
            return Ok(ended.borrow().clone().unwrap_or(PENDING));
        }
        let refused = |circle: ReEntrant| refused(ServiceCode::ReEntrant, format!("wait: {circle}"));
        let _waiting = self.0.plugins.waits().for_turns(caller, &child.key).map_err(refused)?;
        match timeout(patience, ended.wait_for(Option::is_some)).await {
            Ok(Ok(status)) => Ok(status.clone().unwrap_or(PENDING)),
            Ok(Err(_)) | Err(_) => Ok(PENDING),
        }
    }

    /// `subagents.messages`.
    ///
    /// # Errors
    /// `NoRun`, `Closed`, `Unknown`, `Failed`.
    pub(crate) async fn subagent_messages(&self, caller: &Caller, name: &str, limit: u32) -> Result<Vec<Entry>, ServiceError> {
        self.runs().behind(caller, "messages")?;
        let failed = |e: StateError| failed("messages", &e);
        let unknown = || refused(ServiceCode::Unknown, format!("messages: the plugin has no subagent `{name}`"));
        let store = &self.0.store;
        let row = store.subagent(caller.plugin.as_str(), name).await.map_err(failed)?.ok_or_else(unknown)?;
        let SessionRow { key, id, entries, .. } = store.session(&row.session).await.map_err(failed)?.ok_or_else(unknown)?;
        let count = usize::try_from(limit).unwrap_or(usize::MAX).min(WINDOW);
        let start = entries.saturating_sub(count as u64);
        let conversation = StoredConversation::new(store.clone(), key.into(), id.into(), entries);
        let window = conversation.window(start, count).map_err(|e| refused(ServiceCode::Failed, format!("messages: {e}")))?;
        Ok(newest(window, WINDOW_BYTES))
    }

    /// How a run ended that isn't remembered, by what the state says.
    async fn ended_earlier(&self, plugin: &PluginId, run: &str) -> Result<Option<SubagentStatus>, StateError> {
        let store = &self.0.store;
        for row in store.subagents(Some(plugin.as_str())).await? {
            let found = store.runs(&row.session, RUNS).await?.into_iter().find(|of| of.run == run);
            if let Some(RunRow { life, status, error, .. }) = found {
                let text = if status == RunStatus::Done { self.answer(&row.session, &life, run)? } else { None };
                return Ok(Some(SubagentStatus { state: state(status), text, error: shown(status, error) }));
            }
        }
        Ok(None)
    }

    /// The last words of a run, if they are in the newest part of its session.
    fn answer(&self, key: &str, life: &str, run: &str) -> Result<Option<String>, StateError> {
        let entries = self.0.store.entries(key, life, Window::Newest(SessionBounds::ANSWER))?;
        let last = entries.into_iter().rev().find(|stored| stored.entry.role == "assistant" && stored.entry.run.as_deref() == Some(run));
        let words = last.and_then(|stored| serde_json::from_str::<String>(&stored.entry.content).ok());
        Ok(words.map(bounded))
    }
}

const fn state(status: RunStatus) -> SubagentState {
    match status {
        RunStatus::Running => SubagentState::Pending,
        RunStatus::Done => SubagentState::Done,
        RunStatus::Failed => SubagentState::Failed,
        RunStatus::Blocked => SubagentState::Blocked,
        RunStatus::Cancelled | RunStatus::Interrupted => SubagentState::Cancelled,
    }
}

/// Why a run of the state has no answer. What stands there of a turn that was blocked or failed is for the operator.
fn shown(status: RunStatus, error: Option<String>) -> Option<String> {
    match status {
        RunStatus::Blocked => Some(BLOCKED.to_owned()),
        RunStatus::Failed => Some(FAILED.to_owned()),
        RunStatus::Running | RunStatus::Done | RunStatus::Cancelled | RunStatus::Interrupted => error,
    }
}

/// As many of the newest as fit, and one at least.
fn newest(mut entries: Vec<Entry>, most: usize) -> Vec<Entry> {
    let bytes = |entry: &Entry| match &entry.content {
        Payload::Json(json) => 64 + json.as_str().len(),
        Payload::Truncated { .. } => 64,
    };
    let mut sum = 0;
    let fit = entries.iter().rev().take_while(|entry| {
        sum += bytes(entry);
        sum <= most
    });
    let fit = fit.count().max(1);
    entries.split_off(entries.len().saturating_sub(fit))
}
