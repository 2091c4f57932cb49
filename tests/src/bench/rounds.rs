//! Two ways to do the same, measured in turn.
//!
//! Who goes first changes with each round, so that neither has the warmer cache. Medians throughout: one disturbed round changes nothing.

use super::row::Row;
use anyhow::Result;
use std::time::{Duration, Instant};

/// What the rounds gave, in the same unit for both.
#[derive(Debug, Default)]
pub(super) struct Compared {
    ours: Vec<f64>,
    baseline: Vec<f64>,
}

impl Compared {
    /// Measures both in so many rounds, after one that doesn't count.
    pub(super) async fn measure(
        rounds: usize,
        mut ours: impl AsyncFnMut() -> Result<f64>,
        mut baseline: impl AsyncFnMut() -> Result<f64>,
    ) -> Result<Self> {
        ours().await?;
        baseline().await?;
        let mut compared = Self::default();
        for round in 0..rounds {
            if round % 2 == 0 {
                compared.ours.push(ours().await?);
                compared.baseline.push(baseline().await?);
            } else {
                compared.baseline.push(baseline().await?);
                compared.ours.push(ours().await?);
            }
        }
        Ok(compared)
    }

    /// The median of the rounds' ratios.
    pub(super) fn ratio(&self) -> f64 {
        median(self.ours.iter().zip(&self.baseline).map(|(ours, baseline)| ours / baseline).collect())
    }

    /// The row of this comparison.
    pub(super) fn row(&self, name: (&'static str, &'static str), baseline_name: &'static str, bar: f64) -> Row {
        let (ours, baseline) = (median(self.ours.clone()), median(self.baseline.clone()));
        Row::compared(name, ours, (baseline, baseline_name), self.ratio(), bar)
    }
}

/// The middle one; zero of none.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Nanoseconds of each of `times` that began at `start`.
pub(super) fn nanos_each(start: Instant, times: u32) -> f64 {
    per(start.elapsed(), times)
}

/// Nanoseconds of each of `times` that took this long together.
pub(super) fn per(time: Duration, times: u32) -> f64 {
    time.as_nanos() as f64 / f64::from(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_the_middle_round() {
        let compared = Compared { ours: vec![2.0, 30.0, 6.0], baseline: vec![1.0, 10.0, 1.0] };
        assert!((compared.ratio() - 3.0).abs() < 1e-9);
        assert!((median(vec![5.0, 1.0, 3.0]) - 3.0).abs() < 1e-9);
    }
}
