//! What a tool takes and what it answers; an action takes the same.
//!
//! What it is for: their methods take any struct with `#[plugbay_sdk::args]`; a tool answers anything that can be JSON; [`ToolResult`] is for those
//! that want to say more. What it costs: serde_json in the plugin, and the schema of the arguments, about 140 KiB. How it fails: arguments that don't
//! fit, an `Err` and an answer that can't be JSON all tell the model that the tool failed, in words.

use crate::ToolResult;
use crate::settings::schema_of;
use crate::value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Arguments of a tool that the model can be told of, or parameters of an action that a form can be made of. Implemented by `#[plugbay_sdk::args]`, and by
/// `Map<String, Value>` for what takes any object.
#[diagnostic::on_unimplemented(
    message = "`{Self}` isn't what a tool or an action can take",
    label = "these are its arguments",
    note = "put `#[plugbay_sdk::args]` on the struct"
)]
pub trait Args: DeserializeOwned {
    /// The JSON Schema (2020-12), as JSON text.
    fn schema() -> String;
}

impl Args for Map<String, Value> {
    fn schema() -> String {
        schema_of::<Self>()
    }
}

/// What a tool may answer: anything that can be JSON, or a [`ToolResult`].
#[diagnostic::on_unimplemented(
    message = "a tool can't answer `{Self}`",
    label = "anything that implements `serde::Serialize` is expected, or a `ToolResult`; or a `Result` of one of them"
)]
pub trait IntoToolResult {
    /// The answer as the host gets it.
    ///
    /// # Errors
    ///
    /// If it can't be JSON.
    fn into_tool_result(self) -> Result<ToolResult, String>;
}

impl<T: Serialize> IntoToolResult for T {
    fn into_tool_result(self) -> Result<ToolResult, String> {
        Ok(ToolResult { content: value::text("the tool's answer", &self)?, is_error: false, attrs: Vec::new() })
    }
}

impl IntoToolResult for ToolResult {
    fn into_tool_result(self) -> Result<ToolResult, String> {
        Ok(self)
    }
}

impl ToolResult {
    /// What the tool has to say, in words: best for most models.
    pub fn text(content: impl Into<String>) -> Self {
        Self { content: Value::String(content.into()).to_string(), is_error: false, attrs: Vec::new() }
    }

    /// What the tool has to say, as any value.
    ///
    /// # Errors
    ///
    /// If the value can't be JSON.
    pub fn new(content: &(impl Serialize + ?Sized)) -> crate::Result<Self> {
        Ok(Self { content: value::text("the tool's answer", content).map_err(crate::Error::new)?, is_error: false, attrs: Vec::new() })
    }

    /// The same, from JSON text.
    pub fn json(content: impl Into<String>) -> Self {
        Self { content: content.into(), is_error: false, attrs: Vec::new() }
    }

    /// The tool couldn't do what it was asked, and says why.
    pub fn failed(why: impl Into<String>) -> Self {
        Self { is_error: true, ..Self::text(why) }
    }
}

/// Reads what the host handed over.
///
/// # Errors
///
/// If it doesn't fit the type, with serde's words.
pub fn read_args<T: Args>(what: &str, text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("{what}: {error}"))
}

/// What a projection answered, as JSON text.
///
/// # Errors
///
/// The author's own, or that the answer can't be JSON.
pub fn shown<T: Serialize>(answer: Result<Option<T>, String>) -> Result<Option<String>, String> {
    answer?.map(|shown| value::text("what is shown", &shown)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fallible;
    use serde_json::json;

    #[crate::args]
    #[derive(Debug, PartialEq)]
    struct Sum {
        /// The first.
        a: i64,
        b: i64,
    }

    #[test]
    fn arguments_have_a_schema_and_are_read_in_serdes_words() {
        let schema: Value = serde_json::from_str(&Sum::schema()).unwrap();
        assert_eq!(schema["type"], "object");
        assert_eq!(schema["required"], json!(["a", "b"]));
        assert_eq!(schema["properties"]["a"]["description"], "The first.");
        assert_eq!(read_args::<Sum>("the arguments of `sum`", r#"{"a":1,"b":2}"#), Ok(Sum { a: 1, b: 2 }));
        let error = read_args::<Sum>("the arguments of `sum`", r#"{"a":1,"c":2}"#).unwrap_err();
        assert!(error.starts_with("the arguments of `sum`: unknown field `c`"), "{error}");
        let any: Value = serde_json::from_str(&Map::<String, Value>::schema()).unwrap();
        assert_eq!((&any["type"], &any["additionalProperties"]), (&json!("object"), &json!(true)));
    }

    #[test]
    fn answers_become_json_and_errors_words() {
        let content = |answer: Result<ToolResult, String>| answer.map(|result| (result.content, result.is_error));
        assert_eq!(content("sunny".into_tool_result()), Ok(("\"sunny\"".into(), false)));
        assert_eq!(
            content(fallible(Ok::<_, String>(json!({"t": 21})), IntoToolResult::into_tool_result)),
            Ok((r#"{"t":21}"#.into(), false))
        );
        assert_eq!(
            content(fallible(Ok::<_, String>(ToolResult::failed("no such city")), IntoToolResult::into_tool_result)),
            Ok(("\"no such city\"".into(), true))
        );
        assert_eq!(content(ToolResult::new(&[1]).unwrap().into_tool_result()), Ok(("[1]".into(), false)));
        assert_eq!(content(ToolResult::text("so").into_tool_result()), Ok(("\"so\"".into(), false)));
        assert_eq!(
            content(fallible(Err::<u8, _>(crate::Error::new("no route")), IntoToolResult::into_tool_result)),
            Err("no route".into())
        );
        let keys_that_are_lists = std::collections::BTreeMap::from([(vec![1], 1)]);
        assert!(content(keys_that_are_lists.into_tool_result()).unwrap_err().starts_with("the tool's answer can't be JSON"));
    }

    #[test]
    fn what_is_shown_of_a_state_is_any_json_or_nothing() {
        assert_eq!(shown(Ok(Some("x"))), Ok(Some("\"x\"".into())));
        assert_eq!(shown(Ok(None::<u8>)), Ok(None));
        assert_eq!(shown(Err::<Option<u8>, _>("no".into())), Err("no".into()));
    }
}
