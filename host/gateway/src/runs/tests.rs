//! What a run keeps, for whom and how long. Who is told of events is tested with guests: `tests/gateway/services`.

use super::*;
use plugbay_runtime::{Action, Chain, Finalization, PluginId};
use serde_json::{Value, json};

fn caller(plugin: &str, run: Option<&str>) -> Caller {
    let plugin = PluginId::try_from(plugin.to_owned()).unwrap();
    Caller { plugin, generation: 1, session: None, run: run.map(Into::into), chain: Chain::default() }
}

fn json_of(value: Value) -> Json {
    Json::from_value(&value).unwrap()
}

fn code<T: std::fmt::Debug>(answer: Result<T, ServiceError>) -> ServiceCode {
    answer.unwrap_err().code
}

fn open(run: &str) -> (Runs, RunGuard) {
    let runs = Runs::default();
    let guard = runs.open(run, RunAbout::default()).unwrap();
    (runs, guard)
}

#[test]
fn values_are_the_plugins_own_and_the_runs_own() {
    let (runs, _r) = open("r");
    let _s = runs.open("s", RunAbout::default()).unwrap();
    let (a, b, a_in_s) = (caller("a", Some("r")), caller("b", Some("r")), caller("a", Some("s")));
    assert!(!runs.set_value(&a, "n", Some(json_of(json!(1)))).unwrap());
    assert!(runs.set_value(&a, "n", Some(json_of(json!(2)))).unwrap(), "there was one");
    assert_eq!(runs.value(&a, "n").unwrap(), Some(json_of(json!(2))));
    assert_eq!((runs.value(&b, "n").unwrap(), runs.value(&a_in_s, "n").unwrap()), (None, None));
    runs.set_value(&b, "n", Some(json_of(json!(3)))).unwrap();
    runs.clear_values(&a).unwrap();
    assert_eq!((runs.value(&a, "n").unwrap(), runs.value(&b, "n").unwrap()), (None, Some(json_of(json!(3)))));
    assert_eq!((runs.set_value(&b, "n", None), runs.set_value(&b, "n", None)), (Ok(true), Ok(false)), "unset says whether there was one");
}

#[test]
fn names_are_checked_and_a_call_without_a_run_has_no_values() {
    let (runs, _r) = open("r");
    let a = caller("a", Some("r"));
    let value = || Some(json_of(json!(1)));
    assert!(runs.set_value(&a, &"ä".repeat(64), value()).is_ok(), "128 bytes");
    for name in ["", " \n", &"ä".repeat(65)] {
        assert_eq!(code(runs.set_value(&a, name, value())), ServiceCode::InvalidInput, "{name:?}");
        assert_eq!(code(runs.value(&a, name)), ServiceCode::InvalidInput, "{name:?}");
    }
    let nowhere = caller("a", None);
    assert_eq!(code(runs.value(&nowhere, "n")), ServiceCode::NoRun);
    assert_eq!(code(runs.set_value(&nowhere, "n", value())), ServiceCode::NoRun);
    assert_eq!(code(runs.clear_values(&nowhere)), ServiceCode::NoRun);
    assert_eq!(code(runs.emit(&nowhere, "a", &json_of(json!(1)))), ServiceCode::Closed);
}

#[test]
fn sixty_four_values_and_no_more() {
    let (runs, _r) = open("r");
    let a = caller("a", Some("r"));
    for n in 0..64 {
        runs.set_value(&a, &format!("n{n}"), Some(json_of(json!(n)))).unwrap();
    }
    let refused = runs.set_value(&a, "n64", Some(json_of(json!(0)))).unwrap_err();
    assert_eq!(refused.code, ServiceCode::LimitExceeded);
    assert!(refused.message.contains("64 values"), "{refused}");
    assert_eq!(runs.value(&a, "n64").unwrap(), None);
    assert!(runs.set_value(&a, "n0", Some(json_of(json!("another")))).unwrap(), "a value may be replaced");
    assert!(runs.set_value(&caller("b", Some("r")), "n64", Some(json_of(json!(0)))).is_ok(), "it is each plugin's own bound");
    runs.set_value(&a, "n1", None).unwrap();
    assert!(runs.set_value(&a, "n64", Some(json_of(json!(0)))).is_ok(), "there is room again");
}

