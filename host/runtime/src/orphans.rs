//! Timers that a new version would orphan: a component that doesn't export `timers` isn't published where timers of the plugin wait. It is held until somebody asks again, so that
//! the timers can come, or be cancelled, meanwhile.
//!
//! Costs one question to whoever keeps the jobs, for components without `timers` only. Whoever comes back by a rollback isn't asked, nor who runs with other settings.

use crate::error::{Reason, Step};
use crate::generation::Generation;
use crate::hook::Hook;
use crate::hooks::Timers;
use crate::plugin::Plugin;
use crate::prepare::Refusal;
use crate::services::PluginJob;
use crate::swap::Yard;

impl Yard {
    /// Whether timers of the plugin wait that this generation couldn't be told of.
    pub(crate) async fn orphans_nothing(&self, plugin: &Plugin, generation: &Generation) -> Result<(), Refusal> {
        if generation.surface().exports.contains(Timers::NAME) {
            return Ok(());
        }
        let unknown =
            |e| (Step::Gates, Reason::Gate(format!("it doesn't export `timers`, and whether timers of the plugin wait isn't known: {e}")));
        let waiting = self.host.services.waiting_timers(plugin.id()).await.map_err(unknown)?;
        if waiting.is_empty() {
            return Ok(());
        }
        let jobs = waiting.iter().map(words).collect();
        Err((Step::Gates, Reason::Orphans { jobs }).into())
    }
}

/// A timer, as an operator may look for it.
fn words(job: &PluginJob) -> String {
    let name = job.name.as_ref().map(|name| format!(" ({name:?})")).unwrap_or_default();
    let next = job.next_at.map_or_else(|| "running for the last time".to_owned(), |at| format!("due {}", moment(at)));
    format!("`{}`{name}, {next}", job.id)
}

/// A moment, in milliseconds since 1970, as people read it.
fn moment(at: u64) -> String {
    let known = i64::try_from(at).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    known.map_or_else(|| format!("{at} ms after 1970"), |known| format!("{known:.0}"))
}

#[cfg(test)]
mod tests;
