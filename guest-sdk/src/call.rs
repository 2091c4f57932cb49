//! What every hook is told about the call.
//!
//! What it is for: the contract's `call-context` under a short name, and one to hand for tests. What it costs: nothing. How it fails:
//! `session_key` is none without a session, and where the session was deleted meanwhile.

use crate::bindings::imports::plugbay::plugin::types::{CallContext, Cause, CauseKind};

/// What made the host call, for which session, for whom, and how long it may take.
///
/// In tests, `Call::default()` is a call of a hook without a session.
pub type Call<'a> = CallContext<'a>;

impl Default for CallContext<'_> {
    fn default() -> Self {
        Self {
            cause: Cause { kind: CauseKind::Hook, name: "test".into(), invocation: 0 },
            session: None,
            transcript: None,
            run: None,
            principal: None,
            deadline_ms: 15_000,
            attrs: Vec::new(),
        }
    }
}

impl CallContext<'_> {
    /// The stable name of the session that the call is about, if there is one and it wasn't deleted meanwhile.
    #[must_use]
    pub fn session_key(&self) -> Option<String> {
        self.session.and_then(|session| session.key().ok())
    }
}
