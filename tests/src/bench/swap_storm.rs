//! `swap-storm`: a plugin that is called 5,000 times a second, and swapped a thousand times meanwhile.
//!
//! The swaps follow each other without a pause, between two components without handover. A call fails if it is refused, or answered by a generation
//! that didn't serve while the call ran. When the calls have ended no cell of a replaced generation may be left, and from the first swaps, which
//! don't count, to the last the process may grow by 5 MiB. A few seconds.

use super::idle::Memory;
use super::load::{Load, failures, quantile};
use super::row::Row;
use super::swapped::{Swap, Swapped};
use anyhow::Result;
use plugbay_guests::built::BENCH_GUEST;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Calls a second.
pub(super) const RATE: u32 = 5_000;

/// Swaps that count.
pub(super) const SWAPS: usize = 1_000;

/// Swaps that come first.
pub(super) const FIRST: usize = 200;

/// How long all of it takes at most, as far as memory is set aside for it.
pub(super) const ROOM: Duration = Duration::from_secs(60);

/// How often, and how far apart, it is looked whether the last cells have ended.
const LOOKS: (u32, Duration) = (500, Duration::from_millis(10));

pub(super) fn storm(runtime: &Runtime) -> Result<Vec<Row>> {
    let swapped = runtime.block_on(Swapped::new("storm", BENCH_GUEST))?;
    let load = Load::start(runtime.handle(), &swapped.plugin, RATE, ROOM);
    runtime.block_on(swapped.swap_times(FIRST))?;
    let before = Memory::now()?;
    let (swaps, most) = runtime.block_on(swap_and_count(&swapped))?;
    let after = Memory::now()?;
    let served = load.stop()?;
    let left = runtime.block_on(last_cells(&swapped));
    let (failed, words) = failures(&served);
    let took = |part| quantile(served.iter().map(|s| s.took()), part);
    let mib = |before: u64, after: u64| (after as f64 - before as f64) / 1024.0;
    let storm = Row::alone("swap-storm", "failed calls", failed as f64, 0.0)
        .note(format!(
            "{} calls, {RATE} a second; {words}; p50 {:.0} us, p99 {:.0} us, longest {:.0} us",
            served.len(),
            took(0.5),
            took(0.99),
            took(1.0)
        ))
        .note(swaps_in_words(&swaps));
    let cells = Row::alone("swap-storm-cells", "cells", left as f64, 0.0)
        .note(format!("cells of replaced generations right after a swap: at most {most}"));
    let rss = Row::alone("swap-storm-rss-mib", "MiB", mib(before.resident, after.resident), 5.0).note(format!(
        "resident, from swap {FIRST} to swap {}; anonymous: {:.2}",
        FIRST + SWAPS,
        mib(before.anonymous, after.anonymous)
    ));
    Ok(vec![storm, cells, rss])
}

/// Swaps, and the most cells of replaced generations that there were after one.
async fn swap_and_count(swapped: &Swapped) -> Result<(Vec<Swap>, usize)> {
    let (mut swaps, mut most) = (Vec::with_capacity(SWAPS), 0);
    for _ in 0..SWAPS {
        swaps.push(swapped.swap().await?);
        most = most.max(swapped.lab.plugins.retired_cells());
    }
    Ok((swaps, most))
}

/// Cells of replaced generations, once they had time to end.
async fn last_cells(swapped: &Swapped) -> usize {
    let (looks, apart) = LOOKS;
    for _ in 0..looks {
        if swapped.lab.plugins.retired_cells() == 0 {
            return 0;
        }
        tokio::time::sleep(apart).await;
    }
    swapped.lab.plugins.retired_cells()
}

/// How long swaps took.
pub(super) fn swaps_in_words(swaps: &[Swap]) -> String {
    let took = |part| quantile(swaps.iter().map(|s| s.ended.saturating_duration_since(s.began)), part) / 1e3;
    let all = swaps.first().zip(swaps.last()).map_or(Duration::ZERO, |(first, last)| last.ended.saturating_duration_since(first.began));
    let rate = swaps.len() as f64 / all.as_secs_f64();
    format!(
        "{} swaps, {rate:.0} a second; each p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        swaps.len(),
        took(0.5),
        took(0.99),
        took(1.0)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn swaps_are_put_into_words() {
        let began = Instant::now();
        let swaps = [1_u64, 3].map(|ms| Swap { began, ended: began + Duration::from_millis(ms) });
        assert_eq!(swaps_in_words(&swaps), "2 swaps, 667 a second; each p50 3.0 ms, p99 3.0 ms, longest 3.0 ms");
    }
}
