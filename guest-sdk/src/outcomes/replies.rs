//! Claims and what becomes of an answer: a plugin replies in the agent's place, or sends the agent back for another try.

use crate::hooks::before_agent_finalize::{Action, Retry};
use crate::{DispatchClaim, Finalize, Reply};

impl Reply {
    /// The plugin answers, with this; the model isn't asked.
    pub fn text(reply: impl Into<String>) -> Self {
        Self { reply: Some(reply.into()), ..Self::default() }
    }

    /// The plugin has taken care of it, and nothing is said.
    #[must_use]
    pub fn silent() -> Self {
        Self::default()
    }

    /// Why, for the operator.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

impl DispatchClaim {
    /// The plugin answers the message, with this; no turn begins.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// The plugin has taken care of the message, and nothing is said.
    #[must_use]
    pub fn silent() -> Self {
        Self::default()
    }
}

impl Finalize {
    /// The agent tries again, for this reason.
    pub fn revise(reason: impl Into<String>) -> Self {
        Self { action: Action::Revise, reason: Some(reason.into()), ..Self::default() }
    }

    /// What the agent is told to do in its next try, instead of the reason.
    #[must_use]
    pub fn retry(self, instruction: impl Into<String>) -> Self {
        self.with(|retry| retry.instruction = instruction.into())
    }

    /// What attempts are counted by in a run; the instruction itself, if not said.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        self.with(|retry| retry.key = Some(key.into()))
    }

    /// Attempts of this key in one run; 1 if not said.
    #[must_use]
    pub fn attempts(self, most: u32) -> Self {
        self.with(|retry| retry.max_attempts = Some(most))
    }

    /// The answer stands, whatever others want.
    #[must_use]
    pub fn accept() -> Self {
        Self { action: Action::Finalize, ..Self::default() }
    }

    /// The same, for a reason.
    pub fn accept_because(reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::accept() }
    }

    /// Says something about the next try, whose instruction is the reason until another is given.
    fn with(mut self, say: impl FnOnce(&mut Retry)) -> Self {
        let reason = self.reason.clone().unwrap_or_default();
        say(self.retry.get_or_insert(Retry { instruction: reason, key: None, max_attempts: None }));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_say_something_or_nothing() {
        assert_eq!(
            Reply::text("hello").because("greeting"),
            Reply { reply: Some("hello".into()), reason: Some("greeting".into()), attrs: vec![] }
        );
        assert_eq!(Reply::silent().reply, None);
        assert_eq!(DispatchClaim::text("pong").text.as_deref(), Some("pong"));
        assert_eq!(DispatchClaim::silent().text, None);
    }

    #[test]
    fn a_revision_is_told_in_its_own_words_or_by_its_reason() {
        let plain = Finalize::revise("no sources");
        assert_eq!((plain.action, plain.reason.as_deref(), plain.retry), (Action::Revise, Some("no sources"), None));
        let told = Finalize::revise("no sources").retry("Name your sources.").key("sources").attempts(2).retry.unwrap();
        assert_eq!(told, Retry { instruction: "Name your sources.".into(), key: Some("sources".into()), max_attempts: Some(2) });
        assert_eq!(Finalize::revise("no sources").attempts(2).retry.unwrap().instruction, "no sources");
        assert_eq!((Finalize::accept().action, Finalize::default().action), (Action::Finalize, Action::Continue));
        assert_eq!(Finalize::accept_because("done").reason.as_deref(), Some("done"));
    }
}
