//! A generation's life: its first cell, publication, what it hands over, and its end.
//!
//! Cells are made and ended here. The end waits for calls that are under way, as long as the operator lets it, cuts what then still runs, and deactivates
//! what is left of the cells; it happens on a task of its own, so nobody waits for it but a host that stops.

use crate::call::Call;
use crate::cell::PluginCell;
use crate::generation::{Generation, PluginLease};
use crate::grant::Grant;
use crate::guest::Guest;
use crate::hook::Fired;
use crate::hooks::{Cleanup, CleanupAsked, CleanupReason};
use crate::plugin::Saved;
use crate::probation::Probation;
use crate::wire::exports::plugbay::plugin::plugin::{Activation, DeactivationReason};
use crate::wire::types::ActivationReason;
use plugbay_engine::{Blueprint, Budget, CallError, Fault, Occupant};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long a cell may take to activate, when no call waits for it.
const ACTIVATE: Duration = Duration::from_secs(30);

/// How long a cell may take to save, restore or deactivate, and a plugin to do what it does at its start.
const LIFECYCLE: Duration = Duration::from_secs(5);

/// How long a plugin's `save` waits for its turn behind calls that came before.
pub(crate) const HANDOVER: Duration = Duration::from_secs(5);

/// How long calls that were cut off may take to notice; a tick is enough.
const CUT: Duration = Duration::from_secs(1);

