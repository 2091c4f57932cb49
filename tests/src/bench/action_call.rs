//! `action-call`: an action of a plugin over the daemon's Unix socket, beside a bare axum handler that answers the same.
//!
//! The daemon is a whole one, in this process: its server, who may do what, the gateway, and the guest, whose action does nothing. The baseline is axum's own server at a
//! socket of its own, with one route and no more, on the same runtime; its answer has the same status, type and body. One client asks both, in turn, each over a
//! connection that stays. The bar is one on the ratio of the medians. Half a minute, most of it for compiling the plugin once.

use super::load::quantile;
use super::rounds::Compared;
use super::row::Row;
use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use plugbay_daemon::api::{Listeners, serve};
use plugbay_daemon::config::ConfigFile;
use plugbay_daemon::host::{Host, Program};
use plugbay_guests::built::ERRAND;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// The action, which takes nothing, does nothing and answers nothing.
const ACTION: &str = "/v1/actions/errand/nod";

/// How the plugin is installed.
const INSTALL: &str = "/v1/plugins?grant=schedule&grant=attachments";

/// Calls of a round.
const CALLS: usize = 300;

/// What the daemon is told.
const CONFIGURATION: &str = "[engine]\ncells = 20\n";

/// More than enough for a host that has nothing to do.
const STOPS: Duration = Duration::from_secs(30);

pub(super) async fn calls(rounds: usize) -> Result<Vec<Row>> {
    let folder = TempDir::new()?;
    let daemon = Daemon::start(folder.path()).await?;
    let mut ours = Client::connect(&daemon.socket).await?;
    ours.ask(INSTALL, "application/wasm", fs::read(ERRAND)?.into()).await.context("installing the plugin")?;
    let answer = ours.act().await?;
    ensure!(answer.body == r#"{"ok":true}"#, "the action answers {:?}", answer.body);
    let bare = folder.path().join("bare.sock");
    let serving = serve_bare(&bare, answer.clone())?;
    let mut theirs = Client::connect(&bare).await?;
    ensure!(theirs.act().await? == answer, "the two answer differently");
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    let compared =
        Compared::measure(rounds, async || ours.round(&mut our_times).await, async || theirs.round(&mut their_times).await).await?;
    serving.abort();
    daemon.stop().await?;
    let both = |times: &[Duration]| [0.5, 0.99].map(|part| quantile(times.iter().copied(), part));
    let ([our_p50, our_p99], [their_p50, their_p99]) = (both(&our_times), both(&their_times));
    let row = compared.row(("action-call", "us"), "bare axum handler over a Unix socket", 2.0);
    Ok(vec![row.note(format!(
        "p50 {our_p50:.0} us, p99 {our_p99:.0} us; the bare handler's p50 {their_p50:.0} us, p99 {their_p99:.0} us; {} calls of each",
        our_times.len()
    ))])
}

/// A daemon that serves at its socket.
struct Daemon {
    host: Host,
    socket: PathBuf,
    serving: JoinHandle<()>,
}

impl Daemon {
    async fn start(folder: &Path) -> Result<Self> {
        let configuration = folder.join("plugbay.toml");
        fs::write(&configuration, CONFIGURATION)?;
        let config = ConfigFile::read(&configuration)?.config;
        let listeners = Listeners::bind(&config)?;
        let host = Host::start(&Program { configuration, compiler: std::env::current_exe()? }).await?;
        let serving = tokio::spawn(serve(host.clone(), listeners));
        Ok(Self { host, socket: config.host.socket(), serving })
    }

    async fn stop(self) -> Result<()> {
        self.host.begin_to_stop();
        self.serving.await?;
        self.host.stop(STOPS).await;
        Ok(())
    }
}

/// Serves this answer, whatever is asked of the one route that there is.
fn serve_bare(socket: &Path, answer: Answer) -> Result<JoinHandle<()>> {
    let listener = UnixListener::bind(socket)?;
    let Answer { kind, body } = answer;
    let handler = async move || ([(CONTENT_TYPE, kind.clone())], body.clone());
    let router = Router::new().route("/v1/actions/{plugin}/{id}", post(handler));
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            eprintln!("the bare server ended: {error}");
        }
    }))
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    kind: HeaderValue,
    body: Bytes,
}

/// A client with a connection that stays.
struct Client(SendRequest<Full<Bytes>>);

impl Client {
    async fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket).await.with_context(|| format!("connecting to {}", socket.display()))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // What goes wrong on the connection is what the request says.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self(sender))
    }

    async fn ask(&mut self, path: &str, kind: &'static str, body: Bytes) -> Result<Answer> {
        let mut request = Request::post(path).header(HOST, "localhost");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        self.0.ready().await?;
        let answer = self.0.send_request(request.body(Full::new(body))?).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        ensure!(head.status == StatusCode::OK, "{path}: {}: {}", head.status, String::from_utf8_lossy(&body));
        let kind = head.headers.get(CONTENT_TYPE).cloned().context("the answer has no type")?;
        Ok(Answer { kind, body })
    }

    async fn act(&mut self) -> Result<Answer> {
        self.ask(ACTION, "", Bytes::new()).await
    }

    /// Calls in a row: the median, in microseconds. Each is noted.
    async fn round(&mut self, times: &mut Vec<Duration>) -> Result<f64> {
        let mut round = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            let began = Instant::now();
            self.act().await?;
            round.push(began.elapsed());
        }
        let median = quantile(round.iter().copied(), 0.5);
        times.extend(round);
        Ok(median)
    }
}
