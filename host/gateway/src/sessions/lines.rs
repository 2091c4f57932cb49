//! Turns of one session one after the other, those of different sessions side by side.
//!
//! Each session with a turn has a line; whoever wants the session takes a [`Place`] in it, at once and without waiting, and the place says when its turn has come.
//! It costs one lookup and a few bytes while somebody holds a place; a line that nobody stands in is gone. A line that is full refuses ([`Full`]); whoever drops a
//! place makes way.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The lines of all sessions. Cheap to clone: all clones are one.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<HashMap<Arc<str>, Line>>>);

/// Those who wait, behind the one whose turn it is.
type Line = VecDeque<oneshot::Sender<()>>;

/// So many wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full(pub(crate) usize);

/// A place in a session's line. Dropping it lets the next one go.
pub(crate) struct Place {
    lines: Lines,
    session: Arc<str>,
    state: State,
}

enum State {
    Waits(oneshot::Receiver<()>),
    Goes,
}

impl Lines {
    /// Takes the next place of a session, if fewer than so many wait.
    pub(crate) fn enter(&self, session: &str, most: usize) -> Result<Place, Full> {
        let mut lines = self.lock();
        let state = match lines.get_mut(session) {
            None => {
                lines.insert(session.into(), Line::new());
                State::Goes
            }
            Some(line) => {
                line.retain(|waiting| !waiting.is_closed());
                if line.len() >= most {
                    return Err(Full(line.len()));
                }
                let (call, called) = oneshot::channel();
                line.push_back(call);
                State::Waits(called)
            }
        };
        Ok(Place { lines: self.clone(), session: session.into(), state })
    }

    /// How many stand in a session's line, with the one whose turn it is.
    pub(crate) fn standing(&self, session: &str) -> usize {
        self.lock().get(session).map_or(0, |line| 1 + line.iter().filter(|waiting| !waiting.is_closed()).count())
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.lock().len()
    }

    /// Lets the next one of a line go.
    fn next(&self, session: &str) {
        let mut lines = self.lock();
        let Some(line) = lines.get_mut(session) else { return };
        while let Some(next) = line.pop_front() {
            if next.send(()).is_ok() {
                return;
            }
        }
        lines.remove(session);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until its turn has come. Who stops waiting may wait again.
    pub(crate) async fn turn(&mut self) {
        if let State::Waits(called) = &mut self.state {
            // Whoever is before it calls it, or is gone with all lines.
            drop(called.await);
            self.state = State::Goes;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let goes = match &mut self.state {
            State::Goes => true,
            State::Waits(called) => {
                called.close();
                // It may have been called in this instant.
                called.try_recv().is_ok()
            }
        };
        if goes {
            self.lines.next(&self.session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn goes(place: &mut Place) -> bool {
        place.turn().now_or_never().is_some()
    }

    #[test]
    fn places_go_in_order_and_each_once() {
        let lines = Lines::default();
        let mut places: Vec<Place> = (0..4).map(|_| lines.enter("a", 3).ok().unwrap()).collect();
        assert_eq!(lines.enter("a", 3).err(), Some(Full(3)));
        for _ in 0..4 {
            let going: Vec<bool> = places.iter_mut().map(goes).collect();
            assert_eq!(going.iter().position(|goes| *goes), Some(0));
            assert_eq!(going.iter().filter(|goes| **goes).count(), 1);
            drop(places.remove(0));
        }
        assert_eq!((lines.count(), lines.standing("a")), (0, 0));
    }

    #[test]
    fn sessions_do_not_wait_for_each_other() {
        let lines = Lines::default();
        let mut one = lines.enter("a", 1).ok().unwrap();
        let mut other = lines.enter("b", 1).ok().unwrap();
        assert!(goes(&mut one) && goes(&mut other));
        assert_eq!(lines.count(), 2);
    }

    #[test]
    fn who_gives_up_makes_way_whenever_it_does() {
        let lines = Lines::default();
        let mut first = lines.enter("a", 2).ok().unwrap();
        assert!(goes(&mut first));
        let second = lines.enter("a", 2).ok().unwrap();
        let mut third = lines.enter("a", 2).ok().unwrap();
        drop(second);
        assert_eq!(lines.standing("a"), 2);
        let fourth = lines.enter("a", 2).ok().unwrap();
        drop(first);
        assert!(goes(&mut third));
        // Called, and given up before it noticed.
        drop(third);
        drop(fourth);
        assert_eq!(lines.count(), 0);
    }
}
