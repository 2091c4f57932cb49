//! Conversations by chance, the same each time: what holds for all of them.

use super::super::pieces::UNANSWERED;
use super::super::{History, Reason, told};
use super::stage::{Scripted, Stage, answering, calling, said};
use crate::model::ModelMessage;
use plugbay_runtime::state::{NewEntry, SessionStore, Window};

struct Chance(u64);

impl Chance {
    fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }

    fn text(&mut self) -> String {
        let words = match self.below(20) {
            0 => 0,
            1 => 2_000 + self.below(3_000),
            _ => 1 + self.below(30),
        };
        (0..words).map(|_| ["Oslo", "rain", "42", "\n", "ärger", "漢字", "{\"a\":1}"][self.below(7) as usize]).collect::<Vec<_>>().join(" ")
    }

    /// A few turns: questions, calls that are answered in any order, not all or not at all, answers of nobody, notes, blank ones; it ends anywhere.
    fn transcript(&mut self) -> Vec<NewEntry> {
        let mut entries = Vec::new();
        for turn in 0..1 + self.below(40) {
            entries.push(said("user", &self.text()));
            for round in 0..self.below(4) {
                let mut calls: Vec<String> = (0..1 + self.below(4)).map(|n| format!("c{turn}-{round}-{n}")).collect();
                entries.push(calling(&self.text(), &calls.iter().map(String::as_str).collect::<Vec<_>>()));
                let answered = if self.below(4) == 0 { self.below(calls.len() as u64) } else { calls.len() as u64 };
                for _ in 0..answered {
                    let call = calls.swap_remove(self.below(calls.len() as u64) as usize);
                    entries.push(answering(&call, &self.text()));
                }
                if self.below(10) == 0 {
                    entries.push(answering("of nobody", "lost"));
                }
            }
            entries.push(said(["assistant", "system"][usize::from(self.below(8) == 0)], &self.text()));
        }
        entries.truncate(1 + self.below(entries.len() as u64) as usize); // the last turn may have broken off
        entries
    }
}

/// Each call is answered at once, each answer has its call.
fn whole(messages: &[ModelMessage]) {
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        if let ModelMessage::Tool { call_id, .. } = message {
            let at = open.iter().position(|call| call == call_id).unwrap_or_else(|| panic!("an answer without its call: {call_id}"));
            open.remove(at);
            continue;
        }
        assert!(open.is_empty(), "calls without an answer: {open:?}");
        if let ModelMessage::Assistant { tool_calls, .. } = message {
            open.extend(tool_calls.iter().map(|call| call.id.as_str()));
        }
    }
    assert!(open.is_empty(), "calls without an answer: {open:?}");
}

/// What answers of nobody take.
fn lost(stage: &Stage) -> u64 {
    let entries = stage.store.entries("s", "one", Window::Newest(1_000)).unwrap();
    let nobodys = entries.into_iter().filter(|stored| stored.entry.tool_call_id.as_deref() == Some("of nobody"));
    nobodys.filter_map(|stored| told(stored.entry)).map(|message| stage.builtin.tokens.message(&message)).sum()
}

/// What is true of every history: no more than the budget, no half of anything, the newest, and what is missing is told.
fn check(stage: &Stage, all: &History, budget: u64, covered: u64) {
    let history = stage.history(budget);
    for (messages, tokens) in [history.within(budget), all.within(budget)] {
        let counted: u64 = messages.iter().map(|message| stage.builtin.tokens.message(message)).sum();
        assert!(counted == tokens && tokens <= budget, "{counted} counted, {tokens} told, {budget} allowed");
        whole(&messages);
    }
    assert!(all.pieces.ends_with(&history.pieces), "the newest");
    let taken: u64 = history.pieces.iter().map(|piece| piece.tokens).sum();
    let summary = history.summary.as_ref().map_or(0, |summary| stage.builtin.tokens.message(summary));
    let left = &all.pieces[..all.pieces.len() - history.pieces.len()];
    if let Some(next) = left.last() {
        // What turns out to be nobody's answer takes room until then.
        assert!(summary + taken + next.tokens + lost(stage) > budget, "as much as fits");
        let start = history.pieces.first().map_or(stage.life.entries, |piece| piece.before);
        assert_eq!(covered + history.unsummarised, start, "what is left out is told");
    } else {
        assert_eq!(history.unsummarised, 0);
    }
}

#[tokio::test]
async fn a_history_fits_is_whole_and_is_the_newest() {
    for seed in 1..=60 {
        let mut chance = Chance::of(seed);
        let stage = Stage::with(chance.transcript()).await;
        let all = stage.history(u64::MAX);
        whole(&all.within(u64::MAX).0);
        let sum: u64 = all.pieces.iter().map(|piece| piece.tokens).sum();
        for _ in 0..8 {
            check(&stage, &all, chance.below(sum + 50), 0);
        }
        check(&stage, &all, sum, 0);
    }
}

#[tokio::test]
async fn after_a_compaction_everything_is_in_the_summary_or_told_or_counted() {
    for seed in 1..=40 {
        let mut chance = Chance::of(seed);
        let stage = Stage::with(chance.transcript()).await;
        let all = stage.history(u64::MAX).pieces;
        let model = Scripted::saying(1_500 + chance.below(20_000), [Ok("What was said before, in a few words.")]);
        let reason = [Reason::Manual, Reason::Overflow, Reason::Threshold][chance.below(3) as usize];
        let budget = 200 + chance.below(4_000);
        let done = stage.compact(reason, budget, model.clone()).await.unwrap();
        let now = stage.history(u64::MAX);
        let covered = if done.compacted { done.entries } else { 0 };
        let (gone, kept): (Vec<_>, Vec<_>) = all.into_iter().partition(|piece| piece.before < covered);
        assert_eq!(now.pieces, kept, "{reason:?} {budget}: what isn't covered is told");
        assert_eq!((now.summary.is_some(), now.unsummarised), (done.compacted, 0));
        let parts = model.parts().concat();
        for message in gone.iter().flat_map(|piece| &piece.messages) {
            let text = super::stage::words(message);
            let start: String = text.split_once('=').map_or(text.as_str(), |(_, answer)| answer).trim().chars().take(10).collect();
            assert!(parts.contains(&start) || text.ends_with(UNANSWERED), "what is covered was told to the model: {start:?}");
        }
        for _ in 0..6 {
            check(&stage, &now, chance.below(budget * 2), covered);
        }
    }
}
