//! The keyed store from a guest's side, through the SDK: the plugin `ledger` does as the tests tell it, over SQLite and in memory.

use crate::lab;
use plugbay_engine::Isolation;
use plugbay_guests::built;
use plugbay_runtime::state::{Memory, Sqlite, SqliteSettings, StateStore};
use plugbay_runtime::{BeforeToolCall, Call, Grant, Plugin, Plugins, Session, Settings};
use plugbay_tests::lab::{Lab, Lines, granted, tool_call};
use serde_json::{Value, json};
use std::fs;
use std::num::NonZeroU16;
use std::sync::Arc;

/// Plugins over one backend, on the engine of a lab.
struct Host {
    plugins: Plugins,
    state: Arc<dyn StateStore>,
    log: Arc<Lines>,
}

impl Host {
    fn new(lab: &Lab, state: Arc<dyn StateStore>) -> Self {
        let log = Arc::new(Lines::default());
        let sink = log.clone();
        Self { plugins: Plugins::with_logs(lab.engine.clone(), state.clone(), move |_| sink.clone()).unwrap(), state, log }
    }

    /// One for each backend.
    fn each(lab: &Lab) -> [Self; 2] {
        [Self::new(lab, lab.state.clone()), Self::new(lab, Arc::new(Memory::default()))]
    }

    async fn ledger(&self, lab: &Lab) -> Arc<Plugin> {
        self.load(lab, "ledger", &ledger(), granted()).await
    }

    async fn load(&self, lab: &Lab, id: &str, component: &[u8], settings: Settings) -> Arc<Plugin> {
        let file = lab.place(id, component).unwrap();
        self.plugins.load(&file, settings).await.unwrap().0
    }
}

fn ledger() -> Vec<u8> {
    fs::read(built::LEDGER).unwrap()
}

/// The component with another manifest: every `from` in it is as long as its `to`.
fn with_manifest(from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut component = ledger();
    let places: Vec<_> =
        component.windows(from.len()).enumerate().filter(|(_, bytes)| *bytes == from.as_bytes()).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "{from} is in the component");
    for at in places {
        component[at..at + from.len()].copy_from_slice(to.as_bytes());
    }
    component
}

async fn ask(plugin: &Plugin, operation: &str, order: Value) -> Value {
    ask_in(plugin, &Call::new(), operation, order).await
}

async fn ask_in(plugin: &Plugin, call: &Call, operation: &str, order: Value) -> Value {
    let decision = plugin.call::<BeforeToolCall>(call, &tool_call(operation, &order)).await;
    decision.unwrap_or_else(|error| panic!("{operation} {order}: {error}")).params.unwrap().parse().unwrap()
}

/// What a good answer holds.
async fn ok(plugin: &Plugin, operation: &str, order: Value) -> Value {
    let answer = ask(plugin, operation, order.clone()).await;
    assert!(answer.get("ok").is_some(), "{operation} {order}: {answer}");
    answer["ok"].clone()
}

/// Code, operation and message of a refusal.
async fn refused(plugin: &Plugin, operation: &str, order: Value) -> (String, String, String) {
    let answer = ask(plugin, operation, order.clone()).await;
    let part = |name: &str| answer["error"][name].as_str().unwrap_or_else(|| panic!("{operation} {order}: {answer}")).to_owned();
    (part("code"), part("operation"), part("message"))
}

