//! The channel's edge: a message comes in and may be a plugin's; a text goes out, if plugins let it.
//!
//! Only what a person says is a message: heartbeats and the like begin further in. What goes out goes out once, whatever it is: an answer, a plugin's reply, the words of one that
//! blocked a turn. Where a plugin decides on what is sent, nobody hears the model's words before that.

use super::listener::Listener;
use super::open::Opening;
use super::{AnswerTo, Run, Stopped, Turn, TurnAsked, TurnError, TurnEvent, TurnStatus};
use crate::gateway::{Gateway, Inner};
use crate::runs::now;
use crate::sessions::{Place, StoredConversation};
use plugbay_runtime::{
    BeforeDispatch, Call, DispatchClaim, Message, MessageAsked, MessageReceived, MessageSending, MessageSent, Sending, Sent, Session,
    Transcript, Trigger,
};
use std::sync::Arc;
use uuid::Uuid;

/// Which way a text goes out.
enum Way<'a> {
    /// To who listens to the turn.
    Listener(&'a Listener),
    /// Into the session's outbox; who listens hears it, too.
    Outbox { listener: &'a Listener, plugin: &'a str, session: &'a Session, run: &'a str },
}

/// What is said of a message that nobody was there to take.
const UNHEARD: &str = "nobody listens to the turn any more";

impl Gateway {
    /// Has an agent's turn. What comes first, up to the place in the session's line, happens while the caller waits; the turn itself doesn't wait for anybody.
    ///
    /// # Errors
    /// Why there is no turn: the gateway hasn't started, or stops; too many turns of the session wait; the text is too long; the state can't be read.
    pub async fn turn(&self, asked: TurnAsked) -> Result<Turn, TurnError> {
        self.turn_as(Uuid::new_v4().to_string().into(), asked).await
    }

    /// The same, with a run of this id.
    pub(crate) async fn turn_as(&self, run: Arc<str>, asked: TurnAsked) -> Result<Turn, TurnError> {
        let gateway = &self.0;
        gateway.open()?;
        asked.check()?;
        let (listener, events) = Listener::new();
        if asked.trigger == Trigger::User && gateway.taken(&asked, &listener).await? {
            return Ok(Turn { run: None, events });
        }
        gateway.open()?;
        let place = gateway.enter(&asked.session)?;
        let stop = gateway.live.add(run.clone());
        gateway.turns.spawn(Opening { gateway: gateway.clone(), asked, run: run.clone(), listener, stop, place }.play());
        Ok(Turn { run: Some(run), events })
    }
}

impl Inner {
    /// A place in a session's line.
    pub(crate) fn enter(&self, session: &str) -> Result<Place, TurnError> {
        let most = self.agent.waiting;
        self.lines.enter(session, most).map_err(|full| TurnError::Busy { session: session.to_owned(), waiting: full.0, most })
    }

    /// Whether the model's words may be passed on as they come: nobody decides on what is sent.
    pub(super) fn streams(&self) -> bool {
        !self.plugins.all().iter().any(|plugin| plugin.generation().is_some_and(|g| g.handles::<MessageSending>()))
    }

    /// A message came in. Whether a plugin took it.
    async fn taken(&self, asked: &TurnAsked, listener: &Listener) -> Result<bool, TurnError> {
        let (call, at) = (self.at_the_edge(asked).await?, now());
        let (id, text) = (asked.message_id.clone(), asked.text.clone());
        self.hooks.tell::<MessageReceived>(&call, Message { id: id.clone(), text: text.clone(), at, attrs: Vec::new() });
        let event = MessageAsked { message_id: id, text, at, attrs: Vec::new() };
        let DispatchClaim { taken, text, .. } = self.hooks.fire::<BeforeDispatch>(&call.anew(), event).await.outcome;
        if taken {
            if let Some(text) = text {
                self.hand_over(|| call.anew(), text, Way::Listener(listener), |text| TurnEvent::Message { text }).await;
            }
            listener.tell(TurnEvent::End { status: TurnStatus::Taken });
        }
        Ok(taken)
    }

    /// What plugins are told about a message before it belongs to a turn: about its session, if there is one already.
    async fn at_the_edge(&self, asked: &TurnAsked) -> Result<Call, TurnError> {
        let mut call = Call::new();
        if let Some(principal) = &asked.principal {
            call = call.principal(principal.clone());
        }
        let Some(row) = self.store.session(&asked.session).await? else { return Ok(call) };
        let session = self.desk.handles().handle(&row.key, &row.id);
        let transcript = StoredConversation::new(self.store.clone(), row.key.into(), row.id.into(), row.entries);
        Ok(call.session(session).transcript(Transcript::of(Arc::new(transcript))))
    }

    /// Hands a text over, if plugins let it. Whether they do.
    async fn hand_over(&self, call: impl Fn() -> Call, text: String, way: Way<'_>, said: impl FnOnce(String) -> TurnEvent) -> bool {
        let asked = self.hooks.fire::<MessageSending>(&call(), Sending { text: text.clone(), attrs: Vec::new() }).await;
        if let Some(why) = asked.outcome.cancel {
            let by = asked.by.map(|by| by.to_string());
            tracing::info!(by, why, "a message wasn't sent");
            return false;
        }
        let text = asked.outcome.text.unwrap_or(text);
        let error = match way {
            Way::Listener(listener) => (!listener.tell(said(text.clone()))).then(|| UNHEARD.to_owned()),
            Way::Outbox { listener, plugin, session, run } => {
                listener.tell(said(text.clone()));
                self.desk.deliveries().announce(plugin, session, run, text.clone()).await.err()
            }
        };
        if let Some(error) = &error {
            tracing::debug!(error, "a message reached nobody");
        }
        self.hooks.tell::<MessageSent>(&call(), Sent { text, error, at: now(), attrs: Vec::new() });
        true
    }
}

impl Run {
    /// Hands the answer to the channel.
    pub(super) async fn send(&self, text: String) -> Result<(), Stopped> {
        self.send_as(text, |text| TurnEvent::Message { text }).await.map(drop)
    }

    /// Hands a text to the channel as this event. Whether plugins let it.
    pub(super) async fn send_as(&self, text: String, said: impl FnOnce(String) -> TurnEvent) -> Result<bool, Stopped> {
        let way = match &self.asked.answer {
            AnswerTo::Channel => Way::Listener(&self.listener),
            AnswerTo::Outbox { plugin } => Way::Outbox { listener: &self.listener, plugin, session: &self.session, run: self.guard.id() },
            AnswerTo::Nobody => {
                self.listener.tell(said(text));
                return Ok(true);
            }
        };
        Ok(self.stop.unless(self.gateway.hand_over(|| self.call(), text, way, said)).await?)
    }
}
