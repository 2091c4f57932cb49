//! The schema and the documentation say what the parser takes.

use super::parse;
use crate::config::describe::rows;
use crate::config::{schema, table};
use serde_json::{Map, Value, json};
use std::fs;

const DOCUMENTATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
const BEGIN: &str = "<!-- generated -->\n";
const END: &str = "<!-- end of generated -->\n";

#[test]
fn the_documentation_is_current() {
    let text = fs::read_to_string(DOCUMENTATION).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("no mark where the generated part begins");
    let (is, after) = rest.split_once(END).expect("no mark where the generated part ends");
    if std::env::var_os("PLUGBAY_RENEW_DOCS").is_some() {
        fs::write(DOCUMENTATION, [before, BEGIN, &table(), END, after].concat()).unwrap();
        return;
    }
    assert_eq!(
        is,
        table(),
        "docs/configuration.md is out of date; renew it: PLUGBAY_RENEW_DOCS=1 cargo test -p plugbay the_documentation_is_current"
    );
}

#[test]
fn examples_in_the_documentation_are_good() {
    let text = fs::read_to_string(DOCUMENTATION).unwrap();
    let examples: Vec<_> = text.split("```toml\n").skip(1).map(|part| part.split("```").next().unwrap()).collect();
    assert!(!examples.is_empty());
    for example in examples {
        parse(example).unwrap_or_else(|e| panic!("{e}"));
        assert!(fits(&json_of(example)), "{example}");
    }
}

/// A file with one setting.
fn with(path: &str, value: &Value) -> String {
    let toml = match value {
        Value::Object(table) => format!("{{ {} }}", table.iter().map(|(k, v)| format!("{k} = {v}")).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    };
    format!("{} = {toml}\n", path.replace("<id>", "scribe"))
}

/// What has to be said with a setting that means nothing alone: settings of a server are for a model.
fn company(path: &str) -> String {
    let others = [("model.model", "m"), ("model.base-url", "http://127.0.0.1:8000/v1")].into_iter().filter(|(other, _)| *other != path);
    if path.starts_with("model.") { others.map(|(other, value)| with(other, &json!(value))).collect() } else { String::new() }
}

fn json_of(text: &str) -> Value {
    fn value(item: &toml_edit::Item) -> Value {
        if let Some(table) = item.as_table_like() {
            return table.iter().map(|(k, v)| (k.to_owned(), value(v))).collect::<Map<_, _>>().into();
        }
        match item.as_value().unwrap() {
            toml_edit::Value::String(text) => json!(text.value()),
            toml_edit::Value::Integer(n) => json!(n.value()),
            toml_edit::Value::Float(n) => json!(n.value()),
            toml_edit::Value::Boolean(truth) => json!(truth.value()),
            toml_edit::Value::Array(array) => array.iter().map(|v| value(&toml_edit::Item::Value(v.clone()))).collect(),
            other => panic!("{other:?}"),
        }
    }
    value(toml_edit::Document::parse(text).unwrap().as_item())
}

fn fits(file: &Value) -> bool {
    jsonschema::validator_for(&schema()).unwrap().is_valid(file)
}

#[test]
fn every_documented_setting_parses_and_fits_the_schema() {
    let rows = rows();
    assert!(rows.len() > 50);
    for row in rows {
        for value in [Some(&row.example), row.default.as_ref()].into_iter().flatten() {
            let text = with(&row.path, value) + &company(&row.path);
            parse(&text).unwrap_or_else(|e| panic!("{e}"));
            assert!(fits(&json_of(&text)), "{text}");
        }
        assert!(row.says.ends_with('.') && !row.says.contains('|'), "{}", row.path);
    }
}

#[test]
fn a_documented_default_is_what_counts_when_it_is_left_out() {
    for row in rows() {
        let Some(default) = row.default else { continue };
        let company = company(&row.path) + "plugins.scribe = {}\n";
        let plain = format!("{:?}", parse(&company).unwrap());
        let text = format!(
            "[plugins.scribe]\n{}",
            if row.path.starts_with("plugins.<id>.") { with(&row.path["plugins.<id>.".len()..], &default) } else { String::new() }
        );
        let text = if row.path.starts_with("plugins.<id>.") { text } else { with(&row.path, &default) + &company };
        // What is granted or limited by name is noted as decided; all else is no different from nothing said.
        if row.path.contains(".grants.") || row.path.contains(".budgets.") {
            continue;
        }
        assert_eq!(format!("{:?}", parse(&text).unwrap()), plain, "{text}");
    }
}

#[test]
fn every_name_in_the_schema_is_documented() {
    fn names(schema: &Value, path: &str, found: &mut Vec<String>) {
        let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return found.push(path.to_owned()) };
        properties.iter().for_each(|(name, inner)| names(inner, &join(name), found));
        if let Some(inner) = schema.get("additionalProperties").filter(|inner| inner.is_object()) {
            names(inner, &join("<id>"), found);
        }
    }
    let mut found = Vec::new();
    names(&schema(), "", &mut found);
    let mut documented: Vec<_> = rows().into_iter().map(|row| row.path).collect();
    found.sort();
    documented.sort();
    assert_eq!(found, documented);
}

#[test]
fn the_schema_refuses_what_the_parser_refuses() {
    for text in [
        "colour = 1",
        "logs.lines = -1",
        "logs.lines = 0",
        "logs.level = 'loud'",
        "watch.poll = 5",
        "watch.poll = '5'",
        "watch.debounce = '5 m'",
        "engine.cells = 0",
        "state.rows = 50001",
        "plugins.a.limits.memory = '0 MiB'",
        "plugins.a.limits.memory = '1 MB'",
        "plugins.a.limits.memroy = '1 MiB'",
        "plugins.a.enabeld = true",
        "plugins.a.grants.fly = true",
        "plugins.a.isolation = { pool = 0 }",
        "plugins.a.isolation = 'mine'",
        "plugins.a.slots = ['context']",
        "plugins.A.enabled = true",
        "plugins.allow.enabled = true",
        "plugins.deny = ['a', 'a']",
        "http.listen = 'localhost:1'",
        "schedule.jobs = 0",
        "schedule.catch-up = 'twice'",
        "outbox.keep = 'never'",
        "outbox.keep = '0 h'",
        "outbox.bytes = '0 B'",
        "outbox.folder = ''",
    ] {
        assert!(parse(text).is_err(), "{text}");
        assert!(!fits(&json_of(text)), "{text}");
    }
}
