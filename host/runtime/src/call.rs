//! What a plugin is told about a call: the cause, the session, the conversation, who is behind it.
//!
//! A [`Call`] is made once for a dispatch and shared by all plugins that it reaches. Which plugin is calling, and for whom, is never an argument of the
//! guest's: it comes from here.

use crate::id::PluginId;
use crate::json::{Json, Payload};
use crate::wire::types;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Entries that one window of a transcript holds.
pub const WINDOW: usize = 1_000;

/// Bytes that one window of a transcript holds.
pub const WINDOW_BYTES: usize = 1 << 20;

/// A session, as plugins get it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Session(Arc<SessionState>);

#[derive(Debug)]
struct SessionState {
    key: String,
    id: String,
    gone: AtomicBool,
}

impl Session {
    /// One life of the session with this stable name.
    #[must_use]
    pub fn new(key: impl Into<String>, id: impl Into<String>) -> Self {
        Self(Arc::new(SessionState { key: key.into(), id: id.into(), gone: AtomicBool::new(false) }))
    }

    /// The session was deleted: every method of every handle answers `gone` from now on.
    pub fn delete(&self) {
        self.0.gone.store(true, Ordering::Release);
    }

    /// Its stable name, unless it was deleted.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.live().then_some(self.0.key.as_str())
    }

    /// The name of this life of it, unless it was deleted.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.live().then_some(self.0.id.as_str())
    }

    /// Its stable name, also after it was deleted: a plugin's cell for it stays the same one.
    pub(crate) fn stable_key(&self) -> &str {
        &self.0.key
    }

    fn live(&self) -> bool {
        !self.0.gone.load(Ordering::Acquire)
    }
}

/// Who spoke an entry of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Role {
    System,
    User,
    Assistant,
    Tool,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// A conversation as of the start of a call. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Transcript(Arc<[Entry]>);

impl Transcript {
    /// These entries, oldest first, with growing ids.
    #[must_use]
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|e| e.id);
        Self(entries.into())
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Entries from `start`, as many as fit into one answer.
    pub(crate) fn window(&self, start: u64, count: u32) -> impl Iterator<Item = &Entry> {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(WINDOW);
        let mut bytes = 0;
        let fits = move |(n, entry): &(usize, &Entry)| {
            bytes += entry.bytes();
            *n == 0 || bytes <= WINDOW_BYTES
        };
        self.0.iter().skip(start).take(count).enumerate().take_while(fits).map(|(_, entry)| entry)
    }

    pub(crate) fn entry(&self, id: u64) -> Option<&Entry> {
        self.0.binary_search_by_key(&id, |e| e.id).ok().and_then(|at| self.0.get(at))
    }
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

/// Who is behind a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Where the request came in.
    pub channel: String,
    /// Who sent it.
    pub sender: String,
    /// What the sender may do.
    pub scopes: Vec<String>,
}

/// The calls that led to a call: whose cells are held by calls that wait for this one. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Chain(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    plugin: PluginId,
    export: &'static str,
    before: Chain,
}

impl Chain {
    /// This chain, with a call of a plugin at its end.
    pub(crate) fn with(&self, plugin: PluginId, export: &'static str) -> Self {
        Self(Some(Arc::new(Link { plugin, export, before: self.clone() })))
    }

    /// The calls, the newest first: which plugin, and what of it was called.
    pub fn calls(&self) -> impl Iterator<Item = (&PluginId, &'static str)> {
        std::iter::successors(self.0.as_deref(), |link| link.before.0.as_deref()).map(|link| (&link.plugin, link.export))
    }

    /// Whether a call of this plugin is among them.
    pub(crate) fn holds(&self, plugin: &PluginId) -> bool {
        self.calls().any(|(held, _)| held == plugin)
    }
}

/// What makes the host call plugins: one hook that fires, one tool call, one action …
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Call(pub(crate) Arc<Told>);

