//! Calls on a schedule, and what became of each.
//!
//! Several callers, each a thread, send calls when they are due, whatever has become of the earlier ones; a call's time runs from the moment it was due,
//! so whoever is kept waiting shows it. The plugin is told its generation's number by a setting and answers with it, so each answer says which
//! generation it comes from. One of another than those that served while the call ran is a failure like any other.

use super::noisy::sleep_exactly;
use super::swapped::Swap;
use crate::lab::tool_call;
use anyhow::{Result, anyhow};
use plugbay_runtime::{BeforeToolCall, Call, Fired, Plugin};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// Who calls.
const CALLERS: u32 = 4;

/// The tool whose name makes a plugin answer with its generation.
const TOOL: &str = "generation";

/// The longest that a call may take that was due before a swap began, to be one of those under way then.
const LONGEST: Duration = Duration::from_secs(2);

/// What became of one call.
#[derive(Debug, Clone)]
pub(super) struct Served {
    pub(super) due: Instant,
    pub(super) ended: Instant,
    /// What the plugin had counted; or why there is no good answer.
    pub(super) count: Result<u64, String>,
}

impl Served {
    /// How long the caller waited.
    pub(super) fn took(&self) -> Duration {
        self.ended.saturating_duration_since(self.due)
    }
}

/// What a plugin answers.
#[derive(Deserialize)]
struct Said {
    generation: u64,
    #[serde(default)]
    count: u64,
}

/// Callers of one plugin, at work.
pub(super) struct Load {
    ended: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Result<Vec<Served>>>>,
}

impl Load {
    /// Calls this plugin so often a second. Room for what becomes of the calls is made, and its memory touched, for this long.
    pub(super) fn start(runtime: &Handle, plugin: &Arc<Plugin>, rate: u32, room: Duration) -> Self {
        let (ended, begin) = (Arc::new(AtomicBool::new(false)), Instant::now() + Duration::from_millis(20));
        let apart = Duration::from_secs(1) * CALLERS / rate;
        let nothing = Served { due: begin, ended: begin, count: Ok(u64::MAX) };
        let callers = (0..CALLERS).map(|n| {
            let caller = Caller {
                runtime: runtime.clone(),
                plugin: plugin.clone(),
                ended: ended.clone(),
                begin: begin + apart * n / CALLERS,
                apart,
            };
            let mut served = vec![nothing.clone(); (room.as_secs_f64() / apart.as_secs_f64()) as usize];
            served.clear();
            thread::spawn(move || caller.send(served))
        });
        Self { callers: callers.collect(), ended }
    }

    /// Sends no more, waits for those that are under way, and answers what became of all, in the order in which they were due.
    pub(super) fn stop(self) -> Result<Vec<Served>> {
        self.ended.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for caller in self.callers {
            all.extend(caller.join().map_err(|_| anyhow!("a thread that sends calls ended early"))??);
        }
        all.sort_by_key(|served| served.due);
        Ok(all)
    }
}

/// One of those who call.
struct Caller {
    runtime: Handle,
    plugin: Arc<Plugin>,
    ended: Arc<AtomicBool>,
    begin: Instant,
    apart: Duration,
}

impl Caller {
    fn send(&self, mut served: Vec<Served>) -> Result<Vec<Served>> {
        sleep_exactly();
        let (call, event) = (Call::new(), Arc::new(tool_call(TOOL, &json!({}))));
        let mut under_way = JoinSet::new();
        let mut due = self.begin;
        while !self.ended.load(Ordering::Relaxed) {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            under_way.spawn_on(answered(self.plugin.clone(), call.clone(), event.clone(), due), &self.runtime);
            due += self.apart;
            while let Some(answer) = under_way.try_join_next() {
                served.push(answer?);
            }
        }
        self.runtime.block_on(async {
            while let Some(answer) = under_way.join_next().await {
                served.push(answer?);
            }
            Ok(served)
        })
    }
}

/// Calls once.
async fn answered(plugin: Arc<Plugin>, call: Call, event: Arc<Fired<BeforeToolCall>>, due: Instant) -> Served {
    let number = || plugin.generation().map_or(0, |generation| generation.number());
    let at_first = number();
    let answer = plugin.call(&call, &event).await;
    let ended = Instant::now();
    let text = answer.map_err(|e| e.to_string()).and_then(|d| d.params.ok_or_else(|| "no answer".to_owned()));
    let said = text.and_then(|text| serde_json::from_str::<Said>(text.as_str()).map_err(|e| format!("{e}: {}", text.as_str())));
    let count = said.and_then(|said| current(&said, at_first, number()).map(|()| said.count));
    Served { due, ended, count }
}

/// Whether an answer is one that its caller may get.
fn current(said: &Said, at_first: u64, at_last: u64) -> Result<(), String> {
    if (at_first..=at_last).contains(&said.generation) {
        return Ok(());
    }
    Err(format!("answered by generation {}, while {at_first} to {at_last} served", said.generation))
}

/// Failed calls, and a few words about them.
pub(super) fn failures(served: &[Served]) -> (usize, String) {
    let mut kinds: Vec<&str> = served.iter().filter_map(|s| s.count.as_ref().err()).map(String::as_str).collect();
    let failed = kinds.len();
    kinds.dedup();
    kinds.truncate(3);
    (failed, if kinds.is_empty() { "none failed".to_owned() } else { format!("{failed} failed: {}", kinds.join("; ")) })
}

/// The calls that were under way at some time during a swap, of calls in the order in which they were due.
pub(super) fn under_way(served: &[Served], swap: Swap) -> impl Iterator<Item = &Served> {
    let from = swap.began.checked_sub(LONGEST).map_or(0, |first| served.partition_point(|s| s.due < first));
    let to = served.partition_point(|s| s.due <= swap.ended);
    served.get(from..to).unwrap_or_default().iter().filter(move |s| s.ended >= swap.began)
}

/// This part of the way from the shortest to the longest, in microseconds; zero of none.
pub(super) fn quantile(times: impl IntoIterator<Item = Duration>, part: f64) -> f64 {
    let mut times: Vec<Duration> = times.into_iter().collect();
    times.sort_unstable();
    let at = (times.len() as f64 * part) as usize;
    times.get(at.min(times.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(count: Result<u64, String>) -> Served {
        let due = Instant::now();
        Served { due, ended: due + Duration::from_millis(3), count }
    }

    #[test]
    fn an_answer_of_a_generation_that_was_replaced_before_or_comes_after_is_none() {
        let said = |generation| Said { generation, count: 0 };
        assert!(current(&said(4), 4, 4).is_ok() && current(&said(5), 4, 5).is_ok());
        assert!(current(&said(3), 4, 5).unwrap_err().contains("generation 3, while 4 to 5"));
        assert!(current(&said(6), 4, 5).is_err());
    }

    #[test]
    fn failures_are_counted_and_named() {
        let all = [served(Ok(1)), served(Err("busy".to_owned())), served(Err("busy".to_owned()))];
        assert_eq!(failures(&all), (2, "2 failed: busy".to_owned()));
        assert_eq!(failures(&all[..1]), (0, "none failed".to_owned()));
        assert_eq!(all[0].took(), Duration::from_millis(3));
    }

    #[test]
    fn a_quantile_is_one_of_the_times() {
        let times = || (1..=100).map(Duration::from_micros);
        assert!((quantile(times(), 0.5) - 51.0).abs() < 1e-6 && (quantile(times(), 0.99) - 100.0).abs() < 1e-6);
        assert!((quantile(times(), 1.0) - 100.0).abs() < 1e-6 && quantile([], 0.5) == 0.0);
    }
}
