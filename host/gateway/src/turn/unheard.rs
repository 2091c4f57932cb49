//! What was said of a turn and isn't heard yet: a queue of its events, with one who tells and one who hears.
//!
//! Nobody waits to tell. Words of the model that follow one another wait as one event: a turn whose listener is slow, or away, keeps what was said and nothing more for each
//! piece. It costs a short lock for each event, and fails never: what is told when nobody can hear any more is dropped, and who tells is told so.

use super::TurnEvent;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

#[derive(Debug, Default)]
struct Said {
    events: VecDeque<TurnEvent>,
    hearer: Option<Waker>,
    /// Nothing more will be told.
    over: bool,
    /// Nobody will hear it.
    unheard: bool,
}

/// Tells. Dropping it ends what is heard.
pub(super) struct Teller(Arc<Mutex<Said>>);

/// Hears. Dropping it stops nothing.
#[derive(Debug)]
pub(super) struct Hearer(Arc<Mutex<Said>>);

/// One who tells, and one who hears it.
pub(super) fn unheard() -> (Teller, Hearer) {
    let said = Arc::default();
    (Teller(Arc::clone(&said)), Hearer(said))
}

fn lock(said: &Mutex<Said>) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Teller {
    /// Says something. Whether anybody may still hear it.
    pub(super) fn tell(&self, event: TurnEvent) -> bool {
        let mut said = lock(&self.0);
        if said.unheard {
            return false;
        }
        match (said.events.back_mut(), event) {
            (Some(TurnEvent::Text { text }), TurnEvent::Text { text: more }) => text.push_str(&more),
            (_, event) => said.events.push_back(event),
        }
        let hearer = said.hearer.take();
        drop(said);
        hearer.into_iter().for_each(Waker::wake);
        true
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        let mut said = lock(&self.0);
        said.over = true;
        let hearer = said.hearer.take();
        drop(said);
        hearer.into_iter().for_each(Waker::wake);
    }
}

impl Hearer {
    /// What was said next; nothing when all was said.
    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<Option<TurnEvent>> {
        let mut said = lock(&self.0);
        match said.events.pop_front() {
            Some(event) => Poll::Ready(Some(event)),
            None if said.over => Poll::Ready(None),
            None => {
                said.hearer = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Hearer {
    fn drop(&mut self) {
        let mut said = lock(&self.0);
        said.unheard = true;
        let events = std::mem::take(&mut said.events);
        drop(said);
        drop(events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::future::poll_fn;

    fn text(text: &str) -> TurnEvent {
        TurnEvent::Text { text: text.to_owned() }
    }

    async fn next(hearer: &Hearer) -> Option<String> {
        poll_fn(|context| hearer.poll(context)).await.map(|event| match event {
            TurnEvent::Text { text } => text,
            other => format!("{other:?}"),
        })
    }

    #[tokio::test]
    async fn words_that_nobody_reads_wait_as_one_event() {
        let (teller, hearer) = unheard();
        for event in [text("one "), text("two "), TurnEvent::Cancelled, text("three")] {
            assert!(teller.tell(event));
        }
        assert_eq!(lock(&hearer.0).events.len(), 3);
        assert_eq!(next(&hearer).await.as_deref(), Some("one two "));
        assert_eq!(next(&hearer).await.as_deref(), Some("Cancelled"));
        drop(teller);
        assert_eq!(next(&hearer).await.as_deref(), Some("three"), "what was said is heard, though nobody tells any more");
        assert_eq!((next(&hearer).await, next(&hearer).await), (None, None));
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_what_is_said_and_by_the_end() {
        let (teller, hearer) = unheard();
        assert!(next(&hearer).now_or_never().is_none());
        let hears = tokio::spawn(async move { (next(&hearer).await, next(&hearer).await) });
        tokio::task::yield_now().await;
        assert!(teller.tell(text("one")));
        tokio::task::yield_now().await;
        drop(teller);
        assert_eq!(hears.await.unwrap(), (Some("one".to_owned()), None));
    }

    #[test]
    fn who_is_gone_hears_nothing_and_nothing_is_kept() {
        let (teller, hearer) = unheard();
        assert!(teller.tell(text("one")));
        drop(hearer);
        assert!(!teller.tell(text("two")));
        assert!(lock(&teller.0).events.is_empty());
    }
}
