//! A fact: what is kept, and by which id.
//!
//! What it is for: the same fact, said again in other capitals or with other spaces, is one. What it costs: one pass over the text. How it fails: a text that
//! is empty or too long is refused in words for whoever said it.

use serde::{Deserialize, Serialize};

/// Characters of a fact at most.
const CHARACTERS: usize = 500;
/// Days that a fact may be kept at most.
pub(crate) const DAYS: u64 = 365;

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fact {
    pub(crate) text: String,
    pub(crate) by: By,
    /// Grows with each fact of a thread: the order in which they came.
    pub(crate) number: u64,
}

/// Who wanted it kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum By {
    /// A person, in a message.
    Person,
    /// The agent, with the tool.
    Agent,
}

/// A text as it is kept: one line.
pub(crate) fn clean(text: &str) -> Result<String, String> {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.chars().count() {
        0 => Err("a fact without words can't be remembered".into()),
        1..=CHARACTERS => Ok(line),
        many => Err(format!("a fact of {many} characters can't be remembered: {CHARACTERS} are allowed; say it shorter, or in two")),
    }
}

/// Whether two texts say the same.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// The id of a text, and another one for each `attempt`, should an id be another fact's: eight hexadecimal digits, by FNV-1a.
pub(crate) fn id(text: &str, attempt: u32) -> String {
    let bytes = attempt.to_le_bytes().into_iter().chain(text.to_lowercase().into_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{:08x}", (hash >> 32) ^ (hash & 0xffff_ffff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_one_line_of_some_length() {
        assert_eq!(clean("  we\u{7} deploy\n on  Tuesdays "), Ok("we deploy on Tuesdays".into()));
        assert_eq!(clean(" \n"), Err("a fact without words can't be remembered".into()));
        assert!(clean(&"ä".repeat(500)).is_ok());
        assert!(clean(&"ä".repeat(501)).unwrap_err().starts_with("a fact of 501 characters can't be remembered: 500 are allowed"));
    }

    #[test]
    fn the_same_text_has_the_same_id_whatever_its_capitals() {
        assert_eq!(id("We deploy", 0), id("we DEPLOY", 0));
        assert!(same("We deploy", "we DEPLOY") && !same("we deploy", "we deployed"));
        assert_ne!(id("we deploy", 0), id("we deploy", 1));
        let ids: std::collections::BTreeSet<_> = (0..10_000).map(|n| id(&format!("fact {n}"), 0)).collect();
        assert!(ids.len() > 9_990 && ids.iter().all(|id| id.len() == 8));
    }
}
