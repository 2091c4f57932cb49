//! Changes of plugins, each when it is its turn.
//!
//! Changes of one plugin happen one after the other; those of different plugins don't wait for each other. What a change leaves behind, cells that are retired
//! and versions that nobody names any more, is counted and cleaned up here.

use crate::apply::{Left, Wanted};
use crate::error::{Done, LoadError, Loaded, Reason, Step};
use crate::host::{Alarm, Bell};
use crate::id::PluginId;
use crate::order::Order;
use crate::plugin::Plugin;
use crate::prepare::Refusal;
use crate::record::{self, PluginRecord};
use crate::standing::{Stand, Standing};
use crate::swap::Yard;
use crate::wire::exports::plugbay::plugin::plugin::DeactivationReason;
use crate::write::Write;
use plugbay_engine::{Census, Digest};
use plugbay_state::Owner;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// A host's plugins, and what is needed to change them.
pub(crate) struct Inner {
    pub(crate) yard: Yard,
    pub(crate) known: Mutex<BTreeMap<PluginId, Arc<Plugin>>>,
    /// Counts what matters to who asks plugins.
    pub(crate) revision: Arc<AtomicU64>,
    /// Cells of generations that were replaced, as long as there are any.
    pub(crate) retired: Mutex<Vec<Census>>,
    /// Whether all records were read: only then is it known which versions are named.
    pub(crate) recalled: AtomicBool,
    /// The digests for which other versions were deleted last.
    pub(crate) named: tokio::sync::Mutex<HashSet<Digest>>,
}

/// A change of one plugin.
pub(crate) enum Change {
    Apply(Box<dyn FnOnce() -> Wanted + Send>),
    RollBack(Option<Digest>),
    Reset,
    Missing,
    Uninstall {
        purge: bool,
    },
    /// What a generation rang for, by its number.
    Answer(u64, Alarm),
}

impl Inner {
    pub(crate) async fn changed(self: &Arc<Self>, id: PluginId, change: Change, order: Order) -> Result<Done, LoadError> {
        loop {
            let plugin = self.plugin(&id).await.map_err(|e| Reason::Record(e).at(&file_of(&id), Step::Read))?;
            let _turn = plugin.turn.lock().await;
            // Who was before may have forgotten it.
            if lock(&self.known).get(&id).is_some_and(|known| Arc::ptr_eq(known, &plugin)) {
                return self.in_turn(&plugin, change, order).await;
            }
        }
    }

    /// Makes a change. For who has the plugin's turn.
    async fn in_turn(self: &Arc<Self>, plugin: &Arc<Plugin>, change: Change, mut order: Order) -> Result<Done, LoadError> {
        if self.yard.stopping.load(Ordering::Acquire) {
            return Err(Reason::Stopping.at(&file_of(plugin.id()), Step::Read));
        }
        let before = plugin.generation();
        let mut changed = self.make(plugin, change, &mut order).await;
        if changed.is_ok() && order.alongside.is_some() {
            let alone = self.only_alongside(plugin, &mut order).await;
            changed = alone.map_err(|reason| reason.at(&file_of(plugin.id()), Step::Publish)).and(changed);
        }
        if let Some(before) = before.filter(|before| plugin.generation().is_none_or(|now| !Arc::ptr_eq(before, &now))) {
            self.retire(before.census().clone());
        }
        if plugin.is_nothing() {
            lock(&self.known).remove(plugin.id());
        }
        if let Err(e) = self.forget_versions(changed.is_err()).await {
            tracing::warn!("versions that nobody names any more are still kept: {e}");
        }
        changed
    }

    /// Stops all plugins, side by side: one that takes its time to come to an end keeps no other waiting.
    pub(crate) async fn shutdown(self: &Arc<Self>, drain: Duration) {
        self.yard.stopping.store(true, Ordering::Release);
        let plugins: Vec<_> = lock(&self.known).values().cloned().collect();
        let mut ending = JoinSet::new();
        for plugin in plugins {
            ending.spawn(async move {
                let _turn = plugin.turn.lock().await;
                plugin.change(|v| v.stand = Stand::new(Standing::Disabled, "the host is stopping"));
                if let Some(old) = plugin.publish(None) {
                    let drain = drain.min(old.settings().drain);
                    old.close(DeactivationReason::Shutdown);
                    old.retire(drain);
                }
            });
        }
        ending.join_all().await;
        self.yard.host.tasks.close();
        self.yard.host.tasks.wait().await;
    }

