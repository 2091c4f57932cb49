//! Who waits for whom: nobody for itself, and nobody until a deadline for what can't come.

use super::ends::{ends, engine_with};
use super::stage::{Crews, said};
use plugbay_gateway::runtime::engine::Isolation;
use plugbay_gateway::runtime::{Caller, Chain, PluginId, Services};
use serde_json::{Value, json};

/// Longer than anybody waits for a test.
const LONG: u64 = 25_000;

#[tokio::test]
async fn a_turn_that_its_plugin_waits_for_may_need_that_plugin() {
    let crews = Crews::new("a").await;
    let message = format!("use crew-a-count {}", json!({ "text": "x" }));
    let answer = crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": message, "wait": LONG })).await;
    assert_eq!(answer["ok"]["text"], "`crew-a-count` answered: 1", "{answer}");
}

#[tokio::test]
async fn two_plugins_that_wait_for_each_others_turns_are_told_so_at_once() {
    let crews = Crews::new("ab").await;
    let errand = |needs: &str| {
        let message = format!("held\nuse {needs} {}", json!({ "text": "x" }));
        json!({ "name": "child", "message": message, "wait": LONG })
    };
    // Each holds its only cell, and its child's turn is about to need the other's.
    let a = crews.turn("one", "crew-a-delegate", errand("crew-b-count")).await;
    let b = crews.turn("two", "crew-b-delegate", errand("crew-a-count")).await;
    crews.model.holds(2).await;
    while crews.stage.gateway.plugins().waits().count() < 2 {
        tokio::task::yield_now().await;
    }
    crews.model.lets_go(100);
    let answers = [said(a).await, said(b).await];
    let texts: Vec<&str> = answers.iter().map(|answer| answer["ok"]["text"].as_str().unwrap_or_else(|| panic!("{answers:?}"))).collect();
    let refused: Vec<_> = texts.iter().filter(|text| text.contains("it would wait for itself")).collect();
    let [refused] = refused[..] else { panic!("who came last is refused, and the other one goes on: {texts:?}") };
    for named in ["crew-a", "crew-b", "crew-a/child", "crew-b/child"] {
        assert!(refused.contains(named), "{named}: {refused}");
    }
    assert!(texts.iter().any(|text| text.ends_with("answered: 1")), "{texts:?}");
    assert_eq!(crews.stage.gateway.plugins().waits().count(), 0);
}

#[tokio::test]
async fn a_turn_cannot_wait_for_itself() {
    let crews = Crews::new("a").await;
    let run = crews.held("main", "scout").await;
    // Behind it in its session: a turn that waits for a turn of its own session.
    let second = crews
        .act(
            "main",
            "crew-a-run",
            json!({ "name": "scout", "message": format!("use crew-a-run {}", json!({ "name": "scout", "message": "say x" })) }),
        )
        .await;
    assert!(second["ok"].is_object());
    crews.model.lets_go(1);
    assert_eq!(crews.wait("main", &run, LONG).await["ok"]["state"], "done");
    let third = crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": format!("use crew-a-delegate {}", json!({ "name": "scout", "message": "say x", "wait": LONG })), "wait": LONG })).await;
    let text = third["ok"]["text"].as_str().unwrap_or_else(|| panic!("{third}"));
    let (_, answer) = text.split_once("answered: ").unwrap();
    let answer: Value = serde_json::from_str(answer).unwrap();
    assert_eq!(answer["code"], "re-entrant", "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("`crew-a/scout` waits for the session `crew-a/scout`"), "{answer}");
}

#[tokio::test]
async fn who_waits_for_an_end_of_which_its_own_plugin_is_to_be_told_does_not_wait_for_itself() {
    let crews = Crews::new("a").await;
    let does = json!({ "does": { "context-compact": [{ "nap": 20_000 }] } });
    let engine = engine_with(&crews, does, Some(Isolation::Shared)).await;
    crews.stage.answer("busy", "say x").await;
    crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": "say x", "wait": 20_000 })).await;
    let turn = crews.stage.turn("main", "held\nsay x").await;
    crews.model.holds(1).await;
    // Its only cell is at work, in a call that then wants the subagent gone.
    let gateway = crews.stage.gateway.clone();
    let compacting = tokio::spawn(async move { gateway.compact("busy", None).await });
    while crews.stage.witnessed(&engine).await.iter().all(|row| row["method"] != "context-compact") {
        tokio::task::yield_now().await;
    }
    // The removal is begun by somebody else, on nobody's behalf: it has to tell the engine.
    let gateway = crews.stage.gateway.clone();
    let deleting = tokio::spawn(async move { gateway.delete("crew-a/scout").await.unwrap() });
    while crews.exists("crew-a/scout").await || crews.stage.gateway.plugins().waits().count() == 0 {
        tokio::task::yield_now().await;
    }
    let plugin = |name: &str| PluginId::try_from(name.to_owned()).unwrap();
    let chain = Chain::default().with(plugin("engine-e"), "context-compact");
    let caller = Caller { plugin: plugin("crew-a"), generation: 1, session: None, run: turn.run().cloned(), chain };
    let services: &dyn Services = crews.stage.gateway.desk();
    assert!(services.delete_subagent(&caller, "scout").await.unwrap());
    assert!(deleting.await.unwrap());
    assert_eq!(ends(&crews, &engine).await, ["main crew-a/scout swept"]);
    assert!(!compacting.is_finished(), "it was told beside the cell that is at work");
    assert!(crews.noted().await.is_empty());
    compacting.abort();
    crews.model.lets_go(1);
    turn.ended().await;
}
