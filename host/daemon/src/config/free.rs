//! A plugin's own settings: any table, taken as the JSON that the plugin's schema is checked against when the plugin is loaded.
//!
//! Dates become text. What JSON doesn't have (`nan`, `inf`, whole numbers beyond 64 bits) is refused, without its value: it may be a secret.

use super::error::Report;
use super::node::Node;
use super::setting::{Field, Row};
use serde_json::{Map, Number, Value, json};
use toml::de::DeValue;

/// A table that isn't ours.
pub(crate) struct Free<S>(pub(crate) fn(&mut S) -> &mut Map<String, Value>);

impl<S> Field<S> for Free<S> {
    fn read(&self, section: &mut S, node: &Node<'_>, report: &mut Report<'_>) {
        if !matches!(node.value, DeValue::Table(_)) {
            report.add(&node.at, format!("`{}`: expected a table with the plugin's own settings", node.path), None);
        } else if let Some(Value::Object(table)) = json(node, report) {
            *(self.0)(section) = table;
        }
    }

    fn schema(&self) -> Value {
        json!({ "type": "object" })
    }

    fn rows(&self, _: &mut S, path: &str, says: &'static str, rows: &mut Vec<Row>) {
        let expected = "a table".to_owned();
        rows.push(Row { path: path.to_owned(), says, expected, default: Some(json!({})), example: json!({ "language": "en" }) });
    }
}

fn json(node: &Node<'_>, report: &mut Report<'_>) -> Option<Value> {
    let value = match node.value {
        DeValue::String(text) => Some(Value::String(text.to_string())),
        DeValue::Integer(_) => node.integer().map(Value::from),
        DeValue::Float(float) => float.as_str().parse().ok().and_then(Number::from_f64).map(Value::from),
        DeValue::Boolean(truth) => Some(Value::Bool(*truth)),
        DeValue::Datetime(time) => Some(Value::String(time.to_string())),
        DeValue::Array(_) => return node.items().iter().map(|item| json(item, report)).collect(),
        DeValue::Table(_) => {
            let pair = |e: super::node::Entry<'_>, report: &mut Report<'_>| Some((e.key.to_owned(), json(&e.node, report)?));
            return node.children().into_iter().map(|e| pair(e, report)).collect::<Option<Map<_, _>>>().map(Value::from);
        }
    };
    if value.is_none() {
        report.add(&node.at, format!("`{}`: expected a number that JSON has: finite, and of 64 bits if it is whole", node.path), None);
    }
    value
}
