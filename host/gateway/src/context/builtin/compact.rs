//! A conversation is made smaller: what is old becomes a summary, and the newest stays as it was said.
//!
//! What stays: the newest pieces that fit into half of the budget. Where the model has said that the conversation is too long, into half of what it was told, if that is less: it counts
//! otherwise than we do, and each attempt is to do something. Where a person asks, the last two pieces (a question and its answer) stay, if they fit, and everything before is summarised.
//!
//! What is summarised is read from its oldest end and given to the model with the summary before, as much at a time as its window takes; a model that finds that too long, too, is given half. Each
//! summary replaces the one before and is written at once, so that a failure, or somebody who gives up, loses nothing that was done. What the summary covers ends where a piece
//! ends.

use super::asking::{Asking, LEAST};
use super::history::{Newest, summarised};
use super::reading::Reading;
use super::rendered::Part;
use super::{Builtin, Life};
use crate::model::{ModelError, ModelFailure, Voice};
use plugbay_runtime::state::{NewCompaction, StateError};
use thiserror::Error;

/// Pieces that stay when a person asks.
const STAY: usize = 2;
/// Tokens of a summary, however small the budget is.
const SOME: u64 = 64;

/// Why a conversation is made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A person asks.
    Manual,
    /// The model says that it is too long.
    Overflow,
    /// It has come close to the budget.
    Threshold,
}

/// What is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Compact {
    pub(crate) reason: Reason,
    /// Tokens that the model takes of the conversation.
    pub(crate) budget: u64,
    /// What a person wants to be kept, or left out.
    pub(crate) instructions: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compacted {
    /// Whether anything changed.
    pub(crate) compacted: bool,
    /// Why not.
    pub(crate) why: Option<String>,
    /// Entries that are in the summary and weren't in the one before.
    pub(crate) entries: u64,
    /// What the whole conversation took, with its summary.
    pub(crate) tokens_before: u64,
    /// What it takes now.
    pub(crate) tokens_after: u64,
    /// The new summary.
    pub(crate) summary: Option<String>,
}

/// Why a conversation isn't smaller.
#[derive(Debug, Error)]
pub(crate) enum CompactError {
    /// The model didn't summarise.
    #[error("the model `{model}` of `{provider}` didn't summarise the conversation ({}): {error}; {done} of {of} entries are summarised, and stay so", error.kind)]
    Model { provider: String, model: String, error: ModelError, done: u64, of: u64 },
    /// It had nothing to say.
    #[error("the model `{model}` of `{provider}` answered with an empty summary; {done} of {of} entries are summarised, and stay so")]
    Empty { provider: String, model: String, done: u64, of: u64 },
    /// Nothing can be summarised with this model.
    #[error(
        "the model's window of {window} tokens (setting `model.window`) leaves {room} for a conversation that is to be summarised, beside the instructions, the summary before and the room for the answer (setting `model.reserve`); {least} are needed"
    )]
    NoRoom { window: u64, room: u64, least: u64 },
    /// The session was deleted or reset.
    #[error("the session {0:?} was deleted or reset meanwhile")]
    Gone(String),
    #[error(transparent)]
    State(#[from] StateError),
}

/// How far the work is.
struct Work {
    /// Where it began, where it is, where it ends: positions in the life.
    from: u64,
    at: u64,
    to: u64,
    /// What is written covers so many entries.
    written: u64,
    /// Tokens that the model was found to take at once.
    room: u64,
    summary: String,
    /// What the whole conversation takes now.
    tokens: u64,
}

impl Builtin {
    /// Makes a conversation smaller, with this model.
    pub(crate) async fn compact(&self, life: &Life, asked: &Compact, voice: &Voice) -> Result<Compacted, CompactError> {
        let earlier = self.store.compaction(&life.key, &life.life)?;
        let (from, summary) = earlier.map_or((0, String::new()), |earlier| (earlier.entries.min(life.entries), earlier.summary));
        let stays = self.stays(life, asked, from)?;
        let tokens = self.weight_of(&summary) + self.weight_between(life, from, life.entries).await?;
        if stays.all {
            let why = Some(nothing_to_do(asked, &stays));
            return Ok(Compacted { compacted: false, why, entries: 0, tokens_before: tokens, tokens_after: tokens, summary: None });
        }
        let mut work = Work { from, at: from, to: stays.start(life), written: from, room: u64::MAX, summary, tokens };
        let asking = Asking {
            voice,
            tokens: &self.tokens,
            instructions: asked.instructions.as_deref().filter(|words| !words.trim().is_empty()),
            most: (asked.budget / 4).saturating_sub(self.weight_of(" ")).max(SOME),
        };
        while work.at < work.to {
            self.step(life, &mut work, &asking).await?;
        }
        Ok(Compacted {
            compacted: true,
            why: None,
            entries: work.to - from,
            tokens_before: tokens,
            tokens_after: work.tokens,
            summary: Some(work.summary),
        })
    }

