//! Which day it is.
//!
//! What it is for: the key under which a day is counted. What it costs: a look at the clock. How it fails: it doesn't; a clock before 1970 shows its
//! first day.

use std::time::{SystemTime, UNIX_EPOCH};

/// Today in UTC, as `2026-09-21`.
pub(crate) fn today() -> String {
    named(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

/// The day of a time in seconds since 1970, in the calendar that begins its years in March.
fn named(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let days = [(0, "1970-01-01"), (951_782_399, "2000-02-28"), (951_782_400, "2000-02-29"), (1_790_000_000, "2026-09-21")];
        for (seconds, day) in days {
            assert_eq!(named(seconds), day);
        }
        assert_eq!(named(4_107_542_400), "2100-03-01");
    }
}
