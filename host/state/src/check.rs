//! What comes in, checked before anything is read or written: names, keys, JSON.
//!
//! Each check is one pass over the bytes, at most two.

use crate::error::Problem;
use crate::limits::{Limit, Overrun, StateLimits};
use serde::de::IgnoredAny;

/// An ASCII letter or digit, then letters, digits, dots, underscores and hyphens.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(plain)
}

pub(crate) fn namespace<'a>(text: &'a str, limits: &StateLimits) -> Result<&'a str, Problem> {
    let name = text.trim();
    let allowed = limits.namespace.get();
    if name.len() > allowed {
        return Err(Problem::Malformed(Overrun::new(Limit::Namespace, name.len(), allowed)));
    }
    if !is_name(name) {
        let wanted = "a letter or digit, then letters, digits, dots, underscores and hyphens";
        return Err(Problem::Invalid(format!("{name:?} is no namespace: expected {wanted}")));
    }
    Ok(name)
}

pub(crate) fn key<'a>(text: &'a str, limits: &StateLimits) -> Result<&'a str, Problem> {
    let key = text.trim();
    let allowed = limits.key.get();
    if key.is_empty() {
        return Err(Problem::Invalid("the key is empty".into()));
    }
    if key.len() > allowed {
        return Err(Problem::Malformed(Overrun::new(Limit::Key, key.len(), allowed)));
    }
    Ok(key)
}

/// Refuses a list that is too long.
pub(crate) fn list(len: usize, limits: &StateLimits) -> Result<(), Problem> {
    let allowed = limits.keys.get();
    if len > allowed { Err(Problem::Malformed(Overrun::new(Limit::Keys, len, allowed))) } else { Ok(()) }
}

pub(crate) fn value(text: &str, limits: &StateLimits) -> Result<(), Problem> {
    let allowed = limits.value.get();
    if text.len() > allowed {
        return Err(Problem::Limit(Overrun::new(Limit::Value, text.len(), allowed)));
    }
    let (deep, allowed) = (depth(text), limits.depth.get());
    if deep > allowed {
        return Err(Problem::Limit(Overrun::new(Limit::Depth, deep, allowed)));
    }
    json(text).map_err(|error| Problem::Invalid(format!("the value is no JSON: {error}")))
}

pub(crate) fn json(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<IgnoredAny>(text).map(|_| ())
}

/// Refuses more than a bound allows that isn't a setting.
pub(crate) fn bounded(what: &str, wanted: usize, unit: &str, allowed: usize) -> Result<(), Problem> {
    if wanted <= allowed {
        return Ok(());
    }
    Err(Problem::Beyond(format!("{what}: {wanted} {unit} wanted, {allowed} {unit} allowed (fixed, no setting changes it)")))
}

/// Refuses what is no JSON, or more of it than bounds allow that aren't settings.
pub(crate) fn bounded_json(what: &str, text: &str, bytes: usize, levels: usize) -> Result<(), Problem> {
    bounded(what, text.len(), "bytes", bytes)?;
    bounded(what, depth(text), "levels", levels)?;
    json(text).map_err(|error| Problem::Invalid(format!("{what} is no JSON: {error}")))
}

/// How deep arrays and objects nest: 0 for a scalar, 1 for `[]`.
pub(crate) fn depth(text: &str) -> usize {
    let (mut deep, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                deep += 1;
                deepest = deepest.max(deep);
            }
            b']' | b'}' if !quoted => deep = deep.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_containers_outside_strings() {
        for (text, expected) in [("1", 0), ("[]", 1), (r#"{"a":[1,{}]}"#, 3), (r#""[[[""#, 0), (r#"["\"[",[]]"#, 2), (r#"["\\",[]]"#, 2)] {
            assert_eq!(depth(text), expected, "{text}");
        }
    }

    #[test]
    fn values_are_bounded_to_the_byte_and_the_level() {
        let limits = StateLimits::default();
        let text = |len: usize| format!("\"{}\"", "x".repeat(len - 2));
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(value(&text(65_536), &limits), Ok(()));
        assert_eq!(value(&text(65_537), &limits), Err(Problem::Limit(Overrun::new(Limit::Value, 65_537, 65_536))));
        assert_eq!(value(&nested(64), &limits), Ok(()));
        assert_eq!(value(&nested(65), &limits), Err(Problem::Limit(Overrun::new(Limit::Depth, 65, 64))));
        for wrong in ["", "{", "1 2", "NaN", "'a'", "[1,]"] {
            assert!(matches!(value(wrong, &limits), Err(Problem::Invalid(_))), "{wrong}");
        }
    }

    #[test]
    fn keys_are_trimmed_and_counted_in_bytes() {
        let limits = StateLimits::default();
        assert_eq!(key(&format!("  {} ", "é".repeat(256)), &limits).map(str::len), Ok(512));
        assert!(matches!(key(&"é".repeat(257), &limits), Err(Problem::Malformed(o)) if o.observed == 514));
        assert!(matches!(key(" \n", &limits), Err(Problem::Invalid(_))));
    }

    #[test]
    fn namespaces_have_a_syntax() {
        let limits = StateLimits::default();
        assert_eq!(namespace(" Notes.v2_x-1 ", &limits), Ok("Notes.v2_x-1"));
        for wrong in ["", "-a", ".a", "a b", "a/b", "ä", "$core"] {
            assert!(matches!(namespace(wrong, &limits), Err(Problem::Invalid(_))), "{wrong}");
        }
        assert!(namespace(&"n".repeat(128), &limits).is_ok());
        assert!(matches!(namespace(&"n".repeat(129), &limits), Err(Problem::Malformed(_))));
    }
}
