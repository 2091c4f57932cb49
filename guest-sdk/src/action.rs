//! What an action answers to whoever asked for it.
//!
//! What it is for: an action's method answers nothing, words, or an [`ActionResult`] that says more. What it costs: only what takes a value rather than
//! text brings serde_json into the plugin. How it fails: a value that can't be JSON is an error; what is said of a failure is nothing to a success, and
//! the other way round.

use crate::{ActionFailure, ActionResult, ActionSuccess, value};
use serde::Serialize;

/// What an action may answer.
#[diagnostic::on_unimplemented(
    message = "an action can't answer `{Self}`",
    label = "an `ActionResult` is expected, words, or nothing; or a `Result` of one of them",
    note = "`ActionResult::done().result(&value)?` answers a value"
)]
pub trait IntoActionResult {
    /// The answer as the host gets it.
    ///
    /// # Errors
    ///
    /// None of the SDK's.
    fn into_action_result(self) -> Result<ActionResult, String>;
}

impl IntoActionResult for ActionResult {
    fn into_action_result(self) -> Result<ActionResult, String> {
        Ok(self)
    }
}

/// It was done, and there is nothing to say.
impl IntoActionResult for () {
    fn into_action_result(self) -> Result<ActionResult, String> {
        Ok(ActionResult::done())
    }
}

/// It was done, and this is said of it.
impl IntoActionResult for &str {
    fn into_action_result(self) -> Result<ActionResult, String> {
        Ok(ActionResult::done().reply(self))
    }
}

/// It was done, and this is said of it.
impl IntoActionResult for String {
    fn into_action_result(self) -> Result<ActionResult, String> {
        Ok(ActionResult::done().reply(self))
    }
}

impl ActionResult {
    /// It was done.
    #[must_use]
    pub fn done() -> Self {
        Self::Success(ActionSuccess { result: None, reply: None, continue_agent: false, attrs: Vec::new() })
    }

    /// What came of it, for the caller.
    ///
    /// # Errors
    ///
    /// If the value can't be JSON.
    pub fn result(self, result: &(impl Serialize + ?Sized)) -> crate::Result<Self> {
        let text = value::text("the action's result", result).map_err(crate::Error::new)?;
        Ok(self.with_success(|done| done.result = Some(text)))
    }

    /// The same for people, in words: 4,096 characters.
    #[must_use]
    pub fn reply(self, reply: impl Into<String>) -> Self {
        self.with_success(|done| done.reply = Some(reply.into()))
    }

    /// The agent goes on: a turn of the call's session begins, which is told of the action and of the reply. The host refuses it where the call is about no session.
    #[must_use]
    pub fn continue_agent(self) -> Self {
        self.with_success(|done| done.continue_agent = true)
    }

    /// It wasn't done, for this reason: for people, 4,096 characters. The call itself went well; that the plugin broke is what an `Err` says.
    pub fn failed(why: impl Into<String>) -> Self {
        Self::Failure(ActionFailure { error: why.into(), code: None, details: None })
    }

    /// A word for programs that says why it wasn't done: 64 characters.
    #[must_use]
    pub fn code(self, code: impl Into<String>) -> Self {
        self.with_failure(|failed| failed.code = Some(code.into()))
    }

    /// What else there is to know about why it wasn't done.
    ///
    /// # Errors
    ///
    /// If the value can't be JSON.
    pub fn details(self, details: &(impl Serialize + ?Sized)) -> crate::Result<Self> {
        let text = value::text("the failure's details", details).map_err(crate::Error::new)?;
        Ok(self.with_failure(|failed| failed.details = Some(text)))
    }

    /// What was said of it, if it was done.
    #[must_use]
    pub fn success(&self) -> Option<&ActionSuccess> {
        match self {
            Self::Success(done) => Some(done),
            Self::Failure(_) => None,
        }
    }

    /// What was said of it, if it wasn't.
    #[must_use]
    pub fn failure(&self) -> Option<&ActionFailure> {
        match self {
            Self::Success(_) => None,
            Self::Failure(failed) => Some(failed),
        }
    }

    fn with_success(mut self, say: impl FnOnce(&mut ActionSuccess)) -> Self {
        if let Self::Success(done) = &mut self {
            say(done);
        }
        self
    }

    fn with_failure(mut self, say: impl FnOnce(&mut ActionFailure)) -> Self {
        if let Self::Failure(failed) = &mut self {
            say(failed);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_has_what_was_said_of_it() {
        let result = ActionResult::done().result(&[1]).unwrap().reply("Deployed.").continue_agent();
        let done = ActionSuccess { result: Some("[1]".into()), reply: Some("Deployed.".into()), continue_agent: true, attrs: Vec::new() };
        assert_eq!((result.success(), result.failure()), (Some(&done), None));
        assert_eq!(ActionResult::done().code("c").details(&1).unwrap(), ActionResult::done(), "it didn't fail");
        let keys_that_are_lists = std::collections::BTreeMap::from([(vec![1], 1)]);
        assert!(
            ActionResult::done().result(&keys_that_are_lists).unwrap_err().to_string().starts_with("the action's result can't be JSON")
        );
    }

    #[test]
    fn a_failure_has_what_was_said_of_it() {
        let result = ActionResult::failed("nothing waits").code("nothing").details(&"x").unwrap();
        let failed = ActionFailure { error: "nothing waits".into(), code: Some("nothing".into()), details: Some("\"x\"".into()) };
        assert_eq!((result.success(), result.failure()), (None, Some(&failed)));
        assert_eq!(result.clone().reply("r").continue_agent().result(&1).unwrap(), result, "it wasn't done");
    }

    #[test]
    fn nothing_and_words_will_do() {
        assert_eq!(().into_action_result(), Ok(ActionResult::done()));
        assert_eq!("so".into_action_result(), Ok(ActionResult::done().reply("so")));
        assert_eq!(String::from("so").into_action_result(), Ok(ActionResult::done().reply("so")));
    }
}
