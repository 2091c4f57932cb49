//! A lease: the right to one cell of a bay. It costs the bay's lock once when it ends, and passes its place on to the first who waits for it.

use super::places::Place;
use super::{Inner, Occupant};
use crate::log::lock;
use std::sync::Arc;

/// The right to one cell. Ends when it is dropped.
pub struct Lease<C: Occupant, T> {
    bay: Arc<Inner<C, T>>,
    place: Place<C>,
    waited: bool,
}

impl<C: Occupant, T> Lease<C, T> {
    pub(super) const fn new(bay: Arc<Inner<C, T>>, place: Place<C>, waited: bool) -> Self {
        Self { bay, place, waited }
    }

    /// Whom the bay belongs to that serves: not always the one that was entered.
    #[must_use]
    pub fn tenant(&self) -> &T {
        &self.bay.tenant
    }

    /// Whether the lease was waited for; else no time worth measuring has passed.
    #[must_use]
    pub const fn waited(&self) -> bool {
        self.waited
    }

    /// The cell, if there is one.
    pub const fn cell(&mut self) -> Option<&mut C> {
        self.place.cell.as_mut()
    }

    /// Whether a cell that is put in replaces one that was lost.
    #[must_use]
    pub const fn replaces_lost(&self) -> bool {
        self.place.lost > 0
    }

    /// Puts a fresh cell in.
    pub fn furnish(&mut self, cell: C) -> &mut C {
        self.place.lost = 0;
        self.place.cell.insert(cell)
    }

    /// Cells that had to make room for this one, to be ended in good order.
    #[must_use]
    pub fn displaced(&mut self) -> Vec<C> {
        std::mem::take(&mut self.place.displaced)
    }
}

impl<C: Occupant, T> Drop for Lease<C, T> {
    fn drop(&mut self) {
        let spent = self.place.cell.as_ref().is_some_and(Occupant::is_spent);
        let mut state = lock(&self.bay.state);
        state.places.give_back(&mut self.place, spent);
        let served = state.serve_next(&self.bay);
        drop(state);
        if let Some((waiter, lease)) = served {
            waiter.serve(lease);
        }
        // A cell that the bay didn't keep is dropped with the rest of the lease, when others have been served and nothing is locked.
    }
}
