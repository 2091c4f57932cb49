//! A session's conversation, as plugins read it: from the state, when they ask, as it was when the call began.
//!
//! Making one reads nothing. Only the present life shows, and of it only what was there then; what only the host knows of an entry (`meta`) doesn't show at all.

use crate::context::builtin::told;
use crate::tokens::Tokens;
use plugbay_runtime::state::{SessionStore, StateError, StoredEntry, Window};
use plugbay_runtime::{Conversation, Entry, Json, Outline, Payload, Role};
use std::sync::{Arc, OnceLock};

/// A life of a session, as far as it was written.
pub(crate) struct StoredConversation {
    store: Arc<dyn SessionStore>,
    key: Arc<str>,
    life: Arc<str>,
    entries: u64,
    /// The number of the last entry, once somebody asked for an entry.
    last: OnceLock<Option<u64>>,
}

impl StoredConversation {
    /// The first so many entries.
    pub(crate) fn new(store: Arc<dyn SessionStore>, key: Arc<str>, life: Arc<str>, entries: u64) -> Self {
        Self { store, key, life, entries, last: OnceLock::new() }
    }

    fn last(&self) -> Result<Option<u64>, String> {
        if let Some(last) = self.last.get() {
            return Ok(*last);
        }
        let last = match self.entries.checked_sub(1) {
            None => None,
            Some(start) => self.window(start, 1)?.first().map(|entry| entry.id),
        };
        Ok(*self.last.get_or_init(|| last))
    }
}

impl Conversation for StoredConversation {
    fn len(&self) -> Result<u64, String> {
        Ok(self.entries)
    }

    fn window(&self, start: u64, count: usize) -> Result<Vec<Entry>, String> {
        let left = usize::try_from(self.entries.saturating_sub(start)).unwrap_or(usize::MAX);
        let count = count.min(left);
        if count == 0 {
            return Ok(Vec::new());
        }
        let window = self.store.entries(&self.key, &self.life, Window::From { start, count }).map_err(unreadable)?;
        Ok(window.into_iter().map(shown).collect())
    }

    fn entry(&self, id: u64) -> Result<Option<Entry>, String> {
        if self.last()?.is_none_or(|last| id > last) {
            return Ok(None);
        }
        Ok(self.store.entry(&self.key, &self.life, id).map_err(unreadable)?.map(shown))
    }

    fn outline(&self, start: u64, count: usize) -> Result<Vec<Outline>, String> {
        let (counts, mut outline, mut words) = (Tokens::default(), Vec::new(), 0);
        let all = usize::try_from(self.entries.saturating_sub(start)).unwrap_or(usize::MAX).min(count);
        while outline.len() < all && words < WORDS {
            let window = Window::From { start: start + outline.len() as u64, count: PORTION.min(all - outline.len()) };
            let read = self.store.entries(&self.key, &self.life, window).map_err(unreadable)?;
            if read.is_empty() {
                break; // the session was deleted by another process
            }
            words += read.iter().map(|stored| stored.entry.content.len()).sum::<usize>();
            outline.extend(read.into_iter().map(|StoredEntry { id, entry, .. }| {
                let role = role(&entry.role);
                Outline { id, role, tokens: told(entry).map_or(0, |message| counts.message(&message)) }
            }));
        }
        Ok(outline)
    }
}

/// Entries that are counted between two readings.
const PORTION: usize = 256;
/// Bytes of words after which an outline ends: reading and counting them takes some seconds at most.
const WORDS: usize = 32 << 20;

fn unreadable(error: StateError) -> String {
    format!("the conversation can't be read: {error}")
}

fn shown(stored: StoredEntry) -> Entry {
    let StoredEntry { id, at, entry, .. } = stored;
    let bytes = entry.content.len() as u64;
    let content = Json::check(entry.content).map_or(Payload::Truncated { bytes }, Payload::Json);
    Entry { id, role: role(&entry.role), at, content, tool_call_id: entry.tool_call_id }
}

/// A role by its name in the state, which knows no others.
pub(crate) fn role(name: &str) -> Role {
    match name {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        _ => Role::System,
    }
}

/// A role's name in the state.
pub(crate) const fn role_name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugbay_runtime::state::{Memory, NewEntry};

    #[tokio::test]
    async fn each_entry_takes_what_it_is_told_with_whatever_the_portions() {
        let store = Arc::new(Memory::default());
        store.ensure_session("s", "one").await.unwrap();
        let call = r#"{"tool-calls":[{"id":"call","name":"look","arguments":"{\"where\":\"here\"}"}]}"#;
        let mut entries: Vec<_> = (0..600).map(|n| said(&format!("number {n}"))).collect();
        entries[1] = NewEntry { role: "assistant".into(), meta: Some(call.into()), ..said("") };
        entries[2] = said(" ");
        for chunk in entries.chunks(100) {
            store.append("s", "one", chunk.to_vec()).await.unwrap().unwrap();
        }
        let conversation = StoredConversation::new(store, "s".into(), "one".into(), 599);
        let counts = Tokens::default();
        let outline = |start, count| conversation.outline(start, count).unwrap();
        let lines = outline(0, 10_000);
        let tokens: Vec<u64> = lines.iter().map(|line| line.tokens).collect();
        assert_eq!((lines[1].id, lines[1].role, lines[2].role), (2, Role::Assistant, Role::User));
        assert_eq!(tokens.len(), 599, "what was written later isn't counted");
        assert_eq!((tokens[0], tokens[2]), (4 + counts.count("number 0"), 0));
        assert!(tokens[1] > 4 + counts.count("look") + counts.count(r#"{"where":"here"}"#), "calls of tools take room");
        assert_eq!(outline(500, 20), lines[500..520]);
        assert!(outline(599, 5).is_empty() && outline(u64::MAX, 5).is_empty());
    }

    fn said(text: &str) -> NewEntry {
        NewEntry { role: "user".into(), content: format!("{text:?}"), tool_call_id: None, run: None, meta: Some("{}".into()) }
    }

    #[tokio::test]
    async fn what_is_written_later_and_in_other_lives_does_not_show() {
        let store = Arc::new(Memory::default());
        store.ensure_session("s", "one").await.unwrap();
        let first = store.append("s", "one", vec![said("a")]).await.unwrap().unwrap();
        store.reset_session("s", "two").await.unwrap();
        let second = store.append("s", "two", vec![said("b"), said("c")]).await.unwrap().unwrap();
        let conversation = StoredConversation::new(store.clone(), "s".into(), "two".into(), 2);
        let third = store.append("s", "two", vec![said("d")]).await.unwrap().unwrap();

        assert_eq!(conversation.len(), Ok(2));
        let ids = |start, count| conversation.window(start, count).unwrap().iter().map(|e| e.id).collect::<Vec<_>>();
        assert_eq!(ids(0, 100), second);
        assert_eq!((ids(1, 100), ids(2, 100), ids(u64::MAX, 1)), (vec![second[1]], vec![], vec![]));
        assert!(conversation.entry(second[1]).unwrap().is_some());
        assert!(conversation.entry(third[0]).unwrap().is_none(), "it was written later");
        assert!(conversation.entry(first[0]).unwrap().is_none(), "it is of another life");
    }
}
