//! The directory whose files are the plugins: `<id>.wasm` in it installs a plugin, and another one over it swaps.
//!
//! Whoever can write here decides what runs, so nobody else may: a directory or a file that others could change is refused, with the command that mends it.
//! It is looked into through cap-std, so that links and `..` lead nowhere outside. Each look opens it anew, which costs some microseconds: a directory that was
//! replaced is found, and one whose rights have become too wide is no longer read.
//!
//! [`Directory`] says what is there and reads it; [`Watch`] says what has changed, once it is whole. Both fail with a reason, and change nothing.

mod changes;
mod entry;
mod events;
mod read;
mod rights;
mod watch;

#[cfg(test)]
mod tests;

pub use changes::{Found, WatchSettings};
pub(crate) use entry::name_of;
pub use entry::{Entry, Refusal, Stamp};
pub use read::{Read, ReadError};
pub use rights::Flaw;
pub use watch::Watch;

use cap_std::fs::{Dir, Metadata, MetadataExt};
use entry::Rules;
use rights::Rights;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use thiserror::Error;

/// The directory. Cheap to clone: it is no more than its path and what it demands of files.
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
    rules: Rules,
}

/// Why the directory isn't read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// It isn't there.
    #[error("the plugins directory {path} isn't there: make it, or name another (setting `host.plugins`)")]
    Missing {
        /// Its path.
        path: PathBuf,
    },
    /// Something else is there.
    #[error("{path} is no directory: name one (setting `host.plugins`)")]
    NoDirectory {
        /// Its path.
        path: PathBuf,
    },
    /// The system doesn't let us.
    #[error(
        "the plugins directory {path} can't be read: {source}; the user of this process needs `chmod u+rx`, if it is a matter of rights"
    )]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others could change it.
    #[error("the plugins directory {path} isn't read: {flaw}")]
    Rights {
        /// Its path.
        path: PathBuf,
        /// Why.
        flaw: Flaw,
    },
}

/// What stood in the directory at one moment.
#[derive(Debug, Clone)]
pub struct Scan {
    /// By file name, what could be a plugin and what is refused. What programs leave beside files while they write them isn't listed: hidden files, `*.tmp`,
    /// `*.part`, editors' swap files.
    pub entries: BTreeMap<String, Entry>,
    /// When.
    pub at: SystemTime,
}

/// Which directory it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    device: u64,
    inode: u64,
}

impl Place {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

impl Directory {
    /// The directory of that path, for components of at most that many bytes (the engine's `component_size`).
    ///
    /// # Errors
    ///
    /// What is there has to be a directory that this process can read and nobody but its user and root can write to.
    pub fn open(path: &Path, most: usize) -> Result<Self, DirectoryError> {
        let path = std::path::absolute(path).map_err(|source| DirectoryError::Unreadable { path: path.to_owned(), source })?;
        let directory = Self::at(path, most);
        directory.enter()?;
        Ok(directory)
    }

    /// The same, whatever is there: each look says what is wrong with it.
    #[must_use]
    pub fn at(path: PathBuf, most: usize) -> Self {
        let rules = Rules { user: rustix::process::geteuid().as_raw(), most: u64::try_from(most).unwrap_or(u64::MAX) };
        Self { path, rules }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is there now. It blocks, for some microseconds for each file.
    ///
    /// # Errors
    ///
    /// As [`Self::open`]; it is checked each time.
    pub fn scan(&self) -> Result<Scan, DirectoryError> {
        self.scan_in(&self.enter()?)
    }

    fn scan_in(&self, dir: &Dir) -> Result<Scan, DirectoryError> {
        let at = SystemTime::now();
        let mut entries = BTreeMap::new();
        for entry in dir.entries().map_err(|error| self.unreadable(error))? {
            let path = entry.map_err(|error| self.unreadable(error))?.file_name();
            let name = path.to_string_lossy().into_owned();
            if entry::is_passing(&name) {
                continue;
            }
            if let Some(entry) = entry::look(dir, &name, &path, self.rules) {
                entries.insert(name, entry);
            }
        }
        Ok(Scan { entries, at })
    }

    /// Opens it, if nobody else could have changed what is in it.
    fn enter(&self) -> Result<Dir, DirectoryError> {
        let (dir, metadata) = self.opened()?;
        self.trust(&metadata)?;
        Ok(dir)
    }

    /// Opens it, whosoever it is: the one place where a path of the whole system is followed.
    fn opened(&self) -> Result<(Dir, Metadata), DirectoryError> {
        let dir = Dir::open_ambient_dir(&self.path, cap_std::ambient_authority()).map_err(|error| self.unreadable(error))?;
        let metadata = dir.dir_metadata().map_err(|error| self.unreadable(error))?;
        Ok((dir, metadata))
    }

    fn trust(&self, metadata: &Metadata) -> Result<(), DirectoryError> {
        Rights::of(metadata).check(self.rules.user).map_err(|flaw| DirectoryError::Rights { path: self.path.clone(), flaw })
    }

    const fn rules(&self) -> Rules {
        self.rules
    }

    fn unreadable(&self, source: io::Error) -> DirectoryError {
        let path = self.path.clone();
        match source.kind() {
            io::ErrorKind::NotFound => DirectoryError::Missing { path },
            io::ErrorKind::NotADirectory => DirectoryError::NoDirectory { path },
            _ => DirectoryError::Unreadable { path, source },
        }
    }
}
