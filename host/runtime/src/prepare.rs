//! From a verified file to a generation with its first active cell. All that can go wrong goes wrong here, before anybody sees the generation.

use crate::config::Config;
use crate::error::{Reason, Step};
use crate::extra::Succession;
use crate::generation::{Generation, Handled, Lineage, Parts};
use crate::grant::Grant;
use crate::guest::{Guest, Part, State};
use crate::hook::{HOOKS, Hook, HookInfo};
use crate::hooks::Timers;
use crate::host::Host;
use crate::id::PluginId;
use crate::manifest::{self, Manifest};
use crate::registration::{Borne, Registration};
use crate::sealed;
use crate::settings::Settings;
use crate::source::Source;
use crate::surface::Surface;
use plugbay_engine::{Admitted, Blueprint, Code, Digest, Digested, Engine, Limits, Log, LogSink, World};
use plugbay_state::Owner;
use std::sync::Arc;

/// A file that passed verification.
#[derive(Clone)]
pub(crate) struct Verified {
    pub(crate) component: Admitted,
    pub(crate) manifest: Manifest,
    pub(crate) surface: Surface,
}

/// A step that failed, and why; and which component it was, if that much is known.
pub(crate) struct Refusal {
    pub(crate) step: Step,
    pub(crate) reason: Reason,
}

impl From<(Step, Reason)> for Refusal {
    fn from((step, reason): (Step, Reason)) -> Self {
        Self { step, reason }
    }
}

/// Bytes that were read, and what came of verifying them.
pub(crate) struct Examined {
    pub(crate) digest: Digest,
    pub(crate) verified: Result<Verified, Refusal>,
}

/// Reads a component, and says everything that can be said before it is compiled; on a thread for such work, since a file may be large.
pub(crate) async fn examine(engine: &Engine, source: Source, expected: Option<PluginId>) -> Result<Examined, Refusal> {
    let engine = engine.clone();
    let examined = tokio::task::spawn_blocking(move || {
        let bytes = source.read(engine.component_size()).map_err(|e| (Step::Read, Reason::Unreadable(e)))?;
        let component = Digested::from(bytes);
        let digest = component.digest();
        let verified = verify(&engine, component, expected.as_ref()).map_err(|reason| (Step::Verify, reason).into());
        Ok(Examined { digest, verified })
    });
    examined.await.unwrap_or_else(|e| Err((Step::Verify, Reason::Unreadable(std::io::Error::other(e))).into()))
}

fn verify(engine: &Engine, component: Digested, expected: Option<&PluginId>) -> Result<Verified, Reason> {
    let component = engine.admit(component)?;
    let surface = Surface::read(component.bytes())?;
    let manifest = manifest::read(component.bytes())?;
    match expected.filter(|expected| **expected != manifest.id) {
        None => Ok(Verified { component, manifest, surface }),
        Some(expected) => Err(Reason::OtherId { found: manifest.id, expected: expected.clone() }),
    }
}

/// Takes a verified file through every step up to its first active cell.
pub(crate) async fn prepare(host: &Host, file: &Verified, settings: Settings, lineage: Lineage<'_>) -> Result<Arc<Generation>, Refusal> {
    let Verified { component, manifest, surface } = file;
    decided(&manifest.id, &settings, surface).map_err(|e| (Step::Grants, e))?;
    let limits = Arc::new(settings.limits.clone());
    let code = host.engine.load(component, &limits).await.map_err(|e| (Step::Compile, e.into()))?;
    let instance = host.linker.instantiate_pre(code.component()).map_err(|e| (Step::Link, Reason::Link(format!("{e:#}"))))?;

    let sink = (host.sink)(&manifest.id);
    let registration = describe(host, (&manifest.id, surface), &code, &limits, &sink).await.map_err(|e| (Step::Describe, e))?;
    let config = configure(&manifest.id, &settings, &registration).map_err(|e| (Step::Config, e))?;

    let log = Arc::new(Log::new(sink, &limits, config.secrets()));
    let succession = lineage.previous.map_or_else(Arc::default, |before| before.parts.guest.succession().clone());
    let timers = surface.exports.contains(Timers::NAME);
    let shared = Shared { log: log.clone(), config, succession, timers };
    let guest = guest(host, &manifest.id, &settings, &registration, shared).map_err(|e| (Step::Activate, e))?;
    let parts = Parts {
        blueprint: Blueprint::new(host.engine.clone(), instance, limits, log, World::Open),
        handled: handled(surface, &settings, &registration),
        digest: code.digest(),
        manifest: manifest.clone(),
        surface: surface.clone(),
        registration,
        settings,
        guest,
    };
    Ok(Generation::new(host, parts, lineage))
}

