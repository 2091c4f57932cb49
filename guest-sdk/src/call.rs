//! What every hook is told about the call.
//!
//! What it is for: the contract's `call-context` under a short name, and one to hand for tests. What it costs: nothing. How it fails:
//! `session_key` is none without a session, and where the session was deleted meanwhile.

use crate::bindings::imports::plugbay::plugin::types::CallContext;
use crate::{Cause, CauseKind, Principal, Session, Transcript};

/// What made the host call, for which session, for whom, and how long it may take.
///
/// In tests, `Call::default()` is a call of a hook without a session; `sessions::fake::session("chat")` makes a session to put into it.
#[derive(Debug)]
pub struct Call<'a> {
    /// What made the host call.
    pub cause: Cause,
    /// The session that the call is about.
    pub session: Option<Session<'a>>,
    /// The conversation so far; with the grant `conversation` only.
    pub transcript: Option<Transcript<'a>>,
    /// The run id of the turn that the call belongs to.
    pub run: Option<String>,
    /// Who is behind the call.
    pub principal: Option<Principal>,
    /// How long the plugin may take, in milliseconds from now; then the call is cut and the cell dropped.
    pub deadline_ms: u64,
    /// Further facts, as names and JSON text.
    pub attrs: Vec<(String, String)>,
}

impl Default for Call<'_> {
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

impl<'a> From<CallContext<'a>> for Call<'a> {
    fn from(context: CallContext<'a>) -> Self {
        Self {
            cause: context.cause,
            session: context.session.map(Session::lent),
            transcript: context.transcript.map(Transcript::lent),
            run: context.run,
            principal: context.principal,
            deadline_ms: context.deadline_ms,
            attrs: context.attrs,
        }
    }
}

impl<'a> Call<'a> {
    /// The stable name of the session that the call is about, if there is one and it wasn't deleted meanwhile.
    #[must_use]
    pub fn session_key(&self) -> Option<String> {
        self.session.as_ref()?.key().ok()
    }

    /// The session that the call is about.
    ///
    /// # Errors
    ///
    /// If it is about none.
    pub fn session(&self) -> crate::Result<&Session<'a>> {
        self.session.as_ref().ok_or_else(|| crate::Error::new(format!("the call of `{}` is about no session", self.cause.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions;

    #[test]
    fn a_call_without_a_session_says_so_and_one_with_a_session_has_its_key() {
        let call = Call::default();
        assert_eq!(call.session_key(), None);
        assert_eq!(call.session().unwrap_err().to_string(), "the call of `test` is about no session");
        let call = Call { session: Some(sessions::fake::session("chat")), ..Call::default() };
        assert_eq!(call.session_key().as_deref(), Some("chat"));
        sessions::fake::delete("chat");
        assert_eq!(call.session_key(), None);
    }
}
