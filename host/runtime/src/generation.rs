//! A generation: one version of a plugin with one set of settings, ready to run.
//!
//! When another generation is published, who waits here is led there, in order, and who is under way ends here; then what is left of the cells is
//! deactivated. How a call is served is said in [`crate::serve`], how a generation begins and ends in [`crate::lifetime`].

use crate::breaker::Breaker;
use crate::cell::PluginCell;
use crate::extra::Succession;
use crate::grant::Grant;
use crate::guest::Guest;
use crate::hook::Hook;
use crate::host::{Bell, Host};
use crate::manifest::Manifest;
use crate::probation::Probation;
use crate::registration::Registration;
use crate::settings::Settings;
use crate::surface::Surface;
use crate::tally::{Counted, Tally};
use crate::waits::Waits;
use crate::wire::exports::plugbay::plugin::plugin::DeactivationReason;
use plugbay_engine::{Bay, Blueprint, Census, Digest, Isolation, Lease};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// One generation's place for its cells. They are boxed, since each call takes one out and puts it back.
pub(crate) type PluginBay = Bay<Box<PluginCell>, Weak<Generation>>;
/// The right to one of them.
pub(crate) type PluginLease = Lease<Box<PluginCell>, Weak<Generation>>;

/// One version of a plugin with one set of settings.
pub struct Generation {
    pub(crate) parts: Parts,
    pub(crate) bay: PluginBay,
    pub(crate) previous: Option<semver::Version>,
    pub(crate) breaker: Arc<Breaker>,
    /// Begins with publication.
    pub(crate) probation: OnceLock<Probation>,
    pub(crate) ended: OnceLock<DeactivationReason>,
    /// Rung when a call of a generation that has ended is over.
    pub(crate) idle: Notify,
    /// Where its extra cells come from.
    pub(crate) aside: Blueprint<Guest>,
    /// Its extra cells at this moment.
    pub(crate) extra: AtomicUsize,
    /// Whether it can open sessions that it has met.
    pub(crate) meets: bool,
    pub(crate) bell: Bell,
    /// Who waits for whom.
    pub(crate) waits: Waits,
    pub(crate) tasks: TaskTracker,
}

/// What a generation is made of.
pub(crate) struct Parts {
    pub(crate) manifest: Manifest,
    pub(crate) digest: Digest,
    pub(crate) surface: Surface,
    pub(crate) registration: Registration,
    pub(crate) settings: Settings,
    pub(crate) blueprint: Blueprint<Guest>,
    pub(crate) guest: Guest,
    /// The hooks that it handles: it exports them, and was granted what they need.
    pub(crate) handled: Vec<Handled>,
}

/// Where a generation comes from.
#[derive(Clone)]
pub(crate) struct Lineage<'a> {
    /// What it is to replace.
    pub(crate) previous: Option<&'a Generation>,
    /// Why the component was quarantined when the host stopped, if it was.
    pub(crate) quarantined: Option<String>,
    /// Whether it begins anew with a closed breaker, though it may be the same component with other settings.
    pub(crate) afresh: bool,
}

/// A hook that a generation handles.
pub(crate) struct Handled {
    pub(crate) name: &'static str,
    pub(crate) budget: Duration,
    pub(crate) tally: Arc<Tally>,
}

impl Handled {
    pub(crate) fn new(name: &'static str, budget: Duration) -> Self {
        Self { name, budget, tally: Arc::default() }
    }
}

/// A value without these texts in it.
fn hidden(value: &Value, secrets: &[String]) -> Value {
    let is_secret = |text: &str| secrets.iter().any(|s| s == text);
    match value {
        Value::Array(items) => items.iter().map(|v| hidden(v, secrets)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, v)| (name.clone(), hidden(v, secrets))).collect::<serde_json::Map<_, _>>().into()
        }
        Value::String(text) if is_secret(text) => Value::from("(secret)"),
        other if is_secret(&other.to_string()) => Value::from("(secret)"),
        other => other.clone(),
    }
}

