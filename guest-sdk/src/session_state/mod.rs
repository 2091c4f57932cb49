//! What a plugin keeps about a session: one value to a namespace, shown where sessions are listed, gone with a reset.
//!
//! ```
//! use plugbay_sdk::{session_state, sessions};
//!
//! # fn main() -> plugbay_sdk::Result<()> {
//! let session = sessions::fake::session("chat"); // in a hook: `call.session()?`
//! session_state::patch(&session, "budget", &12)?;
//! assert_eq!(session_state::read::<u32>(&session, "budget")?, Some(12));
//! # Ok(())
//! # }
//! ```
//!
//! What it is for: state that people see and admins may set. The namespaces stand in `#[plugin(session_state(budget = "what it holds"))]`; the method
//! `session_projection` makes what is shown of them. What it costs: a call of the host each, which waits for the commit where it writes, and serde_json
//! in the plugin. How it fails: by a [`SessionStateError`], and then nothing was changed.
//!
//! Natively (in an author's tests) the state is in memory, for each thread its own: see `fake`.

#[cfg(not(target_family = "wasm"))]
pub mod fake;

use crate::bindings::imports::plugbay::plugin::session_state as contract;
use crate::refusal::refusals;
use crate::{Session, value};
#[cfg(target_family = "wasm")]
use contract as host;
#[cfg(not(target_family = "wasm"))]
use fake as host;
use serde::Serialize;
use serde::de::DeserializeOwned;

refusals! {
    /// Why the state of a session has no answer.
    SessionStateError of contract, for "session-state" {
        /// An argument is no good. The message names it.
        InvalidInput = "invalid-input",
        /// `#[plugin(session_state(…))]` doesn't name this namespace.
        UnknownNamespace = "unknown-namespace",
        /// The session was deleted, or began another life.
        Gone = "gone",
        /// A limit was reached, and nothing was changed. The message names it.
        LimitExceeded = "limit-exceeded",
        /// The host's state can't be read or written. Nothing was changed.
        Failed = "failed",
        /// The operator denied the grant `state`.
        Denied = "denied",
        /// The plugin isn't live yet: it can't write in `activate`, `restore` or a projection.
        NotLive = "not-live",
    } {
        /// A value can't become JSON, or what is kept has another form than the type.
        Json = "json",
    }
}

type Result<T> = std::result::Result<T, SessionStateError>;

/// The plugin's state of a session in a namespace.
///
/// # Errors
///
/// [`SessionStateError`]; also if the state doesn't fit the type.
pub fn read<T: DeserializeOwned>(session: &Session<'_>, namespace: &str) -> Result<Option<T>> {
    let fit = |text: String| {
        value::read(format_args!("`{namespace}`"), &text).map_err(|why| SessionStateError::Json(crate::Refusal::new("read", why)))
    };
    read_json(session, namespace)?.map(fit).transpose()
}

/// The same as JSON text.
///
/// # Errors
///
/// [`SessionStateError`].
pub fn read_json(session: &Session<'_>, namespace: &str) -> Result<Option<String>> {
    host::read(session.handle(), namespace).map_err(SessionStateError::of("read"))
}

/// Puts a value in the place of the one that is there.
///
/// # Errors
///
/// [`SessionStateError`]; nothing was changed then.
pub fn patch(session: &Session<'_>, namespace: &str, value: &(impl Serialize + ?Sized)) -> Result<()> {
    let text =
        value::text(format_args!("`{namespace}`"), value).map_err(|why| SessionStateError::Json(crate::Refusal::new("patch", why)))?;
    patch_json(session, namespace, &text)
}

/// The same from JSON text.
///
/// # Errors
///
/// [`SessionStateError`]; nothing was changed then.
pub fn patch_json(session: &Session<'_>, namespace: &str, value: &str) -> Result<()> {
    host::patch(session.handle(), namespace, value).map_err(SessionStateError::of("patch"))
}

/// Takes the value away. Whether there was one.
///
/// # Errors
///
/// [`SessionStateError`]; nothing was changed then.
pub fn unset(session: &Session<'_>, namespace: &str) -> Result<bool> {
    host::unset(session.handle(), namespace).map_err(SessionStateError::of("unset"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions;

    #[test]
    fn each_session_and_namespace_has_its_own_value_until_it_ends() {
        let (a, b) = (sessions::fake::session("a"), sessions::fake::session("b"));
        patch(&a, "budget", &1).unwrap();
        patch(&a, "notes", "x").unwrap();
        patch_json(&b, "budget", "2").unwrap();
        assert_eq!((read(&a, "budget"), read_json(&a, "notes")), (Ok(Some(1)), Ok(Some("\"x\"".into()))));
        assert_eq!((unset(&a, "notes"), unset(&a, "notes")), (Ok(true), Ok(false)));
        sessions::fake::reset("a");
        assert_eq!((read::<u32>(&a, "budget"), read(&b, "budget")), (Ok(None), Ok(Some(2))));
        sessions::fake::delete("b");
        assert_eq!(read::<u32>(&b, "budget").unwrap_err().code(), "gone");
        assert_eq!(patch(&b, "budget", &1).unwrap_err().to_string(), "session-state.patch (gone): the session \"b\" was deleted");
    }

    #[test]
    fn what_is_no_json_or_of_another_form_is_an_error() {
        let session = sessions::fake::session("a");
        assert_eq!(patch_json(&session, "budget", "{").unwrap_err().code(), "invalid-input");
        patch(&session, "budget", "much").unwrap();
        assert_eq!(read::<u32>(&session, "budget").unwrap_err().code(), "json");
        let keys_that_are_lists = std::collections::BTreeMap::from([(vec![1], 1)]);
        assert_eq!(patch(&session, "budget", &keys_that_are_lists).unwrap_err().code(), "json");
    }
}
