//! Serving: connections are taken, bounded in number and time, until the host begins to stop.
//!
//! Each listener has its own bound, so that strangers at the port keep nobody from the socket. A connection costs a task and a few kilobytes. Who sends no
//! request, or doesn't read the answer, is cut off; a connection that fails is nobody else's matter.

use super::caller::Peer;
use super::{Listeners, router};
use crate::host::Host;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Connections of a listener at once; others wait until one ends.
const CONNECTIONS: usize = 256;
/// How long a client may take to send the head of a request, and to be silent between two.
const HEAD: Duration = Duration::from_secs(15);
/// How long a client may take nothing of what is sent to it.
const UNREAD: Duration = Duration::from_secs(30);
/// How long requests go on that are under way when the host stops.
const DRAIN: Duration = Duration::from_secs(30);
/// How long nobody is accepted after the system had no room for it.
const NO_ROOM: Duration = Duration::from_millis(500);

/// Serves until the host begins to stop (see [`Host::stopping`]). Then nobody new is taken, the socket's file is gone, streams end, and requests that are
/// under way come to their end; after half a minute they are cut off. Answers when nobody is served any more.
pub async fn serve(host: Host, listeners: Listeners) {
    let (api, router) = router(&host);
    let hall = Hall { router, ending: GracefulShutdown::new(), closing: CancellationToken::new(), cut: CancellationToken::new() };
    let mut stopping = host.stopping();
    let Listeners { socket, port } = listeners;
    tokio::select! {
        () = hall.take_users(&socket.listener) => {}
        () = hall.take_strangers(port.as_ref()) => {}
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    drop((socket, port));
    let Hall { ending, closing, cut, .. } = hall;
    closing.cancel();
    api.0.changes.close();
    let ended = async {
        ending.shutdown().await;
        api.0.changes.wait().await;
    };
    if tokio::time::timeout(DRAIN, ended).await.is_err() {
        tracing::warn!("requests were still under way {} s after the host began to stop: they are cut off", DRAIN.as_secs());
        cut.cancel();
    }
}

/// Where connections are served.
struct Hall {
    router: Router,
    ending: GracefulShutdown,
    /// Nobody new is taken: who has asked for nothing yet leaves.
    closing: CancellationToken,
    /// Everybody leaves.
    cut: CancellationToken,
}

impl Hall {
    /// Takes who comes through the socket.
    async fn take_users(&self, socket: &UnixListener) {
        let seats = Arc::new(Semaphore::new(CONNECTIONS));
        while let Ok(seat) = seats.clone().acquire_owned().await {
            match socket.accept().await {
                // A peer whom the system doesn't know is nobody.
                Ok((stream, _)) => self.receive(stream.peer_cred().map_or(Peer::User(u32::MAX), |who| Peer::User(who.uid())), stream, seat),
                Err(error) => not_accepted(&error).await,
            }
        }
    }

    /// Takes who comes through the port.
    async fn take_strangers(&self, port: Option<&TcpListener>) {
        let Some(port) = port else { return std::future::pending().await };
        let seats = Arc::new(Semaphore::new(CONNECTIONS));
        while let Ok(seat) = seats.clone().acquire_owned().await {
            match port.accept().await {
                Ok((stream, _)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!("a connection's answers may be late: {error}");
                    }
                    self.receive(Peer::Network, stream, seat);
                }
                Err(error) => not_accepted(&error).await,
            }
        }
    }

    /// Serves a connection, as a task of its own.
    fn receive<S: AsyncRead + AsyncWrite + Send + 'static>(&self, peer: Peer, stream: S, seat: tokio::sync::OwnedSemaphorePermit) {
        let (router, asked) = (self.router.clone(), Arc::new(AtomicBool::new(false)));
        let asks = asked.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            asks.store(true, Ordering::Relaxed);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            router.clone().oneshot(request)
        });
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(UNREAD));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        let (connection, closing, cut) = (self.ending.watch(connection), self.closing.clone(), self.cut.clone());
        let leaves = async move {
            closing.cancelled().await;
            if asked.load(Ordering::Relaxed) {
                cut.cancelled().await;
            }
        };
        tokio::spawn(async move {
            let _seat = seat;
            tokio::select! {
                ended = connection => ended.unwrap_or_else(|error| tracing::debug!("a connection ended early: {error}")),
                () = leaves => {}
            }
        });
    }
}

/// The system has no room for another connection, or the client has gone already.
async fn not_accepted(error: &io::Error) {
    let gone = matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused);
    if !gone {
        tracing::warn!("a connection can't be accepted: {error}; the next is tried in {} ms", NO_ROOM.as_millis());
        tokio::time::sleep(NO_ROOM).await;
    }
}
