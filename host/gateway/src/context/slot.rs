//! The slot: which engine is wanted, which one serves, and why not the one that is wanted.
//!
//! What is wanted stays, whatever becomes of the plugin: one that comes back serves again, from the next run on. An engine that failed is quarantined, by plugin and generation: its next
//! generation, or [`Contexts::reset`], ends that. Looking costs a short lock and a listing of one plugin; nothing here can fail.

use super::builtin::Builtin;
use super::queue::BehindTurns;
use super::seat::Seat;
use crate::hooks::Hooks;
use crate::runs::now;
use crate::tokens::Tokens;
use plugbay_runtime::state::SessionStore;
use plugbay_runtime::{ContextAssemble, Grant, Hook, Pinned, PluginId, Plugins, Standing};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of a reason that are kept.
const REASON: usize = 4_096;

/// The slot of the context engine. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Contexts(Arc<Inner>);

struct Inner {
    parts: Parts,
    slot: Mutex<Slot>,
}

/// What engines are called with.
pub(super) struct Parts {
    pub(super) plugins: Plugins,
    pub(super) hooks: Hooks,
    pub(super) store: Arc<dyn SessionStore>,
    pub(super) tokens: Tokens,
    pub(super) builtin: Builtin,
}

#[derive(Default)]
struct Slot {
    wanted: Option<PluginId>,
    /// What failed of each.
    quarantined: BTreeMap<PluginId, (Pinned, Quarantined)>,
    /// Which of them may tidy up behind a turn.
    behind_turns: BTreeMap<PluginId, Arc<BehindTurns>>,
}

/// An engine that failed, and isn't asked any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Quarantined {
    /// The plugin.
    pub plugin: PluginId,
    /// Which of its generations.
    pub generation: u64,
    /// What it was asked: the interface's name.
    pub operation: &'static str,
    /// How it failed.
    pub reason: String,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

/// Who decides what the model sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServingEngine {
    /// The built-in engine.
    Builtin,
    /// A plugin.
    Plugin(PluginId),
}

/// How the slot is at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ContextView {
    /// The plugin that is wanted; none: the built-in engine.
    pub preferred: Option<PluginId>,
    /// Who serves runs that begin now.
    pub serving: ServingEngine,
    /// Why the plugin that is wanted doesn't, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Its quarantine, if that is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Quarantined>,
}

impl Contexts {
    pub(crate) fn new(plugins: Plugins, hooks: Hooks, store: Arc<dyn SessionStore>, wanted: Option<PluginId>) -> Self {
        let tokens = Tokens::default();
        let builtin = Builtin::new(store.clone(), tokens.clone());
        let parts = Parts { plugins, hooks, store, tokens, builtin };
        Self(Arc::new(Inner { parts, slot: Mutex::new(Slot { wanted, ..Slot::default() }) }))
    }

    /// Puts a plugin into the slot, or the built-in engine. Runs that have begun keep theirs.
    pub fn set_engine(&self, plugin: Option<PluginId>) {
        self.slot().wanted = plugin;
    }

    /// How the slot is now.
    #[must_use]
    pub fn view(&self) -> ContextView {
        let preferred = self.slot().wanted.clone();
        match self.resolve() {
            Ok(pinned) => {
                let serving = pinned.map_or(ServingEngine::Builtin, |pinned| ServingEngine::Plugin(pinned.plugin().id().clone()));
                ContextView { preferred, serving, why: None, quarantine: None }
            }
            Err(why) => {
                let quarantine = preferred.as_ref().and_then(|plugin| self.quarantine_of(plugin));
                ContextView { preferred, serving: ServingEngine::Builtin, why: Some(why), quarantine }
            }
        }
    }

    /// Engines that are quarantined, in the slot or not, by plugin.
    #[must_use]
    pub fn quarantined(&self) -> Vec<Quarantined> {
        let all: Vec<PluginId> = self.slot().quarantined.keys().cloned().collect();
        all.iter().filter_map(|plugin| self.quarantine_of(plugin)).collect()
    }

    /// Ends a quarantine. Whether there was one.
    #[must_use]
    pub fn reset(&self, plugin: &PluginId) -> bool {
        let was = self.quarantine_of(plugin).is_some();
        self.slot().quarantined.remove(plugin);
        was
    }

    /// A place for one run, with the engine that serves now.
    pub(crate) fn seat(&self) -> Seat {
        let pinned = self.resolve().unwrap_or_else(|why| {
            tracing::debug!(why, "the built-in context engine serves");
            None
        });
        Seat::new(self.clone(), pinned)
    }

