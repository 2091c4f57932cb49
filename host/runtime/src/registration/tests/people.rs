//! What a plugin offers to people: actions, commands, and what a page shows.

use super::*;
use crate::registration::{ActionRegistration, CommandRegistration, Scope, UiRegistration, UiSurface};

/// Everything that `ui` may be about is exported.
fn check(answer: &Value) -> Result<Registration, RegistrationError> {
    check_with(&["plugin", "session-actions", "commands", "tools"], &filled(answer))
}

/// The answer with an action, a command and a tool, if it names none.
fn filled(answer: &Value) -> Value {
    let mut answer = answer.clone();
    let Some(members) = answer.as_object_mut() else { return answer };
    members.entry("actions").or_insert_with(|| json!([action("a")]));
    members.entry("commands").or_insert_with(|| json!([command("c")]));
    members.entry("tools").or_insert_with(|| json!([tool("t")]));
    answer
}

fn action(id: &str) -> Value {
    json!({ "id": id, "title": "A" })
}

fn command(name: &str) -> Value {
    json!({ "name": name, "description": "d" })
}

fn ui(id: &str) -> Value {
    json!({ "id": id, "surface": "session", "label": "L" })
}

/// One element of a list, of which one member is another.
fn one(list: &str, mut element: Value, member: &str, value: Value) -> Value {
    element[member] = value;
    json!({ list: [element] })
}

#[test]
fn what_is_left_out_has_its_default() {
    let said = check(&json!({ "ui": [ui("u")] })).unwrap();
    let expected = ActionRegistration { id: "a".into(), title: "A".into(), description: None, params: None, scopes: vec![Scope::Write] };
    assert_eq!((said.action("a"), said.action("b")), (Some(&expected), None));
    let expected = CommandRegistration { name: "c".into(), description: "d".into(), args: None, scopes: vec![Scope::Write] };
    assert_eq!((said.command("c"), said.command("d")), (Some(&expected), None));
    let expected = UiRegistration {
        id: "u".into(),
        surface: UiSurface::Session,
        label: "L".into(),
        description: None,
        icon: None,
        order: 0,
        namespace: None,
        tools: vec![],
        actions: vec![],
        scopes: vec![Scope::Read],
    };
    assert_eq!(said.ui, [expected]);
}

#[test]
fn what_is_said_is_kept() {
    let params = json!({ "properties": { "to": { "$ref": "#/$defs/To" } }, "$defs": { "To": { "enum": ["staging"] } } });
    let said = check(&json!({
        "actions": [{ "id": "deploy", "title": "Deploy", "description": "d", "params": params, "scopes": ["operator.read", "operator.admin"] }],
        "commands": [{ "name": "deploys", "description": "d", "args": "<to>", "scopes": ["operator.read"] }],
        "session-state": [namespace("n")],
        "ui": [{
            "id": "u", "surface": "tool", "label": "L", "description": "d", "icon": "rocket", "order": -1, "namespace": "n", "tools": ["t"],
            "actions": ["deploy"], "scopes": ["operator.write"]
        }],
    }));
    let said = said.unwrap();
    let (action, command, ui) = (&said.actions[0], &said.commands[0], &said.ui[0]);
    assert_eq!(action.params, Some(json!({ "properties": { "to": { "enum": ["staging"] } } })), "a plain tree");
    assert_eq!((action.description.as_deref(), command.args.as_deref()), (Some("d"), Some("<to>")));
    assert_eq!((action.needs(), command.needs(), ui.needs()), (Scope::Admin, Scope::Read, Scope::Write));
    assert_eq!((ui.surface, ui.order, ui.icon.as_deref(), ui.namespace.as_deref()), (UiSurface::Tool, -1, Some("rocket"), Some("n")));
    assert_eq!((&*ui.tools, &*ui.actions), (&["t".to_owned()][..], &["deploy".to_owned()][..]));
}

