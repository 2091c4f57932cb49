//! Durations and sizes as people write them: a whole number and a unit, such as `250 ms` and `64 MiB`.
//!
//! The parsers that crates have take `1M` for a month and `64M` for either of two sizes. Here every unit has one meaning, and a spelling that people
//! read in two ways is refused with the two to choose from. Costs a walk over a short list.

/// A unit: its name, what it is in the smallest one, and how else people write it.
pub(crate) struct Unit {
    name: &'static str,
    is: u64,
    also: &'static [&'static str],
}

/// Units of time, in milliseconds.
pub(crate) const TIME: &[Unit] = &[
    Unit { name: "ms", is: 1, also: &["msec", "millis"] },
    Unit { name: "s", is: 1_000, also: &["sec", "secs", "second", "seconds", "S"] },
    Unit { name: "min", is: 60_000, also: &["m", "M", "mins", "minute", "minutes"] },
    Unit { name: "h", is: 3_600_000, also: &["hr", "hour", "hours", "H"] },
];

/// Units of size, in bytes.
pub(crate) const SIZE: &[Unit] = &[
    Unit { name: "B", is: 1, also: &["b", "bytes", "byte"] },
    Unit { name: "KiB", is: 1 << 10, also: &["k", "K", "kb", "kB", "KB", "Kb", "kib"] },
    Unit { name: "MiB", is: 1 << 20, also: &["m", "M", "mb", "MB", "Mb", "mib"] },
    Unit { name: "GiB", is: 1 << 30, also: &["g", "G", "gb", "GB", "Gb", "gib"] },
];

/// Reads a quantity; if it is none, what may have been meant.
pub(crate) fn parse(text: &str, units: &[Unit]) -> Result<u64, Option<String>> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or(None)?;
    let number: u64 = number.parse().map_err(|_| None)?;
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    if let Some(known) = units.iter().find(|u| u.name == unit) {
        return number.checked_mul(known.is).ok_or(None);
    }
    let meant = units.iter().find(|u| u.also.contains(&unit));
    Err(meant
        .map(|u| format!("the unit is written `{0}`: \"{number} {0}\"", u.name))
        .or_else(|| unit.is_empty().then(|| no_unit(number, units))))
}

fn no_unit(number: u64, units: &[Unit]) -> String {
    let choices: Vec<_> = units.iter().map(|u| format!("\"{number} {}\"", u.name)).collect();
    format!("the unit is missing: {}", choices.join(", "))
}

/// Writes a quantity in the largest unit that leaves no rest.
pub(crate) fn write(quantity: u64, units: &[Unit]) -> String {
    let fits = |u: &&Unit| quantity.is_multiple_of(u.is) && (quantity > 0 || u.is == 1);
    units.iter().rev().find(fits).map_or_else(|| quantity.to_string(), |u| format!("{} {}", quantity / u.is, u.name))
}

/// The names of the units.
pub(crate) fn names(units: &[Unit]) -> Vec<&'static str> {
    units.iter().map(|u| u.name).collect()
}
