//! Conversations, as plugins read them: a handle, and as much of it as they ask for.
//!
//! Nothing of a conversation is copied when a call begins. What a plugin asks for is read when it asks, bounded: one window holds at most [`WINDOW`] entries and
//! [`WINDOW_BYTES`] bytes, and always one entry if there is one, so that nobody is ever stuck. A conversation that can't be read is a fault of the host: the call ends,
//! since the contract has no word for it that a plugin could act on.

use crate::json::Payload;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Entries that one window of a transcript holds.
pub const WINDOW: usize = 1_000;

/// Bytes that one window of a transcript holds.
pub const WINDOW_BYTES: usize = 1 << 20;

/// Entries that one outline holds.
pub const OUTLINE: usize = 10_000;

/// Entries that are read at a time, so that what doesn't fit into a window any more isn't read by the thousand.
const PORTION: usize = 64;

/// Who spoke an entry of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Role {
    System,
    User,
    Assistant,
    Tool,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Entry {
    /// Its number; growing.
    pub id: u64,
    /// Who spoke.
    pub role: Role,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// What was said.
    pub content: Payload,
    /// For an answer of a tool: the call that it answers.
    pub tool_call_id: Option<String>,
}

/// An entry without its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline {
    /// Its number.
    pub id: u64,
    /// Who spoke.
    pub role: Role,
    /// Tokens that it takes when it is told to a model.
    pub tokens: u64,
}

impl Entry {
    /// Bytes of it on its way to a guest.
    fn bytes(&self) -> usize {
        let content = match &self.content {
            Payload::Json(json) => json.as_str().len(),
            Payload::Truncated { .. } => 0,
        };
        64 + content + self.tool_call_id.as_ref().map_or(0, String::len)
    }
}

/// A conversation that somebody keeps. It doesn't change while a call lasts: what is written meanwhile doesn't show.
///
/// All of it is called on the thread of the plugin's call, and holds up that call alone.
pub trait Conversation: Send + Sync {
    /// How many entries there are.
    ///
    /// # Errors
    /// Why it can't be read.
    fn len(&self) -> Result<u64, String>;

    /// Whether there are none.
    ///
    /// # Errors
    /// Why it can't be read.
    fn is_empty(&self) -> Result<bool, String> {
        Ok(self.len()? == 0)
    }

    /// Up to `count` entries from position `start` (0 is the oldest), oldest first.
    ///
    /// # Errors
    /// Why it can't be read.
    fn window(&self, start: u64, count: usize) -> Result<Vec<Entry>, String>;

    /// The entry with this id.
    ///
    /// # Errors
    /// Why it can't be read.
    fn entry(&self, id: u64) -> Result<Option<Entry>, String>;

    /// Up to `count` entries from position `start` without their words; fewer, where they have very many. Unless somebody counts better, a token for four bytes.
    ///
    /// # Errors
    /// Why it can't be read.
    fn outline(&self, start: u64, count: usize) -> Result<Vec<Outline>, String> {
        let line = |entry: &Entry| Outline { id: entry.id, role: entry.role, tokens: (entry.bytes() as u64).div_ceil(4) };
        Ok(self.window(start, count)?.iter().map(line).collect())
    }
}

/// A conversation as of the start of a call. Cheap to clone.
#[derive(Clone)]
pub struct Transcript(Arc<dyn Conversation>);

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcript").field("len", &self.0.len()).finish_non_exhaustive()
    }
}

impl Transcript {
    /// These entries, in the order of their ids.
    #[must_use]
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|e| e.id);
        Self(Arc::new(Entries(entries)))
    }

    /// A conversation that is read when a plugin asks for it.
    #[must_use]
    pub fn of(conversation: Arc<dyn Conversation>) -> Self {
        Self(conversation)
    }

    pub(crate) fn len(&self) -> Result<u64, String> {
        self.0.len()
    }

    /// Entries from `start`, as many as fit into one answer.
    pub(crate) fn window(&self, start: u64, count: u32) -> Result<Vec<Entry>, String> {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(WINDOW);
        let (mut window, mut bytes) = (Vec::new(), 0);
        while window.len() < count {
            let (at, asked) = (start.saturating_add(window.len() as u64), PORTION.min(count - window.len()));
            let portion = self.0.window(at, asked)?;
            let last = portion.len() < asked;
            for entry in portion.into_iter().take(asked) {
                bytes += entry.bytes();
                if bytes > WINDOW_BYTES && !window.is_empty() {
                    return Ok(window);
                }
                window.push(entry);
            }
            if last {
                break;
            }
        }
        Ok(window)
    }

    pub(crate) fn entry(&self, id: u64) -> Result<Option<Entry>, String> {
        self.0.entry(id)
    }

    /// Entries from `start` without their words, as many as fit into one answer.
    pub(crate) fn outline(&self, start: u64, count: u32) -> Result<Vec<Outline>, String> {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(OUTLINE);
        let mut outline = self.0.outline(start, count)?;
        outline.truncate(count);
        Ok(outline)
    }
}

