//! What a registration may say, row by row.

mod people;

use super::*;
use crate::hook::Subject;
use serde_json::json;
use std::time::Duration;

fn check_with(exports: &[&str], answer: &Value) -> Result<Registration, RegistrationError> {
    let exports = exports.iter().map(|name| (*name).to_owned()).collect();
    Registration::check(&answer.to_string(), &answer.to_string(), &Surface { exports, ..Surface::default() })
}

fn check(answer: &Value) -> Result<Registration, RegistrationError> {
    check_with(&["plugin", "before-tool-call", "agent-events", "agent-end", "tools", "session-projection"], &whole(answer))
}

/// The answer with a tool and a namespace, if it names none.
fn whole(answer: &Value) -> Value {
    let mut answer = answer.clone();
    let Some(members) = answer.as_object_mut() else { return answer };
    members.entry("tools").or_insert_with(|| json!([tool("t")]));
    members.entry("session-state").or_insert_with(|| json!([namespace("n")]));
    answer
}

fn tool(name: &str) -> Value {
    json!({ "name": name, "description": "d", "parameters": { "type": "object" } })
}

/// A tool of which one member is another.
fn tool_with(member: &str, value: Value) -> Value {
    let mut tool = tool("t");
    tool[member] = value;
    json!({ "tools": [tool] })
}

fn namespace(name: &str) -> Value {
    json!({ "namespace": name, "description": "d" })
}

#[test]
fn what_is_left_out_has_its_default() {
    let registration = check_with(&["plugin"], &json!({})).unwrap();
    assert_eq!(registration, Registration { isolation: shared_only(), ..Registration::default() });
    let said = check(&json!({ "hooks": [{ "hook": "before-tool-call", "budget-ms": 5, "tools": ["a"] }], "isolation": ["pool"] })).unwrap();
    let hook = said.hook("before-tool-call").unwrap();
    assert_eq!((hook.priority, hook.budget()), (0, Some(Duration::from_millis(5))));
    assert_eq!((hook.only(Subject::Tool), hook.only(Subject::Topic)), (Some(&["a".to_owned()].into()), None));
    assert!(!said.isolation.contains(&Borne::Shared));
    let tool = &said.tools[0];
    assert_eq!((tool.name.as_str(), &tool.title, tool.risk, tool.tags.len()), ("t", &None, None, 0));
    assert_eq!(said.session_state, [NamespaceRegistration { namespace: "n".into(), description: "d".into() }]);
}

#[test]
fn what_is_said_about_a_tool_is_kept() {
    let parameters = json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/A" } }, "$defs": { "A": { "type": "integer" } } });
    let said = json!({ "name": "T-1_x", "description": "d", "parameters": parameters, "title": "T", "risk": "high", "tags": ["x", "y"] });
    let registration = check(&json!({ "tools": [said] })).unwrap();
    let expected = ToolRegistration {
        name: "T-1_x".into(),
        description: "d".into(),
        parameters: json!({ "type": "object", "properties": { "a": { "type": "integer" } } }),
        title: Some("T".into()),
        risk: Some(Risk::High),
        tags: vec!["x".into(), "y".into()],
    };
    assert_eq!(registration.tools, [expected]);
}

