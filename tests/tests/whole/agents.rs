//! A gateway as the daemon has it, for tests: its state in SQLite, what is compiled kept on disk, plugins of this repository in it.
//!
//! A [`Ground`] is what stages of one test share: an engine, and builds. A [`Stage`] costs a database; the first load of a build costs its compilation, further ones
//! nothing.

use crate::{compiler, kept};
use plugbay_gateway::model::Models;
use plugbay_gateway::{EntryView, Gateway, GatewaySettings, Receipt, Turn, TurnAsked, TurnEnd, TurnEvent};
use plugbay_guests::{builds, built};
use plugbay_runtime::engine::{CompileIn, CompileLimits, Engine, EngineSettings};
use plugbay_runtime::state::{Sqlite, SqliteSettings, StateStore, Window};
use plugbay_runtime::{BreakerSettings, Grant, Grants, LoadError, Order, Plugin, PluginsSettings, ProbationSettings, Settings, Wanted};
use plugbay_tests::lab::Lines;
use serde::Deserialize;
use serde_json::Value;
use std::fs;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// What stages of one test share.
pub(crate) struct Ground {
    engine: Engine,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let mut settings = EngineSettings::new(CompileIn::Child(compiler().to_owned()));
        settings.cells = 100;
        settings.compile_limits = CompileLimits { time: Duration::from_secs(600), ..CompileLimits::default() };
        settings.cache = Some(kept());
        Self { engine: Engine::new(settings).unwrap() }
    }

    /// A gateway that hasn't started, with no plugins. Nobody is on probation, and no breaker opens: a test may fault what it likes.
    pub(crate) fn stage(&self) -> Stage {
        self.breaking(BreakerSettings { faults: NonZeroU32::MAX, ..BreakerSettings::default() })
    }

    /// The same, with this breaker.
    pub(crate) fn breaking(&self, breaker: BreakerSettings) -> Stage {
        let (folder, log) = (TempDir::new().unwrap(), Arc::new(Lines::default()));
        let state = Arc::new(Sqlite::open(SqliteSettings::new(folder.path().join("state"))).unwrap());
        let sink = log.clone();
        let plugins = PluginsSettings {
            logs: Box::new(move |_| sink.clone()),
            probation: ProbationSettings { time: Duration::ZERO, ..ProbationSettings::default() },
            breaker,
            ..PluginsSettings::default()
        };
        let settings = GatewaySettings { plugins, models: Models::default(), ..GatewaySettings::default() };
        let gateway = Gateway::new(self.engine.clone(), state.clone(), settings).unwrap();
        Stage { gateway, state, log, folder }
    }
}

/// A gateway and what it stands on.
pub(crate) struct Stage {
    pub(crate) gateway: Gateway,
    pub(crate) state: Arc<Sqlite>,
    pub(crate) log: Arc<Lines>,
    folder: TempDir,
}

/// A call that a witness wrote down.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Row {
    pub(crate) hook: String,
    pub(crate) session: Option<String>,
    pub(crate) event: String,
}

impl Stage {
    /// Loads a plugin, or puts this in its place.
    pub(crate) async fn load(&self, id: &str, bytes: &[u8], settings: Settings) -> Arc<Plugin> {
        self.try_load(id, bytes, settings).await.unwrap_or_else(|e| panic!("{e}"))
    }

    pub(crate) async fn try_load(&self, id: &str, bytes: &[u8], settings: Settings) -> Result<Arc<Plugin>, LoadError> {
        Ok(self.gateway.plugins().load(&self.file(id, bytes), settings).await?.0)
    }

    fn file(&self, id: &str, bytes: &[u8]) -> PathBuf {
        let file = self.folder.path().join(format!("{id}.wasm"));
        fs::write(&file, bytes).unwrap();
        file
    }

    /// The plugin `toolbox`, with all that it asks for.
    pub(crate) async fn toolbox(&self) -> Arc<Plugin> {
        self.load("toolbox", &read(built::TOOLBOX), toolbox()).await
    }

