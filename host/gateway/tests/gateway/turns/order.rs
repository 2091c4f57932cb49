//! Every hook in its place, and as often as it should be.

use super::stage::{Stage, names, rest, until};
use plugbay_gateway::runtime::Trigger;
use plugbay_gateway::{TurnAsked, TurnEvent, TurnStatus};
use serde_json::json;
use std::collections::BTreeMap;

/// What a turn with one tool call goes through once it has begun.
const TURN: &[&str] = &[
    "agent-events", // lifecycle: start
    "before-agent-reply",
    "before-model-resolve",
    "agent-turn-prepare",
    "before-prompt-build",
    "before-agent-run",
    "before-message-write", // what was said
    "llm-input",
    "model-call-started",
    "model-call-ended",
    "llm-output",
    "before-message-write", // which tool the model wants
    "agent-events",         // assistant
    "agent-events",         // tool: start
    "tool-policy",
    "before-tool-call",
    "after-tool-call",
    "tool-result-persist",
    "before-message-write", // its answer
    "agent-events",         // tool: end
    "llm-input",
    "model-call-started",
    "model-call-ended",
    "llm-output",
    "before-message-write", // the answer
    "agent-events",         // assistant
    "before-agent-finalize",
    "message-sending",
    "message-sent",
    "agent-events", // lifecycle: end
    "agent-end",
];

fn counted<'a>(hooks: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counted = BTreeMap::new();
    for hook in hooks {
        *counted.entry(hook).or_default() += 1;
    }
    counted
}

#[tokio::test]
async fn hooks_fire_in_this_order_and_no_others() {
    let stage = Stage::started().await;
    let plugin = stage.witness('a', json!({})).await;
    let turn = stage.turn("s", "use witness {}\nthen\nsay done").await;
    let run = turn.run().unwrap().clone();
    assert_eq!(turn.ended().await.message.as_deref(), Some("done"));

    let receipts = stage.gateway.receipts(&run);
    assert_eq!(receipts.iter().map(|receipt| receipt.hook).collect::<Vec<_>>(), TURN);

    let rows = stage.witnessed(&plugin).await;
    let mut expected = counted(TURN.iter().copied());
    expected.extend([("session-start", 1), ("message-received", 1), ("before-dispatch", 1), ("tools", 1)]);
    assert_eq!(counted(rows.iter().map(|row| row["hook"].as_str().unwrap())), expected);
    for row in &rows {
        let edge = ["session-start", "message-received", "before-dispatch"].contains(&row["hook"].as_str().unwrap());
        assert_eq!(row["run"].as_str(), (!edge).then_some(&*run), "{row}");
    }
}

#[tokio::test]
async fn a_heartbeat_has_its_prompt_and_no_message() {
    let stage = Stage::started().await;
    let plugin = stage.witness('a', json!({ "answers": { "heartbeat-prompt": { "append-context": "say beat" } } })).await;
    let turn = stage.gateway.heartbeat("s").await.unwrap();
    assert_eq!(turn.ended().await.message.as_deref(), Some("beat"));
    let rows = stage.witnessed(&plugin).await;
    let hooks = counted(rows.iter().map(|row| row["hook"].as_str().unwrap()));
    let times = |hook| hooks.get(hook).copied().unwrap_or(0);
    assert_eq!((times("heartbeat-prompt"), times("message-received"), times("before-dispatch")), (1, 0, 0));
    assert_eq!((times("message-sending"), times("message-sent"), times("agent-end")), (1, 1, 1));

    stage.said("s", "say hello").await;
    assert_eq!(stage.witnessed_by(&plugin, "heartbeat-prompt").await.len(), 1, "not in a turn of a person");
}

#[tokio::test]
async fn who_listens_hears_it_in_order() {
    let stage = Stage::started().await;
    stage.toolbox().await;
    let turn = stage.turn("s", "use add {\"a\":1,\"b\":2}\nthen\nsay three").await;
    let events = rest(turn).await;
    assert_eq!(names(&events), ["run-started", "tool-started", "tool-ended", "text", "message", "end"]);
    let ended = serde_json::to_value(&events[2]).unwrap();
    assert_eq!(
        (&ended["tool"], &ended["answer"], &ended["end"], &ended["is-error"]),
        (&json!("add"), &json!("3"), &json!("answered"), &json!(false))
    );
    assert_eq!(serde_json::to_value(&events[5]).unwrap(), json!({ "event": "end", "status": "done" }));
    assert_eq!(stage.words("s").await, ["user: use add {\"a\":1,\"b\":2}\nthen\nsay three", "assistant: ", "tool: 3", "assistant: three"]);
}

