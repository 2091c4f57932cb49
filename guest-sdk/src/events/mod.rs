//! Events of a plugin's own, for plugins and people who watch a turn.
//!
//! ```
//! use plugbay_sdk::{events, json};
//!
//! # fn main() -> plugbay_sdk::Result<()> {
//! events::emit("my-plugin.found", &json!({ "count": 3 }))?;
//! # Ok(())
//! # }
//! ```
//!
//! What it is for: the topic is the plugin's id, or `<id>.…`; run and session are those of the call. An object is stamped with the plugin's id as
//! `plugin`; anything else becomes an object with `value`. What it costs: a call of the host, which waits for nobody who listens, and serde_json in the
//! plugin (not with `emit_json`). How it fails: by an [`EventsError`]; at most 1,000 events to a run and plugin.
//!
//! Natively (in an author's tests) events are kept for [`fake::emitted`].

#[cfg(not(target_family = "wasm"))]
pub mod fake;

use crate::bindings::imports::plugbay::plugin::events as contract;
use crate::refusal::refusals;
use crate::value;
#[cfg(target_family = "wasm")]
use contract as host;
#[cfg(not(target_family = "wasm"))]
use fake as host;
use serde::Serialize;

refusals! {
    /// Why an event wasn't emitted.
    EventsError of contract, for "events" {
        /// An argument is no good. The message names it.
        InvalidInput = "invalid-input",
        /// The topic is the host's, or another plugin's.
        ForeignTopic = "foreign-topic",
        /// The run has ended.
        Closed = "closed",
        /// A limit was reached, and nothing was changed. The message names it.
        LimitExceeded = "limit-exceeded",
        /// The operator denied the grant `events`.
        Denied = "denied",
        /// The plugin isn't live yet: it can't write in `activate`, `restore` or a projection.
        NotLive = "not-live",
    } {
        /// The data can't become JSON.
        Json = "json",
    }
}

/// Emits an event.
///
/// # Errors
///
/// [`EventsError`]; nobody sees anything of it then.
pub fn emit(topic: &str, data: &(impl Serialize + ?Sized)) -> Result<(), EventsError> {
    let text = value::text(format_args!("`{topic}`"), data).map_err(|why| EventsError::Json(crate::Refusal::new("emit", why)))?;
    emit_json(topic, &text)
}

/// Emits an event, from JSON text.
///
/// # Errors
///
/// [`EventsError`]; nobody sees anything of it then.
pub fn emit_json(topic: &str, data: &str) -> Result<(), EventsError> {
    host::emit(topic, data).map_err(EventsError::of("emit"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_context;

    #[test]
    fn what_was_emitted_is_there_once() {
        emit("me.found", &[1, 2]).unwrap();
        emit_json("me", "{}").unwrap();
        assert_eq!(fake::emitted(), [("me.found".into(), "[1,2]".into()), ("me".into(), "{}".into())]);
        assert_eq!(fake::emitted(), []);
    }

    #[test]
    fn what_the_host_refuses_is_refused_here() {
        assert_eq!(emit_json("me", "{").unwrap_err().code(), "invalid-input");
        assert_eq!(emit("lifecycle", &1).unwrap_err().to_string(), "events.emit (foreign-topic): the topic \"lifecycle\" is the host's");
        (0..1_000).for_each(|number| emit("me", &number).unwrap());
        assert_eq!(emit("me", &1).unwrap_err().code(), "limit-exceeded");
        run_context::fake::end();
        assert_eq!(emit("me", &1).unwrap_err().code(), "closed");
        run_context::fake::begin();
        assert_eq!(fake::emitted().len(), 1_000);
    }
}
