//! A gateway with its state in memory, or in whatever a test gives it, and real guests.

use crate::engine;
use plugbay_gateway::runtime::state::{Memory, StateStore, Window};
use plugbay_gateway::runtime::{Grant, Grants, Plugin, PluginsSettings, ProbationSettings, Settings};
use plugbay_gateway::{EntryView, Gateway, GatewaySettings, RunView, Turn, TurnAsked, TurnEnd, TurnEvent, TurnStatus};
use plugbay_guests::{builds, built};
use serde_json::Value;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A gateway and what it stands on.
pub(crate) struct Stage {
    pub(crate) gateway: Gateway,
    pub(crate) state: Arc<Memory>,
    folder: TempDir,
}

/// Nobody is on probation, so that a test may fault what it likes.
pub(crate) fn settings() -> GatewaySettings {
    let probation = ProbationSettings { time: Duration::ZERO, ..ProbationSettings::default() };
    GatewaySettings { plugins: PluginsSettings { probation, ..PluginsSettings::default() }, ..GatewaySettings::default() }
}

impl Stage {
    /// One that has started, without plugins.
    pub(crate) async fn started() -> Self {
        Self::started_with(settings()).await
    }

    pub(crate) async fn started_with(settings: GatewaySettings) -> Self {
        let stage = Self::on(Arc::new(Memory::default()), settings);
        stage.gateway.start().await.unwrap();
        stage
    }

    /// One that hasn't started, on a state that others may know.
    pub(crate) fn on(state: Arc<Memory>, settings: GatewaySettings) -> Self {
        let gateway = Gateway::new(engine(), state.clone(), settings).unwrap();
        Self::of(gateway, state)
    }

    /// This gateway, whose state is in the end this one.
    pub(crate) fn of(gateway: Gateway, state: Arc<Memory>) -> Self {
        Self { gateway, state, folder: TempDir::new().unwrap() }
    }

    pub(crate) async fn load(&self, id: &str, built: impl AsRef<Path>, settings: Settings) -> Arc<Plugin> {
        let file = self.folder.path().join(format!("{id}.wasm"));
        std::fs::copy(built, &file).unwrap();
        self.gateway.plugins().load(&file, settings).await.unwrap_or_else(|e| panic!("{e}")).0
    }

    /// The plugin `toolbox`, with all that it asks for.
    pub(crate) async fn toolbox(&self) -> Arc<Plugin> {
        self.load("toolbox", built::TOOLBOX, toolbox()).await
    }

    /// The plugin `witness-<letter>`, which does what `config` says and writes down what it is asked and told.
    pub(crate) async fn witness(&self, letter: char, config: Value) -> Arc<Plugin> {
        let (id, built) = (format!("witness-{letter}"), self.folder.path().join("built"));
        std::fs::write(&built, builds::witness(letter, 500).unwrap()).unwrap();
        self.load(&id, built, witness(config)).await
    }

    /// What a witness wrote down: hook and event, in the order in which it was asked and told.
    pub(crate) async fn witnessed(&self, plugin: &Plugin) -> Vec<Value> {
        self.settled().await;
        let rows = self.state.export(None, NonZeroUsize::new(10_000).unwrap()).await.unwrap();
        let of_it = rows.into_iter().filter(|row| row.id.owner.as_str() == plugin.id().as_str() && row.id.namespace == "calls");
        of_it.map(|row| serde_json::from_str::<Value>(&row.value).unwrap()).collect()
    }

    /// What it was asked or told by one hook.
    pub(crate) async fn witnessed_by(&self, plugin: &Plugin, hook: &str) -> Vec<String> {
        let rows = self.witnessed(plugin).await;
        rows.iter().filter(|row| row["hook"] == hook).map(|row| row["event"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn settled(&self) {
        assert_eq!(self.gateway.hooks().settled(Duration::from_secs(120)).await, 0);
    }

    /// Somebody says something.
    pub(crate) async fn turn(&self, session: &str, text: &str) -> Turn {
        self.gateway.turn(TurnAsked::said(session, "test", text)).await.unwrap()
    }

    /// The same, to its end.
    pub(crate) async fn said(&self, session: &str, text: &str) -> TurnEnd {
        self.turn(session, text).await.ended().await
    }

    /// The same, where all goes well: what is answered.
    pub(crate) async fn answer(&self, session: &str, text: &str) -> String {
        let end = self.said(session, text).await;
        assert_eq!((end.status, &end.error), (TurnStatus::Done, &None));
        end.message.unwrap()
    }

    pub(crate) async fn transcript(&self, session: &str) -> Vec<EntryView> {
        let window = Window::From { start: 0, count: 1_000 };
        self.gateway.transcript(session, window).await.unwrap().unwrap_or_default()
    }

    /// Who said what in a session's present life.
    pub(crate) async fn words(&self, session: &str) -> Vec<String> {
        let line = |entry: EntryView| format!("{}: {}", entry.role, entry.content.as_str().unwrap());
        self.transcript(session).await.into_iter().map(line).collect()
    }

    pub(crate) async fn runs(&self, session: &str) -> Vec<RunView> {
        self.gateway.runs_of(session, NonZeroUsize::new(1_000).unwrap()).await.unwrap()
    }
}

/// What `toolbox` asks for, granted.
pub(crate) fn toolbox() -> Settings {
    Settings { grants: Grants::granting([Grant::State, Grant::Events, Grant::Prompt]), ..Settings::default() }
}

fn witness(config: Value) -> Settings {
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

/// All that is still to come.
pub(crate) async fn rest(mut turn: Turn) -> Vec<TurnEvent> {
    let mut events = Vec::new();
    while let Some(event) = turn.next().await {
        events.push(event);
    }
    events
}

/// The names of events, as they are on the wire.
pub(crate) fn names(events: &[TurnEvent]) -> Vec<String> {
    events.iter().map(|event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned()).collect()
}
