//! `noisy-neighbour`: how long a good plugin's callers wait beside a plugin that spins.
//!
//! 2,000 calls a second come in on their own schedule, whatever has become of the earlier ones, and each one's time runs from the moment it was
//! due. Windows with and without a spinner take turns. The spinner never gives anything back by itself: it is killed at its limit, and called
//! again at once. The bar is twice the good plugin's own p99 plus one tick of 1 ms, so the ratio is taken after the tick was taken off.

use super::rounds::median;
use super::row::Row;
use super::stage::Stage;
use crate::lab::{granted, tool_call};
use anyhow::{Result, ensure};
use plugbay_guests::odd;
use plugbay_runtime::engine::{Cpu, Limits, TICK};
use plugbay_runtime::{BeforeToolCall, Call, Fired, Plugin, Settings};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, Runtime};

/// Windows of each kind.
const WINDOWS: usize = 7;

/// Calls of one window.
const CALLS: u32 = 4_000;

/// Between two calls: 2,000 a second.
const APART: Duration = Duration::from_micros(500);

/// Processor time after which the spinner is killed.
const SPIN: Duration = Duration::from_millis(200);

pub(super) fn neighbours(runtime: &Runtime) -> Result<Vec<Row>> {
    let stage = runtime.block_on(Stage::bench_guest())?;
    let limits = Limits { cpu: Cpu::Fixed(SPIN), ..Limits::default() };
    let (spinner, _) = runtime.block_on(stage.lab.load("spin", &odd::spin(), Settings { limits, ..granted() }))?;
    let load = Load { runtime: runtime.handle(), plugin: &stage.plugin };
    load.window()?; // doesn't count
    let (mut alone, mut beside, mut kills) = (Vec::new(), Vec::new(), 0);
    for _ in 0..WINDOWS {
        alone.push(load.window()?);
        let spinning = Spinning::start(runtime.handle(), spinner.clone());
        beside.push(load.window()?);
        kills += spinning.stop(runtime)?;
    }
    ensure!(kills >= WINDOWS as u64, "the spinner was killed {kills} times");
    Ok(vec![row(&alone, &beside, kills)])
}

fn row(alone: &[f64], beside: &[f64], kills: u64) -> Row {
    let tick = TICK.as_secs_f64() * 1e6;
    let (own, theirs) = (median(alone.to_vec()), median(beside.to_vec()));
    let ratio = (theirs - tick).max(0.0) / own;
    let list = |p99s: &[f64]| p99s.iter().map(|p99| format!("{p99:.0}")).collect::<Vec<_>>().join(" ");
    Row::compared(("noisy-neighbour", "us"), theirs, (own, "its own p99"), ratio, 2.0)
        .note(format!("p99 of each window alone: {}; beside the spinner: {} (killed {kills} times)", list(alone), list(beside)))
        .note("ratio: one tick of 1 ms taken off")
}

/// Calls on a schedule.
struct Load<'a> {
    runtime: &'a Handle,
    plugin: &'a Arc<Plugin>,
}

impl Load<'_> {
    /// One window's p99, in microseconds.
    fn window(&self) -> Result<f64> {
        let event = Arc::new(tool_call("echo", &json!({ "command": "ls" })));
        let call = Call::new();
        let calls: Vec<_> = thread::scope(|scope| {
            let send = || {
                sleep_exactly();
                let begin = Instant::now();
                let due = |n: u32| begin + APART * n;
                (0..CALLS).map(|n| self.send(due(n), &call, &event)).collect()
            };
            scope.spawn(send).join().unwrap_or_default()
        });
        ensure!(calls.len() == CALLS as usize, "the thread that sends the calls ended early");
        let mut times = self.runtime.block_on(async {
            let mut times = Vec::with_capacity(calls.len());
            for call in calls {
                times.push(call.await??);
            }
            anyhow::Ok(times)
        })?;
        times.sort_unstable();
        let p99 = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
        Ok(p99.as_secs_f64() * 1e6)
    }

    /// Sends one call when it is due.
    fn send(&self, due: Instant, call: &Call, event: &Arc<Fired<BeforeToolCall>>) -> tokio::task::JoinHandle<Result<Duration>> {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let (plugin, call, event) = (self.plugin.clone(), call.clone(), event.clone());
        self.runtime.spawn(async move {
            plugin.call(&call, &event).await?;
            Ok(due.elapsed())
        })
    }
}

/// Asks the kernel not to let this thread sleep 50 us too long. Where it refuses, both kinds of windows are as much off.
pub(super) fn sleep_exactly() {
    let thread = fs::read_link("/proc/thread-self").ok();
    if let Some(id) = thread.as_deref().and_then(|link| link.file_name()) {
        let _ = fs::write(Path::new("/proc").join(id).join("timerslack_ns"), "1");
    }
}

/// A spinner that is called back to back.
struct Spinning {
    ended: Arc<AtomicBool>,
    kills: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Spinning {
    fn start(runtime: &Handle, spinner: Arc<Plugin>) -> Self {
        let (ended, kills) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stop, count) = (ended.clone(), kills.clone());
        let task = runtime.spawn(async move {
            let (call, event) = (Call::new(), tool_call("any", &json!({})));
            while !stop.load(Ordering::Relaxed) {
                if spinner.call(&call, &event).await.is_err() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { ended, kills, task }
    }

    /// Lets the last call run into its limit; how many did.
    fn stop(self, runtime: &Runtime) -> Result<u64> {
        self.ended.store(true, Ordering::Relaxed);
        runtime.block_on(self.task)?;
        Ok(self.kills.load(Ordering::Relaxed))
    }
}
