//! The line in front of a bay, and the signs from bays that no longer serve to the one that does.
//!
//! A waiter is one end of a channel, the call that waits has the other. A call that stops waiting just drops its end. Its waiter stays in the line as an
//! empty place, which is skipped when its turn comes and cleared away before anybody is refused; a lease that was on the way to it ends, and so goes
//! to the next. Standing in line allocates twice; moving a line from bay to bay costs a sort of what is nearly in order.

use super::{Inner, Lease, Occupant};
use crate::fault::Unserved;
use crate::limits::{Limit, Overrun};
use crate::log::lock;
use std::collections::VecDeque;
use std::mem::replace;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// Who comes to a bay.
#[derive(Clone, Copy)]
pub(super) struct Comer<'a> {
    /// What session the call is about.
    pub(super) session: Option<&'a str>,
    /// Whether it may be refused because too many wait.
    pub(super) refusable: bool,
}

/// What becomes of those who come.
pub(super) enum Asked<C: Occupant, T> {
    Served(Lease<C, T>),
    InLine(oneshot::Receiver<Lease<C, T>>),
}

/// One that has left the line, with the lease for it.
pub(super) type Served<C, T> = (Waiter<C, T>, Lease<C, T>);

/// One that stands in line.
pub(super) struct Waiter<C: Occupant, T> {
    /// Also where this bay doesn't care for sessions: the one that the line moves to may.
    session: Option<Box<str>>,
    /// Its number in the order of all that ever stood in any line.
    came: u64,
    served: oneshot::Sender<Lease<C, T>>,
}

impl<C: Occupant, T> Waiter<C, T> {
    pub(super) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Never called with a bay locked: it wakes the one who waits. If that one has given up just now, the lease ends here, which serves the next.
    pub(super) fn serve(self, lease: Lease<C, T>) {
        drop(self.served.send(lease));
    }

    fn waits(&self) -> bool {
        !self.served.is_closed()
    }
}

/// Those who wait, in the order in which they came.
pub(super) struct Line<C: Occupant, T>(VecDeque<Waiter<C, T>>);

impl<C: Occupant, T> Default for Line<C, T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<C: Occupant, T> Line<C, T> {
    /// Stands at the end, unless `may_wait` wait already.
    pub(super) fn stand(&mut self, comer: Comer<'_>, may_wait: usize) -> Result<oneshot::Receiver<Lease<C, T>>, Unserved> {
        static ARRIVALS: AtomicU64 = AtomicU64::new(0);
        if self.0.len() >= may_wait {
            self.0.retain(Waiter::waits);
        }
        if self.0.len() >= may_wait && comer.refusable {
            return Err(Unserved::Busy(Overrun::count(Limit::Waiting, self.0.len() + 1, may_wait)));
        }
        let (served, waits) = oneshot::channel();
        let came = ARRIVALS.fetch_add(1, Ordering::Relaxed);
        self.0.push_back(Waiter { session: comer.session.map(Box::from), came, served });
        Ok(waits)
    }

    /// Takes out the first who still waits and for whose session there is room.
    pub(super) fn next(&mut self, has_room: impl Fn(Option<&str>) -> bool) -> Option<Waiter<C, T>> {
        loop {
            let first = self.0.iter().position(|waiter| has_room(waiter.session()))?;
            let waiter = self.0.remove(first)?;
            if waiter.waits() {
                return Some(waiter);
            }
        }
    }

    /// Whether anybody waits for this session's cell.
    pub(super) fn wants(&self, session: &str) -> bool {
        self.0.iter().any(|waiter| waiter.session() == Some(session) && waiter.waits())
    }

    /// Lets those of another line stand in this one.
    pub(super) fn join(&mut self, other: &mut Self) {
        self.0.append(&mut other.0);
        self.0.make_contiguous().sort_by_key(|waiter| waiter.came);
    }
}

/// Points from bays that no longer serve to the one that does. Only they hold it, so it is gone when they are.
pub(super) struct Sign<C: Occupant, T>(Mutex<Arc<Inner<C, T>>>);

impl<C: Occupant, T> Sign<C, T> {
    pub(super) const fn to(target: Arc<Inner<C, T>>) -> Self {
        Self(Mutex::new(target))
    }

    pub(super) fn target(&self) -> Arc<Inner<C, T>> {
        lock(&self.0).clone()
    }

    pub(super) fn turn_to(&self, target: Arc<Inner<C, T>>) {
        let before = replace(&mut *lock(&self.0), target);
        drop(before);
    }
}
