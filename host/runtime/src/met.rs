//! Which sessions a plugin was told to have met, so that each is met once.

use crate::call::Session;
use crate::changes::lock;
use std::collections::HashMap;
use std::sync::Mutex;

/// Sessions that are remembered; beyond that one is forgotten at random, and met again.
const MOST: usize = 10_000;

/// Sessions by their keys, each with the life of it that was met last.
#[derive(Default)]
pub(crate) struct Met(Mutex<HashMap<String, String>>);

impl Met {
    /// Whether this life of the session was met. One that was deleted isn't to be met any more.
    pub(crate) fn knows(&self, session: &Session) -> bool {
        let (Some(key), Some(id)) = (session.key(), session.id()) else { return true };
        lock(&self.0).get(key).is_some_and(|met| met == id)
    }

    /// This life of the session was met.
    pub(crate) fn keep(&self, session: &Session) {
        let (Some(key), Some(id)) = (session.key(), session.id()) else { return };
        let mut met = lock(&self.0);
        if met.len() >= MOST
            && !met.contains_key(key)
            && let Some(any) = met.keys().next().cloned()
        {
            met.remove(&any);
        }
        met.insert(key.to_owned(), id.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_life_of_a_session_is_met() {
        let met = Met::default();
        let (first, second) = (Session::new("main", "one"), Session::new("main", "two"));
        assert!(!met.knows(&first));
        met.keep(&first);
        assert!(met.knows(&first) && !met.knows(&second));
        second.delete();
        assert!(met.knows(&second), "nothing that is gone is met");
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let met = Met::default();
        for n in 0..MOST + 100 {
            met.keep(&Session::new(n.to_string(), "one"));
        }
        assert_eq!(lock(&met.0).len(), MOST);
        assert!(met.knows(&Session::new((MOST + 99).to_string(), "one")), "the newest is there");
    }
}
