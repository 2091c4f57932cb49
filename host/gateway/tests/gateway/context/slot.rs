//! Who serves, and why not who is wanted.

use super::stage::{calls, does, hasty, id, load, serving};
use crate::turns::stage::{Stage, settings, until};
use plugbay_gateway::runtime::{Grant, Grants, Order, Settings};
use plugbay_gateway::{ContextView, GatewaySettings, ServingEngine, TurnEvent};
use plugbay_guests::built;
use plugbay_guests::engines::engine;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn whoever_cannot_serve_is_still_wanted_and_it_is_said_why() {
    let stage = Stage::started_with(GatewaySettings { context_engine: Some(id("engine-a")), ..settings() }).await;
    let contexts = stage.gateway.contexts();
    let why = || {
        let ContextView { preferred, serving, why, quarantine } = contexts.view();
        assert_eq!((preferred, serving, quarantine), (Some(id("engine-a")), ServingEngine::Builtin, None));
        why.unwrap()
    };
    assert_eq!(why(), "there is no plugin `engine-a` (setting `slots.context-engine`)");
    assert_eq!(stage.answer("s", "say one").await, "one");

    let grants = Grants { denied: [Grant::Prompt].into(), ..does(&json!({})).grants };
    let plugin = load(&stage, engine('a'), Settings { grants, ..does(&json!({})) }).await;
    assert_eq!(why(), "plugin `engine-a` may not serve as context engine: it was denied `prompt` (setting `plugins.engine-a.grants`)");
    assert_eq!(stage.answer("s", "say two").await, "two");
    assert!(calls(&stage, &plugin).await.is_empty());

    load(&stage, engine('a'), does(&json!({}))).await;
    assert_eq!(contexts.view().serving, ServingEngine::Plugin(id("engine-a")));
    stage.gateway.plugins().missing(plugin.id().clone(), Order::by("a test")).await.unwrap();
    assert!(why().starts_with("plugin `engine-a` is missing"), "{}", why());
    assert_eq!(stage.answer("s", "say three").await, "three");
    assert!(calls(&stage, &plugin).await.is_empty());

    load(&stage, engine('a'), does(&json!({}))).await;
    assert_eq!(stage.answer("s", "say four").await, "four");
    assert!(!calls(&stage, &plugin).await.is_empty(), "it is back, and serves at once");

    stage.load("toolbox", built::TOOLBOX, crate::turns::stage::toolbox()).await;
    contexts.set_engine(Some(id("toolbox")));
    assert_eq!(contexts.view().why.unwrap(), "plugin `toolbox` is no context engine: it exports no `context-assemble`");
    contexts.set_engine(None);
    assert_eq!(contexts.view(), ContextView { preferred: None, serving: ServingEngine::Builtin, why: None, quarantine: None });
}

#[tokio::test]
async fn a_turn_keeps_the_engine_that_it_began_with() {
    let stage = Stage::started().await;
    stage.toolbox().await;
    let first = serving(&stage, engine('a').foreground(), does(&json!({}))).await;
    let second = load(&stage, engine('b').foreground(), does(&json!({}))).await;
    let mut turn = stage.turn("s", "use slow {\"ms\":50}\nthen\nsay done").await;
    until(&mut turn, |event| matches!(event, TurnEvent::ToolStarted { .. })).await;
    stage.gateway.contexts().set_engine(Some(id("engine-b")));
    // A new generation of the first doesn't change the turn either: it ends with the one that it holds.
    load(&stage, engine('a').foreground(), does(&json!({ "context-assemble": ["err"] }))).await;
    assert_eq!(turn.ended().await.message.as_deref(), Some("done"));
    let seen = calls(&stage, &first).await;
    assert_eq!(super::stage::methods(&seen), ["bootstrap", "maintain", "assemble", "assemble", "ingest", "turn", "maintain", "dispose"]);
    assert!(calls(&stage, &second).await.is_empty());
    assert!(stage.gateway.contexts().quarantined().is_empty());
    stage.answer("s", "say next").await;
    assert_eq!(super::stage::methods(&calls(&stage, &second).await)[0], "bootstrap", "the next turn has the next engine");
}

#[tokio::test]
async fn a_quarantine_belongs_to_a_generation_and_ends_with_it_or_by_a_reset() {
    let stage = Stage::started().await;
    let contexts = stage.gateway.contexts();
    let broken = json!({ "context-assemble": ["err"] });
    serving(&stage, engine('a'), does(&broken)).await;
    stage.answer("s", "say one").await;
    let first = super::stage::quarantine(&stage);
    assert_eq!((first.operation, contexts.quarantined()), ("context-assemble", vec![first.clone()]));
    assert!(contexts.view().why.unwrap().contains("`context-assemble` failed: the plugin failed: context-assemble was told to fail"));

    assert!(contexts.reset(&id("engine-a")) && !contexts.reset(&id("engine-a")), "once");
    assert_eq!(contexts.view().serving, ServingEngine::Plugin(id("engine-a")));
    stage.answer("s", "say two").await;
    assert_eq!(super::stage::quarantine(&stage).generation, first.generation);

    load(&stage, engine('a'), hasty(&json!({}), Duration::from_secs(20))).await;
    assert_eq!((contexts.view().serving, contexts.quarantined()), (ServingEngine::Plugin(id("engine-a")), vec![]));
    load(&stage, engine('a'), does(&broken)).await;
    stage.answer("s", "say three").await;
    assert!(super::stage::quarantine(&stage).generation > first.generation, "the next failure counts for the next generation");
}

#[tokio::test]
async fn the_first_failure_is_the_one_that_is_told() {
    let stage = Stage::started().await;
    let naps = json!({ "context-maintain": ["well"], "context-assemble": ["err"], "context-ingest": ["well", "err"] });
    serving(&stage, engine('a'), does(&naps)).await;
    let (one, other) = tokio::join!(stage.said("s", "say one"), stage.said("t", "say two"));
    assert_eq!((one.message.as_deref(), other.message.as_deref()), (Some("one"), Some("two")));
    assert_eq!(super::stage::quarantine(&stage).operation, "context-assemble");
}

#[tokio::test]
async fn an_engine_that_was_uninstalled_begins_anew_though_its_generations_have_the_same_numbers() {
    let stage = Stage::started().await;
    let failed = serving(&stage, engine('a'), does(&json!({ "context-assemble": ["err"] }))).await;
    stage.answer("s", "say one").await;
    let first = super::stage::quarantine(&stage);
    stage.gateway.plugins().uninstall(failed.id().clone(), true, Order::by("a test")).await.unwrap();
    let again = serving(&stage, engine('a'), does(&json!({ "context-assemble": ["well", "err"] }))).await;
    assert_eq!(again.generation().unwrap().number(), first.generation, "it is another one with the same number");
    stage.answer("s", "say two").await;
    assert!(stage.gateway.contexts().quarantined().is_empty());
    stage.answer("s", "say three").await;
    assert_eq!(stage.gateway.contexts().quarantined().len(), 1, "and what fails is out again");
}
