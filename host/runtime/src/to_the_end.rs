//! Work that, once begun, comes to its end even if nobody waits for it any more.
//!
//! It is polled in place, without a task of its own. Only when its owner drops it half-way does it move to a task, so the usual case costs one allocation; for work after
//! work of one kind in one [`Room`], one for all of it.

use std::future::pending;
use std::mem::replace;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;
use tokio_util::sync::ReusableBoxFuture;

/// Where work stands while it is done, and the next after it.
pub(crate) struct Room<T>(ReusableBoxFuture<'static, T>);

impl<T: Send + 'static> Room<T> {
    /// An empty one. Takes no memory yet.
    pub(crate) fn new() -> Self {
        Self(ReusableBoxFuture::new(pending()))
    }

    /// Does this.
    pub(crate) fn finish(&mut self, work: impl Future<Output = T> + Send + 'static) -> ToTheEnd<'_, T> {
        self.0.set(work);
        ToTheEnd { room: self, begun: false, ended: false }
    }
}

/// Work that isn't abandoned half-way.
pub(crate) struct ToTheEnd<'r, T: Send + 'static> {
    room: &'r mut Room<T>,
    begun: bool,
    ended: bool,
}

impl<T: Send + 'static> Future for ToTheEnd<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if self.ended {
            return Poll::Pending; // nobody polls what is done
        }
        self.begun = true;
        let polled = self.room.0.poll(cx);
        self.ended = polled.is_ready();
        polled
    }
}

impl<T: Send + 'static> Drop for ToTheEnd<'_, T> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let Room(work) = replace(self.room, Room::new());
        if self.begun
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
        let mut room = Room::new();
        let work = room.finish(async move {
            theirs.notified().await;
            done.notify_one();
        });
        assert!(tokio::time::timeout(Duration::from_millis(1), work).await.is_err());
        room.finish(async {}).await; // there is room for the next
        go.notify_one();
        ended.notified().await;
    }

    #[tokio::test]
    async fn work_that_was_never_begun_is_dropped() {
        let ran = Arc::new(AtomicBool::new(false));
        let theirs = ran.clone();
        let mut room = Room::new();
        drop(room.finish(async move { theirs.store(true, Ordering::Relaxed) }));
        tokio::task::yield_now().await;
        assert_eq!((ran.load(Ordering::Relaxed), Arc::strong_count(&ran)), (false, 1));
    }
}
