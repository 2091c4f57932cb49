//! Does what people have it do: at once, later, and as files. Tests say with an action's parameters what that is.
//!
//! What it is told of its timers and jobs it writes down, in the namespaces `fired` and `changes` of its store: `look` answers them. A due time that it is told of twice is one row that says so.

#![forbid(unsafe_code)]

mod files;
mod noted;
mod orders;

use files::Files;
use orders::{Broken, Called, Greeting, How, Jobs, Later, Reason, Slow, Task, Timed};
use plugbay_sdk::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

#[derive(Default)]
struct Errand;

#[plugin(
    id = "errand",
    isolation(shared, pool, session, call),
    ui(
        id = "panel",
        surface = "session",
        label = "Errands",
        description = "What it can do here.",
        icon = "bolt",
        order = 10,
        actions("greet", "refuse")
    ),
    ui(id = "house-keeping", surface = "settings", label = "House keeping", actions("forget-all"), scopes("operator.admin"))
)]
impl Errand {
    /// Greets somebody, and has the agent go on if that is wanted.
    #[action(title = "Greet somebody")]
    fn greet(&self, call: &Call, params: Greeting) -> Result<ActionResult> {
        let by = call.principal.as_ref().map(|by| json!({ "channel": by.channel, "sender": by.sender, "scopes": by.scopes }));
        let result = json!({ "greeted": params.name, "session": call.session_key(), "by": by });
        let greeted = ActionResult::done().result(&result)?.reply(format!("Hello, {}!", params.name));
        Ok(if params.go_on { greeted.continue_agent() } else { greeted })
    }

    /// Says nothing, and does nothing.
    #[action(scopes("operator.read"))]
    fn nod(&self, _: &Call) {}

    /// Can't do it, and says why.
    #[action]
    fn refuse(&self, _: &Call, params: Reason) -> Result<ActionResult> {
        let refused = ActionResult::failed(params.error);
        let refused = params.code.into_iter().fold(refused, ActionResult::code);
        params.details.map_or(Ok(refused.clone()), |details| refused.details(&details))
    }

    /// Fails itself, in one of several ways.
    #[action(id = "break")]
    #[expect(clippy::panic, reason = "what a fault does is what is tested")]
    fn break_down(&self, _: &Call, params: Broken) -> Result<ActionResult> {
        match params.how {
            How::Err => Err(Error::new("a secret of the plugin's")),
            How::Panic => panic!("as you asked"),
            How::Blank => Ok(ActionResult::failed("  ")),
        }
    }

    /// Takes its time.
    #[action]
    fn slow(&self, _: &Call, params: Slow) -> &'static str {
        take_time(params.ms);
        "done"
    }

    /// What it was told of timers and jobs.
    #[action(scopes("operator.read"))]
    fn look(&self, _: &Call) -> Result<ActionResult> {
        ActionResult::done().result(&noted::all()?)
    }

    /// Forgets what it was told.
    #[action(scopes("operator.admin"))]
    fn forget_all(&self, _: &Call) -> Result<()> {
        Ok(noted::forget()?)
    }

    /// Schedules a turn, or a timer.
    #[action]
    fn later(&self, call: &Call, params: Later) -> Result<ActionResult> {
        let job = params.schedule(call)?;
        ActionResult::done().result(&orders::shown(&job))
    }

    /// Schedules a timer for each of so many.
    #[action]
    fn many(&self, _: &Call, params: orders::Many) -> Result<ActionResult> {
        for n in 0..params.count {
            schedule::timer().after(Duration::from_millis(params.after_ms)).tag("many").payload(&n)?.start()?;
        }
        ActionResult::done().result(&params.count)
    }

    /// Removes jobs: one, or all with a tag.
    #[action]
    fn call_off(&self, call: &Call, params: Called) -> Result<ActionResult> {
        let removed = match (&params.job, &params.tag) {
            (Some(job), _) => u32::from(schedule::cancel(job)?),
            (None, Some(tag)) if params.here => schedule::cancel_tag_of(call.session()?, tag)?,
            (None, Some(tag)) => schedule::cancel_tag(tag)?,
            (None, None) => return Ok(ActionResult::failed("neither a job nor a tag is named")),
        };
        ActionResult::done().result(&removed)
    }

    /// Its jobs.
    #[action(scopes("operator.read"))]
    fn jobs(&self, _: &Call, params: Jobs) -> Result<ActionResult> {
        let jobs = params.tag.map_or_else(schedule::jobs, |tag| schedule::jobs_tagged(&tag))?;
        ActionResult::done().result(&jobs.iter().map(orders::shown).collect::<Vec<_>>())
    }

    /// Hands files over.
    #[action]
    fn send(&self, call: &Call, params: Files) -> Result<ActionResult> {
        let delivered = params.send(call.session()?)?;
        ActionResult::done().result(&json!({ "id": delivered.id, "types": delivered.types }))
    }

    /// Runs an errand.
    #[command(args = "<what>")]
    fn errand(&self, call: &Call, what: &str) -> Result<CommandAnswer> {
        let who = call.principal.as_ref().map_or("somebody", |by| by.sender.as_str());
        match what {
            "" => Err(Error::new("say what it is to do: /errand tea")),
            "nothing" => Ok(CommandAnswer::silent()),
            what => match what.strip_prefix("go on with ") {
                Some(rest) => Ok(CommandAnswer::text(format!("{rest} is done for {who}.")).continue_agent()),
                None => Ok(CommandAnswer::text(format!("{what} is done for {who}."))),
            },
        }
    }

    /// Says that it is there.
    #[command(scopes("operator.read"))]
    fn ping(&self, _: &Call) -> &'static str {
        "pong"
    }

    /// Forgets what it was told, for administrators.
    #[command(scopes("operator.admin"))]
    fn errand_forget(&self, _: &Call) -> Result<&'static str> {
        noted::forget()?;
        Ok("forgotten")
    }

    fn timers(&self, call: &Call, event: Timer) -> Result<()> {
        let task = event.parse::<Timed>().map(|timed| timed.task).unwrap_or_default();
        noted::fired(call.session_key(), &event)?;
        match task {
            Task::Note => Ok(()),
            Task::Fail => Err(Error::new("as you asked")),
            Task::Slow(ms) => {
                take_time(ms);
                Ok(())
            }
            Task::Again(ms) => {
                schedule::timer().after(Duration::from_millis(ms)).name(event.name.as_deref().unwrap_or("again")).start()?;
                Ok(())
            }
            #[expect(clippy::panic, reason = "what a fault does is what is tested")]
            Task::Panic => panic!("as you asked"),
        }
    }

    fn job_changed(&self, _: &Call, event: JobChange) -> Result<()> {
        Ok(noted::changed(event)?)
    }
}

/// Keeps the processor busy for so long.
fn take_time(ms: u64) {
    let began = Instant::now();
    // Asking the clock is a call of the host, and there is a limit to those.
    while began.elapsed() < Duration::from_millis(ms) {
        (0..1_000_000).for_each(|step| _ = black_box(step));
    }
}

#[cfg(test)]
mod tests;
