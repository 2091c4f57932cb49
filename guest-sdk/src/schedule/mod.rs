//! Jobs: a session's agent, or the plugin itself, is woken later.
//!
//! ```
//! use plugbay_sdk::{schedule, sessions};
//! use std::time::Duration;
//!
//! # fn main() -> plugbay_sdk::Result<()> {
//! let session = sessions::fake::session("chat"); // in a hook: `call.session()?`
//! let job = schedule::timer().after(Duration::from_secs(600)).name("time-out").tag("deploy").about(&session).payload(&42)?.start()?;
//! schedule::turn(&session, "Sum up what is open.").cron("0 9 * * mon-fri", "Europe/Berlin").name("morning").announce().start()?;
//! assert!(schedule::cancel(&job.id)?);
//! # Ok(())
//! # }
//! ```
//!
//! What it is for: reminders, time-outs, what is done each morning. First comes what is to be done ([`turn`], [`timer`]), then when ([`at`](Unplanned::at),
//! [`after`](Unplanned::after), [`cron`](Unplanned::cron) …), then whatever else there is to say, then `start`. A job outlives the host and the plugin's versions; it goes when the plugin is
//! switched off, and with the life of the session that it is about. A timer is told to the plugin's method `timers`. What it costs: a call of the host that waits for the commit. It needs the
//! grant `schedule`. How it fails: by a [`ScheduleError`], and then nothing was changed. Bounds: a plugin has 100 jobs if the operator doesn't say otherwise; a name and a tag 128 characters; a message 32,768.
//!
//! Natively (in an author's tests) nothing is ever due: [`fake::scheduled`] has the jobs, and [`fake::fire`] what a timer tells.

#[cfg(not(target_family = "wasm"))]
pub mod fake;
#[cfg(test)]
mod tests;

use crate::bindings::imports::plugbay::plugin::schedule as contract;
use crate::refusal::refusals;
use crate::store::milliseconds;
use crate::{Session, Timer, value};
#[cfg(target_family = "wasm")]
use contract as host;
use contract::{Cron, Delivery, Moment};
#[cfg(not(target_family = "wasm"))]
use fake as host;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// A job as it is now; what it does; what becomes of times that passed while the host was down.
pub use contract::{CatchUp, Job, JobKind};

refusals! {
    /// Why an operation has no answer.
    ScheduleError of contract, for "schedule" {
        /// An argument is no good. The message names it.
        InvalidInput = "invalid-input",
        /// The session was deleted, or began another life.
        Gone = "gone",
        /// The plugin has as many jobs as it may. The message says how many.
        LimitExceeded = "limit-exceeded",
        /// The host's state can't be read or written. Nothing was changed.
        Failed = "failed",
        /// The operator denied the grant `schedule`.
        Denied = "denied",
        /// The plugin isn't live yet: it can't write in `activate`, `restore` or a projection.
        NotLive = "not-live",
    }
}

/// What is to be done, without a moment; each method gives it one, and without one it can't be started:
///
/// ```compile_fail
/// plugbay_sdk::schedule::timer().start();
/// ```
#[derive(Clone, Debug)]
#[must_use = "it has no moment yet: `at`, `at_time`, `after`, `cron` or `cron_utc` gives it one"]
pub struct Unplanned<T>(T);

/// What is to be done, and when: once only, under no name, without a tag, at the very moment, unless something else is said.
#[derive(Clone, Debug)]
#[must_use = "`start` schedules it"]
pub struct Plan<T> {
    task: T,
    plan: contract::Plan,
}

/// The agent of a session has a turn.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    session: &'a Session<'a>,
    message: String,
    delivery: Delivery,
}

/// The plugin's `timers` are told.
#[derive(Clone, Debug)]
pub struct Alarm<'a> {
    about: Option<&'a Session<'a>>,
    payload: Option<String>,
}

/// The agent of a session is to have a turn, and to be told this: 32,768 characters. Its answer stands in the transcript, and nobody is told.
pub fn turn<'a>(session: &'a Session<'a>, message: impl Into<String>) -> Unplanned<Turn<'a>> {
    Unplanned(Turn { session, message: message.into(), delivery: Delivery::None })
}

/// The plugin's method `timers` is to be called.
pub fn timer<'a>() -> Unplanned<Alarm<'a>> {
    Unplanned(Alarm { about: None, payload: None })
}

impl<T> Unplanned<T> {
    /// Once, at so many milliseconds since 1970-01-01T00:00:00Z; at once, if that has passed.
    pub fn at(self, milliseconds: u64) -> Plan<T> {
        self.when(Moment::At(milliseconds))
    }

    /// Once, at an RFC 3339 time: `2027-03-01T09:00:00+01:00`; at once, if that has passed.
    pub fn at_time(self, time: impl Into<String>) -> Plan<T> {
        self.when(Moment::AtTime(time.into()))
    }

    /// Once, so long from now, in whole milliseconds, rounded up. Under a [name](Plan::name) it is put off whenever it is asked for anew: so long from now is another moment each time.
    pub fn after(self, time: Duration) -> Plan<T> {
        self.when(Moment::After(milliseconds(time)))
    }

