//! Replacing what serves: the steps from a verified component to one that serves, in the order of the design.
//!
//! Whatever fails on the way leaves the old generation serving, with its waiting calls, and names the step. With `handover` on both sides (and one shared cell) the
//! old version saves behind all calls that came before; calls that come meanwhile wait, and the new one serves them, in order. So
//! callers feel a swap for as long as `save`, `restore`, one commit and `started` take, and without handover not at all.

use crate::error::{Done, Loaded, Reason, Step};
use crate::generation::{Generation, Lineage, PluginLease};
use crate::host::Host;
use crate::order::Order;
use crate::plugin::{Before, Plugin, Saved};
use crate::prepare::{Refusal, Verified, prepare};
use crate::probation::{Probation, ProbationSettings};
use crate::record::{Judged, KeptVersion, PluginRecord};
use crate::services::Candidate;
use crate::settings::Settings;
use crate::standing::{Stand, Standing};
use crate::surface::Surface;
use crate::versions::{Kept, Versions};
use crate::wire::exports::plugbay::plugin::plugin::DeactivationReason;
use crate::wire::types::ActivationReason;
use crate::write::Write;
use plugbay_engine::{Digest, Isolation};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// What every swap needs.
pub(crate) struct Yard {
    pub(crate) host: Host,
    pub(crate) versions: Arc<Versions>,
    pub(crate) probation: ProbationSettings,
    /// The host is stopping: nothing new is published.
    pub(crate) stopping: AtomicBool,
}

/// One swap, as it was decided.
pub(crate) struct Swap {
    pub(crate) verified: Verified,
    pub(crate) settings: Settings,
    /// What the version saved when it was replaced, if it is to come back.
    pub(crate) saved: Option<Arc<Saved>>,
    /// What the history calls it.
    pub(crate) what: What,
    /// What is remembered of the component that is replaced, if it must not come back by itself.
    pub(crate) judged: Option<Judged>,
}

/// The kinds of swaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A component is to serve: another one, or the same with other settings.
    Load,
    /// What served before is to serve again.
    RollBack,
}

/// What was handed over.
struct Handed {
    /// Holds the old generation's line, until the new one takes over.
    turn: Option<PluginLease>,
    saved: Option<Arc<Saved>>,
    note: Option<String>,
}

impl Yard {
    /// Does it. For who has the plugin's turn.
    pub(crate) async fn swap(&self, plugin: &Plugin, swap: Swap, order: &mut Order) -> Result<Done, Refusal> {
        let old = plugin.generation();
        if let Some(same) = old.as_ref().filter(|g| g.digest() == swap.verified.component.digest() && *g.settings() == swap.settings) {
            return self.unchanged(plugin, same, order).await;
        }
        let quarantined =
            plugin.view(|v| v.record.quarantined.clone().filter(|_| v.record.digest() == Some(swap.verified.component.digest())));
        let lineage = Lineage { previous: old.as_deref(), quarantined, afresh: swap.what == What::RollBack };
        let generation = prepare(&self.host, &swap.verified, swap.settings.clone(), lineage).await?;
        self.pass_gates(plugin, &generation, &swap, order).await?;
        let reason = reason(old.is_some(), order);
        let mut first = generation.first_cell(reason).await.map_err(|e| (Step::Activate, Reason::Activate(e)))?;
        let kept = self.keep(&swap.verified).await?;
        let handed = match swap.what {
            What::Load => hand_over(plugin, old.as_deref(), &generation, &mut first).await?,
            What::RollBack => give_back(&generation, &mut first, swap.saved.as_deref()).await?,
        };
        if self.stopping.load(Ordering::Acquire) {
            return Err((Step::Publish, Reason::Stopping).into());
        }
        // What served could have set timers until now.
        if old.is_some() && is_new(plugin, &generation, &swap) {
            self.orphans_nothing(plugin, &generation).await?;
        }
        let next = self.write(plugin, &generation, &swap, old.is_some(), order).await?;
        let replaced = old.as_ref().map(|o| (o.digest(), handed.saved.clone()));
        let done = self.publish(plugin, old, generation.clone(), next, handed, &swap);
        // Its record names it now.
        drop(kept);
        generation.started(first, reason).await;
        self.remember(plugin, replaced).await;
        Ok(done)
    }

    /// Asks those who may refuse a component, unless it ran here before the change, or comes back. That it would orphan timers isn't skipped with them.
    async fn pass_gates(&self, plugin: &Plugin, generation: &Generation, swap: &Swap, order: &Order) -> Result<(), Refusal> {
        if !is_new(plugin, generation, swap) {
            return Ok(());
        }
        self.orphans_nothing(plugin, generation).await?;
        if order.skip_gates {
            return Ok(());
        }
        let candidate = candidate(plugin, generation, &swap.verified);
        self.host.services.may_install(candidate).await.map_err(|why| (Step::Gates, Reason::Gate(why)).into())
    }