#[test]
fn a_scope_includes_those_below_it() {
    for (n, scope) in Scope::ALL.into_iter().enumerate() {
        for (m, other) in Scope::ALL.into_iter().enumerate() {
            assert_eq!(scope.includes(other), n >= m, "{scope} includes {other}");
        }
        assert_eq!(Scope::named(scope.name()), Some(scope));
        assert_eq!(serde_json::to_value(scope).unwrap(), json!(scope.name()));
    }
    assert_eq!(Scope::named("operator.root"), None);
    for surface in ["session", "tool", "run", "settings", "tab", "widget"] {
        let said: UiSurface = serde_json::from_value(json!(surface)).unwrap();
        assert_eq!(said.name(), surface);
    }
}

#[test]
fn each_rule_of_the_schema_holds() {
    let names = |n: usize| (0..n).map(|n| format!("n{n}")).collect::<Vec<_>>();
    let actions = |member: &str, value: Value| one("actions", action("a"), member, value);
    let commands = |member: &str, value: Value| one("commands", command("c"), member, value);
    let ui = |member: &str, value: Value| one("ui", ui("u"), member, value);
    for answer in [
        json!({ "actions": [] }),
        json!({ "actions": [{ "id": "a" }] }),
        json!({ "actions": names(129).iter().map(|id| action(id)).collect::<Vec<_>>() }),
        actions("extra", json!(1)),
        actions("id", json!("A")),
        actions("title", json!(" ")),
        actions("title", json!("t".repeat(81))),
        actions("description", json!("d".repeat(4_097))),
        actions("params", json!([])),
        actions("scopes", json!([])),
        actions("scopes", json!(["operator.root"])),
        actions("scopes", json!(["operator.read", "operator.read"])),
        json!({ "commands": [] }),
        json!({ "commands": [{ "name": "c" }] }),
        json!({ "commands": names(65).iter().map(|name| command(name)).collect::<Vec<_>>() }),
        commands("name", json!("/c")),
        commands("description", json!("d".repeat(81))),
        commands("args", json!("")),
        commands("args", json!("a".repeat(81))),
        json!({ "ui": [] }),
        json!({ "ui": [{ "id": "u", "label": "L" }] }),
        ui("surface", json!("page")),
        ui("order", json!(1_000_001)),
        ui("order", json!(0.5)),
        ui("icon", json!("a/b")),
        ui("actions", json!([])),
        ui("actions", json!(["a", "a"])),
    ] {
        assert!(matches!(check(&answer), Err(RegistrationError::Schema(_))), "{answer}: {:?}", check(&answer));
    }
}

#[test]
fn bounds_are_reached() {
    let names = |n: usize| (0..n).map(|n| format!("n{n}")).collect::<Vec<_>>();
    for answer in [
        json!({ "actions": names(128).iter().map(|id| action(id)).collect::<Vec<_>>() }),
        one("actions", action("a"), "title", json!("ä".repeat(80))),
        one("actions", action("a"), "scopes", json!(["operator.read", "operator.write", "operator.admin"])),
        json!({ "commands": names(64).iter().map(|name| command(name)).collect::<Vec<_>>() }),
        one("commands", command("c"), "args", json!("ä".repeat(80))),
        json!({ "ui": names(64).iter().map(|id| ui(id)).collect::<Vec<_>>() }),
    ] {
        assert!(check(&answer).is_ok(), "{:?}", check(&answer));
    }
}

#[test]
fn actions_and_commands_are_named_exactly_if_they_are_exported() {
    let (two, none) = (json!([action("a"), action("b")]), json!({}));
    assert_eq!(check_with(&["plugin"], &json!({ "actions": two })), Err(RegistrationError::ActionsNotExported(2)));
    assert_eq!(check_with(&["plugin", "session-actions"], &none), Err(RegistrationError::NoActions));
    assert!(check_with(&["plugin", "session-actions"], &json!({ "actions": two })).is_ok());
    let two = json!([command("a"), command("b")]);
    assert_eq!(check_with(&["plugin"], &json!({ "commands": two })), Err(RegistrationError::CommandsNotExported(2)));
    assert_eq!(check_with(&["plugin", "commands"], &none), Err(RegistrationError::NoCommands));
    assert!(check_with(&["plugin", "commands"], &json!({ "commands": two })).is_ok());
}

