//! What an engine of a plugin answers when it is asked what the model is to see: checked, and made into messages.
//!
//! The references must be of this conversation, before the present turn, and in its order; what a model does with tools and what came of it stand together, all or nothing; and neither the engine's
//! estimate nor our own count may be above the budget. Anything else is the engine's fault, in words for its author. It costs reading the entries that are referred to, and counting what
//! isn't known yet; the rest of the conversation isn't looked at, but where something is wrong.

use super::builtin::{UNANSWERED, says_something, spoken, told};
use super::seat::{Asked, At, Occasion, Seat};
use crate::model::ModelMessage;
use crate::tokens::Tokens;
use plugbay_runtime::state::{StateError, StoredEntry};
use plugbay_runtime::{Assembled, Assembling, ContextAssemble, ContextPart, Json, Role};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use thiserror::Error;

/// Entries that are read at a time.
const PORTION: usize = 256;
/// Entries that are looked back to find the call of an answer.
const BACK: u64 = 64;

/// What a model is told of the turns before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) messages: Vec<ModelMessage>,
    /// What stands above the instructions.
    pub(crate) addition: Option<String>,
    /// What all of it takes, by our count.
    pub(crate) tokens: u64,
    /// What it takes as an engine counts; nothing, if none of a plugin made it.
    pub(crate) estimate: Option<u64>,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
enum Wrong {
    #[error("`parts`: entry {id} stands behind entry {before}, and ids grow from part to part")]
    Order { id: u64, before: u64 },
    #[error("`parts`: there is no entry {0} in this conversation before the present turn")]
    Unknown(u64),
    #[error(
        "`parts`: entry {0} is the answer to a call of a tool, and doesn't stand right behind the message that called it, with the other answers"
    )]
    Stray(u64),
    #[error(
        "`parts`: entry {call} calls tools, and entry {answer}, which answers one of the calls, doesn't stand right behind it: a call and its answers are in or out together"
    )]
    Half { call: u64, answer: u64 },
    #[error("`estimated-tokens`: {estimate}, and the budget was {budget}")]
    Estimate { estimate: u64, budget: u64 },
    #[error(
        "`parts`: they take {tokens} tokens or more as the host counts (with the addition to the system prompt), and the budget was {budget}"
    )]
    TooMuch { tokens: u64, budget: u64 },
}

/// Why there is no context: the engine's fault, or the state's.
#[derive(Debug, Error)]
enum Unusable {
    #[error(transparent)]
    Wrong(#[from] Wrong),
    #[error(transparent)]
    State(#[from] StateError),
}

impl Seat {
    /// Asks the engine what the model is to see of what was said before the present turn. Nothing, if the built-in engine decides.
    pub(crate) async fn assemble(&self, occasion: &Occasion, asked: Assembling) -> Result<Option<Context>, StateError> {
        if !self.decides() {
            return Ok(None);
        }
        let (life, budget) = (&occasion.life, asked.budget);
        let answer = match self.ask::<ContextAssemble>(At::Usual, &self.told(occasion), asked).await {
            Asked::Answered(answer) => answer,
            Asked::Builtin | Asked::Failed(_) => return Ok(None),
        };
        let parts = self.parts();
        let look = |ids: &[u64]| parts.builtin.entries(life, ids);
        match checked(answer, budget, &parts.tokens, &look) {
            Ok(context) => Ok(Some(context)),
            Err(Unusable::State(error)) => Err(error),
            Err(Unusable::Wrong(wrong)) => {
                self.broke::<ContextAssemble>(format!("malformed answer: {wrong}"));
                Ok(None)
            }
        }
    }
}

/// Entries by their ids, those that there are.
type Look<'a> = &'a dyn Fn(&[u64]) -> Result<Vec<(u64, StoredEntry)>, StateError>;

fn checked(answer: Assembled, budget: u64, tokens: &Tokens, look: Look<'_>) -> Result<Context, Unusable> {
    let Assembled { parts, estimated_tokens: estimate, system_prompt_addition: addition, .. } = answer;
    if estimate > budget {
        return Err(Wrong::Estimate { estimate, budget }.into());
    }
    let mut so_far = SoFar {
        ahead: references(&parts)?.into(),
        messages: Vec::with_capacity(parts.len()),
        tokens: tokens.system(addition.as_deref()),
        counts: tokens,
        look,
        open: None,
        entries: HashMap::new(),
    };
    for part in parts {
        match part {
            ContextPart::Entry(id) => so_far.refer(id)?,
            ContextPart::Message { role, content } => so_far.say(role, &content)?,
        }
        // What is beyond the budget isn't read and counted to its end.
        if so_far.tokens > budget {
            return Err(Wrong::TooMuch { tokens: so_far.tokens, budget }.into());
        }
    }
    so_far.close()?;
    let SoFar { messages, tokens, .. } = so_far;
    if tokens > budget {
        return Err(Wrong::TooMuch { tokens, budget }.into());
    }
    Ok(Context { messages, addition, tokens, estimate: Some(estimate) })
}

/// The entries that are referred to, which grow.
fn references(parts: &[ContextPart]) -> Result<Vec<u64>, Wrong> {
    let mut ids: Vec<u64> = Vec::with_capacity(parts.len());
    for part in parts {
        let ContextPart::Entry(id) = *part else { continue };
        match ids.last() {
            Some(before) if id <= *before => return Err(Wrong::Order { id, before: *before }),
            _ => ids.push(id),
        }
    }
    Ok(ids)
}

/// The context, as far as it was looked at.
struct SoFar<'a> {
    messages: Vec<ModelMessage>,
    tokens: u64,
    counts: &'a Tokens,
    look: Look<'a>,
    /// The message whose calls are being answered.
    open: Option<Calls>,
    /// References that weren't read yet.
    ahead: VecDeque<u64>,
    /// What was read and not told yet.
    entries: HashMap<u64, StoredEntry>,
}

/// A message's calls of tools.
struct Calls {
    entry: u64,
    of: u64,
    unanswered: Vec<String>,
}

impl SoFar<'_> {
    fn refer(&mut self, id: u64) -> Result<(), Unusable> {
        if self.ahead.front() == Some(&id) {
            let next: Vec<u64> = self.ahead.drain(..PORTION.min(self.ahead.len())).collect();
            self.entries = (self.look)(&next)?.into_iter().collect();
        }
        let entry = self.entries.remove(&id).ok_or(Wrong::Unknown(id))?;
        let Some(message) = told(entry.entry) else { return self.close() };
        match &message {
            ModelMessage::Tool { call_id, .. } => {
                if !self.answers(call_id) {
                    return self.stray(id, call_id);
                }
            }
            ModelMessage::Assistant { tool_calls, .. } => {
                self.close()?;
                let unanswered: Vec<String> = tool_calls.iter().map(|call| call.id.clone()).collect();
                self.open = Some(Calls { entry: id, of: unanswered.len() as u64, unanswered });
            }
            ModelMessage::System { .. } | ModelMessage::User { .. } => self.close()?,
        }
        self.push(message);
        Ok(())
    }

