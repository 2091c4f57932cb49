//! Observers: told in order, waited for by nobody, and in nobody's way.

use super::stage::{SILENT, SPINS, Stage, TRAPS, granted, observer, ran, rows};
use plugbay_gateway::runtime::engine::{Cpu, Isolation};
use plugbay_gateway::runtime::{Call, PluginId, Session, Settings};
use plugbay_gateway::{HooksSettings, ObserversSettings, Said};
use std::collections::BTreeSet;
use std::time::Duration;

/// Spins until the end of its time.
fn hangs(isolation: Isolation, time: Duration) -> Settings {
    let mut settings = Settings { isolation: Some(isolation), ..granted() };
    settings.limits.cpu = Cpu::Fixed(Duration::from_secs(600));
    settings.budgets.insert("message-received".into(), time);
    settings
}

const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_session_s_events_come_in_order() {
    let stage = Stage::new();
    stage.load("one", observer("one", SILENT)).await;
    stage.load("two", observer("two", SILENT)).await;
    let texts: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    for text in &texts {
        stage.tell("s", text);
    }
    assert_eq!(stage.lines(), 0, "nobody was waited for");
    stage.settled().await;
    let seen = stage.seen();
    for plugin in ["one", "two"] {
        let heard: Vec<_> = seen.iter().filter(|(who, _)| who == plugin).map(|(_, text)| text.clone()).collect();
        assert_eq!(heard, texts, "{plugin}");
    }
}

#[tokio::test]
async fn only_one_is_told_where_only_one_is_meant() {
    let stage = Stage::new();
    stage.load("one", observer("one", SILENT)).await;
    stage.load("two", observer("two", SILENT)).await;
    let message = plugbay_gateway::runtime::Message { id: None, text: "you".into(), at: 0, attrs: vec![] };
    let two = PluginId::try_from("two".to_owned()).unwrap();
    stage.hooks.tell_one::<plugbay_gateway::runtime::MessageReceived>(&two, &Call::new(), message);
    stage.settled().await;
    assert_eq!(stage.who(), ["two"]);
}

#[tokio::test]
async fn what_is_too_much_is_dropped_and_counted() {
    let observers = ObserversSettings { waiting: 3, ..ObserversSettings::default() };
    let stage = Stage::with(HooksSettings { observers, ..HooksSettings::default() });
    stage.load("one", observer("one", SILENT)).await;
    // Nothing else runs on this thread until it waits, so all of them wait.
    for n in 0..5 {
        stage.tell_in(&Call::new().run("r"), &n.to_string());
    }
    stage.settled().await;
    assert_eq!(stage.seen().into_iter().map(|(_, text)| text).collect::<Vec<_>>(), ["0", "1", "2"]);
    let receipts = stage.hooks.receipts("r");
    let words: Vec<_> = receipts.iter().flat_map(ran).map(|(_, word)| word).collect();
    assert_eq!(words, ["told", "told", "told", "dropped", "dropped"]);
    let Said::Dropped(why) = &receipts[4].ran[0].said else { panic!("{receipts:?}") };
    assert!(why.contains("3 events wait") && why.contains("hooks.observers.waiting"), "{why}");
    assert_eq!(stage.hooks.queues().iter().map(|q| (q.plugin.as_str(), q.dropped)).collect::<Vec<_>>(), [("one", 2)]);
}

