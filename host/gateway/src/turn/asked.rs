//! What a turn is asked for with, and why there may be none. Checked here once, before anything of it is told to anybody.

use plugbay_runtime::state::{SessionBounds, StateError};
use plugbay_runtime::{Principal, Trigger};
use serde_json::json;
use thiserror::Error;

/// A turn that somebody wants.
#[derive(Debug, Clone)]
pub struct TurnAsked {
    /// The session's stable name; it is made if there is none, but for a subagent's turn.
    pub session: String,
    /// Why there is a turn.
    pub trigger: Trigger,
    /// Where it comes from: `http`, `cli`, or the embedder's own name.
    pub channel: String,
    /// Who is behind it.
    pub principal: Option<Principal>,
    /// What is said to the agent.
    pub text: String,
    /// The channel's name for the message.
    pub message_id: Option<String>,
    /// The life of the session that it is for; none: whichever there is. With one, no session is made.
    pub life: Option<String>,
    /// What becomes of the answer.
    pub answer: AnswerTo,
}

/// What becomes of what an agent answers, besides that it stands in the transcript.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AnswerTo {
    /// It goes to who asked for the turn.
    #[default]
    Channel,
    /// It goes into the session's outbox, as well: nobody may be there to hear it.
    Outbox {
        /// The plugin that has the agent speak.
        plugin: String,
    },
    /// It goes nowhere: nobody sends it, and no plugin is asked about that.
    Nobody,
}

impl TurnAsked {
    /// Somebody says something to the agent of this session, and nothing more is known of who it is.
    #[must_use]
    pub fn said(session: impl Into<String>, channel: impl Into<String>, text: impl Into<String>) -> Self {
        let (session, channel, text) = (session.into(), channel.into(), text.into());
        Self { session, trigger: Trigger::User, channel, principal: None, text, message_id: None, life: None, answer: AnswerTo::default() }
    }

    /// Refuses what couldn't be written.
    pub(crate) fn check(&self) -> Result<(), TurnError> {
        let within = |what, bytes, most| if bytes > most { Err(TurnError::TooLong { what, bytes, most }) } else { Ok(()) };
        within("the text", json!(self.text).to_string().len(), SessionBounds::CONTENT)?;
        within("what is said of the sender and the message", self.facts().len(), SessionBounds::META)
    }

    /// What is kept of it with the run.
    pub(crate) fn facts(&self) -> String {
        let Self { channel, principal, message_id, .. } = self;
        let principal = principal.as_ref().map(|p| json!({ "channel": p.channel, "sender": p.sender, "scopes": p.scopes }));
        json!({ "channel": channel, "principal": principal, "message-id": message_id }).to_string()
    }
}

/// Why there is no turn.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TurnError {
    /// The gateway hasn't started: what its predecessor left behind isn't settled yet.
    #[error("the gateway hasn't started yet (`Gateway::start`), so there are no turns")]
    NotStarted,
    /// The gateway stops.
    #[error("the gateway is stopping, so there are no new turns")]
    Stopping,
    /// Too many turns of the session wait.
    #[error("{waiting} turns of the session {session:?} wait already, {most} may (setting `agent.waiting`)")]
    Busy {
        /// The session.
        session: String,
        /// How many wait.
        waiting: usize,
        /// How many may.
        most: usize,
    },
    /// What is said, or who says it, is more than is kept.
    #[error("{what} has {bytes} bytes as JSON, {most} allowed (fixed: no setting changes it)")]
    TooLong {
        /// What of it.
        what: &'static str,
        /// Its bytes.
        bytes: usize,
        /// How many are allowed.
        most: usize,
    },
    /// The turn was given up before it began.
    #[error("the turn was cancelled before it began")]
    Cancelled,
    /// The session was deleted, or began another life, by somebody who didn't ask this gateway.
    #[error("the session {0:?} was deleted or reset meanwhile")]
    Gone(String),
    /// A plugin has no business here any more, the model can't be asked, or a bound was reached.
    #[error("{0}")]
    Failed(String),
    /// The state can't be read or written, or refuses what was asked.
    #[error(transparent)]
    State(#[from] StateError),
}
