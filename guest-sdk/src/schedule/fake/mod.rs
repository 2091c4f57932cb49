//! What stands in for the schedule in an author's own tests.
//!
//! What it is for: a test looks at what its plugin scheduled ([`scheduled`]), and has a timer go off when it likes ([`fire`]). What it costs: nothing; no clock
//! runs. How it fails: as the host does, with the same bounds and 100 jobs. A cron expression's fields are counted and no more, and any word will do for a time zone: when such a job runs next
//! isn't known here, so its `next_at` is none, and it stands last in lists. Not here: grants, `not-live`, whether the plugin has the method `timers`. Nothing outlives the thread, which in `cargo test` is one test's.

mod plan;
mod time;

use super::contract::{Delivery, Error, ErrorCode, Plan};
use super::{Job, JobKind};
use crate::{Timer, sessions};
use plan::{When, checked, tagged, words};
use serde_json::Value;
use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

/// When a job runs, in the contract's words.
pub use super::contract::{Cron, Moment};

/// A job that was scheduled, and is still there.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheduled {
    /// How the plugin sees it.
    pub job: Job,
    /// What it does.
    pub task: Task,
    /// How it is kept: `when`, `name`, `tag`, `catch_up` and `jitter_ms`.
    pub plan: Plan,
}

/// What a job does.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// The agent of a session has a turn.
    Turn {
        /// The session's key.
        session: String,
        /// What the agent is told.
        message: String,
        /// Whether its answer is sent.
        announce: bool,
    },
    /// The plugin's `timers` are told.
    Timer {
        /// The key of the session that it is about.
        about: Option<String>,
        /// JSON text.
        payload: Option<String>,
    },
}

impl Task {
    fn kind(&self) -> JobKind {
        match self {
            Self::Turn { .. } => JobKind::Turn,
            Self::Timer { .. } => JobKind::Timer,
        }
    }

    fn session(&self) -> Option<&String> {
        match self {
            Self::Turn { session, .. } => Some(session),
            Self::Timer { about, .. } => about.as_ref(),
        }
    }
}

/// A job, and when it runs.
struct Kept {
    scheduled: Scheduled,
    when: When,
}

/// All that there is.
#[derive(Default)]
struct Agenda {
    jobs: Vec<Kept>,
    /// How many there ever were.
    made: u64,
}

thread_local! {
    static AGENDA: RefCell<Agenda> = RefCell::default();
}

/// The jobs that are there, in the order in which they were scheduled first.
#[must_use]
pub fn scheduled() -> Vec<Scheduled> {
    AGENDA.with_borrow(|agenda| agenda.jobs.iter().map(|kept| kept.scheduled.clone()).collect())
}

/// What the plugin's `timers` are told when this job is due, to call the method with; none if there is no such timer. One that runs only once is gone then.
#[must_use]
pub fn fire(id: &str) -> Option<Timer> {
    AGENDA.with_borrow_mut(|agenda| {
        let at = agenda.jobs.iter().position(|Kept { scheduled: known, .. }| known.job.id == id && known.job.kind == JobKind::Timer)?;
        let known = agenda.jobs.get(at)?.scheduled.clone();
        if !matches!(known.plan.when, Moment::Cron(_)) {
            agenda.jobs.remove(at);
        }
        let Task::Timer { payload, .. } = known.task else { return None };
        let Plan { name, tag, .. } = known.plan;
        Some(Timer { name, tag, payload, due_at: known.job.next_at.unwrap_or_else(now), ..Timer::new(id) })
    })
}

/// What hangs on one life of a session.
pub(crate) fn forget(session: &str) {
    AGENDA.with_borrow_mut(|agenda| agenda.jobs.retain(|kept| kept.scheduled.job.session.as_deref() != Some(session)));
}

