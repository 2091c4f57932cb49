//! A good plugin that is called for as long as a row lasts: what others do must not keep it from answering.
//!
//! Costs a call every two milliseconds, and between rows nothing. It can't fail by itself: calls that had no answer are counted, with what the first of them said.

use crate::lab::{Lab, granted, tool_call};
use anyhow::Result;
use plugbay_guests::odd;
use plugbay_runtime::{Call, Plugin};
use serde::Serialize;
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The plugin's id.
const ID: &str = "bystander";

/// How often it is called.
const PACE: Duration = Duration::from_millis(2);

/// What was seen of the bystander during a row.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Watch {
    /// Calls that were answered.
    pub answered: u64,
    /// Calls that weren't.
    pub failed: u64,
    /// What the first of those said.
    pub first_failure: Option<String>,
    /// The longest time without an answer, in milliseconds.
    pub longest_gap_ms: f64,
}

struct State {
    watch: Watch,
    /// When the last answer came.
    last: Instant,
}

struct Shared {
    plugin: Arc<Plugin>,
    state: Mutex<State>,
}

/// The good plugin and the task that calls it.
pub(super) struct Bystander {
    shared: Arc<Shared>,
    called: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Bystander {
    /// Loads the plugin. It is called when a row begins.
    pub(super) async fn start(lab: &Lab) -> Result<Self> {
        let (plugin, _) = lab.load(ID, &odd::good(ID), granted()).await?;
        let state = Mutex::new(State { watch: Watch::default(), last: Instant::now() });
        let shared = Arc::new(Shared { plugin, state });
        let (called, mut is_called) = watch::channel(false);
        let theirs = shared.clone();
        let task = tokio::spawn(async move {
            while is_called.wait_for(|called| *called).await.is_ok() {
                theirs.ask().await;
                tokio::time::sleep(PACE).await;
            }
        });
        Ok(Self { shared, called, task })
    }

    /// Begins a row.
    pub(super) fn begin(&self) {
        *self.shared.state() = State { watch: Watch::default(), last: Instant::now() };
        self.called.send_replace(true);
    }

    /// Ends a row: one more call, so that even the shortest row has one, and what was seen.
    pub(super) async fn end(&self) -> Watch {
        self.called.send_replace(false);
        self.shared.ask().await;
        std::mem::take(&mut self.shared.state().watch)
    }

    /// Leaves it alone, without so much as a timer, or goes on: for measuring what else uses the processor.
    pub(super) fn pause(&self, paused: bool) {
        self.called.send_replace(!paused);
        self.shared.state().last = Instant::now();
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn ask(&self) {
        let answer = self.plugin.call(&Call::new(), &tool_call("harmless", &json!({}))).await;
        let mut state = self.state();
        let gap = state.last.elapsed().as_secs_f64() * 1_000.0;
        state.last = Instant::now();
        state.watch.longest_gap_ms = state.watch.longest_gap_ms.max(gap);
        match answer {
            Ok(_) => state.watch.answered += 1,
            Err(error) => {
                state.watch.failed += 1;
                state.watch.first_failure.get_or_insert_with(|| error.to_string());
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
