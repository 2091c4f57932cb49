//! What `/sla` shows: who waits, and how the last days went.
//!
//! What it is for: people look once and know. What it costs: a list of the rows and of the plugin's jobs. How it fails: by the store's own errors; what can't be known of the timer is said.

use crate::days;
use crate::moment::{long, minute, now};
use crate::settings::{Settings, Then};
use crate::sweep::{NAME, TAG};
use crate::waits::{Wait, Waits};
use plugbay_sdk::prelude::*;

/// Sessions that are shown.
const SHOWN: usize = 30;

/// All of it.
pub(crate) fn listed(settings: &Settings) -> Result<String> {
    let (at, all) = (now(), Waits::open(settings)?.all()?);
    let overdue = all.iter().filter(|(_, wait)| wait.is_overdue(settings, at)).count();
    let mut lines = vec![match all.len() {
        0 => "Nobody waits for an answer.".to_owned(),
        n => format!("Waiting: {n}, longer than {}: {overdue}", long(settings.target())),
    }];
    lines.extend(all.iter().take(SHOWN).map(|(_, wait)| line(settings, wait, at)));
    if all.len() > SHOWN {
        lines.push(format!("… and {} more", all.len() - SHOWN));
    }
    lines.extend(days::lines()?);
    lines.push(timer(settings));
    Ok(lines.join("\n"))
}

fn line(settings: &Settings, wait: &Wait, at: u64) -> String {
    let late = if wait.is_overdue(settings, at) { "TOO LONG  " } else { "" };
    let session: String = wait.session.chars().take(80).collect();
    let mut line = format!("{late}{session}: {}, since {}", long(at.saturating_sub(wait.since)), minute(wait.since));
    if let Some(who) = &wait.who {
        line.push_str(&format!(", {who}"));
    }
    if wait.messages > 1 {
        line.push_str(&format!(", {} messages", wait.messages));
    }
    if wait.is_at_work(at) {
        line.push_str(", the agent is at work");
    } else if let Some(why) = &wait.failed {
        line.push_str(&format!(", the last turn failed: {why}"));
    }
    match wait.asked {
        0 => {}
        n => line.push_str(&format!(", {} {n} of {}", done(settings.then), settings.attempts)),
    }
    line
}

fn done(then: Then) -> &'static str {
    match then {
        Then::Note => "the agent was told",
        Then::Turn => "the agent was asked to answer",
        Then::Event => "an event was noted",
    }
}

fn timer(settings: &Settings) -> String {
    let found = schedule::jobs_tagged(TAG).map(|jobs| jobs.into_iter().find(|job| job.name.as_deref() == Some(NAME)));
    let next = |at: Option<u64>| at.map(|at| format!(", next at {}", minute(at))).unwrap_or_default();
    match found {
        Ok(Some(job)) => format!("The plugin looks at `{}` (UTC){}.", settings.every, next(job.next_at)),
        Ok(None) => "NOBODY LOOKS who waits too long: the timer `sweep` is gone. Start another generation of sla-monitor; its log says why it couldn't be set.".to_owned(),
        Err(error) => format!("NOBODY LOOKS who waits too long: {error}"),
    }
}