    /// The plugin `witness-<letter>` of this priority, which does what `config` says.
    pub(crate) async fn witness(&self, letter: char, priority: u16, config: Value) -> Arc<Plugin> {
        self.load(&format!("witness-{letter}"), &builds::witness(letter, priority).unwrap(), witness(config)).await
    }

    /// Switches a plugin off.
    pub(crate) async fn disable(&self, plugin: &Plugin) {
        let wanted = Wanted { source: None, settings: Settings::default(), runs: Err("a test wants it so".into()), or_kept: true };
        self.gateway.plugins().apply(plugin.id().clone(), wanted, Order::by("a test")).await.unwrap();
    }

    /// What a witness wrote down so far, in the order in which it was asked and told.
    pub(crate) async fn rows(&self, letter: char) -> Vec<Row> {
        self.settled().await;
        self.written(letter).await
    }

    /// The same, without waiting for what is still to be told.
    pub(crate) async fn written(&self, letter: char) -> Vec<Row> {
        let owner = format!("witness-{letter}");
        let rows = self.state.export(None, NonZeroUsize::new(10_000).unwrap()).await.unwrap();
        let its = rows.into_iter().filter(|row| row.id.owner.as_str() == owner && row.id.namespace == "calls");
        its.map(|row| serde_json::from_str(&row.value).unwrap()).collect()
    }

    /// What it was asked or told by one hook.
    pub(crate) async fn heard(&self, letter: char, hook: &str) -> Vec<String> {
        self.rows(letter).await.into_iter().filter(|row| row.hook == hook).map(|row| row.event).collect()
    }

    /// Waits until observers are told, and generations that were replaced are gone.
    pub(crate) async fn settled(&self) {
        assert_eq!(self.gateway.hooks().settled(Duration::from_secs(300)).await, 0);
        while self.gateway.plugins().retired_cells() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Somebody says something.
    pub(crate) async fn turn(&self, session: &str, text: &str) -> Turn {
        self.gateway.turn(TurnAsked::said(session, "test", text)).await.unwrap()
    }

    /// The same, to its end.
    pub(crate) async fn said(&self, session: &str, text: &str) -> TurnEnd {
        self.turn(session, text).await.ended().await
    }

    pub(crate) async fn transcript(&self, session: &str) -> Vec<EntryView> {
        let window = Window::From { start: 0, count: 1_000 };
        self.gateway.transcript(session, window).await.unwrap().unwrap_or_default()
    }

    /// Who said what in a session's present life.
    pub(crate) async fn words(&self, session: &str) -> Vec<String> {
        let line = |entry: EntryView| format!("{}: {}", entry.role, entry.content.as_str().unwrap_or_default());
        self.transcript(session).await.into_iter().map(line).collect()
    }

    /// What became of all dispatches of a run.
    pub(crate) async fn receipts(&self, run: &str) -> Vec<Receipt> {
        self.settled().await;
        self.gateway.receipts(run)
    }
}

fn read(path: impl AsRef<Path>) -> Vec<u8> {
    fs::read(path).unwrap()
}

/// What `toolbox` asks for, granted.
pub(crate) fn toolbox() -> Settings {
    Settings { grants: Grants::granting([Grant::State, Grant::Events, Grant::Prompt]), ..Settings::default() }
}

/// All that there is to grant.
pub(crate) fn all() -> Settings {
    Settings { grants: Grants::granting(Grant::ALL), ..Settings::default() }
}

/// What a witness asks for, granted.
pub(crate) fn witness(config: Value) -> Settings {
    let Value::Object(config) = config else { panic!("settings are an object: {config}") };
    let grants = Grants::granting([Grant::Conversation, Grant::Policy, Grant::Prompt, Grant::State]);
    Settings { config, grants, ..Settings::default() }
}

/// Events up to the first that is wanted.
pub(crate) async fn until(turn: &mut Turn, wanted: impl Fn(&TurnEvent) -> bool) -> Vec<TurnEvent> {
    let mut events = Vec::new();
    while let Some(event) = turn.next().await {
        let found = wanted(&event);
        events.push(event);
        if found {
            return events;
        }
    }
    panic!("it didn't come: {events:?}")
}
