//! What a context engine is for: `context-ingest`, `context-assemble`, `context-compact`. One plugin is called, the one in the slot; which that is, and what follows from a
//! failure, is the gateway's.

use super::answer::{Attrs, REASON, Weighed, attrs, json, text, weighed, within};
use super::lowered::{cases, event};
use crate::grant::Grant;
use crate::hook::{Hook, Malformed};
use crate::json::Json;
use crate::transcript::{Entry, Role};
use crate::wire::exports::plugbay::plugin as wire;
use serde::Serialize;

/// What every call of a context engine takes.
pub(super) const GRANTS: &[Grant] = &[Grant::Conversation, Grant::Prompt];
/// Bytes of what an engine puts above the instructions.
const ADDITION: usize = 32 << 10;

/// What calls of a context engine have in common: nobody else is asked, and the answer is a record or nothing.
macro_rules! engine {
    ($event:ty => $answer:ty as $outcome:ty, $interface:ident, $seconds:literal) => {
        const MODE: $crate::hook::Mode = $crate::hook::Mode::Direct;
        const CAUSE: $crate::wire::types::CauseKind = $crate::wire::types::CauseKind::ContextEngine;
        const BUDGET: std::time::Duration = std::time::Duration::from_secs($seconds);
        const GRANTS: &'static [$crate::grant::Grant] = $crate::hooks::context::GRANTS;

        type Event = $event;
        type Wire = wire::$interface::Event;
        type Answer = $answer;
        type Outcome = $outcome;

        fn lower(event: Self::Event) -> Self::Wire {
            $crate::hooks::lowered::Lowered::lowered(event)
        }
    };
}

pub(super) use engine;

/// `context-ingest`: a context engine takes in what was said.
#[derive(Debug, Clone, Copy)]
pub struct ContextIngest;

event! {
    /// What was said since the engine last heard of the conversation.
    Ingesting => wire::context_ingest::Event {
        /// Oldest first.
        entries: Vec<Entry>,
        /// Whether the turn was a heartbeat's.
        heartbeat: bool,
    }
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ingested {
    /// How many were new to the engine.
    pub entries: u32,
    /// Further facts.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "super::facts::serialize")]
    pub attrs: Attrs,
}

impl Hook for ContextIngest {
    const NAME: &'static str = "context-ingest";

    engine!(Ingesting => wire::context_ingest::Ingested as Ingested, context_ingest, 30);

    fn lift(answer: Self::Answer) -> Result<Ingested, Malformed> {
        Ok(Ingested { entries: answer.entries, attrs: attrs(answer.attrs)? })
    }

    fn size(answer: &Self::Answer) -> usize {
        answer.attrs.bytes()
    }
}

/// `context-assemble`: a context engine decides what the model sees.
#[derive(Debug, Clone, Copy)]
pub struct ContextAssemble;

event! {
    /// A model is about to be called.
    Assembling => wire::context_assemble::Event {
        /// Tokens that the answer may take.
        budget: u64,
        /// Which call of the model in this turn, from 1.
        call: u32,
        /// The model.
        model: String,
        /// What was said in this turn.
        prompt: String,
        /// Names of the tools of this turn.
        tools: Vec<String>,
        /// Whether the turn is a heartbeat's.
        heartbeat: bool,
    }
}

/// A part of what the model sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContextPart {
    /// An entry of the transcript, by its id.
    Entry(u64),
    /// Something new.
    Message {
        /// Who speaks.
        role: Role,
        /// What it says.
        content: Json,
    },
}

/// What the model sees of a conversation, as a context engine has it. That it fits this conversation is for the gateway to check.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Assembled {
    /// Its parts, oldest first.
    pub parts: Vec<ContextPart>,
    /// Tokens that they take, as the engine counts.
    pub estimated_tokens: u64,
    /// What stands above the instructions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt_addition: Option<String>,
    /// Further facts.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "super::facts::serialize")]
    pub attrs: Attrs,
}

fn part(part: wire::context_assemble::Part) -> Result<ContextPart, Malformed> {
    match part {
        wire::context_assemble::Part::Entry(id) => Ok(ContextPart::Entry(id)),
        wire::context_assemble::Part::Message(message) => {
            let role = Role::from(message.role);
            if role == Role::Tool {
                return Err(Malformed::new("parts", "a new message can't be a tool's: an answer belongs to a call of the transcript"));
            }
            Ok(ContextPart::Message { role, content: json("parts", message.content)? })
        }
    }
}

impl Weighed for wire::context_assemble::Part {
    fn bytes(&self) -> usize {
        match self {
            Self::Entry(_) => 0,
            Self::Message(message) => message.content.bytes(),
        }
    }
}

weighed!(wire::context_assemble::Assembled { parts, system_prompt_addition, attrs });

impl Hook for ContextAssemble {
    const NAME: &'static str = "context-assemble";

    engine!(Assembling => wire::context_assemble::Assembled as Assembled, context_assemble, 15);

    fn lift(answer: Self::Answer) -> Result<Assembled, Malformed> {
        let addition = answer.system_prompt_addition.filter(|text| !text.trim().is_empty());
        if let Some(bytes) = addition.as_ref().map(String::len).filter(|bytes| *bytes > ADDITION) {
            return Err(Malformed::new("system-prompt-addition", format!("{bytes} bytes, {ADDITION} allowed")));
        }
        let parts = answer.parts.into_iter().map(part).collect::<Result<_, _>>()?;
        Ok(Assembled { parts, estimated_tokens: answer.estimated_tokens, system_prompt_addition: addition, attrs: attrs(answer.attrs)? })
    }

    fn size(answer: &Self::Answer) -> usize {
        answer.bytes()
    }
}

/// `context-compact`: a context engine makes a conversation smaller.
#[derive(Debug, Clone, Copy)]
pub struct ContextCompact;

cases! {
    /// Why a conversation is made smaller.
    CompactionReason = wire::context_compact::Reason {
        /// A person asks.
        Manual,
        /// The model says that it is too long.
        Overflow,
        /// It has come close to the budget.
        Threshold,
    }
}

event! {
    /// A conversation that is to be made smaller.
    CompactionAsked => wire::context_compact::Event {
        /// Why.
        reason: CompactionReason,
        /// Whether it has to be done, however small it is.
        forced: bool,
        /// Tokens that the model takes of it.
        budget: u64,
        /// Tokens that it took when it was last assembled.
        tokens: u64,
        /// What a person asks to be kept, or left out.
        instructions: Option<String>,
    }
}

/// What became of a compaction, in an engine's words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct EngineCompaction {
    /// Whether anything changed.
    pub compacted: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What stands for what isn't told any more, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Tokens before.
    pub tokens_before: u64,
    /// Tokens after.
    pub tokens_after: u64,
    /// Further facts.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "super::facts::serialize")]
    pub attrs: Attrs,
}

weighed!(wire::context_compact::Compaction { why, summary, attrs });

impl Hook for ContextCompact {
    const NAME: &'static str = "context-compact";

    engine!(CompactionAsked => wire::context_compact::Compaction as EngineCompaction, context_compact, 180);

    fn lift(answer: Self::Answer) -> Result<EngineCompaction, Malformed> {
        Ok(EngineCompaction {
            compacted: answer.compacted,
            why: answer.why.map(|why| within("why", why, REASON)).transpose()?,
            summary: text("summary", answer.summary)?,
            tokens_before: answer.tokens_before,
            tokens_after: answer.tokens_after,
            attrs: attrs(answer.attrs)?,
        })
    }

    fn size(answer: &Self::Answer) -> usize {
        answer.bytes()
    }
}
