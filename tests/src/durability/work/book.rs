//! What was said and acknowledged, kept beside what is found: the book of all rounds.
//!
//! What nobody heard of may be there or not; it comes once at most, too. Every difference is an error that names what it is about.

use super::super::said::Said;
use super::found::{End, Found, Left, Seen};
use anyhow::{Context, Result, bail, ensure};
use plugbay_runtime::state::JobStatus;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How the history begins to say that nobody knows how a job ended.
const UNKNOWN: &str = "the host stopped while it ran";

/// What was found over all rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkSummary {
    /// Rounds that ended by SIGKILL, and were found to be right.
    pub rounds: u64,
    /// Timers that were acknowledged.
    pub timers: usize,
    /// Turns that were planned and acknowledged.
    pub turns: usize,
    /// Actions after which an agent goes on, acknowledged.
    pub actions: usize,
    /// Deliveries that were acknowledged.
    pub deliveries: usize,
    /// Due times that timers were told of, each once.
    pub fired: usize,
    /// Jobs of which the history says that nobody knows how they ended, or why they weren't run.
    pub untold: usize,
    /// Jobs that were due when the host died, and not begun.
    pub due: usize,
    /// Timers that had been told when the host died, and whose end wasn't written.
    pub unwritten: usize,
    /// Files in the outbox that weren't listed when the host died.
    pub unlisted: usize,
    /// Actions that were answered when the host died, and whose agent hadn't gone on.
    pub unheard: usize,
}

impl fmt::Display for WorkSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, timers, turns, actions, deliveries, fired, untold, due, unwritten, unlisted, unheard } = self;
        writeln!(f, "killed {rounds} times at work, integrity_check ok after each; then all that was left was done")?;
        writeln!(f, "  acknowledged: {timers} timers, {turns} turns, {actions} actions, {deliveries} deliveries; {fired} due times told")?;
        writeln!(f, "  killed between due and run: {due} jobs; between run and record: {unwritten} timers")?;
        writeln!(
            f,
            "  killed between bytes and listing: {unlisted} deliveries and drafts; between answer and going on: {unheard} actions"
        )?;
        write!(f, "  not known to be done, and said so: {untold} jobs; lost: 0; done twice: 0")
    }
}

/// What was acknowledged in a session.
#[derive(Debug, Default)]
struct Page {
    /// What is said in turns, by their jobs.
    turns: BTreeMap<String, String>,
    actions: BTreeSet<String>,
    /// The first file of each delivery.
    deliveries: BTreeMap<String, String>,
}

/// The book.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Payloads, by job.
    timers: BTreeMap<String, String>,
    pages: BTreeMap<String, Page>,
    /// How jobs that don't come again ended.
    ends: BTreeMap<String, End>,
    /// How often due times were told, by job and time.
    fired: BTreeMap<(String, u64), u64>,
    /// How often timers that don't come again were told.
    once: BTreeMap<String, (u64, String)>,
    /// What the outbox held and didn't list.
    unlisted: BTreeSet<String>,
    /// The history's last line that was read.
    pub(super) seq: Option<u64>,
    pub(super) summary: WorkSummary,
}

impl Book {
    /// Notes what was said.
    pub(super) fn note(&mut self, said: Said) -> Result<()> {
        match said {
            Said::Timed { job, payload } => ensure!(self.timers.insert(job.clone(), payload).is_none(), "{job} was made twice"),
            Said::Planned { session, job, text } => {
                ensure!(self.page(session).turns.insert(job.clone(), text).is_none(), "{job} was made twice");
            }
            Said::Acted { session, by } => ensure!(self.page(session).actions.insert(by.clone()), "{by} acted twice"),
            Said::Sent { session, id, text } => {
                ensure!(self.page(session).deliveries.insert(id.clone(), text).is_none(), "{id} was sent twice");
            }
            Said::Recovered { .. } => {}
            other => bail!("it said {other:?}"),
        }
        Ok(())
    }

    fn page(&mut self, session: String) -> &mut Page {
        self.pages.entry(session).or_default()
    }

