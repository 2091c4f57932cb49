//! The file on the disk: read with a stamp of what was read, and replaced only if that is still what is there.
//!
//! Replacing has two steps, so that others can come between: a new file is written beside the old one and flushed ([`ConfigFile::prepare`]), then
//! renamed over it ([`Prepared::commit`]). Dropped before that, it is gone. A hand edit is noticed up to the moment before the rename; of programs, one at a
//! time may edit. Readers see the old file or the new one, never half of one. A missing file is
//! an empty configuration, and made by the first edit, for its owner only. Of a symbolic link, what it names is edited.

use super::Config;
use super::edit::{self, Edit, EditError};
use super::error::{ConfigError, Report};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use thiserror::Error;

/// The largest file that is read. Written by hand, it has some thousand bytes.
const MOST: u64 = 4 << 20;

/// How many symbolic links are followed, as many as the system would.
const LINKS: usize = 40;

/// The step that makes a new file count.
const RENAME: &str = "rename the new file";

/// Identifies what a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(Option<blake3::Hash>);

/// A configuration file that was read.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What it holds; empty if it is missing.
    pub text: String,
    /// Identifies that.
    pub stamp: Stamp,
    /// What it says.
    pub config: Config,
}

/// A text with edits done, not yet written.
#[derive(Debug, Clone)]
pub struct Edited {
    /// The text.
    pub text: String,
    /// What it says.
    pub config: Config,
}

/// Why the file can't be read or replaced.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// It can't be read.
    #[error("can't read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error("can't read the configuration {}: {problem}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// What it holds is wrong.
    #[error(transparent)]
    Invalid(#[from] ConfigError),
    /// It was changed after it was read.
    #[error("the configuration {} was changed since it was read; nothing was written: read it again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// It can't be written.
    #[error("can't {step} for the configuration {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What failed.
        step: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl Stamp {
    /// Identifies what a file holds now, whatever it says.
    ///
    /// # Errors
    /// It can't be read. That it is missing is no error.
    pub fn of(path: &Path) -> Result<Self, FileError> {
        Ok(stamp_of(content(path)?.as_deref()))
    }
}

impl ConfigFile {
    /// Reads and decodes a file.
    ///
    /// # Errors
    /// It can't be read, or is wrong. That it is missing is no error.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let bytes = content(path)?;
        let stamp = stamp_of(bytes.as_deref());
        let text = String::from_utf8(bytes.unwrap_or_default()).map_err(|e| not_text(path, e.as_bytes(), e.utf8_error().valid_up_to()))?;
        let config = Config::parse(&text, path)?;
        Ok(Self { path: path.to_owned(), text, stamp, config })
    }

    /// Does edits in memory. Nothing but what they change is changed.
    ///
    /// # Errors
    /// The outcome would be refused.
    pub fn edit(&self, edits: &[Edit]) -> Result<Edited, EditError> {
        let (text, config) = edit::apply(&self.text, edits, &self.path)?;
        Ok(Edited { text, config })
    }

    /// Writes an edited text beside the file.
    ///
    /// # Errors
    /// The directory can't be written to, the disk is full, or the file's mode and owner can't be given to another.
    pub fn prepare(&self, edited: &Edited) -> Result<Prepared, FileError> {
        Prepared::new(&self.path, self.stamp, &edited.text)
    }
}

/// Replaces a file in one go: [`ConfigFile::prepare`] and [`Prepared::commit`].
///
/// # Errors
/// As theirs.
pub fn write_if_unchanged(path: &Path, stamp: Stamp, text: &str) -> Result<Stamp, FileError> {
    Prepared::new(path, stamp, text)?.commit()
}

/// A new file that is whole and on the disk, beside the one that it is to replace. Dropped, it is removed.
#[derive(Debug)]
pub struct Prepared {
    path: PathBuf,
    target: PathBuf,
    expected: Stamp,
    stamp: Stamp,
    file: NamedTempFile,
}

