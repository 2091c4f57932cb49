//! A turn that hasn't ended: its place in the session's line, and what is done if it is dropped as it is, since an embedder forgot it or a step of it was a defect.
//!
//! Then it has failed: the session says so, its run ends, only then the session's next turn begins, and the context engine hears that its part is over. Without a tokio runtime the host is gone, and the next start says so.

use crate::context::builtin::Life;
use crate::context::{Occasion, Seat};
use crate::gateway::Inner;
use crate::sessions::Place;
use plugbay_runtime::state::{NewEntry, RunStatus, StateError};
use plugbay_runtime::{AgentEnd, Call, TurnEnded};
use serde_json::json;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// What the session says.
const NOTE: &str = "This turn was given up, so there is no answer.";
/// Why.
const WHY: &str = "the turn was dropped before it ended";

pub(super) struct Unended {
    pub(super) gateway: Arc<Inner>,
    pub(super) run: Arc<str>,
    pub(super) key: Arc<str>,
    pub(super) life: Arc<str>,
    pub(super) seat: Arc<Seat>,
    /// Ends what the context engine is at for it.
    pub(super) engine: CancellationToken,
    /// Nothing, once it has ended.
    pub(super) place: Option<Place>,
}

impl Unended {
    /// It has ended; the place is given up when the caller drops it.
    pub(super) fn over(&mut self) -> Option<Place> {
        self.place.take()
    }
}

impl Drop for Unended {
    fn drop(&mut self) {
        let (Some(place), Ok(background)) = (self.place.take(), Handle::try_current()) else { return };
        self.engine.cancel();
        let (gateway, run, key, life) = (self.gateway.clone(), self.run.clone(), self.key.clone(), self.life.clone());
        let seat = self.seat.clone();
        let ending = async move {
            let call = Call::new().session(gateway.desk.handles().handle(&key, &life)).run(run.clone());
            let ended = TurnEnded { success: false, error: Some(WHY.to_owned()), duration_ms: 0, attrs: Vec::new() };
            gateway.hooks.tell::<AgentEnd>(&call, ended);
            if let Err(error) = give_up(&gateway, &run, &key, &life).await {
                tracing::error!(%run, %error, "a turn that was dropped can't be ended: the next start finds it interrupted");
            }
            drop(place);
            let entries = gateway.store.count_entries(&key, &life).unwrap_or_default();
            seat.dispose(&Occasion { call, life: Life { key, life, entries }, heartbeat: false, cancelled: None }).await;
        };
        // Who stops the gateway waits for it.
        self.gateway.turns.spawn_on(ending, &background);
    }
}

async fn give_up(gateway: &Inner, run: &str, key: &str, life: &str) -> Result<(), StateError> {
    let meta = json!({ "status": RunStatus::Failed.as_str(), "why": WHY }).to_string();
    let (role, content) = ("system".to_owned(), json!(NOTE).to_string());
    let note = NewEntry { role, content, tool_call_id: None, run: Some(run.to_owned()), meta: Some(meta) };
    gateway.store.append(key, life, vec![note]).await?;
    gateway.store.end_run(run, RunStatus::Failed, Some(WHY)).await?;
    Ok(())
}
