//! Who listens to a turn: the one who asked for it. Nobody has to.

use super::{TurnEvent, TurnStatus};
use futures_util::Stream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// A turn that was asked for, as a stream of what happens in it. Dropping it stops nothing: see [`Gateway::cancel`](crate::Gateway::cancel).
#[derive(Debug)]
pub struct Turn {
    pub(super) run: Option<Arc<str>>,
    pub(super) events: mpsc::UnboundedReceiver<TurnEvent>,
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
}

impl Turn {
    /// Its run. None: a plugin took the message, and there is no turn.
    #[must_use]
    pub const fn run(&self) -> Option<&Arc<str>> {
        self.run.as_ref()
    }

    /// What happens next; nothing after its end.
    pub async fn next(&mut self) -> Option<TurnEvent> {
        self.events.recv().await
    }

    /// Waits for its end. A turn whose host went away under it was interrupted.
    pub async fn ended(mut self) -> TurnEnd {
        let mut end = TurnEnd { status: TurnStatus::Interrupted, message: None, error: None };
        while let Some(event) = self.next().await {
            match event {
                TurnEvent::Message { text } => end.message = Some(text),
                TurnEvent::Blocked { message, .. } => end.message = message,
                TurnEvent::Failed { error } => end.error = Some(error),
                TurnEvent::End { status } => end.status = status,
                _ => {}
            }
        }
        end
    }
}

impl Stream for Turn {
    type Item = TurnEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<TurnEvent>> {
        self.events.poll_recv(context)
    }
}

/// The other end of a [`Turn`]. Cheap to clone.
#[derive(Clone)]
pub(super) struct Listener {
    events: mpsc::UnboundedSender<TurnEvent>,
    /// Whether the model's words are passed on as they come.
    streams: bool,
}

impl Listener {
    pub(super) fn new(streams: bool) -> (Self, mpsc::UnboundedReceiver<TurnEvent>) {
        let (events, heard) = mpsc::unbounded_channel();
        (Self { events, streams }, heard)
    }

    /// Says something. Whether anybody listens.
    pub(super) fn tell(&self, event: TurnEvent) -> bool {
        self.events.send(event).is_ok()
    }

    /// Passes on words of the model.
    pub(super) fn stream(&self, text: &str) {
        if self.streams {
            self.tell(TurnEvent::Text { text: text.to_owned() });
        }
    }
}