#[tokio::test]
async fn a_plugin_s_sessions_together_are_bounded_too() {
    let observers = ObserversSettings { waiting: 3, waiting_in_all: 4 };
    let stage = Stage::with(HooksSettings { observers, ..HooksSettings::default() });
    stage.load("one", observer("one", SILENT)).await;
    for n in 0..6 {
        stage.tell(&n.to_string(), "x");
    }
    stage.settled().await;
    assert_eq!((stage.lines(), stage.hooks.queues()[0].dropped), (4, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_hangs_costs_nobody_else_anything() {
    let stage = Stage::new();
    stage.load_with("hangs", observer("hangs", SPINS), hangs(Isolation::Shared, LONG)).await;
    stage.load("well", observer("well", SILENT)).await;
    for n in 0..30 {
        stage.tell("s", &n.to_string());
    }
    let well = |stage: &Stage| stage.hooks.queues().iter().all(|q| q.plugin.as_str() != "well");
    while !well(&stage) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let heard = stage.seen().into_iter().filter(|(who, _)| who == "well").count();
    assert_eq!(heard, 30);
    let left = stage.hooks.settled(Duration::from_millis(10)).await;
    assert_eq!(left, 30, "one is under way, the others wait");
    let queues = stage.hooks.queues();
    assert_eq!((queues[0].plugin.as_str(), queues[0].waiting, queues[0].under_way, queues[0].tasks), ("hangs", 29, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_hangs_holds_up_no_other_where_sessions_have_cells() {
    let stage = Stage::new();
    // The text `h` hangs: its pointer is at 120.
    let on_h =
        "(if (i32.eq (i32.load8_u (i32.load offset=120 (local.get $call))) (i32.const 104)) (then (loop $again (br $again)))) (call $none)";
    stage.load_with("one", observer("one", on_h), hangs(Isolation::Session, LONG)).await;
    stage.tell("bad", "h");
    stage.tell("bad", "later");
    for n in 0..20 {
        stage.tell("good", &n.to_string());
    }
    while stage.lines() < 21 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let seen: BTreeSet<_> = stage.seen().into_iter().map(|(_, text)| text).collect();
    assert_eq!((seen.len(), seen.contains("later")), (21, false), "its own session waits");
}

#[tokio::test]
async fn observers_never_fill_the_places_where_calls_wait() {
    let stage = Stage::new();
    let mut settings = granted();
    settings.limits.waiting = 2;
    // Each takes some ticks, and gives way in between.
    let counts = "(global.set $n (i32.const 0))
        (loop $again (global.set $n (i32.add (global.get $n) (i32.const 1))) (br_if $again (i32.lt_u (global.get $n) (i32.const 5000000))))
        (call $none)";
    stage.load_with("one", observer("one", counts).module("(global $n (mut i32) (i32.const 0))"), settings).await;
    for n in 0..12 {
        stage.tell_in(&Call::new().run("r").session(Session::new(format!("s{n}"), "life")), "x");
    }
    stage.settled().await;
    let words: Vec<_> = stage.hooks.receipts("r").iter().flat_map(ran).map(|(_, word)| word).collect();
    assert_eq!(words, ["told"; 12], "none of them was refused as one too many");
}

#[tokio::test]
async fn failures_are_noted_and_keep_nobody_from_being_told() {
    let stage = Stage::new();
    stage.load("bad", observer("bad", TRAPS)).await;
    stage.load("well", observer("well", SILENT)).await;
    stage.tell_in(&Call::new().run("r"), "a");
    let queued = stage.hooks.receipts("r");
    assert_eq!(queued.iter().flat_map(ran).collect::<Vec<_>>(), rows([("bad", "queued"), ("well", "queued")]));
    stage.tell_in(&Call::new().run("r"), "b");
    stage.settled().await;
    let all: Vec<_> = stage.hooks.receipts("r").iter().flat_map(ran).collect();
    assert_eq!(all, rows([("bad", "fault"), ("well", "told"), ("bad", "fault"), ("well", "told")]));
    let done = &stage.hooks.receipts("r")[0].ran[1];
    assert_eq!((done.generation, done.waited.is_some()), (Some(1), true));
}

#[tokio::test]
async fn ten_thousand_sessions_leave_nothing_behind() {
    let stage = Stage::new();
    let one = stage.load("one", observer("one", SILENT)).await;
    let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    for n in 0..10_000 {
        stage.tell(&format!("session {n}"), "x");
    }
    let queue = &stage.hooks.queues()[0];
    assert_eq!((queue.waiting, queue.tasks), (10_000, 1));
    stage.settled().await;
    let calls: u64 = one.generation().unwrap().counted().map(|(_, counted)| counted.calls).sum();
    assert_eq!(calls, 10_000);
    tokio::task::yield_now().await;
    assert_eq!(stage.hooks.queues(), [], "no line is left");
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), before, "and no task");
}

#[test]
fn where_no_runtime_is_nobody_is_told_and_the_receipt_says_so() {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stage = Stage::new();
    tokio.block_on(stage.load("one", observer("one", SILENT)));
    stage.tell_in(&Call::new().run("r"), "x");
    let receipts = stage.hooks.receipts("r");
    assert!(matches!(&receipts[0].ran[0].said, Said::Dropped(why) if why.contains("tokio")), "{receipts:?}");
    assert_eq!(tokio.block_on(stage.hooks.settled(Duration::ZERO)), 0);
}
