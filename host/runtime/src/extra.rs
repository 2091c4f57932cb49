//! Extra cells: for a call whose own ancestor holds the plugin's cell, and for a turn that goes on with a generation that was replaced.
//!
//! An extra cell is fresh, activated (reason `cell`), serves one call and ends; it stands outside the bay, so it waits for nobody and nobody waits for it. It costs what a
//! fresh cell costs, and there are at most [`EXTRA`] of a generation at a time: one more call is refused as `busy`. Limits, budgets, breaker and counters are those of every
//! call. Where each call has a fresh cell anyway (isolation `call`) only the calls of one chain are counted, so that a plugin that calls for itself comes to an end. A swap leaves extra cells alone; when nothing of the plugin serves any more, they have the drain's time like all others and are cut off then.
//!
//! A plugin that imports `subagents` may wait for turns, and so for calls of other plugins: who would wait for itself across plugins is found in [`crate::waits`], before it waits. A call whose usual cell is held by one that
//! waits for it gets an extra cell, also where that is found only while it waits already.

use crate::cell::PluginCell;
use crate::generation::Generation;
use crate::met::Met;
use crate::wire::exports::plugbay::plugin::plugin::DeactivationReason;
use crate::wire::types::ActivationReason;
use plugbay_engine::{Budget, CallError, Cord, Fault, Occupant, Unserved};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

/// Extra cells of one generation at a time.
pub(crate) const EXTRA: usize = 4;

/// What generations of a plugin that follow each other share, from the first that serves to the last before nothing does.
#[derive(Default)]
pub(crate) struct Succession {
    /// The sessions that the plugin was told to have met.
    pub(crate) met: Met,
    /// Ends what runs in extra cells.
    pub(crate) cord: Cord,
    at_work: AtomicUsize,
    idle: Notify,
    ended: OnceLock<DeactivationReason>,
}

impl Succession {
    /// Nothing of the plugin serves any more, for this reason: no extra cell is begun from now on.
    pub(crate) fn end(&self, reason: DeactivationReason) {
        let _ = self.ended.set(reason); // the first reason counts
    }

    /// Whether nothing of the plugin serves any more, and why.
    pub(crate) fn ended(&self) -> Option<DeactivationReason> {
        self.ended.get().copied()
    }

    /// Extra cells that are at work.
    pub(crate) fn at_work(&self) -> usize {
        self.at_work.load(Ordering::Acquire)
    }

    /// Waits until no extra cell is at work. For one who waits.
    pub(crate) async fn drained(&self) {
        while self.at_work() > 0 {
            self.idle.notified().await;
        }
    }
}

/// The right to an extra cell, and the cell.
pub(crate) struct Extra {
    generation: Arc<Generation>,
    cell: Option<Box<PluginCell>>,
}

impl Extra {
    /// The error of a call that can't wait for its usual cell, and for which there is no extra one.
    pub(crate) fn none_left(generation: &Generation) -> CallError {
        let plugin = &generation.manifest().id;
        let why = format!(
            "{EXTRA} extra cells of plugin `{plugin}` are at work, as many as there may be, and this call can't wait for its usual one"
        );
        Unserved::Closed { code: "busy", why }.into()
    }

    /// Takes a place, if there is one.
    pub(crate) fn take(generation: Arc<Generation>) -> Result<Self, CallError> {
        let more = |n: usize| (n < EXTRA).then_some(n + 1);
        if generation.extra.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_err() {
            return Err(Self::none_left(&generation));
        }
        let extra = Self { generation, cell: None };
        let succession = extra.generation.succession();
        succession.at_work.fetch_add(1, Ordering::AcqRel);
        // Counted first: whoever ends the succession afterwards waits for this one.
        match succession.ended() {
            None => Ok(extra),
            Some(reason) => Err(extra.generation.closed(reason)),
        }
    }

    /// The cell, made and activated now.
    pub(crate) async fn cell(&mut self, budget: &Budget) -> Result<&mut PluginCell, CallError> {
        let mut cell = Box::pin(self.generation.fresh(&self.generation.aside, ActivationReason::Cell, budget)).await?;
        cell.go_live();
        cell.stand_aside();
        self.cell = Some(cell);
        self.cell.as_deref_mut().ok_or_else(|| Fault::Host("an extra cell is gone".to_owned()).into())
    }
}

impl Drop for Extra {
    fn drop(&mut self) {
        let Self { generation, cell } = self;
        generation.end(cell.take().filter(|cell| !cell.is_spent()).into_iter().collect(), DeactivationReason::Idle);
        generation.extra.fetch_sub(1, Ordering::AcqRel);
        if generation.succession().at_work.fetch_sub(1, Ordering::AcqRel) == 1 {
            generation.succession().idle.notify_one();
        }
    }
}
