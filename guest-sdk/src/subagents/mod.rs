//! Agents that work for the plugin, each in a session of its own.
//!
//! ```
//! use plugbay_sdk::subagents::{self, State};
//! use std::time::Duration;
//!
//! # fn main() -> plugbay_sdk::Result<()> {
//! # subagents::fake::answer("scout", "Three of them.");
//! let started = subagents::run("scout", "How many open issues are there?")?;
//! let status = subagents::wait(&started.run, Duration::from_secs(20))?;
//! if status.state == State::Done {
//!     assert_eq!(status.text.as_deref(), Some("Three of them."));
//! }
//! assert!(subagents::delete("scout")?);
//! # Ok(())
//! # }
//! ```
//!
//! What it is for: work with a conversation of its own, which the one at hand doesn't see. They can be reached while a turn is under way, in calls that belong to it. What it
//! costs: a turn each; only [`wait`] waits. It needs the grant `subagents`. How it fails: by a [`SubagentsError`]; whoever would wait for itself is told so at once.
//!
//! Natively (in an author's tests) subagents answer what [`fake::answer`] has told them to.

#[cfg(not(target_family = "wasm"))]
pub mod fake;

use crate::bindings::imports::plugbay::plugin::subagents as contract;
use crate::refusal::refusals;
use crate::store::milliseconds;
use crate::{Entry, Session};
#[cfg(target_family = "wasm")]
use contract as host;
#[cfg(not(target_family = "wasm"))]
use fake as host;
use std::time::Duration;

/// How far a run is, and how it is: its `state`, the `text` of its answer or the `error` in the place of one.
pub use contract::{State, Status};

refusals! {
    /// Why an operation has no answer.
    SubagentsError of contract, for "subagents" {
        /// An argument is no good. The message names it.
        InvalidInput = "invalid-input",
        /// The plugin has no such subagent, or no such run of one.
        Unknown = "unknown",
        /// There is a session of this key that isn't the plugin's.
        Taken = "taken",
        /// No turn is under way behind this call.
        NoLiveRequest = "no-live-request",
        /// The plugin would wait for itself: what it waits for waits for this call. The message names the chain.
        ReEntrant = "re-entrant",
        /// As many as the operator allows. The message says how many of what.
        LimitExceeded = "limit-exceeded",
        /// The context engine didn't prepare for it. The message has its words.
        NotPrepared = "not-prepared",
        /// The host's state can't be read or written, or the host stops.
        Failed = "failed",
        /// The operator denied the grant `subagents`.
        Denied = "denied",
        /// The plugin isn't live yet: it has no subagents in `activate`, `restore` or a projection.
        NotLive = "not-live",
    }
}

/// What was started.
#[derive(Debug)]
pub struct Started {
    /// The subagent's session, whose key is `<plugin>/<name>`.
    pub session: Session<'static>,
    /// The run, to [`wait`] for.
    pub run: String,
}

/// Has a subagent take a turn, and goes on. One of this name that is there already goes on with its conversation. A name is a lower-case letter, then lower-case letters, digits and
/// hyphens, at most 64; a message has at most 256 KiB.
///
/// # Errors
///
/// [`SubagentsError`]; nothing was started then.
pub fn run(name: impl Into<String>, message: impl Into<String>) -> Result<Started, SubagentsError> {
    let request = contract::Request { name: name.into(), message: message.into(), attrs: Vec::new() };
    let started = host::run(&request).map_err(SubagentsError::of("run"))?;
    #[cfg(target_family = "wasm")]
    let started = Started { session: Session::opened(started.session), run: started.run };
    Ok(started)
}

/// Waits for a run of one of the plugin's subagents, for so long at most, in whole milliseconds, rounded up: then it is still [`State::Pending`], which is no error.
///
/// # Errors
///
/// [`SubagentsError`].
pub fn wait(run: &str, time: Duration) -> Result<Status, SubagentsError> {
    host::wait(run, u32::try_from(milliseconds(time)).unwrap_or(u32::MAX)).map_err(SubagentsError::of("wait"))
}

