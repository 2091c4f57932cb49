//! A digest of each day, on wish.
//!
//! What it is for: at a time of day that a person says, the agent has a turn in which it sums up the day and writes a report; its answer is sent. What it costs: a job of the schedule for each session that
//! wants one, and a turn a day. How it fails: a time or a zone that is none is refused; the job goes with the session's life.

use crate::sheet::Format;
use plugbay_sdk::prelude::*;
use plugbay_sdk::schedule::{Job, ScheduleError};

/// Under which digests are found.
const TAG: &str = "digest";

/// When somebody wants a digest.
#[plugbay_sdk::args]
pub(crate) struct When {
    /// The time of day: `18:00`.
    pub(crate) at: String,
    /// The time zone by its IANA name: `Europe/Berlin`; `UTC`, if left out.
    #[serde(default = "utc")]
    pub(crate) zone: String,
    /// On which days.
    #[serde(default)]
    pub(crate) days: Days,
    /// In which format; what the operator has set, if left out.
    #[serde(default)]
    pub(crate) format: Option<Format>,
}

/// On which days.
#[plugbay_sdk::args]
#[serde(rename_all = "kebab-case")]
#[derive(Clone, Copy, Default)]
pub(crate) enum Days {
    /// Each day.
    #[default]
    All,
    /// From Monday to Friday.
    Weekdays,
}

fn utc() -> String {
    "UTC".into()
}

/// Why there is no digest.
pub(crate) enum Unplanned {
    /// What was said is no time, or no zone.
    NoTime(String),
    /// The host refuses.
    Refused(ScheduleError),
}

impl Unplanned {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoTime(_) => "bad-time",
            Self::Refused(error) => error.code(),
        }
    }

    pub(crate) fn words(&self) -> String {
        match self {
            Self::NoTime(why) => why.clone(),
            Self::Refused(error) => format!("the digest can't be scheduled: {error}"),
        }
    }
}

/// Plans the session's digest, in the place of the one that it has.
pub(crate) fn plan(session: &Session, usual: Format, when: &When) -> Result<Result<Job, Unplanned>> {
    let Some((hour, minute)) = time(&when.at) else {
        let said: String = when.at.chars().take(40).collect();
        return Ok(Err(Unplanned::NoTime(format!("`at` is {said:?}: a time of day is written as in `18:00`"))));
    };
    let zone = when.zone.trim();
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '+' | '-');
    if !(1..=64).contains(&zone.len()) || !zone.chars().all(good) {
        let said: String = zone.chars().take(70).collect();
        return Ok(Err(Unplanned::NoTime(format!("`zone` is {said:?}: a time zone is written as in `Europe/Berlin`"))));
    }
    let days = match when.days {
        Days::All => "*",
        Days::Weekdays => "mon-fri",
    };
    let cron = format!("{minute} {hour} * * {days}");
    let turn = schedule::turn(session, told(when.format.unwrap_or(usual))).cron(cron, zone);
    Ok(turn.name(format!("digest-{}", session.id()?)).tag(TAG).announce().start().map_err(Unplanned::Refused))
}

/// Takes the session's digest back. Whether there was one.
pub(crate) fn stop(session: &Session) -> Result<bool, ScheduleError> {
    Ok(schedule::cancel_tag_of(session, TAG)? > 0)
}

/// What the agent is told each day.
fn told(format: Format) -> String {
    let format = match format {
        Format::Markdown => "markdown",
        Format::Html => "html",
        Format::Csv => "csv",
    };
    format!(
        "report-writer: it is time for the digest of this session. Sum up what was said, decided and done since the last digest, or in the last 24 hours if there was none, and what is open. \
        Call the tool `write_report` once, with the format `{format}` and sections such as “Decided”, “Done” and “Open”; then answer with one sentence that says what matters most. If nothing \
        happened, write no report, and answer that nothing happened."
    )
}

/// A time of day.
fn time(text: &str) -> Option<(u8, u8)> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |digits: &str, most: u8| {
        let good = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|number| good && *number <= most)
    };
    Some((number(hour, 23)?, number(minute, 59).filter(|_| minute.len() == 2)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_read_and_nothing_else() {
        assert_eq!(
            [time("18:00"), time(" 9:05 "), time("00:00"), time("23:59")],
            [Some((18, 0)), Some((9, 5)), Some((0, 0)), Some((23, 59))]
        );
        for none in ["", "18", "24:00", "18:60", "18:0", "+1:00", "1 8:00", "18:00:00", "noon", "*:00", "111:00"] {
            assert_eq!(time(none), None, "{none}");
        }
    }
}
