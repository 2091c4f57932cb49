//! `plugbay`: the program for operators.
//!
//! Reads its arguments, does one command and ends: 0 done, 1 refused or failed, 2 wrong usage. A failure is one line on standard error, from what was
//! tried to what went wrong; a reader of standard output that has enough is no failure. It starts in a few milliseconds, and takes no thread but
//! those of the state that it opens.

mod output;
mod state;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

/// Runs plugins for AI-agent gateways: the operators' program.
#[derive(Debug, Parser)]
#[command(name = "plugbay", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What plugins have stored, and whether storing works.
    #[command(arg_required_else_help = true)]
    State {
        #[command(subcommand)]
        command: state::Command,
    },
}

fn main() -> ExitCode {
    // Wrong usage ends in here, with 2.
    let arguments = Arguments::parse();
    match output::unless_nobody_reads(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If standard error is gone too, the exit code says it.
            let _ = writeln!(std::io::stderr(), "plugbay: {}", output::one_line(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn run(Arguments { command }: Arguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().context("can't start")?;
    match command {
        Command::State { command } => runtime.block_on(command.run()),
    }
}
