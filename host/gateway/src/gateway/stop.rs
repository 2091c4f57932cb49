//! The end of a gateway. Bounded: the drain that is asked for, then [`WIND_UP`] for turns that were cut, 2 s for `session-end`, 5 s for `gateway-stop`, then the plugins' own
//! drain.
//!
//! Turns that run get the drain to come to their end; those that only wait end at once, as interrupted. What is cut says so in its session.

use super::Gateway;
use crate::runs::now;
use plugbay_runtime::state::SessionRow;
use plugbay_runtime::{Call, GatewayStop, SessionEnd, SessionEndReason, SessionEnded, Stopping};
use std::sync::PoisonError;
use std::time::Duration;

/// How long turns that were cut may take to say so.
const WIND_UP: Duration = Duration::from_secs(5);
/// How long all that observe `session-end` have.
const SESSION_END: Duration = Duration::from_secs(2);
/// How long all that observe `gateway-stop` have.
const GATEWAY_STOP: Duration = Duration::from_secs(5);

impl Gateway {
    /// Stops: no new turns; those that run may go on for so long, and so may calls of plugins after that. Nothing is served from then on.
    pub async fn shutdown(&self, drain: Duration, reason: Option<String>) {
        let gateway = &self.0;
        gateway.closing.cancel();
        gateway.turns.close();
        if tokio::time::timeout(drain, gateway.turns.wait()).await.is_err() {
            gateway.live.cut();
            gateway.approvals.stop();
            if tokio::time::timeout(WIND_UP, gateway.turns.wait()).await.is_err() {
                tracing::warn!(
                    turns = gateway.turns.len(),
                    "turns that were cut haven't come to their end: the next start says so in their sessions"
                );
            }
        }
        gateway.approvals.stop();
        self.sessions_end().await;
        gateway.hooks.tell::<GatewayStop>(&Call::new(), Stopping { reason, attrs: Vec::new() });
        self.told("gateway-stop", GATEWAY_STOP).await;
        gateway.plugins.shutdown(drain).await;
    }

    async fn sessions_end(&self) {
        let used = std::mem::take(&mut *self.0.used.lock().unwrap_or_else(PoisonError::into_inner));
        let told = async {
            for key in used {
                match self.0.store.session(&key).await {
                    Ok(Some(row)) => self.tell_end(&row),
                    Ok(None) => {}
                    Err(error) => tracing::warn!(session = key, %error, "its plugins aren't told that the host stops"),
                }
            }
            self.told("session-end", SESSION_END).await;
        };
        if tokio::time::timeout(SESSION_END, told).await.is_err() {
            tracing::warn!("not all sessions were told in time that the host stops");
        }
    }

    fn tell_end(&self, row: &SessionRow) {
        let call = Call::new().session(self.0.desk.handles().handle(&row.key, &row.id));
        let ended = SessionEnded {
            reason: SessionEndReason::Shutdown,
            messages: row.entries,
            duration_ms: now().saturating_sub(row.began_at),
            next: None,
            attrs: Vec::new(),
        };
        self.0.hooks.tell::<SessionEnd>(&call, ended);
    }

    async fn told(&self, what: &str, within: Duration) {
        match self.0.hooks.settled(within).await {
            0 => {}
            left => tracing::warn!(left, ?within, "`{what}`: not all that observers are to be told was told in time"),
        }
    }
}
