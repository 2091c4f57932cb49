//! `plugbay state`: one command to a module, all on a state that is there already.
//!
//! Opening costs some milliseconds and waits for nobody who writes. None of the commands makes a state or brings one up to date. Those that only look
//! open it for reading, and work where nothing can be written.

mod export;
mod place;
mod probe;
mod show;
mod sweep;

use anyhow::Result;
use clap::Subcommand;

/// What to do with a state.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Rows, bytes, expired rows and limits per plugin and namespace.
    Show(show::Show),
    /// Try the state out: open it, write a row, read it, delete it.
    Probe(probe::Try),
    /// The live rows as JSON lines; their values only with --values.
    Export(export::Export),
    /// Delete the rows that have expired.
    Sweep(sweep::Sweep),
}

impl Command {
    /// Does it.
    pub(crate) async fn run(self) -> Result<()> {
        match self {
            Self::Show(show) => show.run().await,
            Self::Probe(probe) => probe.run().await,
            Self::Export(export) => export.run().await,
            Self::Sweep(sweep) => sweep.run().await,
        }
    }
}

/// A plugin's id as an operator writes it.
fn plugin(id: &str) -> Result<plugbay_state::Owner, &'static str> {
    plugbay_state::Owner::new(id).map_err(|_| "expected a plugin's id: 1 to 128 letters, digits, hyphens, dots and underscores")
}

/// These rows are a plugin's. A probe that was killed leaves a row of the program's own, for a minute.
fn is_plugins(owner: &plugbay_state::Owner) -> bool {
    !owner.as_str().starts_with('$')
}
