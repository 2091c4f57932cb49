//! What is due is found and begun: a task that waits for the next moment, claims what has come, and lets each run in a task of its own.
//!
//! It claims no more than may run, so that a host that dies has begun little. Where something is due of a plugin that doesn't serve, it looks again each second. A state that can't be read is
//! logged, and asked again a second later.

use super::Schedule;
use super::places::{Free, Room};
use super::run::Running;
use crate::gateway::{Gateway, Inner};
use plugbay_runtime::state::{StateError, WorkBounds};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Jobs that are claimed at once.
const BATCH: usize = 64;
/// How long before it looks again where it can't know when there is something to do.
pub(super) const AGAIN: Duration = Duration::from_secs(1);
/// A moment that nothing is due at.
const FAR: u64 = u64::MAX;

impl Schedule {
    /// Settles what a host before this one didn't end, and begins to look for what is due.
    ///
    /// # Errors
    /// If the state can't be read or written. Answers how many runs nobody knows the end of.
    pub(crate) async fn begin(&self, gateway: &Arc<Inner>) -> Result<usize, StateError> {
        let lost = self.0.store.recover_jobs().await?;
        for job in &lost {
            self.lost(job).await?;
        }
        let _ = self.0.began_at.set(self.now());
        let rounds = Rounds { schedule: self.clone(), gateway: Arc::downgrade(gateway), closing: gateway.closing.clone() };
        tokio::spawn(rounds.go());
        Ok(lost.len())
    }
}

struct Rounds {
    schedule: Schedule,
    gateway: Weak<Inner>,
    closing: CancellationToken,
}

/// What a look found.
enum Found {
    /// There may be more that is due already.
    More,
    /// Nothing is due before this moment.
    Nothing { until: u64, then: Duration },
}

impl Rounds {
    async fn go(self) {
        let closing = self.closing.clone();
        let _ = closing
            .run_until_cancelled(async {
                while let Some(free) = self.schedule.0.places.free(BATCH).await {
                    let Some(gateway) = self.gateway.upgrade().map(Gateway) else { return };
                    let found = self.look(&gateway, free).await;
                    drop(gateway);
                    self.rest(found).await;
                }
            })
            .await;
    }

    async fn look(&self, gateway: &Gateway, free: Free) -> Found {
        self.try_look(gateway, free).await.unwrap_or_else(|error| {
            tracing::error!(%error, "jobs that are due can't be looked up");
            Found::Nothing { until: FAR, then: AGAIN }
        })
    }

    async fn try_look(&self, gateway: &Gateway, mut free: Free) -> Result<Found, StateError> {
        let inner = &self.schedule.0;
        let (serving, absent) = plugins(gateway);
        let mut until = FAR;
        for plugins in serving.chunks(WorkBounds::ANSWER) {
            loop {
                let Room { plugins, runs } = inner.places.room(plugins, &free);
                let claims = (0..runs).map(|_| Uuid::new_v4().to_string()).collect();
                let jobs = if plugins.is_empty() { Vec::new() } else { inner.store.claim_jobs(&plugins, claims).await? };
                let all = jobs.len() < runs;
                for job in jobs {
                    let place = Some(inner.places.take(&job.asked.plugin, &mut free));
                    gateway.0.turns.spawn(Running { schedule: self.schedule.clone(), gateway: gateway.clone(), job, place }.play());
                }
                if free.is_empty() {
                    return Ok(Found::More);
                }
                if all || plugins.is_empty() {
                    until = until.min(self.next_of(&plugins)?.unwrap_or(FAR));
                    break;
                }
            }
        }
        let waits = self.next_of(&absent)?.is_some_and(|at| at <= self.schedule.now());
        Ok(Found::Nothing { until, then: if waits { AGAIN } else { Duration::MAX } })
    }

    /// When the first job of these plugins is to run.
    fn next_of(&self, plugins: &[String]) -> Result<Option<u64>, StateError> {
        let mut first = None;
        for plugins in plugins.chunks(WorkBounds::ANSWER) {
            first = first.into_iter().chain(self.schedule.0.store.next_job_at(plugins)?).min();
        }
        Ok(first)
    }

    /// Waits until there may be something to do.
    async fn rest(&self, found: Found) {
        let Found::Nothing { until, then } = found else { return };
        tokio::select! {
            () = self.schedule.0.settings.clock.until(until) => {}
            () = self.schedule.0.bell.notified() => {}
            () = tokio::time::sleep(then) => {}
        }
    }
}

/// The plugins that serve, and those that don't.
fn plugins(gateway: &Gateway) -> (Vec<String>, Vec<String>) {
    let (serving, absent): (Vec<_>, Vec<_>) = gateway.plugins().all().into_iter().partition(|plugin| plugin.generation().is_some());
    let ids = |plugins: Vec<Arc<plugbay_runtime::Plugin>>| plugins.iter().map(|plugin| plugin.id().to_string()).collect();
    (ids(serving), ids(absent))
}
