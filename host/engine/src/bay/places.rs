//! The places of a bay: who may sit how many at once, which cells are warm, and which were lost. Plain data under the bay's lock; nothing here waits, fails
//! or runs code of others.
//!
//! Taking and giving back a place costs a vector's pop and push; with `session` a map's look-up each, and a walk over the sessions (64 and few more)
//! when one of them needs a fresh cell.

use super::Isolation;
use std::collections::HashMap;
use std::mem::take;
use std::sync::Arc;

/// Cells that `session` keeps, calls that it serves at once, and cells that `call` has at once.
const MANY: usize = 64;

/// All places of a bay.
pub(super) struct Places<C> {
    /// Whether cells serve more than once.
    keeps: bool,
    /// Whether sessions have berths of their own.
    by_session: bool,
    /// The berth of calls without a session; for the other kinds of isolation, of all calls.
    common: Berth<C>,
    sessions: HashMap<Arc<str>, Berth<C>>,
    /// Places that are taken in the berths of sessions.
    taken: usize,
    /// Grows with each entry, so that the least recently used session can be told.
    turn: u64,
}

/// Cells that stand for each other.
struct Berth<C> {
    places: usize,
    taken: usize,
    warm: Vec<C>,
    /// Cells that were lost here and not replaced yet.
    lost: usize,
    last_used: u64,
}

/// A place that is taken.
pub(super) struct Place<C> {
    session: Option<Arc<str>>,
    pub(super) cell: Option<C>,
    /// Lost cells that a fresh one here replaces: one or none.
    pub(super) lost: usize,
    pub(super) displaced: Vec<C>,
}

impl<C> Berth<C> {
    const fn new(places: usize) -> Self {
        Self { places, taken: 0, warm: Vec::new(), lost: 0, last_used: 0 }
    }

    const fn has_room(&self) -> bool {
        self.taken < self.places
    }

    fn take(&mut self, session: Option<Arc<str>>) -> Place<C> {
        self.taken += 1;
        let cell = self.warm.pop();
        let lost = if cell.is_none() { self.lost.min(1) } else { 0 };
        self.lost -= lost;
        Place { session, cell, lost, displaced: Vec::new() }
    }

    fn give_back(&mut self, place: &mut Place<C>, spent: bool, keeps: bool) {
        self.taken -= 1;
        self.lost += place.lost + usize::from(spent);
        if keeps && !spent {
            self.warm.extend(place.cell.take());
        }
    }

    /// Whether there is nothing to know about it: no call, no cell, no cell that was lost.
    const fn is_blank(&self) -> bool {
        self.taken == 0 && self.warm.is_empty() && self.lost == 0
    }
}

impl<C> Places<C> {
    pub(super) fn new(isolation: Isolation) -> Self {
        let places = match isolation {
            Isolation::Shared | Isolation::Session => 1,
            Isolation::Pool(cells) => cells.get().into(),
            Isolation::Call => MANY,
        };
        let (keeps, by_session) = (isolation != Isolation::Call, isolation == Isolation::Session);
        Self { keeps, by_session, common: Berth::new(places), sessions: HashMap::new(), taken: 0, turn: 0 }
    }

    /// Whether a call about this session can be served now.
    pub(super) fn has_room(&self, session: Option<&str>) -> bool {
        match session.filter(|_| self.by_session) {
            None => self.common.has_room(),
            Some(session) => self.taken < MANY && self.sessions.get(session).is_none_or(Berth::has_room),
        }
    }

    /// Takes a place, if one is free. A session that needs a fresh cell may displace others, but none that is `wanted`.
    pub(super) fn take(&mut self, session: Option<&str>, wanted: impl Fn(&str) -> bool) -> Option<Place<C>> {
        if !self.has_room(session) {
            return None;
        }
        let Some(session) = session.filter(|_| self.by_session) else { return Some(self.common.take(None)) };
        let name = self.sessions.get_key_value(session).map_or_else(|| Arc::from(session), |(name, _)| name.clone());
        let berth = self.sessions.entry(name.clone()).or_insert_with(|| Berth::new(1));
        self.turn += 1;
        self.taken += 1;
        berth.last_used = self.turn;
        let mut place = berth.take(Some(name));
        if place.cell.is_none() {
            place.displaced = self.make_room(wanted);
        }
        Some(place)
    }

    /// Gives a place back. Its cell stays in it if it isn't kept, for the caller to drop when nothing is locked.
    pub(super) fn give_back(&mut self, place: &mut Place<C>, spent: bool) {
        let Some(session) = place.session.take() else { return self.common.give_back(place, spent, self.keeps) };
        self.taken -= 1;
        let Some(berth) = self.sessions.get_mut(&session) else { return };
        berth.give_back(place, spent, self.keeps);
        if berth.is_blank() {
            self.sessions.remove(&session);
        }
    }

    /// How many places are taken.
    pub(super) const fn taken(&self) -> usize {
        self.common.taken + self.taken
    }

    /// How many cells are warm.
    pub(super) fn warm(&self) -> usize {
        self.berths().map(|berth| berth.warm.len()).sum()
    }

    /// Takes all warm cells out.
    pub(super) fn clear(&mut self) -> Vec<C> {
        let mut cells = take(&mut self.common.warm);
        cells.extend(self.sessions.values_mut().flat_map(|berth| take(&mut berth.warm)));
        self.sessions.retain(|_, berth| berth.taken > 0);
        cells
    }

    fn berths(&self) -> impl Iterator<Item = &Berth<C>> {
        self.sessions.values().chain([&self.common])
    }

    /// While there are too many sessions, takes the cell of the one that was idle longest.
    fn make_room(&mut self, wanted: impl Fn(&str) -> bool) -> Vec<C> {
        let mut displaced = Vec::new();
        while self.sessions.len() > MANY {
            let idle = self.sessions.iter().filter(|(session, berth)| berth.taken == 0 && !wanted(session));
            let Some(oldest) = idle.min_by_key(|(_, berth)| berth.last_used).map(|(session, _)| session.clone()) else { break };
            displaced.extend(self.sessions.remove(&oldest).into_iter().flat_map(|berth| berth.warm));
        }
        displaced
    }
}
