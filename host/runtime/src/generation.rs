//! A generation: one version of a plugin with one set of settings, ready to run.
//!
//! All that can go wrong goes wrong in [`prepare`], before anybody sees the generation. A call holds on to the generation that it began with; when the
//! last one has ended, what is left of its cells is deactivated.

use crate::call::Call;
use crate::cell::PluginCell;
use crate::config::Config;
use crate::error::{Reason, Step};
use crate::grant::{Grant, Grants};
use crate::guest::{Guest, State};
use crate::hook::{Fired, HOOKS, Hook, HookInfo};
use crate::host::Host;
use crate::id::PluginId;
use crate::manifest::Manifest;
use crate::registration::{Borne, Registration};
use crate::sealed;
use crate::surface::Surface;
use crate::to_the_end::ToTheEnd;
use crate::wire::exports::plugbay::plugin::plugin::{Activation, DeactivationReason};
use crate::wire::types::ActivationReason;
use plugbay_engine::{
    Admitted, Bay, Blueprint, Budget, CallError, Code, Digest, Fault, Isolation, Lease, Limits, Log, LogSink, Unserved, World,
};
use plugbay_state::Owner;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long a cell may take to activate, when no call waits for it.
const ACTIVATE: Duration = Duration::from_secs(30);

/// A call that gets its cell with less than this part of its time left isn't begun: it would be cut, and the cell lost, for having waited.
const TOO_LATE: u32 = 10;

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
    /// Budgets of hooks, by name. Where it says nothing the hook's default counts, or less if the plugin asks for less.
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
    /// The hooks that it handles (it exports them, and was granted what they need), with their budgets.
    handled: Vec<(&'static str, Duration)>,
    shows_transcript: bool,
    faults: AtomicU64,
    ended: OnceLock<DeactivationReason>,
}

/// A file that passed verification.
pub(crate) struct Verified {
    pub(crate) component: Admitted,
    pub(crate) manifest: Manifest,
    pub(crate) surface: Surface,
}

/// A step that failed, and why.
type Refusal = (Step, Reason);

/// Takes a verified file through every step up to its first active cell, which is still held: the plugin is told that it has started before
/// anybody's call gets there.
pub(crate) async fn prepare(
    host: &Host,
    file: Verified,
    settings: Settings,
    previous: Option<&Generation>,
    reason: ActivationReason,
) -> Result<(Arc<Generation>, Lease<PluginCell>), Refusal> {
    let Verified { component, manifest, surface } = file;
    decided(&manifest.id, &settings, &surface).map_err(|e| (Step::Grants, e))?;
    let limits = Arc::new(settings.limits.clone());
    let code = host.engine.load(&component, &limits).await.map_err(|e| (Step::Compile, e.into()))?;
    drop(component);
    let instance = host.linker.instantiate_pre(code.component()).map_err(|e| (Step::Link, Reason::Link(format!("{e:#}"))))?;

    let sink = (host.sink)(&manifest.id);
    let registration = describe(host, &code, &surface, &limits, &sink).await.map_err(|e| (Step::Describe, e))?;
    let config = configure(&manifest.id, &settings, &registration).map_err(|e| (Step::Config, e))?;

    let log = Arc::new(Log::new(sink, &limits, config.secrets()));
    let blueprint = Blueprint::new(host.engine.clone(), instance, limits, log.clone(), World::Open);
    let generation = Generation {
        guest: guest(host, &manifest.id, &settings, log, config).map_err(|e| (Step::Activate, e))?,
        bay: Bay::new(settings.isolation, settings.limits.waiting),
        handled: handled(&surface, &settings, &registration),
        shows_transcript: settings.grants.has(Grant::Conversation),
        previous: previous.map(|g| g.manifest.version.clone()),
        digest: code.digest(),
        manifest,
        surface,
        registration,
        settings,
        blueprint,
        faults: AtomicU64::new(0),
        ended: OnceLock::new(),
    };
    let first = generation.first_cell(reason).await.map_err(|e| (Step::Activate, Reason::Activate(e)))?;
    Ok((Arc::new(generation), first))
}

/// Whether the operator has decided on everything that the component asks for.
fn decided(plugin: &PluginId, settings: &Settings, surface: &Surface) -> Result<(), Reason> {
    let undecided = settings.grants.undecided(&surface.grants());
    if undecided.is_empty() { Ok(()) } else { Err(Reason::Undecided { plugin: plugin.clone(), undecided }) }
}

/// What it registers, by its own word in two sealed cells.
async fn describe(
    host: &Host,
    code: &Code,
    surface: &Surface,
    limits: &Arc<Limits>,
    sink: &Arc<dyn LogSink>,
) -> Result<Registration, Reason> {
    let log = Arc::new(Log::new(sink.clone(), limits, &[]));
    let (first, second) = sealed::describe(&host.engine, code, surface, limits, &log).await?;
    Ok(Registration::check(&first, &second, surface)?)
}

/// The operator's settings, if the plugin bears them.
fn configure(plugin: &PluginId, settings: &Settings, registration: &Registration) -> Result<Config, Reason> {
    let wanted = Borne::of(settings.isolation);
    if !registration.isolation.contains(&wanted) {
        let borne: Vec<_> = registration.isolation.iter().map(|b| b.name()).collect();
        return Err(Reason::Isolation { plugin: plugin.clone(), wanted: wanted.name(), borne: borne.join(", ") });
    }
    if let Some(unknown) = settings.budgets.keys().find(|name| !HOOKS.iter().any(|h| h.name == name.as_str())) {
        return Err(Reason::Budget { plugin: plugin.clone(), unknown: unknown.clone() });
    }
    Config::check(&settings.config, registration.config.as_ref()).map_err(|problem| Reason::Config { plugin: plugin.clone(), problem })
}

