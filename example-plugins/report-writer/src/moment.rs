//! Times in words: days and minutes in UTC.
//!
//! What it is for: a report says when it was written, and an entry when it was said. What it costs: a few divisions. How it fails: it doesn't; a clock before 1970 reads 1970.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in milliseconds since 1970-01-01T00:00:00Z.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The day of a time, in UTC: `2026-11-02`. After Howard Hinnant's `civil_from_days`.
pub(crate) fn day(at: u64) -> String {
    let days = at / 86_400_000 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153; // months from March on
    let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    format!("{}-{month:02}-{day:02}", era * 400 + year + u64::from(month <= 2))
}

/// The day and the minute: `2026-11-02 10:03Z`.
pub(crate) fn minute(at: u64) -> String {
    let minutes = at / 60_000 % 1_440;
    format!("{} {:02}:{:02}Z", day(at), minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!([0, 951_868_800_000, 1_798_761_599_999].map(minute), ["1970-01-01 00:00Z", "2000-03-01 00:00Z", "2026-12-31 23:59Z"]);
    }
}
