//! What others have to say of a change, what they are told of it, and how those who ask plugins notice it.

use crate::counter::{self, counter, host_with, until};
use crate::services::{all, lab, puppet, with};
use plugbay_guests::{built, odd};
use plugbay_runtime::{BeforeToolCall, Call, Grant, Grants, Order, Settings, Source, Standing, Step, Wanted};
use plugbay_tests::lab::{Lab, granted, tool_call};
use serde_json::json;
use std::fs;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn echo(path: &str, settings: Settings) -> Wanted {
    Wanted::running(Source::bytes("echo.wasm", fs::read(path).unwrap()), settings)
}

fn off(settings: Settings) -> Wanted {
    Wanted { source: None, settings, runs: Err("an operator says so".into()), or_kept: true }
}

fn position(lab: &Lab, line: &str) -> usize {
    lab.log.all().iter().position(|(_, logged)| logged == line).unwrap()
}

#[tokio::test]
async fn a_component_that_is_refused_at_the_gates_changes_nothing() {
    let (lab, fake) = lab();
    let id = || "echo".to_owned().try_into().unwrap();
    lab.plugins.apply(id(), echo(built::ECHO_ONE, granted()), Order::by("operator")).await.unwrap();
    assert_eq!(fake.asked(), ["may install echo 0.1.0 after None (true, true, true, true)"]);
    fake.refuses.store(true, Ordering::Relaxed);
    let refused = lab.plugins.apply(id(), echo(built::ECHO_TWO, granted()), Order::by("operator")).await.unwrap_err();
    assert_eq!(refused.step, Step::Gates);
    assert!(refused.to_string().ends_with("refused at step `gates`: `guard` says no"), "{refused}");
    assert_eq!(fake.asked(), ["may install echo 0.2.0 after Some(\"0.1.0\") (true, true, true, true)"]);
    let plugin = lab.plugins.get("echo").unwrap();
    assert_eq!(plugin.generation().unwrap().number(), 1);
    assert!(Step::Describe < Step::Gates && Step::Gates < Step::Activate);

    let skipping = || Order::by("ann").skipping_gates();
    lab.plugins.apply(id(), echo(built::ECHO_TWO, granted()), skipping()).await.unwrap();
    assert_eq!(plugin.generation().unwrap().number(), 2);
    let history = lab.state.history(plugbay_runtime::state::HistoryQuery::oldest(100).of("echo")).await.unwrap();
    let told: Vec<_> = history.iter().map(|event| (event.fact.who.as_str(), event.fact.what.as_str())).collect();
    assert_eq!(told, [("operator", "install"), ("operator", "refused"), ("ann", "swap"), ("ann", "skip-gates")]);

    // Nobody is asked about what ran before.
    let other = Settings { drain: Duration::from_secs(1), ..granted() };
    lab.plugins.apply(id(), echo(built::ECHO_TWO, other.clone()), Order::by("operator")).await.unwrap();
    lab.plugins.roll_back(id(), None, Order::by("operator")).await.unwrap();
    lab.plugins.apply(id(), off(granted()), Order::by("operator")).await.unwrap();
    let on = Wanted { runs: Ok(()), ..off(granted()) };
    lab.plugins.apply(id(), on, Order::by("operator")).await.unwrap();
    assert_eq!(plugin.generation().unwrap().manifest().version.to_string(), "0.1.0");
    assert_eq!(fake.asked(), ["left echo false"]);
}

#[tokio::test]
async fn a_generation_is_told_once_that_it_ends() {
    let (lab, fake, plugin) = puppet(all()).await;
    let id = plugin.id().clone();
    plugin.call::<BeforeToolCall>(&Call::new(), &tool_call("key", &json!({}))).await.unwrap();
    let again = Wanted { runs: Ok(()), ..off(with(json!({ "n": 1 }))) };
    lab.plugins.apply(id.clone(), again, Order::by("operator")).await.unwrap();
    until(|| lab.log.contains("deactivate: DeactivationReason::Swap")).await;
    assert!(position(&lab, "cleanup: Reason::Restart") < position(&lab, "deactivate: DeactivationReason::Swap"));
    assert_eq!(fake.left(), [""; 0], "nothing of it leaves with a swap");
    lab.plugins.apply(id.clone(), off(all()), Order::by("operator")).await.unwrap();
    assert_eq!(fake.left(), ["left puppet false"], "before the change is answered");
    until(|| lab.log.contains("deactivate: DeactivationReason::Disable")).await;
    assert!(position(&lab, "cleanup: Reason::Disable") < position(&lab, "deactivate: DeactivationReason::Disable"));
    let told = lab.log.all().iter().filter(|(_, line)| line.starts_with("cleanup")).count();
    assert_eq!(told, 2, "once each");
    lab.plugins.apply(id.clone(), off(all()), Order::by("operator")).await.unwrap();
    assert_eq!(fake.left(), [""; 0], "it has left already");
    lab.plugins.apply(id.clone(), off(all()), Order::boot()).await.unwrap();
    assert_eq!(fake.left(), ["left puppet false"], "once more at a start, in case that it couldn't be done");
    lab.plugins.uninstall(id, false, Order::by("operator")).await.unwrap();
    assert_eq!(fake.left(), ["left puppet true"]);
}

