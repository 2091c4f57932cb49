//! A log file that is rotated by size: `<id>.log`, and older `<id>.log.1`, `.2`, ….
//!
//! Written here and not taken from a crate, since those that there are panic or go silent when a file can't be opened, and leave a half-written line
//! before the next one. A line costs a `stat` and a `write`, and is in the kernel's hands when that returns: it outlives the process, not the machine. A
//! line is never split over files. After any failure the file is closed, and the next line tries from the start; what a full disk or a kill left of a
//! line is ended before the next one. Links and anything but a plain file are refused, files are 0600.

use super::LogLine;
use rustix::fs::OFlags;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::num::{NonZeroU64, NonZeroUsize};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Bytes at the end of a file that are read back.
const TAIL: u64 = 64 << 10;

/// A log file and those that it was before.
#[derive(Debug)]
pub(super) struct RollingFile {
    path: PathBuf,
    max_bytes: NonZeroU64,
    /// The one that is written included.
    max_files: NonZeroUsize,
    file: Option<File>,
}

impl RollingFile {
    pub(super) fn new(path: PathBuf, max_bytes: NonZeroU64, max_files: NonZeroUsize) -> Self {
        Self { path, max_bytes, max_files, file: None }
    }

    /// The file that is written.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it takes a file descriptor.
    pub(super) fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Gives the file descriptor back, until the next line.
    pub(super) fn close(&mut self) {
        self.file = None;
    }

    /// Appends a line, which has its line feed.
    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let (mut file, length) = self.opened()?;
        if length > 0 && length + line.len() as u64 > self.max_bytes.get() {
            drop(file);
            self.rotate()?;
            (file, _) = self.opened()?;
        }
        file.write_all(line)?;
        self.file = Some(file);
        Ok(())
    }

    /// Deletes all files.
    pub(super) fn delete(&mut self) -> io::Result<()> {
        self.close();
        remove(&self.path)?;
        // A kill between two renames leaves a gap.
        (1..self.max_files.get()).try_for_each(|n| remove(&numbered(&self.path, n)))?;
        self.remove_from(self.max_files.get())
    }

    /// The file at hand if it is still what has the name, else what has the name now; and its length. The caller gives it back.
    fn opened(&mut self) -> io::Result<(File, u64)> {
        if let Some(file) = self.file.take() {
            let found = file.metadata()?;
            // Somebody may have deleted it.
            if found.nlink() > 0 {
                return Ok((file, found.len()));
            }
        }
        let mut file = open(&self.path)?;
        end_torn_line(&mut file)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    }

    /// Makes way for a new file.
    fn rotate(&self) -> io::Result<()> {
        let kept = self.max_files.get() - 1;
        self.remove_from(kept.max(1))?;
        if kept == 0 {
            return remove(&self.path);
        }
        for n in (1..kept).rev() {
            unless_absent(std::fs::rename(numbered(&self.path, n), numbered(&self.path, n + 1)))?;
        }
        std::fs::rename(&self.path, numbered(&self.path, 1))
    }

    /// Deletes the files from this number on: there may be more than one, if fewer are to be kept than once were.
    fn remove_from(&self, first: usize) -> io::Result<()> {
        for n in first.. {
            match std::fs::remove_file(numbered(&self.path, n)) {
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                outcome => outcome?,
            }
        }
        Ok(())
    }
}

/// The last lines that files hold, as many as stand in their last 64 KiB, oldest first. What isn't a line of ours is left out.
pub(super) fn last_lines(path: &Path) -> io::Result<Vec<LogLine>> {
    // Between a rotation and the next line there is only the older one.
    for path in [path.to_owned(), numbered(path, 1)] {
        let lines = match open_to_read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            file => lines_at_end(&file?)?,
        };
        if !lines.is_empty() {
            return Ok(lines);
        }
    }
    Ok(Vec::new())
}

