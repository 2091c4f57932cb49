//! A bay: where a plugin's cells stand, where its calls queue for them, and how the queue moves on when another bay takes over.
//!
//! [`Bay::enter`] gives a [`Lease`]: the right to one cell, and the cell itself if one is warm. The one who holds the lease puts a fresh cell in
//! where there is none. When the lease ends the cell goes straight to the first who waits for it, or back into the bay, unless it is
//! [spent](Occupant::is_spent). A plugin that is slow or full delays nobody else: each plugin has its own bay. A bay has one lock: entering
//! a free one takes it once, and so does leaving, and neither allocates (a session's first call does). Waiting is bounded in number and counts against
//! the call's deadline; who stops waiting leaves the line, and what was meant for them goes to the next.
//!
//! [`Bay::lead_to`] lets another bay take over, with the line as it stands. Nobody who waits is refused or overtaken because of that.

mod lease;
mod line;
mod places;
#[cfg(test)]
mod tests;

use crate::cell::{Budget, Cell};
use crate::fault::Unserved;
use crate::log::lock;
pub use lease::Lease;
use line::{Asked, Comer, Line, Sign};
use places::Places;
use std::iter::from_fn;
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
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

/// One plugin's cells and its queue. A clone is the same bay.
pub struct Bay<C: Occupant, T>(Arc<Inner<C, T>>);

impl<C: Occupant, T> Clone for Bay<C, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Inner<C: Occupant, T> {
    isolation: Isolation,
    may_wait: usize,
    tenant: T,
    state: Mutex<State<C, T>>,
}

/// What the bay's lock guards.
///
/// Whenever it is unlocked, nobody waits who could be served. So whoever comes and finds a place free overtakes nobody.
struct State<C: Occupant, T> {
    places: Places<C>,
    line: Line<C, T>,
    /// Where whoever comes is led. Where it leads elsewhere, nobody waits here and no sign points here.
    leads: Option<Arc<Sign<C, T>>>,
    /// The signs of the bays that lead here.
    signs: Vec<Weak<Sign<C, T>>>,
}

impl<C: Occupant, T> Bay<C, T> {
    /// An empty bay in which at most `may_wait` calls wait. Its leases belong to the tenant.
    #[must_use]
    pub fn new(isolation: Isolation, may_wait: usize, tenant: T) -> Self {
        let state = State { places: Places::new(isolation), line: Line::default(), leads: None, signs: Vec::new() };
        Self(Arc::new(Inner { isolation, may_wait, tenant, state: Mutex::new(state) }))
    }

