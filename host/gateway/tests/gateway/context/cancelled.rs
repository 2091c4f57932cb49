//! Who cancels a turn or a compaction while the engine hangs: what it is at ends with it, nobody has failed, and whoever comes next is served by the engine.

use super::stage::{calls, calls_with, does, id, of, serving};
use crate::turns::stage::Stage;
use plugbay_gateway::runtime::engine::Isolation;
use plugbay_gateway::runtime::{Plugin, Settings};
use plugbay_gateway::{ServingEngine, TurnAsked, TurnStatus};
use plugbay_guests::engines::engine;
use serde_json::{Value, json};
use std::time::Duration;

/// An engine whose method hangs the first time; it might for ten minutes.
fn hanging(method: &str, deed: &Value) -> Settings {
    let all = ["bootstrap", "ingest", "assemble", "turn", "maintain", "compact", "dispose"];
    let budgets = all.iter().map(|name| (format!("context-{name}"), Duration::from_secs(600))).collect();
    Settings { budgets, ..does(&json!({ format!("context-{method}"): [deed, "well"] })) }
}

/// A nap of nearly the whole budget.
fn nap() -> Value {
    json!({ "nap": 590_000 })
}

/// The engine serves the session's next turn, and all others; nothing is held against it.
async fn serves_on(stage: &Stage, plugin: &Plugin, session: &str) {
    let before = of(&calls(stage, plugin).await, "assemble").len();
    assert_eq!(stage.answer(session, "say next").await, "next");
    assert_eq!(of(&calls(stage, plugin).await, "assemble").len(), before + 1, "the engine decided in the next turn");
    assert_eq!(stage.gateway.contexts().view().serving, ServingEngine::Plugin(id("engine-a")));
    assert!(stage.gateway.contexts().quarantined().is_empty());
    let generation = plugin.generation().unwrap();
    assert_eq!(generation.faults(), 0);
    assert_eq!(generation.counted().map(|(_, counted)| counted.cut).sum::<u64>(), 1, "one call was cut, the one that hung");
}

#[tokio::test]
async fn a_turn_that_is_cancelled_ends_what_the_engine_is_at_for_it() {
    let methods = ["bootstrap", "maintain", "assemble"].map(|method| (method, nap()));
    for (method, deed) in methods.into_iter().chain([("assemble", json!("spin"))]) {
        for isolation in [Isolation::Session, Isolation::Shared] {
            let stage = Stage::started().await;
            let settings = Settings { isolation: Some(isolation), ..hanging(method, &deed) };
            let plugin = serving(&stage, engine('a').foreground(), settings).await;
            let turn = stage.turn("s", "say never").await;
            calls_with(&stage, &plugin, method, 1).await;
            assert!(stage.gateway.cancel(turn.run().unwrap()));
            assert_eq!(turn.ended().await.status, TurnStatus::Cancelled, "{method}");
            serves_on(&stage, &plugin, "s").await;
        }
    }
}

#[tokio::test]
async fn one_that_is_cancelled_while_the_engine_is_told_of_its_end_is_done_and_told_the_next_time() {
    for method in ["ingest", "turn"] {
        let stage = Stage::started().await;
        let plugin = serving(&stage, engine('a').foreground(), hanging(method, &nap())).await;
        let turn = stage.turn("s", "say one").await;
        let run = turn.run().unwrap().to_string();
        calls_with(&stage, &plugin, method, 1).await;
        assert!(stage.gateway.cancel(&run));
        assert_eq!(turn.ended().await.status, TurnStatus::Done, "{method}");
        serves_on(&stage, &plugin, "s").await;
        let seen = calls(&stage, &plugin).await;
        let told: Vec<&Value> = of(&seen, "turn").iter().map(|call| &call["event"]["turn-key"]).collect();
        let expected = if method == "turn" { 3 } else { 2 };
        assert_eq!(told.len(), expected, "{method}: {told:?}");
        assert!(told.iter().rev().skip(1).all(|key| **key == json!(run)), "once more where it isn't sure: {told:?}");
    }
}

#[tokio::test]
async fn a_compaction_that_nobody_waits_for_any_more_ends_what_the_engine_is_at() {
    for deed in [nap(), json!("spin")] {
        let stage = Stage::started().await;
        let plugin = serving(&stage, engine('a').foreground(), hanging("compact", &deed)).await;
        stage.answer("s", "say one").await;
        let gateway = stage.gateway.clone();
        let compacting = tokio::spawn(async move { gateway.compact("s", None).await });
        calls_with(&stage, &plugin, "compact", 1).await;
        compacting.abort();
        assert!(compacting.await.unwrap_err().is_cancelled());
        serves_on(&stage, &plugin, "s").await;
        let report = stage.gateway.compact("s", None).await.unwrap().unwrap();
        assert_eq!(report.engine, ServingEngine::Plugin(id("engine-a")));
    }
}

#[tokio::test]
async fn a_prepared_turn_that_is_dropped_ends_what_the_engine_is_at() {
    let stage = Stage::started().await;
    let plugin = serving(&stage, engine('a').foreground(), hanging("assemble", &nap())).await;
    let mut turn = stage.gateway.prepare_turn(TurnAsked::said("s", "test", "hello")).await.unwrap();
    tokio::select! {
        history = turn.history() => panic!("{history:?}"),
        _ = calls_with(&stage, &plugin, "assemble", 1) => {}
    }
    drop(turn);
    serves_on(&stage, &plugin, "s").await;
}
