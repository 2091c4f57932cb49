//! Where the API is served: paths and ports that are free, taken, stale or wrong.

use super::stage::config;
use plugbay_daemon::api::{BindError, Listeners};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use tempfile::TempDir;

fn bind(folder: &Path, host: &str, http: &str) -> Result<Listeners, BindError> {
    Listeners::bind(&config(folder, host, http))
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_socket_is_its_owners_alone_and_gone_at_the_end() {
    let folder = TempDir::new().unwrap();
    let listeners = bind(folder.path(), "", "").unwrap();
    let socket = folder.path().join("state/plugbay.sock");
    assert_eq!((mode(&socket), mode(&folder.path().join("state")), listeners.address()), (0o600, 0o700, None));
    drop(listeners);
    assert!(!socket.exists() && socket.parent().unwrap().exists());
}

#[tokio::test]
async fn a_socket_that_a_dead_process_left_is_replaced() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("s");
    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    let _listeners = bind(folder.path(), "socket = \"s\"", "").unwrap();
    UnixStream::connect(&socket).unwrap();
    assert_eq!(mode(&socket), 0o600);
}

#[tokio::test]
async fn a_socket_that_somebody_listens_on_is_refused_naming_them() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("s");
    let _first = bind(folder.path(), "socket = \"s\"", "").unwrap();
    let refused = bind(folder.path(), "socket = \"s\"", "").unwrap_err().to_string();
    let (own, at) = (std::process::id(), socket.display());
    assert_eq!(refused, format!("process {own} listens at the socket {at} already: stop it, or set another path as `host.socket`"));
    UnixStream::connect(&socket).unwrap();
}

#[tokio::test]
async fn a_listener_that_is_too_busy_to_answer_is_not_taken_for_dead() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("s");
    let busy = rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&busy, &rustix::net::SocketAddrUnix::new(&socket).unwrap()).unwrap();
    rustix::net::listen(&busy, 0).unwrap();
    let _waiting = UnixStream::connect(&socket).unwrap();
    let refused = bind(folder.path(), "socket = \"s\"", "").unwrap_err().to_string();
    assert!(refused.contains("too busy to answer") && socket.exists(), "{refused}");
}

#[tokio::test]
async fn a_file_that_is_no_socket_stays_and_is_in_the_way() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("s");
    std::fs::write(&file, "precious").unwrap();
    let refused = bind(folder.path(), "socket = \"s\"", "").unwrap_err().to_string();
    assert_eq!(refused, format!("{} is there and is no socket: remove it, or set another path as `host.socket`", file.display()));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
}

#[tokio::test]
async fn a_path_that_is_too_long_or_cannot_be_made_says_so() {
    let folder = TempDir::new().unwrap();
    let long = "x".repeat(120);
    let refused = bind(folder.path(), &format!("socket = \"{long}\""), "").unwrap_err().to_string();
    assert!(refused.contains("more than the system takes for a socket: set a shorter one as `host.socket`"), "{refused}");
    std::fs::write(folder.path().join("file"), "").unwrap();
    let refused = bind(folder.path(), "socket = \"file/s\"", "").unwrap_err().to_string();
    assert!(refused.starts_with("can't listen at the socket ") && refused.contains("(`host.socket`)"), "{refused}");
}

#[tokio::test]
async fn a_port_that_is_taken_says_so_and_leaves_no_socket() {
    let folder = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let refused = bind(folder.path(), "socket = \"s\"", &format!("listen = \"{address}\"")).unwrap_err().to_string();
    assert!(refused.starts_with(&format!("can't listen at {address} (`http.listen`): Address already in use")), "{refused}");
    assert!(!folder.path().join("s").exists());
}

#[tokio::test]
async fn what_somebody_put_in_the_sockets_place_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("s");
    let listeners = bind(folder.path(), "socket = \"s\"", "").unwrap();
    std::fs::remove_file(&socket).unwrap();
    let _other = UnixListener::bind(&socket).unwrap();
    drop(listeners);
    assert!(socket.exists());
}