#[test]
fn each_rule_of_the_schema_holds() {
    let hook = |member: &str, value: Value| json!({ "hooks": [{ "hook": "before-tool-call", member: value }] });
    let topics = |value: Value| json!({ "hooks": [{ "hook": "agent-events", "topics": value }] });
    let names = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>();
    for answer in [
        json!([]),
        json!({ "extra": 1 }),
        json!({ "hooks": [{ "hook": "Before" }] }),
        hook("budget-ms", json!(0)),
        hook("budget-ms", json!(600_001)),
        hook("priority", json!(1.5)),
        hook("tools", json!([])),
        hook("tools", json!(["a*"])),
        hook("tools", json!(names(257))),
        topics(json!([])),
        topics(json!(["a b"])),
        topics(json!(["a", "a"])),
        topics(json!(names(65))),
        json!({ "isolation": [] }),
        json!({ "isolation": ["none"] }),
        json!({ "config": true }),
        json!({ "tools": [] }),
        json!({ "tools": [{ "name": "t", "description": "d" }] }),
        json!({ "tools": names(129).iter().map(|name| tool(name)).collect::<Vec<_>>() }),
        tool_with("extra", json!(1)),
        tool_with("name", json!("")),
        tool_with("name", json!("a.b")),
        tool_with("name", json!("a".repeat(65))),
        tool_with("description", json!(" ")),
        tool_with("description", json!("d".repeat(4_097))),
        tool_with("parameters", json!(true)),
        tool_with("title", json!("")),
        tool_with("title", json!("t".repeat(81))),
        tool_with("risk", json!("none")),
        tool_with("tags", json!(names(17))),
        tool_with("tags", json!([""])),
        tool_with("tags", json!(["t".repeat(41)])),
        json!({ "session-state": [] }),
        json!({ "session-state": [{ "namespace": "n" }] }),
        json!({ "session-state": [namespace("-n")] }),
        json!({ "session-state": [namespace(&"n".repeat(129))] }),
        json!({ "session-state": [{ "namespace": "n", "description": "" }] }),
        json!({ "session-state": names(33).iter().map(|name| namespace(name)).collect::<Vec<_>>() }),
    ] {
        assert!(matches!(check(&answer), Err(RegistrationError::Schema(_))), "{answer}: {:?}", check(&answer));
    }
}

#[test]
fn bounds_are_reached() {
    let names = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>();
    for answer in [
        json!({ "hooks": [{ "hook": "agent-events", "topics": names(64) }, { "hook": "before-tool-call", "tools": names(256) }] }),
        json!({ "tools": names(128).iter().map(|name| tool(name)).collect::<Vec<_>>() }),
        tool_with("name", json!("a".repeat(64))),
        tool_with("description", json!("ä".repeat(4_096))),
        tool_with("title", json!("ä".repeat(80))),
        tool_with("tags", json!(names(16))),
        tool_with("tags", json!(["ä".repeat(40)])),
        json!({ "session-state": names(32).iter().map(|name| namespace(name)).collect::<Vec<_>>() }),
        json!({ "session-state": [namespace(&"n".repeat(128))] }),
    ] {
        assert!(check(&answer).is_ok(), "{:?}", check(&answer));
    }
}

#[test]
fn it_may_name_only_what_is_exported_and_only_once() {
    let other = check(&json!({ "hooks": [{ "hook": "message-received" }] }));
    assert_eq!(other, Err(RegistrationError::NotExported("message-received".into())));
    let twice = check(&json!({ "hooks": [{ "hook": "before-tool-call" }, { "hook": "before-tool-call", "priority": 1 }] }));
    assert_eq!(twice, Err(RegistrationError::Twice("before-tool-call".into())));
    let tools = check(&json!({ "tools": [tool("a"), tool("b"), tool("a")] }));
    assert_eq!(tools, Err(RegistrationError::ToolTwice("a".into())));
    let namespaces = check(&json!({ "session-state": [namespace("a"), namespace("a")] }));
    assert_eq!(namespaces, Err(RegistrationError::NamespaceTwice("a".into())));
}

#[test]
fn tools_are_named_exactly_if_they_can_be_called() {
    let two = json!({ "tools": [tool("a"), tool("b")] });
    assert_eq!(check_with(&["plugin"], &two), Err(RegistrationError::ToolsNotExported(2)));
    assert_eq!(check_with(&["plugin", "tools"], &json!({})), Err(RegistrationError::NoTools));
    assert!(check_with(&["plugin", "tools"], &two).is_ok());
}

#[test]
fn what_shows_state_has_some() {
    assert_eq!(check_with(&["plugin", "session-projection"], &json!({})), Err(RegistrationError::NoNamespaces));
    assert!(check_with(&["plugin"], &json!({ "session-state": [namespace("n")] })).is_ok(), "not all of it needs to be shown");
}

#[test]
fn a_hook_is_restricted_only_to_what_it_is_about() {
    let said = |hook: &str, only: &str| check(&json!({ "hooks": [{ "hook": hook, only: ["a"] }] })).map(drop);
    let off = |hook: &str, only| Err(RegistrationError::OffSubject { hook: hook.into(), only });
    assert_eq!(said("before-tool-call", "tools"), Ok(()));
    assert_eq!(said("agent-events", "topics"), Ok(()));
    assert_eq!(said("before-tool-call", "topics"), off("before-tool-call", "topics"));
    assert_eq!(said("agent-events", "tools"), off("agent-events", "tools"));
    assert_eq!(said("agent-end", "tools"), off("agent-end", "tools"));
    assert_eq!(said("tools", "tools"), off("tools", "tools"), "which tools there are is said elsewhere");
}