    fn say(&mut self, role: Role, content: &Json) -> Result<(), Unusable> {
        self.close()?;
        let text = spoken(&content.parse().unwrap_or(Value::Null));
        let message = match role {
            Role::System | Role::Tool => ModelMessage::System { text }, // a tool's is refused where the answer comes in
            Role::User => ModelMessage::User { text },
            Role::Assistant => ModelMessage::Assistant { text, tool_calls: Vec::new() },
        };
        if says_something(&message) {
            self.push(message);
        }
        Ok(())
    }

    fn push(&mut self, message: ModelMessage) {
        self.tokens += self.counts.message(&message);
        self.messages.push(message);
    }

    /// Whether this answers one of the calls right before it.
    fn answers(&mut self, call_id: &str) -> bool {
        let Some(calls) = &mut self.open else { return false };
        let at = calls.unanswered.iter().position(|id| id == call_id);
        at.map(|at| calls.unanswered.remove(at)).is_some()
    }

    /// An answer that answers nothing here. One whose call isn't in the transcript either can't be told at all: it is left out.
    fn stray(&mut self, id: u64, call_id: &str) -> Result<(), Unusable> {
        let before: Vec<u64> = (id.saturating_sub(BACK)..id).collect();
        let mut before: Vec<_> = (self.look)(&before)?.into_iter().filter_map(|(_, entry)| told(entry.entry)).collect();
        while matches!(before.last(), Some(ModelMessage::Tool { .. })) {
            before.pop();
        }
        match before.pop() {
            Some(ModelMessage::Assistant { tool_calls, .. }) if tool_calls.iter().any(|call| call.id == call_id) => {
                Err(Wrong::Stray(id).into())
            }
            _ => self.close(),
        }
    }

    /// No more answers follow. Calls that have none in the transcript either get one that says so, which is our own and not counted as the engine's.
    fn close(&mut self) -> Result<(), Unusable> {
        let Some(Calls { entry: call, of, unanswered }) = self.open.take().filter(|calls| !calls.unanswered.is_empty()) else {
            return Ok(());
        };
        let behind: Vec<u64> = (call + 1..=call.saturating_add(of)).collect();
        let answers = |entry: &StoredEntry| entry.entry.tool_call_id.as_ref().is_some_and(|id| unanswered.contains(id));
        if let Some((answer, _)) = (self.look)(&behind)?.into_iter().find(|(_, entry)| answers(entry)) {
            return Err(Wrong::Half { call, answer }.into());
        }
        self.messages.extend(unanswered.into_iter().map(|call_id| ModelMessage::Tool { call_id, content: UNANSWERED.to_owned() }));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
