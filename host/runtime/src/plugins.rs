//! All plugins of a host: installing, replacing, rolling back, switching off and on, finding.
//!
//! Every change goes through the steps of [`Step`](crate::Step), in order. Whatever is refused on the way leaves nothing behind, and what served before goes on.
//! Changes of one plugin happen one after the other; those of different plugins don't wait for each other. What was changed is remembered in
//! the state, with a line of its history, before anybody is served by it.

use crate::apply::Wanted;
use crate::breaker::BreakerSettings;
use crate::changes::{Change, Inner, bell, file_of, lock};
use crate::error::{Done, LoadError, Loaded, Reason, Step};
use crate::host::{Described, Host, SinkOf};
use crate::id::PluginId;
use crate::imports;
use crate::manifest::Manifest;
use crate::order::Order;
use crate::plugin::Plugin;
use crate::prepare::{Examined, Refusal, Verified, examine};
use crate::probation::ProbationSettings;
use crate::record::{self};
use crate::services::{NoServices, Services};
use crate::settings::Settings;
use crate::source::Source;
use crate::surface::Surface;
use crate::swap::Yard;
use crate::versions::Versions;
use crate::waits::Waits;
use plugbay_engine::{Census, Digest, Engine, LogSink, SetupError, TracingSink};
use plugbay_state::StateStore;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// How a host keeps its plugins.
pub struct PluginsSettings {
    /// Where each plugin's log goes.
    pub logs: SinkOf,
    /// Where versions are kept.
    pub versions: Versions,
    /// How long a new version is on probation.
    pub probation: ProbationSettings,
    /// When a plugin isn't called for a while.
    pub breaker: BreakerSettings,
    /// What plugins reach through the host.
    pub services: Arc<dyn Services>,
}

impl Default for PluginsSettings {
    /// Logs to `tracing`, versions in memory.
    fn default() -> Self {
        Self {
            logs: Box::new(|plugin| Arc::new(TracingSink { plugin: plugin.to_string() })),
            versions: Versions::in_memory(),
            probation: ProbationSettings::default(),
            breaker: BreakerSettings::default(),
            services: Arc::new(NoServices),
        }
    }
}

/// A component that was looked at.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// What identifies it.
    pub digest: Digest,
    /// Which plugin it is.
    pub manifest: Manifest,
    /// What it imports and exports.
    pub surface: Surface,
}

/// All plugins of a host. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Plugins(Arc<Inner>);

impl Plugins {
    /// No plugins yet. What they store goes into `state`, their logs to `tracing`; versions are kept in memory, which costs the components' bytes: a program
    /// that has a directory gives it ([`Versions::in_folder`]).
    ///
    /// # Errors
    /// If the imports can't be linked, which would be a defect of this crate.
    pub fn new(engine: Engine, state: Arc<dyn StateStore>) -> Result<Self, SetupError> {
        Self::with(engine, state, PluginsSettings::default())
    }

    /// The same, with each plugin's log where `sink` says.
    ///
    /// # Errors
    /// As for [`Plugins::new`].
    pub fn with_logs(
        engine: Engine,
        state: Arc<dyn StateStore>,
        sink: impl Fn(&PluginId) -> Arc<dyn LogSink> + Send + Sync + 'static,
    ) -> Result<Self, SetupError> {
        Self::with(engine, state, PluginsSettings { logs: Box::new(sink), ..PluginsSettings::default() })
    }

