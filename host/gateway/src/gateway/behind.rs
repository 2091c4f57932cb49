//! What is left to do for a context engine when a turn is over: in nobody's way, and not forgotten when the host stops, which waits for it as it does for turns.
//!
//! It costs a task. Who still waits for its turn when the host begins to stop gives up; what runs gets the drain. Failures are in the log.

use super::Inner;
use crate::context::{Afterwards, Occasion, Seat};
use std::sync::Arc;
use std::time::Duration;

/// How long an engine may take to hear that its part is over, once the host waits for nothing any more.
const FAREWELL: Duration = Duration::from_secs(1);

impl Inner {
    /// Does what is left; then the engine hears that its part is over.
    pub(crate) fn behind(self: &Arc<Self>, seat: Arc<Seat>, occasion: Occasion, left: Afterwards) {
        let (gateway, occasion) = (self.clone(), occasion.without_cancelling());
        self.turns.spawn(async move {
            let work = async {
                if !left.is_nothing() {
                    seat.tidy_up(&occasion, left, &gateway.closing).await;
                }
                seat.dispose(&occasion).await;
            };
            if gateway.live.until_cut(work).await.is_none() {
                // If it takes longer, the plugin is stopped with the host.
                let _ = tokio::time::timeout(FAREWELL, seat.dispose(&occasion)).await;
            }
        });
    }
}
