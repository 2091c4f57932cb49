//! What one plugin alone is called for, by people and by the clock: `errand` says itself how often.

use crate::agents::{Ground, Stage, all};
use plugbay_gateway::{Act, Invoked};
use plugbay_guests::built;
use plugbay_runtime::state::JobsQuery;
use plugbay_runtime::{ActionOutcome, ActionSuccess, Principal};
use serde_json::{Value, json};
use std::time::Duration;

/// The hooks that this fires.
pub(super) fn fires() -> [&'static str; 4] {
    ["session-actions", "commands", "timers", "job-changed"]
}

fn somebody() -> Principal {
    Principal { channel: "test".into(), sender: "ada".into(), scopes: vec!["operator.write".into()] }
}

/// Has it do something: its result.
async fn acts(stage: &Stage, action: &str, params: Option<Value>) -> Value {
    let act = Act { plugin: "errand".into(), action: action.into(), session: Some("s".into()), params, by: somebody() };
    match stage.gateway.act(act).await.unwrap().outcome {
        ActionOutcome::Success(ActionSuccess { result, .. }) => result.map_or(Value::Null, |result| result.parse().unwrap()),
        ActionOutcome::Failure(failure) => panic!("{failure:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_and_the_clock_call_one_plugin_each_time_once() {
    let stage = Ground::new().stage();
    stage.load("errand", &std::fs::read(built::ERRAND).unwrap(), all()).await;
    stage.gateway.start().await.unwrap();
    stage.said("s", "say hello").await;
    assert_eq!(acts(&stage, "greet", Some(json!({ "name": "Bob" }))).await["greeted"], "Bob");
    let ping = Invoked { name: "ping".into(), args: String::new(), session: None, by: somebody() };
    assert_eq!(stage.gateway.command(ping).await.unwrap().text.as_deref(), Some("pong"));
    acts(&stage, "later", Some(json!({ "after-ms": 0, "payload": "now" }))).await;
    // it is told of the end after the job is gone
    let noted = loop {
        stage.settled().await;
        let noted = acts(&stage, "look", None).await;
        let told = noted["changes"].as_array().unwrap().iter().any(|row| row["change"] == "finished");
        if told && stage.gateway.schedule().jobs(JobsQuery::default()).await.unwrap().is_empty() {
            break noted;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    let fired: Vec<_> = noted["fired"].as_array().unwrap().iter().map(|row| (&row["payload"], &row["times"])).collect();
    assert_eq!(fired, [(&json!("now"), &json!(1))]);
    let changes: Vec<_> = noted["changes"].as_array().unwrap().iter().map(|row| &row["change"]).collect();
    assert_eq!(changes, ["added", "started", "finished"]);
}
