//! Entries by their numbers: what an engine of a plugin refers to. Numbers that are near each other are read together, so that thousands of references cost few reads.

use super::reading::Reading;
use super::{Builtin, Life};
use plugbay_runtime::state::{SessionBounds, StateError, StoredEntry};
use std::ops::Range;

/// Entries between two that are wanted and that are read along, rather than reading twice.
const GAP: u64 = 16;

impl Builtin {
    /// The entries with these numbers, each once, by number. Numbers that the life doesn't have, as far as it counts, aren't among them.
    pub(crate) fn entries(&self, life: &Life, ids: &[u64]) -> Result<Vec<(u64, StoredEntry)>, StateError> {
        let reading = Reading { store: &*self.store, life };
        let Some(first) = reading.window(0, 1.min(life.entries))?.first().map(|entry| entry.id) else { return Ok(Vec::new()) };
        let mut wanted: Vec<u64> = ids.iter().filter_map(|id| id.checked_sub(first)).filter(|at| *at < life.entries).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut found = Vec::with_capacity(wanted.len());
        for Range { start, end } in ranges(&wanted) {
            let mut at = start;
            while at < end {
                let read = reading.window(at, (end - at).min(SessionBounds::ANSWER as u64))?;
                if read.is_empty() {
                    break; // the session was deleted by another process
                }
                at += read.len() as u64;
                let near = read.into_iter().filter(|entry| wanted.binary_search(&(entry.id - first)).is_ok());
                found.extend(near.map(|entry| (entry.id, entry)));
            }
        }
        Ok(found)
    }
}

/// Stretches that hold all of these positions.
fn ranges(positions: &[u64]) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for at in positions {
        match ranges.last_mut().filter(|range| at - range.end <= GAP) {
            Some(range) => range.end = at + 1,
            None => ranges.push(*at..at + 1),
        }
    }
    ranges
}
