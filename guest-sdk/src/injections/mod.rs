//! Text that the agent is shown once, in the next turn of a session.
//!
//! ```
//! use plugbay_sdk::injections::Injection;
//! use plugbay_sdk::sessions;
//! use std::time::Duration;
//!
//! # fn main() -> plugbay_sdk::Result<()> {
//! let session = sessions::fake::session("chat"); // in a hook: `call.session()?`
//! let queued = Injection::new("The build is broken.").append().priority(5).ttl(Duration::from_secs(600)).key("build").enqueue(&session)?;
//! assert!(queued.fresh);
//! # Ok(())
//! # }
//! ```
//!
//! What it is for: telling the agent something although no turn is under way. What was answered is kept, also over a host that is killed. What it
//! costs: a call of the host that waits for the commit. How it fails: by an [`InjectionsError`], and then nothing was queued. Bounds: 32,768 characters;
//! a key of 512 bytes; 32 waiting to a plugin and session.
//!
//! Natively (in an author's tests) they wait for [`fake::take`], for each thread its own.

#[cfg(not(target_family = "wasm"))]
pub mod fake;

use crate::bindings::imports::plugbay::plugin::injections as contract;
use crate::refusal::refusals;
use crate::store::milliseconds;
use crate::{Placement, Session, value};
#[cfg(target_family = "wasm")]
use contract as host;
#[cfg(not(target_family = "wasm"))]
use fake as host;
use serde::Serialize;
use std::time::Duration;

/// What became of an injection: its id, or that of the one with the same key that waits already, and whether it was queued just now.
pub use contract::Queued;

refusals! {
    /// Why an injection wasn't queued.
    InjectionsError of contract, for "injections" {
        /// An argument is no good. The message names it.
        InvalidInput = "invalid-input",
        /// The session was deleted, or began another life.
        Gone = "gone",
        /// The plugin has as many waiting for this session as it may. The message says how many.
        LimitExceeded = "limit-exceeded",
        /// The host's state can't be read or written. Nothing was changed.
        Failed = "failed",
        /// The operator denied the grant `prompt`.
        Denied = "denied",
        /// The plugin isn't live yet: it can't write in `activate`, `restore` or a projection.
        NotLive = "not-live",
    }
}

/// What to show in the next turn: before what is said, at priority 0, for as long as it takes, unless something else is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection(contract::Injection);

impl Injection {
    /// Text to show.
    pub fn new(text: impl Into<String>) -> Self {
        Self(contract::Injection {
            text: text.into(),
            placement: Placement::Prepend,
            priority: 0,
            ttl_ms: None,
            idempotency_key: None,
            metadata: None,
        })
    }

    /// Shows it behind what is said, not before it.
    #[must_use]
    pub fn append(mut self) -> Self {
        self.0.placement = Placement::Append;
        self
    }

    /// Higher is shown first; among equals the older.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.0.priority = priority;
        self
    }

    /// How long it waits at most, in whole milliseconds, rounded up.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.0.ttl_ms = Some(milliseconds(ttl));
        self
    }

    /// While one with the same key waits, this one isn't queued.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.idempotency_key = Some(key.into());
        self
    }

    /// Facts of the plugin's own.
    ///
    /// # Errors
    ///
    /// If the value can't be JSON.
    pub fn metadata(mut self, metadata: &(impl Serialize + ?Sized)) -> crate::Result<Self> {
        self.0.metadata = Some(value::text("metadata", metadata).map_err(crate::Error::new)?);
        Ok(self)
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Queues it for the next turn of a session.
    ///
    /// # Errors
    ///
    /// [`InjectionsError`]; nothing was queued then.
    pub fn enqueue(&self, session: &Session<'_>) -> Result<Queued, InjectionsError> {
        enqueue(session, self)
    }
}

/// Queues text for the next turn of a session.
///
/// # Errors
///
/// [`InjectionsError`]; nothing was queued then.
pub fn enqueue(session: &Session<'_>, injection: &Injection) -> Result<Queued, InjectionsError> {
    host::enqueue(session.handle(), &injection.0).map_err(InjectionsError::of("enqueue"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions;

    #[test]
    fn they_wait_by_priority_and_age_and_a_key_queues_once() {
        let session = sessions::fake::session("chat");
        let first = Injection::new(" a ").key("k").enqueue(&session).unwrap();
        let again = Injection::new("b").key("k").enqueue(&session).unwrap();
        assert_eq!((first.fresh, again.fresh, first.id == again.id), (true, false, true));
        Injection::new("c").priority(5).append().ttl(Duration::from_micros(1)).enqueue(&session).unwrap();
        Injection::new("d").metadata(&[1]).unwrap().enqueue(&session).unwrap();
        let waiting = fake::take("chat");
        assert_eq!(waiting.iter().map(Injection::text).collect::<Vec<_>>(), ["c", "a", "d"]);
        assert_eq!(
            (waiting[0].0.placement, waiting[0].0.ttl_ms, waiting[2].0.metadata.as_deref()),
            (Placement::Append, Some(1), Some("[1]"))
        );
        assert!(Injection::new("b").key("k").enqueue(&session).unwrap().fresh, "nothing waits any more");
    }

    #[test]
    fn what_the_host_refuses_is_refused_here() {
        let session = sessions::fake::session("chat");
        let code = |injection: Injection| injection.enqueue(&session).unwrap_err().code();
        assert_eq!(code(Injection::new("  ")), "invalid-input");
        assert_eq!(code(Injection::new("ä".repeat(32_769))), "invalid-input");
        assert_eq!(code(Injection::new("x").key("k".repeat(513))), "invalid-input");
        assert_eq!(code(Injection::new("x").ttl(Duration::ZERO)), "invalid-input");
        (0..32).for_each(|_| assert!(Injection::new("x").enqueue(&session).unwrap().fresh));
        assert_eq!(code(Injection::new("x")), "limit-exceeded");
        sessions::fake::delete("chat");
        assert_eq!(code(Injection::new("x")), "gone");
    }
}
