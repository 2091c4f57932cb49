//! Phrases: whether a text says them.
//!
//! What it is for: what operators can write without knowing a pattern language. Case doesn't matter, runs of white space are one space, and only whole words
//! count; a `*` at an end means that the word there may go on. What it costs: one pass over the text. How it fails: a phrase without anything to look for is
//! an error when the plugin starts.

use plugbay_sdk::prelude::*;
use std::fmt;

/// A phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phrase {
    shown: String,
    plain: String,
    /// Whether the word before it may be a part of its first one, and the one behind it of its last.
    open: (bool, bool),
}

impl Phrase {
    /// Reads one of the setting `setting`.
    pub(crate) fn read(setting: &str, text: &str) -> Result<Self> {
        let shown = squeeze(text);
        let open = (shown.starts_with('*'), shown.ends_with('*'));
        let plain = shown.trim_matches('*').trim().to_lowercase();
        if plain.is_empty() || plain.chars().count() > 200 {
            return Err(Error::new(format!("{setting}: a phrase has 1 to 200 characters beside `*`, {text:?} doesn't")));
        }
        Ok(Self { shown, plain, open })
    }

    /// Whether a text says it, which was made [`plain`].
    pub(crate) fn is_in(&self, text: &str) -> bool {
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|rest| rest.find(&self.plain)).map(|found| from + found) {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let behind = text.get(at + self.plain.len()..).and_then(|behind| behind.chars().next());
            let begins = self.open.0 || !touch(before, self.plain.chars().next());
            let ends = self.open.1 || !touch(self.plain.chars().next_back(), behind);
            if begins && ends {
                return true;
            }
            from = text.ceil_char_boundary(at + 1);
        }
        false
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "“{}”", self.shown)
    }
}

/// Whether two characters are of one word.
fn touch(a: Option<char>, b: Option<char>) -> bool {
    let is_of_a_word = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    is_of_a_word(a) && is_of_a_word(b)
}

/// A text in which phrases are looked for: small letters, single spaces.
pub(crate) fn plain(text: &str) -> String {
    squeeze(text).to_lowercase()
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str, phrase: &str) -> bool {
        Phrase::read("x", phrase).unwrap().is_in(&plain(text))
    }

    #[test]
    fn only_whole_words_count_unless_a_star_says_otherwise() {
        for (text, phrase) in [
            ("All  TESTS\npass.", "all tests pass"),
            ("TODO: write", "todo"),
            ("a TODO", "todo"),
            ("we deployed it", "deploy*"),
            ("redeploy it", "*deploy"),
            ("see (http://x)", "http*"),
            ("xa a a", "a a"),
            ("Grüße aus Köln", "KÖLN"),
            ("done ✓", "✓"),
        ] {
            assert!(says(text, phrase), "{text:?} {phrase:?}");
        }
        for (text, phrase) in
            [("mastodon", "todo"), ("todos", "todo"), ("tests passed", "tests pass"), ("", "x"), ("we redeployed", "deploy*")]
        {
            assert!(!says(text, phrase), "{text:?} {phrase:?}");
        }
    }

    #[test]
    fn nothing_to_look_for_is_refused_with_the_setting() {
        for text in ["", " ", "*", "* *", &"x".repeat(201)] {
            assert!(Phrase::read("`must_say` of the rule `x`", text).unwrap_err().to_string().starts_with("`must_say` of the rule `x`: "));
        }
    }
}
