//! Replacing one generation by another while calls are under way.

use crate::counter::{counter, happened, host, plugin as counters, put, seen, until};
use crate::lab;
use plugbay_engine::CallError;
use plugbay_guests::{built, odd};
use plugbay_runtime::{BeforeToolCall, Call, Loaded, Plugin, Settings};
use plugbay_tests::lab::{granted, tool_call};
use serde_json::json;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

async fn version(plugin: &Plugin) -> String {
    let decision = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call("any", &json!({}))).await.unwrap();
    decision.params.unwrap().parse().unwrap()["version"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_next_call_is_the_new_versions() {
    let lab = lab();
    let (plugin, loaded) = lab.load_built("echo", built::ECHO_ONE, granted()).await.unwrap();
    assert_eq!((loaded, version(&plugin).await.as_str()), (Loaded::Installed, "0.1.0"));
    let (again, loaded) = lab.load_built("echo", built::ECHO_TWO, granted()).await.unwrap();
    assert!(matches!(loaded, Loaded::Replaced { version, .. } if version.to_string() == "0.1.0"));
    assert!(Arc::ptr_eq(&plugin, &again), "it stays the same plugin");
    assert_eq!(version(&plugin).await, "0.2.0");
    assert_eq!(lab.plugins.all().len(), 1);
}

#[tokio::test]
async fn a_call_that_is_under_way_ends_where_it_began() {
    let lab = lab();
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, granted()).await.unwrap();
    let (call, nap) = (Call::new(), tool_call("nap", &json!({})));
    let (under_way, ()) = tokio::join!(plugin.call::<BeforeToolCall>(&call, &nap), async {
        lab.load_built("echo", built::ECHO_TWO, granted()).await.unwrap();
        assert_eq!(version(&plugin).await, "0.2.0", "a new call doesn't wait for the old one");
    });
    assert_eq!(under_way.unwrap().params.unwrap().parse().unwrap()["version"], "0.1.0");
}

#[tokio::test]
async fn a_version_that_is_refused_leaves_the_old_one_with_its_memory() {
    let lab = lab();
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, granted()).await.unwrap();
    version(&plugin).await;
    let bad: [Vec<u8>; 4] = [
        b"nonsense".to_vec(),
        odd::Odd::new("echo").describe("[]").build(),
        odd::Odd::new("echo").activate("unreachable").build(),
        odd::Odd::new("echo").start("unreachable").build(),
    ];
    for component in bad {
        let refused = lab.try_load("echo", &component, granted()).await.unwrap();
        assert!(refused.is_err());
    }
    let decision = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call("any", &json!({}))).await.unwrap();
    assert_eq!(decision.params.unwrap().parse().unwrap()["calls"], 2);
}

#[tokio::test]
async fn the_old_version_is_deactivated_once_its_last_call_has_ended() {
    let lab = lab();
    let (plugin, _) = lab.load_built("probe", built::PROBE, granted()).await.unwrap();
    assert!(
        lab.log.contains("activated because of ActivationReason::Install")
            && lab.log.contains("started because of ActivationReason::Install")
    );
    let component = fs::read(built::PROBE).unwrap();
    let held = plugin.generation();
    let (call, nap) = (Call::new(), tool_call("nap", &json!({})));
    let (under_way, ()) = tokio::join!(plugin.call::<BeforeToolCall>(&call, &nap), async {
        lab.load("probe", &component, Settings { drain: Duration::from_secs(20), ..granted() }).await.unwrap();
        assert!(lab.log.contains("activated because of ActivationReason::Swap, after 0.1.0"));
        assert!(!lab.log.contains("deactivated"), "a call is under way in the old generation");
    });
    under_way.unwrap();
    // Whoever holds on to a generation doesn't keep its cells.
    while !lab.log.contains("deactivated because of DeactivationReason::Swap") || lab.plugins.retired_cells() > 0 {
        tokio::task::yield_now().await;
    }
    drop(held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_over_two_hundred_swaps() {
    let lab = Arc::new(lab());
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, granted()).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (plugin, done) = (plugin.clone(), done.clone());
            tokio::spawn(async move {
                let (mut calls, mut seen) = (0_u64, [0_u64; 2]);
                while !done.load(Ordering::Relaxed) {
                    seen[usize::from(version(&plugin).await == "0.2.0")] += 1;
                    calls += 1;
                }
                (calls, seen)
            })
        })
        .collect();
    for n in 0..200 {
        let next = if n % 2 == 0 { built::ECHO_TWO } else { built::ECHO_ONE };
        lab.load_built("echo", next, granted()).await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for caller in callers {
        let (calls, [one, two]) = caller.await.unwrap();
        assert!(one > 0 && two > 0 && calls == one + two, "both versions served: {one} and {two} of {calls}");
    }
    assert_eq!(plugin.generation().unwrap().faults(), 0);
}

#[tokio::test]
async fn a_folder_is_loaded_because_of_boot_and_again_because_of_swap() {
    let lab = lab();
    lab.place("probe", &fs::read(built::PROBE).unwrap()).unwrap();
    for drain in [10, 20] {
        let settings = |_: &str| Settings { drain: Duration::from_secs(drain), ..granted() };
        let results = lab.plugins.load_folder(lab.folder(), settings).await.unwrap();
        assert!(results.iter().all(Result::is_ok));
    }
    assert!(
        lab.log.contains("activated because of ActivationReason::Boot") && lab.log.contains("started because of ActivationReason::Swap")
    );
}