#[tokio::test]
async fn every_operation_does_its_own() {
    let lab = lab();
    for host in Host::each(&lab) {
        let plugin = host.ledger(&lab).await;
        assert_eq!(ok(&plugin, "open", json!({ "ns": " trimmed " })).await, "trimmed");
        ok(&plugin, "register", json!({ "key": " a ", "value": { "text": "hé", "n": [1, 2.5] } })).await;
        assert_eq!(ok(&plugin, "lookup", json!({ "key": "a" })).await, json!({ "text": "hé", "n": [1, 2.5] }));
        assert_eq!(ok(&plugin, "register-if-absent", json!({ "key": "a", "value": 1 })).await, false);
        assert_eq!(ok(&plugin, "register-if-absent", json!({ "key": "b", "value": 1, "ttl_ms": 60_000 })).await, true);
        assert_eq!(ok(&plugin, "many", json!({ "keys": ["b", "none", "b"] })).await, json!([1, null, 1]));
        assert_eq!(ok(&plugin, "delete-if-equal", json!({ "key": "b", "value": "1" })).await, false);
        assert_eq!(ok(&plugin, "delete-if-equal", json!({ "key": "b", "value": 1.0 })).await, true);
        assert_eq!(ok(&plugin, "count", json!({})).await, 1);
        assert_eq!(ok(&plugin, "delete", json!({ "key": "b" })).await, false);
        assert_eq!(ok(&plugin, "consume", json!({ "key": "a" })).await["n"], json!([1, 2.5]));
        assert_eq!(ok(&plugin, "consume", json!({ "key": "a" })).await, Value::Null);
        ok(&plugin, "register", json!({ "key": "c" })).await;
        ok(&plugin, "register", json!({ "ns": "kept", "key": "c" })).await;
        ok(&plugin, "clear", json!({})).await;
        assert_eq!((ok(&plugin, "count", json!({})).await, ok(&plugin, "count", json!({ "ns": "kept" })).await), (json!(0), json!(1)));
    }
}

