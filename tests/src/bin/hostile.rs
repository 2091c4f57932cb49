//! `cargo xtask hostile`: runs every hostile component against a live host and prints what stopped it.
//!
//! Takes about five minutes in the development profile. Ends with 1 if a row isn't contained, with 2 on wrong usage.

use anyhow::{Context, Result};
use plugbay_tests::hostile::{Options, Row, print, run};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask hostile [--json FILE] [--only NAME,...] [--rounds N] [--warm-up N]";

fn main() -> ExitCode {
    if let Some(done) = plugbay_engine::serve_compile_child() {
        return done;
    }
    let Some((options, json)) = arguments(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match table(&options, json) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("hostile: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut words: impl Iterator<Item = String>) -> Option<(Options, Option<PathBuf>)> {
    let (mut options, mut json) = (Options::default(), None);
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--json" => json = Some(PathBuf::from(value)),
            "--only" => options.only.extend(value.split(',').map(str::to_owned)),
            "--rounds" => options.rounds = value.parse().ok()?,
            "--warm-up" => options.warm_up = value.parse().ok()?,
            _ => return None,
        }
    }
    Some((options, json))
}

/// Runs and prints; whether all was contained.
fn table(options: &Options, json: Option<PathBuf>) -> Result<bool> {
    let compiler = std::env::current_exe().context("the path of this program")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(plugbay_engine::Engine::prepare_thread)
        .build()?;
    let said = |row: &Row| eprintln!("{:6.1} s  {}: {}", row.seconds, row.name, row.verdict());
    let rows = runtime.block_on(run(&compiler, options, said))?;
    std::io::stdout().write_all(print(&rows).as_bytes())?;
    if let Some(file) = json {
        let text = serde_json::to_string_pretty(&rows)?;
        std::fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(rows.iter().all(Row::contained))
}
