//! A line of a plugin's log.
//!
//! The text is a plugin's choice. The engine has bounded it and taken its control characters out; what else can make a terminal show something else than
//! is written (marks that turn the direction of text, line separators) is escaped here, once, so that a line is safe wherever it is shown: files, streams,
//! terminals. Costs a pass over at most a line; never fails.

use crate::output::one_line;
use plugbay_runtime::engine::Level;
use serde::{Deserialize, Serialize};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Its number: grows by one with each line of the plugin, from 1, also over restarts where there are files.
    pub seq: u64,
    /// When it was written, in milliseconds since 1970.
    pub at: u64,
    /// How much it matters.
    #[serde(with = "LevelName")]
    pub level: Level,
    /// What it says: one line, fit for a terminal.
    pub text: String,
    /// In files: how many lines are missing right before this one, because the disk was full or too slow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
}

/// How levels are named in JSON.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Level", rename_all = "lowercase")]
enum LevelName {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// The text with what a terminal would obey, but for the tab, written as an escape.
pub(super) fn safe(text: &str) -> String {
    let pieces: Vec<_> = text.split('\t').map(one_line).collect();
    pieces.join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_an_escape_and_all_else_is_kept() {
        assert_eq!(safe("a\u{202e}b\u{1b}[2J\u{9b}\nö\t€"), "a\\u{202e}b\\u{1b}[2J\\u{9b}\\u{a}ö\t€");
    }

    #[test]
    fn a_line_reads_back_and_has_only_what_is_known() {
        let line = LogLine { seq: 7, at: 1_000, level: Level::Warn, text: "tab\t\"quoted\"".into(), dropped: None };
        let json = serde_json::to_string(&line).unwrap();
        assert_eq!(json, r#"{"seq":7,"at":1000,"level":"warn","text":"tab\t\"quoted\""}"#);
        assert_eq!(serde_json::from_str::<LogLine>(&json).unwrap(), line);
    }
}
