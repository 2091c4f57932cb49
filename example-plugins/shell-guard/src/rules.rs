//! What a rule is, and when it matches a command line.
//!
//! What it is for: rules that an operator can write without knowing a pattern language. What it costs: one pass over the line for each.
//! How it fails: an empty rule is an error when the plugin starts.

use plugbay_sdk::prelude::*;
use serde_json::Value;
use std::fmt;

/// One entry of `forbid` or `ask`.
#[derive(Debug, PartialEq)]
pub(crate) enum Rule {
    /// `*`
    Everything,
    /// A word: a program's name, wherever in the line a command begins.
    Program(String),
    /// Anything else: a part of the line. Runs of white space count as one space.
    Part(String),
}

impl Rule {
    fn read(text: &str) -> Result<Self> {
        let plain = squeeze(text);
        let is_word = plain.chars().all(|character| character.is_alphanumeric() || matches!(character, '-' | '_' | '.' | '+'));
        match plain.as_str() {
            "" => Err(Error::new("a rule of shell-guard is empty; `*` means every command")),
            "*" => Ok(Self::Everything),
            _ if is_word => Ok(Self::Program(plain)),
            _ => Ok(Self::Part(plain)),
        }
    }

    fn matches(&self, line: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Program(name) => programs(line).any(|program| program == name),
            Self::Part(part) => squeeze(line).contains(part.as_str()),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("`*`"),
            Self::Program(text) | Self::Part(text) => write!(f, "`{text}`"),
        }
    }
}

/// Reads a list of rules.
pub(crate) fn read(texts: &[String]) -> Result<Vec<Rule>> {
    texts.iter().map(|text| Rule::read(text)).collect()
}

/// The first rule that matches any of the lines.
pub(crate) fn first_match<'a>(rules: &'a [Rule], lines: &[String]) -> Option<&'a Rule> {
    rules.iter().find(|rule| lines.iter().any(|line| rule.matches(line)))
}

/// Every text in the arguments, however they are nested; a list of words (`["git", "push"]`) is one line besides.
pub(crate) fn command_lines(params: &Value) -> Vec<String> {
    match params {
        Value::String(line) => vec![line.clone()],
        Value::Array(items) => {
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            let whole = (words.len() > 1).then(|| words.join(" "));
            whole.into_iter().chain(items.iter().flat_map(command_lines)).collect()
        }
        Value::Object(members) => members.values().flat_map(command_lines).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// The name of each program that the line starts, without its folder: after `;`, `|`, `&`, a line's end, a bracket, a backtick, a quote, and
/// past assignments (`A=1 sudo`).
fn programs(line: &str) -> impl Iterator<Item = &str> {
    let commands = line.split([';', '|', '&', '\n', '(', ')', '{', '}', '`', '"', '\'']);
    let first_words = commands.filter_map(|command| command.split_whitespace().find(|word| !word.contains('=')));
    first_words.map(|word| word.rsplit('/').next().unwrap_or(word))
}

/// Runs of white space as one space.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(rule: &str, line: &str) -> bool {
        Rule::read(rule).unwrap().matches(line)
    }

    #[test]
    fn a_word_is_a_program_wherever_a_command_begins() {
        for line in [
            "sudo ls",
            "  sudo",
            "/usr/bin/sudo x",
            "ls; sudo x",
            "ls|sudo x",
            "true && sudo x",
            "$(sudo x)",
            "A=1 sudo x",
            "bash -c 'sudo x'",
            "a\nsudo x",
        ] {
            assert!(matches("sudo", line), "{line}");
        }
        for line in ["echo sudo", "sudoku", "ls sudo/", "man sudo"] {
            assert!(!matches("sudo", line), "{line}");
        }
    }

    #[test]
    fn anything_else_is_a_part_of_the_line() {
        assert!(matches("rm -rf /", "cd x && rm   -rf  /home"));
        assert!(!matches("rm -rf /", "rm -r /"));
        assert!(matches("> /dev/", "cat x > /dev/sda"));
        assert!(matches("*", ""));
    }

    #[test]
    fn every_text_of_the_arguments_is_looked_at() {
        let lines = command_lines(&json!({"argv": ["git", "push"], "options": {"shell": "ls"}, "timeout": 3}));
        assert_eq!(lines, ["git push", "git", "push", "ls"]);
    }

    #[test]
    fn a_rule_that_is_empty_is_an_error() {
        assert!(read(&["".into()]).is_err());
        assert_eq!(read(&["sudo".into(), "a b".into()]).unwrap(), [Rule::Program("sudo".into()), Rule::Part("a b".into())]);
    }
}
