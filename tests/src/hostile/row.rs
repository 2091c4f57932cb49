//! A row of the table after it ran, and how the table is printed.

use super::bystander::Watch;
use super::process::Resident;
use serde::Serialize;
use std::fmt::Write as _;

/// What came of one hostile component.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// What it tried.
    pub tried: &'static str,
    /// What should have stopped it.
    pub expected: String,
    /// What did, in the last round.
    pub stopped_by: String,
    /// The error of the last round, as people read it.
    pub said: String,
    /// Resident memory before and after the rounds. Two pairs where the first seemed to grow; the last one counts.
    pub memory: Vec<(Resident, Resident)>,
    /// Rounds before memory was looked at.
    pub warm_up: u32,
    /// Rounds between the two looks.
    pub rounds: u32,
    /// What the good plugin beside it did.
    pub bystander: Watch,
    /// How long the row took.
    pub seconds: f64,
    /// What went wrong; nothing, if it was contained.
    pub problems: Vec<String>,
}

impl Row {
    /// Whether nothing went wrong.
    #[must_use]
    pub const fn contained(&self) -> bool {
        self.problems.is_empty()
    }

    /// `contained`, or what went wrong.
    #[must_use]
    pub fn verdict(&self) -> String {
        if self.contained() { "contained".to_owned() } else { self.problems.join("; ") }
    }

    fn memory_text(&self) -> String {
        let mib = |resident: &Resident| resident.kib as f64 / 1024.0;
        let pair = |(before, after): &(Resident, Resident)| format!("{:.1} -> {:.1}", mib(before), mib(after));
        self.memory.iter().map(pair).collect::<Vec<_>>().join(", ")
    }

    fn cells(&self) -> [String; 8] {
        [
            self.name.clone(),
            self.tried.to_owned(),
            self.stopped_by.clone(),
            self.memory_text(),
            format!("{}+{}", self.warm_up, self.rounds),
            format!("{}/{}", self.bystander.answered, self.bystander.answered + self.bystander.failed),
            format!("{:.0}", self.bystander.longest_gap_ms),
            self.verdict(),
        ]
    }
}

/// The table, aligned, with a last line that counts.
#[must_use]
pub fn print(rows: &[Row]) -> String {
    let head = ["name", "tried", "stopped by", "resident MiB", "rounds", "bystander", "gap ms", "verdict"].map(str::to_owned);
    let lines: Vec<[String; 8]> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let mut widths = [0; 8];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in &lines {
        let cells: Vec<String> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        // Writing to a string can't fail.
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    let contained = rows.iter().filter(|row| row.contained()).count();
    let _ = writeln!(text, "{contained} contained, {} not", rows.len() - contained);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, problems: &[&str]) -> Row {
        let resident = |kib| Resident { kib, anonymous_kib: 0 };
        Row {
            name: name.to_owned(),
            tried: "all it could",
            expected: "limits.cpu".to_owned(),
            stopped_by: "limits.cpu".to_owned(),
            said: String::new(),
            memory: vec![(resident(1_024), resident(10_240)), (resident(10_240), resident(10_240))],
            warm_up: 10,
            rounds: 100,
            bystander: Watch { answered: 7, failed: 1, first_failure: None, longest_gap_ms: 3.4 },
            seconds: 0.5,
            problems: problems.iter().map(|problem| (*problem).to_owned()).collect(),
        }
    }

    #[test]
    fn the_table_is_aligned_and_counts() {
        let text = print(&[row("short", &[]), row("a-longer-name", &["it grew", "it shrank"])]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        let column = lines[0].find("verdict").unwrap();
        assert_eq!(&lines[1][column..], "contained");
        assert_eq!(&lines[2][column..], "it grew; it shrank");
        assert!(lines[1].contains("1.0 -> 10.0, 10.0 -> 10.0") && lines[1].contains("10+100") && lines[1].contains("7/8"), "{text}");
        assert_eq!(lines[3], "1 contained, 1 not");
    }
}
