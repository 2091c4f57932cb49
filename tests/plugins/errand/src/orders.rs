//! What people may say with an action, and how that is scheduled.

use plugbay_sdk::prelude::*;
use plugbay_sdk::schedule::{Alarm, CatchUp, Job, Plan, Turn, Unplanned};
use std::time::Duration;

/// Whom to greet.
#[plugbay_sdk::args]
pub(crate) struct Greeting {
    /// The name.
    pub(crate) name: String,
    /// Whether the agent goes on.
    #[serde(default, rename = "continue")]
    pub(crate) go_on: bool,
}

/// Why it isn't done.
#[plugbay_sdk::args]
pub(crate) struct Reason {
    /// For people.
    #[serde(default = "as_you_asked")]
    pub(crate) error: String,
    /// For programs.
    pub(crate) code: Option<String>,
    /// Anything else.
    pub(crate) details: Option<Value>,
}

fn as_you_asked() -> String {
    "as you asked".to_owned()
}

/// How it breaks.
#[plugbay_sdk::args]
pub(crate) struct Broken {
    #[serde(default)]
    pub(crate) how: How,
}

/// Ways to break.
#[plugbay_sdk::args]
#[derive(Default)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum How {
    /// By an error.
    #[default]
    Err,
    /// By a fault.
    Panic,
    /// By an answer that makes no sense.
    Blank,
}

/// How long to take.
#[plugbay_sdk::args]
pub(crate) struct Slow {
    /// Milliseconds.
    pub(crate) ms: u64,
}

/// How many timers.
#[plugbay_sdk::args]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Many {
    pub(crate) count: u32,
    #[serde(default)]
    pub(crate) after_ms: u64,
}

/// Which jobs to remove.
#[plugbay_sdk::args]
pub(crate) struct Called {
    /// This one.
    pub(crate) job: Option<String>,
    /// All with this tag.
    pub(crate) tag: Option<String>,
    /// Only those about the call's session.
    #[serde(default)]
    pub(crate) here: bool,
}

/// Which jobs to list.
#[plugbay_sdk::args]
pub(crate) struct Jobs {
    /// Only those with this tag.
    pub(crate) tag: Option<String>,
}

/// What is to be done later, and when: exactly one of `at`, `at-time`, `after-ms` and `cron`.
#[plugbay_sdk::args]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Later {
    /// A turn of the call's session, and what its agent is told. Left out: a timer.
    pub(crate) turn: Option<String>,
    /// Whether the turn's answer is sent.
    #[serde(default)]
    pub(crate) announce: bool,
    /// Whether a timer is about the call's session.
    #[serde(default)]
    pub(crate) about: bool,
    /// What a timer is told: any JSON. `{"task": "fail"}`, `{"task": "panic"}`, `{"task": {"slow": 50}}` and `{"task": {"again": 50}}` it does.
    pub(crate) payload: Option<Value>,
    /// Milliseconds since 1970.
    pub(crate) at: Option<u64>,
    /// RFC 3339.
    pub(crate) at_time: Option<String>,
    /// Milliseconds from now.
    pub(crate) after_ms: Option<u64>,
    /// A repeated moment.
    pub(crate) cron: Option<String>,
    /// Its time zone.
    pub(crate) zone: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) tag: Option<String>,
    /// Milliseconds.
    #[serde(default)]
    pub(crate) jitter_ms: u64,
    /// What becomes of times that the host missed.
    pub(crate) catch_up: Option<Missed>,
}

/// What becomes of times that the host missed.
#[plugbay_sdk::args]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Missed {
    Once,
    Skip,
}

/// What a timer is told that does more than to write down that it was due.
#[plugbay_sdk::args]
pub(crate) struct Timed {
    pub(crate) task: Task,
}

/// What a timer does behind that.
#[plugbay_sdk::args]
#[derive(Default)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// No more.
    #[default]
    Note,
    /// Fails.
    Fail,
    /// Ends its cell.
    Panic,
    /// Takes so many milliseconds.
    Slow(u64),
    /// Has the timer of this name run again, so many milliseconds later.
    Again(u64),
}

impl Later {
    /// Schedules it.
    pub(crate) fn schedule(self, call: &Call) -> Result<Job> {
        match &self.turn {
            Some(message) => {
                let plan = self.planned::<Turn>(schedule::turn(call.session()?, message.as_str()))?;
                Ok(if self.announce { plan.announce().start()? } else { plan.start()? })
            }
            None => {
                let mut plan = self.planned::<Alarm>(schedule::timer())?;
                if self.about {
                    plan = plan.about(call.session()?);
                }
                if let Some(payload) = &self.payload {
                    plan = plan.payload(payload)?;
                }
                Ok(plan.start()?)
            }
        }
    }

    /// With its moment, and whatever else is said.
    fn planned<T>(&self, task: Unplanned<T>) -> Result<Plan<T>> {
        let mut plan = match (&self.at, &self.at_time, &self.after_ms, &self.cron) {
            (Some(at), None, None, None) => task.at(*at),
            (None, Some(time), None, None) => task.at_time(time.as_str()),
            (None, None, Some(ms), None) => task.after(Duration::from_millis(*ms)),
            (None, None, None, Some(cron)) => match &self.zone {
                Some(zone) => task.cron(cron.as_str(), zone.as_str()),
                None => task.cron_utc(cron.as_str()),
            },
            _ => return Err(Error::new("say when: exactly one of `at`, `at-time`, `after-ms` and `cron`")),
        };
        if let Some(name) = &self.name {
            plan = plan.name(name.as_str());
        }
        if let Some(tag) = &self.tag {
            plan = plan.tag(tag.as_str());
        }
        plan = match &self.catch_up {
            Some(Missed::Once) => plan.catch_up(CatchUp::Once),
            Some(Missed::Skip) => plan.catch_up(CatchUp::Skip),
            None => plan,
        };
        Ok(plan.jitter(Duration::from_millis(self.jitter_ms)))
    }
}

/// A job, as an action answers it.
pub(crate) fn shown(job: &Job) -> Value {
    let kind = format!("{:?}", job.kind).trim_start_matches("JobKind::").to_lowercase();
    json!({
        "id": job.id, "kind": kind, "name": job.name, "tag": job.tag, "session": job.session, "next-at": job.next_at, "running": job.running,
    })
}
