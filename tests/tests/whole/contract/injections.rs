//! Text that a plugin queues for the next turn, from a guest's call of the import to what the model is shown.

use crate::agents::{Ground, Stage};
use plugbay_gateway::{EntryView, TurnStatus};
use plugbay_runtime::state::SessionStore;
use serde_json::{Value, json};
use std::time::Duration;

async fn stage() -> Stage {
    let stage = Ground::new().stage();
    stage.toolbox().await;
    stage.gateway.start().await.unwrap();
    stage
}

/// Has `toolbox` queue these, in one turn; what it is answered.
async fn queued(stage: &Stage, asked: &[Value]) -> Vec<Value> {
    let before = stage.transcript("s").await.len();
    let lines: String = asked.iter().map(line).collect();
    let end = stage.said("s", &format!("{lines}then\nsay queued")).await;
    assert_eq!((end.status, end.message.as_deref()), (TurnStatus::Done, Some("queued")), "{:?}", end.error);
    let is_answer = |entry: &EntryView| entry.role == "tool" && entry.meta["tool"] == "inject";
    let answers = stage.transcript("s").await.split_off(before).into_iter().filter(is_answer);
    let text = answers.map(|entry| entry.content.as_str().unwrap().to_owned());
    text.map(|text| serde_json::from_str(&text).unwrap_or(Value::from(text))).collect()
}

/// Has it queued; one that is to wait, after another tool has taken some milliseconds: then it is younger than the one before.
fn line(asked: &Value) -> String {
    match asked["wait"] {
        Value::Null => format!("use inject {asked}\n"),
        _ => format!("use slow {{\"ms\":5}}\nuse inject {}\n", json!({ "text": asked["text"] })),
    }
}

/// What the model is shown in the next turn.
async fn shown(stage: &Stage) -> String {
    let end = stage.said("s", "show messages").await;
    assert_eq!(end.status, TurnStatus::Done, "{:?}", end.error);
    let messages: Value = serde_json::from_str(&end.message.unwrap()).unwrap();
    messages.as_array().unwrap().last().unwrap()["text"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_shown_once_in_its_place_by_priority_and_age() {
    let stage = stage().await;
    let asked = [
        json!({ "text": "old" }),
        json!({ "text": "urgent", "priority": 9 }),
        json!({ "text": "idle", "priority": -9 }),
        // What takes so long makes a difference in age.
        json!({ "text": "new", "wait": true }),
        json!({ "text": "behind", "append": true }),
        json!({ "text": "behind first", "append": true, "priority": 1 }),
    ];
    queued(&stage, &asked).await;
    assert_eq!(shown(&stage).await, "urgent\n\nold\n\nnew\n\nidle\n\nshow messages\n\nbehind first\n\nbehind");
    assert_eq!(shown(&stage).await, "show messages", "and never again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_waits_once_and_is_free_again_when_it_was_shown() {
    let stage = stage().await;
    let keyed = |text| json!({ "text": text, "key": "k" });
    let answers = queued(&stage, &[keyed("one"), keyed("two")]).await;
    assert_eq!((&answers[0]["fresh"], &answers[1]["fresh"], &answers[0]["id"]), (&json!(true), &json!(false), &answers[1]["id"]));
    assert_eq!(shown(&stage).await, "one\n\nshow messages");
    assert_eq!(queued(&stage, &[keyed("three")]).await[0]["fresh"], true);
    assert_eq!(shown(&stage).await, "three\n\nshow messages");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_thirty_third_is_refused_and_the_others_are_shown() {
    let stage = stage().await;
    let asked: Vec<_> = (0..33).map(|n| json!({ "text": format!("t{n}") })).collect();
    let answers = queued(&stage, &asked).await;
    assert!(answers[..32].iter().all(|answer| answer["fresh"] == true), "{answers:?}");
    assert!(answers[32].as_str().is_some_and(|why| why.contains("32 allowed")), "{}", answers[32]);
    let expected: Vec<_> = (0..32).map(|n| format!("t{n}")).chain(["show messages".to_owned()]).collect();
    assert_eq!(shown(&stage).await, expected.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_expired_is_not_shown() {
    let stage = stage().await;
    queued(&stage, &[json!({ "text": "brief", "ttl_ms": 0 }), json!({ "text": "lasting", "ttl_ms": 3_600_000 })]).await;
    // A ttl of nothing lasts for the millisecond in which it was queued.
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(shown(&stage).await, "lasting\n\nshow messages");
    assert!(stage.state.injections("s").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_plugin_queued_that_is_switched_off_is_gone() {
    let stage = stage().await;
    queued(&stage, &[json!({ "text": "stale" })]).await;
    stage.disable(&stage.gateway.plugins().get("toolbox").unwrap()).await;
    assert_eq!(shown(&stage).await, "show messages");
    stage.toolbox().await;
    assert_eq!(shown(&stage).await, "show messages");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_try_of_the_run_sees_the_same_and_what_is_queued_meanwhile_waits() {
    let stage = stage().await;
    let again = json!([{ "action": "revise", "retry": { "instruction": "show messages" } }]);
    queued(&stage, &[json!({ "text": "first" })]).await;
    stage.witness('a', 900, json!({ "record": false, "answers": { "before-agent-finalize": again } })).await;
    let end = stage.said("s", "use inject {\"text\":\"second\"}\nthen\nsay tried").await;
    let messages: Vec<Value> = serde_json::from_str(&end.message.unwrap()).unwrap();
    let users: Vec<_> =
        messages.iter().filter(|message| message["role"] == "user").map(|message| message["text"].as_str().unwrap()).collect();
    let last = users.last().unwrap();
    assert!(last.starts_with("first\n\nuse inject") && !last.contains("second\n\n"), "{last}");
    assert_eq!(shown(&stage).await, "second\n\nshow messages");
}
