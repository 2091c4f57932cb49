//! Models: `before-model-resolve`, `model-call-started`, `llm-input`, `llm-output`, `model-call-ended`.

use super::answer::{asked, attrs, first, named, outcome, weighed};
use super::lowered::{cases, event, record};
use super::observer::Observer;
use super::turn::Trigger;
use crate::grant::Grant;
use crate::hook::{Hook, Malformed, Mode};
use crate::id::PluginId;
use crate::wire::exports::plugbay::plugin as wire;
use std::time::Duration;

/// `before-model-resolve`: chooses the model of a turn.
#[derive(Debug, Clone, Copy)]
pub struct BeforeModelResolve;

event! {
    /// A turn whose model is to be chosen.
    ModelAsked => wire::before_model_resolve::Event {
        /// Why there is a turn.
        trigger: Trigger,
        /// What was said.
        prompt: String,
        /// The provider that is asked if nobody minds.
        provider: String,
        /// Its model.
        model: String,
    }
}

outcome! {
    /// Which model plugins want.
    ModelChoice {
        /// Another provider.
        provider: Option<String>,
        /// Another model.
        model: Option<String>,
        /// How hard to think, in the provider's own words.
        thinking: Option<String>,
    }
}

impl TryFrom<wire::before_model_resolve::Outcome> for ModelChoice {
    type Error = Malformed;

    fn try_from(outcome: wire::before_model_resolve::Outcome) -> Result<Self, Malformed> {
        Ok(Self {
            provider: outcome.provider.map(|name| named("provider", name)).transpose()?,
            model: outcome.model.map(|name| named("model", name)).transpose()?,
            thinking: outcome.thinking.map(|word| named("thinking", word)).transpose()?,
            attrs: attrs(outcome.attrs)?,
        })
    }
}

weighed!(wire::before_model_resolve::Outcome { provider, model, thinking, attrs });

impl Hook for BeforeModelResolve {
    const NAME: &'static str = "before-model-resolve";
    const MODE: Mode = Mode::Modify;
    const BUDGET: Duration = Duration::from_secs(15);
    const GRANTS: &'static [Grant] = &[Grant::Conversation];

    asked!(ModelAsked, ModelChoice, wire::before_model_resolve);

    /// Of each field the first wish counts.
    fn merge(so_far: &mut ModelChoice, next: ModelChoice, _by: &PluginId) {
        so_far.attrs.extend(next.attrs);
        first(&mut so_far.provider, next.provider);
        first(&mut so_far.model, next.model);
        first(&mut so_far.thinking, next.thinking);
    }
}

/// `model-call-started`: observes the beginning of each call of a model.
#[derive(Debug, Clone, Copy)]
pub struct ModelCallStarted;

event! {
    /// A call of a model that has begun.
    ModelCall => wire::model_call_started::Event {
        /// The number of this call of a model in its run, from 1.
        call: u32,
        /// The provider.
        provider: String,
        /// The model.
        model: String,
        /// Messages that it is given.
        messages: u32,
        /// Tools that it is given.
        tools: u32,
    }
}

impl Observer for ModelCallStarted {
    const NAME: &'static str = "model-call-started";

    type Event = ModelCall;
    type Wire = wire::model_call_started::Event;
}

/// `llm-input`: observes what each call of a model is given.
#[derive(Debug, Clone, Copy)]
pub struct LlmInput;

event! {
    /// What a model is given.
    ModelInput => wire::llm_input::Event {
        /// The number of this call of a model in its run, from 1.
        call: u32,
        /// The provider.
        provider: String,
        /// The model.
        model: String,
        /// The newest message.
        prompt: String,
        /// The instructions above the conversation.
        system_prompt: Option<String>,
        /// Messages before the newest.
        history: u32,
        /// The tools that it may call.
        tools: Vec<String>,
    }
}

impl Observer for LlmInput {
    const NAME: &'static str = "llm-input";
    const GRANTS: &'static [Grant] = &[Grant::Conversation];

    type Event = ModelInput;
    type Wire = wire::llm_input::Event;
}

/// `llm-output`: observes what each call of a model answered.
#[derive(Debug, Clone, Copy)]
pub struct LlmOutput;

record! {
    /// What a call of a model used, in tokens, as far as the provider says.
    Tokens => wire::llm_output::Usage {
        /// Read.
        input: Option<u64>,
        /// Written.
        output: Option<u64>,
    }
}

event! {
    /// What a model answered.
    ModelOutput => wire::llm_output::Event {
        /// The number of this call of a model in its run, from 1.
        call: u32,
        /// The provider.
        provider: String,
        /// The model, as the provider calls it.
        model: String,
        /// What it said.
        text: String,
        /// The tools that it wants called, in order.
        tool_calls: Vec<String>,
        /// What was used.
        usage: Tokens,
    }
}

impl Observer for LlmOutput {
    const NAME: &'static str = "llm-output";
    const GRANTS: &'static [Grant] = &[Grant::Conversation];

    type Event = ModelOutput;
    type Wire = wire::llm_output::Event;
}

/// `model-call-ended`: observes the end of each call of a model.
#[derive(Debug, Clone, Copy)]
pub struct ModelCallEnded;

event! {
    /// A call of a model that has ended.
    ModelCallEnd => wire::model_call_ended::Event {
        /// The number of this call of a model in its run, from 1.
        call: u32,
        /// The provider.
        provider: String,
        /// The model.
        model: String,
        /// How it ended.
        end: ModelCallFate,
        /// What kind of failure: `timeout`, `rate-limited`, `refused` …
        failure: Option<String>,
        /// How long it took.
        duration_ms: u64,
        /// How long until the first piece came.
        first_piece_ms: Option<u64>,
    }
}

cases! {
    /// How a call of a model ended.
    ModelCallFate = wire::model_call_ended::End {
        /// The model answered.
        Answered,
        /// It failed.
        Failed,
        /// The turn was cancelled.
        Cancelled,
    }
}

impl Observer for ModelCallEnded {
    const NAME: &'static str = "model-call-ended";

    type Event = ModelCallEnd;
    type Wire = wire::model_call_ended::Event;
}