#[test]
fn answers_that_differ_are_refused_at_the_first_byte() {
    let surface = Surface::default();
    assert_eq!(Registration::check("{ }", "{}", &surface), Err(RegistrationError::Differs { at: 1 }));
    assert_eq!(Registration::check("{}", "{} ", &surface), Err(RegistrationError::Differs { at: 2 }));
}

#[test]
fn a_schema_that_is_none_is_refused() {
    assert!(matches!(check(&json!({ "config": { "type": 7 } })), Err(RegistrationError::Config(_))));
    let refused = |parameters: Value| match check(&tool_with("parameters", parameters)) {
        Err(RegistrationError::Parameters { tool, problem }) if tool == "t" => problem,
        other => panic!("{other:?}"),
    };
    assert!(refused(json!({})).contains("`object`"));
    assert!(refused(json!({ "type": "string" })).contains("`object`"));
    assert!(!refused(json!({ "type": "object", "required": 1 })).is_empty());
    assert!(refused(json!({ "type": "object", "$ref": "#/nowhere" })).contains("nowhere"));
}

#[test]
fn the_schemas_of_all_tools_share_the_bounds_of_one() {
    let patterns = |n: usize| {
        let fields: serde_json::Map<_, _> = (0..n).map(|n| (format!("p{n}"), json!({ "pattern": "a" }))).collect();
        json!({ "type": "object", "properties": fields })
    };
    let two = |n: usize| {
        let (mut a, mut b) = (tool("a"), tool("b"));
        (a["parameters"], b["parameters"]) = (patterns(n), patterns(n));
        check(&json!({ "tools": [a, b] }))
    };
    assert!(two(32).is_ok());
    assert!(matches!(two(33), Err(RegistrationError::Parameters { tool, problem }) if tool == "b" && problem.contains("64 patterns")));
}

#[test]
fn a_context_engine_is_whole_and_says_how_it_serves() {
    const ENGINE: [&str; 4] = ["plugin", "context-ingest", "context-assemble", "context-compact"];
    let engine = |exports: &[&str], said: Value| check_with(exports, &json!({ "context-engine": said })).map(|r| r.context_engine);
    let (owns, usual) = (json!({ "owns-compaction": true, "maintenance": "foreground" }), json!({}));
    let said = EngineRegistration { owns_compaction: true, maintenance: Maintenance::Foreground };
    assert_eq!(engine(&ENGINE, owns), Ok(Some(said)));
    let said = EngineRegistration { owns_compaction: false, maintenance: Maintenance::Background };
    assert_eq!(engine(&ENGINE, usual.clone()), Ok(Some(said)));

    assert_eq!(check_with(&ENGINE, &json!({})), Err(RegistrationError::EngineUnsaid));
    assert_eq!(engine(&["plugin"], usual.clone()), Err(RegistrationError::EngineUnsaid));
    for lacks in &ENGINE[1..] {
        let exports: Vec<_> = ENGINE.iter().copied().filter(|name| name != lacks).collect();
        assert!(matches!(engine(&exports, usual.clone()), Err(RegistrationError::HalfAnEngine { lacks: said, .. }) if said == *lacks));
    }
    let half = check_with(&["plugin", "context-turn"], &json!({}));
    assert_eq!(half, Err(RegistrationError::HalfAnEngine { has: "context-turn", lacks: "context-ingest" }));
    assert!(matches!(engine(&ENGINE, json!({ "maintenance": "sometimes" })), Err(RegistrationError::Schema(_))));
}

#[test]
fn a_context_engine_has_a_cell_for_each_session_if_it_bears_that() {
    let usual = |exports: &[&str], answer: Value| check_with(exports, &answer).unwrap().usual_isolation();
    let engine = ["plugin", "context-ingest", "context-assemble", "context-compact"];
    assert_eq!(usual(&engine, json!({ "context-engine": {}, "isolation": ["shared", "session"] })), Isolation::Session);
    assert_eq!(usual(&engine, json!({ "context-engine": {} })), Isolation::Shared, "it doesn't bear it");
    assert_eq!(usual(&["plugin"], json!({ "isolation": ["shared", "session"] })), Isolation::Shared, "it is none");
}