    /// What isn't summarised.
    fn stays(&self, life: &Life, asked: &Compact, from: u64) -> Result<Newest, StateError> {
        let half = asked.budget / 2;
        match asked.reason {
            Reason::Threshold => self.newest(life, from, half),
            Reason::Overflow => {
                let told = self.newest(life, from, asked.budget)?.tokens();
                self.newest(life, from, half.min(told / 2))
            }
            Reason::Manual => {
                let mut newest = self.newest(life, from, half)?;
                let more = newest.pieces.len().saturating_sub(STAY);
                newest.pieces.drain(..more);
                newest.all &= more == 0;
                Ok(newest)
            }
        }
    }

    /// Summarises as much as the model takes at once. Written only where a piece ends; what comes before such an end is in the next summary as well.
    async fn step(&self, life: &Life, work: &mut Work, asking: &Asking<'_>) -> Result<(), CompactError> {
        let (part, summary) = loop {
            let room = asking.room(&work.summary)?.min(work.room);
            let part = self.part(life, work, room)?;
            match asking.summary(&work.summary, &part.text).await {
                Ok(summary) if summary.is_empty() => return Err(work.empty(asking.voice)),
                Ok(summary) => break (part, summary),
                Err(error) if error.kind == ModelFailure::TooLong && room / 2 >= LEAST => work.room = room / 2,
                Err(error) => return Err(work.failed(asking.voice, error)),
            }
        };
        let before = work.tokens;
        let gone = self.weight_of(&work.summary) + self.weight_between(life, work.at, part.until).await?;
        work.tokens = before.saturating_sub(gone) + self.weight_of(&summary);
        (work.at, work.summary) = (part.until, summary);
        if part.whole {
            let (entries, summary, tokens_after) = (work.at, work.summary.clone(), work.tokens);
            let compaction = NewCompaction { entries, summary, tokens_before: before, tokens_after };
            if !self.store.put_compaction(&life.key, &life.life, compaction).await? {
                return Err(CompactError::Gone(life.key.to_string()));
            }
            work.written = work.at;
        }
        Ok(())
    }

    /// The next stretch that is to be summarised.
    fn part(&self, life: &Life, work: &Work, room: u64) -> Result<Part, CompactError> {
        let mut part = Part::from(work.at);
        let reading = Reading { store: &*self.store, life };
        let all = reading.oldest_first(work.at, work.to, |told| part.add(&told, room, &self.tokens))?;
        part.until = if all { work.to } else { part.until };
        Ok(part)
    }

    /// What a summary takes.
    fn weight_of(&self, summary: &str) -> u64 {
        if summary.is_empty() { 0 } else { self.tokens.message(&summarised(summary)) }
    }

    /// What entries take, as they are told. There may be many: others have their turn in between.
    async fn weight_between(&self, life: &Life, from: u64, to: u64) -> Result<u64, StateError> {
        let (mut sum, mut at) = (0, from);
        while at < to {
            let (portion, next) = Reading { store: &*self.store, life }.portion(at, to)?;
            sum += portion.iter().map(|told| self.tokens.message(&told.message)).sum::<u64>();
            at = next;
            tokio::task::yield_now().await;
        }
        Ok(sum)
    }
}

impl Work {
    fn failed(&self, voice: &Voice, error: ModelError) -> CompactError {
        let (provider, model) = (voice.model.provider().to_owned(), voice.name.clone());
        CompactError::Model { provider, model, error, done: self.written - self.from, of: self.to - self.from }
    }

    fn empty(&self, voice: &Voice) -> CompactError {
        let (provider, model) = (voice.model.provider().to_owned(), voice.name.clone());
        CompactError::Empty { provider, model, done: self.written - self.from, of: self.to - self.from }
    }
}

fn nothing_to_do(asked: &Compact, stays: &Newest) -> String {
    match (asked.reason, stays.pieces.len()) {
        (_, 0) => "nothing was said that isn't in a summary already".to_owned(),
        (Reason::Manual, _) => "there is only the last exchange, and it stays as it was said".to_owned(),
        _ => {
            let (taken, half, budget) = (stays.tokens(), asked.budget / 2, asked.budget);
            format!("what isn't in a summary takes {taken} tokens, and {half} stay as they were said: half of the budget of {budget}")
        }
    }
}
