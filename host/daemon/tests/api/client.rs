//! A client that sends what a test says and nothing else: one connection a request.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::handshake;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// How to get to the host.
#[derive(Debug, Clone)]
pub(crate) enum Via {
    Socket(PathBuf),
    /// With this header `Authorization`, if any.
    Port(SocketAddr, Option<String>),
}

/// What is sent along.
#[derive(Debug, Clone, Default)]
pub(crate) struct Load {
    kind: Option<&'static str>,
    accept: Option<&'static str>,
    bytes: Bytes,
}

impl Load {
    pub(crate) const NONE: Self = Self { kind: None, accept: None, bytes: Bytes::new() };

    pub(crate) fn json(value: &Value) -> Self {
        Self::of("application/json", value.to_string())
    }

    pub(crate) fn wasm(bytes: impl Into<Bytes>) -> Self {
        Self::of("application/wasm", bytes)
    }

    pub(crate) fn built(path: &str) -> Self {
        Self::wasm(std::fs::read(path).unwrap())
    }

    pub(crate) fn of(kind: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self { kind: Some(kind), accept: None, bytes: bytes.into() }
    }

    /// The same, to be answered with events.
    pub(crate) fn streamed(self) -> Self {
        Self { accept: Some("text/event-stream"), ..self }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn kind(&self) -> &str {
        self.headers.get(CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.text()).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// Status, code and message of a refusal.
    pub(crate) fn problem(&self) -> (u16, String, String) {
        let body = self.json();
        let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}")).to_owned();
        (self.status.as_u16(), text("code"), text("message"))
    }
}

pub(crate) async fn send(via: &Via, method: &Method, path: &str, load: &Load) -> Answer {
    let response = begin(via, method, path, load).await.unwrap();
    let (head, body) = response.into_parts();
    Answer { status: head.status, headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
}

/// Sends a request; answers with the beginning of the response.
pub(crate) async fn begin(via: &Via, method: &Method, path: &str, load: &Load) -> hyper::Result<Response<hyper::body::Incoming>> {
    let mut request = Request::builder().method(method).uri(path).header(HOST, "plugbay");
    if let Some(kind) = load.kind {
        request = request.header(CONTENT_TYPE, kind);
    }
    if let Some(kind) = load.accept {
        request = request.header(ACCEPT, kind);
    }
    match via {
        Via::Socket(at) => exchange(UnixStream::connect(at).await.unwrap(), request.body(Full::new(load.bytes.clone())).unwrap()).await,
        Via::Port(at, authorization) => {
            if let Some(authorization) = authorization {
                request = request.header(AUTHORIZATION, authorization);
            }
            exchange(TcpStream::connect(at).await.unwrap(), request.body(Full::new(load.bytes.clone())).unwrap()).await
        }
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> hyper::Result<Response<hyper::body::Incoming>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    sender.send_request(request).await
}
