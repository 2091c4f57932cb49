//! A plugin that keeps faulting isn't called for a while, and in the end not until somebody has looked at it.

use crate::counter::{ask, counter, faults, happened, host_with, id, plugin, put, put_with, refused, restarted, seen, until};
use plugbay_runtime::{BreakerSettings, BreakerState, Order, Plugin, PluginsSettings, Standing};
use plugbay_tests::lab::{Lab, granted};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Five faults open it, and the second opening is the last; between them is a moment.
fn hasty(settings: &mut PluginsSettings) {
    let moment = Duration::from_millis(20);
    settings.breaker = BreakerSettings {
        openings: NonZeroU32::MIN.saturating_add(1),
        first_back_off: moment,
        longest_back_off: moment,
        ..BreakerSettings::default()
    };
}

/// A host whose `counter` has counted once.
async fn counted(change: fn(&mut PluginsSettings)) -> (Lab, Arc<Plugin>) {
    let lab = host_with(change).await;
    put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    let plugin = plugin(&lab.plugins);
    seen(&plugin, "count").await;
    (lab, plugin)
}

/// The one call that is let through when the back-off is over; whether it was good.
async fn trial(plugin: &Plugin, tool: &str) -> bool {
    let may_try = || matches!(plugin.listing().serving.unwrap().breaker.state, BreakerState::Open { retry_in: Duration::ZERO });
    until(may_try).await;
    let answer = ask(plugin, tool).await;
    assert!(!matches!(answer, Err(plugbay_engine::CallError::Unserved(_))), "{answer:?}");
    answer.is_ok()
}

#[tokio::test]
async fn five_faults_open_it_and_calls_fail_at_once_with_the_last_fault() {
    let (_lab, plugin) = counted(|_| {}).await;
    faults(&plugin, 4).await;
    seen(&plugin, "count").await;
    faults(&plugin, 1).await;
    let calls = plugin.generation().unwrap().counted().map(|(_, c)| c.calls).sum::<u64>();
    let (code, why) = refused(ask(&plugin, "count").await);
    assert!(code == "breaker-open" && why.contains("5 faults within 60 s") && why.contains("as you asked"), "{code}: {why}");
    assert!(!why.starts_with("breaker-open"), "the code is said once: {why}");
    let listing = plugin.listing();
    assert_eq!(listing.standing, Standing::Active, "it is the breaker that refuses");
    let serving = listing.serving.unwrap();
    assert!(matches!(serving.breaker.state, BreakerState::Open { .. }) && serving.breaker.openings == 1, "{:?}", serving.breaker);
    let reached = serving.generation.counted().map(|(_, c)| (c.calls, c.unserved)).next().unwrap();
    assert_eq!(reached.0, calls, "the refused call reached no cell");
}

#[tokio::test]
async fn a_good_trial_closes_it() {
    let (_lab, plugin) = counted(hasty).await;
    faults(&plugin, 5).await;
    assert!(trial(&plugin, "count").await);
    assert_eq!(seen(&plugin, "count").await, ("7.0.0".into(), 2));
    assert_eq!(plugin.listing().serving.unwrap().breaker.state, BreakerState::Closed);
}

#[tokio::test]
async fn the_last_opening_quarantines_it_over_a_restart_until_it_is_reset() {
    let (lab, plugin) = quarantined().await;
    let listing = plugin.listing();
    assert!(listing.why.is_some_and(|why| why.contains("opened 2 times") && why.contains("as you asked")));
    let (code, why) = refused(ask(&plugin, "count").await);
    assert!(code == "quarantined" && why.contains("plugbay reset counter") && why.contains("as you asked"), "{code}: {why}");

    lab.plugins.shutdown(Duration::ZERO).await;
    let again = restarted(&lab).await;
    put_with(&again, &counter("7.0.0", ""), granted(), Order::boot()).await.unwrap();
    let plugin = crate::counter::plugin(&again);
    assert_eq!(plugin.listing().standing, Standing::Quarantined);
    assert_eq!(refused(ask(&plugin, "count").await).0, "quarantined");

    again.reset(id(), Order::by("operator")).await.unwrap();
    assert_eq!(plugin.listing().standing, Standing::Active);
    assert_eq!(seen(&plugin, "count").await, ("7.0.0".into(), 1));
    assert_eq!(happened(&lab).await, ["install", "quarantine", "reset"]);
    again.shutdown(Duration::ZERO).await;
    let last = restarted(&lab).await;
    put_with(&last, &counter("7.0.0", ""), granted(), Order::boot()).await.unwrap();
    seen(&crate::counter::plugin(&last), "count").await;
}

/// A host whose `counter` is quarantined, and the state knows it.
async fn quarantined() -> (Lab, Arc<Plugin>) {
    let (lab, plugin) = counted(hasty).await;
    faults(&plugin, 5).await;
    assert!(!trial(&plugin, "panic").await);
    // The alarm waits for the plugin's turn; so does this, which changes nothing.
    until(|| plugin.listing().standing == Standing::Quarantined).await;
    put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    assert_eq!(happened(&lab).await, ["install", "quarantine"]);
    assert_eq!(plugin.listing().standing, Standing::Quarantined);
    (lab, plugin)
}

#[tokio::test]
async fn a_new_version_ends_a_quarantine_and_other_settings_dont() {
    let (lab, plugin) = quarantined().await;
    let other = plugbay_runtime::Settings { drain: Duration::from_secs(3), ..granted() };
    put_with(&lab.plugins, &counter("7.0.0", ""), other, Order::by("operator")).await.unwrap();
    assert_eq!(refused(ask(&plugin, "count").await).0, "quarantined", "the code is the same");
    put(&lab.plugins, &counter("8.0.0", "")).await.unwrap();
    assert_eq!(plugin.listing().standing, Standing::Active);
    seen(&plugin, "count").await;

    lab.plugins.shutdown(Duration::ZERO).await;
    let again = restarted(&lab).await;
    put_with(&again, &counter("8.0.0", ""), granted(), Order::boot()).await.unwrap();
    seen(&crate::counter::plugin(&again), "count").await;
}

#[tokio::test]
async fn an_err_doesnt_open_it() {
    let lab = crate::counter::host().await;
    lab.load_built("echo", plugbay_guests::built::ECHO_ONE, granted()).await.unwrap();
    let plugin = lab.plugins.get("echo").unwrap();
    for _ in 0..10 {
        assert!(matches!(ask(&plugin, "fail").await, Err(plugbay_engine::CallError::Failed(_))));
    }
    ask(&plugin, "any").await.unwrap();
}
