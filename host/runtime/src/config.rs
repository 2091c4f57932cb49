//! A plugin's settings: checked against the schema that the plugin gave, kept as text, with its secrets known.
//!
//! Fields with `"x-secret": true` in the schema are never printed, neither by us nor, through its log or its errors, by the plugin.

use crate::json::Json;
use crate::schema;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// A plugin's settings. What isn't an object, or doesn't fit the schema, never becomes one.
#[derive(Debug, Default)]
pub(crate) struct Config {
    text: String,
    by_name: HashMap<String, String>,
    secrets: Vec<String>,
}

impl Config {
    /// Checks settings against an [expanded](schema::expand) schema; without one there are no settings.
    pub(crate) fn check(settings: &Map<String, Value>, schema: Option<&Value>) -> Result<Self, String> {
        let whole = Value::Object(settings.clone());
        match schema {
            Some(schema) => schema::check(&whole, schema)?,
            None if settings.is_empty() => {}
            None => return Err("the plugin has no settings, so expected none".to_owned()),
        }
        let text = Json::from_value(&whole).map_err(|e| e.to_string())?.into();
        let by_name = settings.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
        let mut secrets = Vec::new();
        if let Some(schema) = schema {
            schema::secrets(&whole, schema, &mut secrets);
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
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
