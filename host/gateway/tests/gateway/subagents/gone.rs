//! What is gone stays gone, whatever else happens at that moment: runs that wait, one that is just being made, calls that drain on.

use super::ends::{ends, engine};
use super::stage::{Crews, granted, said};
use plugbay_gateway::runtime::{Caller, Chain, Order, PluginId, ServiceCode, Services, Trigger};
use plugbay_gateway::{TurnAsked, TurnStatus};
use serde_json::json;

#[tokio::test]
async fn a_run_that_waits_does_not_bring_it_back() {
    let crews = Crews::new("a").await;
    let first = crews.held("main", "scout").await;
    crews.model.holds(1).await;
    let gateway = crews.stage.gateway.clone();
    let deleted = tokio::spawn(async move { gateway.delete("crew-a/scout").await.unwrap() });
    while crews.stage.gateway.session("crew-a/scout").await.unwrap().unwrap().turns < 2 {
        tokio::task::yield_now().await;
    }
    let second = crews.act("main", "crew-a-run", json!({ "name": "scout", "message": "say second" })).await;
    let second = second["ok"]["run"].as_str().unwrap_or_else(|| panic!("{second}"));
    crews.model.lets_go(1);
    assert!(deleted.await.unwrap());
    assert_eq!(crews.wait("main", &first, 20_000).await["ok"]["text"], "done", "it was before the delete");
    assert_eq!(crews.wait("main", second, 20_000).await["ok"]["state"], "cancelled");
    assert!(!crews.exists("crew-a/scout").await && crews.noted().await.is_empty());
    // The name is free again.
    let again = crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": "say third", "wait": 20_000 })).await;
    assert_eq!(again["ok"]["text"], "third", "{again}");
}

#[tokio::test]
async fn no_turn_of_a_subagent_makes_its_session() {
    let crews = Crews::new("a").await;
    let asked = || TurnAsked { trigger: Trigger::Subagent, ..TurnAsked::said("crew-a/scout", "test", "say x") };
    let end = crews.stage.gateway.turn(asked()).await.unwrap().ended().await;
    assert_eq!(end.status, TurnStatus::Failed);
    assert!(end.error.as_ref().is_some_and(|error| error.contains("\"crew-a/scout\" was deleted")), "{end:?}");
    assert!(!crews.exists("crew-a/scout").await);
    crews.stage.answer("crew-a/scout", "say mine").await;
    assert_eq!(crews.stage.gateway.turn(asked()).await.unwrap().ended().await.message.as_deref(), Some("x"), "what is there goes on");
}

#[tokio::test]
async fn one_that_is_removed_while_it_is_made_is_gone_and_its_engine_is_told() {
    for uninstalled in [true, false] {
        let crews = Crews::new("a").await;
        let does = json!({ "context-spawn": [{ "nap": 1_000 }] });
        let engine = engine(&crews, json!({ "does": does })).await;
        let making = crews.turn("main", "crew-a-run", json!({ "name": "scout", "message": "say x" })).await;
        while crews.stage.witnessed(&engine).await.iter().all(|row| row["method"] != "context-spawn") {
            tokio::task::yield_now().await;
        }
        if uninstalled {
            let id = PluginId::try_from("crew-a".to_owned()).unwrap();
            crews.stage.gateway.plugins().uninstall(id, false, Order::by("a test")).await.unwrap();
            let refused = said(making).await;
            assert_eq!(refused["code"], "unknown", "{refused}");
        } else {
            assert!(crews.stage.gateway.delete("crew-a/scout").await.unwrap(), "it waits until there is something to delete");
            making.ended().await;
        }
        while !crews.noted().await.is_empty() || !crews.stage.gateway.live().is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(!crews.exists("crew-a/scout").await, "uninstalled: {uninstalled}");
        let end = if uninstalled { "deleted" } else { "swept" };
        assert_eq!(ends(&crews, &engine).await, [format!("main crew-a/scout {end}")]);
        assert!(crews.stage.gateway.contexts().quarantined().is_empty());
    }
}

#[tokio::test]
async fn a_call_of_an_uninstalled_plugin_makes_no_more_of_them() {
    let crews = Crews::new("a").await;
    let turn = crews.stage.turn("main", "held\nsay x").await;
    crews.model.holds(1).await;
    let plugin = PluginId::try_from("crew-a".to_owned()).unwrap();
    let caller = Caller { plugin: plugin.clone(), generation: 1, session: None, run: turn.run().cloned(), chain: Chain::default() };
    let services: &dyn Services = crews.stage.gateway.desk();
    services.run_subagent(&caller, "before", "say x".into()).await.unwrap();
    crews.stage.gateway.plugins().uninstall(plugin, false, Order::by("a test")).await.unwrap();
    let refused = services.run_subagent(&caller, "after", "say x".into()).await.map(drop).unwrap_err();
    assert_eq!(refused.code, ServiceCode::Failed);
    assert!(refused.message.contains("`crew-a` doesn't serve any more"), "{refused}");
    crews.gone(&["crew-a/before"]).await;
    assert!(!crews.exists("crew-a/after").await && crews.noted().await.is_empty());
    crews.model.lets_go(1);
    assert_eq!(turn.ended().await.status, TurnStatus::Done);
}

#[tokio::test]
async fn nothing_is_remembered_of_an_uninstalled_plugins_runs() {
    let crews = Crews::new("a").await;
    let run = crews.held("main", "scout").await;
    crews.model.holds(1).await;
    let id = PluginId::try_from("crew-a".to_owned()).unwrap();
    crews.stage.gateway.plugins().uninstall(id, false, Order::by("a test")).await.unwrap();
    crews.gone(&["crew-a/scout"]).await;
    crews.stage.answer("main", "say that nobody has these tools now").await;
    crews.load('a', granted()).await;
    loop {
        let answer = crews.wait("main", &run, 0).await;
        if answer["ok"]["state"] != "pending" {
            assert_eq!(answer["code"], "unknown", "{answer}");
            return;
        }
    }
}
