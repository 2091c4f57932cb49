//! `before-agent-finalize`: looks at the agent's last word before the turn ends. Who follows a wish for another try, and how often, is the gateway's.

use super::answer::{NAME, addition, asked, attrs, outcome, reason, weighed, within};
use super::lowered::{cases, event};
use crate::grant::Grant;
use crate::hook::{Hook, Malformed, Mode};
use crate::id::PluginId;
use crate::wire::exports::plugbay::plugin::before_agent_finalize as wire;
use serde::Serialize;
use std::cmp::Ordering;
use std::num::NonZeroU32;
use std::time::Duration;

/// The hook.
#[derive(Debug, Clone, Copy)]
pub struct BeforeAgentFinalize;

event! {
    /// An answer that is about to be final.
    Answer => wire::Event {
        /// The agent's last word.
        last_message: String,
        /// The model that gave it.
        model: String,
        /// Revisions of this run so far.
        revisions: u32,
    }
}

cases! {
    /// What is to happen with an answer; the later is the stronger.
    #[derive(Default)]
    Action = wire::Action {
        /// No objection.
        #[default]
        Continue,
        /// Try again.
        Revise,
        /// This is final, whatever others want.
        Finalize,
    }
}

outcome! {
    /// What plugins want of an answer.
    Finalization {
        /// What is to happen.
        action: Action,
        /// Why, of those who want it.
        reasons: Vec<String>,
        /// For a revision: how, in the order of the plugins.
        retries: Vec<Revision>,
    }
}

/// How to try again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Revision {
    /// What the model is told; never blank.
    pub instruction: String,
    /// What attempts are counted by; the instruction itself, if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Attempts of this key in one run.
    pub max_attempts: NonZeroU32,
}

impl Revision {
    /// A retry without an instruction is none.
    fn of(retry: wire::Retry) -> Result<Option<Self>, Malformed> {
        let Some(instruction) = addition("retry.instruction", Some(retry.instruction))? else { return Ok(None) };
        let key = retry.key.filter(|key| !key.trim().is_empty()).map(|key| within("retry.key", key, NAME)).transpose()?;
        let max_attempts = retry.max_attempts.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        Ok(Some(Self { instruction, key, max_attempts }))
    }
}

impl TryFrom<wire::Outcome> for Finalization {
    type Error = Malformed;

    fn try_from(outcome: wire::Outcome) -> Result<Self, Malformed> {
        let wire::Outcome { action, reason: why, retry, attrs: facts } = outcome;
        let why = reason("reason", why)?.filter(|why| !why.trim().is_empty());
        let retry = retry.map(Revision::of).transpose()?.flatten();
        let action = match Action::from(action) {
            Action::Revise if why.is_none() && retry.is_none() => Action::Continue,
            action => action,
        };
        let retry = retry.filter(|_| action == Action::Revise);
        Ok(Self { action, reasons: why.into_iter().collect(), retries: retry.into_iter().collect(), attrs: attrs(facts)? })
    }
}

weighed!(wire::Retry { instruction, key });
weighed!(wire::Outcome { reason, retry, attrs });

impl Hook for BeforeAgentFinalize {
    const NAME: &'static str = "before-agent-finalize";
    const MODE: Mode = Mode::Modify;
    const BUDGET: Duration = Duration::from_secs(15);
    const GRANTS: &'static [Grant] = &[Grant::Conversation];

    asked!(Answer, Finalization, wire);

    /// The strongest wish counts, with the reasons and retries of all who have it.
    fn merge(so_far: &mut Finalization, next: Finalization, _by: &PluginId) {
        so_far.attrs.extend(next.attrs);
        match next.action.cmp(&so_far.action) {
            Ordering::Less => {}
            Ordering::Equal => {
                so_far.reasons.extend(next.reasons);
                so_far.retries.extend(next.retries);
            }
            Ordering::Greater => {
                (so_far.action, so_far.reasons, so_far.retries) = (next.action, next.reasons, next.retries);
            }
        }
    }
}
