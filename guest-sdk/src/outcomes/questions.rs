//! Questions to a person, before a tool is called: a hook and a policy ask in the same words.

use crate::store::milliseconds;
use crate::{ApprovalRequest, Decision, PolicyDecision, Severity, ToolDecision};
use std::time::Duration;

/// `ask` and what can be said about the question.
macro_rules! asks {
    ($($name:ident)+) => {$(
        impl $name {
            /// A person is asked first: a title of at most 80 characters, a description of at most 512. No answer means no.
            pub fn ask(title: impl Into<String>, description: impl Into<String>) -> Self {
                let approval = ApprovalRequest {
                    title: title.into(),
                    description: description.into(),
                    severity: Severity::Warning,
                    timeout_ms: None,
                    decisions: Vec::new(),
                };
                Self { approval: Some(approval), ..Self::default() }
            }

            /// How a question is shown; `Severity::Warning` if not said.
            #[must_use]
            pub fn severity(self, severity: Severity) -> Self {
                self.question(|approval| approval.severity = severity)
            }

            /// What may be answered to a question; everything if not said.
            #[must_use]
            pub fn decisions(self, decisions: impl IntoIterator<Item = Decision>) -> Self {
                self.question(|approval| approval.decisions = decisions.into_iter().collect())
            }

            /// How long to wait for an answer: two minutes if not said, ten at most.
            #[must_use]
            pub fn wait(self, time: Duration) -> Self {
                self.question(|approval| approval.timeout_ms = Some(u32::try_from(milliseconds(time)).unwrap_or(u32::MAX)))
            }

            fn question(mut self, say: impl FnOnce(&mut ApprovalRequest)) -> Self {
                if let Some(approval) = &mut self.approval {
                    say(approval);
                }
                self
            }
        }
    )+};
}

asks! { ToolDecision PolicyDecision }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_what_was_said_of_it() {
        let asked = ToolDecision::ask("Really?", "It deletes.").severity(Severity::Critical).decisions([Decision::Deny]);
        let approval = asked.wait(Duration::from_secs(9)).approval.unwrap();
        assert_eq!((approval.severity, approval.decisions, approval.timeout_ms), (Severity::Critical, vec![Decision::Deny], Some(9_000)));
        let approval = PolicyDecision::ask("Really?", "It deletes.").approval.unwrap();
        assert_eq!((approval.title.as_str(), approval.severity, approval.timeout_ms), ("Really?", Severity::Warning, None));
        assert_eq!(ToolDecision::block("no").severity(Severity::Info).approval, None);
    }
}
