//! `plugbay run`: the daemon.
//!
//! It listens first, so that a place that is taken is said at once, then brings up the state and every plugin, and serves. Who asks meanwhile waits for the
//! answer. SIGTERM or SIGINT ends it in good order: nobody new is taken, requests and plugins finish what they are at, the state is closed last; a second
//! signal ends it at once. It fails, with what to change, if the configuration is wrong, a place is taken, or another daemon has the state.

use super::End;
use crate::api::{Listeners, serve};
use crate::config::{ConfigFile, LogFormat, LogLevel, Logs};
use crate::host::{Host, Program};
use crate::output;
use anyhow::{Context, Result};
use clap::Args;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::level_filters::LevelFilter;

/// How long requests and plugins may finish what they are at.
const DRAIN: Duration = Duration::from_secs(30);

/// Starts the daemon.
#[derive(Debug, Args)]
pub(crate) struct Run {}

impl Run {
    pub(crate) fn run(self, configuration: &Path) -> Result<End> {
        let configuration = std::path::absolute(configuration).with_context(|| format!("can't find {}", configuration.display()))?;
        let file = ConfigFile::read(&configuration)?;
        log(&file.config.logs).context("can't log")?;
        let compiler = std::env::current_exe().context("can't find this program, which is its own compiler")?;
        let program = Program { configuration, compiler };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("can't start threads")?;
        runtime.block_on(run(&program, &file))?;
        Ok(End::Done)
    }
}

async fn run(program: &Program, file: &ConfigFile) -> Result<()> {
    let mut signals = Signals::new().context("can't listen to signals")?;
    let listeners = Listeners::bind(&file.config)?;
    let address = listeners.address();
    let host = tokio::select! {
        started = Host::start(program) => started?,
        name = signals.next() => {
            tracing::info!("{name} while starting: ends");
            return Ok(());
        }
    };
    let socket = file.config.host.socket();
    tracing::info!(socket = %socket.display(), http = address.map(tracing::field::display), active = host.readiness().active, "serves");
    let serving = tokio::spawn(serve(host.clone(), listeners));
    let name = signals.next().await;
    tracing::info!("{name}: stops; plugins have {} s to finish, another signal ends at once", DRAIN.as_secs());
    tokio::spawn(end_at_once(signals));
    stop(&host, serving).await
}

/// Nobody is served any more, then plugins finish, then the state is closed.
async fn stop(host: &Host, serving: tokio::task::JoinHandle<()>) -> Result<()> {
    let end = Instant::now() + DRAIN;
    host.begin_to_stop();
    let served = serving.await;
    host.stop(end.saturating_duration_since(Instant::now())).await;
    tracing::info!("stopped");
    served.context("serving requests failed")
}

/// Whoever signals twice doesn't want to wait.
async fn end_at_once(mut signals: Signals) {
    let name = signals.next().await;
    tracing::warn!("{name} again: ends at once");
    std::process::exit(1)
}

/// What asks the program to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The name of the next one.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Logs to standard error.
fn log(logs: &Logs) -> Result<(), tracing::subscriber::SetGlobalDefaultError> {
    let colours = output::colours_on(&std::io::stderr());
    let written = tracing_subscriber::fmt().with_max_level(level(logs.level)).with_writer(std::io::stderr).with_ansi(colours);
    match logs.format {
        LogFormat::Text => tracing::subscriber::set_global_default(written.finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(written.json().finish()),
    }
}

const fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
