//! Turns that a plugin doesn't let run, and messages that it keeps out or changes.

use super::stage::{Stage, names, rest};
use plugbay_gateway::TurnStatus;
use plugbay_gateway::runtime::state::{Injection, InjectionStatus, NewInjection, SessionStore};
use serde_json::{Value, json};

async fn inject(stage: &Stage, session: &str, plugin: &str, text: &str) {
    let life = stage.state.ensure_session(session, "life-1").await.unwrap().session.id;
    let injection = NewInjection {
        id: format!("i-{text}"),
        session: session.into(),
        plugin: plugin.into(),
        text: text.into(),
        append: false,
        priority: 0,
        ttl_ms: None,
        key: None,
        metadata: None,
    };
    stage.state.inject(injection, &life).await.unwrap();
}

async fn waiting(stage: &Stage, session: &str) -> Vec<(String, InjectionStatus)> {
    let all: Vec<Injection> = stage.state.injections(session).await.unwrap();
    all.into_iter().map(|injection| (injection.asked.text, injection.status)).collect()
}

#[tokio::test]
async fn of_a_blocked_turn_nothing_is_kept_and_what_was_queued_waits() {
    let stage = Stage::started().await;
    let block = json!({ "block": { "reason": "internal words", "message": "not here" } });
    stage.witness('a', json!({ "answers": { "before-agent-run": [block] } })).await;
    inject(&stage, "s", "witness-a", "queued").await;

    let turn = stage.turn("s", "say secret").await;
    let events = rest(turn).await;
    assert_eq!(names(&events), ["run-started", "blocked", "end"]);
    assert_eq!(serde_json::to_value(&events[1]).unwrap(), json!({ "event": "blocked", "by": "witness-a", "message": "not here" }));
    let transcript = stage.transcript("s").await;
    assert_eq!(transcript.len(), 1);
    assert_eq!((transcript[0].role.as_str(), &transcript[0].content), ("system", &json!("not here")));
    assert_eq!(transcript[0].meta, json!({ "status": "blocked", "by": "witness-a" }));
    assert!(transcript[0].at > 0);
    let run = &stage.runs("s").await[0];
    assert_eq!((run.status, run.error.as_deref()), ("blocked", Some("internal words")));
    assert_eq!(waiting(&stage, "s").await, [("queued".to_owned(), InjectionStatus::Pending)]);

    // The next one runs, and shows it.
    let shown = stage.answer("s", "show messages").await;
    assert!(shown.contains("queued\\n\\nshow messages") && !shown.contains("secret"), "{shown}");
    assert!(shown.contains("A turn was blocked.") && !shown.contains("not here"), "a plugin's words are no instructions: {shown}");
    assert_eq!(waiting(&stage, "s").await, []);
}

#[tokio::test]
async fn a_plugin_that_has_no_answer_blocks_the_turn() {
    let stage = Stage::started().await;
    stage.witness('a', json!({ "does": { "before-agent-run": "fault" } })).await;
    let end = stage.said("s", "say hello").await;
    assert_eq!((end.status, end.message), (TurnStatus::Blocked, None));
    assert_eq!(stage.words("s").await, ["system: A turn was blocked."]);
}

#[tokio::test]
async fn what_is_written_is_what_the_model_sees() {
    let stage = Stage::started().await;
    let said = "use add {\"a\":1,\"b\":2}\nthen\nshow messages";
    let config = json!({ "answers": {
        "tool-result-persist": { "content": "forty-two" },
        "before-message-write": [{ "content": said }, null, { "content": "forty-three" }],
    } });
    stage.witness('a', config).await;
    stage.toolbox().await;
    let messages: Value = serde_json::from_str(&stage.answer("s", "something else").await).unwrap();
    assert_eq!((&messages[0]["text"], &messages[2]["content"]), (&json!(said), &json!("forty-three")));
    let words = stage.words("s").await;
    assert_eq!((words[0].as_str(), words[2].as_str()), (&*format!("user: {said}"), "tool: forty-three"));
}

#[tokio::test]
async fn what_is_written_is_what_is_sent() {
    let stage = Stage::started().await;
    stage.witness('a', json!({ "answers": { "before-message-write": [null, { "content": "written" }] } })).await;
    assert_eq!(stage.answer("s", "say said").await, "written");
    assert_eq!(stage.words("s").await[1], "assistant: written");
}

#[tokio::test]
async fn a_message_that_is_kept_out_is_not_written() {
    let stage = Stage::started().await;
    let keep_out = json!({ "block": "private" });
    stage.witness('a', json!({ "answers": { "before-message-write": [keep_out, null] } })).await;
    assert_eq!(stage.answer("s", "say hello").await, "hello", "this turn heard it");
    assert_eq!(stage.words("s").await, ["assistant: hello"]);
}

#[tokio::test]
async fn a_call_and_its_answer_stay_together_without_their_words() {
    let stage = Stage::started().await;
    let keep_out = json!({ "block": "private" });
    stage.witness('a', json!({ "answers": { "before-message-write": [null, keep_out, keep_out, null] } })).await;
    stage.toolbox().await;
    assert_eq!(stage.answer("s", "say words\nuse add {\"a\":1,\"b\":2}\nthen\nsay done").await, "done");
    let words = stage.words("s").await;
    assert_eq!(&words[1..], ["assistant: ", "tool: The answer is kept out of the conversation by plugin `witness-a`.", "assistant: done"]);
    // A later turn is told a conversation that holds together.
    let shown = stage.answer("s", "show messages").await;
    assert!(shown.contains("tool_calls") && shown.contains("kept out"), "{shown}");
}

#[tokio::test]
async fn what_an_unknown_plugin_has_queued_is_dropped() {
    let stage = Stage::started().await;
    inject(&stage, "s", "nobody", "stray").await;
    let shown = stage.answer("s", "show messages").await;
    assert!(!shown.contains("stray"), "{shown}");
    assert_eq!(waiting(&stage, "s").await, []);
}

#[tokio::test]
async fn that_a_turn_was_blocked_is_said_though_the_words_are_held_back() {
    let stage = Stage::started().await;
    let block = json!({ "block": { "reason": "internal words", "message": "not here" } });
    stage.witness('a', json!({ "answers": { "before-agent-run": [block], "message-sending": { "cancel": "no" } } })).await;
    let events = rest(stage.turn("s", "say secret").await).await;
    assert_eq!(names(&events), ["run-started", "blocked", "end"]);
    assert_eq!(serde_json::to_value(&events[1]).unwrap(), json!({ "event": "blocked", "by": "witness-a" }));
}
