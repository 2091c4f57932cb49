//! What belongs together: a model's calls of tools and their answers. Calls that were never answered, since their turn was stopped, get an answer that says so: models refuse a conversation
//! without. Answers whose calls aren't there are left out.

use super::told::Told;
use crate::model::ModelMessage;
use crate::tokens::Tokens;

/// What a model is told of a call that nobody answered.
pub(crate) const UNANSWERED: &str = "There is no answer: the turn was stopped before.";

/// Messages that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// How many entries of the life are before it.
    pub(crate) before: u64,
    /// The number of its first entry.
    pub(crate) first: u64,
    /// The number of its last one.
    pub(crate) last: u64,
    pub(crate) messages: Vec<ModelMessage>,
    /// What all of it takes.
    pub(crate) tokens: u64,
}

impl Piece {
    fn add(&mut self, message: ModelMessage, tokens: &Tokens) {
        self.tokens += tokens.message(&message);
        self.messages.push(message);
    }
}

/// Pieces of messages, oldest first.
pub(super) fn pieces(entries: impl IntoIterator<Item = Told>, tokens: &Tokens) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for Told { before, id, message } in entries {
        if let ModelMessage::Tool { call_id, .. } = &message {
            if let (Some(at), Some(piece)) = (open.iter().position(|call| call == call_id), pieces.last_mut()) {
                open.remove(at);
                piece.last = id;
                piece.add(message, tokens);
            }
            continue;
        }
        close(&mut pieces, &mut open, tokens);
        if let ModelMessage::Assistant { tool_calls, .. } = &message {
            open.extend(tool_calls.iter().map(|call| call.id.clone()));
        }
        let mut piece = Piece { before, first: id, last: id, messages: Vec::new(), tokens: 0 };
        piece.add(message, tokens);
        pieces.push(piece);
    }
    close(&mut pieces, &mut open, tokens);
    pieces
}

/// Answers the calls that nobody answered.
fn close(pieces: &mut [Piece], open: &mut Vec<String>, tokens: &Tokens) {
    let unanswered = open.drain(..).map(|call_id| ModelMessage::Tool { call_id, content: UNANSWERED.to_owned() });
    if let Some(piece) = pieces.last_mut() {
        unanswered.for_each(|message| piece.add(message, tokens));
    }
}
