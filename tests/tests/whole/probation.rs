//! A new version that turns out to be bad goes away by itself, and what was there before comes back.

use crate::counter::{ask, counter, digest, faults, happened, history, host, host_with, plugin, put, put_with, restarted, seen, until};
use plugbay_runtime::{Fate, Loaded, Order, Plugin, ProbationSettings, ProbationView, Settings, Standing, Verdict};
use plugbay_tests::lab::{Lab, granted};
use serde_json::json;
use std::num::NonZeroU32;
use std::sync::Arc;

/// A host in which 7.0.0 counted to three and was replaced by 8.0.0, which counted once more and kept that.
async fn replaced(deeds: &str) -> (Lab, Arc<Plugin>) {
    let lab = host().await;
    put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    let plugin = plugin(&lab.plugins);
    for _ in 0..3 {
        seen(&plugin, "count").await;
    }
    put(&lab.plugins, &counter("8.0.0", deeds)).await.unwrap();
    assert_eq!(seen(&plugin, "count").await, ("8.0.0".into(), 4));
    ask(&plugin, "keep").await.unwrap();
    (lab, plugin)
}

/// Waits until this generation serves.
async fn generation(plugin: &Plugin, number: u64) {
    until(|| plugin.generation().is_some_and(|g| g.number() == number)).await;
}

#[tokio::test]
async fn a_version_that_faults_is_replaced_by_the_one_before_with_what_that_one_knew() {
    // Whatever the bad one would do if it were asked for its memory.
    for deeds in ["b", "save-traps", "deactivate-traps"] {
        let (lab, plugin) = replaced(deeds).await;
        let registered = format!("{:?}", plugin.generation().unwrap().registration());
        faults(&plugin, 2).await;
        assert_eq!(plugin.generation().unwrap().number(), 2, "not judged yet");
        faults(&plugin, 1).await;
        generation(&plugin, 3).await;
        assert_eq!(seen(&plugin, "count").await, ("7.0.0".into(), 4), "it goes on from what it saved when it was replaced");
        assert_eq!(ask(&plugin, "kept").await.unwrap()["note"], 4, "rows written meanwhile are kept");
        assert_eq!(format!("{:?}", plugin.generation().unwrap().registration()), registered);

        let listing = plugin.listing();
        let judged = listing.judged.unwrap();
        assert_eq!((listing.standing, judged.fate, judged.digest), (Standing::Active, Fate::Failed, digest(&counter("8.0.0", deeds))));
        assert!(judged.why.contains("3 of 5 calls") && judged.why.contains("as you asked"), "{}", judged.why);
        assert!(listing.earlier.iter().any(|v| v.version.to_string() == "8.0.0" && v.failed.is_some()));
        let (what, why) = history(&lab).await.pop().unwrap();
        assert!(what == "rollback" && why.contains("3 of 5 calls"), "{what}: {why}");
        assert_eq!(listing.serving.unwrap().probation, ProbationView::None, "what came back has nothing to prove");
    }
}

#[tokio::test]
async fn what_failed_is_left_alone_until_somebody_asks_over_a_restart_too() {
    let (lab, plugin) = replaced("b").await;
    faults(&plugin, 3).await;
    generation(&plugin, 3).await;
    let bad = counter("8.0.0", "b");
    let rests = put_with(&lab.plugins, &bad, granted(), Order::automatic("directory")).await.unwrap();
    assert_eq!((rests.loaded, rests.generation), (Loaded::Unchanged, 3));

    lab.plugins.shutdown(std::time::Duration::ZERO).await;
    let again = restarted(&lab).await;
    let listing = crate::counter::plugin(&again).listing();
    assert_eq!((listing.active.unwrap().version.to_string(), listing.judged.unwrap().fate), ("7.0.0".into(), Fate::Failed));
    put_with(&again, &bad, granted(), Order::boot()).await.unwrap();
    let plugin = crate::counter::plugin(&again);
    assert_eq!(seen(&plugin, "peek").await.0, "7.0.0");
    let judged = plugin.listing().judged.unwrap();
    assert!(judged.fate == Fate::Failed && judged.why.contains("on probation"), "{judged:?}");

    put(&again, &bad).await.unwrap();
    assert_eq!(seen(&plugin, "peek").await.0, "8.0.0", "somebody asked");
    assert_eq!(plugin.listing().judged, None);
}

