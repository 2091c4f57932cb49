//! All plugins of a host: loading files, replacing generations, finding plugins.
//!
//! Loading takes a file through the steps of [`Step`], in order. Whatever is refused on the way leaves nothing behind, and what served before goes on. Loads of one
//! plugin happen one after the other; those of different plugins don't wait for each other.

use crate::error::{LoadError, Loaded, Reason, Step};
use crate::generation::{Generation, Settings, Verified, prepare};
use crate::host::Host;
use crate::id::PluginId;
use crate::imports;
use crate::manifest;
use crate::plugin::Plugin;
use crate::surface::Surface;
use crate::wire::exports::plugbay::plugin::plugin::DeactivationReason;
use crate::wire::types::ActivationReason;
use plugbay_engine::{Engine, LogSink, SetupError, TracingSink};
use plugbay_state::StateStore;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All plugins of a host.
pub struct Plugins {
    host: Host,
    loaded: Mutex<BTreeMap<PluginId, Arc<Plugin>>>,
    loading: Mutex<HashMap<PluginId, Arc<tokio::sync::Mutex<()>>>>,
}

impl Plugins {
    /// No plugins yet. What they store goes into `state`, their logs to `tracing`.
    ///
    /// # Errors
    /// If the imports can't be linked, which would be a defect of this crate.
    pub fn new(engine: Engine, state: Arc<dyn StateStore>) -> Result<Self, SetupError> {
        Self::with_logs(engine, state, |plugin| Arc::new(TracingSink { plugin: plugin.to_string() }))
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
        let linked = |e: wasmtime::Error| SetupError::Wasm(format!("{e:#}"));
        let mut linker = engine.linker().map_err(linked)?;
        imports::add(&mut linker).map_err(linked)?;
        let host = Host { engine, linker, state, sink: Box::new(sink) };
        Ok(Self { host, loaded: Mutex::default(), loading: Mutex::default() })
    }

    /// The plugin with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<Plugin>> {
        lock(&self.loaded).get(id).cloned()
    }

    /// All plugins, by id.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Plugin>> {
        lock(&self.loaded).values().cloned().collect()
    }

    /// Loads `<id>.wasm`: installs the plugin, or replaces the generation that serves. Calls that are under way end where they began.
    ///
    /// # Errors
    /// Names the file, the step, what was found and what was expected.
    pub async fn load(&self, file: &Path, settings: Settings) -> Result<(Arc<Plugin>, Loaded), LoadError> {
        self.load_because(file, settings, ActivationReason::Install).await
    }

    async fn load_because(&self, file: &Path, settings: Settings, new: ActivationReason) -> Result<(Arc<Plugin>, Loaded), LoadError> {
        let id = named(file).map_err(|reason| reason.at(file, Step::Read))?;
        let turn = lock(&self.loading).entry(id.clone()).or_default().clone();
        let _turn = turn.lock().await; // the file is read when it is its turn, so that the last one asked is the last one read
        let verified = self.verify(file, id.clone()).await?;

        let serving = self.get(id.as_str());
        let previous = serving.as_ref().map(|plugin| plugin.generation());
        let reason = if previous.is_some() { ActivationReason::Swap } else { new };
        let prepared = prepare(&self.host, verified, settings, previous.as_deref(), reason).await;
        let (generation, first) = prepared.map_err(|(step, reason)| reason.at(file, step))?;

        let published = match serving {
            Some(plugin) => replace(plugin, generation.clone()),
            None => self.install(id, generation.clone()),
        };
        // On a task of its own: once published, a plugin is told, whether or not anybody waits for it here.
        if let Err(e) = tokio::spawn(generation.started(first, reason)).await {
            tracing::error!("`startup.started`: {e}");
        }
        Ok(published)
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
            results.push(self.load_because(&file, settings(&id), ActivationReason::Boot).await);
        }
        Ok(results)
    }

    fn install(&self, id: PluginId, generation: Arc<Generation>) -> (Arc<Plugin>, Loaded) {
        let plugin = Arc::new(Plugin::new(id.clone(), generation));
        lock(&self.loaded).insert(id, plugin.clone());
        (plugin, Loaded::Installed)
    }

    /// Everything that can be said of a file before it is compiled; on a thread for such work, since a file may be large.
    async fn verify(&self, file: &Path, expected: PluginId) -> Result<Verified, LoadError> {
        let (engine, path) = (self.host.engine.clone(), file.to_owned());
        let verified = tokio::task::spawn_blocking(move || {
            let bytes = read(&path, engine.component_size()).map_err(|reason| (Step::Read, reason))?;
            check(&engine, bytes, expected).map_err(|reason| (Step::Verify, reason))
        });
        let verified = verified.await.unwrap_or_else(|e| Err((Step::Verify, Reason::Unreadable(std::io::Error::other(e)))));
        verified.map_err(|(step, reason)| reason.at(file, step))
    }
}

fn check(engine: &Engine, bytes: Vec<u8>, expected: PluginId) -> Result<Verified, Reason> {
    let component = engine.admit(bytes)?;
    let surface = Surface::read(component.bytes())?;
    let manifest = manifest::read(component.bytes())?;
    if manifest.id == expected {
        Ok(Verified { component, manifest, surface })
    } else {
        Err(Reason::OtherId { found: manifest.id, expected })
    }
}

fn replace(plugin: Arc<Plugin>, generation: Arc<Generation>) -> (Arc<Plugin>, Loaded) {
    let old = plugin.publish(generation);
    old.retire(DeactivationReason::Swap);
    let loaded = Loaded::Replaced { version: old.manifest().version.clone(), digest: old.digest() };
    (plugin, loaded)
}

/// The id that a file's name says.
fn named(file: &Path) -> Result<PluginId, Reason> {
    if file.extension().is_none_or(|e| e != "wasm") {
        return Err(Reason::NoWasm);
    }
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(PluginId::try_from(stem)?)
}

/// Reads a file; of one that is larger than a component may be, only as much as it takes to see that.
fn read(path: &Path, most: usize) -> Result<Vec<u8>, Reason> {
    let mut bytes = Vec::new();
    File::open(path)?.take((most as u64).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A lock whose poison doesn't matter: every critical section here leaves whole values.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
