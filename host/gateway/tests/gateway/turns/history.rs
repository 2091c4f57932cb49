//! What the model sees of the turns before.

use super::stage::{Stage, settings};
use plugbay_gateway::{GatewaySettings, TurnStatus};
use serde_json::Value;
use std::num::NonZeroUsize;

#[tokio::test]
async fn the_newest_that_fits_is_seen_and_no_half_of_a_call() {
    // The tools alone take some 950.
    let history_tokens = NonZeroUsize::new(1_200).unwrap();
    let stage = Stage::started_with(GatewaySettings { history_tokens, ..settings() }).await;
    stage.toolbox().await;
    for n in 0..4 {
        stage.answer("s", &format!("use echo {{\"turn\":\"{n}{}\"}}\nthen\nsay {n}", "x".repeat(40))).await;
        let messages: Vec<Value> = serde_json::from_str(&stage.answer("other", "show messages").await).unwrap();
        assert!(messages.len() < 40, "an other session sees nothing of it: {messages:?}");
    }
    let messages: Vec<Value> = serde_json::from_str(&stage.answer("s", "show messages").await).unwrap();
    assert!(messages.len() > 1 && messages.len() < 17, "{messages:?}");
    assert_ne!(messages[0]["role"], "tool");
    let calls = messages.iter().filter(|m| m.get("tool_calls").is_some()).count();
    assert_eq!(calls, messages.iter().filter(|m| m["role"] == "tool").count());
    assert_eq!(messages[messages.len() - 1]["text"], "show messages");
}

#[tokio::test]
async fn a_failure_is_said_and_the_next_turn_goes_on() {
    let stage = Stage::started().await;
    let end = stage.said("s", "say half\nfail rate-limited").await;
    assert_eq!(end.status, TurnStatus::Failed);
    assert!(end.error.unwrap().contains("rate-limited"));
    let note = &stage.transcript("s").await[1];
    assert_eq!((note.role.as_str(), &note.meta["unfinished"], &note.meta["status"]), ("system", &"half".into(), &"failed".into()));
    assert_eq!(stage.runs("s").await[0].status, "failed");
    assert_eq!(stage.answer("s", "say whole").await, "whole");
}

#[tokio::test]
async fn a_model_that_never_stops_wanting_tools_is_stopped() {
    let stage = Stage::started_with(GatewaySettings { rounds: NonZeroUsize::new(3).unwrap(), ..settings() }).await;
    stage.toolbox().await;
    let round = "use add {\"a\":1,\"b\":1}";
    let end = stage.said("s", &[round; 5].join("\nthen\n")).await;
    assert!(end.error.unwrap().contains("`agent.rounds`"));
    let roles: Vec<_> = stage.transcript("s").await.iter().map(|entry| entry.role.clone()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "assistant", "tool", "assistant", "system"]);
    // The call that nobody answered doesn't break the next turn.
    assert!(stage.answer("s", "show messages").await.contains("There is no answer"));
}
