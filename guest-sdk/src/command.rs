//! What a command answers to the person who gave it.
//!
//! What it is for: a command's method answers words, nothing, or a [`CommandAnswer`] that has the agent go on. What it costs: nothing. How it fails: it
//! doesn't; an `Err` of the method's is shown to the person.

use crate::CommandAnswer;

/// What a command may answer.
#[diagnostic::on_unimplemented(
    message = "a command can't answer `{Self}`",
    label = "words are expected, a `CommandAnswer`, or nothing; or a `Result` of one of them"
)]
pub trait IntoCommandAnswer {
    /// The answer as the host gets it.
    ///
    /// # Errors
    ///
    /// None of the SDK's.
    fn into_command_answer(self) -> Result<CommandAnswer, String>;
}

impl IntoCommandAnswer for CommandAnswer {
    fn into_command_answer(self) -> Result<CommandAnswer, String> {
        Ok(self)
    }
}

/// There is nothing to say.
impl IntoCommandAnswer for () {
    fn into_command_answer(self) -> Result<CommandAnswer, String> {
        Ok(CommandAnswer::silent())
    }
}

impl IntoCommandAnswer for &str {
    fn into_command_answer(self) -> Result<CommandAnswer, String> {
        Ok(CommandAnswer::text(self))
    }
}

impl IntoCommandAnswer for String {
    fn into_command_answer(self) -> Result<CommandAnswer, String> {
        Ok(CommandAnswer::text(self))
    }
}

impl CommandAnswer {
    /// What the person is shown: 32,768 characters.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::silent() }
    }

    /// There is nothing to say.
    #[must_use]
    pub fn silent() -> Self {
        Self { text: None, continue_agent: false, attrs: Vec::new() }
    }

    /// The agent goes on: a turn of the call's session begins, which is told of the command and of the answer. The host refuses it where the call is about no session.
    #[must_use]
    pub fn continue_agent(mut self) -> Self {
        self.continue_agent = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_nothing_and_more_will_do() {
        let said = CommandAnswer { text: Some("so".into()), continue_agent: false, attrs: Vec::new() };
        assert_eq!("so".into_command_answer(), Ok(said.clone()));
        assert_eq!(String::from("so").into_command_answer(), Ok(said.clone()));
        assert_eq!(().into_command_answer(), Ok(CommandAnswer { text: None, ..said.clone() }));
        assert_eq!(CommandAnswer::text("so").continue_agent(), CommandAnswer { continue_agent: true, ..said });
    }
}
