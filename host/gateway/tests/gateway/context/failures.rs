//! What a failure of each method means for the turn, for the engine, and for who looks.

use super::stage::{calls, calls_with, does, hasty, ids, ingested, load, methods, of, quarantine, serving, shown};
use crate::turns::stage::{Stage, until};
use plugbay_gateway::runtime::engine::Isolation;
use plugbay_gateway::runtime::{BreakerSettings, PluginsSettings, ProbationSettings, Settings};
use plugbay_gateway::{GatewaySettings, ServingEngine, TurnEvent, TurnStatus};
use plugbay_guests::engines::engine;
use serde_json::{Value, json};
use std::time::Duration;

/// Faults are the tests' own: the breaker stays closed.
fn patient() -> GatewaySettings {
    let probation = ProbationSettings { time: Duration::ZERO, ..ProbationSettings::default() };
    let breaker = BreakerSettings { faults: 1_000.try_into().unwrap(), ..BreakerSettings::default() };
    let plugins = PluginsSettings { probation, breaker, ..PluginsSettings::default() };
    GatewaySettings { plugins, ..crate::turns::stage::settings() }
}

/// How a method fails, and what is said of it.
const DEEDS: [(&str, &str); 4] = [("err", "was told to fail"), ("trap", "as you asked"), ("spin", "limit reached"), ("oversized", "")];

#[tokio::test]
async fn whatever_fails_the_turn_has_its_answer_and_the_engine_its_quarantine() {
    let stage = Stage::started_with(patient()).await;
    for method in ["context-bootstrap", "context-maintain", "context-assemble", "context-ingest", "context-turn"] {
        for (deed, words) in DEEDS {
            let plugin = serving(&stage, engine('a').foreground(), hasty(&json!({ method: [deed] }), Duration::from_millis(1_500))).await;
            let (session, before) = (format!("{method} {deed}"), calls(&stage, &plugin).await.len());
            assert_eq!(stage.answer(&session, "say fine").await, "fine", "{session}");
            let quarantined = quarantine(&stage);
            assert_eq!((quarantined.operation, quarantined.plugin.as_str()), (method, "engine-a"), "{session}");
            assert!(quarantined.reason.contains(words), "{session}: {}", quarantined.reason);
            let seen = calls(&stage, &plugin).await.split_off(before);
            assert_eq!(methods(&seen).last(), Some(&"dispose"), "{session}: its part is over for it all the same");
            let short = method.trim_start_matches("context-");
            assert_eq!(of(&seen, short).len(), 1, "{session}: it isn't asked again: {:?}", methods(&seen));

            assert_eq!(stage.answer(&session, "say still fine").await, "still fine");
            assert_eq!(calls(&stage, &plugin).await.len(), before + seen.len(), "{session}: nor in the next turn");
        }
    }
}

#[tokio::test]
async fn a_failing_dispose_is_only_logged() {
    let stage = Stage::started_with(patient()).await;
    for (deed, _) in DEEDS {
        serving(&stage, engine('a').foreground(), hasty(&json!({ "context-dispose": [deed] }), Duration::from_millis(1_500))).await;
        assert_eq!(stage.answer("s", "say fine").await, "fine");
        assert_eq!(stage.gateway.contexts().view().quarantine, None, "{deed}");
    }
}

#[tokio::test]
async fn what_the_model_cannot_be_told_is_a_fault_in_clear_words() {
    let stage = Stage::started_with(patient()).await;
    stage.toolbox().await;
    let rows: [(Value, &str); 11] = [
        (json!("unknown-entry"), "there is no entry"),
        (json!("wrong-order"), "ids grow"),
        (json!("twice-the-same"), "ids grow"),
        (json!("half-group"), "in or out together"),
        (json!("orphan-answer"), "right behind the message that called it"),
        (json!("over-estimate"), "`estimated-tokens`"),
        (json!("over-budget"), ""),
        (json!("tool-message"), "can't be a tool's"),
        (json!("bad-json"), "`parts`"),
        (json!("long-addition"), "`system-prompt-addition`: 32769 bytes, 32768 allowed"),
        (json!({ "addition": "be kind" }), ""),
    ];
    for (flaw, words) in rows {
        let session = flaw.to_string();
        stage.gateway.contexts().set_engine(None);
        stage.answer(&session, "use add {\"a\":1,\"b\":2}\nthen\nsay three").await;
        serving(&stage, engine('a').foreground(), does(&json!({ "context-assemble": [{ "assembles": flaw }] }))).await;
        let told = shown(&stage, &session).await;
        assert!(told.len() > 4 && told[0].starts_with("use add"), "{flaw}: the built-in engine tells all of it: {told:?}");
        if flaw.is_object() {
            assert_eq!(stage.gateway.contexts().view().why, None, "nothing is wrong with it");
            continue;
        }
        let quarantined = quarantine(&stage);
        assert_eq!(quarantined.operation, "context-assemble", "{flaw}");
        assert!(quarantined.reason.contains(words), "{flaw}: {}", quarantined.reason);
    }
}

