//! One result, and the table of all of them.

use serde::Serialize;
use std::fmt::Write as _;

/// One result.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) ours: f64,
    /// None where there is nothing to compare with: the bar is one on `ours` then.
    pub(super) baseline: Option<f64>,
    pub(super) baseline_name: &'static str,
    pub(super) ratio: Option<f64>,
    /// None where nothing is asked of the figure.
    pub(super) bar: Option<f64>,
    pub(super) met: bool,
    /// What else there is to know.
    pub(super) notes: Vec<String>,
}

impl Row {
    /// A comparison.
    pub(super) fn compared(
        (name, unit): (&'static str, &'static str),
        ours: f64,
        (baseline, baseline_name): (f64, &'static str),
        ratio: f64,
        bar: f64,
    ) -> Self {
        let (baseline, met) = (Some(baseline), ratio <= bar);
        Self { name, unit, ours, baseline, baseline_name, ratio: Some(ratio), bar: Some(bar), met, notes: Vec::new() }
    }

    /// A figure that has its bar in itself.
    pub(super) fn alone(name: &'static str, unit: &'static str, ours: f64, bar: f64) -> Self {
        Self { bar: Some(bar), met: ours <= bar, ..Self::unjudged(name, unit, ours) }
    }

    /// A figure that is only told.
    pub(super) fn unjudged(name: &'static str, unit: &'static str, ours: f64) -> Self {
        Self { name, unit, ours, baseline: None, baseline_name: "none", ratio: None, bar: None, met: true, notes: Vec::new() }
    }

    pub(super) fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    fn cells(&self) -> [String; 8] {
        let figure = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.*}", if v < 10.0 { 2 } else { 1 }));
        let ratio = self.ratio.map_or_else(|| "-".to_owned(), |r| format!("{r:.2}"));
        let verdict = match (self.bar, self.met) {
            (None, _) => "-",
            (_, true) => "met",
            (_, false) => "MISSED",
        };
        [
            self.name.to_owned(),
            self.unit.to_owned(),
            figure(Some(self.ours)),
            figure(self.baseline),
            ratio,
            self.bar.map_or_else(|| "-".to_owned(), |bar| bar.to_string()),
            verdict.to_owned(),
            self.baseline_name.to_owned(),
        ]
    }
}

const HEAD: [&str; 8] = ["name", "unit", "ours", "baseline", "ratio", "bar", "met", "baseline is"];

/// All rows, aligned, each with its notes below it, and how many bars were missed.
pub(super) fn table(rows: &[Row]) -> String {
    let head = HEAD.map(str::to_owned);
    let lines: Vec<[String; 8]> = rows.iter().map(Row::cells).collect();
    let width = |column: usize| {
        let cell = |line: &[String; 8]| line.get(column).map_or(0, |cell| cell.chars().count());
        lines.iter().chain([&head]).map(cell).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut text = line(&head, &widths);
    for (row, cells) in rows.iter().zip(&lines) {
        text.push_str(&line(cells, &widths));
        for note in &row.notes {
            // Writing to a string can't fail.
            let _ = writeln!(text, "    {note}");
        }
    }
    let missed = rows.iter().filter(|row| !row.met).count();
    let _ = writeln!(text, "{} rows, {missed} missed", rows.len());
    text
}

/// One line: names to the left, figures to the right.
fn line(cells: &[String; 8], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
        2..=5 => format!("{cell:>width$}"),
        _ => format!("{cell:<width$}"),
    });
    let line = padded.collect::<Vec<_>>().join("  ");
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_that_is_missed_is_said_and_counted() {
        let rows = [
            Row::compared(("a", "ns"), 3.0, (1.0, "raw"), 3.0, 1.5).note("why"),
            Row::compared(("b", "ns"), 1.0, (1.0, "raw"), 1.0, 1.0),
            Row::alone("c", "KiB", 200.5, 200.0),
            Row::unjudged("d", "us", 7.0),
        ];
        let table = table(&rows);
        let lines: Vec<&str> = table.lines().collect();
        assert!(
            lines[1].contains("MISSED")
                && lines[2].contains("why")
                && lines[3].contains("met")
                && lines[4].contains("MISSED")
                && !lines[5].contains("met"),
            "{table}"
        );
        assert_eq!(lines.last(), Some(&"4 rows, 2 missed"));
    }

    #[test]
    fn json_has_every_key_also_where_nothing_is_compared() {
        let json = serde_json::to_value(Row::alone("c", "KiB", 1.0, 200.0)).unwrap();
        for key in ["name", "unit", "ours", "baseline", "baseline_name", "ratio", "bar", "met"] {
            assert!(json.get(key).is_some(), "{key}");
        }
        assert_eq!(json["met"], true);
    }
}
