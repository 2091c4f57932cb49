//! A server that answers as it is told: one reply for each request, in order, byte for byte. It keeps what it was asked.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures_util::stream;
use plugbay_gateway::model::{OpenAiModel, OpenAiSettings};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// What a server does.
pub(super) struct Reply {
    status: StatusCode,
    headers: Vec<(&'static str, String)>,
    parts: VecDeque<Part>,
    silent: bool,
}

/// A part of a body.
pub(super) enum Part {
    /// These bytes, as one chunk.
    Bytes(Vec<u8>),
    /// Nothing, for good; until the client goes.
    Hang,
    /// The connection breaks.
    Break,
    /// The same bytes again and again.
    Forever(&'static str, Duration),
}

impl Reply {
    /// Events, one chunk each.
    pub(super) fn events(data: impl IntoIterator<Item = Value>) -> Self {
        Self::bytes(data.into_iter().map(|value| event(&value)))
    }

    /// Chunks of an event stream, byte for byte.
    pub(super) fn bytes<T: Into<Vec<u8>>>(chunks: impl IntoIterator<Item = T>) -> Self {
        let parts = chunks.into_iter().map(|bytes| Part::Bytes(bytes.into())).collect();
        Self { status: StatusCode::OK, headers: vec![("content-type", "text/event-stream; charset=utf-8".into())], parts, silent: false }
    }

    /// A refusal.
    pub(super) fn refusing(status: u16, body: &Value) -> Self {
        Self::saying(status, "application/json", &body.to_string())
    }

    /// A status with a body.
    pub(super) fn saying(status: u16, media: &str, body: &str) -> Self {
        let parts = VecDeque::from([Part::Bytes(body.as_bytes().to_vec())]);
        Self { status: StatusCode::from_u16(status).unwrap(), headers: vec![("content-type", media.into())], parts, silent: false }
    }

    /// Not even a status.
    pub(super) fn silence() -> Self {
        Self { silent: true, ..Self::bytes::<String>([]) }
    }

    /// An answer that is only `text`, complete.
    pub(super) fn complete(text: &str) -> Self {
        Self::events([says(text), stops("stop")]).then(Part::Bytes(b"data: [DONE]\n\n".to_vec()))
    }

    pub(super) fn then(mut self, part: Part) -> Self {
        self.parts.push_back(part);
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// One event.
pub(super) fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// A chunk of an answer.
pub(super) fn chunk(delta: Value, finish: Option<&str>) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "small-2026", "system_fingerprint": null,
        "choices": [{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }],
    })
}

pub(super) fn says(text: &str) -> Value {
    chunk(json!({ "content": text }), None)
}

pub(super) fn stops(why: &str) -> Value {
    chunk(json!({}), Some(why))
}

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) at: Instant,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// A running server.
pub(super) struct Stage {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    gone: mpsc::UnboundedReceiver<()>,
    serving: AbortHandle,
}

struct Shared {
    replies: Mutex<VecDeque<Reply>>,
    asked: Mutex<Vec<Asked>>,
    gone: mpsc::UnboundedSender<()>,
}

impl Stage {
    pub(super) async fn with(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, gone) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { replies: Mutex::new(replies.into_iter().collect()), asked: Mutex::default(), gone: sender });
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle();
        Self { address, shared, gone, serving }
    }

    /// Settings that lead here, with retries that don't take long.
    pub(super) fn settings(&self) -> OpenAiSettings {
        OpenAiSettings { backoff: Duration::from_millis(1), ..OpenAiSettings::new(format!("http://{}/v1", self.address), "small") }
    }

    pub(super) fn model(&self) -> OpenAiModel {
        OpenAiModel::new(self.settings()).unwrap()
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    pub(super) fn say_next(&self, reply: Reply) {
        self.shared.replies.lock().unwrap().push_back(reply);
    }

    /// Waits until a client has left an answer that hadn't ended.
    pub(super) async fn left(&mut self) {
        self.gone.recv().await.unwrap();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let guard = Gone(Some(shared.gone.clone()));
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    shared.asked.lock().unwrap().push(Asked { at: Instant::now(), path: head.uri.to_string(), headers: head.headers, body });
    let reply = shared.replies.lock().unwrap().pop_front();
    let reply = reply.unwrap_or_else(|| Reply::saying(418, "text/plain", "the stage has no reply left"));
    if reply.silent {
        std::future::pending::<()>().await;
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let parts = stream::unfold((reply.parts, guard), async |(mut parts, mut guard)| {
        let part = match parts.pop_front() {
            None => {
                guard.0 = None; // said to the end
                return None;
            }
            Some(Part::Bytes(bytes)) => Ok(Bytes::from(bytes)),
            Some(Part::Hang) => std::future::pending().await,
            Some(Part::Break) => {
                tokio::time::sleep(Duration::from_millis(20)).await; // what came before is on its way
                Err(io::Error::other("breaks"))
            }
            Some(Part::Forever(bytes, pause)) => {
                tokio::time::sleep(pause).await;
                parts.push_front(Part::Forever(bytes, pause));
                Ok(Bytes::from_static(bytes.as_bytes()))
            }
        };
        Some((part, (parts, guard)))
    });
    response.body(Body::from_stream(parts)).unwrap()
}

/// Tells when it is dropped, unless there is nothing to tell.
struct Gone(Option<mpsc::UnboundedSender<()>>);

impl Drop for Gone {
    fn drop(&mut self) {
        if let Some(gone) = &self.0 {
            let _ = gone.send(());
        }
    }
}
