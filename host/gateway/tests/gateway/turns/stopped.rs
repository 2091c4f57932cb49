//! Turns that are cancelled, in whatever they are at, and turns that nobody listens to.

use super::stage::{Stage, names, rest, until};
use plugbay_gateway::{ApprovalAnswer, TurnAsked, TurnError, TurnEvent, TurnStatus};
use serde_json::json;

#[tokio::test]
async fn cancelled_while_the_model_speaks() {
    let stage = Stage::started().await;
    let mut turn = stage.turn("s", "say one\nslow 60000\nsay two").await;
    until(&mut turn, |event| matches!(event, TurnEvent::Text { .. })).await;
    assert!(stage.gateway.cancel(turn.run().unwrap()));
    assert_eq!(names(&rest(turn).await), ["cancelled", "end"]);
    let note = &stage.transcript("s").await[1];
    assert_eq!(note.content, json!("This turn was cancelled."));
    assert!(note.meta["unfinished"].as_str().unwrap().starts_with("one"), "{}", note.meta);
    assert_eq!(stage.runs("s").await[0].status, "cancelled");
    assert_eq!(stage.answer("s", "say hello").await, "hello");
}

#[tokio::test]
async fn cancelled_while_a_tool_works() {
    let stage = Stage::started().await;
    let plugin = stage.witness('a', json!({})).await;
    stage.toolbox().await;
    let mut turn = stage.turn("s", "use slow {\"ms\":300}").await;
    until(&mut turn, |event| matches!(event, TurnEvent::ToolStarted { .. })).await;
    assert!(stage.gateway.cancel(turn.run().unwrap()));
    assert_eq!(names(&rest(turn).await), ["cancelled", "end"]);
    // The plugin isn't harmed, and those who observe hear of the call's end.
    assert_eq!(stage.answer("other", "use add {\"a\":1,\"b\":1}").await, "`add` answered: 2");
    assert!(stage.answer("s", "show messages").await.contains("There is no answer: the turn was stopped before."));
    assert_eq!(stage.witnessed_by(&plugin, "after-tool-call").await.len(), 2);
    assert!(stage.witnessed_by(&plugin, "agent-end").await[0].contains("cancelled"));
}

#[tokio::test]
async fn cancelled_while_a_person_is_asked() {
    let stage = Stage::started().await;
    let ask = json!({ "approval": { "title": "Really?", "description": "It adds." } });
    let plugin = stage.witness('a', json!({ "answers": { "before-tool-call": [ask] } })).await;
    stage.toolbox().await;
    let mut turn = stage.turn("s", "use add {\"a\":1,\"b\":1}").await;
    until(&mut turn, |event| matches!(event, TurnEvent::ApprovalAsked(_))).await;
    assert_eq!(stage.gateway.approvals().pending().len(), 1);
    assert!(stage.gateway.cancel(turn.run().unwrap()));
    assert_eq!(names(&rest(turn).await), ["approval-resolved", "cancelled", "end"]);
    assert!(stage.gateway.approvals().pending().is_empty());
    assert!(stage.witnessed_by(&plugin, "approvals").await[0].contains("Cancelled"));
}

#[tokio::test]
async fn a_person_who_says_yes_lets_it_go_on() {
    let stage = Stage::started().await;
    let ask = json!({ "approval": { "title": "Really?", "description": "It adds." } });
    stage.witness('a', json!({ "answers": { "before-tool-call": [ask] } })).await;
    stage.toolbox().await;
    let mut turn = stage.turn("s", "use add {\"a\":1,\"b\":1}").await;
    let events = until(&mut turn, |event| matches!(event, TurnEvent::ApprovalAsked(_))).await;
    let Some(TurnEvent::ApprovalAsked(asked)) = events.last() else { panic!("{events:?}") };
    stage.gateway.approvals().resolve(&asked.id, ApprovalAnswer::AllowOnce, "a test").unwrap();
    let rest = rest(turn).await;
    assert_eq!(names(&rest)[..2], ["approval-resolved", "tool-ended"]);
    assert_eq!(names(&rest).last().unwrap(), "end");
}

#[tokio::test]
async fn a_turn_that_waits_is_cancelled_without_a_trace() {
    let stage = Stage::started().await;
    let mut first = stage.turn("s", "say one\nslow 60000\nsay two").await;
    until(&mut first, |event| matches!(event, TurnEvent::Text { .. })).await;
    let second = stage.turn("s", "say never").await;
    assert!(stage.gateway.cancel(second.run().unwrap()));
    assert_eq!(names(&rest(second).await), ["cancelled", "end"]);
    assert!(stage.gateway.cancel(first.run().unwrap()));
    rest(first).await;
    assert_eq!(stage.runs("s").await.len(), 1);
    assert!(!stage.gateway.cancel("no such run"));
}

#[tokio::test]
async fn who_stops_listening_stops_nothing() {
    let stage = Stage::started().await;
    let plugin = stage.witness('a', json!({})).await;
    drop(stage.turn("s", "say hello").await);
    assert_eq!(stage.answer("s", "say again").await, "again");
    assert_eq!(stage.words("s").await.len(), 4);
    assert!(stage.witnessed_by(&plugin, "message-sent").await[0].contains("nobody listens"));
}

#[tokio::test]
async fn turns_before_the_start_and_after_the_end_are_refused() {
    let stage = Stage::on(std::sync::Arc::default(), super::stage::settings());
    let asked = || TurnAsked::said("s", "test", "say hello");
    assert!(matches!(stage.gateway.turn(asked()).await, Err(TurnError::NotStarted)));
    stage.gateway.start().await.unwrap();
    assert_eq!(stage.said("s", "say hello").await.status, TurnStatus::Done);
    stage.gateway.shutdown(std::time::Duration::ZERO, None).await;
    assert!(matches!(stage.gateway.turn(asked()).await, Err(TurnError::Stopping)));
}

#[tokio::test]
async fn what_would_not_fit_is_refused_before_anybody_hears_of_it() {
    let stage = Stage::started().await;
    let plugin = stage.witness('a', json!({})).await;
    let asked = TurnAsked::said("s", "test", "x".repeat(5 << 20));
    assert!(matches!(stage.gateway.turn(asked).await, Err(TurnError::TooLong { .. })));
    let asked = TurnAsked { message_id: Some("x".repeat(2 << 20)), ..TurnAsked::said("s", "test", "say hello") };
    assert!(matches!(stage.gateway.turn(asked).await, Err(TurnError::TooLong { .. })));
    assert!(stage.witnessed(&plugin).await.is_empty());
}
