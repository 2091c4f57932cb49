//! A bay: where a plugin's cells stand, and where its calls queue for them.
//!
//! [`Bay::enter`] gives a [`Lease`]: the right to one cell, and the cell itself if one is warm. The one who holds the lease puts a fresh cell in
//! where there is none. When the lease ends the cell goes back, unless it is [spent](Occupant::is_spent). A plugin that is slow or full delays nobody
//! else: each plugin has its own bay. Entering a free bay costs a semaphore and a short lock; waiting is bounded in number and counts against
//! the call's deadline.

use crate::cell::{Budget, Cell};
use crate::fault::Unserved;
use crate::limits::{Limit, Overrun};
use crate::log::lock;
use std::collections::HashMap;
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

/// How a plugin keeps its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Isolation {
    /// One long-lived cell; calls queue in order.
    #[default]
    Shared,
    /// Up to so many cells; any free one serves.
    Pool(NonZeroU16),
    /// A cell for each session, and one for calls without a session. The least recently used is dropped when there would be more than 64.
    Session,
    /// A fresh cell for each call.
    Call,
}

/// Cells that `session` keeps and that `call` has at once.
const MANY: usize = 64;

/// What a bay keeps.
pub trait Occupant: Send + 'static {
    /// Whether it can't serve again.
    fn is_spent(&self) -> bool;
}

impl<T: Send + 'static> Occupant for Cell<T> {
    fn is_spent(&self) -> bool {
        self.is_broken()
    }
}

/// One plugin's cells and its queue.
pub struct Bay<C> {
    isolation: Isolation,
    /// The berth of calls without a session; for the other kinds of isolation, of all calls.
    common: Arc<Berth<C>>,
    /// The berths of sessions.
    sessions: Mutex<Sessions<C>>,
    /// For `session`: calls at once, over all sessions.
    at_once: Arc<Semaphore>,
    waiting: AtomicUsize,
    may_wait: usize,
}

struct Sessions<C> {
    berths: HashMap<String, Arc<Berth<C>>>,
    /// Grows with each entry, so that the least recently used session can be told.
    turn: u64,
}

/// Cells that stand for each other.
struct Berth<C> {
    permits: Semaphore,
    warm: Mutex<Vec<C>>,
    keeps: bool,
    last_used: Mutex<u64>,
    /// Cells that were lost here and not replaced yet.
    lost: AtomicUsize,
}

impl<C> Berth<C> {
    fn new(cells: usize, keeps: bool) -> Arc<Self> {
        let permits = Semaphore::new(cells);
        Arc::new(Self { permits, warm: Mutex::new(Vec::new()), keeps, last_used: Mutex::new(0), lost: AtomicUsize::new(0) })
    }
}

impl<C: Occupant> Bay<C> {
    /// An empty bay in which at most `may_wait` calls wait.
    #[must_use]
    pub fn new(isolation: Isolation, may_wait: usize) -> Self {
        let common = match isolation {
            Isolation::Shared | Isolation::Session => Berth::new(1, true),
            Isolation::Pool(cells) => Berth::new(cells.get().into(), true),
            Isolation::Call => Berth::new(MANY, false),
        };
        let sessions = Mutex::new(Sessions { berths: HashMap::new(), turn: 0 });
        Self { isolation, common, sessions, at_once: Arc::new(Semaphore::new(MANY)), waiting: AtomicUsize::new(0), may_wait }
    }

    /// How the bay keeps its cells.
    #[must_use]
    pub const fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// Waits for a place, for a call about this session.
    ///
    /// # Errors
    /// [`Unserved::Busy`] if too many wait already; [`Unserved::Waited`] at the deadline.
    pub async fn enter(&self, session: Option<&str>, budget: &Budget) -> Result<Lease<C>, Unserved> {
        let session = session.filter(|_| self.isolation == Isolation::Session);
        let Some(session) = session else {
            let waited = self.acquire(&self.common.permits, budget).await?;
            return Ok(Lease::new(self.common.clone(), waited));
        };
        let berth = lock(&self.sessions).berth(session);
        let entered = self.enter_session(berth, budget).await;
        if entered.is_err() {
            lock(&self.sessions).forget();
        }
        entered
    }

    async fn enter_session(&self, berth: Arc<Berth<C>>, budget: &Budget) -> Result<Lease<C>, Unserved> {
        let waited = self.acquire(&berth.permits, budget).await?;
        let mut lease = Lease::new(berth, waited);
        lease.waited |= self.acquire(&self.at_once, budget).await?;
        lease.at_once = Some(self.at_once.clone());
        if lease.cell.is_none() {
            lease.displaced = lock(&self.sessions).make_room();
        }
        Ok(lease)
    }

    /// How many cells are warm.
    #[must_use]
    pub fn warm(&self) -> usize {
        lock(&self.sessions).berths.values().chain([&self.common]).map(|b| lock(&b.warm).len()).sum()
    }

