//! What stands in for the host's session state in an author's own tests.
//!
//! What it is for: `cargo test` of hooks and tools that keep something about a session. What it costs: nothing. How it fails: as the host does for
//! sessions that are gone and texts that are no JSON. Not here: which namespaces are registered, sizes, grants, `not-live`, projections. Nothing
//! outlives the thread, which in `cargo test` is one test's.

use super::contract::{Error, ErrorCode};
use crate::sessions;
use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local! {
    static STATE: RefCell<BTreeMap<(String, String), String>> = RefCell::default();
}

/// Forgets what was kept about a session.
pub(crate) fn forget(session: &str) {
    STATE.with_borrow_mut(|state| state.retain(|(key, _), _| key != session));
}

fn with<T>(
    session: &str,
    namespace: &str,
    work: impl FnOnce(&mut BTreeMap<(String, String), String>, (String, String)) -> T,
) -> Result<T, Error> {
    if sessions::fake::id(session).is_err() {
        return Err(Error { code: ErrorCode::Gone, message: format!("the session {session:?} was deleted") });
    }
    Ok(STATE.with_borrow_mut(|state| work(state, (session.to_owned(), namespace.to_owned()))))
}

pub(super) fn read(session: &str, namespace: &str) -> Result<Option<String>, Error> {
    with(session, namespace, |state, place| state.get(&place).cloned())
}

pub(super) fn patch(session: &str, namespace: &str, value: &str) -> Result<(), Error> {
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(value) {
        return Err(Error { code: ErrorCode::InvalidInput, message: format!("the value isn't JSON: {error}") });
    }
    with(session, namespace, |state, place| drop(state.insert(place, value.to_owned())))
}

pub(super) fn unset(session: &str, namespace: &str) -> Result<bool, Error> {
    with(session, namespace, |state, place| state.remove(&place).is_some())
}
