//! The ends of sessions, and of the gateway.

use crate::engine;
use crate::turns::stage::{Stage, names, rest, settings, until};
use plugbay_gateway::runtime::state::Memory;
use plugbay_gateway::{Gateway, GatewayError, GatewaySettings, TurnEvent, TurnStatus};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Hooks without those of turns.
fn of_sessions(rows: &[Value]) -> Vec<&str> {
    let wanted = ["session-start", "session-end", "before-reset", "cleanup", "gateway-start", "gateway-stop"];
    rows.iter().map(|row| row["hook"].as_str().unwrap()).filter(|hook| wanted.contains(hook)).collect()
}

#[tokio::test]
async fn a_reset_begins_another_life_and_plugins_are_told() {
    let stage = Stage::started().await;
    let plugin = stage.witness('a', json!({})).await;
    stage.toolbox().await;
    stage.answer("s", "use remember {\"value\":1}\nthen\nuse inject {\"text\":\"queued\"}\nthen\nsay done").await;
    let before = stage.gateway.session("s").await.unwrap().unwrap();
    assert_eq!((before.entries, before.shown.len()), (6, 1));

    let life = stage.gateway.reset("s").await.unwrap().unwrap();
    let after = stage.gateway.session("s").await.unwrap().unwrap();
    assert_eq!((after.id.as_str(), after.entries, after.shown.len()), (life.as_str(), 0, 0));
    assert_eq!(stage.answer("s", "show messages").await, json!([{ "role": "user", "text": "show messages" }]).to_string());

    let rows = stage.witnessed(&plugin).await;
    assert_eq!(of_sessions(&rows), ["session-start", "before-reset", "session-end", "session-start", "cleanup"]);
    let event =
        |n: usize| rows.iter().filter(|row| of_sessions(std::slice::from_ref(row)).len() == 1).nth(n).unwrap()["event"].as_str().unwrap();
    assert!(event(1).contains("messages: 6"), "{}", event(1));
    assert!(event(2).contains("Reset") && event(2).contains(&life), "{}", event(2));
    assert!(event(3).contains(&before.id), "{}", event(3));
    assert!(event(4).contains("Reset"), "{}", event(4));
    assert_eq!(stage.gateway.reset("no such session").await.unwrap(), None);
}

#[tokio::test]
async fn what_is_deleted_is_gone_for_everybody() {
    let stage = Stage::started().await;
    let plugin = stage.witness('a', json!({})).await;
    stage.answer("s", "say hello").await;
    let life = stage.gateway.session("s").await.unwrap().unwrap().id;
    let held = stage.gateway.desk().handles().handle("s", &life);
    // Whoever is still to be told of the turn would get a handle that is gone.
    stage.settled().await;
    assert!(stage.gateway.delete("s").await.unwrap());
    assert_eq!(held.key(), None, "a handle that somebody keeps says so");
    assert_eq!(stage.gateway.session("s").await.unwrap(), None);
    assert!(!stage.gateway.delete("s").await.unwrap());
    let rows = stage.witnessed(&plugin).await;
    assert_eq!(of_sessions(&rows), ["session-start", "session-end", "cleanup"]);
    assert!(
        rows.iter().all(|row| row["session"] == "s" || ["message-received", "before-dispatch"].contains(&row["hook"].as_str().unwrap()))
    );
    // Another one of this name is another one.
    stage.answer("s", "say hello").await;
    assert_ne!(stage.gateway.session("s").await.unwrap().unwrap().id, life);
}

#[tokio::test]
async fn a_reset_waits_for_the_turns_before_it() {
    let stage = Stage::started().await;
    let mut turn = stage.turn("s", "say one\nslow 200\nsay two").await;
    until(&mut turn, |event| matches!(event, TurnEvent::Text { .. })).await;
    let life = stage.gateway.session("s").await.unwrap().unwrap().id;
    let next = stage.gateway.reset("s").await.unwrap().unwrap();
    assert_eq!(names(&rest(turn).await).last().unwrap(), "end", "it came to its end first");
    assert_ne!(life, next);
    assert_eq!(stage.runs("s").await[0].status, "done");
    assert!(stage.words("s").await.is_empty());
}

