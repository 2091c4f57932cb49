//! `plugbay state probe`: every step that storing takes, tried once.
//!
//! Costs one commit for the row and one for its deletion; waits up to 5 s for another process's lock. A failed step is part of the report, and the
//! command's failure.

use super::place::Place;
use crate::output::{self, Side, Table};
use anyhow::{Result, bail};
use clap::Args;
use plugbay_state::{Probe, Sqlite, Step};
use serde::Serialize;

/// Tries the state out.
#[derive(Debug, Args)]
pub(crate) struct Try {
    #[command(flatten)]
    place: Place,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    steps: Vec<Taken<'a>>,
}

#[derive(Serialize)]
struct Taken<'a> {
    step: &'a str,
    ok: bool,
    code: Option<&'static str>,
    message: Option<&'a str>,
}

impl Try {
    pub(crate) async fn run(self) -> Result<()> {
        let probe = Sqlite::probe_at(self.place.settings()).await;
        let report = Report { ok: probe.is_ok(), steps: probe.steps.iter().map(taken).collect() };
        let printed = if self.json { output::print_json(&report) } else { output::print(&text(&report)) };
        // The verdict stands whether or not anybody reads the report.
        output::unless_nobody_reads(printed)?;
        verdict(&probe)
    }
}

fn verdict(probe: &Probe) -> Result<()> {
    match probe.steps.iter().find(|step| step.outcome.is_err()) {
        Some(step) => bail!("the probe failed at the step `{}`", step.name),
        None => Ok(()),
    }
}

fn taken(step: &Step) -> Taken<'_> {
    let error = step.outcome.as_ref().err();
    let (code, message) = (error.map(|error| error.code.as_str()), error.map(|error| error.message.as_str()));
    Taken { step: step.name, ok: error.is_none(), code, message }
}

fn text(report: &Report<'_>) -> String {
    let mut table = Table::new(["STEP", "RESULT", "CODE", "MESSAGE"].map(|name| (name, Side::Left)));
    for step in &report.steps {
        let result = if step.ok { "ok" } else { "failed" };
        table.push([step.step, result, step.code.unwrap_or("-"), step.message.unwrap_or("-")].map(str::to_owned));
    }
    table.render()
}