    /// The same, with these settings.
    ///
    /// # Errors
    /// As for [`Plugins::new`].
    pub fn with(engine: Engine, state: Arc<dyn StateStore>, settings: PluginsSettings) -> Result<Self, SetupError> {
        let linked = |e: wasmtime::Error| SetupError::Wasm(format!("{e:#}"));
        let mut linker = engine.linker().map_err(linked)?;
        imports::add(&mut linker, &*state).map_err(linked)?;
        let PluginsSettings { logs, versions, probation, breaker, services } = settings;
        let (versions, tasks) = (Arc::new(versions), TaskTracker::new());
        Ok(Self(Arc::new_cyclic(|weak| {
            let host = Host {
                engine,
                linker,
                state,
                services,
                sink: logs,
                described: Described::default(),
                breaker,
                bell: bell(weak.clone()),
                waits: Waits::default(),
                tasks,
            };
            let yard = Yard { host, versions, probation, stopping: AtomicBool::new(false) };
            Inner {
                yard,
                known: Mutex::default(),
                revision: Arc::default(),
                retired: Mutex::default(),
                recalled: AtomicBool::new(false),
                named: tokio::sync::Mutex::default(),
            }
        })))
    }

    /// The plugin with this id, whether it serves or not.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<Plugin>> {
        lock(&self.0.known).get(id).cloned()
    }

    /// Who waits for whom: whoever has a call of a plugin wait for turns says so there.
    #[must_use]
    pub fn waits(&self) -> &Waits {
        &self.0.yard.host.waits
    }

    /// All plugins that the host knows, by id.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Plugin>> {
        lock(&self.0.known).values().cloned().collect()
    }

    /// Changes whenever another generation of a plugin serves, or none any more, and whenever a plugin that doesn't serve stands elsewhere, guards something else, or
    /// becomes required or no longer. Who keeps what follows from that reads it first, then looks at the plugins.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.0.revision.load(Ordering::Acquire)
    }

    /// Remembers the plugins that ran on this state before; nothing of them is started. To be called when a host starts.
    ///
    /// # Errors
    /// If the state can't be read, or holds what isn't a record.
    pub async fn recall(&self) -> Result<Vec<Arc<Plugin>>, String> {
        let records = record::read_all(&*self.0.yard.host.state).await?;
        let mut known = lock(&self.0.known);
        for (id, record) in records {
            known.entry(id.clone()).or_insert_with(|| self.0.new_plugin(&id, record));
        }
        self.0.recalled.store(true, Ordering::Release);
        Ok(known.values().cloned().collect())
    }

    /// Looks at a component: what it is, and what it asks for. Nothing of it is compiled or run.
    ///
    /// # Errors
    /// Names the step, what was found and what was expected.
    pub async fn inspect(&self, source: Source) -> Result<Inspected, LoadError> {
        let name = source.name().to_owned();
        let at = |refusal: Refusal| refusal.reason.at(&name, refusal.step);
        let Examined { digest, verified } = examine(&self.0.yard.host.engine, source, None).await.map_err(at)?;
        let Verified { manifest, surface, .. } = verified.map_err(at)?;
        Ok(Inspected { digest, manifest, surface })
    }

    /// Brings a plugin to what is wanted of it.
    ///
    /// # Errors
    /// Names the file, the step, what was found and what was expected. What served before goes on.
    pub async fn apply(&self, id: PluginId, wanted: Wanted, order: Order) -> Result<Done, LoadError> {
        self.settle(id, move || wanted, order).await
    }

    /// The same; what is wanted is asked when it is the plugin's turn, so that of two who come at once none brings back what the other has just changed.
    ///
    /// # Errors
    /// As for [`Plugins::apply`].
    pub async fn settle(&self, id: PluginId, wanted: impl FnOnce() -> Wanted + Send + 'static, order: Order) -> Result<Done, LoadError> {
        self.change(id, Change::Apply(Box::new(wanted)), order).await
    }

    /// Loads `<id>.wasm`: installs the plugin, or replaces the generation that serves. Calls that are under way end where they began.
    ///
    /// # Errors
    /// As for [`Plugins::apply`].
    pub async fn load(&self, file: &Path, settings: Settings) -> Result<(Arc<Plugin>, Loaded), LoadError> {
        self.load_for(file, settings, Order::by("embedder").insisting()).await
    }

    async fn load_for(&self, file: &Path, settings: Settings, order: Order) -> Result<(Arc<Plugin>, Loaded), LoadError> {
        let id = named(file).map_err(|reason| reason.at(file, Step::Read))?;
        let done = self.apply(id.clone(), Wanted::running(Source::file(file), settings), order).await?;
        let plugin =
            self.get(id.as_str()).ok_or_else(|| Reason::Host("it was uninstalled meanwhile".to_owned()).at(file, Step::Publish))?;
        Ok((plugin, done.loaded))
    }

    /// Loads every `*.wasm` of a folder, in the order of their names, as when a host starts. A plugin that is refused keeps no other from being loaded.
    ///
    /// # Errors
    /// Only if the folder itself can't be read; the answer holds one result for each file.
    pub async fn load_folder(
        &self,
        folder: &Path,
        settings: impl Fn(&str) -> Settings,
    ) -> std::io::Result<Vec<Result<(Arc<Plugin>, Loaded), LoadError>>> {
        let mut files = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
        files.retain(|file| file.extension().is_some_and(|e| e == "wasm"));
        files.sort();
        let mut results = Vec::new();
        for file in files {
            let id = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            results.push(self.load_for(&file, settings(&id), Order::boot()).await);
        }
        Ok(results)
    }

    /// Goes back to a version that ran before: this one, or the last one that didn't fail.
    ///
    /// # Errors
    /// If there is none, or it is refused. What serves goes on.
    pub async fn roll_back(&self, id: PluginId, to: Option<Digest>, order: Order) -> Result<Done, LoadError> {
        self.change(id, Change::RollBack(to), order).await
    }

    /// Ends a plugin's quarantine, and closes its breaker.
    ///
    /// # Errors
    /// If the state can't be written.
    pub async fn reset(&self, id: PluginId, order: Order) -> Result<Done, LoadError> {
        self.change(id, Change::Reset, order).await
    }

    /// The plugin's file is gone: its calls stop, and nothing of it is deleted.
    ///
    /// # Errors
    /// If the state can't be written.
    pub async fn missing(&self, id: PluginId, order: Order) -> Result<Done, LoadError> {
        self.change(id, Change::Missing, order).await
    }

    /// Ends a plugin for good: nothing is remembered of it but its history, and, unless they are purged, the rows that it stored.
    ///
    /// # Errors
    /// If the state can't be written. The plugin goes on then.
    pub async fn uninstall(&self, id: PluginId, purge: bool, order: Order) -> Result<Done, LoadError> {
        self.change(id, Change::Uninstall { purge }, order).await
    }

    /// Cells of generations that were replaced or ended, and that there still are.
    #[must_use]
    pub fn retired_cells(&self) -> usize {
        let mut retired = lock(&self.0.retired);
        retired.retain(|census| census.alive() > 0);
        retired.iter().map(Census::alive).sum()
    }

    /// Stops all plugins: what is being changed comes to its end, calls under way may go on for so long, then they are cut off; cells are deactivated. From
    /// then on nobody is served.
    pub async fn shutdown(&self, drain: Duration) {
        self.0.shutdown(drain).await;
    }

    /// Changes a plugin when it is its turn, on a task of its own: what was begun comes to its end, whoever waits for it.
    async fn change(&self, id: PluginId, change: Change, order: Order) -> Result<Done, LoadError> {
        let (inner, name) = (self.0.clone(), file_of(&id));
        let task = tokio::spawn(async move { inner.changed(id, change, order).await });
        task.await.unwrap_or_else(|e| Err(Reason::Host(e.to_string()).at(&name, Step::Publish)))
    }
}

/// The id that a file's name says.
fn named(file: &Path) -> Result<PluginId, Reason> {
    if file.extension().is_none_or(|e| e != "wasm") {
        return Err(Reason::NoWasm);
    }
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(PluginId::try_from(stem)?)
}