    /// A place for a call of this engine, whether it is in the slot or not. None, if it can't be asked.
    pub(super) fn seat_of(&self, plugin: &PluginId) -> Result<Seat, String> {
        self.engine(plugin).map(|pinned| Seat::new(self.clone(), Some(pinned)))
    }

    /// The plugin that serves; none: the built-in engine is wanted.
    fn resolve(&self) -> Result<Option<Pinned>, String> {
        let wanted = self.slot().wanted.clone();
        wanted.map(|plugin| self.engine(&plugin)).transpose()
    }

    /// What serves of a plugin, if it may serve as an engine; otherwise why not.
    fn engine(&self, id: &PluginId) -> Result<Pinned, String> {
        let none = || format!("there is no plugin `{id}` (setting `slots.context-engine`)");
        let plugin = self.parts().plugins.get(id.as_str()).ok_or_else(none)?;
        let Some(pinned) = plugin.pin().filter(|_| plugin.standing() == Standing::Active) else {
            let listing = plugin.listing();
            let why = listing.why.map(|why| format!(": {why}")).unwrap_or_default();
            return Err(format!("plugin `{id}` is {}{why}", listing.standing));
        };
        let generation = pinned.generation();
        if generation.registration().context_engine.is_none() {
            return Err(format!("plugin `{id}` is no context engine: it exports no `{}`", ContextAssemble::NAME));
        }
        if !generation.handles::<ContextAssemble>() {
            let lacks: Vec<_> = ContextAssemble::GRANTS.iter().filter(|grant| !generation.settings().grants.has(**grant)).collect();
            return Err(format!(
                "plugin `{id}` may not serve as context engine: it was denied {} (setting `plugins.{id}.grants`)",
                named(&lacks)
            ));
        }
        match self.is_quarantined(&pinned) {
            None => Ok(pinned),
            Some(Quarantined { operation, reason, .. }) => Err(format!(
                "plugin `{id}` is quarantined as context engine, since `{operation}` failed: {reason}; another version of it, or a reset, ends that"
            )),
        }
    }

    /// The quarantine of a plugin, if what serves of it is what failed.
    fn quarantine_of(&self, plugin: &PluginId) -> Option<Quarantined> {
        self.is_quarantined(&self.parts().plugins.get(plugin.as_str())?.pin()?)
    }

    /// The quarantine of a generation.
    pub(super) fn is_quarantined(&self, pinned: &Pinned) -> Option<Quarantined> {
        let slot = self.slot();
        let (failed, quarantined) = slot.quarantined.get(pinned.plugin().id())?;
        failed.is_same(pinned).then(|| quarantined.clone())
    }

    /// Quarantines a generation. The first failure stays the one that is told; one that doesn't serve any more keeps nobody out.
    pub(super) fn quarantine(&self, pinned: &Pinned, operation: &'static str, mut reason: String) {
        reason.truncate(reason.floor_char_boundary(REASON));
        let (plugin, generation) = (pinned.plugin().id().clone(), pinned.generation().number());
        let serves = pinned.plugin().pin().is_some_and(|serving| serving.is_same(pinned));
        if !serves {
            tracing::warn!(%plugin, generation, operation, reason, "a context engine failed that was replaced meanwhile");
            return;
        }
        let mut slot = self.slot();
        if slot.quarantined.get(&plugin).is_some_and(|(failed, _)| failed.is_same(pinned)) {
            return;
        }
        tracing::error!(%plugin, generation, operation, reason, "the context engine failed and is quarantined: the built-in one serves in its place");
        slot.quarantined.insert(plugin.clone(), (pinned.clone(), Quarantined { plugin, generation, operation, reason, at: now() }));
    }

    /// The built-in engine.
    pub(crate) fn builtin(&self) -> &Builtin {
        &self.parts().builtin
    }

    /// Who counts.
    pub(crate) fn tokens(&self) -> Tokens {
        self.parts().tokens.clone()
    }

    /// Who may tidy up behind a turn, of one engine.
    pub(super) fn behind_turns(&self, plugin: &PluginId) -> Arc<BehindTurns> {
        let queue = || Arc::new(BehindTurns::new());
        self.slot().behind_turns.entry(plugin.clone()).or_insert_with(queue).clone()
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.0.parts
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn named(grants: &[&Grant]) -> String {
    grants.iter().map(|grant| format!("`{grant}`")).collect::<Vec<_>>().join(", ")
}
