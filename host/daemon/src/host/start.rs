//! Starting a host: the state first, then what was begun and not finished, then every plugin, then what watches.
//!
//! Costs what loading all plugins costs. It fails if the configuration is wrong, another host has the state, or the machine has no room; each error says which.

use super::{Host, Inner, agents, alongside, tokens};
use crate::config::{Config, ConfigFile, FileError, LogLevel};
use crate::directory::Directory;
use crate::logs::{LogSettings, LogsError, PluginLogs};
use plugbay_gateway::model::OpenAiSettingsError;
use plugbay_gateway::{Gateway, GatewayError};
use plugbay_runtime::engine::{CacheSettings, CompileIn, Engine, EngineSettings, Level, SetupError};
use plugbay_runtime::state::{Locked, Sqlite, SqliteSettings, StateError, StateLock, StateStore, Sweeper};
use plugbay_runtime::{BreakerSettings, Order, PluginsSettings, ProbationSettings, VersionError, Versions};
use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;

/// How often expired rows are deleted.
const SWEEP: Duration = Duration::from_secs(60);

/// How often it is written down when tokens were last used.
const TOKENS: Duration = Duration::from_secs(60);

/// What a host is started with.
#[derive(Debug, Clone)]
pub struct Program {
    /// The configuration's file; it may be missing.
    pub configuration: PathBuf,
    /// The program that compiles when it is told to: usually this one.
    pub compiler: PathBuf,
}

/// Why a host isn't started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration.
    #[error(transparent)]
    Configuration(#[from] FileError),
    /// Another host has the state.
    #[error(transparent)]
    Locked(#[from] Locked),
    /// The state.
    #[error("the state: {0}")]
    State(#[from] StateError),
    /// What the state remembers can't be used.
    #[error("what the state remembers: {0}")]
    Memory(String),
    /// The gateway, or the engine beneath it.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] SetupError),
    /// The model.
    #[error(transparent)]
    Model(#[from] OpenAiSettingsError),
    /// Kept versions.
    #[error(transparent)]
    Versions(#[from] VersionError),
    /// Logs.
    #[error(transparent)]
    Logs(#[from] LogsError),
    /// What plugins hand over has no place.
    #[error("can't use the directory {} for what plugins hand over (setting `outbox.folder`): {source}", path.display())]
    Outbox {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A directory can't be made.
    #[error("can't make the directory {}: {source}", path.display())]
    Make {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Host {
    /// Starts a host; it answers when every plugin is where it belongs. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Says what is missing or broken. A plugin that is refused is no error: the listing says so.
    pub async fn start(program: &Program) -> Result<Self, StartError> {
        let host = Self::open(program).await?;
        host.settle_all(Order::boot).await;
        host.gateway().start().await?;
        let directory = tokio::spawn(host.clone().follow_directory());
        let configuration = tokio::spawn(host.clone().follow_configuration());
        let used = tokio::spawn(host.clone().follow_tokens());
        super::lock(&host.0.tasks).extend([directory, configuration, used]);
        Ok(host)
    }

    async fn open(program: &Program) -> Result<Self, StartError> {
        let path = std::path::absolute(&program.configuration)
            .map_err(|source| StartError::Make { path: program.configuration.clone(), source })?;
        let file = ConfigFile::read(&path)?;
        let config = &file.config;
        make(&config.host.state)?;
        let lock = StateLock::take(&config.host.state)?;
        let state = Arc::new(Sqlite::open(SqliteSettings {
            synchronous: config.host.durability,
            busy_timeout: config.host.busy_timeout,
            limits: config.state.clone(),
            ..SqliteSettings::new(&config.host.state)
        })?);
        alongside::catch_up(&*state).await.map_err(StartError::Memory)?;
        let file = Arc::new(ConfigFile::read(&path)?); // catching up may have written it
        let config = file.config.clone();
        make(&config.host.plugins)?;
        if let Err(e) = alongside::clear(&config.host.plugins) {
            tracing::warn!("what another host left in {} stays there: {e}", config.host.plugins.display());
        }
        let logs = PluginLogs::new(log_settings(&config))?;
        let engine = Engine::new(engine_settings(&config, program))?;
        let settings = agents::settings(&config, plugins_settings(&config, &logs)?)?;
        let gateway = Gateway::new(engine, state.clone(), settings)?;
        gateway.plugins().recall().await.map_err(StartError::Memory)?;
        let stored: Arc<dyn StateStore> = state.clone();
        Ok(Self(Arc::new(Inner {
            directory: Directory::at(config.host.plugins.clone(), config.engine.component_size),
            tokens: Mutex::new(tokens::read(&*state).await.map_err(StartError::Memory)?),
            sweeper: Mutex::new(Some(Sweeper::start(&stored, SWEEP))),
            gateway,
            prepared: agents::PreparedTurns::default(),
            state,
            logs,
            path,
            started_with: file.clone(),
            config: Arc::new(Mutex::new(file)),
            config_problem: Mutex::default(),
            editing: tokio::sync::Mutex::default(),
            refused: Mutex::new(BTreeMap::new()),
            keeping_tokens: tokio::sync::Mutex::default(),
            tasks: Mutex::default(),
            stopping: watch::channel(false).0,
            lock: Mutex::new(Some(lock)),
        })))
    }

    async fn follow_tokens(self) {
        loop {
            tokio::time::sleep(TOKENS).await;
            self.keep_used_tokens().await;
        }
    }
}

/// Makes a directory that is its owner's alone, if it isn't there.
fn make(path: &Path) -> Result<(), StartError> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| StartError::Make { path: path.to_owned(), source })
}

fn engine_settings(config: &Config, program: &Program) -> EngineSettings {
    let settings = &config.engine;
    EngineSettings {
        cells: settings.cells,
        stack: settings.stack,
        component_size: settings.component_size,
        compile_limits: settings.compile,
        cache: Some(CacheSettings { folder: config.host.cache.clone(), key: config.host.state.join("cache.key") }),
        ..EngineSettings::new(CompileIn::Child(program.compiler.clone()))
    }
}

fn plugins_settings(config: &Config, logs: &PluginLogs) -> Result<PluginsSettings, StartError> {
    let sinks = logs.clone();
    Ok(PluginsSettings {
        logs: Box::new(move |plugin| sinks.sink(plugin)),
        versions: Versions::in_folder(&config.host.state.join("versions"))?,
        probation: ProbationSettings { time: config.host.probation, calls: config.host.probation_calls, ..ProbationSettings::default() },
        breaker: BreakerSettings::default(),
        ..PluginsSettings::default()
    })
}

/// The least level that is kept of plugins' logs.
const fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Error => Level::Error,
        LogLevel::Warn => Level::Warn,
        LogLevel::Info => Level::Info,
        LogLevel::Debug => Level::Debug,
        LogLevel::Trace => Level::Trace,
    }
}

fn log_settings(config: &Config) -> LogSettings {
    let defaults = LogSettings::default();
    LogSettings {
        level: level(config.logs.level),
        lines: config.logs.lines,
        folder: (config.logs.files > 0).then(|| config.host.state.join("logs")),
        file_bytes: NonZeroU64::new(config.logs.file_bytes.get() as u64).unwrap_or(defaults.file_bytes),
        files: NonZeroUsize::new(config.logs.files).unwrap_or(defaults.files),
        ..defaults
    }
}
