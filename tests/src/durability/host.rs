//! A host whose state and compile cache are where the caller says, so that they outlive it, with several instances of the guest `ledger`.
//!
//! Starting costs the guest's compilation the first time, some 50 ms later. A guest's own failure is an [`Answer`]; what breaks a call is an error.

use crate::lab::{granted, tool_call};
use anyhow::{Context, Result, anyhow, bail};
use plugbay_guests::built;
use plugbay_runtime::engine::{CacheSettings, CompileIn, CompileLimits, Engine, EngineSettings, Isolation};
use plugbay_runtime::state::{Sqlite, SqliteSettings, StateStore, Synchronous};
use plugbay_runtime::{BeforeToolCall, Call, Plugin, Plugins, Settings};
use serde_json::{Value, json};
use std::fs;
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What a guest answered: a value, or why the store has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The store's answer.
    Ok(Value),
    /// The store's error.
    Refused {
        /// What kind of failure.
        code: String,
        /// What was called.
        operation: String,
        /// What happened.
        message: String,
    },
}

impl Answer {
    /// The value.
    ///
    /// # Errors
    /// If it is none.
    pub fn ok(self) -> Result<Value> {
        match self {
            Self::Ok(value) => Ok(value),
            Self::Refused { code, operation, message } => Err(anyhow!("{operation} ({code}): {message}")),
        }
    }

    /// The code, if it is a refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Ok(_) => None,
            Self::Refused { code, .. } => Some(code),
        }
    }
}

/// Plugins on a state.
pub struct Host {
    /// What they store.
    pub state: Sqlite,
    plugins: Plugins,
}

/// The state's settings in this folder.
#[must_use]
pub fn options(folder: &Path, synchronous: Synchronous) -> SqliteSettings {
    SqliteSettings { synchronous, ..SqliteSettings::new(folder) }
}

/// An engine that compiles in a child of `compiler` and keeps what it compiled in `cache`.
///
/// # Errors
/// If the machine has no room.
pub(super) fn engine(cache: &Path, compiler: &Path) -> Result<Engine> {
    let mut settings = EngineSettings::new(CompileIn::Child(compiler.to_owned()));
    settings.cells = 50;
    settings.compile_limits = CompileLimits { time: Duration::from_secs(60), ..CompileLimits::default() };
    settings.cache = Some(CacheSettings { folder: cache.join("compiled"), key: cache.join("compiled.key") });
    Ok(Engine::new(settings)?)
}

impl Host {
    /// Opens the state, and an engine that compiles in a child of `compiler` and keeps what it compiled in `cache`.
    ///
    /// # Errors
    /// If the state can't be opened, or the machine has no room.
    pub fn open(state: SqliteSettings, cache: &Path, compiler: &Path) -> Result<Self> {
        let state = Sqlite::open(state).context("opening the state")?;
        let plugins = Plugins::new(engine(cache, compiler)?, Arc::new(state.clone()))?;
        Ok(Self { state, plugins })
    }

    /// Loads the guest under this name, in so many cells.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn load(&self, id: &str, cache: &Path, cells: NonZeroU16) -> Result<Arc<Plugin>> {
        let folder = cache.join(format!("plugins-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{id}.wasm"));
        fs::write(&file, renamed(&fs::read(built::LEDGER)?, id)?)?;
        let settings = Settings { isolation: Some(Isolation::Pool(cells)), ..granted() };
        let loaded = self.plugins.load(&file, settings).await;
        fs::remove_dir_all(&folder)?;
        Ok(loaded?.0)
    }

    /// Closes the state; what the plugins ask of it from now on is refused.
    pub async fn close(self) {
        self.state.close().await;
    }
}

/// The component under another id: a manifest at the top level wins over the one inside.
fn renamed(component: &[u8], id: &str) -> Result<Vec<u8>> {
    const NAME: &str = "plugbay:manifest";
    let manifest = format!(r#"{{"id":"{id}","version":"1.0.0"}}"#);
    // A custom section: its length and its name's, each in one byte.
    let length = u8::try_from(1 + NAME.len() + manifest.len()).ok().filter(|length| *length < 0x80).context("the id is too long")?;
    let section = [&[0, length, NAME.len() as u8], NAME.as_bytes(), manifest.as_bytes()].concat();
    Ok([component, &section].concat())
}

/// Calls the guest. Its namespaces refuse new rows when they are full, so that none goes unless it is told to.
///
/// # Errors
/// If the call breaks, or its answer has another form.
pub async fn ask(plugin: &Plugin, operation: &str, namespace: &str, key: &str, value: &str) -> Result<Answer> {
    let params = json!({ "ns": namespace, "reject": true, "key": key, "value": value });
    let decision = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call(operation, &params)).await?;
    let answer = decision.params.context("the guest said nothing")?.parse()?;
    if let Some(refused) = answer.get("error") {
        let text = |name: &str| refused.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        return Ok(Answer::Refused { code: text("code"), operation: text("operation"), message: text("message") });
    }
    match answer.get("ok") {
        Some(value) => Ok(Answer::Ok(value.clone())),
        None => bail!("the guest answered {answer}"),
    }
}
