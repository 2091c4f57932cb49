//! The conversation that a call is about, as it was when the call began.
//!
//! What it is for: a handle to read as much of the conversation as the plugin wants. What it costs: a call of the host each; what isn't read is
//! never copied. How it fails: it doesn't; what isn't there is none.
//!
//! Natively a transcript is a list of entries that a test made: [`Transcript::of`].

use crate::bindings::imports::plugbay::plugin::types::Transcript as Handle;
use crate::{Entry, Outline};

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

    /// Up to `count` entries from position `start` without their words: what each takes when it is told to a model, as the host counts. At most 10,000 in one answer.
    #[must_use]
    pub fn outline(&self, start: u64, count: u32) -> Vec<Outline> {
        self.0.outline(start, count)
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

    /// Up to `count` entries from position `start` without their words. Each takes as many tokens as [`tokens::count`](crate::tokens::count) has of its text, and 4. At most 10,000
    /// in one answer.
    #[must_use]
    pub fn outline(&self, start: u64, count: u32) -> Vec<Outline> {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let line = |entry: &Entry| Outline { id: entry.id, role: entry.role, tokens: taken(entry) };
        self.0.iter().skip(start).take(count.min(10_000) as usize).map(line).collect()
    }
}

/// What an entry takes.
#[cfg(not(target_family = "wasm"))]
fn taken(entry: &Entry) -> u64 {
    use crate::{Payload, tokens};
    match &entry.content {
        Payload::Json(json) => tokens::of_message(&serde_json::from_str::<String>(json).unwrap_or_else(|_| json.clone())),
        Payload::Truncated(cut) => cut.bytes.div_ceil(4) + tokens::FRAME,
    }
}

impl Transcript<'_> {
    /// Whether nothing was said yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tokens that each of up to `count` entries from position `start` takes: its [outline](Self::outline), and of that the tokens alone.
    #[must_use]
    pub fn tokens(&self, start: u64, count: u32) -> Vec<u64> {
        self.outline(start, count).into_iter().map(|line| line.tokens).collect()
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

    #[test]
    fn an_entry_takes_its_text_and_a_frame() {
        let entry = |content| Entry { id: 1, role: Role::User, at: 0, content, tool_call_id: None };
        let contents =
            [Payload::Json("\"abcde\"".into()), Payload::Json("[1,2]".into()), Payload::Truncated(crate::Truncated { bytes: 9 })];
        let transcript = Transcript::of(contents.map(entry).into());
        assert_eq!(transcript.tokens(0, 9), [6, 6, 7]);
        assert_eq!(transcript.outline(1, 1), [Outline { id: 1, role: Role::User, tokens: 6 }]);
        assert_eq!((transcript.tokens(1, 1), transcript.tokens(3, 1)), (vec![6], vec![]));
        assert_eq!(Transcript::of(vec![entry(Payload::Json("\"\"".into())); 10_001]).tokens(0, u32::MAX).len(), 10_000);
    }
}
