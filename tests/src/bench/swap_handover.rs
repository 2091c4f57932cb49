//! `swap-handover`: how long callers wait while 64 KiB of memory go from one version to the next, and whether anything in it is lost.
//!
//! 5,000 calls a second, a thousand swaps. The pause of a swap is the longest that any call took, from the moment it was due, of all calls that were
//! under way at some time between the swap's beginning and its end. Nothing is taken off: what a call itself takes and what the machine does meanwhile are
//! in it, and what the same spans of time show without swaps is said beside it. Each call is counted by the plugin in the memory that is
//! handed over and answered with the count, so each number from one to the number of calls has to be answered once; those that aren't are lost.

use super::load::{Load, Served, failures, quantile, under_way};
use super::row::Row;
use super::swap_storm::{FIRST, RATE, ROOM, SWAPS, swaps_in_words};
use super::swapped::{Swap, Swapped};
use anyhow::Result;
use plugbay_guests::built::BENCH_COUNTER;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How long calls are looked at without swaps.
const QUIET: Duration = Duration::from_secs(5);

pub(super) fn handover(runtime: &Runtime) -> Result<Vec<Row>> {
    let swapped = runtime.block_on(Swapped::new("handover", BENCH_COUNTER))?;
    let load = Load::start(runtime.handle(), &swapped.plugin, RATE, ROOM);
    let begin = Instant::now();
    thread::sleep(QUIET);
    let end = Instant::now();
    runtime.block_on(swapped.swap_times(FIRST))?;
    let swaps = runtime.block_on(swapped.swap_times(SWAPS))?;
    let served = load.stop()?;
    let (failed, words) = failures(&served);
    let pauses = |spans: &[Swap], part| quantile(spans.iter().map(|span| pause(&served, *span)), part) / 1e3;
    let quiet = like(&swaps, begin, end);
    let row = Row::alone("swap-handover", "pause p99, ms", pauses(&swaps, 0.99), 2.0)
        .note(format!(
            "pauses: p50 {:.2}, longest {:.2}; the same spans without swaps: p50 {:.2}, p99 {:.2}, longest {:.2}",
            pauses(&swaps, 0.5),
            pauses(&swaps, 1.0),
            pauses(&quiet, 0.5),
            pauses(&quiet, 0.99),
            pauses(&quiet, 1.0)
        ))
        .note(format!("{} calls, {RATE} a second; {words}; {}", served.len(), swaps_in_words(&swaps)));
    let lost = Row::alone("swap-handover-lost", "counts", lost(&served) as f64, 0.0).note(format!(
        "{} calls answered of {}, over {} swaps",
        served.len() - failed,
        served.len(),
        FIRST + SWAPS
    ));
    Ok(vec![row, lost])
}

/// The longest that a call took which was under way during this span.
fn pause(served: &[Served], span: Swap) -> Duration {
    under_way(served, span).map(Served::took).max().unwrap_or_default()
}

/// As many spans of time, as long as these, as there is room for between `begin` and `end`.
fn like(swaps: &[Swap], begin: Instant, end: Instant) -> Vec<Swap> {
    let mut spans = Vec::new();
    let mut began = begin;
    for swap in swaps {
        let ended = began + swap.ended.saturating_duration_since(swap.began);
        if ended > end {
            break;
        }
        spans.push(Swap { began, ended });
        began = ended;
    }
    spans
}

/// Numbers from one to the number of calls that no call was answered with.
fn lost(served: &[Served]) -> usize {
    let mut counts: Vec<u64> = served.iter().filter_map(|s| s.count.as_ref().ok().copied()).collect();
    counts.sort_unstable();
    counts.dedup();
    let calls = served.len() as u64;
    served.len() - counts.iter().filter(|count| (1..=calls).contains(count)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(begin: Instant, due: u64, ended: u64, count: u64) -> Served {
        let at = |ms| begin + Duration::from_millis(ms);
        Served { due: at(due), ended: at(ended), count: Ok(count) }
    }

    fn span(begin: Instant, began: u64, ended: u64) -> Swap {
        Swap { began: begin + Duration::from_millis(began), ended: begin + Duration::from_millis(ended) }
    }

    #[test]
    fn the_pause_is_the_longest_call_that_was_under_way() {
        let begin = Instant::now();
        let all = [served(begin, 0, 9, 1), served(begin, 8, 14, 2), served(begin, 12, 14, 3), served(begin, 21, 51, 4)];
        assert_eq!(pause(&all, span(begin, 10, 20)), Duration::from_millis(6));
        assert_eq!(pause(&all, span(begin, 9, 21)), Duration::from_millis(30));
        assert_eq!(pause(&all, span(begin, 60, 70)), Duration::ZERO);
    }

    #[test]
    fn quiet_spans_are_as_long_as_the_swaps_and_end_in_time() {
        let begin = Instant::now();
        let swaps = [span(begin, 100, 102), span(begin, 200, 205), span(begin, 300, 304)];
        let quiet = like(&swaps, begin, begin + Duration::from_millis(10));
        assert_eq!(quiet.iter().map(|s| s.ended - s.began).collect::<Vec<_>>(), [2, 5].map(Duration::from_millis));
    }

    #[test]
    fn a_count_that_comes_twice_or_never_is_lost() {
        let begin = Instant::now();
        let counted = |counts: &[u64]| lost(&counts.iter().map(|n| served(begin, 0, 1, *n)).collect::<Vec<_>>());
        assert_eq!(counted(&[2, 1, 3]), 0);
        assert_eq!(counted(&[1, 2, 2]), 1);
        assert_eq!(counted(&[1, 2, 4]), 1);
        let failed = Served { count: Err("busy".to_owned()), ..served(begin, 0, 1, 0) };
        assert_eq!(lost(&[served(begin, 0, 1, 1), failed]), 1);
    }
}