/// The newest entries of a subagent's conversation, at most 1,000 and 1 MiB, oldest first.
///
/// # Errors
///
/// [`SubagentsError`].
pub fn messages(name: &str, limit: u32) -> Result<Vec<Entry>, SubagentsError> {
    host::messages(name, limit).map_err(SubagentsError::of("messages"))
}

/// Deletes a subagent with its session; a run of it is cancelled. Whether there was one. A delete that can't be finished now is finished later, also after a restart.
///
/// # Errors
///
/// [`SubagentsError`].
pub fn delete(name: &str) -> Result<bool, SubagentsError> {
    host::delete(name).map_err(SubagentsError::of("delete"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{run_context, sessions};

    fn said(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.content.as_str().unwrap()).collect()
    }

    #[test]
    fn a_subagent_answers_what_it_was_told_to_and_goes_on_with_its_conversation() {
        fake::answer("scout", "one");
        fake::end_as("scout", State::Failed, "the model didn't answer");
        let first = run("scout", "a").unwrap();
        assert_eq!(first.session.key().as_deref(), Ok("plugin/scout"));
        let second = run("scout", "b").unwrap();
        assert_ne!(first.run, second.run);
        let done = Status { state: State::Done, text: Some("one".into()), error: None };
        assert_eq!(wait(&first.run, Duration::from_secs(1)), Ok(done));
        let failed = wait(&second.run, Duration::ZERO).unwrap();
        assert_eq!((failed.state, failed.error.as_deref()), (State::Failed, Some("the model didn't answer")));
        let third = run("scout", "c").unwrap();
        assert_eq!(wait(&third.run, Duration::ZERO).unwrap().state, State::Pending, "nothing was said about it");
        assert_eq!(said(&messages("scout", 9).unwrap()), ["\"a\"", "\"one\"", "\"b\"", "\"c\""]);
        assert_eq!(said(&messages("scout", 2).unwrap()), ["\"b\"", "\"c\""]);
    }

    #[test]
    fn a_deleted_one_is_gone_with_its_session() {
        let started = run("scout", "a").unwrap();
        assert_eq!((delete("scout"), delete("scout")), (Ok(true), Ok(false)));
        assert!(started.session.key().is_err());
        assert_eq!(wait(&started.run, Duration::ZERO).unwrap_err().code(), "unknown");
        assert_eq!(messages("scout", 1).unwrap_err().code(), "unknown");
        assert_ne!(run("scout", "a").unwrap().run, started.run);
        assert_eq!(said(&messages("scout", 9).unwrap()), ["\"a\""], "another conversation");
    }

    #[test]
    fn what_the_host_refuses_is_refused_here() {
        let long = "a".repeat(65);
        for name in ["", "Scout", "1a", "a_b", "a/b", long.as_str()] {
            assert_eq!(run(name, "x").unwrap_err().code(), "invalid-input", "{name}");
        }
        assert_eq!(run("scout", " ").unwrap_err().code(), "invalid-input");
        assert_eq!(run("scout", "x".repeat((256 << 10) + 1)).unwrap_err().code(), "invalid-input");
        fake::refuse("scout", fake::ErrorCode::Taken, "the session plugin/scout isn't the plugin's");
        assert_eq!(run("scout", "x").unwrap_err().code(), "taken");
        assert!(run("scout", "x").is_ok(), "once");
    }

    #[test]
    fn there_is_a_turn_behind_each_call() {
        let started = run("scout", "a").unwrap();
        for ends in [run_context::fake::end, run_context::fake::without_run] {
            ends();
            let codes = [
                run("scout", "b").unwrap_err().code(),
                wait(&started.run, Duration::ZERO).unwrap_err().code(),
                messages("scout", 1).unwrap_err().code(),
                delete("scout").unwrap_err().code(),
            ];
            assert_eq!(codes, ["no-live-request"; 4]);
        }
        run_context::fake::begin();
        assert_eq!(said(&messages("scout", 9).unwrap()), ["\"a\""], "it is still there");
        assert!(sessions::open("plugin/scout").is_ok());
    }
}
