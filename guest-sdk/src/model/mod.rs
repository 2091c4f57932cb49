//! The host's own model: one answer to one message, without tools, and in no session.
//!
//! ```
//! use plugbay_sdk::model;
//! use std::time::Duration;
//!
//! # fn main() -> plugbay_sdk::Result<()> {
//! # model::fake::answer("They talk about bread.");
//! let asked = model::Request::new("What do they talk about? …").system_prompt("Answer in one sentence.").timeout(Duration::from_secs(10));
//! let said = asked.complete()?;
//! assert_eq!(said.text, "They talk about bread.");
//! # Ok(())
//! # }
//! ```
//!
//! What it is for: summaries, titles, judgements. What it costs: what a model costs, in time and money; three of a plugin's may be under way at once, further ones
//! wait. It needs the grant `model`. How it fails: by a [`ModelError`]. A call that is cut takes its questions with it, and none outlasts the call's own deadline.
//!
//! Natively (in an author's tests) the answers are those that [`fake::answer`] has put in a queue.

#[cfg(not(target_family = "wasm"))]
pub mod fake;

use crate::bindings::imports::plugbay::plugin::model as contract;
use crate::refusal::refusals;
use crate::store::milliseconds;
#[cfg(target_family = "wasm")]
use contract as host;
#[cfg(not(target_family = "wasm"))]
use fake as host;
use std::time::Duration;

/// What the model said: `text`, who answered (`model`), and tokens, if the provider says.
pub use contract::Completion;

refusals! {
    /// Why there is no answer.
    ModelError of contract, for "model" {
        /// An argument is no good. The message names it.
        InvalidInput = "invalid-input",
        /// There was no answer in time.
        TimedOut = "timed-out",
        /// The model takes less than this.
        TooLong = "too-long",
        /// The model didn't answer, for another reason.
        Failed = "failed",
        /// The operator denied the grant `model`.
        Denied = "denied",
        /// The plugin isn't live yet: it can't ask in `activate`, `restore` or a projection.
        NotLive = "not-live",
    }
}

/// What to ask: without instructions, and with 30 s to answer, unless something else is said.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "`complete` asks"]
pub struct Request(contract::Request);

impl Request {
    /// A message, at most 256 KiB.
    pub fn new(message: impl Into<String>) -> Self {
        Self(contract::Request { message: message.into(), system_prompt: None, timeout_ms: None, attrs: Vec::new() })
    }

    /// The instructions above it, at most 64 KiB.
    pub fn system_prompt(mut self, text: impl Into<String>) -> Self {
        self.0.system_prompt = Some(text.into());
        self
    }

    /// How long to wait, in whole milliseconds, rounded up; never longer than the call that asks may take.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.0.timeout_ms = Some(u32::try_from(milliseconds(time)).unwrap_or(u32::MAX));
        self
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The instructions, if there are any.
    #[must_use]
    pub fn instructions(&self) -> Option<&str> {
        self.0.system_prompt.as_deref()
    }

    /// Asks.
    ///
    /// # Errors
    ///
    /// [`ModelError`].
    pub fn complete(&self) -> Result<Completion, ModelError> {
        host::complete(&self.0).map_err(ModelError::of("complete"))
    }
}

/// Asks the model this, and answers what it said: [`Request`] for whoever wants to say more.
///
/// # Errors
///
/// [`ModelError`].
pub fn complete(message: impl Into<String>) -> Result<String, ModelError> {
    Request::new(message).complete().map(|said| said.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_order_and_what_was_asked_is_seen() {
        fake::answer("one");
        fake::refuse(fake::ErrorCode::TimedOut, "no answer within 5 ms");
        let first = Request::new("a").system_prompt("b").timeout(Duration::from_micros(4_001)).complete().unwrap();
        assert_eq!((first.text.as_str(), first.model.as_str(), first.output_tokens), ("one", "fake", Some(1)));
        let second = complete("c").unwrap_err();
        assert_eq!((second.code(), second.to_string().as_str()), ("timed-out", "model.complete (timed-out): no answer within 5 ms"));
        let third = complete("d").unwrap_err();
        assert_eq!(third.code(), "failed");
        let asked = fake::asked();
        assert_eq!(asked.iter().map(Request::message).collect::<Vec<_>>(), ["a", "c", "d"]);
        assert_eq!((asked[0].instructions(), asked[0].0.timeout_ms, asked[1].0.timeout_ms), (Some("b"), Some(5), None));
        assert_eq!(fake::asked(), [], "taken");
    }

    #[test]
    fn what_the_host_refuses_is_refused_here_and_takes_no_answer() {
        fake::answer("kept");
        let code = |request: Request| request.complete().unwrap_err().code();
        assert_eq!(code(Request::new("  ")), "invalid-input");
        assert_eq!(code(Request::new("x".repeat((256 << 10) + 1))), "invalid-input");
        assert_eq!(code(Request::new("x").system_prompt("x".repeat((64 << 10) + 1))), "invalid-input");
        assert_eq!(code(Request::new("x").timeout(Duration::ZERO)), "invalid-input");
        assert_eq!(complete("x").unwrap(), "kept");
    }
}
