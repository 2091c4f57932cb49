//! The state directory and its files: 0700 and 0600, whatever the umask was and whoever changed them.
//!
//! Checking costs one `stat` per file, about half a microsecond; a file that is as it should be isn't touched. A `chmod` that fails is logged and
//! nothing else: the write it follows is committed.

use crate::error::Problem;
use rustix::fs::{AtFlags, Mode, OFlags, Stat, chmodat, open, statat};
use rustix::io::Errno;
use std::fs::{DirBuilder, Metadata, OpenOptions};
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
        make_directory(directory).map_err(|error| failed("can't make the directory", directory, &error))?;
        let files = Self::at(directory)?;
        // Before there is anything in it.
        files.tighten_directory();
        // Only ever a new file: closing one that is open elsewhere in this process would drop SQLite's locks on it.
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&files.path) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("can't make the database in", directory, &error)),
        }
        Ok(files)
    }

    /// The files of a state that is there; changes nothing.
    pub(super) fn find(directory: &Path) -> Result<Self, Problem> {
        match found(directory)? {
            None => return Err(no_state(directory, "there is no such directory")),
            Some(there) if !there.is_dir() => return Err(no_state(directory, "that is no directory")),
            Some(_) => {}
        }
        match found(&directory.join(DATABASE_FILE))? {
            None => Err(no_state(directory, "the file isn't there")),
            Some(there) if !there.is_file() => Err(no_state(directory, "that is no file")),
            Some(_) => Self::at(directory),
        }
    }

    fn at(directory: &Path) -> Result<Self, Problem> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = open(directory, flags, Mode::empty()).map_err(|error| failed("can't open the directory", directory, &error))?;
        Ok(Self { directory: handle, path: directory.join(DATABASE_FILE) })
    }

    /// What stands in place of a state whose file isn't one of ours.
    pub(super) fn not_ours(&self) -> Problem {
        no_state(self.path.parent().unwrap_or(&self.path), "the file is empty, or another program's database")
    }

    /// The log holds what isn't in the database yet, or may do so.
    pub(super) fn has_log(&self) -> bool {
        !matches!(statat(&self.directory, WAL, AtFlags::empty()), Err(Errno::NOENT) | Ok(Stat { st_size: 0, .. }))
    }

    /// Tightens the directory's mode where it isn't tight.
    pub(super) fn tighten_directory(&self) {
        tighten(&self.directory, ".", Mode::RWXU);
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

/// Makes a directory, and those above it, that only its owner may enter.
pub(super) fn make_directory(directory: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

fn failed(what: &str, path: &Path, error: &dyn std::fmt::Display) -> Problem {
    Problem::Failed(format!("{what} {}: {error}", path.display()))
}

fn no_state(directory: &Path, lack: &str) -> Problem {
    Problem::Failed(format!("no state in {}: {lack} (expected a state directory, with the file `{DATABASE_FILE}`)", directory.display()))
}

fn found(path: &Path) -> Result<Option<Metadata>, Problem> {
    match std::fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(failed("can't look at", path, &error)),
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
