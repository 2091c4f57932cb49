//! What a plugin keeps, sees and is told when something of it or beside it fails or ends: session state, events, cleaning up.

use crate::agents::{Ground, Stage, toolbox, witness};
use plugbay_gateway::{Said, TurnStatus};
use plugbay_guests::{builds, built};
use plugbay_runtime::state::SessionStore;
use plugbay_runtime::{Json, Settings};
use serde_json::{Value, json};
use std::time::Duration;

async fn patch(stage: &Stage, plugin: &str, namespace: &str, value: Value) {
    let value = Json::from_value(&value).unwrap();
    stage.gateway.patch_state("s", plugin, namespace, Some(value)).await.unwrap();
}

/// Which plugins show something of the session.
async fn shows(stage: &Stage) -> Vec<String> {
    let session = stage.gateway.session("s").await.unwrap().unwrap();
    session.shown.into_iter().map(|shown| shown.plugin).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projection_that_fails_leaves_out_itself_and_nothing_else() {
    let ground = Ground::new();
    for deed in ["err", "fault"] {
        let stage = ground.stage();
        stage.toolbox().await;
        stage.witness('a', 900, json!({ "does": { "session-projection": deed } })).await;
        stage.witness('b', 100, json!({})).await;
        stage.gateway.start().await.unwrap();
        stage.said("s", "say hello").await;
        for (plugin, namespace) in [("witness-a", "seen"), ("toolbox", "notes"), ("witness-b", "seen")] {
            patch(&stage, plugin, namespace, json!(1)).await;
        }
        assert_eq!(shows(&stage).await, ["toolbox", "witness-b"], "{deed}");
    }
}

/// `witness-a` does this at a hook, and has little time.
async fn hurried(stage: &Stage, hook: &str, deed: &str) {
    let settings = witness(json!({ "record": false, "does": { hook: deed } }));
    let budgets = [(hook.to_owned(), Duration::from_millis(100))].into();
    stage.load("witness-a", &builds::witness('a', 900).unwrap(), Settings { budgets, ..settings }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hangs_or_fails_at_events_costs_its_budget_and_nobody_else_anything() {
    let ground = Ground::new();
    for (deed, code) in [("err", "failed"), ("fault", "fault"), ("hang", "fault")] {
        let stage = ground.stage();
        stage.toolbox().await;
        hurried(&stage, "agent-events", deed).await;
        stage.witness('b', 100, json!({})).await;
        stage.gateway.start().await.unwrap();
        let turn = stage.turn("s", "use emit {\"topic\":\"toolbox.step\",\"data\":{\"plugin\":\"forged\"}}\nthen\nsay done").await;
        let run = turn.run().unwrap().clone();
        assert_eq!(turn.ended().await.status, TurnStatus::Done, "{deed}");
        let events = stage.heard('b', "agent-events").await;
        assert_eq!(events.len(), 7, "{deed}: {events:#?}");
        assert!(events[3].contains("toolbox.step") && events[3].contains("toolbox\\\"") && !events[3].contains("forged"), "{}", events[3]);
        for receipt in stage.receipts(&run).await.iter().filter(|receipt| receipt.hook == "agent-events") {
            let said: Vec<_> = receipt.ran.iter().map(|ran| (ran.plugin.as_str(), &ran.said)).collect();
            let [("witness-a", Said::Failed(failure)), ("witness-b", Said::Told)] = &said[..] else { panic!("{deed}: {said:?}") };
            assert_eq!(failure.code, code);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hangs_or_fails_at_cleaning_up_keeps_nobody_from_being_told() {
    let ground = Ground::new();
    for deed in ["err", "fault", "hang"] {
        let stage = ground.stage();
        hurried(&stage, "cleanup", deed).await;
        stage.witness('b', 100, json!({})).await;
        stage.gateway.start().await.unwrap();
        stage.said("s", "say hello").await;
        stage.gateway.reset("s").await.unwrap().unwrap();
        stage.settled().await;
        assert!(stage.gateway.delete("s").await.unwrap());
        let told = stage.heard('b', "cleanup").await;
        assert!(matches!(&told[..], [reset, delete] if reset.contains("Reset") && delete.contains("Delete")), "{deed}: {told:?}");
        stage.disable(&stage.gateway.plugins().get("witness-a").unwrap()).await;
        stage.settled().await;
        assert_eq!(stage.gateway.plugins().retired_cells(), 0, "{deed}: switched off all the same");
    }
}

/// What there is of `toolbox` in the session: does it show something, and how much waits.
async fn kept(stage: &Stage) -> (bool, usize) {
    (shows(stage).await.contains(&"toolbox".to_owned()), stage.state.injections("s").await.unwrap().len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_keeps_what_the_host_keeps_and_a_switch_off_only_the_state() {
    let stage = Ground::new().stage();
    stage.toolbox().await;
    stage.witness('a', 900, json!({})).await;
    stage.gateway.start().await.unwrap();
    stage.said("s", "use remember {\"value\":1}\nthen\nuse inject {\"text\":\"queued\"}\nthen\nsay done").await;
    assert_eq!(kept(&stage).await, (true, 1));
    let written = stage.rows('a').await.len();

    stage.load("toolbox", &std::fs::read(built::TOOLBOX_LATER).unwrap(), toolbox()).await;
    stage.witness('a', 900, json!({ "seed": 7 })).await;
    stage.settled().await;
    assert_eq!(kept(&stage).await, (true, 1), "the old generation took nothing with it");
    let rows = stage.rows('a').await;
    assert_eq!(rows[written..].iter().map(|row| row.hook.as_str()).collect::<Vec<_>>(), ["before-install", "cleanup"]);
    assert!(rows.last().unwrap().event.contains("Restart"), "{rows:?}");

    stage.disable(&stage.gateway.plugins().get("toolbox").unwrap()).await;
    stage.settled().await;
    assert_eq!(kept(&stage).await, (true, 0));
    stage.gateway.reset("s").await.unwrap().unwrap();
    assert_eq!(kept(&stage).await, (false, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_told_to_clean_up_finds_the_hosts_part_done() {
    let stage = Ground::new().stage();
    stage.toolbox().await;
    // It writes down that it was told, and then isn't done for a while.
    stage.witness('a', 900, json!({ "does": { "cleanup": { "nap": 300 } } })).await;
    stage.gateway.start().await.unwrap();
    stage.said("s", "use remember {\"value\":1}\nthen\nuse inject {\"text\":\"queued\"}\nthen\nsay done").await;
    stage.settled().await;
    let gateway = stage.gateway.clone();
    let reset = tokio::spawn(async move { gateway.reset("s").await.unwrap().unwrap() });
    // In the first moment in which it has been told.
    while !stage.written('a').await.iter().any(|row| row.hook == "cleanup") {}
    assert_eq!(kept(&stage).await, (false, 0));
    let life = stage.gateway.session("s").await.unwrap().unwrap().id;
    assert_eq!(life, reset.await.unwrap());
}
