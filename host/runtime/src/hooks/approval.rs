//! Questions to people, which `before-tool-call` and `tool-policy` may ask; and `approvals`, which tells the plugin what became of its own.

use super::answer::{Weighed, within};
use super::lowered::{cases, event};
use super::observer::Observer;
use crate::hook::Malformed;
use crate::id::PluginId;
use crate::wire::exports::plugbay::plugin::approvals as wire;
use crate::wire::types::{self, CauseKind};
use serde::{Serialize, Serializer};
use std::num::NonZeroU32;
use std::time::Duration;

/// Characters of an approval's title.
const TITLE: usize = 80;
/// Characters of an approval's description.
const DESCRIPTION: usize = 512;
/// How long an approval waits, if the plugin doesn't say.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long an approval waits at most.
const MOST_PATIENCE: Duration = Duration::from_secs(600);

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Approval {
    /// The question.
    pub title: String,
    /// What there is to know.
    pub description: String,
    /// How it is shown.
    pub severity: Severity,
    /// How long to wait; no answer means no.
    #[serde(rename = "patience-ms", serialize_with = "millis")]
    pub patience: Duration,
    /// What may be answered; never empty.
    pub decisions: Vec<ApprovalDecision>,
    /// Who asks, as soon as it is merged with what others want.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginId>,
}

cases! {
    /// How a question to a person, or a finding, is shown.
    Severity = types::Severity {
        /// Nothing bad can come of it.
        Info,
        /// The usual case.
        Warning,
        /// Think twice.
        Critical,
    }
}

cases! {
    /// What a person may answer.
    ApprovalDecision = types::Decision {
        /// Yes, this time.
        AllowOnce,
        /// Yes, and don't ask again.
        AllowAlways,
        /// No.
        Deny,
    }
}

/// A duration as JSON has it.
fn millis<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

impl TryFrom<types::ApprovalRequest> for Approval {
    type Error = Malformed;

    fn try_from(request: types::ApprovalRequest) -> Result<Self, Malformed> {
        let types::ApprovalRequest { title, description, severity, timeout_ms, decisions } = request;
        if title.trim().is_empty() {
            return Err(Malformed::new("approval.title", "it is empty"));
        }
        Ok(Self {
            title: within("approval.title", title, TITLE)?,
            description: within("approval.description", description, DESCRIPTION)?,
            severity: severity.into(),
            patience: patience(timeout_ms)?,
            decisions: answers(&decisions),
            plugin: None,
        })
    }
}

impl Weighed for types::ApprovalRequest {
    fn bytes(&self) -> usize {
        self.title.len() + self.description.len() + self.decisions.len()
    }
}

fn patience(timeout_ms: Option<u32>) -> Result<Duration, Malformed> {
    let Some(ms) = timeout_ms else { return Ok(PATIENCE) };
    let patience = NonZeroU32::new(ms).map(|ms| Duration::from_millis(ms.get().into()));
    patience.filter(|p| *p <= MOST_PATIENCE).ok_or_else(|| Malformed::new("approval.timeout-ms", format!("{ms}: expected 1 to 600000")))
}

/// What may be answered, each once; all of it, if the plugin doesn't say.
fn answers(decisions: &[types::Decision]) -> Vec<ApprovalDecision> {
    let all = [types::Decision::AllowOnce, types::Decision::AllowAlways, types::Decision::Deny];
    all.into_iter().filter(|decision| decisions.is_empty() || decisions.contains(decision)).map(ApprovalDecision::from).collect()
}

/// Remembers the first question, and who asks it.
pub(super) fn ask(so_far: &mut Option<Approval>, next: Option<Approval>, by: &PluginId) {
    if so_far.is_none() {
        *so_far = next.map(|question| Approval { plugin: Some(by.clone()), ..question });
    }
}

/// `approvals`.
#[derive(Debug, Clone, Copy)]
pub struct Approvals;

event! {
    /// A question that was resolved.
    ApprovalEnd => wire::Event {
        /// Its id.
        id: String,
        /// Its title.
        title: String,
        /// The tool that was about to be called.
        tool_name: String,
        /// The model's name for the call.
        tool_call_id: Option<String>,
        /// What became of it.
        resolution: Resolution,
        /// Who answered.
        by: Option<String>,
    }
}

cases! {
    /// What became of a question.
    Resolution = wire::Resolution {
        /// Yes, this time.
        AllowOnce,
        /// Yes, and don't ask again.
        AllowAlways,
        /// No.
        Deny,
        /// Nobody answered in time; that is a no.
        TimedOut,
        /// The turn ended, or the host stopped, before anybody answered; that is a no.
        Cancelled,
    }
}

impl Observer for Approvals {
    const NAME: &'static str = "approvals";
    const CAUSE: CauseKind = CauseKind::Approval;

    type Event = ApprovalEnd;
    type Wire = wire::Event;
}
