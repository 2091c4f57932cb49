//! One turn: what is said, what comes back, and whoever interrupts or is asked meanwhile.

use super::super::{approvals, sessions, words};
use super::{End, Talk, question, show};
use crate::api::types::{ApprovalView, Decision, Resolve, RunNamed, SettledView, TurnEvent, TurnRequest, TurnStatus};
use crate::client::{ClientError, Content, Event, Events, Route};
use crate::output::one_line;
use anyhow::{Context, Result, bail};
use hyper::Method;

/// Where a turn of a command comes from.
const CHANNEL: &str = "cli";

/// A turn that is under way.
#[derive(Default)]
struct Underway {
    run: Option<String>,
    /// The question that a person here is to answer: a turn asks one at a time.
    asked: Option<ApprovalView>,
    /// Whether somebody wants it cancelled.
    is_unwanted: bool,
    /// Whether the daemon was told so.
    is_cancelled: bool,
}

/// What happens next.
enum Next {
    Event(Option<Event>),
    Interrupt,
    Typed(Option<String>),
}

impl Talk<'_> {
    /// Says something to the agent, and shows what comes of it.
    pub(super) async fn turn(&mut self, text: String) -> Result<End> {
        self.interrupts.take();
        let said = TurnRequest { text, message_id: None, channel: Some(CHANNEL.to_owned()) };
        let said = Content::json(&said).context("can't write what was said as JSON")?;
        let route = Route::v1(&["sessions", &self.session, "turns"]);
        let Some(events) = self.interrupts.unless(self.console.client().stream(&route, said)).await else {
            // It has no run yet by which it could be cancelled.
            show(&self.screen.aside("left; the turn may be under way all the same\n"))?;
            return Ok(End::Refused);
        };
        let (mut events, mut turn) = (events?, Underway::default());
        loop {
            match self.interrupts.count() {
                0 => {}
                1 => self.unwanted(&mut turn).await?,
                _ => return Ok(End::Refused),
            }
            match self.next(&mut events, &turn).await? {
                Next::Event(None) => {
                    bail!("the daemon is gone in the middle of the turn; `plugbay sessions show {}` says what became of it", self.session)
                }
                Next::Event(Some(event)) => {
                    if let Some(status) = self.told(&mut turn, &event).await? {
                        return Ok(if sessions::is_done(status) { End::Done } else { End::Refused });
                    }
                }
                Next::Typed(Some(line)) => self.typed(&mut turn, &line).await?,
                Next::Interrupt | Next::Typed(None) => {}
            }
        }
    }

    async fn next(&mut self, events: &mut Events, turn: &Underway) -> Result<Next> {
        let answers = self.is_person && turn.asked.is_some() && !self.input.is_over();
        tokio::select! {
            event = events.next() => Ok(Next::Event(event?)),
            () = self.interrupts.next() => Ok(Next::Interrupt),
            line = self.input.answer(), if answers => Ok(Next::Typed(line?)),
        }
    }

    /// Shows an event, and does what it asks for. How the turn ended, if it has.
    async fn told(&mut self, turn: &mut Underway, Event { data, .. }: &Event) -> Result<Option<TurnStatus>> {
        let event: TurnEvent = serde_json::from_str(data).with_context(|| format!("an event that isn't understood: {}", one_line(data)))?;
        show(&self.screen.show(&event, data))?;
        match event {
            TurnEvent::Accepted { run } | TurnEvent::RunStarted { run, .. } => turn.run = Some(run),
            TurnEvent::ApprovalAsked { approval } => self.asked(turn, approval).await?,
            TurnEvent::ApprovalResolved { settled } => drop(turn.asked.take_if(|asked| settled.id.as_ref() == Some(&asked.id))),
            TurnEvent::End { status } => return Ok(Some(status)),
            _ => {}
        }
        Ok(None)
    }

    /// A plugin asks.
    async fn asked(&mut self, turn: &mut Underway, asked: ApprovalView) -> Result<()> {
        match self.approve {
            Some(approve) => match approve.answer(&asked) {
                Some(decision) => self.resolve(&asked, decision).await,
                None => self.is_left_open(&asked),
            },
            None if self.is_person => {
                self.input.set_aside()?;
                show(&self.screen.prompt(&question::choices(&asked, self.console.paint())))?;
                turn.asked = Some(asked);
                Ok(())
            }
            None => self.is_left_open(&asked),
        }
    }

    /// Says who can answer, if nobody does here.
    fn is_left_open(&mut self, asked: &ApprovalView) -> Result<()> {
        show(&self.screen.aside(&question::elsewhere(asked, &words::time(asked.until))))
    }

    /// Somebody typed something while a question waits.
    async fn typed(&mut self, turn: &mut Underway, line: &str) -> Result<()> {
        self.screen.typed();
        let Some(asked) = turn.asked.take() else { return Ok(()) };
        if let Some(decision) = question::answer(&asked, line) {
            return self.resolve(&asked, decision).await;
        }
        show(&self.screen.prompt(&question::choices(&asked, self.console.paint())))?;
        turn.asked = Some(asked);
        Ok(())
    }

    /// Answers a question. That somebody else was first is told by the turn itself.
    async fn resolve(&mut self, asked: &ApprovalView, decision: Decision) -> Result<()> {
        let answer = Content::json(&Resolve { decision, why: None }).context("can't write the answer as JSON")?;
        let route = approvals::route(&asked.id);
        match self.interrupts.unless(self.console.client().send::<SettledView>(Method::POST, &route, answer)).await {
            Some(Err(error @ ClientError::Refused { .. })) => show(&self.screen.aside(&format!("  {}\n", one_line(&error.to_string())))),
            Some(answered) => Ok(answered.map(drop)?),
            None => Ok(()),
        }
    }

    /// Somebody doesn't want the turn to go on: it is cancelled, once its run is known.
    async fn unwanted(&mut self, turn: &mut Underway) -> Result<()> {
        if turn.is_cancelled {
            return Ok(());
        }
        if !std::mem::replace(&mut turn.is_unwanted, true) {
            show(&self.screen.aside("cancelling the turn; Ctrl-C again leaves it\n"))?;
        }
        let Some(run) = &turn.run else { return Ok(()) };
        turn.is_cancelled = true;
        let route = sessions::cancelling(run);
        match self.interrupts.unless(self.console.client().send::<RunNamed>(Method::POST, &route, Content::Empty)).await {
            // It came to its end by itself meanwhile.
            None | Some(Err(ClientError::Refused { status: 404, .. })) => Ok(()),
            Some(cancelled) => Ok(cancelled.map(drop)?),
        }
    }
}
