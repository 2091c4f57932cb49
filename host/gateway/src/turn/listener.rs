//! Who listens to a turn: the one who asked for it. Nobody has to.

use super::unheard::{Hearer, Teller, unheard};
use super::{TurnEvent, TurnStatus};
use crate::model::ModelFailure;
use futures_util::Stream;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A turn that was asked for, as a stream of what happens in it. Dropping it stops nothing: see [`Gateway::cancel`](crate::Gateway::cancel).
#[derive(Debug)]
pub struct Turn {
    pub(super) run: Option<Arc<str>>,
    pub(super) events: Hearer,
}

/// How a turn ended, in one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnEnd {
    /// How.
    pub status: TurnStatus,
    /// What went to the channel, if anything did.
    pub message: Option<String>,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// What kind of failure of the model that was, if it was one: then the words are those of who runs it, and not for everybody.
    pub unanswered: Option<ModelFailure>,
}

impl Turn {
    /// Its run. None: a plugin took the message, and there is no turn.
    #[must_use]
    pub const fn run(&self) -> Option<&Arc<str>> {
        self.run.as_ref()
    }

    /// What happens next; nothing after its end.
    pub async fn next(&mut self) -> Option<TurnEvent> {
        poll_fn(|context| self.events.poll(context)).await
    }

    /// Waits for its end. A turn whose host went away under it was interrupted.
    pub async fn ended(mut self) -> TurnEnd {
        let mut end = TurnEnd { status: TurnStatus::Interrupted, message: None, error: None, unanswered: None };
        while let Some(event) = self.next().await {
            match event {
                TurnEvent::Message { text } => end.message = Some(text),
                TurnEvent::Blocked { message, .. } => end.message = message,
                TurnEvent::Failed { error, unanswered } => (end.error, end.unanswered) = (Some(error), unanswered),
                TurnEvent::End { status } => end.status = status,
                _ => {}
            }
        }
        end
    }
}

impl Stream for Turn {
    type Item = TurnEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<TurnEvent>> {
        self.events.poll(context)
    }
}

/// The other end of a [`Turn`]. Cheap to clone.
#[derive(Clone)]
pub(super) struct Listener(Arc<Teller>);

impl Listener {
    pub(super) fn new() -> (Self, Hearer) {
        let (teller, hearer) = unheard();
        (Self(Arc::new(teller)), hearer)
    }

    /// Says something. Whether anybody listens.
    pub(super) fn tell(&self, event: TurnEvent) -> bool {
        self.0.tell(event)
    }
}
