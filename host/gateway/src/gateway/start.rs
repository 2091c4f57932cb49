//! The start of a gateway: what the one before it left in the middle is settled, then the plugins are told, then there are turns.
//!
//! A turn that a host didn't end is interrupted: its session says so in an entry, with what plugins had it shown, which is spent. What it had claimed and not shown waits
//! for the next turn. Its questions are denied, and the plugins that asked are told why.

use super::{Gateway, Inner, heartbeats};
use plugbay_runtime::state::{Injection, Interrupted, NewEntry, StateError};
use plugbay_runtime::{Call, GatewayStart, Started};
use serde_json::{Value, json};
use std::sync::Arc;

/// Characters of an injection that the entry of an interrupted turn repeats.
const REPEATED: usize = 200;
/// Injections that it lists: so many of the longest fit.
const LISTED: usize = 400;
/// What an interrupted turn's session says.
const SAYS: &str = "The host stopped in the middle of this turn, so there is no answer.";
/// What plugins are told of their questions.
const DENIED: &str = "the host stopped before anybody answered, and started again";

/// What a gateway found when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Turns that nobody had ended.
    pub interrupted: usize,
    /// Questions that nobody had answered.
    pub questions: usize,
    /// Runs of jobs that nobody knows the end of.
    pub jobs: usize,
}

impl Gateway {
    /// Starts: once, after the plugins were loaded, so that they hear of it. Further calls find nothing to do.
    ///
    /// # Errors
    /// If the state can't be read or written. There are no turns then; try again.
    pub async fn start(&self) -> Result<Recovered, StateError> {
        let mut recovered = Recovered::default();
        let started = self.0.started.get_or_try_init(async || {
            recovered = recover(&self.0).await?;
            self.deliveries().begin(&self.0.closing).await?;
            self.0.hooks.tell::<GatewayStart>(&Call::new(), Started { version: env!("CARGO_PKG_VERSION").to_owned(), attrs: Vec::new() });
            heartbeats::begin(&self.0);
            Ok::<(), StateError>(())
        });
        started.await?;
        let scheduled = self.0.scheduled.get_or_try_init(async || {
            recovered.jobs = self.schedule().begin(&self.0).await?;
            Ok::<(), StateError>(())
        });
        scheduled.await?;
        self.resume_removals().await?;
        Ok(recovered)
    }
}

async fn recover(gateway: &Arc<Inner>) -> Result<Recovered, StateError> {
    let (interrupted, orphaned) = gateway.store.recover().await?;
    let mut recovered = Recovered { interrupted: interrupted.len(), questions: orphaned.len(), jobs: 0 };
    orphaned.iter().for_each(|question| gateway.approvals.abandoned(question, DENIED));
    for turn in interrupted {
        recovered.questions += turn.questions.len();
        turn.questions.iter().for_each(|question| gateway.approvals.abandoned(question, DENIED));
        tracing::warn!(
            run = turn.run.run,
            session = turn.run.session,
            shown = turn.shown.len(),
            "a turn was interrupted: its host stopped"
        );
        if let Err(error) = gateway.store.append(&turn.run.session, &turn.run.life, vec![entry(&turn)]).await {
            // It is settled, and won't be found again: the others are to be said all the same.
            tracing::error!(run = turn.run.run, session = turn.run.session, %error, "that a turn was interrupted can't be said in its session");
        }
    }
    Ok(recovered)
}

fn entry(turn: &Interrupted) -> NewEntry {
    let shown: Vec<Value> = turn.shown.iter().take(LISTED).map(listed).collect();
    let meta = json!({ "status": "interrupted", "shown": shown, "shown-in-all": turn.shown.len() });
    NewEntry {
        role: "system".to_owned(),
        content: json!(SAYS).to_string(),
        tool_call_id: None,
        run: Some(turn.run.run.clone()),
        meta: Some(meta.to_string()),
    }
}

fn listed(injection: &Injection) -> Value {
    let text: String = injection.asked.text.chars().take(REPEATED).collect();
    json!({ "id": injection.asked.id, "plugin": injection.asked.plugin, "text": text })
}