impl Prepared {
    fn new(path: &Path, expected: Stamp, text: &str) -> Result<Self, FileError> {
        let target = followed(path)?;
        let failed = |step| move |source| FileError::Write { path: path.to_owned(), step, source };
        let mut file = NamedTempFile::with_prefix_in(".plugbay.toml.", directory(&target)).map_err(failed("make a file beside it"))?;
        file.write_all(text.as_bytes()).map_err(failed("write the new file"))?;
        match fs::metadata(&target) {
            Ok(old) => keep_rights(file.as_file(), &old).map_err(failed("keep mode and owner"))?,
            // A temporary file is its owner's only.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed("look at the old file")(error)),
        }
        file.as_file().sync_all().map_err(failed("flush the new file"))?;
        Ok(Self { path: path.to_owned(), target, expected, stamp: stamp_of(Some(text.as_bytes())), file })
    }

    /// Puts the new file in the old one's place, unless that was changed meanwhile; says what identifies it.
    ///
    /// # Errors
    /// It was changed, or can't be replaced; then it is as it was.
    pub fn commit(self) -> Result<Stamp, FileError> {
        let Self { path, target, expected, stamp, file } = self;
        let changed = || FileError::Changed { path: path.clone() };
        if followed(&path)? != target || Stamp::of(&path)? != expected {
            return Err(changed());
        }
        let named = &path;
        let failed = |step| move |source| FileError::Write { path: named.clone(), step, source };
        if expected == Stamp(None) {
            // Even one that appears right now isn't overwritten.
            let taken = |e: &io::Error| e.kind() == ErrorKind::AlreadyExists;
            file.persist_noclobber(&target).map_err(|e| if taken(&e.error) { changed() } else { failed(RENAME)(e.error) })?;
        } else {
            file.persist(&target).map_err(|e| failed(RENAME)(e.error))?;
        }
        File::open(directory(&target)).and_then(|d| d.sync_all()).map_err(failed("flush the directory"))?;
        Ok(stamp)
    }
}

/// Gives a new file the mode and the owner of an old one.
fn keep_rights(new: &File, old: &fs::Metadata) -> io::Result<()> {
    let own = new.metadata()?;
    if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
        fchown(new, Some(old.uid()), Some(old.gid()))?;
    }
    new.set_permissions(old.permissions())
}

/// What a file holds; nothing, if it is missing.
fn content(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let unfit = |problem| FileError::Unfit { path: path.to_owned(), problem };
    // Looked at before it is opened: opening a pipe would wait for a writer.
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => return Err(unfit("expected a file".to_owned())),
        Ok(found) if found.len() > MOST => return Err(unfit(format!("it has {} bytes, and may have {MOST}", found.len()))),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes)) {
        Ok(_) if bytes.len() as u64 > MOST => Err(unfit(format!("it has more than {MOST} bytes"))),
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn stamp_of(bytes: Option<&[u8]>) -> Stamp {
    Stamp(bytes.map(blake3::hash))
}

/// The file that a path names in the end, whether it exists or not.
fn followed(path: &Path) -> Result<PathBuf, FileError> {
    let mut here = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&here) {
            Ok(named) => here = directory(&here).join(named),
            // No link, or nothing at all.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => return Ok(here),
            Err(source) => return Err(FileError::Read { path: path.to_owned(), source }),
        }
    }
    Err(FileError::Unfit { path: path.to_owned(), problem: format!("more than {LINKS} symbolic links") })
}

fn directory(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Bytes that are no text, with the place of the first.
fn not_text(path: &Path, bytes: &[u8], valid: usize) -> FileError {
    let text = String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default());
    let mut report = Report::new(&text);
    report.add(&(valid..valid), "expected UTF-8 text", None);
    match report.finish(path) {
        Err(invalid) => invalid.into(),
        Ok(()) => FileError::Unfit { path: path.to_owned(), problem: "it is no UTF-8 text".to_owned() },
    }
}