impl Generation {
    /// The cell of a lease; a fresh one, if there is none.
    pub(crate) async fn occupy<'a>(&self, lease: &'a mut PluginLease, budget: &Budget) -> Result<&'a mut PluginCell, CallError> {
        if lease.cell().is_none() {
            let reason = if lease.replaces_lost() { ActivationReason::Fault } else { ActivationReason::Cell };
            // Boxed, so that the usual call isn't as large as this one.
            let mut cell = Box::pin(self.fresh(&self.parts.blueprint, reason, budget)).await?;
            cell.go_live();
            lease.furnish(cell);
        }
        lease.cell().map(AsMut::as_mut).ok_or_else(|| Fault::Host("a lease lost its cell".to_owned()).into())
    }

    /// A new cell, activated, that changes nothing yet.
    pub(crate) async fn fresh(
        &self,
        blueprint: &Blueprint<Guest>,
        reason: ActivationReason,
        budget: &Budget,
    ) -> Result<Box<PluginCell>, CallError> {
        let mut cell = Box::new(PluginCell::new(blueprint.cell(self.parts.guest.clone(), budget).await?));
        cell.activate(&self.activation(reason), budget).await?;
        Ok(cell)
    }

    fn activation(&self, reason: ActivationReason) -> Activation {
        let (granted, denied) = self.grants();
        let names = |grants: BTreeSet<crate::Grant>| grants.into_iter().map(|g| g.name().to_owned()).collect();
        Activation {
            reason,
            config: self.parts.guest.config().text().to_owned(),
            granted: names(granted),
            denied: names(denied),
            previous_version: self.previous.as_ref().map(ToString::to_string),
        }
    }

    /// Makes the first cell, and holds on to it: nobody's call gets there before the plugin was told that it has started.
    pub(crate) async fn first_cell(&self, reason: ActivationReason) -> Result<PluginLease, CallError> {
        let budget = Budget::new(ACTIVATE, self.parts.blueprint.limits());
        let mut lease = self.bay.enter(None, &budget).await?;
        lease.furnish(self.fresh(&self.parts.blueprint, reason, &budget).await?);
        Ok(lease)
    }

    /// Waits for a turn behind all calls that came before; calls that come later wait for as long as the lease lives.
    pub(crate) async fn turn(&self) -> Result<PluginLease, CallError> {
        Ok(self.bay.turn(&Budget::new(HANDOVER, self.parts.blueprint.limits())).await?)
    }

    /// Asks the plugin for what its next version is to know. Nothing, if it has no cell: then it remembers nothing either.
    pub(crate) async fn save(&self, turn: &mut PluginLease) -> Result<Option<Saved>, CallError> {
        let Some(cell) = turn.cell() else { return Ok(None) };
        let bytes = cell.save(&Budget::new(LIFECYCLE, self.parts.blueprint.limits())).await?;
        Ok(Some(Saved { version: self.manifest().version.clone(), bytes }))
    }

    /// Gives the first cell what another version saved.
    pub(crate) async fn restore(&self, first: &mut PluginLease, saved: &Saved) -> Result<(), CallError> {
        let Some(cell) = first.cell() else { return Ok(()) };
        let budget = Budget::new(LIFECYCLE, self.parts.blueprint.limits());
        cell.restore(&saved.version.to_string(), &saved.bytes, &budget).await
    }

    /// It serves from now on, under this number.
    pub(crate) fn published(&self, number: u64, probation: Probation) {
        self.parts.guest.publish(number);
        if self.probation.set(probation).is_err() {
            tracing::error!(plugin = %self.manifest().id, "a generation was published twice");
        }
    }

    /// Tells the plugin that it is live, in its first cell. What it answers changes nothing any more, so a failure is logged and counted.
    pub(crate) async fn started(self: Arc<Self>, mut first: PluginLease, reason: ActivationReason) {
        let Some(cell) = first.cell() else { return };
        cell.go_live();
        if !self.parts.surface.exports.contains("startup") {
            return;
        }
        let budget = Budget::new(LIFECYCLE, self.parts.blueprint.limits());
        let started = cell.started(reason, &budget).await;
        drop(first);
        if let Err(error) = started {
            tracing::warn!(plugin = %self.manifest().id, "`startup.started`: {error}");
            if let Ok(pass) = self.breaker.admit(Instant::now()) {
                self.judge(pass, Some(&error), &budget);
            }
        }
        self.left();
    }

    /// Another generation serves now, or none: what hasn't begun here doesn't begin any more, unless it means just this one.
    pub(crate) fn close(&self, reason: DeactivationReason) {
        if self.ended.set(reason).is_err() {
            tracing::error!(plugin = %self.manifest().id, "a generation was ended twice");
        }
        if reason != DeactivationReason::Swap {
            self.succession().end(reason);
        }
    }

    /// Calls that have begun here come to their end here, within this time. For a generation that was closed.
    pub(crate) fn retire(self: Arc<Self>, drain: Duration) {
        let reason = self.ended.get().copied().unwrap_or(DeactivationReason::Swap);
        let tasks = self.tasks.clone();
        tasks.spawn(async move {
            if timeout(drain, self.drained()).await.is_err() {
                let ms = drain.as_millis();
                let why = format!(
                    "the plugin was replaced or stopped, and {ms} ms for calls under way are over (setting `plugins.{}.drain`)",
                    self.manifest().id
                );
                tracing::warn!(plugin = %self.manifest().id, calls = self.bay.at_work() + self.lasting(), "{why}");
                if self.is_last() {
                    self.succession().cord.pull(why.clone());
                }
                self.parts.blueprint.cord().pull(why);
                if timeout(CUT, self.drained()).await.is_err() {
                    tracing::error!(plugin = %self.manifest().id, "calls go on although they were cut off");
                }
            }
            let cells = self.clean_up(self.bay.clear(), reason).await;
            self.deactivate(cells, reason).await;
        });
    }

    /// Whether no generation followed this one, so that extra cells end with it.
    fn is_last(&self) -> bool {
        self.ended.get().is_some_and(|reason| *reason != DeactivationReason::Swap)
    }

    /// Extra cells that have to end with this generation.
    fn lasting(&self) -> usize {
        if self.is_last() { self.succession().at_work() } else { 0 }
    }

    /// Waits until no call is under way.
    async fn drained(&self) {
        while self.bay.at_work() > 0 {
            self.idle.notified().await;
        }
        if self.is_last() {
            self.succession().drained().await;
        }
    }

    /// Tells the plugin once that the generation ends, in one of these cells. Nobody waits for it; a failure is logged and counted. The cells that are left.
    #[expect(clippy::vec_box, reason = "cells stay where they are, from the bay to their end")]
    async fn clean_up(&self, mut cells: Vec<Box<PluginCell>>, reason: DeactivationReason) -> Vec<Box<PluginCell>> {
        let reason = match reason {
            DeactivationReason::Swap => CleanupReason::Restart,
            DeactivationReason::Disable | DeactivationReason::Uninstall => CleanupReason::Disable,
            DeactivationReason::Shutdown | DeactivationReason::Idle => return cells,
        };
        let (Some(handled), Some(cell)) = (self.handling::<Cleanup>(), cells.first_mut()) else { return cells };
        let budget = Budget::new(handled.budget, self.parts.blueprint.limits());
        let event = Fired::<Cleanup>::new(CleanupAsked { reason, attrs: Vec::new() }).wire();
        let shows = self.parts.settings.grants.has(Grant::Conversation);
        let answer = cell.handle::<Cleanup>(Call::new(), shows, event, handled.budget, &budget).await;
        handled.tally.ended(&answer, cell.usage());
        if let Err(e) = answer {
            tracing::warn!(plugin = %self.manifest().id, "`cleanup`: {e}");
        }
        cells.retain(|cell| !cell.is_spent());
        cells
    }

    /// Ends cells in good order, on a task of its own.
    #[expect(clippy::vec_box, reason = "cells stay where they are, from the bay to their end")]
    pub(crate) fn end(self: &Arc<Self>, cells: Vec<Box<PluginCell>>, reason: DeactivationReason) {
        if !cells.is_empty() {
            let this = self.clone();
            self.tasks.spawn(async move { this.deactivate(cells, reason).await });
        }
    }

    #[expect(clippy::vec_box, reason = "cells stay where they are, from the bay to their end")]
    async fn deactivate(&self, cells: Vec<Box<PluginCell>>, reason: DeactivationReason) {
        for mut cell in cells {
            if let Err(e) = cell.deactivate(reason, &Budget::new(LIFECYCLE, self.parts.blueprint.limits())).await {
                tracing::warn!(plugin = %self.manifest().id, "`deactivate`: {e}");
            }
        }
    }
}
