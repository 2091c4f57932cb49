//! RFC 3339, as far as an author's test needs it.
//!
//! What it is for: a date that there isn't is refused here as it is by a host. What it costs: a few divisions. How it fails: what is no time is none.

/// Milliseconds since 1970, or until then.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let (clock, ahead) = zone(rest)?;
    let (clock, fraction) = clock.split_once('.').map_or((clock, Some(0)), |(clock, digits)| (clock, thousandths(digits)));
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days(year, month, day)? * 86_400 + hour * 3_600 + minute * 60 + second - ahead;
    Some(seconds * 1_000 + fraction?)
}

/// Numbers of so many digits each, with this between them.
fn fields<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[i64; N]> {
    let (mut parts, mut numbers) = (text.split(between), [0; N]);
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// The time of day without its offset, and how many seconds the offset is ahead of UTC.
fn zone(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let (clock, offset) = text.split_at(text.rfind(['+', '-'])?);
    let [hours, minutes] = fields(offset.get(1..)?, ':', [2, 2])?;
    let ahead = hours * 3_600 + minutes * 60;
    (hours <= 23 && minutes <= 59).then_some((clock, if offset.starts_with('-') { -ahead } else { ahead }))
}

/// A fraction of a second in milliseconds.
fn thousandths(digits: &str) -> Option<i64> {
    let known = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    known.then(|| digits.chars().chain("00".chars()).take(3).collect::<String>().parse().ok())?
}

/// Days since 1970-01-01, if there is such a day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    };
    if !(1..=12).contains(&month) || !(1..=length).contains(&day) {
        return None;
    }
    // Counted from March, so that a leap day is its year's last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(before + (153 * month + 2) / 5 + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_offsets_and_fractions() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("2027-03-01T09:00:00+01:00"), Some(1_803_888_000_000));
        assert_eq!(parse("2027-03-01T08:00:00.25z"), Some(1_803_888_000_250));
        assert_eq!(parse("2000-02-29 23:59:59-00:30"), Some(951_870_599_000));
        assert_eq!(parse("1969-12-31T23:59:59Z"), Some(-1_000));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2027-03-01",
            "2027-02-29T00:00:00Z",
            "2027-13-01T00:00:00Z",
            "2027-01-01T24:00:00Z",
            "2027-01-01T00:00:00",
            "tomorrow",
            "2027-1-01T00:00:00Z",
            "2027-01-01T00:00:00.Z",
            "2027-01-01T00:00:00+1:00",
            "2027-01-00T00:00:00Z",
            "2100-02-29T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
