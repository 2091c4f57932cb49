//! A generation: one version of a plugin with one set of settings, ready to run.
//!
//! All that can go wrong goes wrong in [`prepare`], before anybody sees the generation. A call holds on to the generation that it began with; when the
//! last one has ended, what is left of its cells is deactivated.

use crate::call::Call;
use crate::cell::PluginCell;
use crate::config::Config;
use crate::error::{Reason, Step};
use crate::grant::{Grant, Grants};
use crate::guest::Guest;
use crate::hook::{Fired, HOOKS, Hook};
use crate::manifest::Manifest;
use crate::plugins::Host;
use crate::registration::{Borne, Registration};
use crate::sealed;
use crate::surface::Surface;
use crate::to_the_end::ToTheEnd;
use crate::wire::exports::plugbay::plugin::plugin::{Activation, DeactivationReason};
use crate::wire::types::ActivationReason;
use plugbay_engine::{Admitted, Bay, Blueprint, Budget, CallError, Digest, Isolation, Lease, Limits, Log, World};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long a cell may take to activate, when no call waits for it.
const ACTIVATE: Duration = Duration::from_secs(30);

/// How long a cell may take to deactivate, and a plugin to do what it does at its start.
const LIFECYCLE: Duration = Duration::from_secs(5);

/// What the operator decides about a plugin.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The plugin's own settings.
    pub config: Map<String, Value>,
    /// What it may do.
    pub grants: Grants,
    /// What a cell may use.
    pub limits: Limits,
    /// How its cells are kept.
    pub isolation: Isolation,
    /// Budgets of hooks, by name; where it says nothing, the plugin's own wish counts, then the hook's default.
    pub budgets: BTreeMap<String, Duration>,
}

/// One version of a plugin with one set of settings.
pub struct Generation {
    manifest: Manifest,
    digest: Digest,
    surface: Surface,
    registration: Registration,
    settings: Settings,
    blueprint: Blueprint<Guest>,
    guest: Guest,
    bay: Bay<PluginCell>,
    previous: Option<semver::Version>,
    budgets: BTreeMap<&'static str, Duration>,
    /// A cell was lost to a fault and not yet replaced.
    lost: AtomicBool,
    faults: AtomicU64,
    ended: OnceLock<DeactivationReason>,
}

/// A file that passed verification.
pub(crate) struct Verified {
    pub(crate) component: Admitted,
    pub(crate) manifest: Manifest,
    pub(crate) surface: Surface,
}

/// Takes a verified file through every step up to its first active cell.
pub(crate) async fn prepare(
    host: &Host,
    file: Verified,
    settings: Settings,
    previous: Option<&Generation>,
    reason: ActivationReason,
) -> Result<Generation, (Step, Reason)> {
    let Verified { component, manifest, surface } = file;
    let plugin = manifest.id.clone();
    let undecided = settings.grants.undecided(&surface.grants());
    if !undecided.is_empty() {
        return Err((Step::Grants, Reason::Undecided { plugin, undecided }));
    }
    let limits = Arc::new(settings.limits.clone());
    let code = host.engine.load(&component, &limits).await.map_err(|refused| {
        let reason = Reason::Engine(refused);
        (reason.engine_step(), reason)
    })?;
    drop(component);

    let sink = (host.sink)(&plugin);
    let log = Arc::new(Log::new(sink.clone(), &limits, Vec::new()));
    let at_describe = |reason| (Step::Describe, reason);
    let (first, second) = sealed::describe(&host.engine, &code, &surface, &limits, &log).await.map_err(at_describe)?;
    let registration = Registration::check(&first, &second, &surface).map_err(|e| at_describe(e.into()))?;

    let at_config = |reason| (Step::Config, reason);
    bears(&registration, settings.isolation).map_err(|(wanted, borne)| {
        at_config(Reason::Isolation { plugin: plugin.clone(), wanted, borne })
    })?;
    let config = Config::check(&settings.config, registration.config.as_ref())
        .map_err(|problem| at_config(Reason::Config { plugin: plugin.clone(), problem }))?;

    let log = Arc::new(Log::new(sink, &limits, config.secrets().to_vec()));
    let instance = host.linker.instantiate_pre(code.component()).map_err(|e| (Step::Grants, Reason::Link(format!("{e:#}"))))?;
    let blueprint = Blueprint::new(host.engine.clone(), instance, limits, log.clone(), World::Open);
    let generation = Generation {
        guest: Guest::new(log, Arc::new(config)),
        bay: Bay::new(settings.isolation, settings.limits.waiting),
        budgets: budgets(&settings, &registration),
        previous: previous.map(|g| g.manifest.version.clone()),
        digest: code.digest(),
        manifest,
        surface,
        registration,
        settings,
        blueprint,
        lost: AtomicBool::new(false),
        faults: AtomicU64::new(0),
        ended: OnceLock::new(),
    };
    generation.begin(reason).await.map_err(|e| (Step::Activate, Reason::Activate(e)))?;
    Ok(generation)
}

fn bears(registration: &Registration, wanted: Isolation) -> Result<(), (&'static str, String)> {
    let wanted = Borne::of(wanted);
    if registration.isolation.contains(&wanted) {
        return Ok(());
    }
    let borne: Vec<_> = registration.isolation.iter().map(|b| b.name()).collect();
    Err((wanted.name(), borne.join(", ")))
}

/// The budget of each hook: the operator's, else the plugin's, else the hook's own.
fn budgets(settings: &Settings, registration: &Registration) -> BTreeMap<&'static str, Duration> {
    let of = |hook: &crate::hook::HookInfo| {
        let operator = settings.budgets.get(hook.name).copied();
        let plugin = registration.hook(hook.name).and_then(|h| h.budget());
        operator.or(plugin).unwrap_or(hook.budget)
    };
    HOOKS.iter().map(|hook| (hook.name, of(hook))).collect()
}

