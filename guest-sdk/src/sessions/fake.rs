//! What stands in for the host's sessions in an author's own tests.
//!
//! What it is for: a session to put into a [`Call`](crate::Call), and what can happen to one. What it costs: nothing. How it fails: as the host does,
//! whose state can't be read where [`fail`] says so.
//! Nothing outlives the thread, which in `cargo test` is one test's.

use super::contract::{Error, ErrorCode};
use super::{Session, SessionError};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

thread_local! {
    /// By key: which life it is in, or none once it is deleted.
    static MET: RefCell<BTreeMap<String, Option<u32>>> = RefCell::default();
    /// Why sessions can't be opened just now, for each of the next calls.
    static FAILURES: RefCell<VecDeque<String>> = RefCell::default();
}

/// A session that the plugin has met; the same one for the same key.
#[must_use]
pub fn session(key: &str) -> Session<'static> {
    MET.with_borrow_mut(|met| met.entry(key.to_owned()).or_insert(Some(1)).get_or_insert(1).to_owned());
    Session(key.to_owned().into())
}

/// Begins another life of a session: its id changes, its state, its jobs and what was queued for it are gone.
pub fn reset(key: &str) {
    MET.with_borrow_mut(|met| {
        if let Some(Some(life)) = met.get_mut(key) {
            *life += 1;
        }
    });
    forget(key);
}

/// Deletes a session: every method of its handles answers `gone`.
pub fn delete(key: &str) {
    MET.with_borrow_mut(|met| met.insert(key.to_owned(), None));
    forget(key);
}

/// The host's state can't be read when a session is opened next: `failed`, for this reason. After failures that wait already.
pub fn fail(why: impl Into<String>) {
    FAILURES.with_borrow_mut(|failures| failures.push_back(why.into()));
}

/// What hangs on one life of a session.
fn forget(key: &str) {
    crate::session_state::fake::forget(key);
    crate::injections::fake::take(key);
    crate::schedule::fake::forget(key);
}

/// The id of the life that a session is in.
pub(crate) fn id(key: &str) -> Result<String, SessionError> {
    match MET.with_borrow(|met| met.get(key).copied()) {
        Some(Some(life)) => Ok(format!("{key}-{life}")),
        _ => Err(SessionError::Gone),
    }
}

pub(super) fn open(key: &str) -> Result<Session<'static>, Error> {
    if let Some(message) = FAILURES.with_borrow_mut(VecDeque::pop_front) {
        return Err(Error { code: ErrorCode::Failed, message });
    }
    let refused = |code, what: &str| Err(Error { code, message: format!("the session {key:?} {what}") });
    match MET.with_borrow(|met| met.get(key).copied()) {
        Some(Some(_)) => Ok(session(key)),
        Some(None) => refused(ErrorCode::Gone, "was deleted"),
        None => refused(ErrorCode::Unknown, "was never met in a call"),
    }
}
