//! The state directory on the command line: of a state that is there, opened to be looked at or to be worked on.
//!
//! A mistyped path makes nothing. Fails with what is missing, and what was expected.

use anyhow::{Context, Result};
use clap::Args;
use plugbay_state::{Sqlite, SqliteSettings, StateError};
use std::path::{Path, PathBuf};

/// Where the state is.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The state directory: the one with the file `state.db`.
    #[arg(long = "state", value_name = "DIR")]
    directory: PathBuf,
}

impl Place {
    /// The directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// How to open the state.
    pub(crate) fn settings(&self) -> SqliteSettings {
        SqliteSettings::new(&self.directory)
    }

    /// Opens the state for reading.
    pub(crate) fn look(&self) -> Result<Sqlite> {
        self.opened(Sqlite::open_read_only(self.settings()))
    }

    /// Opens the state for reading and writing.
    pub(crate) fn open(&self) -> Result<Sqlite> {
        self.opened(Sqlite::open_existing(self.settings()))
    }

    fn opened(&self, state: Result<Sqlite, StateError>) -> Result<Sqlite> {
        state.with_context(|| format!("can't open the state in {}", self.directory.display()))
    }
}
