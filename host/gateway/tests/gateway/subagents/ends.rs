//! How subagents end: deleted by their plugin, with what they work for, by somebody else, with their plugin, and after a host that didn't get round to it.

use super::stage::{Crews, granted, said};
use crate::turns::stage::{Stage, settings};
use plugbay_gateway::runtime::engine::{Cpu, Isolation};
use plugbay_gateway::runtime::state::{Memory, NewSubagent, SessionStore};
use plugbay_gateway::runtime::{Caller, Chain, Grant, Grants, Order, Plugin, PluginId, ServiceCode, Services, Settings, Wanted};
use plugbay_gateway::{SubagentsSettings, TurnStatus};
use plugbay_guests::engines;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A context engine in the slot, that is asked about subagents.
pub(super) async fn engine(crews: &Crews, config: Value) -> Arc<Plugin> {
    engine_with(crews, config, None).await
}

/// The same, with its cells kept like that.
pub(super) async fn engine_with(crews: &Crews, config: Value, isolation: Option<Isolation>) -> Arc<Plugin> {
    let Value::Object(config) = config else { panic!("{config}") };
    let grants = Grants::granting([Grant::Conversation, Grant::Prompt, Grant::State]);
    let folder = tempfile::TempDir::new().unwrap();
    let built = folder.path().join("built");
    std::fs::write(&built, engines::engine('e').build().unwrap()).unwrap();
    let mut settings = Settings { grants, config, isolation, ..Settings::default() };
    settings.limits.cpu = Cpu::Fixed(Duration::from_millis(500));
    let plugin = crews.stage.load("engine-e", built, settings).await;
    crews.stage.gateway.contexts().set_engine(Some(plugin.id().clone()));
    plugin
}

/// What it was told of a subagent's end, in a word each.
pub(super) async fn ends(crews: &Crews, engine: &Plugin) -> Vec<String> {
    let rows = crews.stage.witnessed(engine).await;
    let ends = rows.iter().filter(|row| row["method"] == "context-spawn-end");
    ends.map(|row| {
        format!(
            "{} {} {}",
            row["session"].as_str().unwrap_or("(gone)"),
            row["event"]["child-key"].as_str().unwrap(),
            row["event"]["end"].as_str().unwrap()
        )
    })
    .collect()
}

#[tokio::test]
async fn its_plugin_deletes_it_whatever_it_is_at() {
    let crews = Crews::new("a").await;
    let run = crews.held("main", "scout").await;
    crews.model.holds(1).await;
    assert_eq!(crews.act("main", "crew-a-delete", json!({ "name": "scout" })).await, json!({ "ok": true }));
    assert!(!crews.exists("crew-a/scout").await && crews.noted().await.is_empty(), "it is done when that is answered");
    crews.model.holds(0).await;
    assert_eq!(crews.wait("main", &run, 20_000).await["ok"]["state"], "cancelled");
    assert_eq!(crews.act("main", "crew-a-delete", json!({ "name": "scout" })).await, json!({ "ok": false }));
    // One that deletes itself is gone, too.
    crews.act("main", "crew-a-run", json!({ "name": "scout", "message": "use crew-a-delete {\"name\":\"scout\"}" })).await;
    crews.gone(&["crew-a/scout"]).await;
}

#[tokio::test]
async fn who_cancels_a_turn_cancels_those_that_it_set_to_work() {
    for outlive in [false, true] {
        let crews = Crews::with("a", SubagentsSettings { outlive, ..SubagentsSettings::default() }).await;
        let nested = format!("use crew-a-delegate {}", json!({ "name": "second", "message": "held\nsay done", "wait": 20_000 }));
        let parent = crews.turn("main", "crew-a-delegate", json!({ "name": "first", "message": nested, "wait": 20_000 })).await;
        crews.model.holds(1).await;
        assert!(crews.stage.gateway.cancel(parent.run().unwrap()));
        assert_eq!(parent.ended().await.status, TurnStatus::Cancelled);
        if outlive {
            crews.model.lets_go(1);
        }
        crews.model.holds(0).await;
        while !crews.stage.gateway.live().is_empty() {
            tokio::task::yield_now().await;
        }
        let expected = if outlive { "done" } else { "cancelled" };
        for session in ["crew-a/first", "crew-a/second"] {
            assert_eq!(crews.stage.runs(session).await[0].status, expected, "{session}");
            assert!(crews.exists(session).await, "its session is there");
        }
    }
}

