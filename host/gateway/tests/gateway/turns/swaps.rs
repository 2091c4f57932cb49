//! Plugins that are replaced, or break, in the middle of a turn.

use super::stage::{Stage, names, rest, toolbox, until};
use plugbay_gateway::runtime::Order;
use plugbay_gateway::{ApprovalAnswer, TurnEvent, TurnStatus};
use plugbay_guests::built;
use serde_json::json;

#[tokio::test]
async fn a_swap_in_the_middle_changes_nothing_for_the_turn() {
    let stage = Stage::started().await;
    stage.toolbox().await;
    let ask = json!({ "approval": { "title": "Really?", "description": "It echoes." } });
    stage.witness('a', json!({ "answers": { "before-tool-call": [ask] } })).await;
    let mut turn = stage.turn("s", "use echo {\"x\":1}\nthen\nshow tools").await;
    let events = until(&mut turn, |event| matches!(event, TurnEvent::ApprovalAsked(_))).await;
    let Some(TurnEvent::ApprovalAsked(asked)) = events.last() else { panic!("{events:?}") };

    stage.load("toolbox", built::TOOLBOX_LATER, toolbox()).await;
    stage.gateway.approvals().resolve(&asked.id, ApprovalAnswer::AllowOnce, "a test").unwrap();
    let events = rest(turn).await;
    let ended = events.iter().find_map(|event| match event {
        TurnEvent::ToolEnded { answer, .. } => Some(answer.as_str()),
        _ => None,
    });
    assert_eq!(ended, Some("{\"x\":1}"), "the old schema takes it, and the old version answers");
    assert_eq!(names(&events).last().unwrap(), "end");
    assert_eq!(stage.answer("s", "use echo {\"text\":\"hi\"}").await, "`echo` answered: {\"later\":\"hi\"}");
}

#[tokio::test]
async fn a_plugin_that_breaks_in_the_middle_costs_its_own_answer_only() {
    let stage = Stage::started().await;
    stage.toolbox().await;
    // Few enough that the breaker stays closed.
    let broken = ["agent-turn-prepare", "before-prompt-build", "before-agent-finalize"];
    let does: serde_json::Map<_, _> = broken.iter().map(|hook| ((*hook).to_owned(), json!("fault"))).collect();
    stage.witness('a', json!({ "record": false, "does": does })).await;
    let turn = stage.turn("s", "use crash {}\nuse add {\"a\":1,\"b\":2}\nthen\nsay survived").await;
    let run = turn.run().unwrap().clone();
    let end = turn.ended().await;
    assert_eq!((end.status, end.message.as_deref()), (TurnStatus::Done, Some("survived")));
    let words = stage.words("s").await;
    assert!(words[2].contains("toolbox") && words[3] == "tool: 3", "{words:?}");
    stage.settled().await;
    let receipts = serde_json::to_string(&stage.gateway.receipts(&run)).unwrap();
    assert!(receipts.contains("as you asked"), "{receipts}");
}

#[tokio::test]
async fn a_plugin_that_is_switched_off_in_the_middle_is_passed_over() {
    let stage = Stage::started().await;
    let plugin = stage.witness('a', json!({ "answers": { "message-sending": { "text": "changed" } } })).await;
    stage.toolbox().await;
    let mut turn = stage.turn("s", "use slow {\"ms\":100}\nthen\nsay plain").await;
    until(&mut turn, |event| matches!(event, TurnEvent::ToolStarted { .. })).await;
    stage.gateway.plugins().missing(plugin.id().clone(), Order::by("a test")).await.unwrap();
    assert_eq!(turn.ended().await.message.as_deref(), Some("plain"));
    stage.witness('a', json!({ "answers": { "message-sending": { "text": "changed again" } } })).await;
    assert_eq!(stage.answer("s", "say plain").await, "changed again");
}
