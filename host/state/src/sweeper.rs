//! Sweeps expired rows away while nobody writes.
//!
//! Every write clears expired rows of its own namespace; a namespace that nobody writes to any more would keep them. A sweep deletes at most 1,024 rows, so
//! that it holds the write lock as briefly as any other write; after a full one the next follows at once, and others write in between. A sweep that fails
//! is logged and tried again the next time.

use crate::store::StateStore;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Rows of a full sweep.
const FULL: u64 = 1_024;

/// A task that sweeps. It ends when this is dropped, or the store is.
#[derive(Debug)]
pub struct Sweeper(JoinHandle<()>);

impl Sweeper {
    /// Sweeps the store each time that `every` has passed. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(state: &Arc<dyn StateStore>, every: Duration) -> Self {
        Self(tokio::spawn(sweep(Arc::downgrade(state), every)))
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn sweep(state: Weak<dyn StateStore>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(state) = state.upgrade() else { return };
        loop {
            match state.sweep().await {
                Ok(FULL..) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!("expired rows weren't swept away: {error}");
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Memory, Options, Owner, StateLimits, TestClock};

    #[tokio::test]
    async fn what_has_expired_goes_away_without_a_write() {
        let clock = Arc::new(TestClock::at(1_000));
        let limits = StateLimits { rows: 3_000.try_into().unwrap(), ..StateLimits::default() };
        let state: Arc<dyn StateStore> = Arc::new(Memory::new(limits, clock.clone()).unwrap());
        let store = state.open(&Owner::new("a").unwrap(), "n", Options::up_to(3_000)).await.unwrap();
        for n in 0..2_500 {
            store.register(&n.to_string(), "1".into(), Some(10)).await.unwrap();
        }
        store.register("stays", "1".into(), None).await.unwrap();
        clock.advance(10);
        let expired = async || state.usage().await.unwrap().iter().map(|usage| usage.expired).sum::<u64>();
        assert!(expired().await > 1_400, "a write clears a part at most: {}", expired().await);
        let _sweeper = Sweeper::start(&state, Duration::from_millis(1));
        while expired().await > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(store.count().await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_sweeper_keeps_no_store_alive() {
        let state: Arc<dyn StateStore> = Arc::new(Memory::default());
        let weak = Arc::downgrade(&state);
        let sweeper = Sweeper::start(&state, Duration::from_millis(1));
        drop(state);
        while !sweeper.0.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(weak.upgrade().is_none());
    }
}
