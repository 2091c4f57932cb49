//! What an entry says, as text; and when.
//!
//! What it is for: summaries and opened entries are text. What it costs: reading the entry's JSON. How it fails: an entry that is too large to be handed to a plugin says so in its place.

use plugbay_sdk::prelude::*;

/// The words of an entry: of a string, or of parts with texts.
pub(crate) fn said(entry: &Entry) -> String {
    let json = match &entry.content {
        Payload::Json(json) => json,
        Payload::Truncated(cut) => return format!("(This entry has {} bytes, which is more than can be shown here.)", cut.bytes),
    };
    match serde_json::from_str(json) {
        Ok(Value::String(text)) => text,
        Ok(Value::Array(parts)) => parts.iter().map(part).collect::<Vec<_>>().join("\n"),
        Ok(_) | Err(_) => json.clone(),
    }
}

fn part(part: &Value) -> String {
    match part.get("text").unwrap_or(part) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Who says it.
pub(crate) fn speaker(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

/// The day of a time in milliseconds since 1970, in UTC: `2026-11-02`. After Howard Hinnant's `civil_from_days`.
pub(crate) fn day(at: u64) -> String {
    let days = at / 86_400_000 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153; // months from March on
    let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    format!("{}-{month:02}-{day:02}", era * 400 + year + u64::from(month <= 2))
}

/// The day and the time: `2026-11-02 10:03`.
pub(crate) fn minute(at: u64) -> String {
    let minutes = at / 60_000 % 1_440;
    format!("{} {:02}:{:02}", day(at), minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(content: Payload) -> Entry {
        Entry { id: 1, role: Role::User, at: 0, content, tool_call_id: None }
    }

    #[test]
    fn an_entry_is_read_whatever_its_form() {
        let json = |text: &str| said(&entry(Payload::Json(text.into())));
        assert_eq!(json(r#""a \"b\"""#), "a \"b\"");
        assert_eq!(json(r#"[{"type":"text","text":"a"},"b",{"x":1}]"#), "a\nb\n{\"x\":1}");
        assert_eq!(json(r#"{"x":1}"#), r#"{"x":1}"#);
        assert!(said(&entry(Payload::Truncated(plugbay_sdk::Truncated { bytes: 300_000 }))).contains("300000 bytes"));
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(
            [0, 951_782_400_000, 951_868_800_000, 1_798_761_599_999].map(day),
            ["1970-01-01", "2000-02-29", "2000-03-01", "2026-12-31"]
        );
        assert_eq!(minute(1_798_761_599_999), "2026-12-31 23:59");
    }
}
