//! Turns whose model somebody else runs, and the example that does.

use super::stage::Stage;
use plugbay_gateway::model::{ModelMessage, ToolRequest};
use plugbay_gateway::runtime::state::{NewInjection, SessionStore};
use plugbay_gateway::{TurnAsked, TurnError};
use plugbay_guests::{builds, built};
use serde_json::json;
use std::collections::BTreeSet;

#[expect(dead_code, reason = "its `main` is for people")]
#[path = "../../../examples/gateway.rs"]
mod example;

async fn queue(stage: &Stage, text: &str) {
    let life = stage.state.ensure_session("s", "life").await.unwrap().session.id;
    let injection = NewInjection {
        id: text.into(),
        session: "s".into(),
        plugin: "witness-a".into(),
        text: text.into(),
        append: true,
        priority: 0,
        ttl_ms: None,
        key: None,
        metadata: None,
    };
    stage.state.inject(injection, &life).await.unwrap();
}

fn asked(text: &str) -> TurnAsked {
    TurnAsked::said("s", "test", text)
}

#[tokio::test]
async fn a_prepared_turn_is_the_same_as_the_loops() {
    let stage = Stage::started().await;
    let config = json!({ "answers": { "agent-turn-prepare": { "prepend-context": "before" }, "before-prompt-build": { "system-prompt": "be good" } } });
    let plugin = stage.witness('a', config).await;
    stage.toolbox().await;
    queue(&stage, "queued").await;
    let mut turn = stage.gateway.prepare_turn(asked("hello")).await.unwrap();
    assert_eq!((turn.prompt(), turn.system_prompt()), ("before\n\nhello\n\nqueued", Some("be good")));
    assert!(turn.tools().definitions(None).iter().any(|tool| tool.name == "add"));
    assert_eq!(turn.history().await.unwrap(), []);
    assert_eq!(stage.state.injections("s").await.unwrap().len(), 1);
    assert_eq!(turn.show().await.unwrap(), "before\n\nhello\n\nqueued");
    assert!(stage.state.injections("s").await.unwrap().is_empty(), "what was shown waits no more");
    let wish = ToolRequest { id: "c1".into(), name: "add".into(), arguments: "{\"a\":1,\"b\":2}".into() };
    turn.say("", std::slice::from_ref(&wish)).await.unwrap();
    assert_eq!(turn.call_tool(&wish).await.unwrap().1, "3");
    turn.say("three", &[]).await.unwrap();
    let run = turn.run().clone();
    turn.finish(Ok(())).await;
    assert_eq!(stage.runs("s").await[0].status, "done");

    let hooks: BTreeSet<_> = stage.gateway.receipts(&run).iter().map(|receipt| receipt.hook).collect();
    for hook in ["agent-turn-prepare", "before-prompt-build", "before-message-write", "before-tool-call", "after-tool-call", "agent-end"] {
        assert!(hooks.contains(hook), "{hook}: {hooks:?}");
    }
    assert!(!hooks.contains("before-agent-run") && !hooks.contains("llm-input"), "the embedder's own");
    assert_eq!(stage.witnessed_by(&plugin, "agent-end").await.len(), 1);

    let mut next = stage.gateway.prepare_turn(asked("again")).await.unwrap();
    let history = next.history().await.unwrap();
    assert_eq!(history.first(), Some(&ModelMessage::User { text: "hello".into() }));
    assert_eq!(history.len(), 4);
}

#[tokio::test]
async fn one_that_is_dropped_has_failed_and_makes_way() {
    let stage = Stage::started().await;
    stage.witness('a', json!({})).await;
    queue(&stage, "queued").await;
    let turn = stage.gateway.prepare_turn(asked("hello")).await.unwrap();
    drop(turn);
    let shown = stage.answer("s", "show messages").await;
    assert!(shown.contains("show messages\\n\\nqueued"), "what nobody was shown waits: {shown}");
    assert_eq!(stage.runs("s").await[1].status, "failed");
    assert_eq!(stage.words("s").await[0], "system: This turn was given up, so there is no answer.");
}

#[tokio::test]
async fn one_that_is_cancelled_hears_of_it() {
    let stage = Stage::started().await;
    let turn = stage.gateway.prepare_turn(asked("hello")).await.unwrap();
    assert!(stage.gateway.cancel(turn.run()));
    let stopped = turn.unless_stopped(std::future::pending::<()>()).await;
    assert!(matches!(stopped, Err(TurnError::Cancelled)));
    turn.finish(stopped).await;
    assert_eq!(stage.runs("s").await[0].status, "cancelled");
}

#[tokio::test]
async fn the_example_has_a_loop_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(built::NO_SHELL, folder.path().join("no-shell.wasm")).unwrap();
    std::fs::write(folder.path().join("witness-b.wasm"), builds::witness('b', 200).unwrap()).unwrap();
    let gateway = example::open(folder.path()).await.unwrap();
    assert_eq!(example::turn(&gateway, "main", "hello").await.unwrap(), "I heard: hello");
    assert_eq!(example::turn(&gateway, "main", "tool witness").await.unwrap(), "I heard: seen");
    let refused = example::turn(&gateway, "main", "tool shell").await.unwrap();
    assert!(refused.contains("shell"), "{refused}");
    assert_eq!(gateway.session("main").await.unwrap().unwrap().entries, 2 + 4 + 4);
}
