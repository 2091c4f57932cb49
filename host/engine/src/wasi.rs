//! WASI as an empty world: clocks, random numbers and output are real; there are no files, no addresses, no variables and no arguments.
//!
//! Language runtimes import far more of WASI than they use, so everything is linked, and what isn't there is answered as absent, never by
//! a trap. Output goes to the plugin's [`Log`](crate::log::Log). A sealed world is the same with clocks that stand still and random numbers that are fixed, for
//! calls whose answer must be the same each time.

use crate::log::{Level, Lines, Log, lock};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtx};

/// Random bytes that one host call may ask for.
const RANDOM: u64 = 1 << 20;

/// Bytes that one write may have.
const WRITE: usize = 64 << 10;

/// Which world a cell sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// Clocks and random numbers are real.
    Open,
    /// Clocks stand still and random numbers are fixed.
    Sealed,
}

/// A cell's WASI context, and the end of its stderr.
pub(crate) fn context(world: World, log: &Arc<Log>) -> (WasiCtx, Arc<Mutex<Lines>>) {
    let stdout = Stream::new(log, Level::Info);
    let stderr = Stream::new(log, Level::Error);
    let last = stderr.0.clone();
    let mut wasi = WasiCtx::builder();
    wasi.stdout(stdout).stderr(stderr).max_random_size(RANDOM);
    if world == World::Sealed {
        wasi.wall_clock(Stopped)
            .monotonic_clock(Stopped)
            .insecure_random_seed(7)
            .secure_random(Deterministic::new(vec![7]))
            .insecure_random(Deterministic::new(vec![7]));
    }
    (wasi.build(), last)
}

/// A clock that stands still.
struct Stopped;

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Stopped {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}

/// An output stream that takes everything at once. (The stream that wasmtime-wasi would make of an `AsyncWrite` grows without bound under empty
/// writes, and its memory pipe reports a closed stream once it is full, which makes a guest's `println!` panic.)
#[derive(Clone)]
struct Stream(Arc<Mutex<Lines>>);

impl Stream {
    fn new(log: &Arc<Log>, level: Level) -> Self {
        Self(Arc::new(Mutex::new(Lines::new(log.clone(), level))))
    }
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink()) // only WASI 0.3 asks for it, and that isn't linked
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        if bytes.len() > WRITE {
            return Err(StreamError::trap("more was written than `check-write` allows"));
        }
        lock(&self.0).write(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}
