//! Heartbeats: sessions whose agent is woken now and then, though nobody says anything.
//!
//! Each session that the settings name has a task, which is idle in between. One that is still busy with a turn isn't woken: the next beat comes. How a heartbeat's turn
//! went is in its session, and in the log if it failed.

use super::{Gateway, GatewayError, Inner};
use crate::turn::{Turn, TurnAsked, TurnError, TurnStatus};
use plugbay_runtime::Trigger;
use std::collections::BTreeMap;
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

/// Refuses what no clock keeps.
pub(super) fn check(heartbeats: &BTreeMap<String, Duration>) -> Result<(), GatewayError> {
    let odd = |every: &Duration| every.is_zero() || Instant::now().checked_add(*every).is_none();
    match heartbeats.iter().find(|(_, every)| odd(every)) {
        Some((session, every)) => Err(GatewayError::Heartbeat { session: session.clone(), every: *every }),
        None => Ok(()),
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
            Ok(turn) => {
                let end = turn.ended().await;
                if end.status == TurnStatus::Failed {
                    tracing::warn!(session, error = end.error, "a heartbeat's turn failed");
                }
            }
            Err(error) => tracing::warn!(session, %error, "a heartbeat began no turn"),
        }
    }
}
