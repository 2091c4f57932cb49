//! Where the API is served: bound before anything else is started, so that a path or a port that is taken is said at once.
//!
//! Costs a few system calls. Failures name the path or address and the setting.

use super::socket::Socket;
use crate::config::Config;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use thiserror::Error;
use tokio::net::TcpListener;

/// The socket, and the port if there is one. They listen; nobody is served before [`super::serve`]. Dropping them removes the socket's file.
#[derive(Debug)]
pub struct Listeners {
    pub(super) socket: Socket,
    pub(super) port: Option<TcpListener>,
}

/// Why there is nowhere to serve.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The path is too long for a socket.
    #[error("the socket's path {} has {bytes} bytes, more than the system takes for a socket: set a shorter one as `host.socket`", path.display())]
    SocketPath {
        /// The path.
        path: PathBuf,
        /// Its length.
        bytes: usize,
    },
    /// Somebody listens there.
    #[error("{by} listens at the socket {} already: stop it, or set another path as `host.socket`", path.display())]
    SocketTaken {
        /// The path.
        path: PathBuf,
        /// Who, in words.
        by: String,
    },
    /// What is there is no socket.
    #[error("{} is there and is no socket: remove it, or set another path as `host.socket`", path.display())]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// The socket can't be made.
    #[error("can't listen at the socket {} (`host.socket`): {source}", path.display())]
    Socket {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The port can't be had.
    #[error("can't listen at {address} (`http.listen`): {source}; set another address, or leave it out")]
    Port {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl Listeners {
    /// Listens where the configuration says. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If the socket or the port can't be had. Then neither is.
    pub fn bind(config: &Config) -> Result<Self, BindError> {
        let port = config.http.listen.map(listen).transpose()?;
        Ok(Self { socket: Socket::bind(&config.host.socket())?, port })
    }

    /// The address of the port, if there is one: with the real number where the setting says 0.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.port.as_ref().and_then(|port| port.local_addr().ok())
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, BindError> {
    if !address.ip().is_loopback() {
        tracing::warn!(
            "{address} can be reached from other machines, and tokens cross the network as they are: put a proxy with TLS before it"
        );
    }
    let listened = std::net::TcpListener::bind(address).and_then(|port| {
        port.set_nonblocking(true)?;
        TcpListener::from_std(port)
    });
    listened.map_err(|source| BindError::Port { address, source })
}