impl Generation {
    /// Its manifest.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What identifies its component.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// What its component imports and exports.
    #[must_use]
    pub const fn surface(&self) -> &Surface {
        &self.surface
    }

    /// What it registered.
    #[must_use]
    pub const fn registration(&self) -> &Registration {
        &self.registration
    }

    /// What the operator decided.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many of its calls ended in a fault.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// How many of its cells are warm.
    #[must_use]
    pub fn warm_cells(&self) -> usize {
        self.bay.warm()
    }

    /// Whether it handles this hook: it exports it, and was granted what the hook needs.
    #[must_use]
    pub fn handles<H: Hook>(&self) -> bool {
        self.surface.exports.contains(H::NAME) && H::GRANTS.iter().all(|g| self.settings.grants.has(*g))
    }

    /// Calls a hook's handler. A caller that stops waiting gives up the answer, not the call: the handler comes to its end or its deadline.
    pub(crate) async fn call<H: Hook>(self: Arc<Self>, call: &Call, event: &Fired<H>) -> Result<H::Outcome, CallError> {
        if !self.handles::<H>() {
            return Ok(H::Outcome::default());
        }
        let wall = self.budgets.get(H::NAME).copied().unwrap_or(H::BUDGET);
        let budget = Budget::new(wall, self.blueprint.limits());
        let session = call.session.as_ref().and_then(|s| s.key());
        let lease = self.bay.enter(session, &budget).await?;
        ToTheEnd::new(self.serve::<H>(lease, call.clone(), event.wire(), budget)).await
    }

    async fn serve<H: Hook>(
        self: Arc<Self>,
        mut lease: Lease<PluginCell>,
        call: Call,
        event: Arc<H::Wire>,
        budget: Budget,
    ) -> Result<H::Outcome, CallError> {
        let answer = async {
            let cell = match lease.cell() {
                Some(cell) => cell,
                None => lease.furnish(self.fresh(self.replaces(), &budget).await?),
            };
            cell.handle::<H>(&call, self.settings.grants.has(Grant::Conversation), event, &budget).await
        };
        let answer = answer.await;
        if matches!(&answer, Err(error) if error.consequence().counts_as_fault) {
            self.faults.fetch_add(1, Ordering::Relaxed);
            self.lost.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// Why a cell that a call needs is made.
    fn replaces(&self) -> ActivationReason {
        if self.lost.swap(false, Ordering::Relaxed) { ActivationReason::Fault } else { ActivationReason::Cell }
    }

    /// A new cell, activated.
    async fn fresh(&self, reason: ActivationReason, budget: &Budget) -> Result<PluginCell, CallError> {
        let mut cell = PluginCell::new(self.blueprint.cell(self.guest.clone(), budget).await?);
        cell.activate(&self.activation(reason), budget).await?;
        Ok(cell)
    }

    fn activation(&self, reason: ActivationReason) -> Activation {
        let asked = self.surface.grants();
        let (granted, denied): (BTreeSet<Grant>, BTreeSet<Grant>) = asked.into_iter().partition(|g| self.settings.grants.has(*g));
        let names = |grants: BTreeSet<Grant>| grants.into_iter().map(|g| g.name().to_owned()).collect();
        Activation {
            reason,
            config: self.guest.config().text().to_owned(),
            granted: names(granted),
            denied: names(denied),
            previous_version: self.previous.as_ref().map(ToString::to_string),
        }
    }

    /// Makes the first cell and leaves it warm.
    async fn begin(&self, reason: ActivationReason) -> Result<(), CallError> {
        let budget = Budget::new(ACTIVATE, self.blueprint.limits());
        let mut lease = self.bay.enter(None, &budget).await?;
        lease.furnish(self.fresh(reason, &budget).await?);
        Ok(())
    }

    /// Tells the plugin that it is live. What it answers changes nothing any more, so a failure is logged.
    pub(crate) async fn started(&self, reason: ActivationReason) {
        if !self.surface.exports.contains("startup") {
            return;
        }
        let told = async {
            let budget = Budget::new(LIFECYCLE, self.blueprint.limits());
            let mut lease = self.bay.enter(None, &budget).await?;
            let cell = match lease.cell() {
                Some(cell) => cell,
                None => lease.furnish(self.fresh(ActivationReason::Cell, &budget).await?),
            };
            cell.started(reason, &budget).await
        };
        if let Err(e) = told.await {
            tracing::warn!(plugin = %self.manifest.id, "`startup.started`: {e}");
        }
    }

    /// From now on nobody begins a call here; what is under way comes to its end.
    pub(crate) fn retire(&self, reason: DeactivationReason) {
        if self.ended.set(reason).is_err() {
            tracing::error!(plugin = %self.manifest.id, "a generation was retired twice");
        }
    }
}

/// The last call has ended: what is left of the cells is deactivated. A generation that was never published has only itself to blame and is just dropped.
impl Drop for Generation {
    fn drop(&mut self) {
        let cells = self.bay.clear();
        let (Some(reason), Ok(runtime)) = (self.ended.get().copied(), tokio::runtime::Handle::try_current()) else { return };
        let (id, limits) = (self.manifest.id.clone(), self.blueprint.limits().clone());
        runtime.spawn(async move {
            for mut cell in cells {
                if let Err(e) = cell.deactivate(reason, &Budget::new(LIFECYCLE, &limits)).await {
                    tracing::warn!(plugin = %id, "`deactivate`: {e}");
                }
            }
        });
    }
}
