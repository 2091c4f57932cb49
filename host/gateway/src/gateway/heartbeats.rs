//! Heartbeats: sessions whose agent is woken now and then, though nobody says anything.
//!
//! Each session that the settings name has a task, which is idle in between. One that is still busy with a turn isn't woken: the next beat comes. How a heartbeat's turn
//! went is in its session, and in the log if it failed.

use super::{Gateway, Inner};
use crate::turn::{Turn, TurnAsked, TurnError};
use plugbay_runtime::Trigger;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

/// The channel of turns that a heartbeat begins.
const CHANNEL: &str = "heartbeat";

impl Gateway {
    /// Wakes the agent of a session.
    ///
    /// # Errors
    /// Why there is no turn.
    pub async fn heartbeat(&self, session: &str) -> Result<Turn, TurnError> {
        let asked = TurnAsked::said(session, CHANNEL, self.0.heartbeat_prompt.clone());
        self.turn(TurnAsked { trigger: Trigger::Heartbeat, ..asked }).await
    }
}

/// Begins all that the settings name.
pub(super) fn begin(gateway: &Arc<Inner>) {
    for (session, every) in &gateway.heartbeats {
        tokio::spawn(beat(Arc::downgrade(gateway), session.clone(), *every));
    }
}

async fn beat(gateway: Weak<Inner>, session: String, every: Duration) {
    let Some(closing) = gateway.upgrade().map(|gateway| gateway.closing.clone()) else { return };
    let mut beats = tokio::time::interval_at(Instant::now() + every, every);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while closing.run_until_cancelled(beats.tick()).await.is_some() {
        let Some(gateway) = gateway.upgrade().map(Gateway) else { return };
        if gateway.0.lines.standing(&session) > 0 {
            continue;
        }
        match gateway.heartbeat(&session).await {
            Ok(turn) => drop(turn.ended().await),
            Err(error) => tracing::warn!(session, %error, "a heartbeat began no turn"),
        }
    }
}
