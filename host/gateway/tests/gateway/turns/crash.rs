//! A host that dies in the middle of a turn: another gateway on the same state, while the first was never shut down.

use super::stage::{Stage, settings, until};
use plugbay_gateway::runtime::state::{InjectionStatus, Memory, NewInjection, NewRun, SessionStore};
use plugbay_gateway::{Recovered, TurnEvent};
use serde_json::json;
use std::sync::Arc;

fn injection(text: &str) -> NewInjection {
    NewInjection {
        id: format!("i-{text}"),
        session: "s".into(),
        plugin: "witness-a".into(),
        text: text.into(),
        append: false,
        priority: 0,
        ttl_ms: None,
        key: None,
        metadata: None,
    }
}

#[tokio::test]
async fn an_interrupted_turn_says_so_with_what_it_had_shown() {
    let first = Stage::started().await;
    first.witness('a', json!({})).await;
    first.toolbox().await;
    first.answer("s", "say before").await;
    let life = first.gateway.session("s").await.unwrap().unwrap().id;
    first.state.inject(injection("shown"), &life).await.unwrap();
    let turn = first.turn("s", "slow 60000\nsay one").await;
    // What a model has seen waits no more.
    while !first.state.injections("s").await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    first.state.inject(injection("later"), &life).await.unwrap();

    let second = Stage::on(first.state.clone(), settings());
    second.witness('a', json!({})).await;
    assert_eq!(second.gateway.start().await.unwrap(), Recovered { interrupted: 1, ..Recovered::default() });
    let note = second.transcript("s").await.pop().unwrap();
    assert_eq!((note.role.as_str(), note.run.as_deref()), ("system", turn.run().map(|run| &**run)));
    assert_eq!(note.meta["shown"], json!([{ "id": "i-shown", "plugin": "witness-a", "text": "shown" }]));
    assert_eq!(second.runs("s").await[0].status, "interrupted");
    // What was shown is spent, what came later is shown now, and only once.
    let shown = second.answer("s", "show messages").await;
    assert!(shown.contains("later\\n\\nshow messages") && !shown.contains("shown\\n\\n"), "{shown}");
    assert!(!second.answer("s", "show messages").await.contains("later\\n\\n"));
}

#[tokio::test]
async fn what_was_claimed_and_not_shown_is_for_the_next_turn() {
    let state = Arc::new(Memory::default());
    state.ensure_session("s", "life").await.unwrap();
    state.inject(injection("claimed"), "life").await.unwrap();
    let run = NewRun {
        run: "dead".into(),
        session: "s".into(),
        life: "life".into(),
        trigger: "user".into(),
        facts: "{}".into(),
        plugins: vec!["witness-a".into()],
    };
    assert_eq!(state.begin_run(run).await.unwrap().unwrap().len(), 1);

    let stage = Stage::on(state.clone(), settings());
    stage.witness('a', json!({})).await;
    assert_eq!(stage.gateway.start().await.unwrap().interrupted, 1);
    assert_eq!(state.injections("s").await.unwrap()[0].status, InjectionStatus::Pending);
    assert_eq!(stage.transcript("s").await[0].meta["shown"], json!([]));
    assert!(stage.answer("s", "show messages").await.contains("claimed\\n\\nshow messages"));
    assert!(state.injections("s").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_question_that_nobody_answered_is_denied_and_the_plugin_is_told_why() {
    let first = Stage::started().await;
    let ask = json!({ "approval": { "title": "Really?", "description": "It adds." } });
    first.witness('a', json!({ "record": false, "answers": { "before-tool-call": [ask] } })).await;
    first.toolbox().await;
    let mut turn = first.turn("s", "use add {\"a\":1,\"b\":1}").await;
    until(&mut turn, |event| matches!(event, TurnEvent::ApprovalAsked(_))).await;

    let second = Stage::on(first.state.clone(), settings());
    let plugin = second.witness('a', json!({})).await;
    assert_eq!(second.gateway.start().await.unwrap(), Recovered { interrupted: 1, questions: 1, ..Recovered::default() });
    assert!(second.gateway.approvals().pending().is_empty());
    let told = second.witnessed_by(&plugin, "approvals").await;
    assert!(told.len() == 1 && told[0].contains("Cancelled") && told[0].contains("the host stopped before anybody answered"), "{told:?}");
    assert_eq!(second.gateway.start().await.unwrap(), Recovered::default(), "once");
}

#[tokio::test]
async fn however_much_an_interrupted_turn_had_shown_the_next_host_starts() {
    let state = Arc::new(Memory::default());
    state.ensure_session("s", "life").await.unwrap();
    let plugins: Vec<String> = (0..32).map(|n| format!("plugin-{n}")).collect();
    for (n, plugin) in plugins.iter().cycle().take(1_024).enumerate() {
        let text = format!("{n}{}", "\u{1}".repeat(300));
        let injection = NewInjection { id: format!("i-{n}"), plugin: plugin.clone(), ..injection(&text) };
        state.inject(injection, "life").await.unwrap();
    }
    let (run, session, life, trigger, facts) = ("dead".into(), "s".into(), "life".into(), "user".into(), "{}".into());
    state.begin_run(NewRun { run, session, life, trigger, facts, plugins }).await.unwrap().unwrap();
    state.show("dead", vec![]).await.unwrap().unwrap();

    let stage = Stage::on(state, settings());
    assert_eq!(stage.gateway.start().await.unwrap().interrupted, 1);
    let note = stage.transcript("s").await.pop().unwrap();
    assert_eq!((&note.meta["shown-in-all"], note.meta["shown"].as_array().unwrap().len()), (&json!(1_024), 400));
}
