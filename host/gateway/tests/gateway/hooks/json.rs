//! Hooks by name, in JSON.

use super::stage::{SILENT, Stage, blocks, observer};
use plugbay_gateway::InJsonError;
use plugbay_gateway::runtime::Call;
use serde_json::json;

#[tokio::test]
async fn a_hook_is_fired_by_its_name() {
    let stage = Stage::new();
    stage.load("guard", blocks("guard", 0, "no")).await;
    let event = json!({ "tool-name": "shell", "params": {} });
    let answer = stage.hooks.fire_in_json("before-tool-call", &Call::new(), event).await.unwrap();
    let answer = serde_json::to_value(answer).unwrap();
    assert_eq!((&answer["outcome"], &answer["by"]), (&json!({ "block": "no" }), &json!("guard")));
    assert_eq!(answer["receipt"]["ran"][0]["plugin"], "guard");
}

#[tokio::test]
async fn a_hook_that_is_only_told_answers_who_is_to_be() {
    let stage = Stage::new();
    let event = json!({ "text": "hello", "at": 1 });
    let nobody = stage.hooks.fire_in_json("message-received", &Call::new(), event.clone()).await.unwrap();
    assert_eq!((nobody.receipt.hook, nobody.receipt.ran.len()), ("message-received", 0));
    stage.load("one", observer("one", SILENT)).await;
    let answer = serde_json::to_value(stage.hooks.fire_in_json("message-received", &Call::new(), event).await.unwrap()).unwrap();
    assert_eq!((answer.get("outcome"), &answer["receipt"]["ran"][0]["said"]), (None, &json!("queued")));
    stage.settled().await;
    assert_eq!(stage.seen(), [("one".to_owned(), "hello".to_owned())]);
}

#[tokio::test]
async fn what_can_t_be_fired_is_named() {
    let stage = Stage::new();
    let fire = async |hook: &str| stage.hooks.fire_in_json(hook, &Call::new(), json!({ "tool-name": 7 })).await.unwrap_err();
    assert!(matches!(fire("before-lunch").await, InJsonError::NoHook(name) if name == "before-lunch"));
    assert!(matches!(fire("before-tool-call").await, InJsonError::Event { hook: "before-tool-call", .. }));
    for direct in ["tools", "session-projection", "approvals", "job-changed", "cleanup"] {
        assert!(matches!(fire(direct).await, InJsonError::Direct(name) if name == direct));
    }
}
