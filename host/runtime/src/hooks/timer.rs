//! `timers`: a plugin's own timer is due. When that is, and that no run overlaps another, is the gateway's.

use super::lowered::{Lowered, event};
use crate::grant::Grant;
use crate::hook::{Hook, Malformed, Mode};
use crate::json::Json;
use crate::wire::exports::plugbay::plugin::timers as wire;
use crate::wire::types::CauseKind;
use std::time::Duration;

/// The hook.
#[derive(Debug, Clone, Copy)]
pub struct Timers;

event! {
    /// A timer that is due.
    TimerDue => wire::Event {
        /// The job.
        job: String,
        /// The name that the plugin gave it.
        name: Option<String>,
        /// Its tag.
        tag: Option<String>,
        /// What the plugin wanted to be told.
        payload: Option<Json>,
        /// When it was due, in milliseconds since 1970.
        due_at: u64,
        /// When it is due next, in milliseconds since 1970.
        next_at: Option<u64>,
    }
}

impl Hook for Timers {
    const NAME: &'static str = "timers";
    const MODE: Mode = Mode::Direct;
    const CAUSE: CauseKind = CauseKind::Timer;
    const BUDGET: Duration = Duration::from_secs(30);
    const GRANTS: &'static [Grant] = &[];

    type Event = TimerDue;
    type Wire = wire::Event;
    type Answer = ();
    type Outcome = ();

    fn lower(event: TimerDue) -> wire::Event {
        event.lowered()
    }

    fn lift((): ()) -> Result<(), Malformed> {
        Ok(())
    }

    fn size((): &()) -> usize {
        0
    }
}
