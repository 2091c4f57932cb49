//! The Unix socket: a file that only its owner can connect to, and that is gone when the program is.
//!
//! The file has mode 0600 before anybody can connect, whatever the umask: it is bound, gets its mode, and listens only then. What a dead process left is
//! replaced; what somebody listens on is refused. Two programs that start at once take turns, by a lock of the directory. Costs a few system calls.

use super::BindError;
use rustix::fs::FlockOperation;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixSocket};

/// Connections that may wait to be accepted.
const WAITING: u32 = 128;

/// A socket that listens. Its file is removed with it.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    _file: SocketFile,
}

impl Socket {
    /// Listens at this path; its directory is made if it isn't there.
    pub(super) fn bind(path: &Path) -> Result<Self, BindError> {
        if std::os::unix::net::SocketAddr::from_pathname(path).is_err() {
            return Err(BindError::SocketPath { path: path.to_owned(), bytes: path.as_os_str().len() });
        }
        let failed = |source: io::Error| BindError::Socket { path: path.to_owned(), source };
        let directory = path.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        let turn = File::open(directory).map_err(failed)?;
        rustix::fs::flock(&turn, FlockOperation::LockExclusive).map_err(|e| failed(e.into()))?;
        make_way(path)?;
        listen(path).map_err(failed)
    }
}

/// Binds, closes to others, listens; in this order.
fn listen(path: &Path) -> io::Result<Socket> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    let file = SocketFile { path: path.to_owned(), identity: identity(path)? };
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(Socket { listener: socket.listen(WAITING)?, _file: file })
}

/// Removes what a dead process left. Anything else that is there stays, and is in the way.
fn make_way(path: &Path) -> Result<(), BindError> {
    let failed = |source: io::Error| BindError::Socket { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => return Err(BindError::NoSocket { path: path.to_owned() }),
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failed(e)),
    }
    match listener(path).map_err(failed)? {
        Some(by) => Err(BindError::SocketTaken { path: path.to_owned(), by }),
        None => fs::remove_file(path).map_err(failed),
    }
}

/// Who listens there, in words.
fn listener(path: &Path) -> io::Result<Option<String>> {
    use rustix::io::Errno;
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    // A listener that is too busy would keep a blocking call waiting.
    rustix::io::ioctl_fionbio(&socket, true)?;
    match rustix::net::connect(&socket, &SocketAddrUnix::new(path)?) {
        Ok(()) => Ok(Some(process(&socket))),
        Err(Errno::AGAIN | Errno::INPROGRESS) => Ok(Some("a process that is too busy to answer".to_owned())),
        Err(Errno::CONNREFUSED) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// The process at the other end, as far as the system tells.
#[cfg(target_os = "linux")]
fn process(socket: &rustix::fd::OwnedFd) -> String {
    rustix::net::sockopt::socket_peercred(socket)
        .map_or_else(|_| "a process".to_owned(), |who| format!("process {}", who.pid.as_raw_nonzero()))
}

#[cfg(not(target_os = "linux"))]
fn process(_: &rustix::fd::OwnedFd) -> String {
    "a process".to_owned()
}

/// The file of a socket. Dropping it removes it, if it is still the same.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: Identity,
}

/// Device and inode.
type Identity = (u64, u64);

fn identity(path: &Path) -> io::Result<Identity> {
    fs::symlink_metadata(path).map(|there| (there.dev(), there.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let same = identity(&self.path).is_ok_and(|there| there == self.identity);
        if same && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("the socket {} is left over: {error}", self.path.display());
        }
    }
}