    async fn make(&self, plugin: &Arc<Plugin>, change: Change, order: &mut Order) -> Result<Done, LoadError> {
        let at = |refusal: Refusal| refusal.reason.at(&file_of(plugin.id()), refusal.step);
        match change {
            Change::Apply(wanted) => self.yard.apply(plugin, wanted(), order).await,
            Change::RollBack(to) => self.yard.roll_back(plugin, to, order).await,
            Change::Reset => self.yard.reset(plugin, order).await.map_err(at),
            Change::Missing => {
                let stand = Stand::new(Standing::Missing, "its file is gone");
                self.yard.stand_aside(plugin, stand, Some("missing"), order).await.map_err(at)
            }
            Change::Uninstall { purge } => {
                self.uninstall(plugin, purge, order).await.map_err(|reason| reason.at(&file_of(plugin.id()), Step::Publish))
            }
            Change::Answer(number, alarm) => {
                self.yard.answer(plugin, number, alarm).await;
                Ok(Done { loaded: Loaded::Unchanged, generation: number, notes: Vec::new() })
            }
        }
    }

    /// Nothing of the plugin changes, but what was to change with it does.
    async fn only_alongside(&self, plugin: &Plugin, order: &mut Order) -> Result<(), Reason> {
        let record = plugin.view(|v| v.record.clone());
        Write { plugin: plugin.id(), before: &record, next: Some(&record), what: None, why: None, about: None }
            .done(&*self.yard.host.state, order)
            .await
    }

    async fn uninstall(&self, plugin: &Arc<Plugin>, purge: bool, order: &mut Order) -> Result<Done, Reason> {
        let (id, state) = (plugin.id(), &self.yard.host.state);
        let before = plugin.view(|v| v.record.clone());
        Write { plugin: id, before: &before, next: None, what: Some("uninstall"), why: None, about: None }.done(&**state, order).await?;
        let stand = Stand::new(Standing::Missing, "it was uninstalled");
        let note = self.yard.leave(plugin, stand, DeactivationReason::Uninstall, Left::ForGood).await;
        plugin.change(|v| v.record = PluginRecord::default());
        lock(&self.known).remove(id);
        if purge {
            state.purge(&Owner::new(id.as_str()).map_err(Reason::State)?).await.map_err(Reason::State)?;
        }
        Ok(Done { loaded: Loaded::Aside, generation: before.generation, notes: note.into_iter().collect() })
    }

    /// The plugin with this id, with what is remembered of it.
    async fn plugin(&self, id: &PluginId) -> Result<Arc<Plugin>, String> {
        if let Some(plugin) = lock(&self.known).get(id) {
            return Ok(plugin.clone());
        }
        let record = record::read(&*self.yard.host.state, id).await?;
        let mut known = lock(&self.known);
        Ok(known.entry(id.clone()).or_insert_with(|| self.new_plugin(id, record)).clone())
    }

    /// A plugin that nothing serves of yet.
    pub(crate) fn new_plugin(&self, id: &PluginId, record: PluginRecord) -> Arc<Plugin> {
        Arc::new(Plugin::new(id.clone(), record, self.revision.clone()))
    }

    /// Counts the cells of what may have been replaced, as long as there are any.
    fn retire(&self, census: Census) {
        let mut retired = lock(&self.retired);
        retired.retain(|c| c.alive() > 0 && !c.is(&census));
        retired.push(census);
    }

    /// Deletes the versions that no plugin's record names any more: where other names are there now, or one was refused that may have been kept. Until all
    /// records are known nothing is deleted.
    async fn forget_versions(self: &Arc<Self>, refused: bool) -> Result<(), String> {
        let mut last = self.named.lock().await;
        let named = self.named_versions();
        if !self.recalled.load(Ordering::Acquire) || (*last == named && !refused) {
            return Ok(());
        }
        let inner = self.clone();
        let deleted = tokio::task::spawn_blocking(move || inner.yard.versions.retain(|| inner.named_versions()));
        deleted.await.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
        *last = named;
        Ok(())
    }

    /// The versions that plugins' records name.
    fn named_versions(&self) -> HashSet<Digest> {
        lock(&self.known).values().flat_map(|p| p.view(|v| record::named(&v.record))).collect()
    }
}

/// What generations ring: whatever must happen to a plugin happens when it is its turn.
pub(crate) fn bell(host: Weak<Inner>) -> Bell {
    Arc::new(move |plugin, number, alarm| {
        let (Some(host), Ok(runtime)) = (host.upgrade(), Handle::try_current()) else { return };
        let plugin = plugin.clone();
        runtime.spawn(async move {
            if let Err(e) = host.changed(plugin, Change::Answer(number, alarm), Order::automatic("host")).await {
                tracing::error!("{e}");
            }
        });
    })
}

/// What a plugin's file is called.
pub(crate) fn file_of(plugin: &PluginId) -> PathBuf {
    PathBuf::from(format!("{plugin}.wasm"))
}

/// A lock whose poison doesn't matter: every critical section here leaves whole values.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
