//! An outcome as a test writes it: JSON, with the contract's names.

use plugbay_sdk::prelude::*;
use plugbay_sdk::{ApprovalRequest, Decision};

/// JSON that says what to answer.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a>(pub(crate) &'a Value);

impl<'a> Wish<'a> {
    /// A member that isn't null.
    pub(crate) fn member(self, name: &str) -> Option<Wish<'a>> {
        self.0.get(name).filter(|value| !value.is_null()).map(Wish)
    }

    /// A text.
    pub(crate) fn text(self, name: &str) -> Option<String> {
        self.member(name)?.0.as_str().map(str::to_owned)
    }

    /// A text that has to be there.
    pub(crate) fn said(self, name: &str) -> Result<String> {
        self.text(name).ok_or_else(|| Error::new(format!("`{name}` is missing in {}", self.0)))
    }

    /// Any JSON.
    pub(crate) fn json(self, name: &str) -> Option<String> {
        self.member(name).map(|value| value.0.to_string())
    }

    /// A number.
    pub(crate) fn number(self, name: &str) -> Option<u32> {
        self.member(name)?.0.as_u64()?.try_into().ok()
    }

    /// A list.
    pub(crate) fn list(self, name: &str) -> Option<Vec<Wish<'a>>> {
        Some(self.member(name)?.0.as_array()?.iter().map(Wish).collect())
    }

    /// A list of texts.
    pub(crate) fn texts(self, name: &str) -> Option<Vec<String>> {
        Some(self.list(name)?.into_iter().filter_map(|wish| wish.0.as_str().map(str::to_owned)).collect())
    }

    /// How something is shown.
    pub(crate) fn severity(self) -> Severity {
        match self.text("severity").as_deref() {
            Some("info") => Severity::Info,
            Some("critical") => Severity::Critical,
            _ => Severity::Warning,
        }
    }

    /// A question to a person.
    pub(crate) fn approval(self) -> Result<Option<ApprovalRequest>> {
        let Some(wish) = self.member("approval") else { return Ok(None) };
        let decisions = wish.texts("decisions").unwrap_or_default();
        Ok(Some(ApprovalRequest {
            title: wish.said("title")?,
            description: wish.said("description")?,
            severity: wish.severity(),
            timeout_ms: wish.number("timeout-ms"),
            decisions: decisions.iter().map(|word| decision(word)).collect::<Result<_>>()?,
        }))
    }
}

fn decision(word: &str) -> Result<Decision> {
    match word {
        "allow-once" => Ok(Decision::AllowOnce),
        "allow-always" => Ok(Decision::AllowAlways),
        "deny" => Ok(Decision::Deny),
        other => Err(Error::new(format!("no such decision: {other}"))),
    }
}
