//! Who may tidy up behind a turn, of one engine: some at a time, and of those who wait one for each session.
//!
//! A newer one takes the place of an older one of its session: what is tidied up is the conversation as it is then. Where too many wait, the next doesn't. It costs an entry in a table for each that
//! waits, under a short lock. Nothing here fails: who is told to go away leaves what it would have done to the session's next turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// At a time: fewer than a generation has extra cells.
const AT_ONCE: usize = 2;
/// Sessions that wait.
const WAITING: usize = 64;

/// The queue behind the turns of one engine.
pub(super) struct BehindTurns {
    permits: Semaphore,
    /// Who waits, by session, and how it hears that a newer one does.
    waiting: Mutex<HashMap<Arc<str>, Arc<Notify>>>,
}

/// One that waits, until it is dropped.
struct Waiting<'a> {
    queue: &'a BehindTurns,
    session: Arc<str>,
    replaced: Arc<Notify>,
}

impl BehindTurns {
    pub(super) fn new() -> Self {
        Self { permits: Semaphore::new(AT_ONCE), waiting: Mutex::default() }
    }

    /// Waits until it may. None: it needn't, since the session's next turn does, or too many wait.
    pub(super) async fn turn(&self, session: &Arc<str>) -> Option<SemaphorePermit<'_>> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Some(permit);
        }
        let waiting = self.wait(session)?;
        tokio::select! {
            biased;
            () = waiting.replaced.notified() => None,
            permit = self.permits.acquire() => permit.ok(),
        }
    }

    fn wait(&self, session: &Arc<str>) -> Option<Waiting<'_>> {
        let mut waiting = self.waiting();
        let older = waiting.remove(session);
        if waiting.len() >= WAITING {
            drop(waiting);
            tracing::warn!(
                session = &**session,
                waiting = WAITING,
                "a context engine doesn't tidy up behind a turn: too many conversations wait for that already"
            );
            return None;
        }
        if let Some(older) = older {
            tracing::debug!(session = &**session, "a context engine tidies up behind a newer turn instead");
            older.notify_one();
        }
        let replaced = Arc::<Notify>::default();
        waiting.insert(session.clone(), replaced.clone());
        Some(Waiting { queue: self, session: session.clone(), replaced })
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Notify>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = self.queue.waiting();
        if waiting.get(&self.session).is_some_and(|newest| Arc::ptr_eq(newest, &self.replaced)) {
            waiting.remove(&self.session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};

    /// A queue in which nobody may any more, and who keeps it so.
    async fn busy(queue: &BehindTurns) -> Vec<SemaphorePermit<'_>> {
        let mut held = Vec::new();
        for n in 0..AT_ONCE {
            held.push(queue.turn(&format!("held {n}").into()).await.unwrap());
        }
        held
    }

    #[tokio::test]
    async fn one_of_a_session_waits_and_it_is_the_newest() {
        let queue = BehindTurns::new();
        let held = busy(&queue).await;
        let session: Arc<str> = "s".into();
        let (mut first, mut second) = (Box::pin(queue.turn(&session)), Box::pin(queue.turn(&session)));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        assert!(first.await.is_none(), "the second waits in its place");
        assert_eq!(queue.waiting().len(), 1);
        drop(held);
        assert!(second.await.is_some());
        assert!(queue.waiting().is_empty());
    }

    #[tokio::test]
    async fn so_many_wait_and_no_more_and_who_gives_up_makes_room() {
        let queue = BehindTurns::new();
        let held = busy(&queue).await;
        let sessions: Vec<Arc<str>> = (0..=WAITING).map(|n| n.to_string().into()).collect();
        let mut waiting: Vec<_> = sessions.iter().take(WAITING).map(|session| Box::pin(queue.turn(session))).collect();
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none());
        }
        let last = sessions.last().unwrap();
        assert!(queue.turn(last).now_or_never().unwrap().is_none(), "at once");
        let mut again = Box::pin(queue.turn(&sessions[0]));
        assert!(again.as_mut().now_or_never().is_none(), "it takes a place that is taken already");
        drop(again);
        let mut one_more = Box::pin(queue.turn(last));
        assert!(one_more.as_mut().now_or_never().is_none());
        drop((held, one_more));
        let served = waiting.into_iter().collect::<FuturesUnordered<_>>().filter_map(|permit| async { permit.map(drop) }).count().await;
        assert_eq!(served, WAITING - 1, "all but the one that was replaced");
        assert!(queue.waiting().is_empty());
    }
}
