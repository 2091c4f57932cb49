//! A conversation as text, for a model that is to summarise it: one paragraph for each message, with who said it. It is given as words and not as messages, so that nobody takes
//! it for a conversation that is to go on, and so that calls of tools need no tools.

use super::told::Told;
use crate::model::{ModelMessage, ToolRequest};
use crate::tokens::Tokens;

/// What stands below a message that is cut.
const CUT: &str = " (The rest of this message is left out: it is too long.)";

/// A stretch of a conversation.
pub(super) struct Part {
    pub(super) text: String,
    /// How many entries of the life it reaches up to.
    pub(super) until: u64,
    /// Whether it ends where a piece ends.
    pub(super) whole: bool,
    /// Tokens of the text.
    taken: u64,
    /// Where the last piece in it begins, if it isn't the first: bytes of the text, and entries of the life.
    last: Option<(usize, u64)>,
}

impl Part {
    /// Nothing yet, from this position.
    pub(super) fn from(position: u64) -> Self {
        Self { text: String::new(), until: position, whole: true, taken: 0, last: None }
    }

    /// Adds a message if it fits. The first fits always: it is cut. Where one doesn't, the part ends, before the piece that it belongs to if there is something else.
    pub(super) fn add(&mut self, told: &Told, room: u64, tokens: &Tokens) -> bool {
        let is_answer = matches!(told.message, ModelMessage::Tool { .. });
        let mut text = rendered(&told.message);
        let mut taken = tokens.count(&text);
        if taken > room && self.text.is_empty() {
            let start = tokens.start(&text, room.saturating_sub(tokens.count(CUT)));
            text = format!("{start}{CUT}\n");
            taken = tokens.count(&text);
        } else if self.taken + taken > room {
            self.end(is_answer);
            return false;
        }
        if !is_answer && !self.text.is_empty() {
            self.last = Some((self.text.len(), self.until));
        }
        self.text.push_str(&text);
        self.taken += taken;
        self.until = told.before + 1;
        true
    }

    fn end(&mut self, within_a_piece: bool) {
        match self.last.filter(|_| within_a_piece) {
            Some((bytes, until)) => {
                self.text.truncate(bytes);
                self.until = until;
            }
            None => self.whole = !within_a_piece,
        }
    }
}

fn rendered(message: &ModelMessage) -> String {
    match message {
        ModelMessage::System { text } => format!("Host: {text}\n"),
        ModelMessage::User { text } => format!("User: {text}\n"),
        ModelMessage::Assistant { text, tool_calls } => {
            let said = if text.trim().is_empty() { String::new() } else { format!("Assistant: {text}\n") };
            tool_calls
                .iter()
                .fold(said, |said, ToolRequest { name, arguments, .. }| format!("{said}Assistant calls `{name}`: {arguments}\n"))
        }
        ModelMessage::Tool { content, .. } => format!("Tool: {content}\n"),
    }
}
