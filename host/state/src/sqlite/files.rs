//! The state directory and its files: 0700 and 0600, whatever the umask was and whoever changed them.
//!
//! Checking costs one `stat` per file, about half a microsecond; a file that is as it should be isn't touched. A `chmod` that fails is logged and
//! nothing else: the write it follows is committed.

use crate::error::Problem;
use rustix::fs::{AtFlags, Mode, OFlags, chmodat, open, statat};
use rustix::io::Errno;
use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The database's name in the state directory.
pub const DATABASE_FILE: &str = "state.db";
const WAL: &str = "state.db-wal";
const SHM: &str = "state.db-shm";

#[derive(Debug)]
pub(super) struct Files {
    directory: OwnedFd,
    path: PathBuf,
}

impl Files {
    /// Makes the directory, and an empty database file if there is none, so that neither is ever open to others.
    pub(super) fn prepare(directory: &Path) -> Result<Self, Problem> {
        let failed = |what: &str, error: &dyn std::fmt::Display| Problem::Failed(format!("{what} {}: {error}", directory.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| failed("can't make the directory", &error))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = open(directory, flags, Mode::empty()).map_err(|error| failed("can't open the directory", &error))?;
        tighten(&handle, ".", Mode::RWXU);
        let path = directory.join(DATABASE_FILE);
        // Only ever a new file: closing one that is open elsewhere in this process would drop SQLite's locks on it.
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("can't make the database in", &error)),
        }
        Ok(Self { directory: handle, path })
    }

    /// Where the database is.
    pub(super) fn database(&self) -> &Path {
        &self.path
    }

    /// Tightens the files' modes where they aren't tight.
    pub(super) fn tighten(&self) {
        let owner_only = Mode::RUSR | Mode::WUSR;
        tighten(&self.directory, DATABASE_FILE, owner_only);
        tighten(&self.directory, SHM, owner_only);
        tighten(&self.directory, WAL, owner_only);
    }
}

fn tighten(directory: &OwnedFd, name: &str, mode: Mode) {
    let tightened = match statat(directory, name, AtFlags::empty()) {
        Ok(stat) if Mode::from_raw_mode(stat.st_mode) == mode => Ok(()),
        Ok(_) => chmodat(directory, name, mode, AtFlags::empty()),
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = tightened {
        tracing::warn!(file = name, %error, "a state file's mode can't be tightened");
    }
}
