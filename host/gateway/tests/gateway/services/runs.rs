//! Run context and events, as guests use them.

use crate::tools::host::{Host, told};
use plugbay_gateway::runtime::{AgentEvent, Call, Caller, Chain, Json, Payload, PluginId, ServiceCode, ToolCallFate};
use plugbay_gateway::{HostTopic, RunAbout, RunGuard};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn watched(guard: &RunGuard) -> Arc<Mutex<Vec<AgentEvent>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = seen.clone();
    guard.watch(move |event| kept.lock().unwrap().push(event.clone()));
    seen
}

async fn noted(host: &Host, call: &Call) -> (ToolCallFate, Value) {
    let end = host.call(call, "noted", &json!({ "name": "n" })).await;
    (end.end, told(&end))
}

#[tokio::test]
async fn what_a_plugin_leaves_in_a_run_it_finds_there_and_nowhere_else() {
    let host = Host::new();
    host.toolbox().await;
    let guard = host.desk.runs().open("r", RunAbout::default()).unwrap();
    let _other = host.desk.runs().open("s", RunAbout::default()).unwrap();
    let (in_r, in_s) = (Call::new().run("r"), Call::new().run("s"));
    assert_eq!(host.call(&in_r, "note", &json!({ "name": "n", "value": { "a": 1 } })).await.end, ToolCallFate::Answered);
    assert_eq!(noted(&host, &in_r).await, (ToolCallFate::Answered, json!({ "a": 1 })));
    assert_eq!(noted(&host, &in_s).await, (ToolCallFate::Answered, json!(null)));
    let (end, words) = noted(&host, &Call::new()).await;
    assert!(end == ToolCallFate::Failed && words.to_string().contains("no run"), "{words}");

    drop(guard);
    let late = host.call(&in_r, "note", &json!({ "name": "n", "value": 2 })).await;
    assert!(late.end == ToolCallFate::Failed && told(&late).to_string().contains("has ended"), "{}", told(&late));
}

#[tokio::test]
async fn a_run_is_forgotten_when_it_has_ended() {
    let host = Host::new();
    host.toolbox().await;
    for n in 0..100 {
        let run = format!("r{n}");
        let guard = host.desk.runs().open(run.as_str(), RunAbout::default()).unwrap();
        host.call(&Call::new().run(run), "note", &json!({ "name": "n", "value": n })).await;
        drop(guard);
    }
    while host.desk.runs().count() > 0 {
        tokio::task::yield_now().await;
    }
    let (end, words) = noted(&host, &Call::new().run("r99")).await;
    assert!(end == ToolCallFate::Failed && words.to_string().contains("has ended"), "{words}");
}

#[tokio::test]
async fn who_observes_the_end_still_reads_and_nobody_writes_and_one_that_hangs_does_not_keep_it() {
    let host = Host::new();
    host.witness('a', 500, json!({ "does": { "agent-events": { "nap": 60_000 } } })).await;
    let (runs, plugin) = (host.desk.runs(), PluginId::try_from("toolbox".to_owned()).unwrap());
    let caller = Caller { plugin, generation: 1, session: None, run: Some("r".into()), chain: Chain::default() };
    let value = || Json::check("1").unwrap();
    let guard = runs.open("r", RunAbout::default()).unwrap();
    runs.set_value(&caller, "n", Some(value())).unwrap();
    guard.event(HostTopic::Lifecycle, &json!({ "phase": "end" }));
    drop(guard);
    assert_eq!(runs.value(&caller, "n"), Ok(Some(value())), "an observer is under way");
    let late = [
        runs.set_value(&caller, "n", Some(value())).err(),
        runs.set_value(&caller, "n", None).err(),
        runs.clear_values(&caller).err(),
        runs.emit(&caller, "toolbox", &value()).err(),
    ];
    assert_eq!(late.map(|refused| refused.map(|e| e.code)), [Some(ServiceCode::Closed); 4]);
    assert_eq!(runs.count(), 1);
    while runs.count() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(runs.value(&caller, "n").map_err(|e| e.code), Err(ServiceCode::Closed));
}

#[tokio::test]
async fn events_of_a_plugin_are_stamped_and_its_own_only() {
    let host = Host::new();
    host.toolbox().await;
    let guard = host.desk.runs().open("r", RunAbout::default()).unwrap();
    let seen = watched(&guard);
    let call = Call::new().run("r");
    let emit = |topic: &str, data: Value| {
        let arguments = json!({ "topic": topic, "data": data });
        let (host, call) = (&host, &call);
        async move { host.call(call, "emit", &arguments).await.end }
    };
    assert_eq!(emit("toolbox.step", json!({ "n": 1, "plugin": "forged" })).await, ToolCallFate::Answered);
    for topic in ["lifecycle", "other", "toolbox-two", "toolbox-two.step"] {
        assert_eq!(emit(topic, json!(1)).await, ToolCallFate::Failed, "{topic}");
    }
    let seen = seen.lock().unwrap();
    let [event] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((event.topic.as_str(), event.number), ("toolbox.step", 1));
    assert_eq!(event.data, Payload::of(&json!({ "n": 1, "plugin": "toolbox" })));
}
