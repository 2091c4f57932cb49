//! A host for tests: an engine that compiles in a child process, a folder for plugins, and a log that can be read.
//!
//! A [`Lab`] costs an engine and its clock; dropping it removes its folder.

use anyhow::Result;
use plugbay_runtime::engine::{CacheSettings, CompileIn, CompileLimits, Engine, EngineSettings, Level, LogSink};
use plugbay_runtime::state::{Sqlite, SqliteSettings, StateStore};
use plugbay_runtime::{Fired, Grant, Grants, LoadError, Loaded, Payload, Plugin, Plugins, PluginsSettings, Settings, ToolCall, Versions};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// A host with its folder and its log.
pub struct Lab {
    /// The plugins.
    pub plugins: Plugins,
    /// The engine that they run on.
    pub engine: Engine,
    /// What they store.
    pub state: Arc<dyn StateStore>,
    /// What they say.
    pub log: Arc<Lines>,
    folder: TempDir,
}

impl Lab {
    /// A host that compiles in a child of `compiler` and keeps what it compiled.
    ///
    /// # Errors
    /// If the machine has no room for it.
    pub fn new(compiler: &Path) -> Result<Self> {
        Self::with(compiler, |_| {})
    }

    /// The same, with other engine settings.
    ///
    /// # Errors
    /// If the machine has no room for it.
    pub fn with(compiler: &Path, change: impl FnOnce(&mut EngineSettings)) -> Result<Self> {
        Self::keeping(compiler, change, |_| {})
    }

    /// The same, with other settings of the plugins, too.
    ///
    /// # Errors
    /// If the machine has no room for it.
    pub fn keeping(compiler: &Path, change: impl FnOnce(&mut EngineSettings), keep: impl FnOnce(&mut PluginsSettings)) -> Result<Self> {
        let folder = TempDir::new()?;
        let mut settings = EngineSettings::new(CompileIn::Child(compiler.to_owned()));
        settings.cells = 100;
        settings.compile_limits = CompileLimits { time: Duration::from_secs(60), ..CompileLimits::default() };
        settings.cache = Some(CacheSettings { folder: folder.path().join("cache"), key: folder.path().join("cache.key") });
        change(&mut settings);
        let engine = Engine::new(settings)?;
        let log = Arc::new(Lines::default());
        let sink = log.clone();
        let state: Arc<dyn StateStore> = Arc::new(Sqlite::open(SqliteSettings::new(folder.path().join("state")))?);
        let versions = Versions::in_folder(&folder.path().join("versions"))?;
        let mut kept = PluginsSettings { logs: Box::new(move |_| sink.clone()), versions, ..PluginsSettings::default() };
        keep(&mut kept);
        let plugins = Plugins::with(engine.clone(), state.clone(), kept)?;
        Ok(Self { plugins, engine, state, log, folder })
    }

    /// Where files can be put.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a component into the folder, under the name of this plugin.
    ///
    /// # Errors
    /// If the disk has no room.
    pub fn place(&self, id: &str, component: &[u8]) -> Result<PathBuf> {
        let file = self.folder.path().join(format!("{id}.wasm"));
        fs::write(&file, component)?;
        Ok(file)
    }

    /// Puts a component into the folder and loads it.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn load(&self, id: &str, component: &[u8], settings: Settings) -> Result<(Arc<Plugin>, Loaded)> {
        Ok(self.try_load(id, component, settings).await??)
    }

    /// The same; a refusal is a result of its own.
    ///
    /// # Errors
    /// If the disk has no room.
    pub async fn try_load(&self, id: &str, component: &[u8], settings: Settings) -> Result<Result<(Arc<Plugin>, Loaded), LoadError>> {
        let file = self.place(id, component)?;
        Ok(self.plugins.load(&file, settings).await)
    }

    /// Loads a plugin that was built from this repository, with all grants.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn load_built(&self, id: &str, path: &str, settings: Settings) -> Result<(Arc<Plugin>, Loaded)> {
        self.load(id, &fs::read(path)?, settings).await
    }
}

/// Settings that let a plugin see conversations.
#[must_use]
pub fn granted() -> Settings {
    Settings { grants: Grants::granting([Grant::Conversation]), ..Settings::default() }
}

/// Settings that grant everything there is to grant, for plugins that ask for more than to see conversations.
#[must_use]
pub fn all_granted() -> Settings {
    Settings { grants: Grants::granting(Grant::ALL), ..Settings::default() }
}

/// A call of this tool with these arguments, about to be made.
#[must_use]
pub fn tool_call(tool: &str, params: &serde_json::Value) -> Fired<plugbay_runtime::BeforeToolCall> {
    Fired::new(ToolCall { tool: tool.to_owned(), params: Payload::of(params), call_id: Some("call-1".to_owned()), attrs: Vec::new() })
}

/// A log that keeps its lines.
#[derive(Default)]
pub struct Lines(Mutex<Vec<(Level, String)>>);

impl Lines {
    /// The lines so far.
    #[must_use]
    pub fn all(&self) -> Vec<(Level, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a line has this text in it.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|(_, line)| line.contains(text))
    }

    /// Forgets the lines.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl LogSink for Lines {
    fn line(&self, level: Level, text: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((level, text.to_owned()));
    }

    fn enabled(&self, level: Level) -> bool {
        level >= Level::Info
    }
}