#[test]
fn each_is_named_once() {
    let twice = |list: &str, element: fn(&str) -> Value| check(&json!({ list: [element("a"), element("b"), element("a")] })).map(drop);
    assert_eq!(twice("actions", action), Err(RegistrationError::ActionTwice("a".into())));
    assert_eq!(twice("commands", command), Err(RegistrationError::CommandTwice("a".into())));
    assert_eq!(twice("ui", ui), Err(RegistrationError::UiTwice("a".into())));
}

#[test]
fn parameters_are_any_schema_and_a_bad_one_is_named_with_its_place() {
    for params in [json!(true), json!(false), json!({}), json!({ "type": "string" })] {
        let said = check(&one("actions", action("a"), "params", params.clone())).unwrap();
        assert_eq!(said.actions[0].params, Some(params), "it needn't be of an object");
    }
    let refused = |params: Value| match check(&json!({ "actions": [action("a"), { "id": "b", "title": "B", "params": params }] })) {
        Err(RegistrationError::ActionParams { action, problem }) if action == "b" => problem,
        other => panic!("{other:?}"),
    };
    let below = |value: Value| json!({ "properties": { "to": { "anyOf": [true, value] } } });
    for (params, problem) in [
        (below(json!({ "type": 7 })), "`/properties/to/anyOf/1/type`: "),
        (below(json!({ "pattern": "(" })), "`/properties/to/anyOf/1"),
        (below(json!({ "$ref": "#/nowhere" })), "`/properties/to/anyOf/1`: `$ref` to \"#/nowhere\""),
        (below(json!({ "pattern": "x".repeat(257) })), "`/properties/to/anyOf/1`: at most 64 patterns"),
        (json!({ "$ref": "#/$defs/A", "$defs": { "A": { "items": { "$id": "x" } } } }), "`/$ref/items`: `$id`"),
        (json!({ "$anchor": "a" }), "the whole: `$anchor`"),
    ] {
        let said = refused(params);
        assert!(said.starts_with(problem), "{said}");
    }
}

#[test]
fn the_schemas_of_all_actions_share_the_bounds_of_one_and_not_with_tools() {
    let patterns = |n: usize| {
        let fields: serde_json::Map<_, _> = (0..n).map(|n| (format!("p{n}"), json!({ "pattern": "a" }))).collect();
        json!({ "type": "object", "properties": fields })
    };
    let two = |n: usize| {
        let (mut a, mut b, mut t) = (action("a"), action("b"), tool("t"));
        (a["params"], b["params"], t["parameters"]) = (patterns(n), patterns(n), patterns(32));
        check(&json!({ "actions": [a, b], "tools": [t] }))
    };
    assert!(two(32).is_ok());
    assert!(
        matches!(two(33), Err(RegistrationError::ActionParams { action, problem }) if action == "b" && problem.contains("64 patterns"))
    );
}

#[test]
fn what_is_shown_is_the_plugins_own() {
    let shown = |member: &str, value: Value| {
        let mut said = ui("u");
        (said["surface"], said[member]) = (json!("tool"), value);
        check(&json!({ "ui": [said], "session-state": [namespace("n")] })).map(drop)
    };
    let unknown = |what, name: &str| Err(RegistrationError::UiUnknown { ui: "u".into(), what, name: name.into() });
    assert_eq!(shown("actions", json!(["a"])), Ok(()));
    assert_eq!(shown("actions", json!(["a", "b"])), unknown("action", "b"));
    assert_eq!(shown("tools", json!(["t"])), Ok(()));
    assert_eq!(shown("tools", json!(["a"])), unknown("tool", "a"), "an action is no tool");
    assert_eq!(shown("namespace", json!("n")), Ok(()));
    assert_eq!(shown("namespace", json!("m")), unknown("namespace", "m"));
    for surface in [UiSurface::Session, UiSurface::Run, UiSurface::Settings, UiSurface::Tab, UiSurface::Widget] {
        let said = json!({ "id": "u", "surface": surface, "label": "L", "tools": ["t"] });
        assert_eq!(check(&json!({ "ui": [said] })), Err(RegistrationError::UiTools { ui: "u".into(), surface }));
    }
}