/// Of two loads of one plugin, the one that was asked last is the one that serves, and what it reads is what is there then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_load_wins() {
    let lab = Arc::new(lab());
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, granted()).await.unwrap();
    for _ in 0..20 {
        let file = lab.place("echo", &fs::read(built::ECHO_ONE).unwrap()).unwrap();
        let first = lab.plugins.load(&file, granted());
        let second = async {
            tokio::task::yield_now().await;
            fs::copy(built::ECHO_TWO, &file).unwrap();
            lab.plugins.load(&file, granted()).await
        };
        let (_, second) = tokio::join!(first, second);
        second.unwrap();
        assert_eq!(version(&plugin).await, "0.2.0");
    }
}

#[tokio::test]
async fn the_same_component_with_the_same_settings_is_nothing_new() {
    let lab = host().await;
    put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    let plugin = counters(&lab.plugins);
    let generation = plugin.generation().unwrap();
    seen(&plugin, "count").await;
    let again = put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    assert_eq!((again.loaded, again.generation), (Loaded::Unchanged, 1));
    assert!(Arc::ptr_eq(&generation, &plugin.generation().unwrap()));
    assert_eq!(seen(&plugin, "count").await, ("7.0.0".into(), 2));
    assert_eq!(happened(&lab).await, ["install"]);
}

#[tokio::test]
async fn a_downgrade_is_made_and_marked() {
    let lab = host().await;
    put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    let done = put(&lab.plugins, &counter("6.0.0", "")).await.unwrap();
    assert!(done.notes.contains(&"6.0.0 is a downgrade".to_owned()), "{:?}", done.notes);
    let plugin = counters(&lab.plugins);
    assert!(plugin.listing().serving.unwrap().downgrade);
    let done = put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    assert!(done.notes.is_empty() && !plugin.listing().serving.unwrap().downgrade, "{:?}", done.notes);
}

/// The end of the first A never touches what the second one owns, however long it takes.
#[tokio::test]
async fn there_and_back_quickly_ends_with_the_last() {
    let lab = host().await;
    let (a, b) = (counter("7.0.0", "deactivate-naps"), counter("8.0.0", "deactivate-naps"));
    put(&lab.plugins, &a).await.unwrap();
    let plugin = counters(&lab.plugins);
    let mut count = 0;
    for round in 0..5 {
        let (to, back) = tokio::join!(put(&lab.plugins, &b), put(&lab.plugins, &a));
        assert_eq!([to.unwrap().generation, back.unwrap().generation], [2 * round + 2, 2 * round + 3]);
        count += 1;
        assert_eq!(seen(&plugin, "count").await, ("7.0.0".into(), count));
    }
    until(|| lab.plugins.retired_cells() == 0).await;
    assert_eq!(seen(&plugin, "count").await, ("7.0.0".into(), count + 1), "the ends of ten others are over");
    assert_eq!(plugin.generation().unwrap().warm_cells(), 1);
    let ends = lab.log.all().iter().filter(|(_, line)| line.contains("because of DeactivationReason::Swap")).count();
    assert_eq!(ends, 10, "each of them ended once");
}

#[tokio::test]
async fn a_swap_that_hangs_delays_no_other_plugin() {
    let lab = Arc::new(host().await);
    put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    lab.load_built("echo", built::ECHO_ONE, granted()).await.unwrap();
    let (plugins, hangs) = (lab.plugins.clone(), counter("8.0.0", "activate-hangs"));
    let hanging = tokio::spawn(async move { put(&plugins, &hangs).await });
    until(|| lab.log.contains("8.0.0 activates")).await;
    for _ in 0..3 {
        for next in [built::ECHO_TWO, built::ECHO_ONE] {
            lab.load_built("echo", next, granted()).await.unwrap();
        }
    }
    assert_eq!(version(&lab.plugins.get("echo").unwrap()).await, "0.1.0");
    assert_eq!(seen(&counters(&lab.plugins), "count").await, ("7.0.0".into(), 1), "its own calls go on, too");
    assert!(!hanging.is_finished());
    hanging.abort();
}

/// A call that goes on for longer than the operator lets it is cut; new ones don't wait for it.
#[tokio::test]
async fn a_long_call_is_cut_when_the_drain_is_over() {
    let lab = lab();
    let drain = Settings { drain: Duration::from_millis(30), ..granted() };
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, drain).await.unwrap();
    let (call, long) = (Call::new(), tool_call("long-nap", &json!({})));
    let (cut, ()) = tokio::join!(plugin.call::<BeforeToolCall>(&call, &long), async {
        lab.load_built("echo", built::ECHO_TWO, granted()).await.unwrap();
        assert_eq!(version(&plugin).await, "0.2.0");
    });
    let CallError::Cut(why) = cut.unwrap_err() else { panic!("cut") };
    assert!(why.contains("30 ms") && why.contains("plugins.echo.drain"), "{why}");
    until(|| lab.plugins.retired_cells() == 0).await;
    assert_eq!(plugin.generation().unwrap().faults(), 0);
}