#[tokio::test]
async fn a_gateway_that_stops_tells_its_sessions_and_cuts_what_takes_too_long() {
    let stage = Stage::started().await;
    let plugin = stage.witness('a', json!({})).await;
    stage.answer("quiet", "say hello").await;
    let mut long = stage.turn("long", "say one\nslow 60000\nsay two").await;
    until(&mut long, |event| matches!(event, TurnEvent::ToolStarted { .. } | TurnEvent::RunStarted { .. })).await;
    let waiting = stage.turn("long", "say never").await;
    stage.gateway.shutdown(Duration::from_millis(100), Some("a test".into())).await;

    assert_eq!(names(&rest(waiting).await), ["interrupted", "end"]);
    assert_eq!(long.ended().await.status, TurnStatus::Interrupted);
    assert_eq!(stage.runs("long").await.iter().map(|run| run.status).collect::<Vec<_>>(), ["interrupted"]);
    assert!(stage.words("long").await.last().unwrap().contains("The host stopped"));
    let rows = stage.witnessed(&plugin).await;
    let mut told = BTreeMap::new();
    for row in rows.iter().filter(|row| ["session-end", "gateway-stop"].contains(&row["hook"].as_str().unwrap())) {
        told.insert(row["session"].as_str().unwrap_or("none").to_owned(), row["event"].as_str().unwrap().to_owned());
    }
    assert_eq!(told.keys().collect::<Vec<_>>(), ["long", "none", "quiet"]);
    assert!(told["quiet"].contains("Shutdown") && told["none"].contains("a test"), "{told:?}");
    assert_eq!(rows.last().unwrap()["hook"], "gateway-stop");
}

#[tokio::test]
async fn a_turn_that_runs_gets_the_drain_and_one_that_waits_does_not() {
    let stage = Stage::started().await;
    let mut runs = stage.turn("s", "say one\nslow 60000\nsay two").await;
    until(&mut runs, |event| matches!(event, TurnEvent::Text { .. })).await;
    let waits = stage.turn("s", "say never").await;
    let gateway = stage.gateway.clone();
    let stopping = tokio::spawn(async move { gateway.shutdown(Duration::from_secs(600), None).await });
    assert_eq!(waits.ended().await.status, TurnStatus::Interrupted);
    assert_eq!(stage.runs("s").await[0].status, "running", "it has its time");
    assert!(stage.gateway.cancel(runs.run().unwrap()));
    assert_eq!(runs.ended().await.status, TurnStatus::Cancelled);
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_starts_says_so_and_wakes_its_sessions() {
    let every = Duration::from_millis(50);
    let stage = Stage::on(std::sync::Arc::default(), GatewaySettings { heartbeats: [("s".to_owned(), every)].into(), ..settings() });
    let plugin = stage.witness('a', json!({})).await;
    stage.gateway.start().await.unwrap();
    while stage.runs("s").await.iter().filter(|run| run.status == "done").count() < 3 {
        tokio::time::sleep(every).await;
    }
    assert!(stage.runs("s").await.iter().all(|run| run.trigger == "heartbeat"));
    stage.gateway.shutdown(Duration::from_secs(5), None).await;
    assert_eq!(stage.witnessed_by(&plugin, "gateway-start").await.len(), 1);
}

#[tokio::test]
async fn a_heartbeat_that_no_clock_keeps_is_refused() {
    for every in [Duration::ZERO, Duration::MAX] {
        let settings = GatewaySettings { heartbeats: [("s".to_owned(), every)].into(), ..settings() };
        let refused = Gateway::new(engine(), std::sync::Arc::new(Memory::default()), settings).err().unwrap();
        assert!(matches!(refused, GatewayError::Heartbeat { .. }) && refused.to_string().contains("`agent.heartbeats`"), "{refused}");
    }
}