#[tokio::test]
async fn the_end_of_a_session_is_that_of_those_who_work_for_it() {
    let crews = Crews::new("a").await;
    let engine = engine(&crews, json!({})).await;
    crews.held("main", "first").await;
    crews.act("main", "crew-a-delegate", json!({ "name": "second", "message": "say x", "wait": 20_000 })).await;
    crews.act("other", "crew-a-delegate", json!({ "name": "third", "message": "say x", "wait": 20_000 })).await;
    crews.model.holds(1).await;
    crews.stage.gateway.reset("main").await.unwrap();
    crews.gone(&["crew-a/first", "crew-a/second"]).await;
    assert_eq!(crews.noted().await, ["crew-a/third"]);
    crews.stage.gateway.delete("other").await.unwrap();
    crews.gone(&["crew-a/third"]).await;
    let mut ends = ends(&crews, &engine).await;
    ends.sort();
    assert_eq!(ends, ["(gone) crew-a/third released", "main crew-a/first released", "main crew-a/second released"]);
}

#[tokio::test]
async fn those_that_may_outlive_it_stay() {
    let crews = Crews::with("a", SubagentsSettings { outlive: true, ..SubagentsSettings::default() }).await;
    crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": "say x", "wait": 20_000 })).await;
    crews.stage.gateway.delete("main").await.unwrap();
    assert_eq!(crews.noted().await, ["crew-a/scout"]);
    assert!(crews.exists("crew-a/scout").await);
}

#[tokio::test]
async fn the_engine_that_prepared_for_it_is_told_how_it_ended() {
    let crews = Crews::new("a").await;
    let ticket = json!({ "ticket": "t-1", "attrs": [] });
    let engine = engine(&crews, json!({ "does": { "context-spawn": [{ "answer": ticket }] } })).await;
    let order = |name: &str| json!({ "name": name, "message": "say x", "wait": 20_000 });
    crews.act("main", "crew-a-delegate", order("mine")).await;
    crews.act("main", "crew-a-delegate", order("mine")).await;
    crews.act("main", "crew-a-delegate", order("theirs")).await;
    let rows = crews.stage.witnessed(&engine).await;
    let asked: Vec<_> = rows.iter().filter(|row| row["method"] == "context-spawn").map(|row| row["event"]["child-key"].clone()).collect();
    assert_eq!(asked, ["crew-a/mine", "crew-a/theirs"], "once for each, and not for each run");
    // Told is who prepared, though another is in the slot by now.
    crews.stage.gateway.contexts().set_engine(None);
    crews.act("main", "crew-a-delete", json!({ "name": "mine" })).await;
    crews.stage.gateway.delete("crew-a/theirs").await.unwrap();
    assert_eq!(ends(&crews, &engine).await, ["main crew-a/mine deleted", "main crew-a/theirs swept"]);
    let rows = crews.stage.witnessed(&engine).await;
    assert!(rows.iter().filter(|row| row["method"] == "context-spawn-end").all(|row| row["event"]["ticket"] == "t-1"), "{rows:?}");
    assert!(crews.noted().await.is_empty());
}

