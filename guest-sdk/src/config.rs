//! Single settings by name, beside the typed struct that `activate` gets.
//!
//! What it is for: a plugin that wants one value deep inside, and none of the rest. What it costs: a call of the host, and serde_json in
//! the plugin. How it fails: by an [`Error`] when the value has another form.
//!
//! Natively there are no settings: every answer is none.

use crate::{Error, Result};
use serde::de::DeserializeOwned;

/// One setting, or none if the operator set no such thing.
///
/// # Errors
///
/// If the value doesn't fit the type; the error names the setting.
pub fn get<T: DeserializeOwned>(name: &str) -> Result<Option<T>> {
    let Some(text) = get_json(name) else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|error| Error::new(format!("the setting `{name}`: {error}")))
}

/// One setting as JSON text.
#[cfg(target_family = "wasm")]
#[must_use]
pub fn get_json(name: &str) -> Option<String> {
    crate::bindings::imports::plugbay::plugin::config::get(name)
}

/// One setting as JSON text.
#[cfg(not(target_family = "wasm"))]
#[must_use]
pub fn get_json(_: &str) -> Option<String> {
    None
}
