//! What a plan comes to: what the host would refuse is refused, and the rest is as the host keeps and compares it.
//!
//! What it is for: a name that is asked for anew is put off here where it is there, and keeps its time where it does. What it costs: a clock's reading. How it fails: with the host's own
//! words, where it has some.

use super::super::contract::{Cron, Error, Moment, Plan};
use super::{invalid, now, time};

/// Milliseconds since 1970 that are a time at all.
const MAX_TIME: u64 = (1 << 53) - 1;
/// Milliseconds of a day.
const DAY: u32 = 86_400_000;
/// Characters of a name and a tag, and of a cron expression.
const NAME: usize = 128;
const EXPRESSION: usize = 256;

/// When a job runs, as it is kept: a time that was said from now on is another one each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum When {
    Once(u64),
    Cron { expression: String, zone: String },
}

impl When {
    /// When it is due, where that is known.
    pub(super) const fn due(&self) -> Option<u64> {
        match self {
            Self::Once(at) => Some(*at),
            Self::Cron { .. } => None,
        }
    }

    fn of(moment: &Moment) -> Result<Self, Error> {
        match moment {
            Moment::At(at) => Ok(Self::Once(*at)),
            Moment::AtTime(text) => match time::parse(text).map(u64::try_from) {
                Some(Ok(at)) => Ok(Self::Once(at)),
                Some(Err(_)) => invalid(format!("`at-time` is {text:?}: expected a time since 1970")),
                None => invalid(format!("`at-time` is {text:?}, which is no RFC 3339 time")),
            },
            Moment::After(ms) => match now().checked_add(*ms).filter(|at| *at <= MAX_TIME) {
                Some(at) => Ok(Self::Once(at)),
                None => invalid(format!("`after` is {ms}: too late for any clock")),
            },
            Moment::Cron(cron) => repeated(cron),
        }
    }
}

fn repeated(Cron { expression, zone }: &Cron) -> Result<When, Error> {
    let (expression, zone) = (expression.trim(), zone.as_deref().unwrap_or("UTC"));
    match (expression.chars().count(), expression.split_whitespace().count()) {
        (more, _) if more > EXPRESSION => invalid(format!("the cron expression has {more} characters, {EXPRESSION} allowed")),
        (_, 5 | 6) if zone.is_empty() || zone.contains(char::is_whitespace) => {
            invalid(format!("there is no time zone {zone:?}: expected an IANA name, as `Europe/Berlin`"))
        }
        (_, 5 | 6) => Ok(When::Cron { expression: expression.to_owned(), zone: zone.to_owned() }),
        (_, fields) => invalid(format!("the cron expression {expression:?} has {fields} fields: expected five or six")),
    }
}

/// A plan with its name and its tag as they are kept, and when the job runs.
pub(super) fn checked(plan: &Plan) -> Result<(Plan, When), Error> {
    let name = plan.name.as_deref().map(|name| named("name", name)).transpose()?;
    let tag = plan.tag.as_deref().map(tagged).transpose()?;
    if plan.jitter_ms > DAY {
        return invalid(format!("`jitter-ms` is {}: {DAY} at most", plan.jitter_ms));
    }
    let when = When::of(&plan.when)?;
    match when.due() {
        Some(at) if at > MAX_TIME => invalid(format!("the moment {at} is too late: {MAX_TIME} milliseconds since 1970 at most")),
        _ => Ok((Plan { name, tag, ..plan.clone() }, when)),
    }
}

/// Words without the space around them: so many characters at most, and not none.
pub(super) fn words(what: &str, words: &str, most: usize) -> Result<String, Error> {
    let words = words.trim();
    match words.chars().count() {
        0 => invalid(format!("`{what}` is blank")),
        more if more > most => invalid(format!("`{what}` has {more} characters, {most} allowed")),
        _ => Ok(words.to_owned()),
    }
}

fn named(what: &str, name: &str) -> Result<String, Error> {
    let name = words(what, name, NAME)?;
    if name.contains(char::is_control) { invalid(format!("`{what}` has control characters")) } else { Ok(name) }
}

pub(super) fn tagged(tag: &str) -> Result<String, Error> {
    let tag = named("tag", tag)?;
    if tag.contains(':') { invalid(format!("`tag` is {tag:?}: it has no colon")) } else { Ok(tag) }
}
