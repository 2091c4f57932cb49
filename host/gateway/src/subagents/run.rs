//! A run of a subagent, from outside: its turn is followed to its end, stopped when the turn that set it to work is cancelled, and what it came to is kept and told.

use super::table::Child;
use crate::gateway::Gateway;
use crate::turn::{Turn, TurnEnd, TurnStatus};
use plugbay_runtime::{Call, PluginId, Session, SubagentEnd, SubagentEnded, SubagentFate, SubagentState, SubagentStatus};
use std::sync::{Arc, PoisonError};
use tokio_util::sync::CancellationToken;

/// Bytes of an answer that are kept for who waits for it.
const ANSWER: usize = 256 << 10;

impl Gateway {
    /// Follows a turn in the background, until it ends or is to be cancelled.
    pub(super) fn follow(&self, child: Arc<Child>, turn: Turn, cancelled: Option<CancellationToken>) {
        let gateway = self.clone();
        self.0.turns.spawn(async move {
            let mut ended = std::pin::pin!(turn.ended());
            let parents = async {
                match cancelled {
                    Some(cancelled) => cancelled.cancelled().await,
                    None => std::future::pending().await,
                }
            };
            let end = tokio::select! {
                biased;
                end = &mut ended => end,
                () = parents => {
                    let _ = gateway.cancel(&child.run); // it may just have ended
                    ended.await
                }
            };
            gateway.ended(&child, end);
        });
    }

    fn ended(&self, child: &Child, end: TurnEnd) {
        if let (Some(_), Some(error)) = (end.unanswered, &end.error) {
            tracing::warn!(session = child.key, run = %child.run, error, "a subagent's turn failed");
        }
        let fate = child.fate.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(fate(end.status));
        let status = status(end);
        let ended = SubagentEnd {
            child_key: child.key.clone(),
            child_run: child.run.to_string(),
            end: fate,
            error: status.error.clone(),
            attrs: Vec::new(),
        };
        self.0.hooks.tell::<SubagentEnded>(&about_parent(&child.parent, &child.parent_run), ended);
        self.0.subagents.end(child, status, || self.serves(&child.plugin));
    }

    /// Cancels the runs of a subagent that is to go.
    pub(super) fn call_off(&self, key: &str) {
        for child in self.0.subagents.runs_of(key) {
            child.fate.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(SubagentFate::Deleted);
            let _ = self.cancel(&child.run); // it may just have ended
        }
    }

    /// Whether a plugin serves: a call of one that doesn't may still drain on.
    pub(super) fn serves(&self, plugin: &PluginId) -> bool {
        self.0.plugins.get(plugin.as_str()).is_some_and(|plugin| plugin.generation().is_some())
    }
}

/// A call about the session that a subagent works for.
pub(super) fn about_parent(parent: &Session, run: &Arc<str>) -> Call {
    Call::new().session(parent.clone()).run(run.clone())
}

const fn fate(status: TurnStatus) -> SubagentFate {
    match status {
        TurnStatus::Done | TurnStatus::Taken => SubagentFate::Done,
        TurnStatus::Blocked | TurnStatus::Failed => SubagentFate::Failed,
        TurnStatus::Cancelled | TurnStatus::Interrupted => SubagentFate::Killed,
    }
}

/// Why a plugin's message kept a turn from running, where that is not for everybody.
pub(super) const BLOCKED: &str = "a plugin didn't let the turn run";
/// Why a turn failed, where that is not for everybody.
pub(super) const FAILED: &str = "the turn failed";

/// What its plugin may know. Of a model's failure that is the kind: what the provider said may name servers, accounts and keys.
fn status(end: TurnEnd) -> SubagentStatus {
    let TurnEnd { status, message, error, unanswered } = end;
    let error = unanswered.map(|kind| format!("the model didn't answer ({kind})")).or(error);
    let without = |state, why: Option<String>, else_why: &str| SubagentStatus {
        state,
        text: None,
        error: Some(why.unwrap_or_else(|| else_why.to_owned())),
    };
    match status {
        TurnStatus::Done | TurnStatus::Taken => SubagentStatus { state: SubagentState::Done, text: message.map(bounded), error: None },
        TurnStatus::Blocked => without(SubagentState::Blocked, message, BLOCKED),
        TurnStatus::Failed => without(SubagentState::Failed, error, FAILED),
        TurnStatus::Cancelled => without(SubagentState::Cancelled, error, "the turn was cancelled"),
        TurnStatus::Interrupted => without(SubagentState::Cancelled, error, "the host stopped in the middle of the turn"),
    }
}

/// An answer as it is kept: one that is longer says so at its end.
pub(super) fn bounded(mut text: String) -> String {
    let bytes = text.len();
    if bytes > ANSWER {
        text.truncate(text.floor_char_boundary(ANSWER));
        text.push_str(&format!("\n[the answer has {bytes} bytes, and is cut here; `messages` has more of it]"));
    }
    text
}
