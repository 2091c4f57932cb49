//! Sees to it that people who write to an agent are answered within a target.
//!
//! What it is for: a turn fails, a model is down, a queue is long, and nobody notices that somebody waits. The plugin does, and has the agent answer. What it costs: a read and a write of the store for each message,
//! turn and answer, and a timer, each minute if nothing else is set. How it fails: it changes nothing of a turn; where the store or the schedule has no answer, that is a failure in the plugin's record, and
//! `/sla` says that nobody looks.

#![forbid(unsafe_code)]

mod days;
mod listing;
mod moment;
mod settings;
mod sweep;
#[cfg(test)]
mod tests;
mod turn;
mod waits;

use moment::now;
use plugbay_sdk::hooks::cleanup::Reason;
use plugbay_sdk::prelude::*;
use settings::Settings;
use turn::Turn;
use waits::Waits;

/// What a host says of a turn that a person cancelled.
const CANCELLED: &str = "cancelled";

struct SlaMonitor {
    settings: Settings,
}

#[plugin(
    isolation(shared, pool, session, call),
    ui(
        id = "sla",
        surface = "session",
        label = "Waiting for an answer",
        description = "Says that somebody who waits was answered elsewhere",
        actions("answered-elsewhere")
    )
)]
impl SlaMonitor {
    fn activate(_: &Activation, settings: Settings) -> Result<Self> {
        settings.check()?;
        Ok(Self { settings })
    }

    /// Sets the one timer. It has a name, so that there is one however often the plugin starts.
    fn started(&self, _: ActivationReason) -> Result<()> {
        sweep::plan(&self.settings).inspect_err(|error| log::error!("nobody looks who waits too long: {error}"))
    }

    /// Somebody waits from now on. The first message of a session comes before there is one: `agent_turn_prepare` sees to that.
    fn message_received(&self, call: &Call, event: Message) -> Result<()> {
        match &call.session {
            Some(session) => Waits::open(&self.settings)?.wrote(session, sender(call), event.at),
            None => Ok(()),
        }
    }

    /// The agent is at work. Adds nothing to what it is told.
    fn agent_turn_prepare(&self, call: &Call, event: TurnPrepared) -> Result<Option<TurnContext>> {
        let turn = Turn { began: now(), answers: event.trigger == Trigger::User };
        turn.note();
        let wait = Waits::open(&self.settings)?.begins(call.session()?, turn, sender(call))?;
        if let Some(wait) = wait.filter(|wait| wait.event) {
            events::emit("sla-monitor.breach", &sweep::event(&self.settings, &wait))?;
        }
        Ok(None)
    }

    /// An answer that its channel took ends the waiting of those who wrote before its turn began.
    fn message_sent(&self, call: &Call, event: Sent) -> Result<()> {
        let Some(session) = &call.session else { return Ok(()) };
        let (life, waits, turn) = (session.id()?, Waits::open(&self.settings)?, Turn::of_call());
        match &event.error {
            None => waits.answered(&life, turn, event.at)?.map_or(Ok(()), |wait| self.ended(session, &wait, event.at)),
            Some(why) => waits.failed(&life, turn, &format!("its answer wasn't taken: {why}")),
        }
    }

    /// So does a turn for them that came to its end without one: what was to be said, the agent has said by other means. One that a person cancelled was wanted no more; any other that failed leaves people waiting.
    fn agent_end(&self, call: &Call, event: TurnEnded) -> Result<()> {
        let (session, waits) = (call.session()?, Waits::open(&self.settings)?);
        let (life, turn) = (session.id()?, Turn::of_call());
        match (event.success, event.error.as_deref()) {
            (true, _) => waits.turn_over(&life, turn)?.map_or(Ok(()), |wait| self.ended(session, &wait, now())),
            (false, Some(CANCELLED)) => waits.turn_over(&life, turn).map(drop),
            (false, why) => waits.failed(&life, turn, why.unwrap_or("nobody says why")),
        }
    }

    /// Says that somebody who waits in this session was answered by other means: on the telephone, say.
    #[action(title = "Answered elsewhere")]
    fn answered_elsewhere(&self, call: &Call) -> Result<ActionResult> {
        let Some(session) = &call.session else {
            return Ok(ActionResult::failed("say in which session somebody was answered").code("no-session"));
        };
        let waited = Waits::open(&self.settings)?.answered(&session.id()?, None, u64::MAX)?;
        let Some(wait) = waited else {
            return Ok(ActionResult::failed("nobody waits for an answer in this session").code("nobody-waits"));
        };
        self.ended(session, &wait, now())?;
        Ok(ActionResult::done().reply(format!(
            "Nobody waits any more in {}; it was {}.",
            wait.session,
            moment::long(now().saturating_sub(wait.since))
        )))
    }

    /// Shows who waits for an answer, and how the last days went.
    #[command(scopes("operator.read"))]
    fn sla(&self, _: &Call) -> Result<String> {
        listing::listed(&self.settings)
    }

    /// Looks who waits too long.
    fn timers(&self, _: &Call, _: Timer) -> Result<()> {
        sweep::sweep(&self.settings)
    }

    /// Nobody waits any more where a session has ended.
    fn cleanup(&self, call: &Call, event: CleanupAsked) -> Result<()> {
        match event.reason {
            Reason::Reset | Reason::Delete => Waits::open(&self.settings)?.forget(&call.session()?.id()?).map(drop),
            Reason::Disable | Reason::Restart => Ok(()),
        }
    }
}

impl SlaMonitor {
    /// Counts the answer, and takes back the turn that was to bring it, if it hasn't begun.
    fn ended(&self, session: &Session, wait: &waits::Wait, at: u64) -> Result<()> {
        days::answered(at.saturating_sub(wait.since), self.settings.target())?;
        if wait.asked > 0 {
            schedule::cancel_tag_of(session, sweep::TAG)?;
        }
        Ok(())
    }
}

/// Who wrote.
fn sender<'a>(call: &'a Call) -> Option<&'a str> {
    call.principal.as_ref().map(|principal| principal.sender.as_str()).filter(|sender| !sender.trim().is_empty())
}
