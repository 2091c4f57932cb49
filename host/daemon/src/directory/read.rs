//! Reads a plugin's file whole, or says that it is being written.
//!
//! Costs one pass over the file, one byte more than a component may have at most; it blocks, so it belongs on a thread that may. What counts is what the open
//! descriptor says: its kind, its rights, and a stamp that is the same before and after. A pipe that takes the file's place can't make it wait.

use super::entry::{self, Refusal, Rules, Stamp};
use super::{Directory, DirectoryError};
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};
use plugbay_runtime::PluginId;
use rustix::fs::OFlags;
use std::io::{self, Read as _};
use thiserror::Error;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// All of it.
    pub bytes: Vec<u8>,
    /// What it was, before and after.
    pub stamp: Stamp,
}

/// Why a file wasn't read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The directory isn't what it must be.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// There is no such file.
    #[error("{file} isn't there")]
    Gone {
        /// Its name.
        file: String,
    },
    /// It was written while it was read. Once it is left alone, it is found again.
    #[error("{file} changed while it was read; it is read again once nobody writes to it")]
    Changed {
        /// Its name.
        file: String,
    },
    /// It is no plugin.
    #[error("{file} is refused: {why}")]
    Refused {
        /// Its name.
        file: String,
        /// Why.
        why: Refusal,
    },
    /// The system doesn't let us.
    #[error("{file} can't be read: {source}; `chmod u+r` it if it is a matter of rights")]
    Unreadable {
        /// Its name.
        file: String,
        /// Why.
        source: io::Error,
    },
}

impl Directory {
    /// The file of that plugin. It blocks.
    ///
    /// # Errors
    ///
    /// Nothing is read from a directory or a file that others could change, nor from what is no regular file, is too large, or changes meanwhile.
    pub fn read(&self, id: &PluginId) -> Result<Read, ReadError> {
        let dir = self.enter()?;
        let file = entry::name_of(id);
        let rules = self.rules();
        let failed = |error| failed(&file, error);
        // To open a device does something, so it isn't tried.
        rules.check(&dir.metadata(&file).map_err(failed)?).map_err(|why| refused(&file, why))?;
        let open = open(&dir, &file).map_err(failed)?;
        let before = stamp(&open, &file, rules)?;
        whole(&open, &file, before, rules)
    }
}

/// Opens a file without waiting for it, should it be a pipe by now.
fn open(dir: &Dir, file: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    dir.open_with(file, &options)
}

/// All of an open file, if it is still what it was before.
fn whole(open: &File, file: &str, before: Stamp, rules: Rules) -> Result<Read, ReadError> {
    let mut bytes = Vec::with_capacity(usize::try_from(before.size).unwrap_or_default());
    open.take(rules.most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| failed(file, error))?;
    let same = stamp(open, file, rules)? == before && bytes.len() as u64 == before.size;
    if same { Ok(Read { bytes, stamp: before }) } else { Err(ReadError::Changed { file: file.to_owned() }) }
}

fn stamp(open: &File, file: &str, rules: Rules) -> Result<Stamp, ReadError> {
    let metadata = open.metadata().map_err(|error| failed(file, error))?;
    rules.check(&metadata).map_err(|why| refused(file, why))
}

fn refused(file: &str, why: Refusal) -> ReadError {
    ReadError::Refused { file: file.to_owned(), why }
}

fn failed(file: &str, source: io::Error) -> ReadError {
    let file = file.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => ReadError::Gone { file },
        _ if entry::is_escape(&source) => refused(&file, Refusal::LinkOutside),
        _ => ReadError::Unreadable { file, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const RULES: Rules = Rules { user: u32::MAX, most: 10 };

    /// The outcome of a read with this happening between its two looks at the file.
    fn read_while(happens: impl FnOnce(&std::path::Path)) -> Result<Read, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wasm");
        fs::write(&path, "12345").unwrap();
        let dir = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
        let open = dir.open("a.wasm").unwrap();
        let rules = Rules { user: rustix::process::geteuid().as_raw(), ..RULES };
        let before = stamp(&open, "a.wasm", rules).unwrap();
        happens(&path);
        whole(&open, "a.wasm", before, rules)
    }

    #[test]
    fn a_file_left_alone_is_read_whole() {
        assert_eq!(read_while(|_| {}).unwrap().bytes, b"12345");
    }

    #[test]
    fn a_file_written_meanwhile_has_changed() {
        let writes: [fn(&std::path::Path); 4] = [
            |path| fs::write(path, "1234567").unwrap(),
            |path| fs::write(path, "123").unwrap(),
            |path| fs::write(path, "54321").unwrap(),
            |path| fs::remove_file(path).unwrap(),
        ];
        for (n, write) in writes.into_iter().enumerate() {
            let read = read_while(|path| {
                std::thread::sleep(std::time::Duration::from_millis(10)); // longer than a tick of the file system's clock
                write(path);
            });
            assert!(matches!(read, Err(ReadError::Changed { .. })), "{n}: {read:?}");
        }
    }

    #[test]
    fn a_pipe_in_its_place_makes_nobody_wait() {
        let folder = tempfile::tempdir().unwrap();
        assert!(std::process::Command::new("mkfifo").arg(folder.path().join("a.wasm")).status().unwrap().success());
        let dir = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
        let open = open(&dir, "a.wasm").unwrap();
        let read = stamp(&open, "a.wasm", RULES);
        assert!(matches!(read, Err(ReadError::Refused { why: Refusal::Kind("pipe"), .. })), "{read:?}");
    }

    #[test]
    fn a_file_that_outgrows_the_limit_meanwhile_is_too_large() {
        let read = read_while(|path| fs::write(path, "12345678901").unwrap());
        assert!(matches!(read, Err(ReadError::Refused { why: Refusal::TooLarge { size: 11, most: 10 }, .. })), "{read:?}");
    }
}