fn lines_at_end(file: &File) -> io::Result<Vec<LogLine>> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TAIL);
    let mut bytes = vec![0; usize::try_from(length - start).unwrap_or(0)];
    file.read_exact_at(&mut bytes, start)?;
    Ok(bytes.split(|&b| b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

fn open(path: &Path) -> io::Result<File> {
    let file = plain(OpenOptions::new().read(true).append(true).create(true).mode(0o600), path)?;
    if file.metadata()?.mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

fn open_to_read(path: &Path) -> io::Result<File> {
    plain(OpenOptions::new().read(true), path)
}

/// Opens a plain file and nothing else, and never waits for it.
fn plain(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::new(ErrorKind::InvalidInput, "it isn't a plain file")) }
}

fn end_torn_line(file: &mut File) -> io::Result<()> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(()) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    if byte == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

fn numbered(path: &Path, n: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    name.into()
}

fn remove(path: &Path) -> io::Result<()> {
    unless_absent(std::fs::remove_file(path))
}

fn unless_absent(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn rolling(folder: &TempDir, bytes: u64, files: usize) -> RollingFile {
        RollingFile::new(folder.path().join("a.log"), NonZeroU64::new(bytes).unwrap(), NonZeroUsize::new(files).unwrap())
    }

    fn write(file: &mut RollingFile, numbers: std::ops::RangeInclusive<u32>) {
        numbers.for_each(|n| file.write(format!("line {n:04}\n").as_bytes()).unwrap());
    }

    fn files(folder: &TempDir) -> Vec<(String, String)> {
        let entries = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap());
        let mut files: Vec<_> =
            entries.map(|e| (e.file_name().into_string().unwrap(), std::fs::read_to_string(e.path()).unwrap())).collect();
        files.sort();
        files
    }

    fn holds(name: &str, numbers: &[u32]) -> (String, String) {
        (name.into(), numbers.iter().map(|n| format!("line {n:04}\n")).collect())
    }

    #[test]
    fn full_files_move_up_and_the_oldest_go() {
        let folder = TempDir::new().unwrap();
        let mut file = rolling(&folder, 39, 4);
        write(&mut file, 1..=14);
        let older = [holds("a.log.1", &[10, 11, 12]), holds("a.log.2", &[7, 8, 9]), holds("a.log.3", &[4, 5, 6])];
        assert_eq!(files(&folder), [[holds("a.log", &[13, 14])].as_slice(), &older].concat());
        // Another life, with fewer files to keep, goes on in the file that there is.
        let mut file = rolling(&folder, 39, 2);
        write(&mut file, 15..=16);
        assert_eq!(files(&folder), [holds("a.log", &[16]), holds("a.log.1", &[13, 14, 15])]);
        let mut file = rolling(&folder, 20, 1);
        write(&mut file, 17..=18);
        assert_eq!(files(&folder), [holds("a.log", &[18])]);
    }

    #[test]
    fn a_line_that_is_too_long_for_a_file_has_one_of_its_own() {
        let folder = TempDir::new().unwrap();
        let mut file = rolling(&folder, 12, 3);
        let long = "x".repeat(100);
        file.write(long.as_bytes()).unwrap();
        file.close();
        file.write(b"short\n").unwrap();
        assert_eq!(files(&folder), [("a.log".into(), "short\n".into()), ("a.log.1".into(), format!("{long}\n"))]);
    }

    #[test]
    fn a_full_disk_fails_a_line_and_the_next_tries_anew() {
        let folder = TempDir::new().unwrap();
        let mut file = rolling(&folder, 1_000, 3);
        file.file = Some(OpenOptions::new().write(true).open("/dev/full").unwrap());
        assert_eq!(file.write(b"lost\n").unwrap_err().kind(), ErrorKind::StorageFull);
        // What the disk took of it.
        std::fs::write(file.path(), "lo").unwrap();
        write(&mut file, 1..=1);
        assert_eq!(files(&folder), [("a.log".into(), "lo\nline 0001\n".into())]);
    }

    #[test]
    fn a_file_that_somebody_deleted_is_made_anew() {
        let folder = TempDir::new().unwrap();
        let mut file = rolling(&folder, 1_000, 3);
        write(&mut file, 1..=2);
        std::fs::remove_file(file.path()).unwrap();
        write(&mut file, 3..=3);
        assert_eq!(files(&folder), [holds("a.log", &[3])]);
    }

    #[test]
    fn links_and_pipes_are_refused_at_once() {
        let folder = TempDir::new().unwrap();
        let mut file = rolling(&folder, 1_000, 3);
        let elsewhere = folder.path().join("elsewhere");
        std::fs::write(&elsewhere, "").unwrap();
        std::os::unix::fs::symlink(&elsewhere, file.path()).unwrap();
        file.write(b"line\n").unwrap_err();
        last_lines(file.path()).unwrap_err();
        assert_eq!(std::fs::read(&elsewhere).unwrap(), b"");
        std::fs::remove_file(file.path()).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, file.path(), rustix::fs::Mode::RWXU).unwrap();
        assert_eq!(file.write(b"line\n").unwrap_err().to_string(), "it isn't a plain file");
        last_lines(file.path()).unwrap_err();
    }

    #[test]
    fn the_last_lines_are_those_of_the_last_bytes_and_right_after_a_rotation_of_the_older_file() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.log");
        let line = |n: u64| format!("{{\"seq\":{n},\"at\":0,\"level\":\"info\",\"text\":\"{}\"}}\n", "x".repeat(1_000));
        std::fs::write(numbered(&path, 1), (1..=200).map(line).collect::<String>()).unwrap();
        let seen: Vec<u64> = last_lines(&path).unwrap().iter().map(|line| line.seq).collect();
        assert_eq!(seen, (201 - TAIL / line(200).len() as u64..=200).collect::<Vec<_>>());
        std::fs::write(&path, line(201)).unwrap();
        assert_eq!(last_lines(&path).unwrap().len(), 1);
        assert_eq!(last_lines(&folder.path().join("b.log")).unwrap(), []);
    }
}
