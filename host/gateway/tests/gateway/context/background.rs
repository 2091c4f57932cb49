//! What is done behind a turn is in nobody's way.

use super::stage::{calls, calls_with, does, methods, of, quarantine, serving};
use crate::turns::stage::{Stage, until};
use plugbay_gateway::{TurnEvent, TurnStatus};
use plugbay_guests::engines::engine;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn maintenance_that_hangs_delays_no_turn() {
    let stage = Stage::started().await;
    let plugin = serving(&stage, engine('a'), does(&json!({ "context-maintain": ["spin", "well"] }))).await;
    stage.answer("s", "say one").await;
    calls_with(&stage, &plugin, "maintain", 1).await;
    for n in 0..5 {
        assert_eq!(stage.answer("s", &format!("say {n}")).await, n.to_string());
    }
    let seen = calls(&stage, &plugin).await;
    assert_eq!(of(&seen, "turn").len(), 6);
    assert!(stage.gateway.contexts().quarantined().is_empty(), "it hangs still: it would be quarantined otherwise");
    stage.gateway.shutdown(Duration::ZERO, None).await;
}

#[tokio::test]
async fn maintenance_in_the_foreground_is_waited_for_and_its_failure_counts() {
    let stage = Stage::started().await;
    let plugin = serving(&stage, engine('a').foreground(), does(&json!({ "context-maintain": ["well", "err"] }))).await;
    stage.answer("s", "say one").await;
    let seen = calls(&stage, &plugin).await;
    assert_eq!(
        methods(&seen),
        ["bootstrap", "maintain", "assemble", "ingest", "turn", "maintain", "dispose"],
        "all of it, when the turn has ended"
    );
    assert_eq!(seen[1]["cell"], seen[5]["cell"], "in its usual cell");
    assert_eq!(quarantine(&stage).operation, "context-maintain");
}

#[tokio::test]
async fn a_host_that_stops_waits_for_what_is_done_behind_a_turn() {
    let stage = Stage::started().await;
    let plugin = serving(&stage, engine('a'), does(&json!({ "context-maintain": [{ "nap": 200 }] }))).await;
    stage.answer("s", "say one").await;
    stage.gateway.shutdown(Duration::from_secs(60), None).await;
    assert_eq!(methods(&calls(&stage, &plugin).await).last(), Some(&"dispose"));
}

#[tokio::test]
async fn a_failure_behind_a_turn_counts_for_the_next_one() {
    let stage = Stage::started().await;
    let plugin = serving(&stage, engine('a'), does(&json!({ "context-maintain": ["trap"] }))).await;
    stage.answer("s", "say one").await;
    let before = calls_with(&stage, &plugin, "dispose", 1).await.len();
    assert_eq!(quarantine(&stage).operation, "context-maintain");
    stage.answer("s", "say two").await;
    assert_eq!(calls(&stage, &plugin).await.len(), before);
}

#[tokio::test]
async fn what_an_engine_hangs_in_costs_the_turn_its_budget_and_no_other_session_anything() {
    let stage = Stage::started().await;
    stage.toolbox().await;
    let plugin = serving(&stage, engine('a'), does(&json!({ "context-assemble": ["spin", "well"] }))).await;
    let mut hanging = stage.turn("s", "say late").await;
    until(&mut hanging, |event| matches!(event, TurnEvent::RunStarted { .. })).await;
    calls_with(&stage, &plugin, "assemble", 1).await;
    assert_eq!(stage.answer("t", "say meanwhile").await, "meanwhile");
    assert!(stage.gateway.contexts().quarantined().is_empty(), "the other still hangs");
    assert_eq!(hanging.ended().await.status, TurnStatus::Done);
    assert_eq!(quarantine(&stage).operation, "context-assemble");
}

#[tokio::test]
async fn an_engine_that_tidies_up_in_the_background_does_nothing_of_it_before_a_turn() {
    let stage = Stage::started().await;
    let plugin = serving(&stage, engine('a'), does(&json!({}))).await;
    stage.answer("s", "say one").await;
    let seen = calls_with(&stage, &plugin, "dispose", 1).await;
    assert_eq!(methods(&seen), ["bootstrap", "assemble", "ingest", "turn", "maintain", "dispose"]);
    assert_eq!(of(&seen, "maintain")[0]["event"]["moment"], "closing");
}

#[tokio::test]
async fn of_those_that_wait_behind_turns_of_a_session_there_is_one() {
    let stage = Stage::started().await;
    let plugin = serving(&stage, engine('a'), does(&json!({ "context-maintain": [{ "nap": 60_000 }] }))).await;
    for session in ["a", "b"] {
        stage.answer(session, "say one").await;
    }
    calls_with(&stage, &plugin, "maintain", 2).await;
    for n in 0..4 {
        stage.answer("s", &format!("say {n}")).await;
    }
    let seen = calls_with(&stage, &plugin, "dispose", 3).await;
    assert!(of(&seen, "dispose").iter().all(|call| call["session"] == "s"), "a newer turn is waited behind");
    assert_eq!(of(&seen, "maintain").len(), 2);
    stage.gateway.shutdown(Duration::ZERO, None).await;
}
