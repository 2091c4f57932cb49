//! Questions of plugins to whoever talks with the agent.

use crate::api::types::{ApprovalView, Decision};
use crate::output::{Paint, Tone, one_line};
use clap::ValueEnum;

/// An answer to all questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Approve {
    /// Nothing that is asked for may be done.
    Deny,
    /// Whatever is asked for may be done, each time.
    AllowOnce,
}

impl Approve {
    /// The answer to this question, if it takes one of these. What can't be allowed once is denied.
    pub(super) fn answer(self, asked: &ApprovalView) -> Option<Decision> {
        let wanted = match self {
            Self::Deny => Decision::Deny,
            Self::AllowOnce => Decision::AllowOnce,
        };
        [wanted, Decision::Deny].into_iter().find(|answer| asked.answers.contains(answer))
    }
}

/// How a person answers.
const KEYS: [(&str, Decision, &str); 3] =
    [("y", Decision::AllowOnce, "allow once"), ("a", Decision::AllowAlways, "always allow"), ("n", Decision::Deny, "deny")];

/// What may be answered here, as a line to type behind.
pub(super) fn choices(asked: &ApprovalView, paint: Paint) -> String {
    let offered = KEYS.iter().filter(|(_, answer, _)| asked.answers.contains(answer));
    let choices: Vec<_> = offered.map(|(key, _, words)| format!("{} {words}", paint.on(Tone::Heading, key))).collect();
    format!("  {}? ", choices.join(", "))
}

/// The answer that somebody typed, if it is one.
pub(super) fn answer(asked: &ApprovalView, typed: &str) -> Option<Decision> {
    let typed = typed.trim();
    KEYS.iter().find(|(key, answer, _)| key.eq_ignore_ascii_case(typed) && asked.answers.contains(answer)).map(|(_, answer, _)| *answer)
}

/// What is said of a question where nobody can answer it.
pub(super) fn elsewhere(asked: &ApprovalView, until: &str) -> String {
    let id = one_line(&asked.id);
    format!("  answer it with `plugbay approvals allow {id}` or `plugbay approvals deny {id}`; no answer until {until} means no\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::Concern;
    use serde_json::json;

    fn asked(answers: &[Decision]) -> ApprovalView {
        ApprovalView {
            id: "q1".into(),
            plugin: "shell-guard".into(),
            title: "Push?".into(),
            description: "The agent wants to run:\ngit push".into(),
            severity: Concern::Warning,
            answers: answers.into(),
            tool: "bash".into(),
            call_id: None,
            params: json!({ "command": "git push" }),
            session: Some("main".into()),
            run: None,
            asked_at: 0,
            until: 1_000,
        }
    }

    const ALL: [Decision; 3] = [Decision::AllowOnce, Decision::AllowAlways, Decision::Deny];

    #[test]
    fn only_what_is_offered_is_an_answer() {
        let typed = |answers: &[Decision]| ["y", " A ", "n\n", "yes", "", "d"].map(|typed| answer(&asked(answers), typed));
        assert_eq!(typed(&ALL), [Some(Decision::AllowOnce), Some(Decision::AllowAlways), Some(Decision::Deny), None, None, None]);
        assert_eq!(typed(&[Decision::Deny]), [None, None, Some(Decision::Deny), None, None, None]);
        assert_eq!(choices(&asked(&ALL), Paint::NONE), "  y allow once, a always allow, n deny? ");
        assert_eq!(choices(&asked(&[Decision::Deny]), Paint::NONE), "  n deny? ");
    }

    #[test]
    fn what_cant_be_allowed_once_is_denied() {
        let answers = |answers: &[Decision]| [Approve::AllowOnce, Approve::Deny].map(|approve| approve.answer(&asked(answers)));
        assert_eq!(answers(&ALL), [Some(Decision::AllowOnce), Some(Decision::Deny)]);
        assert_eq!(answers(&[Decision::AllowAlways, Decision::Deny]), [Some(Decision::Deny); 2]);
        assert_eq!(answers(&[Decision::AllowAlways]), [None; 2]);
    }
}
