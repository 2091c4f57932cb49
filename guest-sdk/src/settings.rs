//! A plugin's settings as a type of its own.
//!
//! What it is for: `#[plugbay_sdk::settings]` makes a struct readable and describable; what is unknown in it is an error. What it costs:
//! serde_json and schemars in the plugin, about 140 KiB. How it fails: `activate` answers serde's message, naming the field.

use crate::{Error, Result};
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;

/// Settings that the host can describe and the plugin can read. Implemented by `#[plugbay_sdk::settings]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` isn't a plugin's settings",
    label = "these are its settings",
    note = "put `#[plugbay_sdk::settings]` on the struct"
)]
pub trait Settings: DeserializeOwned {
    /// The JSON Schema (2020-12), as JSON text.
    fn schema() -> String;
}

/// The schema, with everything in one place, so that a reader finds each `x-secret` on its way down. Only a type that contains itself is left as a
/// reference, which the host refuses.
#[must_use]
pub fn schema_of<T: schemars::JsonSchema>() -> String {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().as_value().to_string()
}

/// Reads what `activate` was given.
///
/// # Errors
///
/// If it doesn't fit the type, with serde's words.
pub fn read_settings<T: Settings>(config: &str) -> Result<T, String> {
    serde_json::from_str(config).map_err(|error| Error::new(format!("the settings: {error}")).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the operator sets.
    #[crate::settings]
    #[derive(Debug, PartialEq)]
    struct Example {
        /// Shown nowhere.
        #[secret]
        token: String,
        #[serde(default)]
        words: Vec<Word>,
    }

    #[crate::settings]
    #[derive(Debug, PartialEq)]
    struct Word {
        text: String,
        #[secret]
        inner: Option<String>,
    }

    #[test]
    fn the_schema_has_secrets_docs_and_nothing_beside() {
        let schema: serde_json::Value = serde_json::from_str(&Example::schema()).unwrap();
        assert_eq!(schema["properties"]["token"]["x-secret"], true);
        assert_eq!(schema["properties"]["token"]["description"], "Shown nowhere.");
        assert_eq!(schema["description"], "What the operator sets.");
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], serde_json::json!(["token"]));
        assert_eq!(schema["properties"]["words"]["items"]["properties"]["inner"]["x-secret"], true, "inlined");
    }

    #[test]
    fn settings_are_read_and_what_is_unknown_is_named() {
        let read = read_settings::<Example>(r#"{"token":"t"}"#).unwrap();
        assert_eq!(read, Example { token: "t".into(), words: Vec::new() });
        let error = read_settings::<Example>(r#"{"token":"t","tokne":1}"#).unwrap_err();
        assert!(error.starts_with("the settings: unknown field `tokne`, expected `token` or `words`"), "{error}");
    }
}