fn refused<T>(code: ErrorCode, message: impl Into<String>) -> Result<T, Error> {
    Err(Error { code, message: message.into() })
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Error> {
    refused(ErrorCode::InvalidInput, message)
}

fn check_session(session: &str) -> Result<(), Error> {
    match sessions::fake::id(session) {
        Ok(_) => Ok(()),
        Err(_) => refused(ErrorCode::Gone, format!("the session {session:?} was deleted")),
    }
}

fn now() -> u64 {
    super::milliseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// Keeps a job; one of the same name takes the new plan, unless nothing about it changes.
fn put(task: Task, plan: &Plan) -> Result<Job, Error> {
    let (plan, when) = checked(plan)?;
    AGENDA.with_borrow_mut(|agenda| {
        let there = agenda.jobs.iter().find(|kept| plan.name.is_some() && kept.scheduled.plan.name == plan.name);
        let id = match there {
            Some(kept) if is_same(kept, &task, &plan, &when) => return Ok(kept.scheduled.job.clone()),
            Some(kept) => kept.scheduled.job.id.clone(),
            None if agenda.jobs.len() >= 100 => return refused(ErrorCode::LimitExceeded, "jobs of the plugin: 101 wanted, 100 allowed"),
            None => {
                agenda.made += 1;
                format!("job-{}", agenda.made)
            }
        };
        let (kind, session, next_at) = (task.kind(), task.session().cloned(), when.due());
        let job = Job { id, kind, name: plan.name.clone(), tag: plan.tag.clone(), session, next_at, running: false };
        let new = Kept { scheduled: Scheduled { job: job.clone(), task, plan }, when };
        match agenda.jobs.iter_mut().find(|kept| kept.scheduled.job.id == job.id) {
            Some(kept) => *kept = new,
            None => agenda.jobs.push(new),
        }
        Ok(job)
    })
}

fn is_same(Kept { scheduled, when: planned }: &Kept, task: &Task, plan: &Plan, when: &When) -> bool {
    let Plan { tag, catch_up, jitter_ms, .. } = &scheduled.plan;
    (&scheduled.task, planned, tag, catch_up, jitter_ms) == (task, when, &plan.tag, &plan.catch_up, &plan.jitter_ms)
}

pub(super) fn turn(session: &str, message: &str, delivery: Delivery, plan: &Plan) -> Result<Job, Error> {
    check_session(session)?;
    let (message, announce) = (words("message", message, 32_768)?, delivery == Delivery::Announce);
    put(Task::Turn { session: session.to_owned(), message, announce }, plan)
}

pub(super) fn timer(about: Option<&str>, payload: Option<&str>, plan: &Plan) -> Result<Job, Error> {
    about.map_or(Ok(()), check_session)?;
    let payload = match payload.map(serde_json::from_str::<Value>).transpose() {
        Ok(payload) => payload.map(|payload| payload.to_string()),
        Err(error) => return invalid(format!("`payload`: {error}")),
    };
    put(Task::Timer { about: about.map(str::to_owned), payload }, plan)
}

/// Removes some jobs. How many there were.
fn remove(which: impl Fn(&Job) -> bool) -> u32 {
    AGENDA.with_borrow_mut(|agenda| {
        let before = agenda.jobs.len();
        agenda.jobs.retain(|kept| !which(&kept.scheduled.job));
        u32::try_from(before - agenda.jobs.len()).unwrap_or(u32::MAX)
    })
}

pub(super) fn cancel(id: &str) -> Result<bool, Error> {
    Ok(remove(|job| job.id == id) > 0)
}

pub(super) fn cancel_tag(about: Option<&str>, tag: &str) -> Result<u32, Error> {
    about.map_or(Ok(()), check_session)?;
    let tag = tagged(tag)?;
    Ok(remove(|job| job.tag.as_ref() == Some(&tag) && about.is_none_or(|session| job.session.as_deref() == Some(session))))
}

pub(super) fn jobs(tag: Option<&str>) -> Result<Vec<Job>, Error> {
    let tag = tag.map(tagged).transpose()?;
    let mut jobs: Vec<Job> = scheduled().into_iter().map(|known| known.job).collect();
    jobs.retain(|job| tag.is_none() || job.tag == tag);
    jobs.sort_by_key(|job| job.next_at.unwrap_or(u64::MAX)); // which keeps the order of those that are due together
    Ok(jobs)
}