#[test]
fn values_are_bounded_in_bytes_in_all() {
    let (runs, _r) = open("r");
    let a = caller("a", Some("r"));
    // Five of these are 256 KiB: a name of one byte, two quotes, and the rest.
    let fifth = (256 << 10) / 5;
    let text = |bytes: usize| Some(json_of(json!("x".repeat(bytes - 3))));
    for n in 0..4 {
        runs.set_value(&a, &n.to_string(), text(fifth)).unwrap();
    }
    let left = (256 << 10) - 4 * fifth;
    assert_eq!(code(runs.set_value(&a, "4", text(left + 1))), ServiceCode::LimitExceeded);
    assert!(runs.set_value(&a, "4", text(left)).is_ok());
    assert_eq!(code(runs.set_value(&a, "0", text(fifth + 1))), ServiceCode::LimitExceeded, "what is replaced counts off, but not more");
    assert!(runs.set_value(&a, "0", text(fifth)).is_ok());
    assert_eq!(code(runs.set_value(&a, "5", text(4))), ServiceCode::LimitExceeded);
    runs.clear_values(&a).unwrap();
    assert!(runs.set_value(&a, "5", text(fifth)).is_ok());
}

#[test]
fn a_run_that_has_ended_takes_nothing_and_neither_does_one_that_never_was() {
    let (runs, guard) = open("r");
    let a = caller("a", Some("r"));
    runs.set_value(&a, "n", Some(json_of(json!(1)))).unwrap();
    drop(guard);
    for late in [a, caller("a", Some("never"))] {
        assert_eq!(code(runs.set_value(&late, "n", Some(json_of(json!(2))))), ServiceCode::Closed);
        assert_eq!(code(runs.set_value(&late, "n", None)), ServiceCode::Closed);
        assert_eq!(code(runs.clear_values(&late)), ServiceCode::Closed);
        assert_eq!(code(runs.emit(&late, "a", &json_of(json!(1)))), ServiceCode::Closed);
        assert_eq!(code(runs.value(&late, "n")), ServiceCode::Closed);
    }
}

#[test]
fn an_id_is_used_once() {
    let (runs, guard) = open("r");
    assert_eq!(runs.open("r", RunAbout::default()).err(), Some(RunTaken("r".into())));
    drop(guard);
    assert_eq!(runs.open("r", RunAbout::default()).err(), Some(RunTaken("r".into())), "it was one lately");
    for n in 0..KNOWN {
        runs.open(format!("r{n}"), RunAbout::default()).unwrap();
    }
    assert!(runs.open("r", RunAbout::default()).is_ok(), "it is forgotten");
}

#[test]
fn ten_thousand_runs_leave_nothing() {
    let runs = Runs::default();
    for n in 0..10_000 {
        let run = format!("r{n}");
        let guard = runs.open(run.as_str(), RunAbout::default()).unwrap();
        let a = caller("a", Some(&run));
        runs.set_value(&a, "n", Some(json_of(json!(n)))).unwrap();
        runs.emit(&a, "a.x", &json_of(json!(n))).unwrap();
        let wish = Finalization { action: Action::Revise, reasons: vec!["r".into()], ..Finalization::default() };
        assert_eq!(guard.rule(&wish), Ruling::Again { instruction: "r".into() }, "attempts are each run's own");
    }
    assert_eq!((runs.count(), runs.table().forgotten.len()), (0, KNOWN));
}

/// What a watcher sees.
fn watched(guard: &RunGuard) -> Arc<Mutex<Vec<AgentEvent>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = seen.clone();
    guard.watch(move |event| kept.lock().unwrap().push(event.clone()));
    seen
}

