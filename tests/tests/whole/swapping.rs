//! Replacing one generation by another while calls are under way.

use crate::lab;
use plugbay_guests::{built, odd};
use plugbay_runtime::{BeforeToolCall, Call, Loaded, Plugin};
use plugbay_tests::lab::{granted, tool_call};
use serde_json::json;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    lab.load("probe", &component, granted()).await.unwrap();
    assert!(lab.log.contains("activated because of ActivationReason::Swap, after 0.1.0"));
    tokio::task::yield_now().await;
    assert!(!lab.log.contains("deactivated"), "somebody still holds the old generation");
    drop(held);
    for _ in 0..10_000 {
        if lab.log.contains("deactivated because of DeactivationReason::Swap") {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the old generation was never deactivated: {:?}", lab.log.all());
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
    assert_eq!(plugin.generation().faults(), 0);
}

#[tokio::test]
async fn a_folder_is_loaded_because_of_boot_and_again_because_of_swap() {
    let lab = lab();
    lab.place("probe", &fs::read(built::PROBE).unwrap()).unwrap();
    for _ in 0..2 {
        let results = lab.plugins.load_folder(lab.folder(), |_| granted()).await.unwrap();
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
