//! The plugin `counter`, in versions that a test makes of it, and a host that remembers over restarts.
//!
//! What is compiled is kept in cargo's folder for tests, so each version is compiled once for all of them.

use crate::lab;
use plugbay_engine::{CallError, Digest};
use plugbay_guests::built;
use plugbay_runtime::state::HistoryQuery;
use plugbay_runtime::{
    BeforeToolCall, Call, Done, LoadError, Order, Plugin, PluginId, Plugins, PluginsSettings, Settings, Source, Versions, Wanted,
};
use plugbay_tests::lab::{Lab, granted, tool_call};
use serde_json::{Value, json};
use std::fs;
use std::sync::Arc;

/// The component with this version, and with these words as its deeds.
pub(crate) fn counter(version: &str, deeds: &str) -> Vec<u8> {
    let mut component = fs::read(built::COUNTER).unwrap();
    let mut put = |from: &[u8], to: &[u8]| {
        assert_eq!(from.len(), to.len(), "{} bytes are there", from.len());
        let places: Vec<_> = component.windows(from.len()).enumerate().filter(|(_, bytes)| *bytes == from).map(|(at, _)| at).collect();
        assert!(!places.is_empty(), "{} is in the component", String::from_utf8_lossy(from));
        for at in places {
            component[at..at + from.len()].copy_from_slice(to);
        }
    };
    put(b"7.0.0", version.as_bytes());
    put(format!("{:64}", "deeds:").as_bytes(), format!("{:64}", format!("deeds:{deeds}")).as_bytes());
    component
}

/// The same as a source.
pub(crate) fn source(component: &[u8]) -> Source {
    Source::bytes("counter.wasm", component.to_vec())
}

pub(crate) fn id() -> PluginId {
    PluginId::try_from("counter".to_owned()).unwrap()
}

/// A host whose versions are in a folder, and that has remembered all there was.
pub(crate) async fn host() -> Lab {
    host_with(|_| {}).await
}

pub(crate) async fn host_with(change: impl FnOnce(&mut PluginsSettings)) -> Lab {
    let mut lab = lab();
    lab.plugins = restarted_with(&lab, change).await;
    lab
}

/// Where a lab's versions are.
pub(crate) fn versions(lab: &Lab) -> Versions {
    Versions::in_folder(&lab.folder().join("versions")).unwrap()
}

/// Another host on what this one left.
pub(crate) async fn restarted(lab: &Lab) -> Plugins {
    restarted_with(lab, |_| {}).await
}

pub(crate) async fn restarted_with(lab: &Lab, change: impl FnOnce(&mut PluginsSettings)) -> Plugins {
    let log = lab.log.clone();
    let mut settings = PluginsSettings { logs: Box::new(move |_| log.clone()), versions: versions(lab), ..PluginsSettings::default() };
    change(&mut settings);
    let plugins = Plugins::with(lab.engine.clone(), lab.state.clone(), settings).unwrap();
    plugins.recall().await.unwrap();
    plugins
}

/// Lets this component serve, as an operator's command does.
pub(crate) async fn put(plugins: &Plugins, component: &[u8]) -> Result<Done, LoadError> {
    put_with(plugins, component, granted(), Order::by("operator").insisting()).await
}

pub(crate) async fn put_with(plugins: &Plugins, component: &[u8], settings: Settings, order: Order) -> Result<Done, LoadError> {
    plugins.apply(id(), Wanted::running(source(component), settings), order).await
}

/// The plugin, once it is known.
pub(crate) fn plugin(plugins: &Plugins) -> Arc<Plugin> {
    plugins.get("counter").unwrap()
}

/// What the plugin answers.
pub(crate) async fn ask(plugin: &Plugin, tool: &str) -> Result<Value, CallError> {
    let decision = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call(tool, &json!({}))).await?;
    Ok(decision.params.map_or(Value::Null, |params| params.parse().unwrap()))
}

/// Version and count, after this tool did its work.
pub(crate) async fn seen(plugin: &Plugin, tool: &str) -> (String, u64) {
    let answer = ask(plugin, tool).await.unwrap();
    (answer["version"].as_str().unwrap().to_owned(), answer["count"].as_u64().unwrap())
}

/// Has the plugin fault so many times.
pub(crate) async fn faults(plugin: &Plugin, times: usize) {
    for _ in 0..times {
        let error = ask(plugin, "panic").await.unwrap_err();
        assert!(error.consequence().counts_as_fault, "{error}");
    }
}

/// The code of a refusal, and its words.
pub(crate) fn refused(answer: Result<Value, CallError>) -> (&'static str, String) {
    match answer {
        Err(CallError::Unserved(plugbay_engine::Unserved::Closed { code, why })) => (code, why),
        other => panic!("{other:?}"),
    }
}

/// What the history says, oldest first: what happened, and why.
pub(crate) async fn history(lab: &Lab) -> Vec<(String, String)> {
    let events = lab.state.history(HistoryQuery::oldest(1_000).of("counter")).await.unwrap();
    events.into_iter().map(|event| (event.fact.what, event.fact.why.unwrap_or_default())).collect()
}

/// The same without reasons.
pub(crate) async fn happened(lab: &Lab) -> Vec<String> {
    history(lab).await.into_iter().map(|(what, _)| what).collect()
}

/// Lets others go on until this holds; a test that would wait for ever says so.
#[track_caller]
pub(crate) fn until(mut holds: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        for _ in 0..30_000 {
            if holds() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        panic!("what {caller} waits for never comes");
    }
}

/// What identifies a component.
pub(crate) fn digest(component: &[u8]) -> Digest {
    Digest::of(component)
}