    /// How the bay keeps its cells.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        self.0.isolation
    }

    /// Waits for a place, for a call about this session: here, or in the bay that this one [leads to](Self::lead_to).
    ///
    /// # Errors
    /// [`Unserved::Busy`] if too many wait already; [`Unserved::Waited`] at the deadline.
    pub async fn enter(&self, session: Option<&str>, budget: &Budget) -> Result<Lease<C, T>, Unserved> {
        self.serve(Comer { session, refusable: true }, budget).await
    }

    /// Waits for a turn behind everybody who waits now, for work of the host's own: it is never refused because too many wait.
    ///
    /// This is how one version of a plugin hands over to the next. In a bay with one place ([`Isolation::Shared`]) those who came before are served
    /// first, and those who come later wait for as long as the lease lives. If the bay [leads](Self::lead_to) to another while the lease lives they
    /// are all served there; otherwise, or if the turn never comes, they are served here, and in order either way. In a bay of several places the
    /// others go on being served beside it. It is led on like any call: [`Lease::tenant`] says whose turn it became.
    ///
    /// # Errors
    /// [`Unserved::Waited`] at the deadline.
    pub async fn turn(&self, budget: &Budget) -> Result<Lease<C, T>, Unserved> {
        self.serve(Comer { session: None, refusable: false }, budget).await
    }

    /// From now on `next` serves whoever waits here and whoever comes, in the order in which they came. Those who hold a lease here finish here.
    ///
    /// Bays that led here lead to `next` too, and `next` no longer leads elsewhere. So leading back is the same as leading on, and whoever comes is led
    /// once, however many bays there were in between. Those who move are never refused for being too many. A bay leads to the last one only,
    /// and keeps that one alone. A bay that should lead to itself stays as it is.
    pub fn lead_to(&self, next: &Self) {
        if Arc::ptr_eq(&self.0, &next.0) {
            return;
        }
        let (mut from, mut to) = lock_both(&self.0, &next.0);
        let outdated = (from.leads.take(), to.leads.take());
        let sign = from.turn_signs(&mut to, &next.0);
        from.leads = Some(sign);
        to.line.join(&mut from.line);
        let served: Vec<_> = from_fn(|| to.serve_next(&next.0)).collect();
        drop((from, to));
        drop(outdated);
        for (waiter, lease) in served {
            waiter.serve(lease);
        }
    }

    /// How many cells are warm.
    #[must_use]
    pub fn warm(&self) -> usize {
        lock(&self.0.state).places.warm()
    }

    /// How many leases of this bay there are.
    #[must_use]
    pub fn at_work(&self) -> usize {
        lock(&self.0.state).places.taken()
    }

    /// Takes all warm cells out, to end them in good order.
    #[must_use]
    pub fn clear(&self) -> Vec<C> {
        lock(&self.0.state).places.clear()
    }

    async fn serve(&self, comer: Comer<'_>, budget: &Budget) -> Result<Lease<C, T>, Unserved> {
        let served = match self.ask(comer)? {
            Asked::Served(lease) => return Ok(lease),
            Asked::InLine(served) => served,
        };
        // Boxed, so that the usual call, which doesn't wait, isn't as large as this one.
        match Box::pin(timeout_at(budget.deadline, served)).await {
            Ok(Ok(lease)) => Ok(lease),
            // A line isn't dropped with somebody in it: where one waits a lease lives, which keeps the bay and serves the next when it ends.
            Ok(Err(_)) | Err(_) => Err(Unserved::Waited(budget.over())),
        }
    }

    /// A lease, or a place in the line of the bay that serves.
    fn ask(&self, comer: Comer<'_>) -> Result<Asked<C, T>, Unserved> {
        let mut led = None;
        loop {
            let bay = led.as_ref().unwrap_or(&self.0);
            let mut state = lock(&bay.state);
            let Some(sign) = &state.leads else { return state.admit(comer, bay) };
            let next = sign.target();
            drop(state);
            led = Some(next);
        }
    }
}

impl<C: Occupant, T> State<C, T> {
    /// A lease, if a place is free; else a place in the line, if there is one.
    fn admit(&mut self, comer: Comer<'_>, bay: &Arc<Inner<C, T>>) -> Result<Asked<C, T>, Unserved> {
        match self.places.take(comer.session, |session| self.line.wants(session)) {
            Some(place) => Ok(Asked::Served(Lease::new(bay.clone(), place, false))),
            None => self.line.stand(comer, bay.may_wait).map(Asked::InLine),
        }
    }

    /// Takes the first out of the line who can be served, with the lease for them. They are told when the bay isn't locked any more.
    fn serve_next(&mut self, bay: &Arc<Inner<C, T>>) -> Option<line::Served<C, T>> {
        let waiter = self.line.next(|session| self.places.has_room(session))?;
        let place = self.places.take(waiter.session(), |session| self.line.wants(session))?;
        Some((waiter, Lease::new(bay.clone(), place, true)))
    }

    /// Lets all signs that point here point to the next bay, and answers one that does.
    fn turn_signs(&mut self, to: &mut Self, next: &Arc<Inner<C, T>>) -> Arc<Sign<C, T>> {
        to.signs.retain(|sign| sign.strong_count() > 0);
        let mut signs: Vec<_> = self.signs.drain(..).filter_map(|sign| Weak::upgrade(&sign)).collect();
        for sign in &signs {
            sign.turn_to(next.clone());
        }
        let sign = signs.pop().unwrap_or_else(|| Arc::new(Sign::to(next.clone())));
        to.signs.extend(signs.iter().chain([&sign]).map(Arc::downgrade));
        sign
    }
}

type Locked<'a, C, T> = MutexGuard<'a, State<C, T>>;

/// Locks two bays, always in the same order.
fn lock_both<'a, C: Occupant, T>(one: &'a Arc<Inner<C, T>>, other: &'a Arc<Inner<C, T>>) -> (Locked<'a, C, T>, Locked<'a, C, T>) {
    if Arc::as_ptr(one) < Arc::as_ptr(other) {
        let first = lock(&one.state);
        (first, lock(&other.state))
    } else {
        let first = lock(&other.state);
        (lock(&one.state), first)
    }
}
