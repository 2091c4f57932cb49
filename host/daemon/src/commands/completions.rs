//! `plugbay completions`: a script for a shell, made from the commands themselves.

use super::End;
use crate::output;
use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Prints a shell's completions.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run<C: CommandFactory>(self) -> Result<End> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut C::command(), "plugbay", &mut script);
        output::print(&String::from_utf8(script).context("the script is no text")?)?;
        Ok(End::Done)
    }
}