#[tokio::test]
async fn another_file_is_tried_although_the_one_before_failed() {
    let (lab, plugin) = replaced("b").await;
    faults(&plugin, 3).await;
    generation(&plugin, 3).await;
    put_with(&lab.plugins, &counter("9.0.0", ""), granted(), Order::automatic("directory")).await.unwrap();
    assert_eq!(seen(&plugin, "peek").await, ("9.0.0".into(), 3));
    assert_eq!(plugin.listing().judged, None);
}

#[tokio::test]
async fn a_hundred_good_calls_end_probation() {
    let (lab, plugin) = replaced("b").await;
    let probation = || plugin.listing().serving.unwrap().probation;
    assert!(matches!(probation(), ProbationView::Running { calls: 2, faults: 0, calls_left: 98, .. }), "{:?}", probation());
    for _ in 0..98 {
        seen(&plugin, "count").await;
    }
    assert_eq!(probation(), ProbationView::Ended(Verdict::Passed));
    faults(&plugin, 5).await;
    assert_eq!(crate::counter::refused(ask(&plugin, "count").await).0, "breaker-open", "now it is the breaker's");
    assert_eq!(happened(&lab).await, ["install", "swap"]);
}

#[tokio::test]
async fn the_first_version_of_a_plugin_has_nothing_to_go_back_to() {
    let lab = host().await;
    put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    let plugin = plugin(&lab.plugins);
    assert_eq!(plugin.listing().serving.unwrap().probation, ProbationView::None);
    faults(&plugin, 5).await;
    assert_eq!(crate::counter::refused(ask(&plugin, "count").await).0, "breaker-open");
    assert_eq!(happened(&lab).await, ["install"]);
}

#[tokio::test]
async fn settings_that_make_a_plugin_fault_are_taken_back() {
    let lab = host().await;
    put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    let plugin = plugin(&lab.plugins);
    seen(&plugin, "count").await;
    let faulty = || Settings { config: json!({ "faulty": true }).as_object().unwrap().clone(), ..granted() };
    put_with(&lab.plugins, &counter("7.0.0", ""), faulty(), Order::by("operator")).await.unwrap();
    for _ in 0..5 {
        ask(&plugin, "count").await.unwrap_err();
    }
    generation(&plugin, 3).await;
    assert_eq!(seen(&plugin, "count").await, ("7.0.0".into(), 2));
    assert_eq!(*plugin.generation().unwrap().settings(), granted());
    let breaker = plugin.listing().serving.unwrap().breaker;
    assert_eq!((breaker.faults_within_window, breaker.last_fault), (0, None), "their faults aren't those of the settings before");
    assert_eq!(happened(&lab).await, ["install", "settings", "rollback"]);

    // The same settings again, by the file that is still there: they rest.
    let rests = put_with(&lab.plugins, &counter("7.0.0", ""), faulty(), Order::automatic("settings")).await.unwrap();
    assert_eq!((rests.loaded, rests.generation), (Loaded::Unchanged, 3));
    seen(&plugin, "count").await;
}

/// Who was quicker than the verdict: a version that came meanwhile isn't rolled back for another's faults.
#[tokio::test]
async fn a_verdict_on_what_was_replaced_meanwhile_changes_nothing() {
    let one = ProbationSettings { judged_from: NonZeroU32::MIN, ..ProbationSettings::default() };
    let lab = host_with(|s| s.probation = one).await;
    put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    put(&lab.plugins, &counter("8.0.0", "")).await.unwrap();
    let (plugin, next) = (plugin(&lab.plugins), counter("9.0.0", "activate-naps"));
    let (swap, ()) = tokio::join!(put(&lab.plugins, &next), async {
        until(|| lab.log.contains("9.0.0 activates")).await;
        faults(&plugin, 1).await;
    });
    swap.unwrap();
    // The bell's task had its turn behind the swap; the next change comes after it.
    lab.plugins.reset(crate::counter::id(), Order::by("operator")).await.unwrap();
    assert_eq!(seen(&plugin, "peek").await.0, "9.0.0");
    assert!(!happened(&lab).await.contains(&"rollback".to_owned()));
}
