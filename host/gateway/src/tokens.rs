//! How many tokens a text takes, counted by a tokenizer: what budgets and windows are in.
//!
//! It is OpenAI's `o200k_base`. A model with another one counts otherwise; by how much is in `docs/models.md`, and the room that is kept for the answer makes up for
//! most of it. Counting is linear in the text, whatever stands in it, at some ten MB a second at least. A text that is long enough to matter is remembered by its hash, so that the same history
//! costs a hash the next time. The tokenizer is loaded when something is counted first: about 40 ms, and 70 MB of memory for good. Nothing here can fail.

use crate::model::{ModelMessage, ModelRequest, ToolDefinition, ToolRequest};
use bpe_openai::{Tokenizer, o200k_base};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// What a message takes besides its words: who says it, where it begins and ends.
const FRAME: u64 = 4;
/// Texts of fewer bytes are counted each time: that is as fast as looking them up.
const LONG: usize = 64;
/// Texts that are remembered, twice: those that were met lately, and those before.
const REMEMBERED: usize = 32_768;
/// Bytes of the longest token, rounded up.
const LONGEST_TOKEN: usize = 128;

/// The process's.
static SHARED: LazyLock<Tokens> = LazyLock::new(|| Tokens(Arc::new(Counted::of(REMEMBERED))));

/// Counts tokens, about as a model does. Cheap to clone, and all are one: what one has counted, the others know. They remember 65,536 texts at most, by their hashes, in some 4 MiB.
///
/// ```
/// use plugbay_gateway::Tokens;
///
/// let tokens = Tokens::default();
/// assert_eq!(tokens.count("Good morning, Oslo."), 5);
/// assert_eq!(tokens.count(""), 0);
/// ```
#[derive(Clone)]
pub struct Tokens(Arc<Counted>);

impl Default for Tokens {
    fn default() -> Self {
        SHARED.clone()
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(o200k_base)")
    }
}

impl Tokens {
    /// Tokens of a text.
    #[must_use]
    pub fn count(&self, text: &str) -> u64 {
        if text.len() < LONG { counted(text) } else { self.0.count(text, counted) }
    }

    /// Tokens of a message with its calls of tools, and what stands around it.
    pub(crate) fn message(&self, message: &ModelMessage) -> u64 {
        FRAME
            + match message {
                ModelMessage::System { text } | ModelMessage::User { text } => self.count(text),
                ModelMessage::Assistant { text, tool_calls } => {
                    self.count(text) + tool_calls.iter().map(|call| self.call(call)).sum::<u64>()
                }
                ModelMessage::Tool { call_id, content } => self.count(call_id) + self.count(content),
            }
    }

    fn call(&self, ToolRequest { id, name, arguments }: &ToolRequest) -> u64 {
        self.count(id) + self.count(name) + self.count(arguments) + FRAME
    }

    /// Tokens of a tool that is offered.
    pub(crate) fn tool(&self, ToolDefinition { name, description, parameters }: &ToolDefinition) -> u64 {
        self.count(name) + self.count(description) + self.count(&parameters.to_string()) + FRAME
    }

    /// Tokens of the instructions above a conversation.
    pub(crate) fn system(&self, text: Option<&str>) -> u64 {
        text.map_or(0, |text| FRAME + self.count(text))
    }

    /// Tokens of all that a model is given.
    pub(crate) fn request(&self, request: &ModelRequest) -> u64 {
        let messages: u64 = request.messages.iter().map(|message| self.message(message)).sum();
        let tools: u64 = request.tools.iter().map(|tool| self.tool(tool)).sum();
        self.system(request.system.as_deref()) + messages + tools
    }

    /// As much of a text, from its beginning, as so many tokens hold.
    pub(crate) fn start<'a>(&self, text: &'a str, most: u64) -> &'a str {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let text = up_to(text, most.saturating_mul(LONGEST_TOKEN));
        if text.len() <= most || self.count(text) <= most as u64 {
            return text; // no token is shorter than a byte
        }
        let tokenizer = o200k_base();
        let mut bytes: usize = tokenizer.encode(text).iter().take(most).map(|token| tokenizer.bpe.token_len(*token)).sum();
        // What is cut may be divided otherwise than the whole was: it is counted, to be sure.
        loop {
            let start = up_to(text, bytes);
            if counted(start) <= most as u64 {
                return start;
            }
            bytes = start.len().saturating_sub(1);
        }
    }
}

fn counted(text: &str) -> u64 {
    let tokenizer: &Tokenizer = o200k_base();
    tokenizer.count(text) as u64
}

/// So many bytes of a text, or a few less where a character would be cut in two.
pub(crate) fn up_to(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// What was counted before: by length and hash, which nobody can aim at, since its key is this process's own.
struct Counted {
    keys: RandomState,
    most: usize,
    kept: Mutex<Kept>,
}

/// Two generations: when the new one is full it becomes the old one, and what was old is forgotten. What is met again is new again.
#[derive(Default)]
struct Kept {
    new: HashMap<(usize, u64), u64>,
    old: HashMap<(usize, u64), u64>,
}

impl Counted {
    fn of(most: usize) -> Self {
        Self { keys: RandomState::new(), most, kept: Mutex::default() }
    }

    fn count(&self, text: &str, count: impl FnOnce(&str) -> u64) -> u64 {
        let key = (text.len(), self.keys.hash_one(text));
        if let Some(tokens) = self.known(key) {
            return tokens;
        }
        let tokens = count(text);
        self.keep(key, tokens);
        tokens
    }

    fn known(&self, key: (usize, u64)) -> Option<u64> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tokens) = kept.new.get(&key) {
            return Some(*tokens);
        }
        let tokens = kept.old.remove(&key)?;
        drop(kept);
        self.keep(key, tokens);
        Some(tokens)
    }

    fn keep(&self, key: (usize, u64), tokens: u64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.new.len() >= self.most {
            kept.old = std::mem::take(&mut kept.new);
        }
        kept.new.insert(key, tokens);
    }
}

#[cfg(test)]
mod tests;
