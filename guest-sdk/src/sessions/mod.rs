//! Sessions: the one that a call is about, and those that the plugin has met before.
//!
//! What it is for: a handle that says which session it is, whatever happens to it meanwhile; [`open`] finds one again by a key that was kept.
//! What it costs: a call of the host each. How it fails: a session that was deleted answers `gone`; one that the plugin never met can't be opened.
//!
//! Natively (in an author's tests) sessions are made by [`fake::session`], for each thread its own.

#[cfg(not(target_family = "wasm"))]
pub mod fake;

use crate::bindings::imports::plugbay::plugin::sessions as contract;
use crate::bindings::imports::plugbay::plugin::types::{Session as Handle, SessionError};
use crate::refusal::refusals;
use std::fmt;

refusals! {
    /// Why a session can't be opened.
    SessionsError of contract, for "sessions" {
        /// The plugin hasn't met a session of this name in any call.
        Unknown = "unknown",
        /// The session was deleted.
        Gone = "gone",
        /// The host's state can't be read or written. Nothing was changed.
        Failed = "failed",
    }
}

/// The session with this key, if a call of the plugin was ever about it; kept over restarts.
///
/// # Errors
///
/// [`SessionsError`]: it was deleted, or the plugin never met it.
pub fn open(key: &str) -> Result<Session<'static>, SessionsError> {
    #[cfg(target_family = "wasm")]
    let opened = contract::open(key).map(Session::opened);
    #[cfg(not(target_family = "wasm"))]
    let opened = fake::open(key);
    opened.map_err(SessionsError::of("open"))
}

/// A session: one conversation. Only the host mints these handles, so having one means that the plugin has met the session.
pub struct Session<'a>(Kept<'a>);

/// How a handle is kept.
#[cfg(target_family = "wasm")]
enum Kept<'a> {
    /// For the call.
    Lent(&'a Handle),
    /// As long as the plugin likes.
    Opened(Handle),
}

/// Natively, a name.
#[cfg(not(target_family = "wasm"))]
type Kept<'a> = std::borrow::Cow<'a, str>;

#[cfg(target_family = "wasm")]
impl<'a> Session<'a> {
    pub(crate) fn lent(handle: &'a Handle) -> Self {
        Self(Kept::Lent(handle))
    }

    /// One that the host has opened for the plugin.
    pub(crate) fn opened(handle: Handle) -> Session<'static> {
        Session(Kept::Opened(handle))
    }

    /// What the host's functions want.
    pub(crate) fn handle(&self) -> &Handle {
        match &self.0 {
            Kept::Lent(handle) => handle,
            Kept::Opened(handle) => handle,
        }
    }

    /// The session's stable name, the same before and after a reset.
    ///
    /// # Errors
    ///
    /// If it was deleted meanwhile.
    pub fn key(&self) -> Result<String, SessionError> {
        self.handle().key()
    }

    /// The name of this one life of the session: a reset begins a new one.
    ///
    /// # Errors
    ///
    /// If it was deleted meanwhile.
    pub fn id(&self) -> Result<String, SessionError> {
        self.handle().id()
    }
}

#[cfg(not(target_family = "wasm"))]
impl<'a> Session<'a> {
    /// What `#[plugin]` writes mentions it natively, too; nobody calls it there.
    pub(crate) fn lent(_: &'a Handle) -> Self {
        fake::session("")
    }

    /// What the stand-ins want.
    pub(crate) fn handle(&self) -> &str {
        &self.0
    }

    /// The session's stable name, the same before and after a reset.
    ///
    /// # Errors
    ///
    /// If it was deleted meanwhile.
    pub fn key(&self) -> Result<String, SessionError> {
        self.id().map(|_| self.0.clone().into_owned())
    }

    /// The name of this one life of the session: a reset begins a new one.
    ///
    /// # Errors
    ///
    /// If it was deleted meanwhile.
    pub fn id(&self) -> Result<String, SessionError> {
        fake::id(&self.0)
    }
}

impl fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key() {
            Ok(key) => f.debug_tuple("Session").field(&key).finish(),
            Err(_) => f.write_str("Session(gone)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_was_met_is_opened_again_until_it_is_deleted() {
        assert_eq!(open("chat").unwrap_err().code(), "unknown");
        let session = fake::session("chat");
        let (first, again) = (session.id().unwrap(), open("chat").unwrap());
        assert_eq!((again.key(), again.id()), (Ok("chat".into()), Ok(first.clone())));
        fake::reset("chat");
        assert_eq!(again.key(), Ok("chat".into()));
        assert_ne!(again.id().unwrap(), first);
        fake::delete("chat");
        assert_eq!((session.key(), again.id()), (Err(SessionError::Gone), Err(SessionError::Gone)));
        assert_eq!(format!("{session:?}"), "Session(gone)");
        assert_eq!(open("chat").unwrap_err().to_string(), "sessions.open (gone): the session \"chat\" was deleted");
    }

    #[test]
    fn a_state_that_cannot_be_read_fails_once_and_changes_nothing() {
        let session = fake::session("chat");
        fake::fail("the disk is gone");
        assert_eq!(open("chat").unwrap_err().to_string(), "sessions.open (failed): the disk is gone");
        assert_eq!(open("chat").unwrap().id(), session.id());
    }
}
