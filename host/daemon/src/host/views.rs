//! What the runtime knows of plugins, as it goes over the wire.

use crate::api::types::{
    Changed, EngineView, ExportUsage, FileView, GrantsView, HookView, Inspection, PluginAction, PluginCommand, PluginDetail, PluginSummary,
    PluginTool, PluginUi, ProbationView, SlotView, Standing, UncalledHook, VersionView,
};
use crate::config::{BUILTIN, Slot};
use crate::host::agents::harm;
use plugbay_gateway::{Clash, ContextView, Contexts, Gateway, Quarantined, RESERVED_COMMANDS, ServingEngine};
use plugbay_runtime::engine::Isolation;
use plugbay_runtime::{
    ActionRegistration, BreakerState, CommandRegistration, Counted, Done, Fate, Generation, Grant, Grants, HookInfo, Inspected, Judged,
    KeptVersion, Listing, Loaded, Plugin, PluginId, ProbationView as Probation, Surface, ToolRegistration, UiRegistration,
};
use std::collections::BTreeSet;
use std::time::Duration;

/// A plugin in a list.
pub(super) fn summary(listing: &Listing, engines: &Engines) -> PluginSummary {
    let counted: Vec<_> = listing.serving.iter().flat_map(|s| s.generation.counted()).map(|(_, c)| c).collect();
    PluginSummary {
        id: listing.id.to_string(),
        standing: standing(listing.standing),
        why: listing.why.clone(),
        version: listing.active.as_ref().map(|v| v.version.to_string()),
        digest: listing.active.as_ref().map(|v| v.digest.to_string()),
        generation: listing.generation,
        downgrade: listing.serving.as_ref().is_some_and(|s| s.downgrade),
        required: listing.required,
        calls: counted.iter().map(|c| c.calls).sum(),
        faults: counted.iter().map(|c| c.faults).sum(),
        file: listing.judged.as_ref().map(file),
        probation: listing.serving.as_ref().and_then(|s| probation(s.probation)),
        breaker: listing.serving.as_ref().and_then(|s| breaker(&s.breaker.state)),
        context_engine: engines.part(&listing.id),
    }
}

/// The context engine's slot and those that failed in it, looked at once for all plugins of a list.
pub(super) struct Engines {
    slot: ContextView,
    quarantined: Vec<Quarantined>,
}

impl Engines {
    pub(super) fn of(contexts: &Contexts) -> Self {
        Self { slot: contexts.view(), quarantined: contexts.quarantined() }
    }

    /// A plugin's part, if it has any.
    fn part(&self, id: &PluginId) -> Option<EngineView> {
        let wanted = self.slot.preferred.as_ref() == Some(id);
        let failed = self.quarantined.iter().find(|failed| failed.plugin == *id);
        (wanted || failed.is_some()).then(|| EngineView {
            wanted,
            serving: self.slot.serving == ServingEngine::Plugin(id.clone()),
            why: self.slot.why.clone().filter(|_| wanted).or_else(|| failed.map(|f| format!("`{}` failed: {}", f.operation, f.reason))),
            quarantined_at: failed.map(|failed| failed.at),
        })
    }

    /// The slot.
    pub(super) fn slot(self) -> SlotView {
        let ContextView { preferred, serving, why, .. } = self.slot;
        SlotView {
            slot: Slot::ContextEngine.name().to_owned(),
            preferred: preferred.map(|id| id.to_string()),
            serving: serving_engine(&serving),
            why,
        }
    }
}

/// Who serves as context engine, by name.
pub(super) fn serving_engine(serving: &ServingEngine) -> String {
    match serving {
        ServingEngine::Builtin => BUILTIN.to_owned(),
        ServingEngine::Plugin(id) => id.to_string(),
    }
}

/// All that there is to say of a plugin.
pub(super) fn detail(listing: &Listing, gateway: &Gateway) -> PluginDetail {
    let generation = listing.serving.as_ref().map(|s| &s.generation);
    let surface = generation.map(|g| g.surface());
    PluginDetail {
        summary: summary(listing, &Engines::of(gateway.contexts())),
        manifest: generation.map(|g| manifest(g.manifest())),
        imports: surface.map(imports).unwrap_or_default(),
        exports: surface.map(exports).unwrap_or_default(),
        ignored: surface.map(|s| s.ignored.iter().cloned().collect()).unwrap_or_default(),
        grants: generation.map(|g| grants(&g.surface().grants(), &g.settings().grants)).unwrap_or_default(),
        hooks: generation.map(|g| hooks(g)).unwrap_or_default(),
        uncalled: generation.map(|g| uncalled(g)).unwrap_or_default(),
        tools: generation.map(|g| tools(g, gateway.tools().now().clashes())).unwrap_or_default(),
        actions: generation.map(|g| actions(g)).unwrap_or_default(),
        commands: generation.map(|g| commands(g, gateway.actions().now().clashes())).unwrap_or_default(),
        ui: generation.map(|g| ui(g)).unwrap_or_default(),
        isolation: generation.map(|g| isolation(g.isolation())).unwrap_or_default(),
        config: generation.map(|g| g.shown_config()).unwrap_or_default(),
        versions: versions(listing),
    }
}