    /// Keeps what the replaced version saved, for a rollback by hand.
    async fn remember(&self, plugin: &Plugin, replaced: Option<(Digest, Option<Arc<Saved>>)>) {
        let Some((digest, saved)) = replaced else { return };
        let (versions, id) = (self.versions.clone(), plugin.id().clone());
        let kept = tokio::task::spawn_blocking(move || match saved {
            Some(saved) => versions.keep_blob(&id, digest, &saved.bytes),
            None => versions.forget_blob(&id, digest),
        });
        match kept.await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => tracing::warn!(plugin = %plugin.id(), "a rollback by hand won't have the memory of version {digest}: {e}"),
            Err(e) => tracing::error!(plugin = %plugin.id(), "keeping what was handed over: {e}"),
        }
    }

    /// The same component with the same settings: there is nothing to do, but that its file holds what runs again.
    async fn unchanged(&self, plugin: &Plugin, serving: &Generation, order: &mut Order) -> Result<Done, Refusal> {
        let before = plugin.view(|v| v.record.clone());
        let next = PluginRecord { judged: None, ..before.clone() };
        if next != before || order.alongside.is_some() {
            let write = Write { plugin: plugin.id(), before: &before, next: Some(&next), what: None, why: None, about: None };
            write.done(&*self.host.state, order).await.map_err(|e| (Step::Publish, e))?;
            plugin.change(|v| v.record = next);
        }
        Ok(Done { loaded: Loaded::Unchanged, generation: serving.number(), notes: Vec::new() })
    }

    /// Keeps the component's bytes. Those that are kept already, and whole, cost a look.
    async fn keep(&self, verified: &Verified) -> Result<Kept, Refusal> {
        let digest = verified.component.digest();
        let (versions, component) = (self.versions.clone(), verified.component.clone());
        let kept = tokio::task::spawn_blocking(move || versions.keep(digest, component.bytes())).await;
        let kept = kept.map_err(|e| (Step::Keep, Reason::Host(e.to_string())))?;
        Ok(kept.map_err(|e| (Step::Keep, e.into()))?)
    }

    /// Writes record, history and what changes alongside; the record as it is then.
    async fn write(
        &self,
        plugin: &Plugin,
        generation: &Generation,
        swap: &Swap,
        replaces: bool,
        order: &mut Order,
    ) -> Result<PluginRecord, Refusal> {
        let before = plugin.view(|v| v.record.clone());
        let mut next = before.clone();
        let same = before.digest() == Some(generation.digest());
        let since = before.versions().find(|v| v.digest == generation.digest()).map_or_else(now, |known| known.since);
        let version = generation.manifest().version.clone();
        next.published(KeptVersion { digest: generation.digest(), version, since, failed: None });
        next.judged = swap.judged.clone();
        if let Some(judged) = &swap.judged {
            next.mark(judged);
        }
        if !same {
            next.quarantined = None;
        }
        let what = match (swap.what, same, replaces) {
            (What::RollBack, ..) => Some("rollback"),
            (_, true, true) => Some("settings"),
            (_, true, false) if order.boot => None,
            (_, true, false) if plugin.view(|v| v.stand.standing == Standing::Missing) => Some("found"),
            (_, true, false) => Some("enable"),
            (_, false, _) if before.active.is_some() => Some("swap"),
            _ => Some("install"),
        };
        let why = swap.judged.as_ref().filter(|_| swap.what == What::RollBack).map(|j| j.why.clone());
        let write = Write { plugin: plugin.id(), before: &before, next: Some(&next), what, why, about: None };
        write.done(&*self.host.state, order).await.map_err(|e| (Step::Publish, e))?;
        Ok(next)
    }

    /// Lets the new generation serve. Nothing can fail here.
    fn publish(
        &self,
        plugin: &Plugin,
        old: Option<Arc<Generation>>,
        generation: Arc<Generation>,
        next: PluginRecord,
        handed: Handed,
        swap: &Swap,
    ) -> Done {
        let number = next.generation;
        let trusted = old.is_none() || swap.what == What::RollBack;
        generation.published(number, if trusted { Probation::none() } else { Probation::new(self.probation, Instant::now()) });
        let notes = notes(&generation, handed.note);
        if let Some(old) = &old {
            // First the line, then whoever comes: nobody overtakes.
            old.bay().lead_to(generation.bay());
        }
        plugin.change(|view| {
            view.stand = Stand::ACTIVE;
            view.record = next;
            view.settings = swap.settings.clone();
            view.before = old.as_ref().map(|o| Before { digest: o.digest(), settings: o.settings().clone(), saved: handed.saved.clone() });
        });
        let replaced = plugin.publish(Some(generation));
        drop(handed.turn);
        let Some(old) = replaced else { return Done { loaded: Loaded::Installed, generation: number, notes } };
        let loaded = Loaded::Replaced { version: old.manifest().version.clone(), digest: old.digest() };
        let drain = old.settings().drain;
        old.close(DeactivationReason::Swap);
        old.retire(drain);
        Done { loaded, generation: number, notes }
    }
}

