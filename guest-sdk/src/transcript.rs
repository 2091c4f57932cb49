//! The conversation that a call is about, as it was when the call began.
//!
//! What it is for: a handle to read as much of the conversation as the plugin wants. What it costs: a call of the host each; what isn't read is
//! never copied. How it fails: it doesn't; what isn't there is none.
//!
//! Natively a transcript is a list of entries that a test made: [`Transcript::of`].

use crate::Entry;
use crate::bindings::imports::plugbay::plugin::types::Transcript as Handle;

/// The active branch of a conversation; what is written meanwhile doesn't show.
#[derive(Debug)]
pub struct Transcript<'a>(Kept<'a>);

#[cfg(target_family = "wasm")]
type Kept<'a> = &'a Handle;

#[cfg(not(target_family = "wasm"))]
type Kept<'a> = std::borrow::Cow<'a, [Entry]>;

#[cfg(target_family = "wasm")]
impl<'a> Transcript<'a> {
    pub(crate) fn lent(handle: &'a Handle) -> Self {
        Self(handle)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Up to `count` entries from position `start` (0 is the oldest), oldest first. One answer holds at most 1,000 entries and 1 MiB, and always at
    /// least one entry if there is one at `start`: ask again from `start` plus the number that came.
    #[must_use]
    pub fn window(&self, start: u64, count: u32) -> Vec<Entry> {
        self.0.window(start, count)
    }

    /// The entry with this id.
    #[must_use]
    pub fn entry(&self, id: u64) -> Option<Entry> {
        self.0.entry(id)
    }
}

#[cfg(not(target_family = "wasm"))]
impl<'a> Transcript<'a> {
    /// What `#[plugin]` writes mentions it natively, too; nobody calls it there.
    pub(crate) fn lent(_: &'a Handle) -> Self {
        Self::of(Vec::new())
    }

    /// A conversation for a test.
    #[must_use]
    pub fn of(entries: Vec<Entry>) -> Self {
        Self(entries.into())
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Up to `count` entries from position `start` (0 is the oldest), oldest first, and at most 1,000 entries at once.
    #[must_use]
    pub fn window(&self, start: u64, count: u32) -> Vec<Entry> {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        self.0.iter().skip(start).take(count.min(1_000) as usize).cloned().collect()
    }

    /// The entry with this id.
    #[must_use]
    pub fn entry(&self, id: u64) -> Option<Entry> {
        self.0.iter().find(|entry| entry.id == id).cloned()
    }
}

impl Transcript<'_> {
    /// Whether nothing was said yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The newest entries, oldest first; at most as many as one answer of the host holds.
    #[must_use]
    pub fn newest(&self, count: u32) -> Vec<Entry> {
        self.window(self.len().saturating_sub(u64::from(count)), count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Payload, Role};

    #[test]
    fn a_transcript_of_a_test_reads_as_the_hosts() {
        let entry = |id| Entry { id, role: Role::User, at: id, content: Payload::Json("\"hi\"".into()), tool_call_id: None };
        let transcript = Transcript::of((10..15).map(entry).collect());
        let ids = |entries: Vec<Entry>| entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>();
        assert_eq!((transcript.len(), transcript.is_empty()), (5, false));
        assert_eq!(ids(transcript.window(1, 2)), [11, 12]);
        assert_eq!(ids(transcript.window(9, 2)), [0_u64; 0]);
        assert_eq!(ids(transcript.newest(2)), [13, 14]);
        assert_eq!(transcript.entry(12), Some(entry(12)));
        assert_eq!(transcript.entry(0), None);
    }
}
