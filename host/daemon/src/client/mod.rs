//! Talking to a daemon: HTTP/1.1 with JSON over its Unix socket, or over TCP with a token.
//!
//! Each request has a connection of its own, which costs some tens of microseconds on the socket. Every step is bounded in time, and an answer in size. It
//! fails with where it looked and what it met: nobody there, nobody who answers, a refusal in the daemon's own words, or something that is no daemon.

mod connect;
mod error;
mod events;
mod route;

pub use error::ClientError;
pub use events::{Event, Events};
pub use route::{NoUrl, Place, Route};

use crate::api::types::Problem;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::time::Duration;

/// How long an answer may take that nothing has to be done for.
const LOOK: Duration = Duration::from_secs(30);

/// How long a change may take: others may be compiled first, and calls drained.
const CHANGE: Duration = Duration::from_secs(600);

/// Bytes of an answer.
const MOST: usize = 64 << 20;

/// Answers of any kind.
const ANYTHING: &str = "*/*";

/// Answers that come bit by bit.
const EVENTS: &str = "text/event-stream";

/// Where a daemon is, and who asks.
#[derive(Debug, Clone)]
pub struct Client {
    place: Place,
    authorization: Option<HeaderValue>,
}

/// An answer: what it says, and the very text.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// What it says.
    pub value: T,
    /// As it came.
    pub text: String,
}

/// What a request brings along.
#[derive(Debug, Clone)]
pub enum Content {
    /// Nothing.
    Empty,
    /// JSON.
    Json(String),
    /// A component.
    Component(Bytes),
}

impl Content {
    /// A value as JSON.
    ///
    /// # Errors
    /// If it can't be written as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self::Json(serde_json::to_string(value)?))
    }
}

impl Client {
    /// A client of the daemon there.
    #[must_use]
    pub const fn new(place: Place) -> Self {
        Self { place, authorization: None }
    }

    /// Shows this token with each request.
    ///
    /// # Errors
    /// If no token can look like that.
    pub fn with_token(self, token: &str) -> Result<Self, ClientError> {
        let mut header = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| ClientError::Token)?;
        header.set_sensitive(true);
        Ok(Self { authorization: Some(header), ..self })
    }

    /// Asks for something.
    ///
    /// # Errors
    /// If there is no daemon, or it refuses.
    pub async fn get<T: DeserializeOwned>(&self, route: &Route) -> Result<Answer<T>, ClientError> {
        self.ask(Method::GET, route, Content::Empty, LOOK).await
    }

    /// Asks for a change.
    ///
    /// # Errors
    /// If there is no daemon, or it refuses.
    pub async fn send<T: DeserializeOwned>(&self, method: Method, route: &Route, content: Content) -> Result<Answer<T>, ClientError> {
        self.ask(method, route, content, CHANGE).await
    }

    /// Asks for events that go on coming.
    ///
    /// # Errors
    /// If there is no daemon, or it refuses.
    pub async fn follow(&self, route: &Route) -> Result<Events, ClientError> {
        self.events(Method::GET, route, Content::Empty, LOOK).await
    }

    /// Asks for something that is done while its events come. Whoever stops listening doesn't stop it.
    ///
    /// # Errors
    /// If there is no daemon, or it refuses.
    pub async fn stream(&self, route: &Route, content: Content) -> Result<Events, ClientError> {
        self.events(Method::POST, route, content, CHANGE).await
    }

    /// Gets a file, piece by piece. How many bytes it has.
    ///
    /// # Errors
    /// If there is no daemon, it refuses, the connection breaks in the middle, or the file can't be written.
    pub async fn download(&self, route: &Route, into: &mut impl io::Write) -> Result<u64, ClientError> {
        let response = self.within(LOOK, self.response(Method::GET, route, Content::Empty, ANYTHING)).await?;
        let status = response.status();
        if !status.is_success() {
            let text = self.within(LOOK, self.text(response)).await?;
            return Err(self.refused(status.as_u16(), text));
        }
        let broken = |why: String| ClientError::Broken { place: self.place.clone(), why };
        let (mut body, mut bytes) = (response.into_body(), 0);
        while let Some(frame) = self.within(LOOK, async { Ok(body.frame().await) }).await? {
            let frame = frame.map_err(|e| broken(e.to_string()))?;
            let Some(piece) = frame.data_ref() else { continue };
            into.write_all(piece).map_err(ClientError::Write)?;
            bytes += piece.len() as u64;
        }
        Ok(bytes)
    }

    async fn events(&self, method: Method, route: &Route, content: Content, patience: Duration) -> Result<Events, ClientError> {
        let response = self.within(patience, self.response(method, route, content, EVENTS)).await?;
        if response.status().is_success() {
            return Ok(Events::new(self.place.clone(), response.into_body()));
        }
        let status = response.status().as_u16();
        let text = self.within(LOOK, self.text(response)).await?;
        Err(self.refused(status, text))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        route: &Route,
        content: Content,
        patience: Duration,
    ) -> Result<Answer<T>, ClientError> {
        let exchange = async {
            let response = self.response(method, route, content, ANYTHING).await?;
            let status = response.status();
            Ok((status, self.text(response).await?))
        };
        let (status, text) = self.within(patience, exchange).await?;
        if !status.is_success() {
            return Err(self.refused(status.as_u16(), text));
        }
        match serde_json::from_str(&text) {
            Ok(value) => Ok(Answer { value, text }),
            Err(e) => {
                Err(ClientError::Strange { place: self.place.clone(), why: format!("an answer to {route} that isn't understood: {e}") })
            }
        }
    }

    async fn within<T>(&self, patience: Duration, step: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
        let slow = |_| ClientError::Slow { place: self.place.clone(), seconds: patience.as_secs() };
        tokio::time::timeout(patience, step).await.map_err(slow)?
    }

    async fn response(
        &self,
        method: Method,
        route: &Route,
        content: Content,
        accept: &'static str,
    ) -> Result<Response<Incoming>, ClientError> {
        let broken = |why: &dyn std::fmt::Display| ClientError::Broken { place: self.place.clone(), why: why.to_string() };
        let mut request = Request::builder().method(method).uri(route.as_str()).header(HOST, self.place.host()).header(ACCEPT, accept);
        if let Some(header) = &self.authorization {
            request = request.header(AUTHORIZATION, header);
        }
        let (kind, body) = match content {
            Content::Empty => (None, Bytes::new()),
            Content::Json(text) => (Some("application/json"), Bytes::from(text)),
            Content::Component(bytes) => (Some("application/wasm"), bytes),
        };
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        let request = request.body(Full::new(body)).map_err(|e| broken(&e))?;
        connect::sender(&self.place).await?.send_request(request).await.map_err(|e| broken(&e))
    }

    async fn text(&self, response: Response<Incoming>) -> Result<String, ClientError> {
        let broken = |why: String| ClientError::Broken { place: self.place.clone(), why };
        let body = Limited::new(response.into_body(), MOST).collect().await.map_err(|e| broken(e.to_string()))?;
        String::from_utf8(body.to_bytes().into()).map_err(|e| ClientError::Strange { place: self.place.clone(), why: e.to_string() })
    }

    fn refused(&self, status: u16, text: String) -> ClientError {
        match serde_json::from_str::<Problem>(&text) {
            Ok(problem) => ClientError::Refused { status, problem: Box::new(problem), text },
            Err(_) => ClientError::Strange { place: self.place.clone(), why: format!("status {status} without the reason") },
        }
    }
}
