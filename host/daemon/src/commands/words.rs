//! What the API says, in words: times, amounts, digests, standings, and what each grant lets a plugin do.

use crate::api::types::{PluginSummary, Standing};
use crate::output::Tone;
use std::time::Duration;

/// Characters of a digest that are shown: enough to tell versions apart, and to name one.
const DIGEST: usize = 12;

/// What a plugin with this grant may do.
pub(super) fn grant(name: &str) -> &'static str {
    match name {
        "conversation" => "see messages, tool calls and transcripts",
        "state" => "keep rows of its own, and state of sessions",
        "events" => "emit agent events of its own",
        "prompt" => "change what agents are told and what is written into conversations",
        "policy" => "decide on tool calls before anybody else, and on what is installed",
        "subagents" => "have agents work for it, in sessions of its own",
        "model" => "ask the model, at your expense",
        "schedule" => "wake agents, and itself, later",
        "attachments" => "hand files to the people of a session",
        _ => "what its name says; this program is older than the daemon",
    }
}

/// A digest, short.
pub(super) fn digest(digest: &str) -> &str {
    digest.char_indices().nth(DIGEST).map_or(digest, |(end, _)| digest.get(..end).unwrap_or(digest))
}

/// A moment, in milliseconds since 1970, to the second.
pub(super) fn time(at: u64) -> String {
    moment(at).map_or_else(|| format!("{at} ms"), |moment| format!("{moment:.0}"))
}

/// A moment, in milliseconds since 1970, to the millisecond.
pub(super) fn exact_time(at: u64) -> String {
    moment(at).map_or_else(|| format!("{at} ms"), |moment| format!("{moment:.3}"))
}

fn moment(at: u64) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(i64::try_from(at).ok()?).ok()
}

/// An amount of memory.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) => format!("{}.{} {unit}", bytes / size, bytes % size * 10 / size),
        None => format!("{bytes} B"),
    }
}

/// An amount of time.
pub(super) fn span(time: Duration) -> String {
    match time.as_micros() {
        // What is measured in whole milliseconds may come as none.
        0 => "under 1 ms".to_owned(),
        us @ 1..1_000 => format!("{us} us"),
        us @ 1_000..1_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        us => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// So many of them.
pub(super) fn count(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// Where a plugin stands, and how that looks.
pub(super) const fn standing(standing: Standing) -> (Tone, &'static str) {
    match standing {
        Standing::Active => (Tone::Good, "active"),
        Standing::Disabled => (Tone::Faint, "disabled"),
        Standing::Held => (Tone::Warning, "held"),
        Standing::Missing => (Tone::Warning, "missing"),
        Standing::Failed => (Tone::Bad, "failed"),
        Standing::Quarantined => (Tone::Bad, "quarantined"),
    }
}

/// What became of a component that doesn't run, in words.
fn fate(fate: &str) -> &str {
    match fate {
        "held" => "is held",
        "refused" => "was refused",
        "failed" => "failed",
        "rolled-back" => "was rolled back",
        newer => newer,
    }
}

/// What there is to know of a plugin beside its numbers.
pub(super) fn notes(plugin: &PluginSummary) -> Vec<String> {
    let file = plugin.file.as_ref().map(|file| {
        let version = file.version.as_deref().map(|v| format!(" {v}")).unwrap_or_default();
        format!("its file{version} ({}) {}: {}", digest(&file.digest), fate(&file.fate), file.why)
    });
    let probation = plugin.probation.as_ref().map(|p| {
        let left = span(Duration::from_millis(p.ms_left));
        format!(
            "on probation: {} of {} faulted; {left} or {} left",
            p.faults,
            count(p.calls.into(), "call", "calls"),
            count(p.calls_left.into(), "call", "calls")
        )
    });
    let why = plugin.why.clone().filter(|why| plugin.file.as_ref().is_none_or(|file| file.why != *why));
    let breaker = plugin.breaker.as_ref().map(|breaker| format!("breaker: {breaker}"));
    let engine = plugin.context_engine.as_ref().map(|engine| match (&engine.why, engine.serving) {
        (_, true) => "context engine".to_owned(),
        (Some(why), false) => format!("context engine, and doesn't serve: {why}"),
        (None, false) => "context engine, and doesn't serve".to_owned(),
    });
    let marks = [
        (plugin.downgrade, "a downgrade"),
        // Who switches a required plugin off wants to go on without it.
        (plugin.required && !matches!(plugin.standing, Standing::Active | Standing::Disabled), "required: what it guards is refused"),
    ];
    let marks = marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark.to_owned());
    [why, file, probation, breaker, engine].into_iter().flatten().chain(marks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugbay_runtime::Grant;

    #[test]
    fn every_grant_has_its_words() {
        for known in Grant::ALL {
            assert!(!grant(known.name()).contains("older"), "{known}");
        }
    }

    #[test]
    fn what_a_required_plugin_guards_is_refused_unless_it_was_switched_off() {
        let noted = |standing: &str| {
            let plugin = serde_json::json!({
                "id": "p", "standing": standing, "generation": 1, "downgrade": false, "required": true, "calls": 0, "faults": 0
            });
            notes(&serde_json::from_value(plugin).unwrap()).concat().contains("what it guards is refused")
        };
        assert_eq!(["active", "disabled", "held", "missing", "failed", "quarantined"].map(noted), [false, false, true, true, true, true]);
    }

    #[test]
    fn amounts_are_short() {
        assert_eq!(
            [0, 1023, 1024, 1_600, 64 << 20, (3 << 30) + (1 << 29)].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "64.0 MiB", "3.5 GiB"]
        );
        assert_eq!([7, 1_940, 999_999, 61_500_000].map(|us| span(Duration::from_micros(us))), ["7 us", "1.9 ms", "999.9 ms", "61.5 s"]);
        assert_eq!(span(Duration::ZERO), "under 1 ms");
        assert_eq!((digest("0123456789abcdef"), digest("abc"), digest("ööööööööööööö")), ("0123456789ab", "abc", "öööööööööööö"));
        assert_eq!((time(1_000), exact_time(1_001)), ("1970-01-01T00:00:01Z".into(), "1970-01-01T00:00:01.001Z".into()));
        assert_eq!(time(u64::MAX), format!("{} ms", u64::MAX));
    }
}
