//! How each of the last thirty days went: answers, those that came too late, breaches, the longest wait.
//!
//! What it is for: `/sla` shows whether it gets better. What it costs: one small write for each answer and each breach. How it fails: by the store's own errors; a day's row goes thirty days after its last write.

use crate::moment::{DAY, day, long, now};
use plugbay_sdk::prelude::*;
use plugbay_sdk::store::Options;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const OPTIONS: Options = Options::up_to(40).default_ttl(Duration::from_millis(30 * DAY));
/// Days that are shown.
const SHOWN: u64 = 7;

/// A day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Day {
    /// People who were answered.
    pub(crate) answered: u64,
    /// Of them, those who had waited longer than the target.
    pub(crate) late: u64,
    /// Times that somebody waited longer than the target, answered or not.
    pub(crate) breaches: u64,
    /// The longest that somebody waited who was answered, in milliseconds.
    pub(crate) longest: u64,
}

/// Counts something, today.
pub(crate) fn count(change: impl Fn(&mut Day)) -> Result<()> {
    let days = Store::<Day>::open("days", OPTIONS)?;
    days.update(&day(now()), |row| {
        let mut day = row.unwrap_or_default();
        change(&mut day);
        day
    })?;
    Ok(())
}

/// Somebody was answered who had waited so long.
pub(crate) fn answered(waited: u64, target: u64) -> Result<()> {
    count(|day| {
        day.answered += 1;
        day.late += u64::from(waited >= target);
        day.longest = day.longest.max(waited);
    })
}

/// The last days in lines, today first; days on which nothing was counted are left out.
pub(crate) fn lines() -> Result<Vec<String>> {
    let days = Store::<Day>::open("days", OPTIONS)?;
    let names: Vec<String> = (0..SHOWN).map(|back| day(now().saturating_sub(back * DAY))).collect();
    let rows = days.lookup_many(&names)?;
    let line = |(name, row): (&String, store::Result<Option<Day>>)| match row {
        Ok(day) => day.map(|day| words(name, day)),
        Err(error) => Some(format!("{name}  can't be read: {error}")),
    };
    Ok(names.iter().zip(rows).filter_map(line).collect())
}

fn words(name: &str, day: Day) -> String {
    let Day { answered, late, breaches, longest } = day;
    let longest = if answered == 0 { String::new() } else { format!(", the longest wait {}", long(longest)) };
    format!("{name}  breaches: {breaches}; answers: {answered}, of which too late: {late}{longest}")
}
