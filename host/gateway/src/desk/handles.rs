//! Handles of sessions that are out: plugins may keep one longer than a call, and when the session is deleted all of them must know.
//!
//! It costs a short lock when a handle is made, and a few bytes for each session of which one is out.

use plugbay_runtime::{Session, WeakSession};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many may be listed before those that nobody holds any more are dropped.
const SWEEP: usize = 1_024;

/// All handles that are out. Cheap to clone: all clones are one.
#[derive(Clone, Default)]
pub struct SessionHandles(Arc<Mutex<Out>>);

#[derive(Default)]
struct Out {
    /// By key and life.
    by_name: HashMap<(String, String), WeakSession>,
    sweep_at: usize,
}

impl SessionHandles {
    /// The handle of this life of a session: one for all who hold it.
    #[must_use]
    pub fn handle(&self, key: &str, life: &str) -> Session {
        let mut out = self.out();
        let name = (key.to_owned(), life.to_owned());
        if let Some(session) = out.by_name.get(&name).and_then(WeakSession::upgrade) {
            return session;
        }
        let session = Session::new(key, life);
        out.by_name.insert(name, session.downgrade());
        if out.by_name.len() > out.sweep_at.max(SWEEP) {
            out.by_name.retain(|_, weak| weak.upgrade().is_some());
            out.sweep_at = out.by_name.len() * 2;
        }
        session
    }

    /// The session was deleted: every handle of it, of whichever life, answers `gone` from now on.
    pub fn deleted(&self, key: &str) {
        self.out().by_name.retain(|(name, _), weak| {
            let of_it = name == key;
            if let Some(session) = weak.upgrade().filter(|_| of_it) {
                session.delete();
            }
            !of_it
        });
    }

    /// How many are listed.
    #[must_use]
    pub fn count(&self) -> usize {
        self.out().by_name.len()
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