/// What a [`Call`] says.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) invocation: u64,
    pub(crate) session: Option<Session>,
    pub(crate) transcript: Option<Transcript>,
    pub(crate) run: Option<Arc<str>>,
    pub(crate) principal: Option<Arc<types::Principal>>,
    pub(crate) attrs: Arc<[(String, String)]>,
    pub(crate) chain: Chain,
}

impl Call {
    /// A call about nothing in particular, with a new invocation number.
    #[must_use]
    pub fn new() -> Self {
        static INVOCATIONS: AtomicU64 = AtomicU64::new(1);
        let invocation = INVOCATIONS.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Told { invocation, session: None, transcript: None, run: None, principal: None, attrs: Arc::new([]), chain: Chain::default() }))
    }

    /// About this session.
    #[must_use]
    pub fn session(mut self, session: Session) -> Self {
        Arc::make_mut(&mut self.0).session = Some(session);
        self
    }

    /// With this conversation so far; only plugins with the grant `conversation` see it.
    #[must_use]
    pub fn transcript(mut self, transcript: Transcript) -> Self {
        Arc::make_mut(&mut self.0).transcript = Some(transcript);
        self
    }

    /// In the turn with this run id.
    #[must_use]
    pub fn run(mut self, run: impl Into<Arc<str>>) -> Self {
        Arc::make_mut(&mut self.0).run = Some(run.into());
        self
    }

    /// On behalf of this principal.
    #[must_use]
    pub fn principal(mut self, principal: Principal) -> Self {
        let Principal { channel, sender, scopes } = principal;
        Arc::make_mut(&mut self.0).principal = Some(Arc::new(types::Principal { channel, sender, scopes }));
        self
    }

    /// On behalf of these calls, which wait for it.
    #[must_use]
    pub fn within(mut self, chain: Chain) -> Self {
        Arc::make_mut(&mut self.0).chain = chain;
        self
    }

    /// With further facts.
    #[must_use]
    pub fn attrs(mut self, attrs: impl IntoIterator<Item = (String, Json)>) -> Self {
        Arc::make_mut(&mut self.0).attrs = attrs.into_iter().map(|(name, json)| (name, json.into())).collect();
        self
    }
}

impl Default for Call {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn transcript(entries: u64, bytes: usize) -> Transcript {
        let entry = |id| Entry { id, role: Role::User, at: id, content: Payload::of(&json!("x".repeat(bytes))), tool_call_id: None };
        Transcript::new((1..=entries).map(entry).collect())
    }

    fn ids(window: impl Iterator<Item = u64>) -> (u64, usize) {
        let ids: Vec<u64> = window.collect();
        (ids.first().copied().unwrap_or(0), ids.len())
    }

    #[test]
    fn a_window_is_bounded_in_entries() {
        let transcript = transcript(2_500, 1);
        let window = |start, count| ids(transcript.window(start, count).map(|e| e.id));
        assert_eq!(window(0, 10), (1, 10));
        assert_eq!(window(100, u32::MAX), (101, WINDOW));
        assert_eq!(window(2_499, 10), (2_500, 1));
        assert_eq!(window(2_500, 10), (0, 0));
        assert_eq!(window(u64::MAX, 10), (0, 0));
    }

    #[test]
    fn a_window_is_bounded_in_bytes_and_never_stuck() {
        let transcript = transcript(100, 60_000);
        let (mut at, mut windows) = (0, 0);
        while at < transcript.len() {
            let entries: Vec<_> = transcript.window(at, 1_000).collect();
            assert!(!entries.is_empty() && entries.iter().map(|e| e.bytes()).sum::<usize>() <= WINDOW_BYTES);
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
        assert_eq!(transcript.entry(9).map(|e| e.role), Some(Role::Tool));
        assert_eq!(transcript.entry(4), None);
        assert_eq!(transcript.window(0, 1).next().map(|e| e.id), Some(3), "oldest first, however they came");
    }

    #[test]
    fn invocations_are_numbered() {
        assert_ne!(Call::new().0.invocation, Call::new().0.invocation);
    }
}
