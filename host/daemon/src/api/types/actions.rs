//! What people have plugins do: actions, commands, and where a page shows them.
//!
//! What an action answers is the one body whose names aren't as everywhere else here: `continueAgent` is written as those write it for whom the contract of actions is known already.

use super::agent::ToolClash;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use utoipa::openapi::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

/// Which actions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ActionsQuery {
    /// Of this plugin only.
    pub plugin: Option<String>,
}

/// Actions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActionList {
    /// By plugin, then id.
    pub actions: Vec<ActionView>,
}

/// What people can have a plugin do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActionView {
    /// The plugin.
    pub plugin: String,
    /// The plugin's generation that says so.
    pub generation: u64,
    /// Its id.
    pub id: String,
    /// Its name for people, as on a button.
    pub title: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON Schema (2020-12) of its parameters. None: it takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    pub params: Option<Value>,
    /// What a caller needs: `operator.read`, `operator.write` or `operator.admin`.
    pub scope: String,
}

/// What an action is to be done with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ActionRequest {
    /// The session that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Its parameters. Left out or null: none, which is `{}` to an action that takes some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<Value>,
}

/// What became of an action. That its plugin says no is an answer, not a refusal of the host's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ActionAnswer {
    /// It was done.
    Done(ActionDone),
    /// It wasn't.
    Failed(ActionFailed),
}

/// An action was done.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionDone {
    /// True.
    #[schema(schema_with = always_true)]
    pub ok: Always<true>,
    /// What came of it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    pub result: Option<Value>,
    /// The same for people, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// Whether the session's agent goes on; left out, it doesn't.
    #[serde(default, rename = "continueAgent", skip_serializing_if = "std::ops::Not::not")]
    pub continue_agent: bool,
}

/// An action wasn't done, and its plugin says why.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionFailed {
    /// False.
    #[schema(schema_with = always_false)]
    pub ok: Always<false>,
    /// Why, for people; never blank.
    pub error: String,
    /// A word for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What else there is to know.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    pub details: Option<Value>,
}

/// That null is given is something else than that nothing is.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

/// A truth that is always the same, by which one form of an answer is told from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Always<const TRUTH: bool>;

impl<const TRUTH: bool> Serialize for Always<TRUTH> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(TRUTH)
    }
}

impl<'de, const TRUTH: bool> Deserialize<'de> for Always<TRUTH> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if bool::deserialize(deserializer)? == TRUTH { Ok(Self) } else { Err(serde::de::Error::custom(format!("expected {TRUTH}"))) }
    }
}

fn always_true() -> Object {
    always(true)
}

fn always_false() -> Object {
    always(false)
}

fn always(truth: bool) -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([truth])).build()
}

/// What a page draws.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UiList {
    /// In the order in which it is to stand. What the caller's scope is too small for isn't there.
    pub ui: Vec<UiView>,
}

/// Where a page shows what of a plugin. Nothing of it is code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UiView {
    /// The plugin.
    pub plugin: String,
    /// The plugin's generation that says so.
    pub generation: u64,
    /// Its id.
    pub id: String,
    /// Where it is shown: `session`, `tool`, `run`, `settings`, `tab` or `widget`.
    pub surface: String,
    /// Its name for people.
    pub label: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name of an icon that the page has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Lower stands first.
    pub order: i32,
    /// The namespace of session state that it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Tools of the plugin that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Actions of the plugin that it offers, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// What somebody needs to see it.
    pub scope: String,
}

/// Commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandList {
    /// By name.
    pub commands: Vec<CommandView>,
    /// Names that several plugins claim, or that the program has itself: no plugin has them.
    pub clashes: Vec<ToolClash>,
}

/// A command of a plugin, for people who talk with an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandView {
    /// The plugin.
    pub plugin: String,
    /// The plugin's generation that says so.
    pub generation: u64,
    /// Its name, without the slash.
    pub name: String,
    /// What it does, in a line.
    pub description: String,
    /// What stands behind it. None: it takes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<String>,
    /// What a caller needs.
    pub scope: String,
}

/// What a command is to be run with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CommandRequest {
    /// The session that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What stands behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<String>,
}

/// What a command answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandAnswer {
    /// The plugin that it is of.
    pub plugin: String,
    /// What the person is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The job by which the session's agent goes on, if it does. It is there until that turn has ended, which has it as its `message_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_is_read_as_one_of_its_two_forms_and_nothing_else() {
        let done = ActionDone { result: Some(Value::Null), continue_agent: true, ..ActionDone::default() };
        let failed = ActionFailed { error: "no".into(), ..ActionFailed::default() };
        for (answer, text) in [
            (ActionAnswer::Done(done), json!({ "ok": true, "result": null, "continueAgent": true })),
            (ActionAnswer::Done(ActionDone::default()), json!({ "ok": true })),
            (ActionAnswer::Failed(failed), json!({ "ok": false, "error": "no" })),
        ] {
            assert_eq!(serde_json::to_value(&answer).unwrap(), text);
            assert_eq!(serde_json::from_value::<ActionAnswer>(text).unwrap(), answer);
        }
        for neither in
            [json!({ "ok": false }), json!({ "ok": true, "error": "no" }), json!({ "ok": false, "error": "no", "reply": "r" }), json!({})]
        {
            assert!(serde_json::from_value::<ActionAnswer>(neither.clone()).is_err(), "{neither}");
        }
    }
}
