//! Memory on its way from one version to the next, and what happens when a side of it fails.

use crate::counter::{ask, counter, faults, history, host, host_with, plugin, put, put_with, seen, until};
use plugbay_engine::Isolation;
use plugbay_guests::odd;
use plugbay_runtime::{BeforeToolCall, Call, Loaded, Order, Plugin, Plugins, Reason, Settings, Standing, Step, Versions};
use plugbay_tests::lab::{Lab, granted, tool_call};
use serde_json::json;
use std::collections::HashSet;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A host in which a version of these deeds has counted to three.
async fn counted(deeds: &str) -> (Lab, Arc<Plugin>) {
    let lab = host().await;
    put(&lab.plugins, &counter("7.0.0", deeds)).await.unwrap();
    let plugin = plugin(&lab.plugins);
    for _ in 0..3 {
        seen(&plugin, "count").await;
    }
    (lab, plugin)
}

#[tokio::test]
async fn the_next_version_goes_on_where_the_last_one_was() {
    let (lab, plugin) = counted("").await;
    let done = put(&lab.plugins, &counter("8.0.0", "")).await.unwrap();
    assert!(done.notes.is_empty(), "{:?}", done.notes);
    assert_eq!(seen(&plugin, "count").await, ("8.0.0".into(), 4));
    assert!(lab.log.contains("8.0.0 restored 3 of 7.0.0"));
    // Other settings of the same version are no reason to forget either.
    let settings = Settings { config: json!({ "refuse": false }).as_object().unwrap().clone(), ..granted() };
    put_with(&lab.plugins, &counter("8.0.0", ""), settings, Order::by("operator")).await.unwrap();
    assert_eq!(seen(&plugin, "count").await, ("8.0.0".into(), 5));
    until(|| lab.plugins.retired_cells() == 0).await;
}

#[tokio::test]
async fn a_version_that_refuses_to_save_goes_on_with_its_memory() {
    let (lab, plugin) = counted("save-refuses").await;
    let refused = put(&lab.plugins, &counter("8.0.0", "")).await.unwrap_err();
    assert!(matches!(refused.reason, Reason::Save { memory_lost: false, .. }), "{refused}");
    let words = refused.to_string();
    assert!(words.contains("step `handover`") && words.contains("save says no") && !words.contains("fresh"), "{words}");
    assert_eq!(seen(&plugin, "count").await, ("7.0.0".into(), 4));
    assert!(history(&lab).await.pop().unwrap().1.contains("save says no"));
    assert!(!lab.log.contains("8.0.0 started"));
}

#[tokio::test]
async fn a_version_that_breaks_in_saving_goes_on_afresh_and_says_that_its_memory_is_lost() {
    for deed in ["save-traps", "save-is-huge"] {
        let (lab, plugin) = counted(deed).await;
        let refused = put(&lab.plugins, &counter("8.0.0", "")).await.unwrap_err();
        assert!(matches!(refused.reason, Reason::Save { memory_lost: true, .. }), "{refused}");
        let words = refused.to_string();
        assert!(words.contains("step `handover`") && words.contains("what it knew") && words.contains("fresh"), "{words}");
        assert_eq!(seen(&plugin, "count").await, ("7.0.0".into(), 1), "{deed}");
        let listing = plugin.listing();
        assert_eq!((listing.standing, listing.generation), (Standing::Active, 1));
        assert!(lab.log.contains("7.0.0 activates because of ActivationReason::Fault"), "{deed}");
        assert!(history(&lab).await.pop().unwrap().1.contains("what it knew"));
    }
}

#[tokio::test]
async fn a_version_that_doesnt_restore_leaves_the_old_one_as_it_was() {
    for deed in ["restore-refuses", "restore-traps"] {
        let (lab, plugin) = counted("").await;
        let refused = put(&lab.plugins, &counter("8.0.0", deed)).await.unwrap_err();
        assert!(refused.step == Step::Handover && matches!(refused.reason, Reason::Restore(_)), "{refused}");
        assert_eq!(seen(&plugin, "count").await, ("7.0.0".into(), 4), "{deed}");
        assert_eq!(plugin.generation().unwrap().number(), 1);
    }
}

#[tokio::test]
async fn where_only_one_side_hands_over_the_swap_says_so() {
    let (lab, plugin) = counted("").await;
    let silent = odd::Odd::new("counter").version("counter", "8.0.0").build();
    let done = put(&lab.plugins, &silent).await.unwrap();
    assert!(done.notes.iter().any(|n| n.contains("memory isn't carried over") && n.contains("the before version")), "{:?}", done.notes);
    let done = put(&lab.plugins, &counter("9.0.0", "")).await.unwrap();
    assert!(done.notes.iter().any(|n| n.contains("memory isn't carried over") && n.contains("the new version")), "{:?}", done.notes);
    assert_eq!(seen(&plugin, "count").await, ("9.0.0".into(), 1));

    let pool = Settings { isolation: Some(Isolation::Pool(NonZeroU16::MIN)), ..granted() };
    let done = put_with(&lab.plugins, &counter("9.0.0", ""), pool, Order::by("operator")).await.unwrap();
    assert!(done.notes.iter().any(|n| n.contains("isolation `shared`")), "{:?}", done.notes);
    assert_eq!(seen(&plugin, "count").await, ("9.0.0".into(), 1));
}