#[tokio::test]
async fn a_message_that_a_plugin_takes_is_no_turn() {
    let stage = Stage::started().await;
    let config = json!({ "answers": { "before-dispatch": { "text": "mine" }, "message-sending": { "text": "mine, politely" } } });
    let plugin = stage.witness('a', config).await;
    let turn = stage.turn("s", "say hello").await;
    assert_eq!(turn.run(), None);
    let end = turn.ended().await;
    assert_eq!((end.status, end.message.as_deref()), (TurnStatus::Taken, Some("mine, politely")));
    let hooks: Vec<_> = stage.witnessed(&plugin).await.iter().map(|row| row["hook"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        counted(hooks.iter().map(String::as_str)),
        counted(["message-received", "before-dispatch", "message-sending", "message-sent"])
    );
    assert_eq!(stage.gateway.session("s").await.unwrap(), None, "no session was made");
}

#[tokio::test]
async fn a_plugin_answers_in_the_agents_place() {
    let stage = Stage::started().await;
    let plugin = stage.witness('a', json!({ "answers": { "before-agent-reply": { "reply": "I know this one" } } })).await;
    assert_eq!(stage.answer("s", "say hello").await, "I know this one");
    assert_eq!(stage.words("s").await, ["user: say hello", "assistant: I know this one"]);
    assert!(stage.witnessed_by(&plugin, "llm-input").await.is_empty());
    assert_eq!((stage.witnessed_by(&plugin, "message-sent").await.len(), stage.witnessed_by(&plugin, "agent-end").await.len()), (1, 1));
}

#[tokio::test]
async fn the_agent_is_sent_back_as_often_as_is_allowed() {
    let stage = Stage::started().await;
    let retry = json!({ "action": "revise", "retry": { "instruction": "say better", "max-attempts": 9 } });
    let plugin = stage.witness('a', json!({ "answers": { "before-agent-finalize": retry } })).await;
    assert_eq!(stage.answer("s", "say good").await, "better");
    let mut expected = vec!["user: say good".to_owned(), "assistant: good".to_owned()];
    (0..3).for_each(|_| expected.extend(["system: say better".to_owned(), "assistant: better".to_owned()]));
    assert_eq!(stage.words("s").await, expected);
    assert_eq!(stage.witnessed_by(&plugin, "before-agent-finalize").await.len(), 4);
}

#[tokio::test]
async fn what_is_not_to_be_sent_is_not_heard_either() {
    let stage = Stage::started().await;
    let plugin = stage.witness('a', json!({ "answers": { "message-sending": { "cancel": "no" } } })).await;
    let turn = stage.turn("s", "say secret").await;
    assert_eq!(names(&rest(turn).await), ["run-started", "end"]);
    assert!(stage.witnessed_by(&plugin, "message-sent").await.is_empty());
    assert_eq!(stage.words("s").await, ["user: say secret", "assistant: secret"]);
}

#[tokio::test]
async fn other_triggers_are_no_messages_and_say_what_they_are() {
    let stage = Stage::started().await;
    let plugin = stage.witness('a', json!({})).await;
    let asked = TurnAsked { trigger: Trigger::Schedule, ..TurnAsked::said("s", "test", "say hi") };
    assert_eq!(stage.gateway.turn(asked).await.unwrap().ended().await.status, TurnStatus::Done);
    assert!(stage.witnessed_by(&plugin, "message-received").await.is_empty());
    assert_eq!(stage.runs("s").await[0].trigger, "schedule");
}

#[tokio::test]
async fn who_decides_on_messages_decides_on_turns_that_waited_when_it_came() {
    let stage = Stage::started().await;
    let mut first = stage.turn("s", "say one\nslow 60000\nsay two").await;
    until(&mut first, |event| matches!(event, TurnEvent::Text { .. })).await;
    let second = stage.turn("s", "say secret").await;
    stage.witness('a', json!({ "answers": { "message-sending": { "cancel": "no" } } })).await;
    assert!(stage.gateway.cancel(first.run().unwrap()));
    assert_eq!(names(&rest(second).await), ["run-started", "end"]);
}

#[tokio::test]
async fn a_model_that_says_nothing_leaves_nothing_for_later_turns() {
    let stage = Stage::started().await;
    assert_eq!(stage.answer("s", "long 0").await, "");
    let shown = stage.answer("s", "show messages").await;
    assert!(!shown.contains("assistant"), "{shown}");
}