#[test]
fn topics_are_the_plugins_own() {
    let (runs, _r) = open("r");
    let weather = caller("weather", Some("r"));
    let data = json_of(json!({}));
    for topic in ["weather", "weather.rain", "weather.rain.heavy"] {
        assert_eq!(runs.emit(&weather, topic, &data), Ok(()), "{topic}");
    }
    for topic in [
        "weathers",
        "weather-2.x",
        "other",
        "other.weather",
        "Weather",
        "lifecycle",
        "tool",
        "assistant",
        "approval",
        "compaction",
        "error",
    ] {
        assert_eq!(code(runs.emit(&weather, topic, &data)), ServiceCode::ForeignTopic, "{topic}");
    }
    for topic in ["", " ", "weather.", "weather.a b", "weather.\u{7}", &format!("weather.{}", "x".repeat(256))] {
        assert_eq!(code(runs.emit(&weather, topic, &data)), ServiceCode::InvalidInput, "{topic:?}");
    }
    let named_as_the_host = caller("tool", Some("r"));
    assert_eq!(code(runs.emit(&named_as_the_host, "tool", &data)), ServiceCode::ForeignTopic, "also for a plugin of that name");
    assert_eq!(runs.emit(&named_as_the_host, "tool.x", &data), Ok(()));
}

#[test]
fn events_are_numbered_in_their_run_and_say_whose_they_are() {
    let (runs, guard) = open("r");
    let seen = watched(&guard);
    let weather = caller("weather", Some("r"));
    guard.event(HostTopic::Lifecycle, &json!({ "phase": "start" }));
    for data in [json!({ "a": 1, "plugin": "forged" }), json!([1]), json!(null)] {
        runs.emit(&weather, "weather", &json_of(data)).unwrap();
    }
    assert!(runs.emit(&weather, "lifecycle", &json_of(json!({ "phase": "end" }))).is_err());
    let seen = seen.lock().unwrap();
    let seen: Vec<_> = seen.iter().map(|e| (e.number, e.topic.as_str(), e.data.clone())).collect();
    let expected = [
        (1, "lifecycle", json!({ "phase": "start" })),
        (2, "weather", json!({ "a": 1, "plugin": "weather" })),
        (3, "weather", json!({ "plugin": "weather", "value": [1] })),
        (4, "weather", json!({ "plugin": "weather", "value": null })),
    ];
    assert_eq!(seen, expected.map(|(number, topic, data)| (number, topic, Payload::of(&data))));
}

#[test]
fn an_event_without_room_for_its_stamp_is_refused() {
    let (runs, guard) = open("r");
    let seen = watched(&guard);
    let keys = |n: usize| json_of((0..n).map(|k| (format!("k{k}"), json!(0))).collect::<serde_json::Map<_, _>>().into());
    assert_eq!(runs.emit(&caller("a", Some("r")), "a", &keys(511)), Ok(()));
    let refused = runs.emit(&caller("a", Some("r")), "a", &keys(512)).unwrap_err();
    assert_eq!(refused.code, ServiceCode::LimitExceeded);
    assert!(refused.message.contains("`plugin` stamped"), "{refused}");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[test]
fn a_thousand_events_of_a_plugin_and_no_more() {
    let (runs, guard) = open("r");
    let seen = watched(&guard);
    let (a, b) = (caller("a", Some("r")), caller("b", Some("r")));
    let data = json_of(json!(1));
    for _ in 0..1_000 {
        runs.emit(&a, "a", &data).unwrap();
    }
    assert_eq!(code(runs.emit(&a, "a.b", &data)), ServiceCode::LimitExceeded, "whatever the topic");
    assert_eq!(runs.emit(&b, "b", &data), Ok(()), "it is each plugin's own bound");
    guard.event(HostTopic::Error, &json!("x"));
    let _s = runs.open("s", RunAbout::default()).unwrap();
    assert_eq!(runs.emit(&caller("a", Some("s")), "a", &data), Ok(()), "and each run's");
    assert_eq!(seen.lock().unwrap().last().map(|e| e.number), Some(1_002), "what was refused has no number");
}