/// The versions that are kept, the one that serves first.
pub(super) fn versions(listing: &Listing) -> Vec<VersionView> {
    let view = |version: &KeptVersion, active| VersionView {
        version: version.version.to_string(),
        digest: version.digest.to_string(),
        since: version.since,
        active,
        failed: version.failed.clone(),
    };
    let active = listing.active.iter().map(|v| view(v, true));
    active.chain(listing.earlier.iter().map(|v| view(v, false))).collect()
}

/// A component that was looked at, beside what runs.
pub(super) fn inspection(component: &Inspected, decided: &Grants, running: Option<&Plugin>) -> Inspection {
    let Inspected { digest, manifest: read, surface } = component;
    let asks = surface.grants();
    let had = running.and_then(Plugin::surface).map(|s| s.grants()).unwrap_or_default();
    let names = |grants: &mut dyn Iterator<Item = &Grant>| grants.map(|g| g.name().to_owned()).collect();
    Inspection {
        id: read.id.to_string(),
        version: read.version.to_string(),
        digest: digest.to_string(),
        manifest: manifest(read),
        imports: imports(surface),
        exports: exports(surface),
        ignored: surface.ignored.iter().cloned().collect(),
        grants: grants(&asks, decided),
        adds: names(&mut asks.difference(&had)),
        drops: names(&mut had.difference(&asks)),
    }
}

/// A change that was made.
pub(super) fn changed(plugin: &str, done: Done, listing: Option<&Listing>) -> Changed {
    let active = listing.and_then(|l| l.active.as_ref());
    let change = match done.loaded {
        Loaded::Installed => "installed",
        Loaded::Replaced { .. } => "replaced",
        Loaded::Unchanged => "unchanged",
        Loaded::Aside => "aside",
    };
    Changed {
        id: plugin.to_owned(),
        change: change.to_owned(),
        generation: done.generation,
        version: active.map(|v| v.version.to_string()),
        digest: active.map(|v| v.digest.to_string()),
        notes: done.notes,
    }
}

/// What an export has used.
pub(super) fn export(name: &str, counted: Counted) -> ExportUsage {
    ExportUsage {
        export: name.to_owned(),
        calls: counted.calls,
        faults: counted.faults,
        failed: counted.failed,
        cut: counted.cut,
        unserved: counted.unserved,
        cpu_us: u64::try_from(counted.cpu.as_micros()).unwrap_or(u64::MAX),
        host_calls: counted.host_calls,
        memory: counted.memory,
    }
}

/// How a breaker that isn't closed is told.
pub(super) fn breaker(state: &BreakerState) -> Option<String> {
    match state {
        BreakerState::Closed => None,
        BreakerState::Open { retry_in } => Some(format!("open, next try in {} ms", millis(*retry_in))),
        BreakerState::Trial => Some("a trial call is under way".to_owned()),
        BreakerState::Quarantined { .. } => Some("quarantined".to_owned()),
    }
}

/// What a component asks for, and what was decided.
pub(super) fn grants(asks: &BTreeSet<Grant>, decided: &Grants) -> GrantsView {
    let names = |keep: &dyn Fn(Grant) -> bool| asks.iter().filter(|g| keep(**g)).map(|g| g.name().to_owned()).collect();
    GrantsView {
        asks: names(&|_| true),
        granted: names(&|g| decided.has(g)),
        denied: names(&|g| decided.denied.contains(&g)),
        undecided: names(&|g| !decided.has(g) && !decided.denied.contains(&g)),
    }
}

/// How cells are kept, as `plugbay.toml` writes it.
fn isolation(isolation: Isolation) -> String {
    match isolation {
        Isolation::Shared => "shared".to_owned(),
        Isolation::Pool(cells) => format!("pool = {cells}"),
        Isolation::Session => "session".to_owned(),
        Isolation::Call => "call".to_owned(),
    }
}

