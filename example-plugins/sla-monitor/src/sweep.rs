//! The look at who waits too long, and what is done about it.
//!
//! What it is for: one timer for all sessions. A breach is counted once; then the agent is told, has a turn, or an event waits for the session's next turn. While the agent is at work on a session nothing is
//! done: it couldn't answer sooner. What it costs: a list of the rows, and a few calls of the host for each who waits too long. How it fails: one session's failure is a warning in the log, and the others are
//! looked at all the same. The row is written before something is done, so that nothing is done twice where the host is killed between.

use crate::days;
use crate::moment::{long, minute, now};
use crate::settings::{Settings, Then};
use crate::waits::{Wait, Waits};
use plugbay_sdk::prelude::*;
use std::time::Duration;

/// Under which jobs about waits are found; those of one session by the session as well.
pub(crate) const TAG: &str = "sla";
/// The name of the timer.
pub(crate) const NAME: &str = "sweep";
/// Where a note stands among what the agent is told.
const PRIORITY: i32 = 50;
/// Sessions that one look does something about; the others wait for the next one.
const AT_ONCE: usize = 100;

/// Sets the timer, or sets it anew with other settings. What was missed while the host was down needn't be made up for: the next look sees all.
pub(crate) fn plan(settings: &Settings) -> Result<()> {
    schedule::timer().cron(settings.every.as_str(), "UTC").name(NAME).tag(TAG).catch_up(schedule::CatchUp::Skip).start()?;
    Ok(())
}

/// Looks at all who wait.
pub(crate) fn sweep(settings: &Settings) -> Result<()> {
    let (waits, at) = (Waits::open(settings)?, now());
    let mut done = 0;
    for (life, wait) in waits.all()?.into_iter().filter(|(_, wait)| wait.is_overdue(settings, at)) {
        if done == AT_ONCE {
            log::warn!("more than {AT_ONCE} sessions wait too long: the others are looked at next time");
            break;
        }
        match look(settings, &waits, &life, &wait, at) {
            Ok(acted) => done += usize::from(acted),
            Err(error) => log::warn!("session {}: {error}", wait.session),
        }
    }
    Ok(())
}

/// Looks at one who waits too long. Whether something was done.
fn look(settings: &Settings, waits: &Waits, life: &str, wait: &Wait, at: u64) -> Result<bool> {
    let session = match sessions::open(&wait.session) {
        Ok(session) if session.id().is_ok_and(|id| id == life) => session,
        Err(error @ sessions::SessionsError::Failed(_)) => return Err(error.into()),
        Ok(_) | Err(_) => return waits.forget(life).map(|_| false),
    };
    if waits.mark(life, |wait| !std::mem::replace(&mut wait.counted, true))? {
        log::warn!("session {} waits since {}, longer than {}", wait.session, minute(wait.since), long(settings.target()));
        days::count(|day| day.breaches += 1)?;
    }
    let asked = waits.mark(life, |wait| {
        let due = wait.is_due(settings, at);
        if due {
            (wait.asked, wait.asked_at) = (wait.asked + 1, at);
            wait.event = settings.then == Then::Event;
        }
        due
    })?;
    if asked {
        act(settings, &session, wait, at)?;
    }
    Ok(asked)
}

fn act(settings: &Settings, session: &Session, wait: &Wait, at: u64) -> Result<()> {
    match settings.then {
        Then::Note => {
            // It says how long it was when the agent reads it, at most so long afterwards.
            let ttl = Duration::from_millis(settings.forget());
            Injection::new(told(settings, wait, at)).priority(PRIORITY).ttl(ttl).key(format!("sla-{}", wait.since)).enqueue(session)?;
        }
        Then::Turn => {
            let told = format!("{} Answer now what was said last. If you can't, say so, and say when you will.", told(settings, wait, at));
            schedule::turn(session, told).at(at).name(format!("answer-{}", session.id()?)).tag(TAG).announce().start()?;
        }
        Then::Event => {}
    }
    Ok(())
}

/// What the agent is told.
fn told(settings: &Settings, wait: &Wait, at: u64) -> String {
    let who = wait.who.as_deref().unwrap_or("Somebody");
    let failed = wait.failed.as_deref().map(|why| format!(" The last turn failed: {why}.")).unwrap_or_default();
    format!(
        "sla-monitor: {who} waits for an answer since {}; that was {} ago when this was written, and the target is {}.{failed}",
        minute(wait.since),
        long(at.saturating_sub(wait.since)),
        long(settings.target())
    )
}

/// What an event says.
pub(crate) fn event(settings: &Settings, wait: &Wait) -> Value {
    json!({
        "session": wait.session, "since": wait.since, "waited-ms": now().saturating_sub(wait.since),
        "target-ms": settings.target(), "messages": wait.messages, "who": wait.who, "failed": wait.failed,
    })
}