impl Generation {
    /// A generation that nobody is served by yet. A breaker that belongs to the same component goes on with it.
    pub(crate) fn new(host: &Host, parts: Parts, lineage: Lineage<'_>) -> Arc<Self> {
        let Lineage { previous, quarantined, afresh } = lineage;
        let (id, same) = (parts.manifest.id.clone(), previous.filter(|p| !afresh && p.digest() == parts.digest));
        let breaker = match (same, quarantined) {
            (Some(same), _) => same.breaker.clone(),
            (None, Some(why)) => Breaker::quarantined(id, host.breaker, why),
            (None, None) => Breaker::new(id, host.breaker),
        };
        let (isolation, waiting) = (parts.settings.isolation, parts.settings.limits.waiting);
        let isolation = isolation.unwrap_or_else(|| parts.registration.usual_isolation());
        Arc::new_cyclic(|tenant| Self {
            bay: Bay::new(isolation, waiting, tenant.clone()),
            previous: previous.map(|g| g.manifest().version.clone()),
            breaker,
            probation: OnceLock::new(),
            ended: OnceLock::new(),
            idle: Notify::new(),
            aside: parts.blueprint.on(parts.guest.succession().cord.clone()),
            extra: AtomicUsize::new(0),
            meets: parts.surface.imports.contains("sessions"),
            bell: host.bell.clone(),
            waits: host.waits.clone(),
            tasks: host.tasks.clone(),
            parts,
        })
    }

    /// Its manifest.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.parts.manifest
    }

    /// What identifies its component.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.parts.digest
    }

    /// Which of the plugin's generations it is; 0 before it is published.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.parts.guest.number()
    }

    /// What its component imports and exports.
    #[must_use]
    pub const fn surface(&self) -> &Surface {
        &self.parts.surface
    }

    /// What it registered.
    #[must_use]
    pub const fn registration(&self) -> &Registration {
        &self.parts.registration
    }

    /// How its cells are kept.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        self.bay.isolation()
    }

    /// What the operator decided.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.parts.settings
    }

    /// The plugin's own settings, its secrets hidden.
    #[must_use]
    pub fn shown_config(&self) -> Value {
        hidden(&Value::Object(self.parts.settings.config.clone()), self.parts.guest.config().secrets())
    }

    /// The grants that it asks for: those that it has, and those that were denied.
    #[must_use]
    pub fn grants(&self) -> (BTreeSet<Grant>, BTreeSet<Grant>) {
        self.parts.surface.grants().into_iter().partition(|g| self.parts.settings.grants.has(*g))
    }

    /// Whether a higher version was replaced.
    #[must_use]
    pub fn is_downgrade(&self) -> bool {
        self.previous.as_ref().is_some_and(|previous| self.manifest().version < *previous)
    }

    /// How many of its calls ended in a fault.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.counted().map(|(_, counted)| counted.faults).sum()
    }

    /// What each hook that it handles has done so far.
    pub fn counted(&self) -> impl Iterator<Item = (&'static str, Counted)> {
        self.parts.handled.iter().map(|h| (h.name, h.tally.counted()))
    }

    /// The hooks that it handles, with their budgets.
    pub fn handled(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        self.parts.handled.iter().map(|h| (h.name, h.budget))
    }

    /// How many of its cells are warm.
    #[must_use]
    pub fn warm_cells(&self) -> usize {
        self.bay.warm()
    }

    /// Whether it handles this hook: it exports it, and was granted what the hook needs.
    #[must_use]
    pub fn handles<H: Hook>(&self) -> bool {
        self.handling::<H>().is_some()
    }

    pub(crate) const fn breaker(&self) -> &Arc<Breaker> {
        &self.breaker
    }

    pub(crate) const fn bay(&self) -> &PluginBay {
        &self.bay
    }

    pub(crate) const fn census(&self) -> &Census {
        self.parts.blueprint.census()
    }

    /// Its probation, once it is published.
    pub(crate) fn probation(&self) -> Option<&Probation> {
        self.probation.get()
    }

    pub(crate) fn has_handover(&self) -> bool {
        self.parts.surface.exports.contains("handover")
    }

    /// What it shares with the generations before and after it.
    pub(crate) fn succession(&self) -> &Succession {
        self.parts.guest.succession()
    }

    pub(crate) fn handling<H: Hook>(&self) -> Option<&Handled> {
        self.parts.handled.iter().find(|h| h.name == H::NAME)
    }
}
