//! What people have a plugin do: `session-actions`, `commands`. Scopes, parameters and the turn that may follow are the gateway's.

use super::answer::{REASON, Weighed, attrs, json, outcome, reason, weighed, within};
use super::lowered::{Lowered, event};
use crate::grant::Grant;
use crate::hook::{Hook, Malformed, Mode};
use crate::json::Json;
use crate::wire::exports::plugbay::plugin as wire;
use crate::wire::types::CauseKind;
use serde::Serialize;
use std::time::Duration;

/// Characters of a word for programs.
const CODE: usize = 64;
/// Characters of what a command shows.
const TEXT: usize = 32_768;

/// `session-actions`: one action of a plugin is invoked.
#[derive(Debug, Clone, Copy)]
pub struct SessionActions;

event! {
    /// What somebody wants done.
    ActionAsked => wire::session_actions::Event {
        /// The action's id.
        action: String,
        /// Its parameters, as the action's schema has let them through.
        params: Option<Json>,
    }
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionOutcome {
    /// It was done.
    Success(ActionSuccess),
    /// It wasn't, and the plugin says why.
    Failure(ActionFailure),
}

impl Default for ActionOutcome {
    fn default() -> Self {
        Self::Success(ActionSuccess::default())
    }
}

outcome! {
    /// An action was done.
    ActionSuccess {
        /// What came of it.
        result: Option<Json>,
        /// The same in words, for people.
        reply: Option<String>,
        /// Whether the agent goes on.
        continue_agent: bool,
    }
}

/// An action wasn't done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ActionFailure {
    /// Why, for people; never blank.
    pub error: String,
    /// A word for programs; never empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What else there is to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Json>,
}

impl TryFrom<wire::session_actions::Success> for ActionSuccess {
    type Error = Malformed;

    fn try_from(success: wire::session_actions::Success) -> Result<Self, Malformed> {
        Ok(Self {
            result: success.result.map(|text| json("success.result", text)).transpose()?,
            reply: reason("success.reply", success.reply)?,
            continue_agent: success.continue_agent,
            attrs: attrs(success.attrs)?,
        })
    }
}

impl TryFrom<wire::session_actions::Failure> for ActionFailure {
    type Error = Malformed;

    fn try_from(failure: wire::session_actions::Failure) -> Result<Self, Malformed> {
        if failure.error.trim().is_empty() {
            return Err(Malformed::new("failure.error", "it is blank"));
        }
        Ok(Self {
            error: within("failure.error", failure.error, REASON)?,
            code: failure.code.map(code).transpose()?,
            details: failure.details.map(|text| json("failure.details", text)).transpose()?,
        })
    }
}

/// A word for programs.
fn code(word: String) -> Result<String, Malformed> {
    const FIELD: &str = "failure.code";
    if word.is_empty() { Err(Malformed::new(FIELD, "it is empty")) } else { within(FIELD, word, CODE) }
}

weighed!(wire::session_actions::Success { result, reply, attrs });
weighed!(wire::session_actions::Failure { error, code, details });

impl Hook for SessionActions {
    const NAME: &'static str = "session-actions";
    const MODE: Mode = Mode::Direct;
    const CAUSE: CauseKind = CauseKind::Action;
    const BUDGET: Duration = Duration::from_secs(30);
    const GRANTS: &'static [Grant] = &[];

    type Event = ActionAsked;
    type Wire = wire::session_actions::Event;
    type Answer = wire::session_actions::Outcome;
    type Outcome = ActionOutcome;

    fn lower(event: ActionAsked) -> wire::session_actions::Event {
        event.lowered()
    }

    fn lift(answer: wire::session_actions::Outcome) -> Result<ActionOutcome, Malformed> {
        Ok(match answer {
            wire::session_actions::Outcome::Success(success) => ActionOutcome::Success(success.try_into()?),
            wire::session_actions::Outcome::Failure(failure) => ActionOutcome::Failure(failure.try_into()?),
        })
    }

    fn size(answer: &wire::session_actions::Outcome) -> usize {
        match answer {
            wire::session_actions::Outcome::Success(success) => success.bytes(),
            wire::session_actions::Outcome::Failure(failure) => failure.bytes(),
        }
    }
}

/// `commands`: one command of a plugin is given.
#[derive(Debug, Clone, Copy)]
pub struct Commands;

event! {
    /// A command that somebody gave.
    CommandAsked => wire::commands::Event {
        /// Its name, without the slash.
        name: String,
        /// What stood behind it.
        args: String,
    }
}

outcome! {
    /// What a command answers.
    CommandAnswer {
        /// What the person is shown.
        text: Option<String>,
        /// Whether the agent goes on.
        continue_agent: bool,
    }
}

impl TryFrom<wire::commands::Outcome> for CommandAnswer {
    type Error = Malformed;

    fn try_from(answer: wire::commands::Outcome) -> Result<Self, Malformed> {
        Ok(Self {
            text: answer.text.map(|text| within("text", text, TEXT)).transpose()?,
            continue_agent: answer.continue_agent,
            attrs: attrs(answer.attrs)?,
        })
    }
}

weighed!(wire::commands::Outcome { text, attrs });

impl Hook for Commands {
    const NAME: &'static str = "commands";
    const MODE: Mode = Mode::Direct;
    const CAUSE: CauseKind = CauseKind::Command;
    const BUDGET: Duration = Duration::from_secs(30);
    const GRANTS: &'static [Grant] = &[];

    type Event = CommandAsked;
    type Wire = wire::commands::Event;
    type Answer = wire::commands::Outcome;
    type Outcome = CommandAnswer;

    fn lower(event: CommandAsked) -> wire::commands::Event {
        event.lowered()
    }

    fn lift(answer: wire::commands::Outcome) -> Result<CommandAnswer, Malformed> {
        answer.try_into()
    }

    fn size(answer: &wire::commands::Outcome) -> usize {
        answer.bytes()
    }
}
