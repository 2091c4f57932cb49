//! The newest entries that fit, by the host's own count.

use plugbay_sdk::prelude::*;

/// Positions that are asked about at once.
const PAGE: u32 = 1_000;

/// An entry, as far as it matters for what the model sees.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) id: u64,
    pub(crate) role: Role,
    pub(crate) tokens: u64,
}

/// The newest entries from id `from` on that take no more than `budget`, oldest first. None of them is the answer of a tool whose caller is missing.
pub(crate) fn newest(transcript: &Transcript, from: u64, budget: u64) -> Vec<Told> {
    let sizes = sizes(transcript, budget);
    let mut at = transcript.len() - sizes.len() as u64;
    let mut told = Vec::with_capacity(sizes.len());
    while at < transcript.len() {
        let page = transcript.window(at, PAGE);
        at += page.len().max(1) as u64;
        told.extend(page.into_iter().map(|entry| (entry.id, entry.role)));
    }
    let told = told.into_iter().zip(sizes).map(|((id, role), tokens)| Told { id, role, tokens });
    told.skip_while(|entry| entry.id < from || entry.role == Role::Tool).collect()
}

/// What they take together.
pub(crate) fn tokens(told: &[Told]) -> u64 {
    told.iter().map(|entry| entry.tokens).sum()
}

/// What each of the newest entries takes that fit, oldest first.
fn sizes(transcript: &Transcript, budget: u64) -> Vec<u64> {
    let (mut end, mut left, mut newest_first) = (transcript.len(), budget, Vec::new());
    while end > 0 {
        let start = end.saturating_sub(u64::from(PAGE));
        for size in transcript.tokens(start, u32::try_from(end - start).unwrap_or(PAGE)).into_iter().rev() {
            let Some(rest) = left.checked_sub(size) else {
                newest_first.reverse();
                return newest_first;
            };
            left = rest;
            newest_first.push(size);
        }
        end = start;
    }
    newest_first.reverse();
    newest_first
}
