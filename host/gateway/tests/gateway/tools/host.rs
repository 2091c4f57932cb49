//! A host with all that plugins reach, and no turns: what tests of tools, approvals and services are made on.

use plugbay_gateway::model::ToolRequest;
use plugbay_gateway::runtime::state::{Memory, SessionStore, StateStore};
use plugbay_gateway::runtime::{Call, Grant, Grants, Order, Plugin, Plugins, PluginsSettings, Services, Session, Settings, Wanted};
use plugbay_gateway::{Approvals, ApprovalsSettings, Binding, Desk, Hooks, HooksSettings, ToolEnd, Tools};
use plugbay_guests::{builds, built};
use serde_json::Value;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A host, its state in memory.
pub(crate) struct Host {
    pub(crate) state: Arc<Memory>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) plugins: Plugins,
    pub(crate) hooks: Hooks,
    pub(crate) approvals: Approvals,
    pub(crate) tools: Tools,
    folder: tempfile::TempDir,
    _binding: Binding,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self::with(ApprovalsSettings::default())
    }

    pub(crate) fn with(approvals: ApprovalsSettings) -> Self {
        let state = Arc::new(Memory::default());
        let desk = Arc::new(Desk::new(state.clone()));
        let settings = PluginsSettings { services: desk.clone() as Arc<dyn Services>, ..PluginsSettings::default() };
        let plugins = Plugins::with(crate::engine(), state.clone(), settings).unwrap();
        let hooks = Hooks::new(plugins.clone(), HooksSettings::default());
        let binding = desk.bind(plugins.clone(), hooks.clone()).unwrap();
        let approvals = Approvals::new(state.clone(), hooks.clone(), approvals);
        let tools = Tools::new(plugins.clone(), hooks.clone(), approvals.clone());
        let folder = tempfile::tempdir().unwrap();
        Self { state, desk, plugins, hooks, approvals, tools, folder, _binding: binding }
    }

    /// Installs a plugin, or puts this in its place.
    pub(crate) async fn load(&self, id: &str, built: impl AsRef<Path>, settings: Settings) -> Arc<Plugin> {
        self.plugins.load(&self.file(id, built), settings).await.unwrap_or_else(|e| panic!("{e}")).0
    }

    /// A plugin's file, not loaded.
    pub(crate) fn file(&self, id: &str, built: impl AsRef<Path>) -> PathBuf {
        let file = self.folder.path().join(format!("{id}.wasm"));
        std::fs::copy(built, &file).unwrap();
        file
    }

    /// Switches a plugin off.
    pub(crate) async fn disable(&self, plugin: &Plugin) {
        let wanted = Wanted { source: None, settings: Settings::default(), runs: Err("a test wants it so".into()), or_kept: true };
        self.plugins.apply(plugin.id().clone(), wanted, Order::by("test")).await.unwrap();
    }

    /// The plugin `toolbox`, with all that it asks for.
    pub(crate) async fn toolbox(&self) -> Arc<Plugin> {
        self.load("toolbox", built::TOOLBOX, toolbox()).await
    }

    /// The plugin `witness-<letter>`: what it does is said by `config`; what it is asked, written down ([`Host::witnessed`]).
    pub(crate) async fn witness(&self, letter: char, priority: u16, config: Value) -> Arc<Plugin> {
        let (id, built) = (format!("witness-{letter}"), self.folder.path().join("built"));
        std::fs::write(&built, builds::witness(letter, priority).unwrap()).unwrap();
        let Value::Object(config) = config else { panic!("settings are an object: {config}") };
        let grants = Grants::granting([Grant::Conversation, Grant::Policy, Grant::Prompt, Grant::State]);
        self.load(&id, built, Settings { config, grants, ..Settings::default() }).await
    }

    /// What a witness was told and asked by this hook, as it wrote it down; after observers are done.
    pub(crate) async fn witnessed(&self, plugin: &Plugin, hook: &str) -> Vec<String> {
        let rows = self.rows(plugin, hook).await;
        rows.iter().map(|row| row["event"].as_str().unwrap().to_owned()).collect()
    }

    /// The sessions that those calls were about.
    pub(crate) async fn witnessed_sessions(&self, plugin: &Plugin, hook: &str) -> Vec<Option<String>> {
        let rows = self.rows(plugin, hook).await;
        rows.iter().map(|row| row["session"].as_str().map(str::to_owned)).collect()
    }

    async fn rows(&self, plugin: &Plugin, hook: &str) -> Vec<Value> {
        assert_eq!(self.hooks.settled(Duration::from_secs(30)).await, 0);
        let rows = self.state.export(None, NonZeroUsize::new(10_000).unwrap()).await.unwrap();
        let of_it = rows.into_iter().filter(|row| row.id.owner.as_str() == plugin.id().as_str() && row.id.namespace == "calls");
        of_it.map(|row| serde_json::from_str::<Value>(&row.value).unwrap()).filter(|row| row["hook"] == hook).collect()
    }

    /// Calls a tool of those that there are now.
    pub(crate) async fn call(&self, call: &Call, tool: &str, arguments: &Value) -> ToolEnd {
        self.tools.call(&self.tools.now(), call, request(tool, &arguments.to_string())).await
    }

    /// A session, new or not.
    pub(crate) async fn session(&self, key: &str) -> Session {
        let row = self.state.ensure_session(key, &format!("{key}-1")).await.unwrap().session;
        self.desk.handles().handle(&row.key, &row.id)
    }
}

/// What `toolbox` asks for, granted.
pub(crate) fn toolbox() -> Settings {
    Settings { grants: Grants::granting([Grant::State, Grant::Events, Grant::Prompt]), ..Settings::default() }
}

/// A call as a model writes it.
pub(crate) fn request(tool: &str, arguments: &str) -> ToolRequest {
    ToolRequest { id: "c1".into(), name: tool.into(), arguments: arguments.into() }
}

/// What the model is told.
pub(crate) fn told(end: &ToolEnd) -> Value {
    end.content.parse().unwrap()
}