fn standing(standing: plugbay_runtime::Standing) -> Standing {
    match standing {
        plugbay_runtime::Standing::Active => Standing::Active,
        plugbay_runtime::Standing::Disabled => Standing::Disabled,
        plugbay_runtime::Standing::Held => Standing::Held,
        plugbay_runtime::Standing::Missing => Standing::Missing,
        plugbay_runtime::Standing::Failed => Standing::Failed,
        plugbay_runtime::Standing::Quarantined => Standing::Quarantined,
    }
}

fn file(judged: &Judged) -> FileView {
    let fate = match judged.fate {
        Fate::Held => "held",
        Fate::Refused => "refused",
        Fate::Failed => "failed",
        Fate::RolledBack => "rolled-back",
    };
    FileView {
        digest: judged.digest.to_string(),
        version: judged.version.as_ref().map(ToString::to_string),
        fate: fate.to_owned(),
        step: judged.step.map(|s| s.to_string()),
        why: judged.why.clone(),
        undecided: judged.undecided.clone(),
        adds: judged.adds.clone(),
    }
}

fn probation(view: Probation) -> Option<ProbationView> {
    match view {
        Probation::Running { calls, faults, calls_left, time_left } => {
            Some(ProbationView { calls, faults, calls_left, ms_left: millis(time_left) })
        }
        Probation::None | Probation::Ended(_) => None,
    }
}

fn hooks(generation: &Generation) -> Vec<HookView> {
    generation.handled().map(|(name, budget)| HookView { name: name.to_owned(), budget_ms: millis(budget) }).collect()
}

/// Hooks that it exports and wasn't granted what they take.
fn uncalled(generation: &Generation) -> Vec<UncalledHook> {
    let (id, granted) = (&generation.manifest().id, &generation.settings().grants);
    let view = |hook: &HookInfo| {
        let lacks: Vec<_> = hook.grants.iter().filter(|grant| !granted.has(**grant)).map(|grant| grant.name().to_owned()).collect();
        let settings = lacks.iter().map(|grant| format!("plugins.{id}.grants.{grant}")).collect();
        UncalledHook { name: hook.name.to_owned(), lacks, settings }
    };
    generation.surface().hooks().map(view).filter(|hook| !hook.lacks.is_empty()).collect()
}

fn tools(generation: &Generation, clashes: &[Clash]) -> Vec<PluginTool> {
    let own = &generation.manifest().id;
    let view = |tool: &ToolRegistration| PluginTool {
        name: tool.name.clone(),
        description: tool.description.clone(),
        risk: tool.risk.map(harm),
        tags: tool.tags.clone(),
        clashes_with: others(&tool.name, own, clashes),
    };
    generation.registration().tools.iter().map(view).collect()
}

/// Others who claim a name.
fn others(name: &str, own: &PluginId, clashes: &[Clash]) -> Vec<String> {
    let clash = clashes.iter().find(|clash| clash.name == name);
    clash.iter().flat_map(|clash| &clash.owners).filter(|owner| *owner != own).map(ToString::to_string).collect()
}

fn actions(generation: &Generation) -> Vec<PluginAction> {
    let view = |action: &ActionRegistration| PluginAction {
        id: action.id.clone(),
        title: action.title.clone(),
        scope: action.needs().to_string(),
    };
    generation.registration().actions.iter().map(view).collect()
}

fn commands(generation: &Generation, clashes: &[Clash]) -> Vec<PluginCommand> {
    let own = &generation.manifest().id;
    let view = |command: &CommandRegistration| PluginCommand {
        name: command.name.clone(),
        description: command.description.clone(),
        args: command.args.clone(),
        scope: command.needs().to_string(),
        clashes_with: others(&command.name, own, clashes),
        reserved: RESERVED_COMMANDS.contains(&command.name.as_str()),
    };
    generation.registration().commands.iter().map(view).collect()
}

fn ui(generation: &Generation) -> Vec<PluginUi> {
    let view = |shown: &UiRegistration| PluginUi {
        id: shown.id.clone(),
        surface: shown.surface.name().to_owned(),
        label: shown.label.clone(),
        scope: shown.needs().to_string(),
    };
    generation.registration().ui.iter().map(view).collect()
}

fn imports(surface: &Surface) -> Vec<String> {
    surface.imports.iter().cloned().collect()
}

fn exports(surface: &Surface) -> Vec<String> {
    surface.exports.iter().cloned().collect()
}

fn manifest(manifest: &plugbay_runtime::Manifest) -> serde_json::Value {
    let plugbay_runtime::Manifest { id, version, description, authors, license, repository } = manifest;
    serde_json::json!({
        "id": id.as_str(), "version": version.to_string(), "description": description, "authors": authors, "license": license, "repository": repository,
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
