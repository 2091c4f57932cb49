//! Which tools a rule is about: names, with `*` for any text.
//!
//! What it is for: lists that an operator writes without knowing a pattern language. What it costs: one pass over the name. How it fails: an empty
//! pattern is an error when the plugin starts.

use plugbay_sdk::prelude::*;
use std::fmt;

/// A tool's name, in which `*` stands for any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// Reads one of the setting `setting`.
    pub(crate) fn read(setting: &str, text: &str) -> Result<Self> {
        let plain = text.trim();
        if plain.is_empty() || plain.len() > 128 {
            return Err(Error::new(format!(
                "{setting}: a tool's name has 1 to 128 bytes, {text:?} doesn't; `*` means every tool, `web_*` all that begin so"
            )));
        }
        Ok(Self(plain.to_owned()))
    }

    /// Whether a tool of this name is meant.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else { return rest.is_empty() };
        for part in parts {
            match rest.split_once(part) {
                Some((_, behind)) => rest = behind,
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::read("x", pattern).unwrap().matches(name)
    }

    #[test]
    fn a_star_is_any_text_and_all_else_is_itself() {
        for (pattern, name) in
            [("*", "x"), ("web_*", "web_"), ("web_*", "web_get"), ("*_get", "web_get"), ("a*c*e", "abcde"), ("get", "get")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("get", "gets"), ("get", "ge"), ("web_*", "my_web_get"), ("*_get", "web_gets"), ("a*c*e", "aec"), ("ab*ba", "aba")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn an_empty_one_is_refused_with_its_setting() {
        assert!(Pattern::read("`tools` of the rule `x`", " ").unwrap_err().to_string().starts_with("`tools` of the rule `x`: "));
    }
}
