//! What an operator decides about schedules.

use super::clock::ScheduleClock;
use plugbay_runtime::CatchUp;
use plugbay_runtime::state::SystemClock;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// How jobs of plugins are kept and run.
#[derive(Debug, Clone)]
pub struct ScheduleSettings {
    /// Jobs that a plugin may have (setting `schedule.jobs`).
    pub jobs: NonZeroUsize,
    /// Jobs that are run at the same time (setting `schedule.concurrent`). A turn counts until it has its place in its session's line;
    /// a plugin has no more of them than are left.
    pub concurrent: NonZeroUsize,
    /// What becomes of times that passed while the host was down, where the plugin doesn't say (setting `schedule.catch-up`).
    pub catch_up: CatchUp,
    /// What tells the time.
    pub clock: Arc<dyn ScheduleClock>,
}

impl Default for ScheduleSettings {
    fn default() -> Self {
        Self {
            jobs: NonZeroUsize::MIN.saturating_add(99),
            concurrent: NonZeroUsize::MIN.saturating_add(31),
            catch_up: CatchUp::Once,
            clock: Arc::new(SystemClock),
        }
    }
}
