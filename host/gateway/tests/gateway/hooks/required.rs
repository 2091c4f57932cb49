//! Plugins that are required: while they aren't there, what they guard is refused.

use super::stage::{SILENT, Stage, TRAPS, gate, granted, observer};
use plugbay_gateway::runtime::{BreakerSettings, Order, PluginId, Settings, Wanted};
use plugbay_gateway::{HooksSettings, Skip};
use std::num::NonZeroU32;

fn required() -> Settings {
    Settings { required: Some(true), ..granted() }
}

fn id(id: &str) -> PluginId {
    PluginId::try_from(id.to_owned()).unwrap()
}

#[tokio::test]
async fn what_a_required_plugin_guards_is_refused_while_its_file_is_gone() {
    let stage = Stage::new();
    stage.load_with("guard", gate("guard", 0, SILENT), required()).await;
    stage.load("other", gate("other", 0, SILENT)).await;
    assert_eq!(stage.fire("any").await.outcome.block, None);
    stage.plugins.missing(id("guard"), Order::by("test")).await.unwrap();
    stage.seen();

    let refused = stage.fire("any").await;
    let why = refused.outcome.block.unwrap();
    for part in ["`guard`", "required", "missing", "disable"] {
        assert!(why.contains(part), "{part}: {why}");
    }
    assert_eq!(refused.by, Some(id("guard")));
    assert!(matches!(refused.receipt.skipped[0].why, Skip::RequiredButAside { standing: "missing", .. }), "{:?}", refused.receipt);
    assert_eq!(stage.who(), Vec::<String>::new(), "nobody is asked");

    stage.load_with("guard", gate("guard", 0, SILENT), required()).await;
    assert_eq!(stage.fire("any").await.outcome.block, None, "it is back");
}

#[tokio::test]
async fn one_that_never_ran_guards_everything_and_one_that_is_disabled_nothing() {
    let stage = Stage::new();
    let file = stage.folder().join("held.wasm");
    std::fs::write(&file, gate("held", 0, SILENT).build()).unwrap();
    let undecided = Settings { required: Some(true), ..Settings::default() };
    assert!(stage.plugins.load(&file, undecided).await.is_err(), "nobody has decided on what it asks for");
    // The first time it is found out who handles what, the second time it is known: nobody, and that one is missing.
    for _ in 0..2 {
        let why = stage.fire("any").await.outcome.block.unwrap();
        assert!(why.contains("`held`"), "{why}");
    }

    stage
        .plugins
        .apply(id("held"), Wanted { source: None, settings: required(), runs: Err("not now".into()), or_kept: false }, Order::by("test"))
        .await
        .unwrap();
    assert_eq!(stage.fire("any").await.outcome.block, None);
}

#[tokio::test]
async fn one_that_isn_t_required_is_passed_over_once_it_is_quarantined() {
    for (settings, blocked) in [(granted(), false), (required(), true)] {
        let breaker = BreakerSettings { faults: NonZeroU32::MIN, openings: NonZeroU32::MIN, ..BreakerSettings::default() };
        let stage = Stage::breaking(HooksSettings::default(), breaker);
        stage.load_with("bad", gate("bad", 0, TRAPS), settings).await;
        assert!(stage.fire("any").await.outcome.block.is_some(), "the fault itself is a no");
        let dispatched = stage.fire("any").await;
        assert_eq!(dispatched.outcome.block.is_some(), blocked);
        assert_eq!(dispatched.receipt.skipped.first().map(|s| &s.why), (!blocked).then_some(&Skip::Aside("quarantined")));
    }
}

#[tokio::test]
async fn one_that_guards_another_hook_is_not_in_the_way() {
    let stage = Stage::new();
    stage.load_with("listens", observer("listens", SILENT), required()).await;
    stage.plugins.missing(id("listens"), Order::by("test")).await.unwrap();
    assert_eq!(stage.fire("any").await.outcome.block, None);
}
