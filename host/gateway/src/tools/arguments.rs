//! Arguments as a model writes them: text that is meant to be a JSON object.

use plugbay_runtime::{Json, Payload};
use serde_json::Value;

/// The object that a model wrote. Blank text is the empty one: models write that for tools without arguments.
///
/// # Errors
/// In words for the model.
pub(super) fn read(text: &str) -> Result<Json, String> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let json = Json::check(text).map_err(|e| format!("the arguments are no good: {e}; expected a JSON object"))?;
    if json.as_str().trim_start().starts_with('{') {
        Ok(json)
    } else {
        Err("the arguments are JSON, but no object: expected one".to_owned())
    }
}

/// What a model wrote, as observers see it, also where it makes no sense.
pub(super) fn shown(text: &str) -> Payload {
    match Json::check(text) {
        Ok(json) => json.into(),
        Err(_) => Payload::of(&Value::from(text)),
    }
}
