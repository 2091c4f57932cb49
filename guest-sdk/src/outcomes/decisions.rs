//! Gates: whether a turn, a tool call, a message, an installation goes on, and how.

use crate::hooks::before_agent_run::Block as RunBlock;
use crate::hooks::before_install::Finding;
use crate::hooks::before_tool_call::Block as ToolBlock;
use crate::{InstallDecision, PolicyDecision, Result, RunDecision, SendDecision, Severity, ToolDecision, WriteDecision};
use serde::Serialize;

impl RunDecision {
    /// There is no turn, for this reason, which nobody but the operator reads.
    pub fn block(reason: impl Into<String>) -> Self {
        Self { block: Some(RunBlock { reason: reason.into(), message: None }), ..Self::default() }
    }

    /// What the person reads, in place of an answer.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        if let Some(block) = &mut self.block {
            block.message = Some(message.into());
        }
        self
    }
}

impl ToolDecision {
    /// The call isn't made, and the model and the person read why.
    pub fn block(reason: impl Into<String>) -> Self {
        Self { block: Some(ToolBlock { reason: reason.into() }), ..Self::default() }
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
        Self { params: Some(params.into()), ..Self::default() }
    }
}

impl PolicyDecision {
    /// The call isn't made, for this reason, and no hook is asked.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self { deny: Some(reason.into()), ..Self::default() }
    }

    /// The call goes on with other arguments, which have to be an object.
    ///
    /// # Errors
    ///
    /// If the value can't be JSON.
    pub fn rewrite(params: &impl Serialize) -> Result<Self> {
        Ok(Self::rewrite_json(serde_json::to_string(params)?))
    }

    /// The same, from JSON text.
    pub fn rewrite_json(params: impl Into<String>) -> Self {
        Self { params: Some(params.into()), ..Self::default() }
    }
}

impl WriteDecision {
    /// Another content is written.
    ///
    /// # Errors
    ///
    /// If the value can't be JSON.
    pub fn rewrite(content: &(impl Serialize + ?Sized)) -> Result<Self> {
        Ok(Self { content: Some(serde_json::to_string(content)?), ..Self::default() })
    }

    /// The message isn't written, for this reason.
    pub fn block(reason: impl Into<String>) -> Self {
        Self { block: Some(reason.into()), ..Self::default() }
    }
}

impl SendDecision {
    /// Another text is sent.
    pub fn rewrite(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// The message isn't sent, for this reason.
    pub fn cancel(reason: impl Into<String>) -> Self {
        Self { cancel: Some(reason.into()), ..Self::default() }
    }
}

impl InstallDecision {
    /// The plugin isn't installed, for this reason.
    pub fn block(reason: impl Into<String>) -> Self {
        Self { block: Some(reason.into()), ..Self::default() }
    }

    /// Something that the operator should know; more of them can follow.
    pub fn finding(severity: Severity, text: impl Into<String>) -> Self {
        Self::default().and_finding(severity, text)
    }

    /// One more.
    #[must_use]
    pub fn and_finding(mut self, severity: Severity, text: impl Into<String>) -> Self {
        self.findings.push(Finding { severity, text: text.into() });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn each_constructor_says_one_thing() {
        let no = Some("no".to_owned());
        let run = RunDecision::block("no").message("Not now.").block.unwrap();
        assert_eq!((run.reason.as_str(), run.message.as_deref()), ("no", Some("Not now.")));
        assert_eq!(ToolDecision::block("no").block.unwrap().reason, "no");
        assert_eq!(PolicyDecision::deny("no"), PolicyDecision { deny: no.clone(), ..PolicyDecision::default() });
        assert_eq!(WriteDecision::block("no"), WriteDecision { block: no.clone(), ..WriteDecision::default() });
        assert_eq!(SendDecision::cancel("no"), SendDecision { cancel: no.clone(), ..SendDecision::default() });
        assert_eq!(SendDecision::rewrite("no"), SendDecision { text: no.clone(), ..SendDecision::default() });
        assert_eq!(InstallDecision::block("no"), InstallDecision { block: no, ..InstallDecision::default() });
        let found = InstallDecision::finding(Severity::Info, "a").and_finding(Severity::Critical, "b").findings;
        assert_eq!(found.iter().map(|found| found.text.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn rewrites_are_json_text() {
        let object = Some(r#"{"a":1}"#.to_owned());
        assert_eq!(ToolDecision::rewrite(&json!({"a": 1})).unwrap(), ToolDecision { params: object.clone(), ..ToolDecision::default() });
        assert_eq!(PolicyDecision::rewrite(&json!({"a": 1})).unwrap(), PolicyDecision { params: object, ..PolicyDecision::default() });
        assert_eq!(WriteDecision::rewrite("text").unwrap().content.as_deref(), Some("\"text\""));
        let keys_that_are_lists = std::collections::BTreeMap::from([(vec![1], 1)]);
        assert!(ToolDecision::rewrite(&keys_that_are_lists).is_err());
    }
}
