//! Coming, changing and going: what a refusal leaves, what happens side by side, and what each end of a plugin means.

use crate::counter::{ask, counter, digest, happened, history, host, id, plugin, put, put_with, refused, restarted, seen, source, until};
use crate::kept;
use plugbay_engine::{CompileIn, EngineSettings, Level};
use plugbay_guests::odd;
use plugbay_runtime::state::{DocumentChange, HistoryQuery};
use plugbay_runtime::{Alongside, Fate, Grant, Loaded, Order, Plugins, Reason, Settings, Source, Standing, Step, Wanted};
use plugbay_tests::lab::{Lab, granted};
use serde_json::json;
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A host whose `counter` has counted to two.
async fn counted_to_two() -> Lab {
    let lab = host().await;
    put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    for n in 1..=2 {
        assert_eq!(seen(&plugin(&lab.plugins), "count").await, ("7.0.0".into(), n));
    }
    lab
}

/// What served before still does, with its memory and its number.
async fn nothing_happened(lab: &Lab, step: Step) {
    let plugin = plugin(&lab.plugins);
    assert_eq!(seen(&plugin, "peek").await, ("7.0.0".into(), 2), "after step {step}");
    let listing = plugin.listing();
    assert_eq!((listing.standing, listing.generation), (Standing::Active, 1), "after step {step}");
    assert_eq!(listing.active.unwrap().digest, digest(&counter("7.0.0", "")), "after step {step}");
}

fn configured(config: serde_json::Value) -> Settings {
    Settings { config: config.as_object().unwrap().clone(), ..granted() }
}

/// A plugin that imports a function that isn't there.
fn unlinkable() -> Vec<u8> {
    let log = include_str!("../../../wit/log.wit").replace("interface log {", "interface log {\n    shout: func(times: u32);\n");
    odd::Odd::new("counter")
        .contract_file("log.wit", &log)
        .imports(r#"(import "plugbay:plugin/log@0.1.0" "shout" (func $shout (param i32)))"#)
        .handle("(call $shout (i32.const 3)) (call $none)")
        .build()
}

#[tokio::test]
async fn a_refusal_at_any_step_names_it_and_leaves_what_serves_with_its_memory() {
    let lab = counted_to_two().await;
    let gone = Source::reader("counter.wasm", |_| Err(io::Error::other("the disk is gone")));
    let good = || source(&counter("8.0.0", ""));
    let deed = |deed: &str| source(&counter("8.0.0", deed));
    let cases = [
        (gone, granted(), Step::Read, "the disk is gone"),
        (source(b"nonsense"), granted(), Step::Verify, "6e 6f 6e 73"),
        (source(&odd::good("other")), granted(), Step::Verify, "`other`"),
        (source(&unlinkable()), granted(), Step::Link, "shout"),
        (source(&odd::Odd::new("counter").describe("[]").build()), granted(), Step::Describe, "describe"),
        (good(), configured(json!({ "refuse": 1 })), Step::Config, "refuse"),
        (deed("activate-fails"), granted(), Step::Activate, "activate says no"),
        (deed("activate-traps"), granted(), Step::Activate, "panicked at"),
        (good(), configured(json!({ "refuse": true })), Step::Activate, "these settings are refused"),
        (deed("restore-refuses"), granted(), Step::Handover, "restore says no"),
        (deed("restore-traps"), granted(), Step::Handover, "panicked at"),
    ];
    for (source, settings, step, words) in cases {
        let refused = lab.plugins.apply(id(), Wanted::running(source, settings), Order::by("operator")).await.unwrap_err();
        assert_eq!(refused.step, step, "{refused}");
        let shown = refused.to_string();
        assert!(shown.contains(&format!("step `{step}`")) && shown.contains(words), "{shown}");
        nothing_happened(&lab, step).await;
        if step > Step::Read {
            let (what, why) = history(&lab).await.pop().unwrap();
            assert!(what == "refused" && why.contains(&format!("step `{step}`")) && why.contains(words), "{what}: {why}");
        }
    }
    assert_eq!(lab.plugins.retired_cells(), 0, "nothing of those that were refused remains, and what serves isn't retired");
    assert!(!lab.log.contains("8.0.0 started"));
}

#[tokio::test]
async fn a_component_that_doesnt_compile_leaves_what_serves() {
    let lab = counted_to_two().await;
    // The same host, but without its compiler: what is compiled already runs, and nothing else.
    let engine = EngineSettings { cells: 20, cache: Some(kept()), ..EngineSettings::new(CompileIn::Child("/nonexistent".into())) };
    let dumb = Plugins::new(plugbay_engine::Engine::new(engine).unwrap(), lab.state.clone()).unwrap();
    put_with(&dumb, &counter("7.0.0", ""), granted(), Order::boot()).await.unwrap();
    let refused = put(&dumb, &counter("8.0.0", "never compiled")).await.unwrap_err();
    assert_eq!(refused.step, Step::Compile, "{refused}");
    assert_eq!(seen(&plugin(&dumb), "count").await, ("7.0.0".into(), 1));
    assert!(history(&lab).await.pop().unwrap().1.contains("step `compile`"));
}

#[tokio::test]
async fn a_version_that_cant_be_kept_doesnt_serve() {
    let lab = counted_to_two().await;
    let folder = lab.folder().join("versions");
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "in the way").unwrap();
    let refused = put(&lab.plugins, &counter("8.0.0", "")).await.unwrap_err();
    assert_eq!(refused.step, Step::Keep, "{refused}");
    assert!(refused.to_string().contains("versions"), "{refused}");
    nothing_happened(&lab, Step::Keep).await;

    // That is no fault of the component: once there is room, the file that is still there is tried again without anybody's asking.
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    let done = put_with(&lab.plugins, &counter("8.0.0", ""), granted(), Order::automatic("directory")).await.unwrap();
    assert!(matches!(done.loaded, Loaded::Replaced { .. }), "{done:?}");
    assert_eq!(seen(&plugin(&lab.plugins), "count").await, ("8.0.0".into(), 3));
}