/// A conversation in memory, in the order of its ids.
struct Entries(Vec<Entry>);

impl Conversation for Entries {
    fn len(&self) -> Result<u64, String> {
        Ok(self.0.len() as u64)
    }

    fn window(&self, start: u64, count: usize) -> Result<Vec<Entry>, String> {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        Ok(self.0.iter().skip(start).take(count).cloned().collect())
    }

    fn entry(&self, id: u64) -> Result<Option<Entry>, String> {
        Ok(self.0.binary_search_by_key(&id, |e| e.id).ok().and_then(|at| self.0.get(at)).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn entries(entries: u64, bytes: usize) -> Vec<Entry> {
        let entry = |id| Entry { id, role: Role::User, at: id, content: Payload::of(&json!("x".repeat(bytes))), tool_call_id: None };
        (1..=entries).map(entry).collect()
    }

    #[test]
    fn a_window_is_bounded_in_entries() {
        let transcript = Transcript::new(entries(2_500, 1));
        let window = |start, count| {
            let window = transcript.window(start, count).unwrap();
            assert!(window.is_sorted_by_key(|e| e.id));
            (window.first().map_or(0, |e| e.id), window.len())
        };
        assert_eq!(window(0, 10), (1, 10));
        assert_eq!(window(100, u32::MAX), (101, WINDOW));
        assert_eq!(window(2_499, 10), (2_500, 1));
        assert_eq!(window(2_500, 10), (0, 0));
        assert_eq!(window(u64::MAX, 10), (0, 0));
        assert_eq!(window(0, 0), (0, 0));
    }

    #[test]
    fn a_window_is_bounded_in_bytes_and_never_stuck() {
        let transcript = Transcript::new(entries(100, 60_000));
        let (mut at, mut windows) = (0, 0);
        while at < transcript.len().unwrap() {
            let entries = transcript.window(at, 1_000).unwrap();
            assert!(!entries.is_empty() && entries.iter().map(Entry::bytes).sum::<usize>() <= WINDOW_BYTES);
            at += entries.len() as u64;
            windows += 1;
        }
        assert_eq!((at, windows), (100, 6));
    }

    #[test]
    fn an_entry_is_found_by_its_id() {
        let transcript = Transcript::new(vec![
            Entry { id: 9, role: Role::Tool, at: 0, content: Payload::Truncated { bytes: 7 }, tool_call_id: Some("c".into()) },
            Entry { id: 3, role: Role::System, at: 0, content: Payload::of(&json!("a")), tool_call_id: None },
        ]);
        assert_eq!(transcript.entry(9).unwrap().map(|e| e.role), Some(Role::Tool));
        assert_eq!(transcript.entry(4).unwrap(), None);
        assert_eq!(transcript.window(0, 1).unwrap().first().map(|e| e.id), Some(3), "oldest first, however they came");
    }

    /// A conversation that counts what is read of it, and breaks at a position.
    struct Kept {
        entries: Entries,
        read: AtomicUsize,
        breaks_at: u64,
    }

    impl Conversation for Kept {
        fn len(&self) -> Result<u64, String> {
            self.entries.len()
        }

        fn window(&self, start: u64, count: usize) -> Result<Vec<Entry>, String> {
            if start >= self.breaks_at {
                return Err("the disk is gone".to_owned());
            }
            self.read.fetch_add(count, Ordering::Relaxed);
            self.entries.window(start, count)
        }

        fn entry(&self, id: u64) -> Result<Option<Entry>, String> {
            self.entries.entry(id)
        }
    }

    #[test]
    fn what_does_not_fit_is_hardly_read() {
        let kept = Arc::new(Kept { entries: Entries(entries(1_000, 60_000)), read: AtomicUsize::new(0), breaks_at: 100 });
        let transcript = Transcript::of(kept.clone());
        assert_eq!(kept.read.load(Ordering::Relaxed), 0, "making one reads nothing");
        assert_eq!(transcript.window(0, u32::MAX).unwrap().len(), 17);
        assert_eq!(kept.read.load(Ordering::Relaxed), PORTION);
        assert_eq!(transcript.window(100, 1), Err("the disk is gone".to_owned()));
    }
}