/// What its cells get: its part of the state, too, unless that was denied.
fn guest(host: &Host, plugin: &PluginId, settings: &Settings, log: Arc<Log>, config: Config) -> Result<Guest, Reason> {
    let guest = Guest::new(log, Arc::new(config));
    if !settings.grants.has(Grant::State) {
        return Ok(guest);
    }
    let owner = Owner::new(plugin.as_str()).map_err(Reason::State)?;
    Ok(guest.with_state(State { store: host.state.clone(), owner }))
}

/// The hooks that are handled, with their budgets: the operator's, else the hook's own, or less if the plugin asks for less. More is the
/// operator's to give.
fn handled(surface: &Surface, settings: &Settings, registration: &Registration) -> Vec<(&'static str, Duration)> {
    let granted = |hook: &&HookInfo| hook.grants.iter().all(|g| settings.grants.has(*g));
    let budget = |hook: &HookInfo| {
        let operator = settings.budgets.get(hook.name).copied();
        let plugin = registration.hook(hook.name).and_then(|h| h.budget());
        operator.unwrap_or_else(|| plugin.map_or(hook.budget, |asked| asked.min(hook.budget)))
    };
    surface.hooks().filter(granted).map(|hook| (hook.name, budget(hook))).collect()
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
        self.budget::<H>().is_some()
    }

    fn budget<H: Hook>(&self) -> Option<Duration> {
        self.handled.iter().find(|(name, _)| *name == H::NAME).map(|(_, wall)| *wall)
    }

    /// Calls a hook's handler. A caller that stops waiting gives up the answer, not the call: the handler comes to its end or its deadline.
    pub(crate) async fn call<H: Hook>(self: Arc<Self>, call: &Call, event: &Fired<H>) -> Result<H::Outcome, CallError> {
        let Some(wall) = self.budget::<H>() else { return Ok(H::Outcome::default()) };
        let budget = Budget::new(wall, self.blueprint.limits());
        let mut lease = self.bay.enter(call.0.session.as_ref().map(|s| s.stable_key()), &budget).await?;
        self.end(lease.displaced(), DeactivationReason::Idle);
        let left = if lease.waited() { budget.left() } else { wall };
        if left < wall / TOO_LATE {
            return Err(Unserved::Waited(budget.over()).into());
        }
        ToTheEnd::new(self.serve::<H>(lease, call.clone(), event.wire(), left, budget)).await
    }

    async fn serve<H: Hook>(
        self: Arc<Self>,
        mut lease: Lease<PluginCell>,
        call: Call,
        event: Arc<H::Wire>,
        left: Duration,
        budget: Budget,
    ) -> Result<H::Outcome, CallError> {
        let answer = async {
            let cell = self.occupy(&mut lease, &budget).await?;
            cell.handle::<H>(&call, self.shows_transcript, event, left, &budget).await
        }
        .await;
        self.counted(answer)
    }

    /// The cell of a lease; a fresh one, if there is none.
    async fn occupy<'a>(&self, lease: &'a mut Lease<PluginCell>, budget: &Budget) -> Result<&'a mut PluginCell, CallError> {
        if lease.cell().is_none() {
            let reason = if lease.replaces_lost() { ActivationReason::Fault } else { ActivationReason::Cell };
            // Boxed, so that the usual call isn't as large as this one.
            lease.furnish(Box::pin(self.fresh(reason, budget)).await?);
        }
        lease.cell().ok_or_else(|| Fault::Host("a lease lost its cell".to_owned()).into())
    }

    fn counted<T>(&self, answer: Result<T, CallError>) -> Result<T, CallError> {
        if matches!(&answer, Err(error) if error.consequence().counts_as_fault) {
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
        answer
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

    /// Makes the first cell.
    async fn first_cell(&self, reason: ActivationReason) -> Result<Lease<PluginCell>, CallError> {
        let budget = Budget::new(ACTIVATE, self.blueprint.limits());
        let mut lease = self.bay.enter(None, &budget).await?;
        lease.furnish(self.fresh(reason, &budget).await?);
        Ok(lease)
    }

    /// Tells the plugin that it is live, in its first cell. What it answers changes nothing any more, so a failure is logged.
    pub(crate) async fn started(self: Arc<Self>, mut first: Lease<PluginCell>, reason: ActivationReason) {
        if !self.surface.exports.contains("startup") {
            return;
        }
        let budget = Budget::new(LIFECYCLE, self.blueprint.limits());
        let Some(cell) = first.cell() else { return };
        if let Err(e) = self.counted(cell.started(reason, &budget).await) {
            tracing::warn!(plugin = %self.manifest.id, "`startup.started`: {e}");
        }
    }

    /// Another generation serves now. Calls that have begun here, or wait here, come to their end here.
    pub(crate) fn retire(&self, reason: DeactivationReason) {
        if self.ended.set(reason).is_err() {
            tracing::error!(plugin = %self.manifest.id, "a generation was retired twice");
        }
    }

    /// Ends cells in good order, on a task of its own.
    fn end(&self, cells: Vec<PluginCell>, reason: DeactivationReason) {
        if cells.is_empty() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
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

/// The last call has ended: what is left of the cells is deactivated. A generation that was never published is just dropped.
impl Drop for Generation {
    fn drop(&mut self) {
        if let Some(reason) = self.ended.get().copied() {
            self.end(self.bay.clear(), reason);
        }
    }
}
