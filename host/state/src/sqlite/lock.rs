//! A daemon's exclusive right to a state directory.
//!
//! A file beside the database, locked as a whole for as long as the daemon lives: the system lets go of it when the process ends, however it ends. The
//! file says who holds it, for the daemon that comes second; it stays when the lock is gone, since removing it could take it from under a third. Only
//! daemons ask for it: who else opens the database isn't in their way. Costs a few system calls, once.

use super::files;
use rustix::fs::{FlockOperation, Mode, OFlags, fchmod, flock, open};
use rustix::io::Errno;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use thiserror::Error;

/// The lock's name in the state directory.
const LOCK_FILE: &str = "daemon.lock";

/// More than a holder writes.
const LONGEST: u64 = 256;

/// The right to be the one daemon of a state directory, until it is dropped or the process ends.
#[derive(Debug)]
pub struct StateLock {
    _locked: File,
}

/// Why a state directory can't be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Locked {
    /// Another daemon has it.
    #[error("another daemon has the state directory {}: {}; stop that one first, or use another directory (setting `host.state`)", directory.display(), Shown(holder.as_ref()))]
    Held {
        /// Which one.
        directory: PathBuf,
        /// Who has it; none in the moment before it has said so.
        holder: Option<Holder>,
    },
    /// The lock's file can't be made, locked or written.
    #[error("can't lock the state directory with {}: {error}", file.display())]
    Failed {
        /// The lock's file.
        file: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
}

/// Who has a state directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The daemon's process.
    pub pid: u32,
    /// When it took the directory.
    pub since: SystemTime,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}, since ", self.pid)?;
        match jiff::Timestamp::try_from(self.since) {
            Ok(since) => write!(f, "{since:.0}"),
            Err(_) => f.write_str("a time that can't be told"),
        }
    }
}

struct Shown<'h>(Option<&'h Holder>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(holder) => holder.fmt(f),
            None => f.write_str("it is just starting"),
        }
    }
}

impl StateLock {
    /// Takes the directory, and makes it if need be. Waits for nobody.
    ///
    /// # Errors
    /// If another daemon has it, or the lock's file can't be used.
    pub fn take(directory: &Path) -> Result<Self, Locked> {
        let path = directory.join(LOCK_FILE);
        let failed = |error: io::Error| Locked::Failed { file: path.clone(), error };
        files::make_directory(directory).map_err(failed)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mut file = File::from(open(&path, flags, Mode::RUSR | Mode::WUSR).map_err(|error| failed(error.into()))?);
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(Locked::Held { directory: directory.to_owned(), holder: read(&mut file) }),
            Err(error) => return Err(failed(error.into())),
        }
        write(&mut file, &Holder { pid: std::process::id(), since: SystemTime::now() }).map_err(failed)?;
        Ok(Self { _locked: file })
    }
}

/// Makes the file say who holds it, and nobody else may read it.
fn write(file: &mut File, holder: &Holder) -> io::Result<()> {
    fchmod(&*file, Mode::RUSR | Mode::WUSR)?;
    file.set_len(0)?;
    let since = jiff::Timestamp::try_from(holder.since).map_err(io::Error::other)?;
    file.write_all(format!("{}\n{since:.0}\n", holder.pid).as_bytes())
}

/// Who the file says holds it, if it says so.
fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    let mut lines = text.lines();
    let (pid, since) = (lines.next()?.parse().ok()?, lines.next()?.parse::<jiff::Timestamp>().ok()?);
    Some(Holder { pid, since: since.into() })
}
