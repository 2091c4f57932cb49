//! What a plugin is told about a call: the cause, the session, the conversation, who is behind it.
//!
//! A [`Call`] is made once for a dispatch and shared by all plugins that it reaches. Which plugin is calling, and for whom, is never an argument of the
//! guest's: it comes from here.

use crate::id::PluginId;
use crate::json::Json;
use crate::transcript::Transcript;
use crate::wire::types;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use tokio_util::sync::CancellationToken;

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
    #[must_use]
    pub fn stable_key(&self) -> &str {
        &self.0.key
    }

    /// The same, without keeping it.
    #[must_use]
    pub fn downgrade(&self) -> WeakSession {
        WeakSession(Arc::downgrade(&self.0))
    }

    fn live(&self) -> bool {
        !self.0.gone.load(Ordering::Acquire)
    }
}

/// A session of which somebody may still hold a handle.
#[derive(Debug, Clone)]
pub struct WeakSession(Weak<SessionState>);

impl WeakSession {
    /// The session, while anybody holds a handle of it.
    #[must_use]
    pub fn upgrade(&self) -> Option<Session> {
        self.0.upgrade().map(Session)
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
    /// The session that it is about.
    session: Option<Session>,
    /// Whether its cell is one that nobody else could get.
    aside: bool,
    before: Chain,
}

impl Chain {
    /// This chain, with a call of a plugin at its end. What is called on its behalf carries it on ([`Call::within`]).
    #[must_use]
    pub fn with(&self, plugin: PluginId, export: &'static str) -> Self {
        self.with_call(plugin, export, None, false)
    }

    /// The same, with what is known of the call: the session that it is about, and whether it has an extra cell.
    pub(crate) fn with_call(&self, plugin: PluginId, export: &'static str, session: Option<Session>, aside: bool) -> Self {
        Self(Some(Arc::new(Link { plugin, export, session, aside, before: self.clone() })))
    }

    /// The calls, the newest first: which plugin, and what of it was called.
    pub fn calls(&self) -> impl Iterator<Item = (&PluginId, &'static str)> {
        std::iter::successors(self.0.as_deref(), |link| link.before.0.as_deref()).map(|link| (&link.plugin, link.export))
    }

    /// The cells that they keep from others: of which plugin, and for which session. Extra cells are nobody else's.
    pub(crate) fn held(&self) -> impl Iterator<Item = (&PluginId, Option<&str>)> {
        let links = std::iter::successors(self.0.as_deref(), |link| link.before.0.as_deref());
        links.filter(|link| !link.aside).map(|link| (&link.plugin, link.session.as_ref().map(Session::stable_key)))
    }

    /// Whether a call of this plugin is among them.
    #[must_use]
    pub fn holds(&self, plugin: &PluginId) -> bool {
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
    /// With it the call ends, wherever it is.
    pub(crate) until: Option<CancellationToken>,
    /// The session whose end waits for it.
    pub(crate) ends: Option<Arc<str>>,
}

impl Call {
    /// A call about nothing in particular, with a new invocation number.
    #[must_use]
    pub fn new() -> Self {
        static INVOCATIONS: AtomicU64 = AtomicU64::new(1);
        let invocation = INVOCATIONS.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Told {
            invocation,
            session: None,
            transcript: None,
            run: None,
            principal: None,
            attrs: Arc::new([]),
            chain: Chain::default(),
            until: None,
            ends: None,
        }))
    }

    /// The same for the next thing that happens: with a new invocation number.
    #[must_use]
    pub fn anew(&self) -> Self {
        let invocation = Self::new().0.invocation;
        Self(Arc::new(Told { invocation, ..Told::clone(&self.0) }))
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

    /// Ended when this is cancelled, also in the middle: its cell is dropped then, and nobody has failed. A call without this comes to its end though nobody waits for it any more.
    #[must_use]
    pub fn until(mut self, cancelled: CancellationToken) -> Self {
        Arc::make_mut(&mut self.0).until = Some(cancelled);
        self
    }

    /// Whoever waits for the end of the session with this key waits for it, whatever session it is about.
    #[must_use]
    pub fn ends(mut self, session: impl Into<Arc<str>>) -> Self {
        Arc::make_mut(&mut self.0).ends = Some(session.into());
        self
    }

    /// With further facts.
    #[must_use]
    pub fn attrs(mut self, attrs: impl IntoIterator<Item = (String, Json)>) -> Self {
        Arc::make_mut(&mut self.0).attrs = attrs.into_iter().map(|(name, json)| (name, json.into())).collect();
        self
    }
}

impl Call {
    /// The number that plugins are told.
    #[must_use]
    pub fn invocation(&self) -> u64 {
        self.0.invocation
    }

    /// The session that it is about.
    #[must_use]
    pub fn about(&self) -> Option<&Session> {
        self.0.session.as_ref()
    }

    /// The run id of the turn that it belongs to.
    #[must_use]
    pub fn run_id(&self) -> Option<&Arc<str>> {
        self.0.run.as_ref()
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

    #[test]
    fn invocations_are_numbered() {
        assert_ne!(Call::new().0.invocation, Call::new().0.invocation);
    }
}