#[tokio::test]
async fn what_an_engine_answers_is_what_the_model_is_told() {
    let stage = Stage::started().await;
    stage.answer("s", "say one").await;
    let all = ids(&stage, "s").await;
    let answer = json!({ "parts": [{ "message": { "role": "system", "content": "so far" } }, { "entry": all[1] }],
        "estimated-tokens": 20, "system-prompt-addition": "be kind" });
    serving(&stage, engine('a'), does(&json!({ "context-assemble": [{ "answer": answer }] }))).await;
    assert_eq!(shown(&stage, "s").await, ["so far", "one", "show messages"]);
    assert_eq!(stage.answer("s", "show system").await, "be kind");
    assert_eq!(stage.gateway.contexts().view().serving, ServingEngine::Plugin(super::stage::id("engine-a")));
}

#[tokio::test]
async fn who_is_busy_is_passed_over_and_quarantined_by_nobody() {
    let stage = Stage::started_with(patient()).await;
    let mut settings = does(&json!({ "context-assemble": [{ "nap": 300 }] }));
    settings.limits.waiting = 0;
    let plugin = serving(&stage, engine('a').foreground(), Settings { isolation: Some(Isolation::Shared), ..settings }).await;
    let sessions = ["a", "b", "c", "d"];
    let turns = sessions.map(|session| stage.said(session, "say fine"));
    for end in futures_util::future::join_all(turns).await {
        assert_eq!((end.status, end.message.as_deref()), (TurnStatus::Done, Some("fine")));
    }
    assert!(of(&calls(&stage, &plugin).await, "assemble").len() < sessions.len(), "some weren't served");
    assert!(stage.gateway.contexts().quarantined().is_empty());
    // What it wasn't told it is told the next time, once.
    for session in sessions {
        stage.answer(session, "say again").await;
    }
    let seen = calls(&stage, &plugin).await;
    for session in sessions {
        let of_it: Vec<Value> = seen.iter().filter(|call| call["session"] == session).cloned().collect();
        let taken = of(&of_it, "bootstrap")[0]["event"]["entries"].as_u64().unwrap();
        assert_eq!(ingested(&of_it), ids(&stage, session).await[usize::try_from(taken).unwrap()..], "{session}");
    }
}

#[tokio::test]
async fn who_gives_up_quarantines_nobody() {
    let stage = Stage::started().await;
    let plugin = serving(&stage, engine('a'), does(&json!({ "context-assemble": [{ "nap": 400 }, "well"] }))).await;
    let mut turn = stage.turn("s", "say never").await;
    let run = turn.run().unwrap().clone();
    until(&mut turn, |event| matches!(event, TurnEvent::RunStarted { .. })).await;
    calls_with(&stage, &plugin, "assemble", 1).await;
    assert!(stage.gateway.cancel(&run));
    assert_eq!(turn.ended().await.status, TurnStatus::Cancelled);
    let seen = calls_with(&stage, &plugin, "dispose", 1).await;
    assert_eq!(methods(&seen), ["bootstrap", "assemble", "dispose"], "it is told that its part is over, and of no turn");
    assert!(stage.gateway.contexts().quarantined().is_empty());
    assert_eq!(stage.answer("s", "say next").await, "next");
    load(&stage, engine('b'), does(&json!({}))).await;
}
