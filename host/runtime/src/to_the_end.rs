//! A future that, once begun, comes to its end even if nobody waits for it any more.
//!
//! It is polled in place, without a task of its own. Only when its owner drops it half-way does it move to a task, so the usual case costs one allocation.

use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;

/// Work that isn't abandoned half-way.
pub(crate) struct ToTheEnd<T: Send + 'static> {
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    begun: bool,
}

impl<T: Send + 'static> ToTheEnd<T> {
    pub(crate) fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self { work: Some(Box::pin(work)), begun: false }
    }
}

impl<T: Send + 'static> Future for ToTheEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.begun = true;
        // Nobody polls what is done.
        let Some(work) = self.work.as_mut() else { return Poll::Pending };
        let polled = work.as_mut().poll(cx);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for ToTheEnd<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take()
            && self.begun
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;
    use tokio::sync::Notify;

    #[tokio::test]
    async fn work_that_was_begun_goes_on_without_its_caller() {
        let (go, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (theirs, done) = (go.clone(), ended.clone());
        let work = ToTheEnd::new(async move {
            theirs.notified().await;
            done.notify_one();
        });
        assert!(tokio::time::timeout(Duration::from_millis(1), work).await.is_err());
        go.notify_one();
        ended.notified().await;
    }

    #[tokio::test]
    async fn work_that_was_never_begun_is_dropped() {
        let ran = Arc::new(AtomicBool::new(false));
        let theirs = ran.clone();
        drop(ToTheEnd::new(async move { theirs.store(true, Ordering::Relaxed) }));
        tokio::task::yield_now().await;
        assert!(!ran.load(Ordering::Relaxed));
    }
}
