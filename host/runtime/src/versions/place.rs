//! Named bytes, in a folder or in memory: where they are whole or not at all.
//!
//! In a folder each write costs two syncs, one of the file and one of the folder, and leaves nothing behind if it fails.

use super::VersionError;
use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How files end that are being written.
pub(super) const UNFINISHED: &str = ".tmp";

pub(super) enum Place {
    Folder(PathBuf),
    Memory(Mutex<HashMap<String, Vec<u8>>>),
}

impl Place {
    pub(super) fn folder(folder: &Path) -> Result<Self, VersionError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|problem| failed("make the folder", folder, problem))?;
        let owned = fs::set_permissions(folder, Permissions::from_mode(0o700));
        owned.map_err(|problem| failed("close to others the folder", folder, problem))?;
        Ok(Self::Folder(folder.to_owned()))
    }

    pub(super) fn memory() -> Self {
        Self::Memory(Mutex::default())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(name),
            Self::Memory(_) => PathBuf::from(name),
        }
    }

    pub(super) fn get(&self, name: &str) -> Result<Option<Vec<u8>>, VersionError> {
        let path = self.path(name);
        match self {
            Self::Folder(_) => if_there(fs::read(&path)).map_err(|problem| failed("read", &path, problem)),
            Self::Memory(files) => Ok(lock(files).get(name).cloned()),
        }
    }

    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), VersionError> {
        let path = self.path(name);
        match self {
            Self::Folder(folder) => write(folder, &path, bytes).map_err(|problem| failed("write", &path, problem)),
            Self::Memory(files) => {
                lock(files).insert(name.to_owned(), bytes.to_owned());
                Ok(())
            }
        }
    }

    /// Removes it, if it is there.
    pub(super) fn remove(&self, name: &str) -> Result<(), VersionError> {
        let path = self.path(name);
        match self {
            Self::Folder(_) => if_there(fs::remove_file(&path)).map(drop).map_err(|problem| failed("delete", &path, problem)),
            Self::Memory(files) => {
                lock(files).remove(name);
                Ok(())
            }
        }
    }

    /// The names of all that is there. One that isn't text is none of ours.
    pub(super) fn names(&self) -> Result<Vec<String>, VersionError> {
        match self {
            Self::Folder(folder) => names(folder).map_err(|problem| failed("list", folder, problem)),
            Self::Memory(files) => Ok(lock(files).keys().cloned().collect()),
        }
    }
}

fn write(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new().suffix(UNFINISHED).permissions(Permissions::from_mode(0o600)).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all() // a name, too, is only there for good once it is on the disk
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    Ok(entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

pub(super) fn failed(what: &'static str, path: &Path, problem: io::Error) -> VersionError {
    let path = path.to_owned();
    match problem.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => VersionError::DiskFull { path, problem },
        ErrorKind::ReadOnlyFilesystem => VersionError::ReadOnly { path, problem },
        _ => VersionError::Failed { what, path, problem },
    }
}

/// A lock whose poison doesn't matter: every critical section here leaves whole values.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
