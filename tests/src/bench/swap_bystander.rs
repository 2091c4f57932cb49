//! `swap-bystander`: whether another plugin's callers notice that a plugin is swapped.
//!
//! Both are called on a schedule all the time, one 5,000 times a second and the bystander 1,000 times. Windows in which the first is swapped fifty times a
//! second, some 1,500 times in all, take turns with windows in which it isn't. Back to back, some 730 times a second, swaps take a core of their own: on a
//! machine of two the bystander's p50 was 1.46 times its own then, which misses the bar. So that the calm between swaps hides nothing, what calls took
//! that were under way during a swap is said beside the rows. The bar for the p99 is twice its own plus one tick of 1 ms, so the ratio is taken after
//! the tick was taken off. A minute.

use super::load::{Load, Served, failures, quantile, under_way};
use super::rounds::median;
use super::row::Row;
use super::swap_storm::RATE;
use super::swapped::{Swap, Swapped, settings};
use anyhow::{Result, ensure};
use plugbay_guests::built::BENCH_GUEST;
use plugbay_runtime::Plugin;
use plugbay_runtime::engine::TICK;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Windows of each kind.
const WINDOWS: usize = 15;

/// How long each is.
const WINDOW: Duration = Duration::from_secs(2);

/// Calls of the bystander, a second.
const BYSTANDER: u32 = 1_000;

/// From the beginning of a swap to that of the next.
const APART: Duration = Duration::from_millis(20);

/// What windows of one kind gave, in microseconds.
#[derive(Default)]
struct Seen {
    p50: Vec<f64>,
    p99: Vec<f64>,
    swaps: usize,
    /// Of calls that were under way during a swap.
    meanwhile: Vec<Duration>,
}

pub(super) fn bystander(runtime: &Runtime) -> Result<Vec<Row>> {
    let swapped = runtime.block_on(Swapped::new("swapped", BENCH_GUEST))?;
    let load = swapped.lab.load_built("bench-guest", BENCH_GUEST, settings(1));
    let (bystander, _) = runtime.block_on(load)?;
    let scene = Scene { runtime, swapped, bystander };
    scene.window(true, &mut Seen::default())?; // doesn't count
    let (mut alone, mut beside) = (Seen::default(), Seen::default());
    for round in 0..WINDOWS {
        let swapping_first = round % 2 == 1;
        for swapping in [swapping_first, !swapping_first] {
            scene.window(swapping, if swapping { &mut beside } else { &mut alone })?;
        }
    }
    ensure!(alone.swaps == 0 && beside.swaps >= WINDOWS, "{} and {} swaps", alone.swaps, beside.swaps);
    Ok(rows(&alone, &beside))
}

fn rows(alone: &Seen, beside: &Seen) -> Vec<Row> {
    let meanwhile = |part| quantile(beside.meanwhile.iter().copied(), part);
    let tick = TICK.as_secs_f64() * 1e6;
    let list = |times: &[f64]| times.iter().map(|time| format!("{time:.0}")).collect::<Vec<_>>().join(" ");
    let windows = |alone: &[f64], beside: &[f64]| format!("windows without swaps: {}; with: {}", list(alone), list(beside));
    let (own, theirs) = (median(alone.p99.clone()), median(beside.p99.clone()));
    let late = Row::compared(("swap-bystander", "p99, us"), theirs, (own, "its own, no swaps"), (theirs - tick).max(0.0) / own, 2.0)
        .note(windows(&alone.p99, &beside.p99))
        .note(format!("ratio: one tick of 1 ms taken off; {} swaps in {WINDOWS} windows", beside.swaps))
        .note(format!(
            "calls under way during a swap, in all windows: {}, p50 {:.0} us, p99 {:.0} us",
            beside.meanwhile.len(),
            meanwhile(0.5),
            meanwhile(0.99)
        ));
    let (own, theirs) = (median(alone.p50.clone()), median(beside.p50.clone()));
    let usual = Row::compared(("swap-bystander-p50", "p50, us"), theirs, (own, "its own, no swaps"), theirs / own, 1.2);
    vec![late, usual.note(windows(&alone.p50, &beside.p50))]
}

/// Who is there.
struct Scene<'a> {
    runtime: &'a Runtime,
    swapped: Swapped,
    bystander: Arc<Plugin>,
}

impl Scene<'_> {
    /// One window. Nobody's call may fail in it.
    fn window(&self, swapping: bool, seen: &mut Seen) -> Result<()> {
        let first = Load::start(self.runtime.handle(), &self.swapped.plugin, RATE, WINDOW);
        let other = Load::start(self.runtime.handle(), &self.bystander, BYSTANDER, WINDOW);
        let swaps = self.runtime.block_on(self.pass(swapping))?;
        let (other, first) = (other.stop()?, first.stop()?);
        for (who, served) in [("swapped", &first), ("bystander", &other)] {
            let (failed, words) = failures(served);
            ensure!(failed == 0, "calls of the {who} one: {words}");
        }
        seen.swaps += swaps.len();
        seen.meanwhile.extend(swaps.iter().flat_map(|swap| under_way(&other, *swap)).map(Served::took));
        seen.p50.push(quantile(other.iter().map(|s| s.took()), 0.5));
        seen.p99.push(quantile(other.iter().map(|s| s.took()), 0.99));
        Ok(())
    }

    /// Lets a window's time pass; the swaps that were made meanwhile.
    async fn pass(&self, swapping: bool) -> Result<Vec<Swap>> {
        let (end, mut swaps) = (Instant::now() + WINDOW, Vec::new());
        while swapping && Instant::now() < end {
            let swap = self.swapped.swap().await?;
            swaps.push(swap);
            tokio::time::sleep_until((swap.began + APART).into()).await;
        }
        tokio::time::sleep_until(end.into()).await;
        Ok(swaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bars_are_those_of_the_design() {
        let seen = |p50: f64, p99: f64| Seen { p50: vec![p50; 3], p99: vec![p99; 3], ..Seen::default() };
        let met = |beside| rows(&seen(100.0, 500.0), &beside).iter().map(|row| row.met).collect::<Vec<_>>();
        assert_eq!(met(seen(119.0, 1_999.0)), [true, true]);
        assert_eq!(met(seen(121.0, 2_001.0)), [false, false]);
    }
}
