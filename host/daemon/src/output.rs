//! What the program prints: tables, JSON, and text that can't take over a terminal.
//!
//! Everything that comes from a state, a name or a key, may be a plugin's choice: control characters in it are printed as escapes. Costs one pass
//! over the text; fails as writing to standard output fails. Colours are for a terminal whose user hasn't said `NO_COLOR`, and never the only sign of anything.

use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{ErrorKind, IsTerminal, Write};

/// Which side of a column its text stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Names and sentences.
    Left,
    /// Numbers.
    Right,
}

/// What a piece of text says at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// A heading.
    Heading,
    /// All is well.
    Good,
    /// Something to look at.
    Warning,
    /// Something doesn't work.
    Bad,
    /// Less than the rest.
    Faint,
}

/// Whether there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint(bool);

impl Paint {
    /// None.
    pub(crate) const NONE: Self = Self(false);

    /// As standard output bears it, and its reader wants it.
    pub(crate) fn of_stdout() -> Self {
        Self(colours_on(&std::io::stdout()))
    }

    /// The text in its colour.
    pub(crate) fn on(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            _ if !self.0 || text.is_empty() => return text.to_owned(),
            Tone::Plain => return text.to_owned(),
            Tone::Heading => "1",
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Whether somebody who looks at this wants colours.
pub(crate) fn colours_on(stream: &impl IsTerminal) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// What stands in a line under a heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// Text with a tone.
    pub(crate) fn new(tone: Tone, text: impl AsRef<str>) -> Self {
        Self { text: one_line(text.as_ref()), tone }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(Tone::Plain, text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::new(Tone::Plain, text)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::new(Tone::Plain, number.to_string())
    }
}

/// Lines of cells under a heading, aligned; the same on a terminal and elsewhere.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    sides: [Side; N],
    lines: Vec<[Cell; N]>,
}

impl<const N: usize> Table<N> {
    /// A table with these columns.
    pub(crate) fn new(columns: [(&str, Side); N]) -> Self {
        Self { sides: columns.map(|(_, side)| side), lines: vec![columns.map(|(name, _)| Cell::new(Tone::Heading, name))] }
    }

    /// Adds a line.
    pub(crate) fn push(&mut self, cells: [impl Into<Cell>; N]) {
        self.lines.push(cells.map(Into::into));
    }

    /// The table as text, a line feed after each line and no space before it.
    pub(crate) fn render(&self) -> String {
        self.render_in(Paint::NONE)
    }

    /// The table as text in colours.
    pub(crate) fn render_in(&self, paint: Paint) -> String {
        let mut widths = [0; N];
        for line in &self.lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = cell.text.chars().count().max(*width);
            }
        }
        self.lines.iter().map(|line| self.line(line, &widths, paint)).collect()
    }

    fn line(&self, cells: &[Cell; N], widths: &[usize; N], paint: Paint) -> String {
        let last = cells.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
        let columns = cells.iter().zip(widths).zip(&self.sides).take(last).enumerate();
        let padded: Vec<String> = columns
            .map(|(n, ((Cell { text, tone }, &width), side))| {
                let space = " ".repeat(width.saturating_sub(text.chars().count()));
                let text = paint.on(*tone, text);
                match side {
                    Side::Right => space + &text,
                    Side::Left if n + 1 == last => text,
                    Side::Left => text + &space,
                }
            })
            .collect();
        format!("{}\n", padded.join("  "))
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
    let mut line = escaped(&text, in_json);
    line.push('\n');
    Ok(line)
}

/// JSON of others as it came, safe to show on a terminal. Line feeds can only stand between its values, and stay.
pub(crate) fn json_as_it_came(text: &str) -> String {
    text.lines().map(|line| escaped(line, in_json) + "\n").collect()
}

fn in_json(line: &mut String, c: char) -> std::fmt::Result {
    write!(line, "\\u{:04x}", u32::from(c))
}

/// Text as part of one line.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text, |line, c| write!(line, "{}", c.escape_unicode()))
}

/// Text of several lines, such as what an agent says. Line feeds and tabs stay.
pub(crate) fn many_lines(text: &str) -> String {
    escaped(text, |lines, c| match c {
        '\n' | '\t' => {
            lines.push(c);
            Ok(())
        }
        c => write!(lines, "{}", c.escape_unicode()),
    })
}

/// Text as part of one line, and no more of it than so many characters.
pub(crate) fn cut_line(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => one_line(text.get(..end).unwrap_or_default()) + "…",
        None => one_line(text),
    }
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
pub(crate) fn is_treacherous(c: char) -> bool {
    c.is_control() || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A pipe that nobody reads any more is no failure: whoever read it has enough. Standard output is the only pipe that is written to.
pub(crate) fn unless_nobody_reads<T: Default>(outcome: Result<T>) -> Result<T> {
    let closed = |error: &anyhow::Error| {
        error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(|cause| cause.kind() == ErrorKind::BrokenPipe)
    };
    match outcome {
        Err(error) if closed(&error) => Ok(T::default()),
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
        table.push(["b", "12345", "x"]);
        assert_eq!(table.render(), "NAME          ROWS  NOTE\na-long-name      7\nb            12345  x\n");
    }

    #[test]
    fn colours_are_beside_the_text_and_change_no_width() {
        let mut table = Table::new([("A", Side::Left), ("B", Side::Right), ("C", Side::Left)]);
        table.push([Cell::new(Tone::Good, "on"), 7.into(), "".into()]);
        table.push([Cell::new(Tone::Plain, "\u{1b}[31m"), 12.into(), Cell::new(Tone::Bad, "x")]);
        let painted = table.render_in(Paint(true));
        assert_eq!(painted.lines().nth(1), Some("\u{1b}[32mon\u{1b}[0m           7"));
        assert_eq!(painted.lines().nth(2), Some("\\u{1b}[31m  12  \u{1b}[31mx\u{1b}[0m"));
        let plain = ["1", "31", "32", "0"].iter().fold(painted, |text, code| text.replace(&format!("\u{1b}[{code}m"), ""));
        assert_eq!(plain, table.render());
    }

    #[test]
    fn json_of_others_keeps_its_lines_and_loses_what_terminals_obey() {
        assert_eq!(json_as_it_came("{\n  \"a\": \"\u{9b}31m\"\n}"), "{\n  \"a\": \"\\u009b31m\"\n}\n");
    }

    #[test]
    fn json_escapes_what_terminals_obey_and_reads_back_as_it_was() {
        let key = "a\u{9b}31m\u{202e}\u{7f}\u{1b}[0m\nö";
        let line = json_line(&key).unwrap();
        assert!(line.trim_end().chars().all(|c| !is_treacherous(c)), "{line:?}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), key);
    }

    #[test]
    fn what_is_said_keeps_its_lines_and_nothing_else_that_terminals_obey() {
        assert_eq!(many_lines("a\tb\r\n\u{1b}[2Jc\u{202e}"), "a\tb\\u{d}\n\\u{1b}[2Jc\\u{202e}");
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!([cut_line("öö\n", 3), cut_line("ööö\n", 3), cut_line("", 0)], ["öö\\u{a}", "ööö…", ""]);
    }

    #[test]
    fn a_sentence_stays_one_line() {
        assert_eq!(one_line("two\nlines\u{1b}[2J"), "two\\u{a}lines\\u{1b}[2J");
    }
}