#[tokio::test]
async fn a_version_that_lost_its_cell_has_nothing_to_save() {
    let (lab, plugin) = counted("save-traps").await;
    faults(&plugin, 1).await;
    put(&lab.plugins, &counter("8.0.0", "restore-traps")).await.unwrap();
    assert_eq!(seen(&plugin, "count").await, ("8.0.0".into(), 1));
}

/// Calls that came before the swap end in the old version, those that came after it begin in the new one, and nobody overtakes.
#[tokio::test]
async fn a_swap_takes_its_turn_behind_the_calls_that_came_before() {
    let (lab, plugin) = counted("").await;
    let next = counter("8.0.0", "");
    let (under_way, waiting, swap, later) = tokio::join!(ask(&plugin, "nap"), ask(&plugin, "count"), put(&lab.plugins, &next), async {
        until(|| lab.log.contains("8.0.0 activates")).await;
        ask(&plugin, "count").await
    });
    swap.unwrap();
    let numbered =
        |answer: Result<serde_json::Value, _>| answer.map(|a| (a["version"].as_str().unwrap().to_owned(), a["count"].as_u64().unwrap()));
    let old = |n| Ok(("7.0.0".to_owned(), n));
    assert_eq!([numbered(under_way), numbered(waiting)], [old(4), old(5)]);
    let (version, count) = numbered(later).unwrap();
    assert!(count == 6 && (version == "7.0.0" || version == "8.0.0"), "{version}: {count}");
    assert_eq!(seen(&plugin, "count").await, ("8.0.0".into(), 7));
}

/// The swap gives up behind a call that goes on for longer than the handover may wait (5 s), and who waited goes on in the old version.
#[tokio::test]
async fn a_call_that_goes_on_too_long_keeps_the_old_version() {
    let (lab, plugin) = counted("").await;
    let next = counter("8.0.0", "");
    let (long, waiting, swap) = tokio::join!(ask(&plugin, "long-nap"), ask(&plugin, "count"), put(&lab.plugins, &next));
    let refused = swap.unwrap_err();
    assert!(refused.step == Step::Handover && matches!(refused.reason, Reason::Save { memory_lost: false, .. }), "{refused}");
    long.unwrap_err(); // at its budget
    waiting.unwrap_err(); // its budget is over, too
    assert_eq!(seen(&plugin, "peek").await.0, "7.0.0");
    assert_eq!(plugin.generation().unwrap().number(), 1);
}

/// Counts until it is told to stop; answers the numbers that it got, in order.
async fn drive(plugin: Arc<Plugin>, done: Arc<AtomicBool>) -> Vec<u64> {
    let (mut numbers, call, count) = (Vec::new(), Call::new(), tool_call("count", &json!({})));
    while !done.load(Ordering::Relaxed) {
        let answer = plugin.call::<BeforeToolCall>(&call, &count).await.unwrap().params.unwrap().parse().unwrap();
        numbers.push(answer["count"].as_u64().unwrap());
        tokio::task::yield_now().await;
    }
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_in_memory_loses_no_count_over_a_thousand_swaps() {
    const SWAPS: u64 = 1_000;
    let lab = host_with(|s| s.versions = Versions::in_memory()).await;
    let components = [counter("7.0.0", ""), counter("8.0.0", "")];
    put(&lab.plugins, &components[0]).await.unwrap();
    let (plugin, done) = (plugin(&lab.plugins), Arc::new(AtomicBool::new(false)));
    let drivers: Vec<_> = (0..3).map(|_| tokio::spawn(drive(plugin.clone(), done.clone()))).collect();
    swap_often(&lab.plugins, &components, SWAPS).await;
    done.store(true, Ordering::Relaxed);
    let (mut all, mut calls) = (HashSet::new(), 0);
    for driver in drivers {
        let numbers = driver.await.unwrap();
        assert!(numbers.is_sorted(), "one caller's numbers grow");
        calls += numbers.len() as u64;
        all.extend(numbers);
    }
    assert!(calls > SWAPS / 2, "{calls} calls: they did meet");
    assert_eq!((all.len() as u64, all.iter().max()), (calls, Some(&calls)), "each number once, and none left out");
    assert_eq!(seen(&plugin, "peek").await.1, calls);
    assert_eq!(plugin.generation().unwrap().faults(), 0);
    until(|| lab.plugins.retired_cells() == 0).await;
}

async fn swap_often(plugins: &Plugins, components: &[Vec<u8>; 2], times: u64) {
    for n in 1..=times {
        let next = &components[usize::try_from(n % 2).unwrap()];
        let swapped = put(plugins, next).await.unwrap();
        assert!(matches!(swapped.loaded, Loaded::Replaced { .. }) && swapped.generation == n + 1, "{swapped:?}");
    }
}
