//! Turns that are under way or wait, and how each is stopped. It costs a lookup; a turn that has ended isn't known any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::{CancellationToken, DropGuard};

/// All of them.
#[derive(Clone, Default)]
pub(crate) struct Live(Arc<Inner>);

#[derive(Default)]
struct Inner {
    runs: Mutex<HashMap<Arc<str>, CancellationToken>>,
    /// The host waits for none of them any more.
    cut: CancellationToken,
}

/// How one turn is stopped. Dropping it forgets the turn.
pub(crate) struct Stop {
    live: Live,
    run: Arc<str>,
    cancelled: CancellationToken,
}

/// Why a turn is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    Cancelled,
    HostStops,
}

impl Live {
    pub(crate) fn add(&self, run: Arc<str>) -> Stop {
        let cancelled = CancellationToken::new();
        self.lock().insert(run.clone(), cancelled.clone());
        Stop { live: self.clone(), run, cancelled }
    }

    pub(crate) fn cancel(&self, run: &str) -> bool {
        self.lock().get(run).map(CancellationToken::cancel).is_some()
    }

    /// Cancelled, when somebody cancels the run; never, once it has come to its end. None: it isn't known.
    pub(crate) fn cancelled(&self, run: &str) -> Option<CancellationToken> {
        self.lock().get(run).cloned()
    }

    pub(crate) fn runs(&self) -> Vec<Arc<str>> {
        self.lock().keys().cloned().collect()
    }

    /// All of them, now and from now on.
    pub(crate) fn cut(&self) {
        self.0.cut.cancel();
    }

    /// Waits for this, unless the host waits for nothing any more; then it is dropped.
    pub(crate) async fn until_cut<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.0.cut.run_until_cancelled(work).await
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, CancellationToken>> {
        self.0.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stop {
    /// Cancels the turn when it is dropped, unless it is disarmed before.
    pub(crate) fn unless_kept(&self) -> DropGuard {
        self.cancelled.clone().drop_guard()
    }

    /// For calls that end with it: cancelled when the turn is, or before.
    pub(crate) fn calls(&self) -> CancellationToken {
        self.cancelled.child_token()
    }

    /// Waits for this, unless the turn is to stop before; then it is dropped.
    pub(crate) async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, Why> {
        tokio::select! {
            biased;
            () = self.cancelled.cancelled() => Err(Why::Cancelled),
            () = self.live.0.cut.cancelled() => Err(Why::HostStops),
            done = work => Ok(done),
        }
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.live.lock().remove(&self.run);
    }
}
