//! Values as JSON text, for the imports that take them.
//!
//! What it is for: one wording of what can't be JSON, or doesn't fit. What it costs: serde_json in the plugin that uses it. How it fails: by the words
//! that the error then says.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;

/// The value as JSON text.
pub(crate) fn text(what: impl Display, value: &(impl Serialize + ?Sized)) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| format!("{what} can't be JSON: {error}"))
}

/// The value of a JSON text.
pub(crate) fn read<T: DeserializeOwned>(what: impl Display, text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("{what} doesn't fit its type: {error}"))
}