/// Whether the operator has decided on everything that the component asks for.
fn decided(plugin: &PluginId, settings: &Settings, surface: &Surface) -> Result<(), Reason> {
    let undecided = settings.grants.undecided(&surface.grants());
    if undecided.is_empty() { Ok(()) } else { Err(Reason::Undecided { plugin: plugin.clone(), undecided }) }
}

/// What it registers, by its own word in two sealed cells. Kept by digest: the same component would say the same again.
async fn describe(
    host: &Host,
    (plugin, surface): (&PluginId, &Surface),
    code: &Code,
    limits: &Arc<Limits>,
    sink: &Arc<dyn LogSink>,
) -> Result<Registration, Reason> {
    if let Some(known) = host.described.get(code.digest()) {
        return Ok(known);
    }
    let log = Arc::new(Log::new(sink.clone(), limits, &[]));
    let (first, second) = sealed::describe(&host.engine, plugin, code, surface, limits, &log).await?;
    let registration = Registration::check(&first, &second, surface)?;
    host.described.keep(code.digest(), &registration);
    Ok(registration)
}

/// The operator's settings, if the plugin bears them.
fn configure(plugin: &PluginId, settings: &Settings, registration: &Registration) -> Result<Config, Reason> {
    let wanted = Borne::of(settings.isolation.unwrap_or_else(|| registration.usual_isolation()));
    if !registration.isolation.contains(&wanted) {
        let borne: Vec<_> = registration.isolation.iter().map(|b| b.name()).collect();
        return Err(Reason::Isolation { plugin: plugin.clone(), wanted: wanted.name(), borne: borne.join(", ") });
    }
    if let Some(unknown) = settings.budgets.keys().find(|name| !HOOKS.iter().any(|h| h.name == name.as_str())) {
        return Err(Reason::Budget { plugin: plugin.clone(), unknown: unknown.clone() });
    }
    Config::check(&settings.config, registration.config.as_ref()).map_err(|problem| Reason::Config { plugin: plugin.clone(), problem })
}

/// What a generation's cells share, beside what the operator decided.
struct Shared {
    log: Arc<Log>,
    config: Config,
    succession: Arc<Succession>,
    timers: bool,
}

/// What its cells get: its part of the state, too, unless that was denied.
fn guest(host: &Host, plugin: &PluginId, settings: &Settings, registration: &Registration, shared: Shared) -> Result<Guest, Reason> {
    let Shared { log, config, succession, timers } = shared;
    let owner = Owner::new(plugin.as_str()).map_err(Reason::State)?;
    let state = settings.grants.has(Grant::State).then(|| State { store: host.state.clone(), owner });
    let namespaces = registration.session_state.iter().map(|n| n.namespace.clone()).collect();
    let part = Part::sealed(plugin.clone(), log);
    let (services, grants) = (host.services.clone(), settings.grants.clone());
    Ok(Guest::new(Part { config, state, services, grants, namespaces, timers, succession, ..part }))
}

/// The hooks that are handled, with their budgets: the operator's, else the hook's own, or less if the plugin asks for less. More is the
/// operator's to give.
fn handled(surface: &Surface, settings: &Settings, registration: &Registration) -> Vec<Handled> {
    let granted = |hook: &&HookInfo| hook.grants.iter().all(|g| settings.grants.has(*g));
    let budget = |hook: &HookInfo| {
        let operator = settings.budgets.get(hook.name).copied();
        let plugin = registration.hook(hook.name).and_then(|h| h.budget());
        operator.unwrap_or_else(|| plugin.map_or(hook.budget, |asked| asked.min(hook.budget)))
    };
    surface.hooks().filter(granted).map(|hook| Handled::new(hook.name, budget(hook))).collect()
}
