//! What is told of the turns before: the summary, if there is one, and the newest pieces behind it that fit.
//!
//! The summary goes first, since nothing else says what it says; one that doesn't fit whole is cut. Of pieces the oldest are left out, and never half of one.

use super::pieces::{Piece, pieces};
use super::reading::Reading;
use super::{Builtin, Life};
use crate::model::ModelMessage;
use crate::tokens::Tokens;
use plugbay_runtime::state::StateError;
use std::collections::VecDeque;

/// What stands above a summary.
const ABOVE: &str = "What was said before in this conversation, summarised:\n";
/// What stands below one that is cut.
const CUT: &str = "\n(The summary is cut here: there is no room for the rest of it.)";

/// What was said before, as far as there is room for it.
#[derive(Debug, Clone)]
pub(crate) struct History {
    /// What stands for the oldest entries.
    pub(crate) summary: Option<ModelMessage>,
    /// The newest, oldest first.
    pub(crate) pieces: Vec<Piece>,
    /// Entries that are left out although no summary covers them.
    pub(crate) unsummarised: u64,
    tokens: Tokens,
}

impl History {
    /// As much of it as fits into so many tokens, and how many it takes.
    pub(crate) fn within(&self, budget: u64) -> (Vec<ModelMessage>, u64) {
        let summary = self.summary.as_ref().and_then(|summary| cut(summary, budget, &self.tokens));
        let mut taken = summary.as_ref().map_or(0, |summary| self.tokens.message(summary));
        let fits = |piece: &&Piece| {
            let sum = taken + piece.tokens;
            let fits = sum <= budget;
            taken = if fits { sum } else { taken };
            fits
        };
        let kept = self.pieces.iter().rev().take_while(fits).count();
        let pieces = self.pieces.iter().skip(self.pieces.len() - kept);
        (summary.into_iter().chain(pieces.flat_map(|piece| piece.messages.iter().cloned())).collect(), taken)
    }
}

/// The newest pieces that fit, and whether any don't.
pub(super) struct Newest {
    pub(super) pieces: Vec<Piece>,
    pub(super) all: bool,
}

impl Newest {
    pub(super) fn tokens(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.tokens).sum()
    }

    /// Where they begin.
    pub(super) fn start(&self, life: &Life) -> u64 {
        self.pieces.first().map_or(life.entries, |piece| piece.before)
    }
}

impl Builtin {
    /// What a model is told of a life, within so many tokens.
    pub(crate) fn history(&self, life: &Life, budget: u64) -> Result<History, StateError> {
        let compaction = self.store.compaction(&life.key, &life.life)?;
        let covered = compaction.as_ref().map_or(0, |compaction| compaction.entries.min(life.entries));
        let summary = compaction.and_then(|compaction| cut(&summarised(&compaction.summary), budget, &self.tokens));
        let taken = summary.as_ref().map_or(0, |summary| self.tokens.message(summary));
        let newest = self.newest(life, covered, budget.saturating_sub(taken))?;
        let unsummarised = if newest.all { 0 } else { newest.start(life) - covered };
        Ok(History { summary, pieces: newest.pieces, unsummarised, tokens: self.tokens.clone() })
    }

    /// The newest pieces behind this position that fit into so many tokens.
    pub(super) fn newest(&self, life: &Life, from: u64, room: u64) -> Result<Newest, StateError> {
        let (mut kept, mut left) = (VecDeque::new(), room);
        let reading = Reading { store: &*self.store, life };
        let mut all = reading.newest_first(from, |told| {
            let rest = left.checked_sub(self.tokens.message(&told.message));
            if let Some(rest) = rest {
                left = rest;
                kept.push_front(told);
            }
            rest.is_some()
        })?;
        let mut pieces = pieces(kept, &self.tokens);
        // What is said of unanswered calls takes room, too.
        let mut sum: u64 = pieces.iter().map(|piece| piece.tokens).sum();
        let mut too_many = 0;
        for piece in &pieces {
            if sum <= room {
                break;
            }
            (sum, too_many) = (sum - piece.tokens, too_many + 1);
        }
        all &= too_many == 0;
        pieces.drain(..too_many);
        Ok(Newest { pieces, all })
    }
}

/// A summary as a model is told it.
pub(super) fn summarised(summary: &str) -> ModelMessage {
    ModelMessage::System { text: format!("{ABOVE}{summary}") }
}

/// A summary, cut if it doesn't fit; nothing, if not even its beginning does.
fn cut(summary: &ModelMessage, budget: u64, tokens: &Tokens) -> Option<ModelMessage> {
    let taken = tokens.message(summary);
    let ModelMessage::System { text } = summary else { return None };
    if taken <= budget {
        return Some(summary.clone());
    }
    let around = taken - tokens.count(text) + tokens.count(CUT) + 1;
    let text = tokens.start(text, budget.checked_sub(around)?);
    (text.len() > ABOVE.len()).then(|| ModelMessage::System { text: format!("{text}{CUT}") })
}
