//! When a job runs: what a plugin asked for, checked, and the moments that come of it.
//!
//! Checking a repeated moment looks for the first time that it comes about, which costs microseconds where it does and some milliseconds where it never would. Time zones are
//! those of the system, or else those in the program. Nothing is guessed: what can't be read is refused by name, and so is what never comes about.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use plugbay_runtime::state::MAX_TIME;
use plugbay_runtime::{CatchUp, JobMoment, JobPlan};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a job can be put off at random: a day.
const MOST_JITTER: u32 = 86_400_000;
/// Characters of a cron expression.
const EXPRESSION: usize = 256;
/// Years within which a repeated moment has to come about: a 29 February that isn't one of a century takes eight.
const YEARS: i64 = 40;

/// When a job runs, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Plan {
    #[serde(flatten)]
    when: When,
    /// What becomes of missed times, where the plugin says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    catch_up: Option<Missed>,
    #[serde(default)]
    jitter_ms: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum When {
    Once(u64),
    Cron { expression: String, zone: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Missed {
    Once,
    Skip,
}

/// A time at which a job is due, and when it runs for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: u64,
    pub(crate) runs_at: u64,
}

impl Plan {
    /// A job that runs at once.
    pub(crate) const fn at_once(now: u64) -> Self {
        Self { when: When::Once(now), catch_up: Some(Missed::Once), jitter_ms: 0 }
    }

    /// Checks what a plugin asked for, and answers with the first time.
    ///
    /// # Errors
    /// What can't be, by name.
    pub(crate) fn check(asked: &JobPlan, now: u64) -> Result<(Self, Due), String> {
        let catch_up = asked.catch_up.map(|catch_up| match catch_up {
            CatchUp::Once => Missed::Once,
            CatchUp::Skip => Missed::Skip,
        });
        if asked.jitter_ms > MOST_JITTER {
            return Err(format!("`jitter-ms` is {}: {MOST_JITTER} at most", asked.jitter_ms));
        }
        let when = When::check(&asked.when, now)?;
        let plan = Self { when, catch_up, jitter_ms: asked.jitter_ms };
        let due = plan.first(now)?;
        Ok((plan, due))
    }

    fn first(&self, now: u64) -> Result<Due, String> {
        match &self.when {
            When::Once(at) => self.due((*at).max(now)),
            When::Cron { expression, zone } => self.due(Repeated::read(expression, zone)?.after(now)?),
        }
    }

    /// The time after this moment at which the job is due again. None: it was the last one.
    ///
    /// # Errors
    /// If the plan can't be followed any more.
    pub(crate) fn next(&self, now: u64) -> Result<Option<Due>, String> {
        match &self.when {
            When::Once(_) => Ok(None),
            When::Cron { expression, zone } => self.due(Repeated::read(expression, zone)?.after(now)?).map(Some),
        }
    }

    /// Whether it runs for times that passed while the host was down: what the plugin says, else what the setting says.
    pub(crate) fn catches_up(&self, setting: CatchUp) -> bool {
        self.catch_up.map_or(setting == CatchUp::Once, |missed| missed == Missed::Once)
    }

    /// In words for people.
    pub(crate) fn words(&self) -> String {
        match &self.when {
            When::Once(_) => "once".to_owned(),
            When::Cron { expression, zone } => format!("{expression} ({zone})"),
        }
    }

    fn due(&self, at: u64) -> Result<Due, String> {
        let put_off = if self.jitter_ms == 0 { 0 } else { chance() % (u64::from(self.jitter_ms) + 1) };
        let runs_at = at.checked_add(put_off).filter(|at| *at <= MAX_TIME);
        let runs_at = runs_at.ok_or_else(|| format!("the moment {at} is too late: {MAX_TIME} milliseconds since 1970 at most"))?;
        Ok(Due { at, runs_at })
    }
}

/// A number by chance.
fn chance() -> u64 {
    // Two bits of the lower half aren't by chance.
    Uuid::new_v4().as_u64_pair().1 >> 2
}

impl When {
    fn check(asked: &JobMoment, now: u64) -> Result<Self, String> {
        match asked {
            JobMoment::At(at) => Ok(Self::Once(*at)),
            JobMoment::AtTime(text) => {
                let moment: Timestamp = text.parse().map_err(|e| format!("`at-time` is {text:?}, which is no RFC 3339 time: {e}"))?;
                let early = |_| format!("`at-time` is {text:?}: expected a time since 1970");
                u64::try_from(moment.as_millisecond()).map(Self::Once).map_err(early)
            }
            JobMoment::After(ms) => {
                let at = now.checked_add(*ms).filter(|at| *at <= MAX_TIME);
                at.map(Self::Once).ok_or_else(|| format!("`after` is {ms}: too late for any clock"))
            }
            JobMoment::Cron { expression, zone } => {
                let (expression, zone) = (expression.trim().to_owned(), zone.as_deref().unwrap_or("UTC").to_owned());
                Ok(Self::Cron { expression, zone })
            }
        }
    }
}

/// A repeated moment that could be read.
struct Repeated {
    cron: Cron,
    zone: TimeZone,
    expression: String,
}

impl Repeated {
    fn read(expression: &str, zone: &str) -> Result<Self, String> {
        if expression.chars().count() > EXPRESSION {
            return Err(format!("the cron expression has {} characters, {EXPRESSION} allowed", expression.chars().count()));
        }
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let cron = parser.parse(expression).map_err(|e| format!("the cron expression {expression:?} can't be read: {e}"))?;
        let zone = TimeZone::get(zone).map_err(|_| format!("there is no time zone {zone:?}: expected an IANA name, as `Europe/Berlin`"))?;
        Ok(Self { cron, zone, expression: expression.to_owned() })
    }

    /// The first time after this moment.
    fn after(&self, now: u64) -> Result<u64, String> {
        let never = || format!("the cron expression {:?} never comes about, or not within {YEARS} years", self.expression);
        let millis = i64::try_from(now).map_err(|_| never())?;
        let now = Timestamp::from_millisecond(millis).map_err(|_| never())?.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&now, false).map_err(|_| never())?;
        if now.checked_add(YEARS.years()).is_ok_and(|far| next > far) {
            return Err(never());
        }
        u64::try_from(next.timestamp().as_millisecond()).map_err(|_| never())
    }
}

#[cfg(test)]
mod tests;
