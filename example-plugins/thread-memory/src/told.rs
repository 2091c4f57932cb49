//! What tools and the command say.
//!
//! What it is for: the same words for the agent and for people. What it costs: an answer of `recall` has at most 2,000 tokens or so. How it fails: it doesn't.

use crate::fact::By;
use crate::shelf::{Kept, Known};
use plugbay_sdk::tokens;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tokens of what `recall` answers.
const RECALLED: u64 = 2_000;
const DAY: u64 = 24 * 3_600 * 1_000;

/// That a fact is kept.
pub(crate) fn kept(kept: &Kept, days: u64) -> String {
    match kept {
        Kept::New { id, evicted: 0 } => format!("Kept as {id} for {}.", of_days(days)),
        Kept::New { id, evicted } => format!("Kept as {id} for {}. The oldest made room: {evicted} forgotten.", of_days(days)),
        Kept::Known { id } => format!("Known already, as {id}."),
    }
}

/// Facts that have all words of the query, newest first.
pub(crate) fn recalled(facts: &[Known], query: &str) -> String {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let has_all = |known: &&Known| {
        let text = known.fact.text.to_lowercase();
        words.iter().all(|word| text.contains(word))
    };
    let found: Vec<&Known> = facts.iter().rev().filter(has_all).collect();
    if found.is_empty() {
        return if words.is_empty() { "Nothing is remembered.".into() } else { format!("Nothing is remembered with {query:?}.") };
    }
    let (mut text, mut left) = (String::new(), RECALLED);
    for (at, known) in found.iter().enumerate() {
        let line = line(known);
        match left.checked_sub(tokens::count(&line)) {
            Some(rest) => left = rest,
            None => return format!("{text}({} more: ask for other words)", found.len() - at),
        }
        text.push_str(&line);
        text.push('\n');
    }
    text.trim_end().to_owned()
}

/// All facts, for people.
pub(crate) fn listed(facts: &[Known], most: u64) -> String {
    if facts.is_empty() {
        return "Nothing is remembered of this thread. Say `remember: …` on a line of its own.".into();
    }
    let lines: Vec<String> = facts.iter().map(|known| format!("{}{}", line(known), by(known.fact.by))).collect();
    format!("{}\n{} of {most} facts.", lines.join("\n"), facts.len())
}

fn line(known: &Known) -> String {
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or_default();
    // A second less, so that two clocks that differ a little don't make a day of it.
    let left = known.expires_at.map(|end| of_days(end.saturating_sub(now + 1_000).div_ceil(DAY).max(1)));
    let left = left.map(|left| format!(" ({left} left)")).unwrap_or_default();
    format!("{}{left}: {}", known.id, known.fact.text)
}

fn by(by: By) -> &'static str {
    match by {
        By::Person => "",
        By::Agent => " [kept by the agent]",
    }
}

fn of_days(days: u64) -> String {
    if days == 1 { "1 day".into() } else { format!("{days} days") }
}
