//! A life read in portions, from either end: never more at once than the state answers, and never more than is wanted.

use super::Life;
use super::told::Told;
use plugbay_runtime::state::{SessionStore, StateError, StoredEntry, Window};

/// Entries that are read at a time.
const PORTION: u64 = 64;

/// Somebody who reads a life.
pub(super) struct Reading<'a> {
    pub(super) store: &'a dyn SessionStore,
    pub(super) life: &'a Life,
}

impl Reading<'_> {
    /// What is told of the entries from the first to the last of these positions, the newest first, until `look` says that it is enough. Whether it has seen all.
    pub(super) fn newest_first(&self, from: u64, mut look: impl FnMut(Told) -> bool) -> Result<bool, StateError> {
        let mut before = self.life.entries;
        while before > from {
            let portion = self.that_end(from, before)?;
            let Some(start) = before.checked_sub(portion.len() as u64).filter(|start| *start < before) else {
                return Ok(true); // the session was deleted by another process
            };
            let portion = portion.into_iter().enumerate().rev();
            for told in portion.filter_map(|(n, entry)| Told::of(start + n as u64, entry)) {
                if !look(told) {
                    return Ok(false);
                }
            }
            before = start;
        }
        Ok(true)
    }

    /// The same, the oldest first.
    pub(super) fn oldest_first(&self, from: u64, to: u64, mut look: impl FnMut(Told) -> bool) -> Result<bool, StateError> {
        let mut start = from;
        while start < to {
            let (portion, next) = self.portion(start, to)?;
            for told in portion {
                if !look(told) {
                    return Ok(false);
                }
            }
            start = next;
        }
        Ok(true)
    }

    /// What is told of some entries from this position, and the position behind them.
    pub(super) fn portion(&self, start: u64, to: u64) -> Result<(Vec<Told>, u64), StateError> {
        let portion = self.window(start, PORTION.min(to.saturating_sub(start)))?;
        let next = if portion.is_empty() { to } else { start + portion.len() as u64 }; // empty: deleted, as above
        Ok(((start..).zip(portion).filter_map(|(before, entry)| Told::of(before, entry)).collect(), next))
    }

    /// Some entries that end before this position. One at least: what is too large together is read in smaller portions.
    fn that_end(&self, from: u64, before: u64) -> Result<Vec<StoredEntry>, StateError> {
        let mut count = PORTION.min(before - from);
        loop {
            let portion = self.window(before - count, count)?;
            if portion.len() as u64 == count || count == 1 {
                return Ok(portion);
            }
            count = (count / 2).max(1);
        }
    }

    /// Entries from this position; fewer than asked for, but one at least, if they are large.
    pub(super) fn window(&self, start: u64, count: u64) -> Result<Vec<StoredEntry>, StateError> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.store.entries(&self.life.key, &self.life.life, Window::From { start, count })
    }
}
