//! Connections to a daemon: one for each request, closed after it.
//!
//! Connecting over TCP waits a few seconds at most; a socket answers at once or not at all.

use super::{ClientError, Place};
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// How long to wait for somebody at the other end.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection that is ready for one request.
pub(super) async fn sender(place: &Place) -> Result<SendRequest<Full<Bytes>>, ClientError> {
    match place {
        Place::Socket { path, .. } => shake(place, UnixStream::connect(path).await).await,
        Place::Tcp { authority } => {
            let connected = tokio::time::timeout(PATIENCE, TcpStream::connect(authority)).await;
            let late = |_| io::Error::new(ErrorKind::TimedOut, format!("nobody answered within {} s", PATIENCE.as_secs()));
            shake(place, connected.map_err(late).flatten()).await
        }
    }
}

async fn shake<S>(place: &Place, connected: io::Result<S>) -> Result<SendRequest<Full<Bytes>>, ClientError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = connected.map_err(|source| unreachable_at(place, source))?;
    let shaken = handshake(TokioIo::new(stream)).await;
    let (sender, connection) = shaken.map_err(|e| ClientError::Broken { place: place.clone(), why: e.to_string() })?;
    // What goes wrong on the connection is what the request says.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// Nobody there, or somebody who can't be reached.
fn unreachable_at(place: &Place, source: io::Error) -> ClientError {
    let place = place.clone();
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::TimedOut => ClientError::NoDaemon { place, source },
        _ => ClientError::Connect { place, source },
    }
}
