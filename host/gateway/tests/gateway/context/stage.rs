//! Engines on a stage, and what they wrote down.

use crate::turns::stage::Stage;
use plugbay_gateway::model::{Model, ModelRequest, ModelStream, ModelWindow, OfflineModel};
use plugbay_gateway::runtime::state::StateStore;
use plugbay_gateway::runtime::{Grant, Grants, Plugin, PluginId, Settings};
use plugbay_gateway::{Quarantined, ServingEngine};
use plugbay_guests::engines::Engine;
use serde_json::Value;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn id(name: &str) -> PluginId {
    name.to_owned().try_into().unwrap()
}

/// All that an engine asks for, and these deeds.
pub(super) fn does(deeds: &Value) -> Settings {
    let config = [("does".to_owned(), deeds.clone())].into_iter().collect();
    Settings { config, grants: Grants::granting([Grant::Conversation, Grant::Prompt, Grant::State]), ..Settings::default() }
}

/// The same, with this long for each call.
pub(super) fn hasty(deeds: &Value, budget: Duration) -> Settings {
    let all = ["bootstrap", "ingest", "assemble", "turn", "maintain", "compact", "spawn", "spawn-end", "dispose"];
    Settings { budgets: all.iter().map(|name| (format!("context-{name}"), budget)).collect(), ..does(deeds) }
}

/// Loads an engine. It isn't in the slot yet.
pub(super) async fn load(stage: &Stage, engine: Engine, settings: Settings) -> Arc<Plugin> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("built");
    std::fs::write(&file, engine.build().unwrap()).unwrap();
    stage.load(&engine.id(), file, settings).await
}

/// Loads an engine and puts it into the slot.
pub(super) async fn serving(stage: &Stage, engine: Engine, settings: Settings) -> Arc<Plugin> {
    let plugin = load(stage, engine, settings).await;
    stage.gateway.contexts().set_engine(Some(plugin.id().clone()));
    assert_eq!(stage.gateway.contexts().view().serving, ServingEngine::Plugin(plugin.id().clone()));
    plugin
}

/// All calls that an engine wrote down, in order.
pub(super) async fn calls(stage: &Stage, plugin: &Plugin) -> Vec<Value> {
    let rows = stage.state.export(None, NonZeroUsize::new(10_000).unwrap()).await.unwrap();
    let of_it = rows.into_iter().filter(|row| row.id.owner.as_str() == plugin.id().as_str() && row.id.namespace == "calls");
    let mut rows: Vec<_> = of_it.map(|row| (row.id.key, serde_json::from_str::<Value>(&row.value).unwrap())).collect();
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    rows.into_iter().map(|(_, row)| row).collect()
}

/// The same once there are so many of a method; they may come from behind a turn.
pub(super) async fn calls_with(stage: &Stage, plugin: &Plugin, method: &str, count: usize) -> Vec<Value> {
    loop {
        let calls = calls(stage, plugin).await;
        if of(&calls, method).len() >= count {
            return calls;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What an engine was asked, in short.
pub(super) fn methods(calls: &[Value]) -> Vec<&str> {
    calls.iter().map(|call| call["method"].as_str().unwrap().trim_start_matches("context-")).collect()
}

/// The calls of one method.
pub(super) fn of<'a>(calls: &'a [Value], method: &str) -> Vec<&'a Value> {
    calls.iter().filter(|call| call["method"] == format!("context-{method}")).collect()
}

/// The ids that were ingested, in order.
pub(super) fn ingested(calls: &[Value]) -> Vec<u64> {
    of(calls, "ingest").iter().flat_map(|call| call["event"]["ids"].as_array().unwrap()).map(|id| id.as_u64().unwrap()).collect()
}

/// The ids of a session's entries.
pub(super) async fn ids(stage: &Stage, session: &str) -> Vec<u64> {
    stage.transcript(session).await.iter().map(|entry| entry.id).collect()
}

/// The quarantine of what is in the slot; there is one.
pub(super) fn quarantine(stage: &Stage) -> Quarantined {
    let view = stage.gateway.contexts().view();
    assert_eq!(view.serving, ServingEngine::Builtin);
    view.quarantine.unwrap_or_else(|| panic!("{:?}", view.why))
}

/// What the model was given, as it says: the words of each message.
pub(super) async fn shown(stage: &Stage, session: &str) -> Vec<String> {
    let messages: Vec<Value> = serde_json::from_str(&stage.answer(session, "show messages").await).unwrap();
    messages.iter().map(|message| message["text"].as_str().or(message["content"].as_str()).unwrap().to_owned()).collect()
}

/// A model that takes less than it says.
pub(super) struct Liar(OfflineModel);

impl Liar {
    pub(super) fn taking(tokens: u64) -> Self {
        Self(OfflineModel::default().within(ModelWindow::of(tokens)))
    }
}

impl Model for Liar {
    fn provider(&self) -> &str {
        self.0.provider()
    }

    fn default_model(&self) -> &str {
        self.0.default_model()
    }

    fn window(&self, _: &str) -> u64 {
        16_000
    }

    fn stream(&self, request: ModelRequest) -> ModelStream {
        self.0.stream(request)
    }
}
