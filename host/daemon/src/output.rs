//! What the program prints: tables, JSON, and text that can't take over a terminal.
//!
//! Everything that comes from a state, a name or a key, may be a plugin's choice: control characters in it are printed as escapes. Costs one pass
//! over the text; fails as writing to standard output fails.

use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write};

/// Which side of a column its text stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Names and sentences.
    Left,
    /// Numbers.
    Right,
}

/// Lines of cells under a heading, aligned; the same on a terminal and elsewhere.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    sides: [Side; N],
    lines: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table with these columns.
    pub(crate) fn new(columns: [(&str, Side); N]) -> Self {
        Self { sides: columns.map(|(_, side)| side), lines: vec![columns.map(|(name, _)| name.to_owned())] }
    }

    /// Adds a line.
    pub(crate) fn push(&mut self, cells: [String; N]) {
        self.lines.push(cells.map(|cell| one_line(&cell)));
    }

    /// The table as text, a line feed after each line and no space before it.
    pub(crate) fn render(&self) -> String {
        let mut widths = [0; N];
        for line in &self.lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = cell.chars().count().max(*width);
            }
        }
        self.lines.iter().map(|line| self.line(line, &widths)).collect()
    }

    fn line(&self, cells: &[String; N], widths: &[usize; N]) -> String {
        let columns = cells.iter().zip(widths).zip(&self.sides);
        let padded: Vec<String> = columns
            .map(|((cell, &width), side)| match side {
                Side::Left => format!("{cell:<width$}"),
                Side::Right => format!("{cell:>width$}"),
            })
            .collect();
        format!("{}\n", padded.join("  ").trim_end())
    }
}

/// Prints text.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("can't write to standard output")
}

/// Prints a value as one line of JSON.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print(&json_line(value)?)
}

/// A value as one line of JSON, safe to show on a terminal.
pub(crate) fn json_line(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(value).context("can't write JSON")?;
    // Outside of strings JSON has none of these characters, and inside this is how they may be written.
    let mut line = escaped(&text, |line, c| write!(line, "\\u{:04x}", u32::from(c)));
    line.push('\n');
    Ok(line)
}

/// Text as part of one line.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text, |line, c| write!(line, "{}", c.escape_unicode()))
}

fn escaped(text: &str, escape: impl Fn(&mut String, char) -> std::fmt::Result) -> String {
    let mut line = String::with_capacity(text.len() + 1);
    for piece in text.split_inclusive(is_treacherous) {
        match piece.chars().next_back().filter(|&c| is_treacherous(c)) {
            Some(c) => {
                line.push_str(piece.strip_suffix(c).unwrap_or_default());
                // Writing to a string doesn't fail.
                let _ = escape(&mut line, c);
            }
            None => line.push_str(piece),
        }
    }
    line
}

/// Controls, line separators, and marks that change the direction of the text after them. All have four hexadecimal digits.
fn is_treacherous(c: char) -> bool {
    c.is_control() || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A pipe that nobody reads any more is no failure: whoever read it has enough. Standard output is the only pipe that is written to.
pub(crate) fn unless_nobody_reads(outcome: Result<()>) -> Result<()> {
    let closed = |error: &anyhow::Error| {
        error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(|cause| cause.kind() == ErrorKind::BrokenPipe)
    };
    match outcome {
        Err(error) if closed(&error) => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_have_no_tail() {
        let mut table = Table::new([("NAME", Side::Left), ("ROWS", Side::Right), ("NOTE", Side::Left)]);
        table.push(["a-long-name".into(), "7".into(), String::new()]);
        table.push(["b".into(), "12345".into(), "x".into()]);
        assert_eq!(table.render(), "NAME          ROWS  NOTE\na-long-name      7\nb            12345  x\n");
    }

    #[test]
    fn json_escapes_what_terminals_obey_and_reads_back_as_it_was() {
        let key = "a\u{9b}31m\u{202e}\u{7f}\u{1b}[0m\nö";
        let line = json_line(&key).unwrap();
        assert!(line.trim_end().chars().all(|c| !is_treacherous(c)), "{line:?}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), key);
    }

    #[test]
    fn a_sentence_stays_one_line() {
        assert_eq!(one_line("two\nlines\u{1b}[2J"), "two\\u{a}lines\\u{1b}[2J");
    }
}