    /// Every session that anything was acknowledged in.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &String> {
        self.pages.keys()
    }

    /// Takes in what was found, and compares.
    pub(super) fn settle(&mut self, found: &Found) -> Result<()> {
        self.take(found)?;
        for (job, payload) in &self.timers {
            let (times, told) = self.once.get(job).map_or((0, None), |(times, told)| (*times, Some(told)));
            ensure!(told.is_none_or(|told| told == payload), "timer {job} was told {told:?}, and was made with {payload}");
            self.stands(job, times, found).with_context(|| format!("timer {job}"))?;
        }
        for (session, seen) in &found.sessions {
            self.session(session, seen, found).with_context(|| format!("session {session}"))?;
        }
        self.count(found);
        Ok(())
    }

    /// Nothing is left but what comes again.
    pub(super) fn over(&self, found: &Found) -> Result<()> {
        let left = found.jobs.values().filter(|left| !left.named).count();
        ensure!(left == 0, "{left} jobs are left: {:?}", found.jobs);
        ensure!(found.unlisted.is_empty(), "in the outbox and not listed: {:?}", found.unlisted);
        Ok(())
    }

    /// What comes on top of what is known: nothing of it twice.
    fn take(&mut self, found: &Found) -> Result<()> {
        self.seq = found.seq;
        for end in found.ends.iter().filter(|end| !end.named) {
            let before = self.ends.insert(end.job.clone(), end.clone());
            ensure!(before.is_none(), "job {} ended twice: {before:?}, then {end:?}", end.job);
        }
        for fired in &found.fired {
            let times = self.fired.entry((fired.job.clone(), fired.due)).or_default();
            *times += fired.times;
            ensure!(*times == 1, "timer {} was told {times} times of {}", fired.job, fired.due);
            if !fired.named {
                let (times, _) = self.once.entry(fired.job.clone()).or_insert_with(|| (0, fired.payload.clone()));
                *times += fired.times;
                ensure!(*times == 1, "timer {} is to be told once, and was told {times} times", fired.job);
            }
        }
        let still: Vec<_> = self.unlisted.intersection(&found.unlisted).collect();
        ensure!(still.is_empty(), "in the outbox, not listed, and there after a start: {still:?}");
        self.unlisted.clone_from(&found.unlisted);
        Ok(())
    }

    /// Whether a job of the plugin's own, done so often, stands in one place.
    fn stands(&self, job: &str, times: u64, found: &Found) -> Result<()> {
        match (found.jobs.get(job), self.ends.get(job)) {
            (Some(left), Some(end)) => bail!("it has ended and is there: {left:?}, {end:?}"),
            (Some(left), None) => left_so(left, times),
            (None, Some(end)) if end.what == "job-done" => ensure_done(times, 1..=1, "the history says that it was done"),
            (None, Some(End { why: Some(why), .. })) if why.starts_with(UNKNOWN) => {
                ensure_done(times, 0..=1, "the history says why that isn't known")
            }
            (None, Some(end)) => bail!("nothing but the end of the host is a reason for a job that wasn't done: {end:?}"),
            (None, None) => bail!("it was acknowledged, and is nowhere; done {times} times"),
        }
    }

    fn session(&self, session: &str, seen: &Seen, found: &Found) -> Result<()> {
        for (text, times) in &seen.heard {
            ensure!(*times == 1, "the agent was told {times} times: {text}");
        }
        for (by, times) in &seen.runs_by {
            ensure!(*times == 1, "the agent went on {times} times after what {by} did");
        }
        let here = |kind: &str, about: Option<&String>| kind == "turn" && about.is_some_and(|about| about == session);
        let unknown = self.ends.values().filter(|end| here(&end.kind, end.session.as_ref()) && end.why.is_some()).count();
        let begun = found.jobs.values().filter(|left| here(&left.kind, left.session.as_ref()) && left.status == JobStatus::Begun).count();
        ensure!(seen.silent <= unknown + begun, "{} turns of the schedule say nothing, {unknown} are said to be lost", seen.silent);
        let Some(page) = self.pages.get(session) else { return Ok(()) };
        for (job, text) in &page.turns {
            let times = seen.heard.get(text).map_or(0, |times| *times as u64);
            self.stands(job, times, found).with_context(|| format!("turn {job} ({text})"))?;
        }
        for by in &page.actions {
            let times = seen.runs_by.get(by).map_or(0, |times| *times as u64);
            match found.jobs.values().find(|left| left.by.as_deref() == Some(by)) {
                Some(left) => left_so(left, times),
                None => ensure_done(times, 1..=1, "it isn't to be done any more"),
            }
            .with_context(|| format!("going on after what {by} did"))?;
        }
        for (id, text) in &page.deliveries {
            let there = seen.delivered.get(id).with_context(|| format!("delivery {id} was acknowledged, and isn't listed"))?;
            ensure!(there == text, "delivery {id} has {there:?}, {text:?} was sent");
        }
        Ok(())
    }

    fn count(&mut self, found: &Found) {
        let Self { timers, pages, ends, fired, once, summary, .. } = self;
        let of = |count: fn(&Page) -> usize| pages.values().map(count).sum();
        summary.timers = timers.len();
        summary.turns = of(|page| page.turns.len());
        summary.actions = of(|page| page.actions.len());
        summary.deliveries = of(|page| page.deliveries.len());
        summary.fired = fired.len();
        summary.untold = ends.values().filter(|end| end.why.is_some()).count();
        let begun = |left: &Left| left.status == JobStatus::Begun;
        summary.due += found.jobs.values().filter(|left| left.is_due && !left.named && !begun(left)).count();
        summary.unwritten += found.jobs.iter().filter(|(job, left)| begun(left) && once.contains_key(*job)).count();
        summary.unlisted += found.unlisted.len();
        let acted = |by: &String| pages.values().any(|page| page.actions.contains(by));
        summary.unheard += found.jobs.values().filter(|left| !begun(left) && left.by.as_ref().is_some_and(acted)).count();
    }
}

/// A job that hasn't ended was done at most as often as its status allows.
fn left_so(left: &Left, times: u64) -> Result<()> {
    match left.status {
        JobStatus::Waiting | JobStatus::Claimed => ensure_done(times, 0..=0, "it is still to be done"),
        JobStatus::Begun => ensure_done(times, 0..=1, "it has begun"),
    }
}

fn ensure_done(times: u64, may: std::ops::RangeInclusive<u64>, why: &str) -> Result<()> {
    ensure!(may.contains(&times), "it was done {times} times, and {why}");
    Ok(())
}

#[cfg(test)]
mod tests;
