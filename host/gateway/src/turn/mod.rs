//! Turns: from what somebody says to what the agent answers, with every hook in its place.
//!
//! A turn is a [`Run`] that goes through steps, a file for each family of them: `edge` (the message reaches the gateway), `open` (its turn in the session's line, its run),
//! `prepare` (what the agent is told), `gate` (whether it runs at all), `rounds` (the model and its tools, with what `context` makes ready), `finish`. `embed` is the same for who runs the model alone.
//!
//! Each turn is a task of its own: who stops listening doesn't stop it. It costs a commit to begin, one for each message, one to end; what is said of it waits, in memory, for
//! who listens, as much as the model and the tools say. It fails by saying so: in its events, in its session's transcript, in its run.

mod asked;
mod context;
mod edge;
mod embed;
mod event;
mod finish;
mod gate;
mod listener;
mod model;
mod open;
mod prepare;
mod questions;
mod rounds;
mod tools;
mod unended;
mod unheard;
mod write;

pub use asked::{AnswerTo, TurnAsked, TurnError};
pub use embed::PreparedTurn;
pub use event::{TurnEvent, TurnStatus};
pub use listener::{Turn, TurnEnd};

use crate::context::{Seat, TurnTold};
use crate::gateway::{Inner, Stop, Why};
use crate::model::ModelFailure;
use crate::runs::RunGuard;
use crate::sessions::StoredConversation;
use listener::Listener;
use plugbay_runtime::state::{Injection, StateError};
use plugbay_runtime::{Call, Session, Transcript};
use std::sync::Arc;
use std::time::Instant;
use unended::Unended;

/// A turn that has begun: it has the session to itself until it is dropped.
pub(crate) struct Run {
    gateway: Arc<Inner>,
    asked: TurnAsked,
    session: Session,
    key: Arc<str>,
    life: Arc<str>,
    /// Entries of the session's life, as far as they were written.
    entries: u64,
    /// What plugins have queued for it.
    injections: Vec<Injection>,
    /// What the model was saying when the turn was stopped.
    unfinished: String,
    /// Where the context engine is asked.
    seat: Arc<Seat>,
    /// How the last context of the turn was, once there was one.
    told: Option<TurnTold>,
    began: Instant,
    listener: Listener,
    guard: RunGuard,
    stop: Stop,
    /// Its place in the session's line.
    unended: Unended,
}

/// Why a turn doesn't go on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stopped {
    Cancelled,
    HostStops,
    Failed(String),
    /// The model said nothing, or not to the end. With the words of who runs it, which are the operator's.
    Unanswered {
        kind: ModelFailure,
        why: String,
    },
}

impl From<Why> for Stopped {
    fn from(why: Why) -> Self {
        match why {
            Why::Cancelled => Self::Cancelled,
            Why::HostStops => Self::HostStops,
        }
    }
}

impl From<StateError> for Stopped {
    fn from(error: StateError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// How a turn ends.
enum Ended {
    Done,
    /// Why, for the operator; and for everybody else.
    Blocked {
        reason: String,
        shown: String,
    },
    Stopped(Stopped),
}

impl Run {
    /// What plugins are told of whatever happens next, with the conversation as it is now.
    fn call(&self) -> Call {
        let transcript = StoredConversation::new(self.gateway.store.clone(), self.key.clone(), self.life.clone(), self.entries);
        let call = Call::new().session(self.session.clone()).run(self.guard.id().clone()).transcript(Transcript::of(Arc::new(transcript)));
        match &self.asked.principal {
            Some(principal) => call.principal(principal.clone()),
            None => call,
        }
    }

    /// Takes the turn from its beginning to its end.
    async fn play(mut self) {
        let ended = self.steps().await.unwrap_or_else(Ended::Stopped);
        self.finish(ended).await;
    }

    async fn steps(&mut self) -> Result<Ended, Stopped> {
        if self.claimed().await? {
            return Ok(Ended::Done);
        }
        let voice = self.voice().await?;
        let prompt = self.prepare().await?;
        if let Some(blocked) = self.gate(&voice, &prompt).await? {
            return Ok(blocked);
        }
        let mut talk = self.say(voice, prompt).await?;
        let answer = self.rounds(&mut talk).await?;
        self.send(answer).await?;
        Ok(Ended::Done)
    }
}
