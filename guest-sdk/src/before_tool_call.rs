//! What a gate before a tool call is told, and how it answers.
//!
//! What it is for: one constructor for each thing that the gate can want. What it costs: only `rewrite` and `parse` bring serde_json into
//! the plugin. How it fails: `rewrite` when the value can't be JSON; the host refuses arguments that aren't an object.

use crate::hooks::before_tool_call::Block;
use crate::{ApprovalRequest, Decision, Message, Payload, Result, Severity, Text, ToolCall, ToolDecision};
use serde::Serialize;

impl ToolCall {
    /// A call to hand to one's own hook in a test. `params` is JSON text.
    pub fn new(tool_name: impl Into<String>, params: impl Into<String>) -> Self {
        Self { tool_name: tool_name.into(), params: Payload::Json(params.into()), tool_call_id: None, attrs: Vec::new() }
    }
}

impl Message {
    /// A message to hand to one's own hook in a test.
    pub fn new(message_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self { message_id: Some(message_id.into()), text: Text::Whole(text.into()), at: 0, attrs: Vec::new() }
    }
}

impl ToolDecision {
    /// No opinion: to build upon.
    fn none() -> Self {
        Self { params: None, block: None, approval: None, attrs: Vec::new() }
    }

    /// The call isn't made, and the model and the person read why.
    pub fn block(reason: impl Into<String>) -> Self {
        Self { block: Some(Block { reason: reason.into() }), ..Self::none() }
    }

    /// The call is made with other arguments, which have to be an object.
    ///
    /// # Errors
    ///
    /// If the value can't be JSON (a map with keys that aren't text, for one).
    pub fn rewrite(params: &impl Serialize) -> Result<Self> {
        Ok(Self::rewrite_json(serde_json::to_string(params)?))
    }

    /// The same, from JSON text.
    pub fn rewrite_json(params: impl Into<String>) -> Self {
        Self { params: Some(params.into()), ..Self::none() }
    }

    /// A person is asked first: a title of at most 80 characters, a description of at most 512.
    pub fn ask(title: impl Into<String>, description: impl Into<String>) -> Self {
        let approval = ApprovalRequest {
            title: title.into(),
            description: description.into(),
            severity: Severity::Warning,
            timeout_ms: None,
            decisions: Vec::new(),
        };
        Self { approval: Some(approval), ..Self::none() }
    }

    /// How a question is shown; `Severity::Warning` if not said.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        if let Some(approval) = &mut self.approval {
            approval.severity = severity;
        }
        self
    }

    /// What may be answered to a question; everything if not said.
    #[must_use]
    pub fn decisions(mut self, decisions: impl IntoIterator<Item = Decision>) -> Self {
        if let Some(approval) = &mut self.approval {
            approval.decisions = decisions.into_iter().collect();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_constructor_says_one_thing() {
        assert_eq!(ToolDecision::block("no").block.unwrap().reason, "no");
        let rewritten = ToolDecision::rewrite(&serde_json::json!({"a": 1})).unwrap();
        assert_eq!((rewritten.params.as_deref(), rewritten.block), (Some(r#"{"a":1}"#), None));
        let asked = ToolDecision::ask("Really?", "It deletes.").severity(Severity::Critical).decisions([Decision::Deny]);
        let approval = asked.approval.unwrap();
        assert_eq!((approval.severity, approval.decisions), (Severity::Critical, vec![Decision::Deny]));
    }

    #[test]
    fn a_value_that_cannot_be_json_is_an_error() {
        let keys_that_are_lists = std::collections::BTreeMap::from([(vec![1], 1)]);
        assert!(ToolDecision::rewrite(&keys_that_are_lists).is_err());
    }
}