/// Carries memory over, if both sides can. What serves keeps serving whatever goes wrong, and its line waits as long as the turn is held.
async fn hand_over(plugin: &Plugin, old: Option<&Generation>, new: &Generation, first: &mut PluginLease) -> Result<Handed, Refusal> {
    let nothing = |note: Option<String>| Ok(Handed { turn: None, saved: None, note });
    let Some(old) = old else { return nothing(None) };
    match (old.has_handover(), new.has_handover()) {
        (false, false) => return nothing(None),
        (true, true) if shared(old) && shared(new) => {}
        (true, true) => return nothing(Some("memory isn't carried over: that takes isolation `shared` on both sides".to_owned())),
        (was, _) => {
            let side = if was { "before" } else { "new" };
            return nothing(Some(format!("memory isn't carried over: only the {side} version of `{}` exports `handover`", plugin.id())));
        }
    }
    let mut turn = old.turn().await.map_err(|error| (Step::Handover, Reason::Save { error, memory_lost: false }))?;
    let saved = match old.save(&mut turn).await {
        Ok(saved) => saved.map(Arc::new),
        Err(error) => {
            let memory_lost = error.consequence().drops_cell;
            return Err((Step::Handover, Reason::Save { error, memory_lost }).into());
        }
    };
    if let Some(saved) = &saved {
        new.restore(first, saved).await.map_err(|e| (Step::Handover, Reason::Restore(e)))?;
    }
    Ok(Handed { turn: Some(turn), saved, note: None })
}

/// Whether another component than before comes, and not back.
fn is_new(plugin: &Plugin, generation: &Generation, swap: &Swap) -> bool {
    swap.what == What::Load && plugin.view(|v| v.record.digest()) != Some(generation.digest())
}

fn shared(generation: &Generation) -> bool {
    generation.isolation() == Isolation::Shared
}

/// Gives a version that comes back what it saved when it was replaced. What replaced it isn't asked: a rollback doesn't hang on what is rolled back.
async fn give_back(new: &Generation, first: &mut PluginLease, saved: Option<&Saved>) -> Result<Handed, Refusal> {
    if let Some(saved) = saved.filter(|_| new.has_handover() && shared(new)) {
        new.restore(first, saved).await.map_err(|e| (Step::Handover, Reason::Restore(e)))?;
    }
    Ok(Handed { turn: None, saved: None, note: None })
}

/// What those are told of a component who may refuse it.
fn candidate(plugin: &Plugin, generation: &Generation, verified: &Verified) -> Candidate {
    let Surface { imports, exports, .. } = generation.surface().clone();
    Candidate {
        plugin: plugin.id().clone(),
        version: generation.manifest().version.clone(),
        digest: generation.digest(),
        replaces: plugin.view(|v| v.record.active.as_ref().map(|active| active.version.clone())),
        bytes: verified.component.bytes().len() as u64,
        imports,
        exports,
        granted: generation.grants().0,
        tools: generation.registration().tools.iter().map(|tool| tool.name.clone()).collect(),
    }
}

/// Why a new cell comes to life.
fn reason(replaces: bool, order: &Order) -> ActivationReason {
    match (replaces, order.boot) {
        (true, _) => ActivationReason::Swap,
        (false, true) => ActivationReason::Boot,
        (false, false) => ActivationReason::Install,
    }
}

/// What an operator should know of a generation that was published.
fn notes(generation: &Generation, handover: Option<String>) -> Vec<String> {
    let downgrade = generation.is_downgrade().then(|| format!("{} is a downgrade", generation.manifest().version));
    let (_, denied) = generation.grants();
    let denied = (!denied.is_empty()).then(|| {
        let names: Vec<_> = denied.iter().map(|g| g.name()).collect();
        format!("denied, so what needs it answers `denied` or isn't called: {}", names.join(", "))
    });
    [downgrade, handover, denied].into_iter().flatten().collect()
}

/// Now, in milliseconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}