#[tokio::test]
async fn what_could_not_be_removed_is_said() {
    let (lab, fake, plugin) = puppet(all()).await;
    fake.fails.store(true, Ordering::Relaxed);
    let done = lab.plugins.apply(plugin.id().clone(), off(all()), Order::by("operator")).await.unwrap();
    assert_eq!(done.notes, ["what waits for plugin `puppet` in sessions couldn't be removed: the state is gone"]);
    assert!(plugin.generation().is_none(), "it is off all the same");
}

#[tokio::test]
async fn a_plugin_that_went_missing_keeps_what_waits_for_it() {
    let (lab, fake, plugin) = puppet(all()).await;
    lab.plugins.missing(plugin.id().clone(), Order::automatic("watcher")).await.unwrap();
    assert_eq!((plugin.listing().standing, fake.left().len()), (Standing::Missing, 0));
}

#[tokio::test]
async fn the_revision_changes_with_what_serves_and_not_otherwise() {
    let lab = host_with(|_| {}).await;
    let plugins = &lab.plugins;
    let mut last = plugins.revision();
    let mut changed = || {
        let before = std::mem::replace(&mut last, plugins.revision());
        last != before
    };
    let by = || Order::by("operator").insisting();
    let wanted = |settings| Wanted::running(counter::source(&counter("7.0.0", "")), settings);
    counter::put(plugins, &counter("7.0.0", "")).await.unwrap();
    assert!(changed(), "installed");
    let plugin = counter::plugin(plugins);
    counter::seen(&plugin, "count").await;
    counter::faults(&plugin, 2).await;
    plugins.reset(counter::id(), by()).await.unwrap();
    counter::put(plugins, &counter("7.0.0", "")).await.unwrap();
    counter::put(plugins, b"nonsense").await.unwrap_err();
    counter::put(plugins, &counter("8.0.0", "activate-fails")).await.unwrap_err();
    assert!(!changed(), "calls, faults, a reset, the same again, refusals");
    plugins.apply(counter::id(), wanted(Settings { drain: Duration::from_secs(1), ..granted() }), by()).await.unwrap();
    assert!(changed(), "other settings");
    counter::put(plugins, &counter("9.0.0", "")).await.unwrap();
    assert!(changed(), "swapped");
    plugins.apply(counter::id(), off(granted()), by()).await.unwrap();
    assert!(changed(), "off");
    plugins.apply(counter::id(), off(granted()), by()).await.unwrap();
    assert!(!changed(), "still off");
    plugins.apply(counter::id(), off(Settings { required: Some(true), ..granted() }), by()).await.unwrap();
    assert!(changed(), "what it guards is refused now");
    plugins.uninstall(counter::id(), false, by()).await.unwrap();
    assert!(changed(), "gone");
}

#[tokio::test]
async fn what_a_plugin_guards_is_known_while_it_does_not_serve() {
    let (lab, _) = lab();
    let id = || "good".to_owned().try_into().unwrap();
    let source = |bytes: &[u8]| Source::bytes("good.wasm", bytes.to_vec());
    let by = || Order::by("operator");
    let refused = lab.plugins.apply(id(), Wanted::running(source(b"nonsense"), granted()), by()).await;
    assert!(refused.is_err());
    let guards = || lab.plugins.get("good").map(|p| (p.guards("before-tool-call"), p.guards("agent-end"), p.is_required()));
    assert_eq!(guards(), Some((None, None, false)), "nothing is known of it");
    let policy = Settings { grants: Grants::granting([Grant::Policy]), ..Settings::default() };
    // It is held: nobody has decided on `conversation`.
    assert!(lab.plugins.apply(id(), Wanted::running(source(&odd::good("good")), policy.clone()), by()).await.is_err());
    assert_eq!(guards(), Some((Some(true), Some(false), true)), "who decides on others is required");
    let grants = Grants::granting([Grant::Policy, Grant::Conversation]);
    let serving = Settings { grants, required: Some(false), ..policy };
    lab.plugins.apply(id(), Wanted::running(source(&odd::good("good")), serving.clone()), by()).await.unwrap();
    assert_eq!(guards(), Some((Some(true), Some(false), false)), "unless the operator says otherwise");
    lab.plugins.missing(id(), Order::automatic("watcher")).await.unwrap();
    assert_eq!(guards(), Some((Some(true), Some(false), false)));
}