#[tokio::test]
async fn what_the_engine_does_not_prepare_for_does_not_start() {
    let crews = Crews::new("a").await;
    engine(&crews, json!({ "does": { "context-spawn": ["err"] } })).await;
    let refused = crews.act("main", "crew-a-run", json!({ "name": "scout", "message": "say x" })).await;
    assert_eq!(refused["code"], "not-prepared", "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("engine-e"), "{refused}");
    assert!(!crews.exists("crew-a/scout").await && crews.noted().await.is_empty());
}

#[tokio::test]
async fn an_engine_that_breaks_while_it_prepares_is_out_and_nothing_starts() {
    let large = json!({ "ticket": "t".repeat(4_097), "attrs": [] });
    for deed in [json!("trap"), json!("spin"), json!("oversized"), json!({ "answer": large })] {
        let crews = Crews::new("a").await;
        engine(&crews, json!({ "does": { "context-spawn": [deed] } })).await;
        let refused = crews.act("main", "crew-a-run", json!({ "name": "scout", "message": "say x" })).await;
        assert_eq!(refused["code"], "not-prepared", "{deed}: {refused}");
        assert!(!crews.exists("crew-a/scout").await && crews.noted().await.is_empty(), "{deed}");
        let quarantined = crews.stage.gateway.contexts().quarantined();
        assert_eq!(quarantined.iter().map(|failed| failed.operation).collect::<Vec<_>>(), ["context-spawn"], "{deed}");
        // The built-in engine has nothing to prepare.
        let started = crews.act("main", "crew-a-run", json!({ "name": "scout", "message": "say x" })).await;
        assert!(started["ok"].is_object(), "{deed}: {started}");
    }
}

#[tokio::test]
async fn an_engine_that_breaks_when_it_is_told_of_the_end_keeps_nothing_from_ending() {
    for deed in ["err", "trap", "spin"] {
        let crews = Crews::new("a").await;
        engine(&crews, json!({ "does": { "context-spawn-end": [deed] } })).await;
        crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": "say x", "wait": 20_000 })).await;
        let deleted = crews.act("main", "crew-a-delete", json!({ "name": "scout" })).await;
        assert_eq!(deleted["ok"], true, "{deed}: {deleted}");
        crews.gone(&["crew-a/scout"]).await;
        let quarantined = crews.stage.gateway.contexts().quarantined();
        assert_eq!(quarantined.iter().map(|failed| failed.operation).collect::<Vec<_>>(), ["context-spawn-end"], "{deed}");
    }
}

/// A subagent that was prepared for, and whose engine was switched off then.
async fn prepared(crews: &Crews) -> Arc<Plugin> {
    let engine = engine(crews, json!({})).await;
    crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": "say x", "wait": 20_000 })).await;
    let wanted = Wanted { source: None, settings: Settings::default(), runs: Err("switched off".into()), or_kept: true };
    crews.stage.gateway.plugins().apply(engine.id().clone(), wanted, Order::by("a test")).await.unwrap();
    engine
}

#[tokio::test]
async fn an_engine_that_cannot_be_told_of_the_end_is_told_when_it_can() {
    for by_its_plugin in [true, false] {
        let crews = Crews::new("a").await;
        let off = prepared(&crews).await;
        if by_its_plugin {
            assert_eq!(crews.act("main", "crew-a-delete", json!({ "name": "scout" })).await["ok"], true);
        } else {
            crews.stage.gateway.delete("crew-a/scout").await.unwrap();
        }
        assert!(!crews.exists("crew-a/scout").await);
        assert_eq!(crews.noted().await, ["crew-a/scout"], "until the engine knows");
        assert!(ends(&crews, &off).await.is_empty());
        let on = engine(&crews, json!({})).await;
        crews.gone(&["crew-a/scout"]).await;
        let end = if by_its_plugin { "deleted" } else { "swept" };
        assert_eq!(ends(&crews, &on).await, [format!("main crew-a/scout {end}")], "once");
    }
}

#[tokio::test]
async fn an_engine_that_never_comes_back_keeps_no_subagent_for_ever() {
    let crews = Crews::new("a").await;
    let off = prepared(&crews).await;
    crews.stage.gateway.delete("crew-a/scout").await.unwrap();
    let mut pauses = 0;
    tokio::time::pause();
    while !crews.noted().await.is_empty() {
        tokio::time::advance(Duration::from_secs(120)).await; // longer than any
        tokio::time::sleep(Duration::from_millis(1)).await;
        pauses += 1;
    }
    tokio::time::resume();
    assert!(pauses >= 7, "{pauses}");
    assert!(ends(&crews, &off).await.is_empty());
}

#[tokio::test]
async fn an_engine_that_is_uninstalled_need_not_be_told_of_any_end() {
    let crews = Crews::new("a").await;
    let off = prepared(&crews).await;
    crews.stage.gateway.plugins().uninstall(off.id().clone(), false, Order::by("a test")).await.unwrap();
    crews.act("main", "crew-a-delete", json!({ "name": "scout" })).await;
    assert!(crews.noted().await.is_empty(), "at once");
}

#[tokio::test]
async fn an_uninstalled_plugin_has_none_and_a_disabled_one_keeps_them() {
    let crews = Crews::new("a").await;
    crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": "say x", "wait": 20_000 })).await;
    let id = PluginId::try_from("crew-a".to_owned()).unwrap();
    let wanted = Wanted { source: None, settings: granted(), runs: Err("switched off".into()), or_kept: true };
    crews.stage.gateway.plugins().apply(id.clone(), wanted, Order::by("a test")).await.unwrap();
    assert!(crews.exists("crew-a/scout").await && crews.noted().await.len() == 1);
    crews.load('a', granted()).await;
    crews.stage.gateway.plugins().uninstall(id, false, Order::by("a test")).await.unwrap();
    crews.gone(&["crew-a/scout"]).await;
}

#[tokio::test]
async fn what_a_host_began_to_delete_the_next_one_deletes() {
    let state = Arc::new(Memory::default());
    for (name, parent) in [("marked", "there"), ("orphan", "nowhere"), ("stays", "there")] {
        let session = format!("crew-a/{name}");
        state.ensure_session(&session, "1").await.unwrap();
        let (plugin, name, parent) = ("crew-a".to_owned(), name.to_owned(), parent.to_owned());
        state.add_subagent(NewSubagent { session, plugin, name, parent, depth: 1, engine: None, ticket: None }).await.unwrap();
    }
    state.ensure_session("there", "1").await.unwrap();
    state.mark_deleting("crew-a", "marked").await.unwrap();
    let stage = Stage::on(state.clone(), settings());
    assert!(stage.gateway.delete("crew-a/marked").await.is_err(), "nothing happens before it starts");
    stage.gateway.start().await.unwrap();
    loop {
        let left: Vec<_> = state.subagents(None).await.unwrap().into_iter().map(|row| row.name).collect();
        if left == ["stays"] {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(state.session("crew-a/marked").await.unwrap().is_none() && state.session("crew-a/orphan").await.unwrap().is_none());
    assert!(state.session("crew-a/stays").await.unwrap().is_some());
}

#[tokio::test]
async fn only_a_turn_that_is_under_way_has_them() {
    let crews = Crews::new("a").await;
    let turn = crews.turn("main", "crew-a-run", json!({ "name": "scout", "message": "say x" })).await;
    let run = turn.run().unwrap().clone();
    assert!(said(turn).await["ok"].is_object());
    let services: &dyn Services = crews.stage.gateway.desk();
    let plugin = PluginId::try_from("crew-a".to_owned()).unwrap();
    for run in [None, Some(run)] {
        let chain = Chain::default();
        let caller = Caller { plugin: plugin.clone(), generation: 1, session: None, run, chain };
        let codes = [
            services.run_subagent(&caller, "scout", "say x".into()).await.map(drop).unwrap_err().code,
            services.wait_for_subagent(&caller, "r", Duration::ZERO).await.map(drop).unwrap_err().code,
            services.subagent_messages(&caller, "scout", 1).await.map(drop).unwrap_err().code,
            services.delete_subagent(&caller, "scout").await.map(drop).unwrap_err().code,
        ];
        let expected = if caller.run.is_some() { ServiceCode::Closed } else { ServiceCode::NoRun };
        assert_eq!(codes, [expected; 4]);
    }
}