#[tokio::test]
async fn a_version_that_cant_be_recorded_doesnt_serve() {
    let lab = counted_to_two().await;
    lab.state.close().await;
    let refused = put(&lab.plugins, &counter("8.0.0", "")).await.unwrap_err();
    assert_eq!(refused.step, Step::Publish, "{refused}");
    assert!(matches!(refused.reason, Reason::Record(_)), "{refused}");
    nothing_happened(&lab, Step::Publish).await;
}

/// A change of the embedder's own, which may fail.
struct Beside {
    committed: Arc<AtomicUsize>,
    fails: bool,
}

impl Alongside for Beside {
    fn documents(&self) -> Vec<DocumentChange> {
        vec![DocumentChange::set("settings-file", "plugbay.toml", r#""changing""#.into())]
    }

    fn commit(self: Box<Self>) -> Result<(), String> {
        if self.fails {
            return Err("the settings file can't be written".to_owned());
        }
        self.committed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::test]
async fn what_changes_alongside_changes_with_the_plugin_or_not_at_all() {
    let lab = counted_to_two().await;
    let committed = Arc::new(AtomicUsize::new(0));
    let order = |fails| Order::by("operator").with(Beside { committed: committed.clone(), fails });
    let other = || Settings { drain: Duration::from_secs(7), ..granted() };
    let done = || committed.load(Ordering::Relaxed);
    let documents = async || lab.state.documents("settings-file").await.unwrap().len();

    // Another file, and the same file with other settings: neither happens without the settings file.
    for component in [counter("8.0.0", ""), counter("7.0.0", "")] {
        let refused = put_with(&lab.plugins, &component, other(), order(true)).await.unwrap_err();
        assert_eq!(refused.step, Step::Publish, "{refused}");
        assert!(refused.to_string().contains("the settings file can't be written"), "{refused}");
        nothing_happened(&lab, Step::Publish).await;
        assert_eq!(*plugin(&lab.plugins).generation().unwrap().settings(), granted());
        let (what, why) = history(&lab).await.pop().unwrap();
        assert!(what == "undone" && why.contains("the settings file can't be written"), "{what}: {why}");
    }
    // One that is refused before doesn't get so far.
    put_with(&lab.plugins, &counter("8.0.0", "activate-fails"), granted(), order(false)).await.unwrap_err();
    assert_eq!(done(), 0);

    put_with(&lab.plugins, &counter("8.0.0", ""), other(), order(false)).await.unwrap();
    assert_eq!((done(), documents().await), (1, 1));
    // Where nothing of the plugin changes, what was to change with it does.
    let unchanged = put_with(&lab.plugins, &counter("8.0.0", ""), other(), order(false)).await.unwrap();
    assert_eq!((unchanged.loaded, done()), (Loaded::Unchanged, 2));
    let wanted = Wanted { source: None, ..Wanted::running(source(&[]), other()) };
    lab.plugins.apply(id(), wanted, order(false)).await.unwrap();
    assert_eq!(done(), 3, "without a file, too");
    lab.plugins.reset(id(), order(false)).await.unwrap();
    assert_eq!(done(), 4);
    let wanted = Wanted { runs: Err("switched off".into()), ..Wanted::running(source(&counter("8.0.0", "")), other()) };
    lab.plugins.apply(id(), wanted, order(false)).await.unwrap();
    assert_eq!(done(), 5);
}

fn denying(grant: Grant) -> Settings {
    let mut settings = granted();
    settings.grants.denied = [grant].into();
    settings
}

#[tokio::test]
async fn a_plugin_is_told_what_it_was_granted_and_what_it_was_denied() {
    let lab = host().await;
    let done = put_with(&lab.plugins, &counter("7.0.0", ""), denying(Grant::State), Order::by("operator")).await.unwrap();
    assert!(done.notes.iter().any(|note| note.contains("denied") && note.contains("state")), "{:?}", done.notes);
    let told = ask(&plugin(&lab.plugins), "told").await.unwrap();
    assert_eq!((&told["granted"], &told["denied"]), (&json!(["conversation"]), &json!(["state"])));
    let serving = plugin(&lab.plugins).listing().serving.unwrap();
    assert_eq!((serving.granted, serving.denied), ([Grant::Conversation].into(), [Grant::State].into()));
    let denied = ask(&plugin(&lab.plugins), "keep").await.unwrap_err().to_string();
    assert!(denied.contains("state"), "{denied}");

    put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    let told = ask(&plugin(&lab.plugins), "told").await.unwrap();
    assert_eq!((&told["granted"], &told["denied"]), (&json!(["conversation", "state"]), &json!([])));
    ask(&plugin(&lab.plugins), "keep").await.unwrap();
}

#[tokio::test]
async fn what_was_taken_away_is_gone_even_if_the_plugin_refuses_to_go_without() {
    // By an operator's command, and by an edit of the settings file that the host finds.
    for order in [|| Order::by("operator"), || Order::automatic("settings")] {
        let lab = host().await;
        let component = counter("7.0.0", "activate-needs-state");
        put(&lab.plugins, &component).await.unwrap();
        ask(&plugin(&lab.plugins), "keep").await.unwrap();
        let error = put_with(&lab.plugins, &component, denying(Grant::State), order()).await.unwrap_err();
        assert!(error.step == Step::Activate && error.to_string().contains("can't do without"), "{error}");
        let listing = plugin(&lab.plugins).listing();
        assert!(listing.standing == Standing::Failed && listing.serving.is_none(), "{listing:?}");
        let (code, why) = refused(ask(&plugin(&lab.plugins), "kept").await);
        assert!(code == "failed" && why.contains("can't do without"), "{code}: {why}");

        put_with(&lab.plugins, &component, granted(), order()).await.unwrap();
        assert_eq!(ask(&plugin(&lab.plugins), "kept").await.unwrap()["note"], 0, "given back, it serves, and its rows are there");
    }
}

#[tokio::test]
async fn a_plugin_that_asks_for_what_nobody_decided_on_is_held() {
    let lab = host().await;
    let held = async |version: &str, order: Order| {
        let error = put_with(&lab.plugins, &counter(version, ""), Settings::default(), order).await.unwrap_err();
        assert!(error.step == Step::Grants && error.to_string().contains("`conversation`"), "{error}");
        let listing = plugin(&lab.plugins).listing();
        let judged = listing.judged.unwrap();
        assert_eq!((listing.standing, judged.fate, judged.undecided), (Standing::Held, Fate::Held, vec!["conversation".into()]));
        assert_eq!(judged.version.unwrap().to_string(), version);
        assert_eq!(refused(ask(&plugin(&lab.plugins), "count").await).0, "held");
    };
    held("7.0.0", Order::automatic("directory")).await;
    put_with(&lab.plugins, &counter("7.0.0", ""), granted(), Order::automatic("settings")).await.unwrap();
    assert_eq!(seen(&plugin(&lab.plugins), "count").await, ("7.0.0".into(), 1));
    held("8.0.0", Order::by("operator")).await; // and the one that ran has lost the grant, too
    assert_eq!(happened(&lab).await, ["held", "install", "held"]);
}

#[tokio::test]
async fn started_is_called_once_for_each_generation_and_its_trap_is_only_logged_and_counted() {
    let lab = host().await;
    put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    put(&lab.plugins, &counter("8.0.0", "started-traps")).await.unwrap();
    let plugin = plugin(&lab.plugins);
    assert_eq!(seen(&plugin, "count").await, ("8.0.0".into(), 1), "it serves, with a fresh cell");
    put_with(&lab.plugins, &counter("8.0.0", "started-traps"), configured(json!({ "refuse": false })), Order::by("operator"))
        .await
        .unwrap();
    put(&lab.plugins, &counter("9.0.0", "started-fails")).await.unwrap();
    seen(&plugin, "count").await;
    crate::counter::faults(&plugin, 1).await;
    seen(&plugin, "count").await;
    let lines = lab.log.all();
    let times = |text: &str| lines.iter().filter(|(level, line)| *level == Level::Info && line.contains(text)).count();
    assert_eq!([times("7.0.0 started because of ActivationReason::Install"), times("8.0.0 started"), times("9.0.0 started")], [1, 2, 1]);
    assert_eq!(times("9.0.0 activates"), 2, "a new cell activates, and doesn't start");
    let breaker = plugin.listing().serving.unwrap().breaker;
    assert_eq!(breaker.faults_within_window, 1, "an `Err` isn't a fault: {breaker:?}");
}

#[tokio::test]
async fn a_trap_in_started_counts_for_the_breaker() {
    let lab = host().await;
    put(&lab.plugins, &counter("8.0.0", "started-traps")).await.unwrap();
    let breaker = plugin(&lab.plugins).listing().serving.unwrap().breaker;
    assert_eq!(breaker.faults_within_window, 1);
    assert!(breaker.last_fault.unwrap().contains("started"));
}

#[tokio::test]
async fn disabling_lets_calls_end_and_refuses_those_that_wait() {
    let lab = counted_to_two().await;
    let plugin = plugin(&lab.plugins);
    let off = Wanted { runs: Err("an operator switched it off".into()), ..Wanted::running(source(&counter("7.0.0", "")), granted()) };
    let (under_way, waiting, new) = tokio::join!(ask(&plugin, "nap"), ask(&plugin, "count"), async {
        lab.plugins.apply(id(), off, Order::by("operator")).await.unwrap();
        refused(ask(&plugin, "count").await)
    });
    assert_eq!(under_way.unwrap()["count"], 3);
    assert_eq!(refused(waiting).0, "disabled");
    assert!(new.0 == "disabled" && new.1.contains("an operator switched it off"), "{new:?}");
    let listing = plugin.listing();
    assert!(listing.standing == Standing::Disabled && listing.serving.is_none() && listing.generation == 1, "{listing:?}");
    until(|| lab.plugins.retired_cells() == 0).await;
    assert!(lab.log.contains("7.0.0 ends with 3 because of DeactivationReason::Disable"));

    let done = put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    assert_eq!((done.loaded, done.generation), (Loaded::Installed, 2));
    assert_eq!(seen(&plugin, "count").await, ("7.0.0".into(), 1), "its memory is new");
    assert_eq!(happened(&lab).await, ["install", "disable", "enable"]);
}

#[tokio::test]
async fn a_missing_plugin_keeps_everything_and_comes_back() {
    let lab = counted_to_two().await;
    ask(&plugin(&lab.plugins), "keep").await.unwrap();
    lab.plugins.missing(id(), Order::automatic("directory")).await.unwrap();
    assert_eq!(plugin(&lab.plugins).listing().standing, Standing::Missing);
    assert_eq!(refused(ask(&plugin(&lab.plugins), "count").await).0, "missing");

    let again = restarted(&lab).await;
    let listing = plugin(&again).listing();
    assert!(listing.standing == Standing::Missing && listing.active.unwrap().version.to_string() == "7.0.0");

    let done = put_with(&lab.plugins, &counter("7.0.0", ""), granted(), Order::automatic("directory")).await.unwrap();
    assert_eq!((done.loaded, done.generation), (Loaded::Installed, 2));
    assert_eq!(ask(&plugin(&lab.plugins), "kept").await.unwrap()["note"], 2);
}

#[tokio::test]
async fn uninstalling_forgets_the_plugin_and_purging_its_rows_too() {
    for purge in [false, true] {
        let lab = counted_to_two().await;
        ask(&plugin(&lab.plugins), "keep").await.unwrap();
        lab.plugins.uninstall(id(), purge, Order::by("operator")).await.unwrap();
        assert!(lab.plugins.get("counter").is_none());
        assert!(lab.state.documents("plugin").await.unwrap().is_empty(), "nothing is remembered of it");
        until(|| lab.plugins.retired_cells() == 0).await;
        assert!(lab.log.contains("because of DeactivationReason::Uninstall"));
        let kept = fs::read_dir(lab.folder().join("versions")).unwrap().count();
        assert_eq!(kept, 0, "no version of it is kept");

        put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
        let note = ask(&plugin(&lab.plugins), "kept").await.unwrap()["note"].clone();
        assert_eq!(note, if purge { json!(null) } else { json!(2) });
        assert_eq!(happened(&lab).await, ["install", "uninstall", "install"]);
    }
}

/// What waits for its turn behind an uninstall is the plugin that everybody knows.
#[tokio::test]
async fn an_install_right_behind_an_uninstall_is_found() {
    let lab = counted_to_two().await;
    let next = counter("8.0.0", "");
    let (gone, back) = tokio::join!(lab.plugins.uninstall(id(), false, Order::by("operator")), put(&lab.plugins, &next));
    gone.unwrap();
    back.unwrap();
    assert_eq!(seen(&plugin(&lab.plugins), "count").await, ("8.0.0".into(), 1));
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_no_swap_half_done() {
    let lab = counted_to_two().await;
    let component = counter("8.0.0", "activate-naps");
    let put = put(&lab.plugins, &component);
    tokio::select! {
        done = put => panic!("{done:?}"),
        () = until(|| lab.log.contains("8.0.0 activates")) => {}
    }
    let plugin = plugin(&lab.plugins);
    until(|| plugin.generation().is_some_and(|g| g.number() == 2)).await;
    assert_eq!(seen(&plugin, "count").await, ("8.0.0".into(), 3));
}

#[tokio::test]
async fn the_history_says_who_and_from_what_to_what() {
    let lab = counted_to_two().await;
    let order = Order::by("alice").because("the better build");
    put_with(&lab.plugins, &counter("8.0.0", ""), granted(), order).await.unwrap();
    let event = lab.state.history(HistoryQuery::newest(1).of("counter")).await.unwrap().remove(0).fact;
    let named = |version: &str| Some(digest(&counter(version, "")).to_string());
    assert_eq!((event.who.as_str(), event.what.as_str(), event.why.as_deref()), ("alice", "swap", Some("the better build")));
    assert_eq!((event.from, event.to), (named("7.0.0"), named("8.0.0")));
}
