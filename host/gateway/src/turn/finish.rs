//! The end of a turn, however it ends: its session says so where there is no answer, observers are told, its run ends, the context engine hears of it, and the session's next turn may begin.

use super::model::millis;
use super::{Ended, Run, Stopped, TurnEvent, TurnStatus};
use crate::runs::HostTopic;
use plugbay_runtime::state::{RunStatus, SessionBounds, StateError};
use plugbay_runtime::{AgentEnd, Role, TurnEnded};
use serde_json::json;

/// Bytes of an answer's beginning that a stopped turn keeps.
const UNFINISHED: usize = SessionBounds::META / 16;
/// Bytes of an error that is kept.
const ERROR: usize = SessionBounds::META / 16;

/// What is to be said of an end.
struct Said {
    status: TurnStatus,
    kept: RunStatus,
    /// In the session, where there is no answer.
    note: Option<&'static str>,
    /// Why, for everybody.
    error: Option<String>,
    /// Why, for the operator.
    reason: Option<String>,
    event: Option<TurnEvent>,
}

impl Said {
    fn of(ended: Ended) -> Self {
        let plain = |status, kept| Self { status, kept, note: None, error: None, reason: None, event: None };
        let stopped = |status, kept, note, why: &str, event| {
            let (error, reason) = (Some(why.to_owned()), Some(why.to_owned()));
            Self { note: Some(note), error, reason, event: Some(event), ..plain(status, kept) }
        };
        let failed = |error: String, unanswered| {
            let event = TurnEvent::Failed { error: error.clone(), unanswered };
            stopped(TurnStatus::Failed, RunStatus::Failed, "This turn failed, so there is no answer.", &error, event)
        };
        match ended {
            Ended::Done => plain(TurnStatus::Done, RunStatus::Done),
            Ended::Blocked { reason, shown } => {
                Self { error: Some(shown), reason: Some(reason), ..plain(TurnStatus::Blocked, RunStatus::Blocked) }
            }
            Ended::Stopped(Stopped::Cancelled) => {
                stopped(TurnStatus::Cancelled, RunStatus::Cancelled, "This turn was cancelled.", "cancelled", TurnEvent::Cancelled)
            }
            Ended::Stopped(Stopped::HostStops) => {
                let note = "The host stopped in the middle of this turn, so there is no answer.";
                stopped(TurnStatus::Interrupted, RunStatus::Interrupted, note, "the host stops", TurnEvent::Interrupted)
            }
            Ended::Stopped(Stopped::Failed(error)) => failed(error, None),
            Ended::Stopped(Stopped::Unanswered { kind, why }) => failed(why, Some(kind)),
        }
    }
}

impl Run {
    /// Ends it.
    pub(super) async fn finish(mut self, ended: Ended) {
        let done = matches!(ended, Ended::Done);
        let Said { status, kept, note, error, reason, event } = Said::of(ended);
        if let Some(note) = note {
            self.note(note, kept, error.as_deref()).await;
        }
        if let Some(event) = event {
            self.listener.tell(event);
        }
        let phase = if error.is_none() { "end" } else { "error" };
        self.guard.event(HostTopic::Lifecycle, &json!({ "phase": phase, "status": kept.as_str(), "error": error }));
        let ended = TurnEnded { success: error.is_none(), error, duration_ms: millis(self.began.elapsed()), attrs: Vec::new() };
        self.gateway.hooks.tell::<AgentEnd>(&self.call(), ended);
        let reason = reason.map(|reason| cut(reason, ERROR));
        if let Err(error) = self.ended(kept, reason.as_deref()).await {
            tracing::error!(run = %self.guard.id(), %error, "the end of a turn can't be written: the next start finds it interrupted");
        }
        self.close_context(done).await;
        // The end is told once the session is free, so that who hears of it finds it so.
        let (listener, place) = (self.listener.clone(), self.unended.over());
        drop(self);
        drop(place);
        listener.tell(TurnEvent::End { status });
    }

    /// Writes down that it has ended. With it, so that no kill comes between: that the context engine is to hear of it, if it is done.
    async fn ended(&self, kept: RunStatus, reason: Option<&str>) -> Result<bool, StateError> {
        let (store, run) = (&self.gateway.store, self.guard.id());
        match self.seat.untold().filter(|_| kept == RunStatus::Done) {
            Some(untold) => store.end_run_untold(run, kept, reason, untold).await,
            None => store.end_run(run, kept, reason).await,
        }
    }

    /// Says in the session why there is no answer, and keeps what was heard of one.
    async fn note(&mut self, note: &str, status: RunStatus, why: Option<&str>) {
        let unfinished = cut(std::mem::take(&mut self.unfinished), UNFINISHED);
        let mut meta = json!({ "status": status.as_str(), "why": why.map(|why| cut(why.to_owned(), ERROR)) });
        if let (false, Some(facts)) = (unfinished.is_empty(), meta.as_object_mut()) {
            facts.insert("unfinished".to_owned(), json!(unfinished));
        }
        let entry = self.entry(Role::System, &json!(note), None, &meta);
        if let Err(stopped) = self.append(Some(entry)).await {
            tracing::warn!(run = %self.guard.id(), ?stopped, "the end of a turn can't be said in its session");
        }
    }
}

fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}