    /// Again and again, in an IANA time zone: `cron("0 9 * * mon-fri", "Europe/Berlin")`. Five fields (minute, hour, day of the month, month, day of the week), or six with seconds first. A time of
    /// day that a clock change leaves out comes when the clock is changed; one that comes twice comes the first time.
    pub fn cron(self, expression: impl Into<String>, zone: impl Into<String>) -> Plan<T> {
        self.when(Moment::Cron(Cron { expression: expression.into(), zone: Some(zone.into()) }))
    }

    /// The same in UTC.
    pub fn cron_utc(self, expression: impl Into<String>) -> Plan<T> {
        self.when(Moment::Cron(Cron { expression: expression.into(), zone: None }))
    }

    fn when(self, when: Moment) -> Plan<T> {
        Plan { task: self.0, plan: contract::Plan { when, name: None, tag: None, catch_up: None, jitter_ms: 0, attrs: Vec::new() } }
    }
}

impl<T> Plan<T> {
    /// A name of the plugin's own: the job of this name is replaced and keeps its id, unless nothing about it changes. So a plugin may schedule what it needs each time it starts.
    ///
    /// With the same [`at`](Unplanned::at), [`at_time`](Unplanned::at_time) or [`cron`](Unplanned::cron), and all else the same, the job keeps its time when it is asked for anew. With
    /// [`after`](Unplanned::after) it is put off each time.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.plan.name = Some(name.into());
        self
    }

    /// What it belongs to: jobs are found and removed by it. No colon.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.plan.tag = Some(tag.into());
        self
    }

    /// Each run is put off by a random time of up to so long, at most a day; in whole milliseconds, rounded up.
    pub fn jitter(mut self, most: Duration) -> Self {
        self.plan.jitter_ms = u32::try_from(milliseconds(most)).unwrap_or(u32::MAX);
        self
    }

    /// What becomes of times that passed while the host was down; what the operator's setting says, if not said.
    pub fn catch_up(mut self, catch_up: CatchUp) -> Self {
        self.plan.catch_up = Some(catch_up);
        self
    }
}

impl Plan<Turn<'_>> {
    /// The agent's answer is sent: through `message-sending`, and into the session's outbox.
    pub fn announce(mut self) -> Self {
        self.task.delivery = Delivery::Announce;
        self
    }

    /// Schedules it.
    ///
    /// # Errors
    ///
    /// [`ScheduleError`]; nothing was changed then.
    pub fn start(&self) -> Result<Job, ScheduleError> {
        let Turn { session, message, delivery } = &self.task;
        host::turn(session.handle(), message, *delivery, &self.plan).map_err(ScheduleError::of("turn"))
    }
}

impl<'a> Plan<Alarm<'a>> {
    /// The session that it is about: the job goes with it, and the call of `timers` has it.
    pub fn about(mut self, session: &'a Session<'a>) -> Self {
        self.task.about = Some(session);
        self
    }

    /// What the plugin wants to be told; [`Timer::parse`] reads it.
    ///
    /// # Errors
    ///
    /// If the value can't be JSON.
    pub fn payload(mut self, payload: &(impl Serialize + ?Sized)) -> crate::Result<Self> {
        self.task.payload = Some(value::text("the timer's payload", payload).map_err(crate::Error::new)?);
        Ok(self)
    }

    /// Schedules it. The plugin has to have a method `timers`.
    ///
    /// # Errors
    ///
    /// [`ScheduleError`]; nothing was changed then.
    pub fn start(&self) -> Result<Job, ScheduleError> {
        let Alarm { about, payload } = &self.task;
        host::timer(about.map(Session::handle), payload.as_deref(), &self.plan).map_err(ScheduleError::of("timer"))
    }
}

/// Removes a job of the plugin's. Whether there was one. A run that is under way comes to its end.
///
/// # Errors
///
/// [`ScheduleError`].
pub fn cancel(id: &str) -> Result<bool, ScheduleError> {
    host::cancel(id).map_err(ScheduleError::of("cancel"))
}

/// Removes the plugin's jobs with this tag. How many there were.
///
/// # Errors
///
/// [`ScheduleError`].
pub fn cancel_tag(tag: &str) -> Result<u32, ScheduleError> {
    host::cancel_tag(None, tag).map_err(ScheduleError::of("cancel-tag"))
}

/// The same, but only those about this session.
///
/// # Errors
///
/// [`ScheduleError`].
pub fn cancel_tag_of(session: &Session<'_>, tag: &str) -> Result<u32, ScheduleError> {
    host::cancel_tag(Some(session.handle()), tag).map_err(ScheduleError::of("cancel-tag"))
}

/// The plugin's jobs, by when they run next.
///
/// # Errors
///
/// [`ScheduleError`].
pub fn jobs() -> Result<Vec<Job>, ScheduleError> {
    host::jobs(None).map_err(ScheduleError::of("jobs"))
}

/// Those with this tag.
///
/// # Errors
///
/// [`ScheduleError`].
pub fn jobs_tagged(tag: &str) -> Result<Vec<Job>, ScheduleError> {
    host::jobs(Some(tag)).map_err(ScheduleError::of("jobs"))
}

impl Timer {
    /// Reads what the plugin wanted to be told.
    ///
    /// # Errors
    ///
    /// If that is nothing, or has another form.
    pub fn parse<T: DeserializeOwned>(&self) -> crate::Result<T> {
        let text = self.payload.as_deref().ok_or_else(|| crate::Error::new(format!("the timer {:?} has no payload", self.job)))?;
        value::read("the timer's payload", text).map_err(crate::Error::new)
    }
}
