//! What a caller is told whose call a breaker doesn't let through. Costs its words only when somebody reads them.

use super::BreakerSettings;
use crate::id::PluginId;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// Why a call isn't let through.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    /// The breaker is open.
    #[error(
        "{} faults within {}, opening {openings} of {}, {}; last fault: {last_fault}",
        .settings.faults, told(.settings.window), .settings.openings, next(*.retry_in)
    )]
    Open {
        /// What it goes by.
        settings: BreakerSettings,
        /// Openings so far, with this one.
        openings: u32,
        /// For how long it has been open.
        open_for: Duration,
        /// When the next call is let through; `None` while a trial call is under way.
        retry_in: Option<Duration>,
        /// The last fault's words.
        last_fault: Arc<str>,
    },
    /// The plugin is quarantined.
    #[error("{why} (plugbay reset {plugin})")]
    Quarantined {
        /// The plugin.
        plugin: PluginId,
        /// Why.
        why: Arc<str>,
    },
}

fn next(retry_in: Option<Duration>) -> String {
    retry_in.map_or_else(|| "a trial call is under way".to_owned(), |left| format!("next try in {}", told(left)))
}

/// A duration as people say it: rounded up, since it tells how long to wait.
fn told(time: Duration) -> String {
    match time.as_millis() {
        0..1_000 => format!("{} ms", time.as_micros().div_ceil(1_000)),
        ms => format!("{} s", ms.div_ceil(1_000)),
    }
}
