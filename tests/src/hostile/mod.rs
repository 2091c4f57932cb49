//! Hostile components against a live host: each runs into a limit or a check, and nothing else may come of it.
//!
//! [`run`] takes each row of the table through its rounds while a good plugin is called beside it, looks at the error, at the log, at the host's memory and at what is
//! left, and says for each row whether it was contained. The whole table takes a few minutes; [`run_once`], one round a row, takes
//! under a minute. A row that isn't contained is a result; what fails here as an error is the machine.

mod bystander;
mod case;
mod cases;
mod process;
mod row;
mod runner;
mod stopper;

pub use bystander::Watch;
pub use process::Resident;
pub use row::{Row, print};
pub use stopper::Stopper;

use anyhow::{Result, ensure};
use case::Case;
use runner::Grounds;
use std::path::Path;

/// What is run, and how often.
#[derive(Debug, Clone)]
pub struct Options {
    /// Only the rows of these names; all, if there are none.
    pub only: Vec<String>,
    /// Rounds before memory is looked at.
    pub warm_up: u32,
    /// Rounds between the two looks at memory.
    pub rounds: u32,
    /// Whether memory is looked at.
    pub memory: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { only: Vec::new(), warm_up: 10, rounds: 100, memory: true }
    }
}

/// Runs the table, with a compile child of this program; says each row to `watcher` as it is done.
///
/// # Errors
/// If a name isn't in the table, or the machine has no room for a host.
pub async fn run(compiler: &Path, options: &Options, watcher: impl Fn(&Row)) -> Result<Vec<Row>> {
    let cases = chosen(&options.only)?;
    let grounds = Grounds::new(compiler).await?;
    let mut rows = Vec::new();
    for case in cases {
        let row = runner::row(&grounds, case, options).await?;
        watcher(&row);
        rows.push(row);
    }
    Ok(rows)
}

/// Runs each row once, without looking at memory: for tests.
///
/// # Errors
/// As for [`run`].
pub async fn run_once(compiler: &Path) -> Result<Vec<Row>> {
    run(compiler, &Options { warm_up: 0, rounds: 1, memory: false, ..Options::default() }, |_| {}).await
}

fn chosen(only: &[String]) -> Result<Vec<Case>> {
    let mut cases = cases::all();
    for name in only {
        ensure!(cases.iter().any(|case| case.name == *name), "there is no row {name}");
    }
    cases.retain(|case| only.is_empty() || only.contains(&case.name));
    Ok(cases)
}
