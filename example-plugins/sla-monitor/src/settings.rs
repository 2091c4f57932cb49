//! What the operator sets.
//!
//! What it is for: how long people may wait, how often the plugin looks, and what it does then. What it costs: nothing. How it fails: values out of range are refused by name when the plugin starts; whether
//! the cron expression is one, the host says when the timer is set.

use crate::moment::MINUTE;
use plugbay_sdk::prelude::*;
use std::ops::RangeInclusive;

/// What the operator sets.
#[plugbay_sdk::settings]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// Minutes within which somebody is to be answered: 1 to 10,080, which is a week.
    #[serde(default = "a_quarter")]
    pub(crate) target_minutes: u64,
    /// How often the plugin looks who waits too long: a cron expression, in UTC.
    #[serde(default = "each_minute")]
    pub(crate) every: String,
    /// What is done when somebody waits too long.
    #[serde(default)]
    pub(crate) then: Then,
    /// How often it is done while the same person waits, each time a target apart: 1 to 10.
    #[serde(default = "once")]
    pub(crate) attempts: u64,
    /// Hours after which nobody is taken to wait any more: 1 to 720, and longer than the target.
    #[serde(default = "a_day")]
    pub(crate) forget_hours: u64,
}

/// What is done.
#[plugbay_sdk::settings]
#[serde(rename_all = "kebab-case")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Then {
    /// The agent is told of it in its next turn, whenever that is.
    Note,
    /// The agent has a turn at once, and its answer is sent.
    #[default]
    Turn,
    /// An event is emitted in the session's next turn, for those who watch.
    Event,
}

fn a_quarter() -> u64 {
    15
}

fn each_minute() -> String {
    "* * * * *".into()
}

fn once() -> u64 {
    1
}

fn a_day() -> u64 {
    24
}

impl Settings {
    /// Refuses what makes no sense.
    pub(crate) fn check(&self) -> Result<()> {
        within("target-minutes", self.target_minutes, 1..=10_080)?;
        within("attempts", self.attempts, 1..=10)?;
        within("forget-hours", self.forget_hours, 1..=720)?;
        if self.forget() <= self.target() {
            return Err(Error::new(format!(
                "the setting `forget-hours` of sla-monitor is {}, which isn't longer than `target-minutes` ({})",
                self.forget_hours, self.target_minutes
            )));
        }
        match self.every.split_whitespace().count() {
            5 | 6 => Ok(()),
            fields => Err(Error::new(format!(
                "the setting `every` of sla-monitor is {:?}, with {fields} fields: a cron expression has five, or six with seconds first",
                self.every
            ))),
        }
    }

    /// Milliseconds within which somebody is to be answered.
    pub(crate) fn target(&self) -> u64 {
        self.target_minutes * MINUTE
    }

    /// Milliseconds after which nobody waits any more.
    pub(crate) fn forget(&self) -> u64 {
        self.forget_hours * 60 * MINUTE
    }
}

fn within(name: &str, value: u64, range: RangeInclusive<u64>) -> Result<()> {
    let refused = || Error::new(format!("the setting `{name}` of sla-monitor is {value}: it may be {} to {}", range.start(), range.end()));
    if range.contains(&value) { Ok(()) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (value, says) in [
            (json!({ "target-minutes": 0 }), "`target-minutes` of sla-monitor is 0: it may be 1 to 10080"),
            (json!({ "attempts": 11 }), "`attempts`"),
            (json!({ "forget-hours": 721 }), "`forget-hours`"),
            (json!({ "target-minutes": 120, "forget-hours": 2 }), "isn't longer than `target-minutes` (120)"),
            (json!({ "every": "* * *" }), "`every` of sla-monitor is \"* * *\", with 3 fields"),
        ] {
            let error = serde_json::from_value::<Settings>(value).unwrap().check().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let good: Settings = serde_json::from_value(json!({ "every": "*/30 * * * * *", "then": "event" })).unwrap();
        assert!(good.check().is_ok() && good.then == Then::Event);
        assert!(serde_json::from_value::<Settings>(json!({ "then": "shout" })).is_err());
    }
}
