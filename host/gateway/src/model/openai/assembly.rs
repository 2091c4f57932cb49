//! From chunks to pieces: text goes through at once, calls of tools are put together and handed on when the answer is complete. Holds the arguments of
//! unfinished calls and nothing else; an answer has a largest size and a largest number of calls, whatever the server sends.

use super::wire::{CallDelta, Choice, Chunk, Delta, TokensUsed};
use crate::model::{ModelFailure, ModelPiece, Stop, ToolRequest, Usage};

/// The most bytes of an answer: text, and names and arguments of calls.
pub(super) const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// The most calls of tools in one answer.
pub(super) const MOST_CALLS: usize = 128;

/// What an answer has come to so far.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// Messages in the request: makes the ids of calls that come without one differ within a conversation.
    messages: usize,
    calls: Vec<Call>,
    size: usize,
    began: bool,
    stop: Option<String>,
    usage: Usage,
    model: Option<String>,
}

/// A call that is still being written.
#[derive(Debug, Default)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

/// An answer that can't go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unbearable {
    pub(super) kind: ModelFailure,
    pub(super) problem: String,
}

impl Assembly {
    pub(super) fn new(messages: usize) -> Self {
        Self { messages, ..Self::default() }
    }

    /// Whether anything has been said, thought or asked for: the model is at work.
    pub(super) fn began(&self) -> bool {
        self.began
    }

    /// Whether the model has said why it stopped. What may follow is how much it used.
    pub(super) fn stopped(&self) -> bool {
        self.stop.is_some()
    }

    /// Takes a chunk in. What is text in it can be handed on.
    pub(super) fn take(&mut self, chunk: Chunk) -> Result<Option<ModelPiece>, Unbearable> {
        if let Some(TokensUsed { prompt_tokens, completion_tokens }) = chunk.usage {
            self.usage = Usage { input: prompt_tokens.or(self.usage.input), output: completion_tokens.or(self.usage.output) };
        }
        if let Some(model) = chunk.model.filter(|model| !model.is_empty()) {
            self.model = Some(model);
        }
        let mut text = String::new();
        for Choice { delta, finish_reason, .. } in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            self.add(delta.unwrap_or_default(), &mut text)?;
            self.stop = finish_reason.filter(|reason| !reason.is_empty()).or(self.stop.take());
        }
        Ok((!text.is_empty()).then_some(ModelPiece::Text(text)))
    }

    fn add(&mut self, delta: Delta, text: &mut String) -> Result<(), Unbearable> {
        for said in [delta.content, delta.refusal].into_iter().flatten() {
            self.grow(said.len())?;
            text.push_str(&said);
        }
        let thought = [delta.reasoning_content, delta.reasoning].into_iter().flatten().any(|thought| !thought.is_empty());
        self.began |= thought || !text.is_empty();
        delta.tool_calls.into_iter().flatten().try_for_each(|call| self.add_call(call))
    }

    fn add_call(&mut self, delta: CallDelta) -> Result<(), Unbearable> {
        self.began = true;
        let function = delta.function.unwrap_or_default();
        let parts = [delta.id, function.name, function.arguments].map(Option::unwrap_or_default);
        self.grow(parts.iter().map(String::len).sum())?;
        let [id, name, arguments] = parts;
        let call = self.call_of(delta.index, &id)?;
        if !id.is_empty() {
            call.id = id;
        }
        if call.name != name {
            call.name.push_str(&name); // some servers repeat it, none sends it in pieces that are alike
        }
        call.arguments.push_str(&arguments);
        Ok(())
    }

    /// The call that a piece belongs to: the newest with its index, unless it brings another id. Some servers number every call 0, some none.
    fn call_of(&mut self, index: Option<u64>, id: &str) -> Result<&mut Call, Unbearable> {
        let fits = |call: &Call| id.is_empty() || call.id.is_empty() || call.id == id;
        let newest = self.calls.iter().rposition(|call| index.is_none() || call.index == index);
        let at = match newest.filter(|at| self.calls.get(*at).is_some_and(fits)) {
            Some(at) => at,
            None if self.calls.len() >= MOST_CALLS => {
                return Err(Unbearable {
                    kind: ModelFailure::TooLarge,
                    problem: format!("the answer asks for more than {MOST_CALLS} calls of tools"),
                });
            }
            None => {
                self.calls.push(Call { index, ..Call::default() });
                self.calls.len() - 1
            }
        };
        self.calls.get_mut(at).ok_or_else(|| malformed("a call of a tool got lost"))
    }

    fn grow(&mut self, by: usize) -> Result<(), Unbearable> {
        self.size = self.size.saturating_add(by);
        if self.size > LARGEST_ANSWER {
            return Err(Unbearable { kind: ModelFailure::TooLarge, problem: format!("the answer is larger than {LARGEST_ANSWER} bytes") });
        }
        Ok(())
    }

    /// The rest of a complete answer: its calls in order, and its end.
    pub(super) fn finish(self) -> Result<Vec<ModelPiece>, Unbearable> {
        let stop = match self.stop.as_deref() {
            None | Some("stop") if self.calls.is_empty() => Stop::Finished,
            None | Some("stop" | "tool_calls" | "function_call") => Stop::ToolCalls,
            Some("length") => Stop::Length,
            Some("content_filter") => Stop::Filtered,
            Some(other) => Stop::Other(other.chars().take(64).collect()),
        };
        let messages = self.messages;
        let calls = self.calls.into_iter().enumerate().map(|(number, call)| call.whole(messages, number));
        let mut pieces = calls.collect::<Result<Vec<_>, _>>()?;
        pieces.push(ModelPiece::End { usage: self.usage, stop, model: self.model });
        Ok(pieces)
    }
}

impl Call {
    fn whole(self, messages: usize, number: usize) -> Result<ModelPiece, Unbearable> {
        if self.name.is_empty() {
            return Err(malformed("a call of a tool has no name"));
        }
        let id = if self.id.is_empty() { format!("call-{messages}-{}", number + 1) } else { self.id };
        let arguments = if self.arguments.trim().is_empty() { "{}".to_owned() } else { self.arguments };
        Ok(ModelPiece::ToolCall(ToolRequest { id, name: self.name, arguments }))
    }
}

fn malformed(problem: &str) -> Unbearable {
    Unbearable { kind: ModelFailure::Malformed, problem: problem.to_owned() }
}
