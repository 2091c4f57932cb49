//! The state directory on the command line: looked at before it is opened, so that a mistyped path makes nothing.
//!
//! Costs a `stat` or two and the first bytes of the file. Fails with what is missing, and what was expected.

use anyhow::{Context, Result, bail};
use clap::Args;
use plugbay_state::{DATABASE_FILE, Sqlite, SqliteSettings};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// What every SQLite file begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Where such a file has the version of its schema, 0 if none was ever made.
const VERSION: std::ops::Range<usize> = 60..64;

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

    /// How to open the state; an error if there is none.
    pub(crate) fn settings(&self) -> Result<SqliteSettings> {
        let shown = self.directory.display();
        match lack(&self.directory).with_context(|| format!("can't look for a state in {shown}"))? {
            Some(lack) => bail!("no state in {shown}: {lack} (expected a state directory, with the file `{DATABASE_FILE}`)"),
            None => Ok(SqliteSettings::new(&self.directory)),
        }
    }

    /// Opens the state that is there.
    pub(crate) fn open(&self) -> Result<Sqlite> {
        Sqlite::open(self.settings()?).with_context(|| format!("can't open the state in {}", self.directory.display()))
    }
}

/// What there would have to be for a state to be there.
fn lack(directory: &Path) -> Result<Option<&'static str>> {
    let Some(found) = found(directory)? else { return Ok(Some("there is no such directory")) };
    if !found.is_dir() {
        return Ok(Some("that is no directory"));
    }
    let database = directory.join(DATABASE_FILE);
    let Some(found) = self::found(&database)? else { return Ok(Some("the file isn't there")) };
    if !found.is_file() {
        return Ok(Some("that is no file"));
    }
    // What was written last may stand in the log only.
    let logged = self::found(&directory.join(format!("{DATABASE_FILE}-wal")))?.is_some_and(|log| log.len() > 0);
    Ok((!logged && is_blank(&database)?).then_some("the file is empty, or another program's database"))
}

fn found(path: &Path) -> Result<Option<fs::Metadata>> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Nothing at all, or a database without a schema's version: opening would make a state of it. What is no database is for the state to refuse.
fn is_blank(database: &Path) -> Result<bool> {
    let mut head = Vec::new();
    let read = File::open(database).and_then(|file| file.take(VERSION.end as u64).read_to_end(&mut head));
    read.with_context(|| database.display().to_string())?;
    let unversioned = head.get(VERSION).is_some_and(|version| version == [0; 4]);
    Ok(head.is_empty() || (head.starts_with(MAGIC) && unversioned))
}
