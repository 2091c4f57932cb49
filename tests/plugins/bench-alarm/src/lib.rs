//! What the benchmarks of the schedule have told: it counts, and writes nothing down, so that what is measured is the host's.
//!
//! `told` answers how many due times it was told of, and of how many jobs.

#![forbid(unsafe_code)]

use plugbay_sdk::prelude::*;
use std::collections::HashSet;

#[derive(Default)]
struct BenchAlarm {
    told: u64,
    jobs: HashSet<String>,
}

#[plugin(isolation(shared))]
impl BenchAlarm {
    fn timers(&mut self, _: &Call, event: Timer) -> Result<()> {
        self.told += 1;
        self.jobs.insert(event.job);
        Ok(())
    }

    /// What it was told.
    #[action(scopes("operator.read"))]
    fn told(&self, _: &Call) -> Result<ActionResult> {
        ActionResult::done().result(&json!({ "told": self.told, "jobs": self.jobs.len() }))
    }
}
