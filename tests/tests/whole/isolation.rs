//! How cells are kept, and what becomes of calls that find no place.

use crate::lab;
use plugbay_engine::{CallError, Isolation, Limit, Unserved};
use plugbay_guests::built;
use plugbay_runtime::{BeforeToolCall, Call, Plugin, Session, Settings};
use plugbay_tests::lab::{granted, tool_call};
use serde_json::json;
use std::num::NonZeroU16;
use std::time::Duration;

fn kept(isolation: Isolation) -> Settings {
    Settings { isolation: Some(isolation), ..granted() }
}

/// The number of calls that the cell has served.
async fn calls(plugin: &Plugin, session: Option<&str>) -> u64 {
    let call = session.map_or_else(Call::new, |key| Call::new().session(Session::new(key, "1")));
    let decision = plugin.call::<BeforeToolCall>(&call, &tool_call("any", &json!({}))).await.unwrap();
    decision.params.unwrap().parse().unwrap()["calls"].as_u64().unwrap()
}

#[tokio::test]
async fn call_makes_a_fresh_cell_each_time() {
    let lab = lab();
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, kept(Isolation::Call)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(calls(&plugin, None).await, 1);
    }
    assert_eq!(plugin.generation().unwrap().warm_cells(), 0);
}

#[tokio::test]
async fn session_keeps_a_cell_for_each_session_and_one_for_none() {
    let lab = lab();
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, kept(Isolation::Session)).await.unwrap();
    assert_eq!(calls(&plugin, Some("a")).await, 1);
    assert_eq!(calls(&plugin, Some("b")).await, 1);
    assert_eq!(calls(&plugin, Some("a")).await, 2);
    assert_eq!(calls(&plugin, None).await, 1);
    assert_eq!(plugin.generation().unwrap().warm_cells(), 3);
}

#[tokio::test]
async fn the_least_recently_used_of_too_many_sessions_is_dropped() {
    let lab = lab();
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, kept(Isolation::Session)).await.unwrap();
    for n in 0..64 {
        calls(&plugin, Some(&format!("s{n}"))).await;
    }
    assert_eq!(calls(&plugin, Some("s0")).await, 2, "used again, so s1 is the oldest");
    assert_eq!(calls(&plugin, Some("one-more")).await, 1);
    assert_eq!(plugin.generation().unwrap().warm_cells(), 65, "64 sessions and the cell of calls without one");
    assert_eq!(calls(&plugin, Some("s0")).await, 3);
    assert_eq!(calls(&plugin, Some("s1")).await, 1, "its cell was dropped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_serves_side_by_side_up_to_its_size() {
    let lab = lab();
    let two = Isolation::Pool(NonZeroU16::new(2).unwrap());
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, kept(two)).await.unwrap();
    let naps = (0..6).map(|_| {
        let plugin = plugin.clone();
        tokio::spawn(async move { plugin.call::<BeforeToolCall>(&Call::new(), &tool_call("nap", &json!({}))).await })
    });
    for nap in naps.collect::<Vec<_>>() {
        nap.await.unwrap().unwrap();
    }
    assert_eq!(plugin.generation().unwrap().warm_cells(), 2);
}

#[tokio::test]
async fn a_kind_that_the_plugin_doesnt_bear_is_refused() {
    let lab = lab();
    let refused = lab.load_built("keyword-watch", built::KEYWORD_WATCH, kept(Isolation::Session)).await.err().unwrap().to_string();
    assert!(refused.contains("isolation `session`") && refused.contains("step `config`"), "{refused}");
}

#[tokio::test]
async fn one_too_many_in_the_queue_is_busy_and_the_others_are_served_in_order() {
    let lab = lab();
    let mut settings = kept(Isolation::Shared);
    settings.limits.waiting = 2;
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, settings).await.unwrap();
    let (call, nap) = (Call::new(), tool_call("nap", &json!({})));
    let (first, second, third, fourth) = tokio::join!(
        plugin.call::<BeforeToolCall>(&call, &nap),
        plugin.call::<BeforeToolCall>(&call, &nap),
        plugin.call::<BeforeToolCall>(&call, &nap),
        plugin.call::<BeforeToolCall>(&call, &nap),
    );
    let number = |d: plugbay_runtime::ToolDecision| d.params.unwrap().parse().unwrap()["calls"].as_u64();
    assert_eq!([first, second, third].map(|d| number(d.unwrap())), [Some(1), Some(2), Some(3)]);
    let Err(CallError::Unserved(Unserved::Busy(over))) = fourth else { panic!("{fourth:?}") };
    assert_eq!((over.limit, over.observed, over.allowed), (Limit::Waiting, 3, 2));
}

#[tokio::test]
async fn waiting_counts_against_the_deadline_and_harms_no_cell() {
    let lab = lab();
    let mut settings = kept(Isolation::Shared);
    settings.budgets.insert("before-tool-call".into(), Duration::from_millis(400));
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, settings).await.unwrap();
    let call = Call::new();
    let (nap, long) = (tool_call("nap", &json!({})), tool_call("long-nap", &json!({})));
    plugin.call::<BeforeToolCall>(&call, &nap).await.unwrap();
    let (first, second) = tokio::join!(plugin.call::<BeforeToolCall>(&call, &long), plugin.call::<BeforeToolCall>(&call, &nap));
    assert!(first.unwrap_err().consequence().drops_cell, "it ran into its deadline");
    let second = second.unwrap_err();
    assert!(matches!(second, CallError::Unserved(Unserved::Waited(_))), "{second:?}");
    assert!(!second.consequence().counts_as_fault);
}

#[tokio::test]
async fn a_session_that_makes_room_is_told_that_it_is_idle() {
    let lab = lab();
    let (plugin, _) = lab.load_built("probe", built::PROBE, kept(Isolation::Session)).await.unwrap();
    for n in 0..=64 {
        let call = Call::new().session(Session::new(format!("s{n}"), "1"));
        plugin.call::<BeforeToolCall>(&call, &tool_call("idle", &json!({}))).await.unwrap();
    }
    while !lab.log.contains("deactivated because of DeactivationReason::Idle") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn only_the_cell_that_was_lost_is_replaced_because_of_a_fault() {
    let lab = lab();
    let (plugin, _) = lab.load_built("probe", built::PROBE, kept(Isolation::Session)).await.unwrap();
    let ask = async |session: &str, tool: &str| {
        let call = Call::new().session(Session::new(session, "1"));
        plugin.call::<BeforeToolCall>(&call, &tool_call(tool, &json!({}))).await
    };
    ask("a", "panic").await.unwrap_err();
    lab.log.clear();
    ask("b", "idle").await.unwrap();
    assert!(lab.log.contains("activated because of ActivationReason::Cell") && !lab.log.contains("Fault"));
    ask("a", "idle").await.unwrap();
    assert!(lab.log.contains("activated because of ActivationReason::Fault"));
}