#[tokio::test]
async fn entries_come_by_age_and_ranges_by_key() {
    let lab = lab();
    for host in Host::each(&lab) {
        let plugin = host.ledger(&lab).await;
        for key in ["x:3", "x:1", "y", "x:2"] {
            ok(&plugin, "register", json!({ "key": key, "value": 1, "default_ttl_ms": 90_000 })).await;
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        ok(&plugin, "register", json!({ "key": "x:3", "value": 2, "ttl_ms": 80_000, "default_ttl_ms": 90_000 })).await;
        let rows = ok(&plugin, "entries", json!({ "default_ttl_ms": 90_000 })).await;
        assert_eq!(
            rows,
            json!([["x:1", 1, 90_000], ["y", 1, 90_000], ["x:2", 1, 90_000], ["x:3", 2, 80_000]]),
            "the second write made it the youngest"
        );
        let keys = async |mut order: Value| {
            order["default_ttl_ms"] = json!(90_000);
            let page = ok(&plugin, "range", order).await;
            let keys: Vec<_> = page["rows"].as_array().unwrap().iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
            (keys.join(" "), page["more"].as_bool().unwrap())
        };
        assert_eq!(keys(json!({ "prefix": "x:" })).await, ("x:1 x:2 x:3".into(), false));
        assert_eq!(keys(json!({ "prefix": "x:", "limit": 2 })).await, ("x:1 x:2".into(), true));
        assert_eq!(keys(json!({ "prefix": "x:", "limit": 2, "after": "x:2" })).await, ("x:3".into(), false));
        assert_eq!(keys(json!({ "limit": 2, "descending": true })).await, ("y x:3".into(), true));
        assert_eq!(keys(json!({ "max_bytes": 8 })).await, ("x:1 x:2".into(), true));
    }
}

#[tokio::test]
async fn a_change_is_made_if_row_and_conditions_are_as_they_were_seen() {
    let lab = lab();
    for host in Host::each(&lab) {
        let plugin = host.ledger(&lab).await;
        assert_eq!(ok(&plugin, "cas", json!({ "value": 1 })).await, "applied");
        assert_eq!(ok(&plugin, "cas", json!({ "change": "keep" })).await, "unchanged");
        assert_eq!(ok(&plugin, "cas", json!({ "value": 2, "meanwhile": "other" })).await, json!({ "conflict": 1 }));
        assert_eq!(ok(&plugin, "cas", json!({ "value": 2, "meanwhile": "key" })).await, json!({ "conflict": "meanwhile" }));
        assert_eq!(ok(&plugin, "cas", json!({ "change": "delete" })).await, "applied");
        assert_eq!(ok(&plugin, "cas", json!({ "change": "delete" })).await, "unchanged");
        assert_eq!(ok(&plugin, "count", json!({})).await, 0);
    }
}

#[tokio::test]
async fn a_full_namespace_evicts_or_refuses() {
    let lab = lab();
    for host in Host::each(&lab) {
        let plugin = host.ledger(&lab).await;
        for key in ["a", "b", "c"] {
            ok(&plugin, "register", json!({ "ns": "evicts", "max": 2, "key": key })).await;
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        assert_eq!(ok(&plugin, "entries", json!({ "ns": "evicts", "max": 2 })).await, json!([["b", null, null], ["c", null, null]]));

        let full = |key: &str| json!({ "ns": "refuses", "max": 1, "reject": true, "key": key, "value": 1 });
        ok(&plugin, "register", full("a")).await;
        let (code, operation, _) = refused(&plugin, "register", full("b")).await;
        assert_eq!((code.as_str(), operation.as_str()), ("limit-exceeded", "register"));
        ok(&plugin, "register", full("a")).await;

        let (code, operation, _) = refused(&plugin, "count", json!({ "ns": "refuses", "max": 2 })).await;
        assert_eq!((code.as_str(), operation.as_str()), ("invalid-input", "open"), "other options than it was opened with");
    }
}

#[tokio::test]
async fn a_refusal_reaches_the_plugin_with_its_operation_and_changes_nothing() {
    let lab = lab();
    for host in Host::each(&lab) {
        let plugin = host.ledger(&lab).await;
        ok(&plugin, "big-value", json!({ "key": "a", "size": 65_536 })).await;
        let (code, operation, message) = refused(&plugin, "big-value", json!({ "key": "a", "size": 65_537 })).await;
        assert_eq!((code.as_str(), operation.as_str()), ("limit-exceeded", "register"));
        assert!(message.contains("65537") && message.contains("65536") && message.contains("state.value-bytes"), "{message}");
        assert_eq!(ok(&plugin, "delete", json!({ "key": "a" })).await, true, "the one before is there");

        let long = "k".repeat(513);
        for (operation, order) in [
            ("register", json!({ "key": long })),
            ("register-if-absent", json!({ "key": long })),
            ("lookup", json!({ "key": long })),
            ("consume", json!({ "key": long })),
            ("delete", json!({ "key": long })),
            ("delete-if-equal", json!({ "value": [1] })),
            ("register", json!({ "ttl_ms": 0 })),
            ("range", json!({ "limit": 0 })),
            ("open", json!({ "ns": "no name" })),
            ("open", json!({ "max": 0, "ns": "none" })),
        ] {
            let (code, named, _) = refused(&plugin, operation, order.clone()).await;
            assert_eq!((code.as_str(), named.as_str()), ("invalid-input", operation), "{order}");
        }
        let (code, operation, _) = refused(&plugin, "many", json!({ "keys": [long] })).await;
        assert_eq!((code.as_str(), operation.as_str()), ("invalid-input", "lookup-many"));
        assert_eq!(plugin.generation().unwrap().faults(), 0, "a refusal is no fault");
    }
}

#[tokio::test]
async fn what_is_larger_than_an_answer_may_be_is_refused_with_rows_and_bytes() {
    let lab = lab();
    for host in Host::each(&lab) {
        let plugin = host.ledger(&lab).await;
        ok(&plugin, "big-value", json!({ "key": "k", "size": 65_536, "rows": 144 })).await; // 9 MiB
        for operation in ["entries", "range"] {
            let (code, named, message) = refused(&plugin, operation, json!({})).await;
            assert_eq!((code.as_str(), named.as_str()), ("limit-exceeded", operation));
            let bytes = (144 * (65_536 + 5)).to_string();
            assert!(message.contains("144 rows") && message.contains(&bytes) && message.contains("state.result-bytes"), "{message}");
        }
        assert_eq!(plugin.generation().unwrap().faults(), 0);
        assert_eq!(ok(&plugin, "count", json!({})).await, 144, "the same cell goes on");
    }
}

#[tokio::test]
async fn rows_stay_over_a_swap_and_a_host_that_is_opened_again() {
    let lab = lab();
    let host = Host::new(&lab, lab.state.clone());
    let plugin = host.ledger(&lab).await;
    ok(&plugin, "register", json!({ "key": "a", "value": "kept" })).await;
    assert_eq!(ok(&plugin, "update-counter", json!({ "ns": "sums" })).await["sum"], 1);

    let next = with_manifest(r#""version":"0.1.0""#, r#""version":"0.1.1""#);
    let plugin = host.load(&lab, "ledger", &next, granted()).await;
    assert_eq!(ok(&plugin, "lookup", json!({ "key": "a" })).await, "kept");
    assert_eq!(ok(&plugin, "update-counter", json!({ "ns": "sums" })).await["sum"], 2);

    host.state.close().await;
    let (code, operation, _) = refused(&plugin, "lookup", json!({ "key": "a" })).await;
    assert_eq!(code, "unavailable", "{operation}");
    drop(host);
    let again = Sqlite::open(SqliteSettings::new(lab.folder().join("state"))).unwrap();
    let host = Host::new(&lab, Arc::new(again));
    let plugin = host.ledger(&lab).await;
    assert_eq!(ok(&plugin, "lookup", json!({ "key": "a" })).await, "kept");
    assert_eq!(ok(&plugin, "update-counter", json!({ "ns": "sums", "max": 7 })).await["sum"], 3, "other options after the restart");
}

#[tokio::test]
async fn two_plugins_never_meet() {
    let lab = lab();
    for host in Host::each(&lab) {
        let one = host.ledger(&lab).await;
        let two = host.load(&lab, "legend", &with_manifest(r#""id":"ledger""#, r#""id":"legend""#), granted()).await;
        ok(&one, "register", json!({ "value": "one" })).await;
        assert_eq!(ok(&two, "lookup", json!({ "max": 5 })).await, Value::Null, "nor do their options");
        ok(&two, "register", json!({ "value": "two", "max": 5 })).await;
        assert_eq!(ok(&one, "lookup", json!({})).await, "one");
        ok(&two, "clear", json!({ "max": 5 })).await;
        assert_eq!(ok(&one, "consume", json!({})).await, "one");
    }
}

#[tokio::test]
async fn a_plugin_that_is_denied_its_state_is_told_so_and_serves() {
    let lab = lab();
    for host in Host::each(&lab) {
        let mut settings = granted();
        settings.grants.denied.insert(Grant::State);
        let plugin = host.load(&lab, "ledger", &ledger(), settings).await;
        let (code, operation, message) = refused(&plugin, "register", json!({})).await;
        assert_eq!((code.as_str(), operation.as_str()), ("denied", "open"));
        assert!(message.contains("`state`"), "{message}");
        assert_eq!(ok(&plugin, "nothing", json!({})).await, Value::Null, "what needs no state goes on");
        assert_eq!(plugin.generation().unwrap().faults(), 0);

        let plugin = host.ledger(&lab).await;
        assert_eq!(ok(&plugin, "count", json!({})).await, 0, "granted again, and nothing was written");
    }
}

/// Every cell reads in `activate`, and none writes: neither the first, which may never go live, nor one that is made for a later call.
#[tokio::test]
async fn nothing_is_written_in_activate() {
    let lab = lab();
    let early = json!({ "write_in_activate": true }).as_object().unwrap().clone();
    for host in Host::each(&lab) {
        let settings = Settings { config: early.clone(), isolation: Some(Isolation::Call), ..granted() };
        let plugin = host.load(&lab, "ledger", &ledger(), settings).await;
        let expect_refusals = || {
            let lines = host.log.all();
            let (_, line) = lines.iter().find(|(_, line)| line.contains("in activate")).unwrap_or_else(|| panic!("{lines:?}"));
            let outcomes: Value = serde_json::from_str(line.split_once("in activate: ").unwrap().1).unwrap();
            for (at, operation) in ["register", "consume", "clear"].into_iter().enumerate() {
                let error = &outcomes[at]["error"];
                assert_eq!((error["code"].as_str(), error["operation"].as_str()), (Some("not-live"), Some(operation)), "{line}");
            }
            assert_eq!((&outcomes[3], &outcomes[4]), (&json!({ "ok": null }), &json!({ "ok": 0 })), "reading is fine: {line}");
            host.log.clear();
        };
        expect_refusals();
        assert_eq!(ok(&plugin, "count", json!({})).await, 0, "and a call may do both");
        expect_refusals();
        ok(&plugin, "register", json!({})).await;
    }
}

/// A host whose two threads run a plugin with four cells.
async fn pooled(host: &Host, lab: &Lab) -> Arc<Plugin> {
    let four = Isolation::Pool(NonZeroU16::new(4).unwrap());
    host.load(lab, "ledger", &ledger(), Settings { isolation: Some(four), ..granted() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_addition_of_eight_callers_is_lost() {
    let lab = lab();
    for host in Host::each(&lab) {
        let plugin = pooled(&host, &lab).await;
        let callers: Vec<_> = (0..8).map(|_| tokio::spawn(add(plugin.clone(), 25))).collect();
        let mut attempts = 0;
        for caller in callers {
            attempts += caller.await.unwrap();
        }
        assert_eq!(ok(&plugin, "lookup", json!({ "key": "sum" })).await, 200);
        assert!(attempts > 200, "they did meet: {attempts} attempts");
    }
}

/// Adds one so many times, answers how many attempts that took.
async fn add(plugin: Arc<Plugin>, times: u64) -> u64 {
    let mut attempts = 0;
    for _ in 0..times {
        attempts += ok(&plugin, "update-counter", json!({ "key": "sum" })).await["attempts"].as_u64().unwrap();
    }
    attempts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_eight_that_consume_one_row_one_gets_it() {
    let lab = lab();
    for host in Host::each(&lab) {
        let plugin = pooled(&host, &lab).await;
        for n in 0..20 {
            ok(&plugin, "register", json!({ "value": n })).await;
            let callers: Vec<_> = (0..8)
                .map(|_| {
                    let plugin = plugin.clone();
                    tokio::spawn(async move { ok(&plugin, "consume", json!({})).await })
                })
                .collect();
            let mut got = Vec::new();
            for caller in callers {
                got.push(caller.await.unwrap());
            }
            got.retain(|value| !value.is_null());
            assert_eq!(got, [json!(n)]);
        }
    }
}

#[tokio::test]
async fn all_isolations_share_the_rows() {
    let lab = lab();
    let host = Host::new(&lab, lab.state.clone());
    let kinds = [Isolation::Shared, Isolation::Pool(NonZeroU16::new(2).unwrap()), Isolation::Session, Isolation::Call];
    for (n, isolation) in kinds.into_iter().enumerate() {
        let plugin = host.load(&lab, "ledger", &ledger(), Settings { isolation: Some(isolation), ..granted() }).await;
        for (m, key) in ["one", "two"].into_iter().enumerate() {
            let call = Call::new().session(Session::new(key, "1"));
            let sum = ask_in(&plugin, &call, "update-counter", json!({})).await["ok"]["sum"].clone();
            assert_eq!(sum, 2 * n + m + 1);
        }
    }
}

#[tokio::test]
async fn handles_dont_pile_up_in_a_cell() {
    let lab = lab();
    let host = Host::new(&lab, Arc::new(Memory::default()));
    let plugin = host.ledger(&lab).await;
    for _ in 0..4_200 {
        ok(&plugin, "count", json!({})).await; // opens its namespace each time, more often than a cell may have handles
    }
    assert_eq!(plugin.generation().unwrap().faults(), 0);
}
