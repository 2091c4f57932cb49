//! A plugin's settings: checked against the schema that the plugin gave, kept as text, with its secrets known.
//!
//! Fields with `"x-secret": true` in the schema are never printed, neither by us nor, through its log or its errors, by the plugin.

use crate::json::Json;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// References followed within one schema.
const HOPS: usize = 64;

/// A plugin's settings. What isn't an object, or doesn't fit the schema, never becomes one.
#[derive(Debug, Default)]
pub(crate) struct Config {
    text: String,
    by_name: HashMap<String, String>,
    secrets: Vec<String>,
}

impl Config {
    /// Checks settings against a schema; without one there are no settings.
    pub(crate) fn check(settings: &Map<String, Value>, schema: Option<&Value>) -> Result<Self, String> {
        let whole = Value::Object(settings.clone());
        match schema {
            Some(schema) => fits(&whole, schema)?,
            None if settings.is_empty() => {}
            None => return Err("the plugin has no settings, so expected none".to_owned()),
        }
        let text = Json::from_value(&whole).map_err(|e| e.to_string())?.into();
        let by_name = settings.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
        let mut secrets = Vec::new();
        if let Some(schema) = schema {
            Secrets { root: schema, found: &mut secrets }.gather(&whole, schema, HOPS);
        }
        Ok(Self { text, by_name, secrets })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(String::as_str)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn secrets(&self) -> &[String] {
        &self.secrets
    }
}

/// Whether the settings fit the schema. The answer names places and rules, and masks values: one of them may be a secret.
fn fits(settings: &Value, schema: &Value) -> Result<(), String> {
    let validator = jsonschema::draft202012::new(schema).map_err(|e| format!("the plugin's schema is none: {e}"))?;
    let problems: Vec<String> = validator
        .iter_errors(settings)
        .take(8)
        .map(|e| {
            let place = e.instance_path().to_string();
            let place = if place.is_empty() { "the whole".to_owned() } else { format!("`{place}`") };
            format!("{place}: {}", e.masked_with("the value"))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}

/// Finds the values of secret fields by walking settings and schema together.
struct Secrets<'a> {
    root: &'a Value,
    found: &'a mut Vec<String>,
}

impl Secrets<'_> {
    fn gather(&mut self, value: &Value, schema: &Value, hops: usize) {
        if hops == 0 {
            return;
        }
        if schema.get("x-secret") == Some(&Value::Bool(true)) {
            self.all(value);
            return;
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|r| self.root.pointer(r.strip_prefix('#')?)) {
            self.gather(value, &target.clone(), hops - 1);
        }
        for either in ["allOf", "anyOf", "oneOf"].iter().filter_map(|k| schema.get(k)?.as_array()).flatten() {
            self.gather(value, either, hops - 1);
        }
        if let Some(object) = value.as_object() {
            self.object(object, schema, hops - 1);
        }
        if let (Some(list), Some(items)) = (value.as_array(), schema.get("items")) {
            list.iter().for_each(|item| self.gather(item, items, hops - 1));
        }
    }

    fn object(&mut self, object: &Map<String, Value>, schema: &Value, hops: usize) {
        for (name, value) in object {
            let of_field = schema.get("properties").and_then(|p| p.get(name)).or_else(|| schema.get("additionalProperties"));
            if let Some(of_field) = of_field {
                self.gather(value, of_field, hops);
            }
        }
    }

    /// Everything below a secret is secret.
    fn all(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.found.push(text.clone()),
            Value::Number(number) => self.found.push(number.to_string()),
            Value::Array(list) => list.iter().for_each(|v| self.all(v)),
            Value::Object(object) => object.values().for_each(|v| self.all(v)),
            Value::Null | Value::Bool(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn secrets_are_found_wherever_the_schema_marks_them() {
        let schema = json!({
            "type": "object",
            "properties": {
                "token": { "type": "string", "x-secret": true },
                "plain": { "type": "string" },
                "nested": { "$ref": "#/$defs/Nested" },
                "many": { "type": "array", "items": { "x-secret": true } },
                "maybe": { "anyOf": [{ "$ref": "#/$defs/Nested" }, { "type": "null" }] },
            },
            "$defs": { "Nested": { "type": "object", "properties": { "pin": { "type": "integer", "x-secret": true } } } },
        });
        let settings = object(json!({
            "token": "t0ken", "plain": "seen", "nested": { "pin": 4711 }, "many": ["a1", { "deep": "b2" }], "maybe": { "pin": 4712 },
        }));
        let mut secrets = Config::check(&settings, Some(&schema)).unwrap().secrets;
        secrets.sort();
        assert_eq!(secrets, ["4711", "4712", "a1", "b2", "t0ken"]);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({ "$ref": "#/$defs/A", "$defs": { "A": { "properties": { "a": { "$ref": "#/$defs/A" } } } } });
        assert!(Config::check(&object(json!({ "a": { "a": {} } })), Some(&schema)).is_ok());
    }

    #[test]
    fn settings_that_dont_fit_are_refused_without_their_values() {
        let schema = json!({ "type": "object", "properties": { "token": { "type": "integer", "x-secret": true } } });
        let problem = Config::check(&object(json!({ "token": "hunter2" })), Some(&schema)).unwrap_err();
        assert!(problem.contains("`/token`") && !problem.contains("hunter2"), "{problem}");
    }

    #[test]
    fn a_plugin_without_a_schema_takes_no_settings() {
        assert!(Config::check(&object(json!({})), None).is_ok());
        assert!(Config::check(&object(json!({ "a": 1 })), None).is_err());
    }
}
