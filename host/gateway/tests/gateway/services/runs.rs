//! Run context and events, as guests use them.

use crate::tools::host::{Host, told};
use plugbay_gateway::runtime::{AgentEvent, Call, Payload, ToolCallFate};
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
    host.toolbox().await;
    host.witness('a', 500, json!({ "does": { "agent-events": { "nap": 60_000 } } })).await;
    let guard = host.desk.runs().open("r", RunAbout::default()).unwrap();
    let call = Call::new().run("r");
    host.call(&call, "note", &json!({ "name": "n", "value": 1 })).await;
    guard.event(HostTopic::Lifecycle, &json!({ "phase": "end" }));
    drop(guard);
    assert_eq!(noted(&host, &call).await, (ToolCallFate::Answered, json!(1)), "an observer is under way");
    for (tool, arguments) in
        [("note", json!({ "name": "n", "value": 2 })), ("note", json!({ "name": "n" })), ("emit", json!({ "topic": "toolbox", "data": 1 }))]
    {
        let late = host.call(&call, tool, &arguments).await;
        assert!(late.end == ToolCallFate::Failed && told(&late).to_string().contains("has ended"), "{tool} {arguments}: {}", told(&late));
    }
    assert_eq!(host.desk.runs().count(), 1);
    while host.desk.runs().count() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(noted(&host, &call).await.0, ToolCallFate::Failed);
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
