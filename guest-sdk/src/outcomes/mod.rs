//! How the hooks that may answer do it: a constructor for each thing that one can want.
//!
//! What it is for: `RunDecision::block("no")` instead of a record with five fields. `Default` of each outcome is no opinion, to build upon. What it
//! costs: only what takes a value rather than text brings serde_json into the plugin. How it fails: a value that can't be JSON is an error; what the host
//! refuses (arguments that aren't an object, say) it refuses when it gets it.

mod changes;
mod decisions;
mod engine;
mod questions;
mod replies;

use crate::hooks::before_agent_finalize::Action;
use crate::hooks::names::{
    AnswerChange, Assembled, DispatchClaim, Finalize, HeartbeatContext, InstallDecision, ModelChoice, PolicyDecision, PromptChange, Reply,
    RunDecision, SendDecision, ToolDecision, TurnContext, WriteDecision,
};

/// No opinion, or nothing yet: every field is left out.
macro_rules! no_opinion {
    ($($name:ident { $($field:ident),+ })+) => {$(
        impl Default for $name {
            fn default() -> Self {
                Self { $($field: Default::default(),)+ attrs: Vec::new() }
            }
        }
    )+};
}

no_opinion! {
    RunDecision { block }
    Reply { reply, reason }
    ModelChoice { provider, model, thinking }
    ToolDecision { params, block, approval }
    PolicyDecision { params, deny, approval }
    DispatchClaim { text }
    TurnContext { prepend_context, append_context }
    HeartbeatContext { prepend_context, append_context }
    PromptChange { system_prompt, prepend_context, append_context, prepend_system_context, append_system_context, tools_allow }
    WriteDecision { content, block }
    AnswerChange { content }
    SendDecision { text, cancel }
    InstallDecision { findings, block }
    Assembled { parts, estimated_tokens, system_prompt_addition }
}

impl Default for Finalize {
    fn default() -> Self {
        Self { action: Action::Continue, reason: None, retry: None, attrs: Vec::new() }
    }
}
