//! An answer as rules look at it.
//!
//! What it is for: it is made plain once, whatever the number of rules. What it costs: two copies of the answer. How it fails: one that was too long to be
//! handed over is known by its length only; rules about words have nothing to say then.

use crate::phrase::plain;
use plugbay_sdk::prelude::*;

/// An answer.
pub(crate) struct Said {
    /// Small letters, single spaces.
    pub(crate) plain: String,
    /// Its lines without what marks a heading.
    lines: Vec<String>,
    /// How long it is at least, in characters.
    pub(crate) characters: u64,
    /// Whether the words are there.
    pub(crate) is_whole: bool,
}

impl Said {
    /// Reads an answer.
    pub(crate) fn read(text: &Text) -> Self {
        match text {
            Text::Whole(text) => Self {
                plain: plain(text),
                lines: text.lines().map(bare).filter(|line| !line.is_empty()).collect(),
                characters: text.trim().chars().count() as u64,
                is_whole: true,
            },
            // A character has four bytes at most.
            Text::Truncated(cut) => Self { plain: String::new(), lines: Vec::new(), characters: cut.bytes / 4, is_whole: false },
        }
    }

    /// Whether there is a section of this name: a line that is its name, marked as a heading or not, or begins with it and a colon.
    pub(crate) fn has_section(&self, name: &str) -> bool {
        let name = bare(name);
        self.lines.iter().any(|line| line.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')))
    }
}

/// A line as `Summary` would be written without being a heading.
fn bare(line: &str) -> String {
    plain(&line.replace("**", "")).trim_matches(|c: char| matches!(c, '#' | '*' | '_' | ' ')).trim_end_matches(':').trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_a_line_that_is_its_name() {
        let has = |text: &str| Said::read(&Text::Whole(text.into())).has_section("What changed");
        for text in [
            "# What changed\nx",
            "x\n\n**What  Changed:**\ny",
            "what changed: x",
            "**What changed**: x",
            "### What changed ###",
            "_What changed_",
        ] {
            assert!(has(text), "{text}");
        }
        for text in ["", "I say what changed", "what changed yesterday"] {
            assert!(!has(text), "{text}");
        }
    }

    #[test]
    fn what_was_not_handed_over_is_as_long_as_it_is() {
        let said = Said::read(&Text::Truncated(plugbay_sdk::Truncated { bytes: 400_000 }));
        assert_eq!((said.characters, said.is_whole), (100_000, false));
        assert_eq!(Said::read(&Text::Whole(" äö\n".into())).characters, 2);
    }
}
