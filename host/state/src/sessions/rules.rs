//! The rules of conversations, written once for all backends.
//!
//! What comes in is checked before a transaction begins. Inside it everything that may refuse is read first; what is written is made or unmade as a whole,
//! also where something fails in the middle. A session's time doesn't go back, though the clock be set back.

pub(super) mod engines;
pub(super) mod injections;
pub(super) mod lives;
pub(super) mod plugins;
pub(super) mod subagents;
pub(super) mod transcript;
pub(super) mod turns;

use super::rows::Standing;
use crate::error::Problem;
use crate::rows::{Backend, Rows, Weight};
use std::ops::ControlFlow;

/// Does the work at this moment in a transaction, all of it or nothing.
pub(crate) async fn write<B: Backend, T: Send + 'static>(
    backend: &B,
    weight: Weight,
    work: impl FnOnce(&mut dyn Rows, u64) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let shelf = backend.shelf().clone();
    backend
        .write(weight, move |rows| {
            rows.begin_steps()?;
            let outcome = work(rows, shelf.now());
            rows.end_steps(outcome.is_ok())?;
            outcome
        })
        .await
}

/// The session, if there is one and it is in this life.
pub(crate) fn alive(rows: &dyn Rows, key: &str, life: &str) -> Result<Option<Standing>, Problem> {
    Ok(rows.standing(key)?.filter(|standing| standing.life == life))
}

/// Something of a session is written now: its time, which doesn't go back.
fn touch(standing: &mut Standing, now: u64) -> u64 {
    standing.updated_at = standing.updated_at.max(now);
    standing.updated_at
}

/// Takes what comes while a result has room for it, and one at least.
pub(crate) struct Answer<T> {
    pub(crate) taken: Vec<T>,
    bytes: usize,
    allowed: usize,
}

impl<T> Answer<T> {
    pub(crate) fn of<B: Backend>(backend: &B) -> Self {
        Self { taken: Vec::new(), bytes: 0, allowed: backend.shelf().limits.result.get() }
    }

    pub(crate) fn take(&mut self, row: T, bytes: usize) -> ControlFlow<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.allowed && !self.taken.is_empty() {
            return ControlFlow::Break(());
        }
        self.taken.push(row);
        ControlFlow::Continue(())
    }
}