    /// Takes all warm cells out, to end them in good order.
    #[must_use]
    pub fn clear(&self) -> Vec<C> {
        let sessions = std::mem::take(&mut lock(&self.sessions).berths);
        sessions.values().chain([&self.common]).flat_map(|b| std::mem::take(&mut *lock(&b.warm))).collect()
    }

    /// Takes a permit, which the lease gives back. Whether that took waiting.
    async fn acquire(&self, permits: &Semaphore, budget: &Budget) -> Result<bool, Unserved> {
        if let Ok(place) = permits.try_acquire() {
            place.forget();
            return Ok(false);
        }
        let _waiting = self.wait_in_line()?;
        // Boxed, so that the usual call, which doesn't wait, isn't as large as this one.
        match Box::pin(timeout_at(budget.deadline, permits.acquire())).await {
            Ok(Ok(place)) => {
                place.forget();
                Ok(true)
            }
            // A semaphore of ours is never closed; if it were, nobody could be served either.
            Ok(Err(_)) | Err(_) => Err(Unserved::Waited(budget.over())),
        }
    }

    fn wait_in_line(&self) -> Result<Waiting<'_>, Unserved> {
        let waiting = Waiting(&self.waiting);
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        if before >= self.may_wait {
            return Err(Unserved::Busy(Overrun::count(Limit::Waiting, before + 1, self.may_wait)));
        }
        Ok(waiting)
    }
}

/// A call that waits, counted.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<C> Sessions<C> {
    fn berth(&mut self, session: &str) -> Arc<Berth<C>> {
        self.turn += 1;
        let berth = match self.berths.get(session) {
            Some(berth) => berth.clone(),
            None => {
                let berth = Berth::new(1, true);
                self.berths.insert(session.to_owned(), berth.clone());
                berth
            }
        };
        *lock(&berth.last_used) = self.turn;
        berth
    }

    /// Forgets sessions of which there is nothing to know: no cell, no call, no cell that was lost.
    fn forget(&mut self) {
        let known = |berth: &Arc<Berth<C>>| !lock(&berth.warm).is_empty() || berth.lost.load(Ordering::Relaxed) > 0;
        self.berths.retain(|_, berth| Arc::strong_count(berth) > 1 || known(berth));
    }

    /// While there are too many sessions, takes the cell of the one that was idle longest.
    fn make_room(&mut self) -> Vec<C> {
        self.forget();
        let mut displaced = Vec::new();
        while self.berths.len() > MANY {
            let idle = self.berths.iter().filter(|(_, berth)| Arc::strong_count(berth) == 1);
            let Some(oldest) = idle.min_by_key(|(_, berth)| *lock(&berth.last_used)).map(|(session, _)| session.clone()) else { break };
            displaced.extend(self.berths.remove(&oldest).into_iter().flat_map(|berth| std::mem::take(&mut *lock(&berth.warm))));
        }
        displaced
    }
}

/// The right to one cell. Ends when it is dropped.
pub struct Lease<C: Occupant> {
    cell: Option<C>,
    berth: Arc<Berth<C>>,
    displaced: Vec<C>,
    waited: bool,
    /// For `session`: what counts calls over all sessions.
    at_once: Option<Arc<Semaphore>>,
}

impl<C: Occupant> Lease<C> {
    /// For one who has taken a permit of this berth.
    fn new(berth: Arc<Berth<C>>, waited: bool) -> Self {
        let cell = lock(&berth.warm).pop();
        Self { cell, berth, displaced: Vec::new(), waited, at_once: None }
    }

    /// Whether the lease was waited for; else no time worth measuring has passed.
    #[must_use]
    pub const fn waited(&self) -> bool {
        self.waited
    }

    /// The cell, if there is one.
    pub const fn cell(&mut self) -> Option<&mut C> {
        self.cell.as_mut()
    }

    /// Whether a cell that is put in replaces one that was lost.
    #[must_use]
    pub fn replaces_lost(&self) -> bool {
        self.berth.lost.load(Ordering::Relaxed) > 0
    }

    /// Puts a fresh cell in.
    pub fn furnish(&mut self, cell: C) -> &mut C {
        let one_less = |lost: usize| lost.checked_sub(1);
        let _ = self.berth.lost.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less); // none was lost: nothing to count
        self.cell.insert(cell)
    }

    /// Cells that had to make room for this one, to be ended in good order.
    #[must_use]
    pub fn displaced(&mut self) -> Vec<C> {
        std::mem::take(&mut self.displaced)
    }
}

impl<C: Occupant> Drop for Lease<C> {
    fn drop(&mut self) {
        match self.cell.take() {
            Some(cell) if cell.is_spent() => drop(self.berth.lost.fetch_add(1, Ordering::Relaxed)),
            Some(cell) if self.berth.keeps => lock(&self.berth.warm).push(cell),
            _ => {}
        }
        self.berth.permits.add_permits(1);
        if let Some(at_once) = &self.at_once {
            at_once.add_permits(1);
        }
    }
}
