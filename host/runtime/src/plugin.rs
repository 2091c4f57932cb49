//! A plugin: an id that stays, where it stands, and the generation that serves at the moment.

use crate::call::Call;
use crate::generation::Generation;
use crate::hook::{Fired, HOOKS, Hook, InJsonError};
use crate::id::PluginId;
use crate::listing::Listing;
use crate::record::PluginRecord;
use crate::serve::{Answered, Asking, Meant};
use crate::settings::Settings;
use crate::standing::{Stand, Standing};
use crate::surface::Surface;
use arc_swap::ArcSwapOption;
use plugbay_engine::{CallError, Digest};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A plugin that the host knows. Stays the same while its generations come and go.
pub struct Plugin {
    id: PluginId,
    serving: ArcSwapOption<Generation>,
    /// The host's count of what matters to who asks plugins: see [`Plugins::revision`](crate::Plugins::revision).
    revision: Arc<AtomicU64>,
    view: Mutex<View>,
    /// Who holds it may change the plugin; changes happen one after the other, in the order in which they were asked for.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

/// What the host knows of a plugin besides what serves. Changed only by who has the plugin's turn.
pub(crate) struct View {
    pub(crate) stand: Stand,
    pub(crate) record: PluginRecord,
    /// What the operator wants it to run with.
    pub(crate) settings: Settings,
    /// What served before, for a way back.
    pub(crate) before: Option<Before>,
    /// Whether what it guards is refused while it isn't active.
    pub(crate) required: bool,
    /// What its last known component exports, while nothing serves.
    pub(crate) exports: Option<BTreeSet<String>>,
}

/// What served before the last swap.
#[derive(Clone)]
pub(crate) struct Before {
    pub(crate) digest: Digest,
    pub(crate) settings: Settings,
    /// What it saved when it was replaced.
    pub(crate) saved: Option<Arc<Saved>>,
}

/// A plugin's memory, on its way to another version.
pub(crate) struct Saved {
    pub(crate) version: semver::Version,
    pub(crate) bytes: Vec<u8>,
}

impl View {
    /// What of it matters to who asks plugins, besides what serves.
    fn facts(&self) -> (Standing, bool, Option<&BTreeSet<String>>) {
        (self.stand.standing, self.required, self.exports.as_ref())
    }
}

impl Plugin {
    pub(crate) fn new(id: PluginId, record: PluginRecord, revision: Arc<AtomicU64>) -> Self {
        let stand = Stand::new(Standing::Missing, "it wasn't loaded yet");
        let view = View { stand, record, settings: Settings::default(), before: None, required: false, exports: None };
        Self { id, serving: ArcSwapOption::empty(), revision, view: Mutex::new(view), turn: tokio::sync::Mutex::default() }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &PluginId {
        &self.id
    }

    /// The generation that serves new calls; none while the plugin stands aside. Holding on to it doesn't keep its cells.
    #[must_use]
    pub fn generation(&self) -> Option<Arc<Generation>> {
        self.serving.load_full()
    }

    /// What it imports and exports, as far as something of it serves.
    #[must_use]
    pub fn surface(&self) -> Option<Surface> {
        self.generation().map(|g| g.surface().clone())
    }

    /// Whether it handles this hook, or would, if it were active: by what serves, else by its last known component. Nothing, if nothing is known of any.
    #[must_use]
    pub fn guards(&self, hook: &str) -> Option<bool> {
        match self.generation() {
            Some(serving) => Some(serving.surface().exports.contains(hook)),
            None => self.view(|v| v.exports.as_ref().map(|exports| exports.contains(hook))),
        }
    }

    /// Whether what it [guards](Plugin::guards) is refused while it isn't active: where the operator says so, or says nothing and has granted `policy`.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.view(|v| v.required)
    }

    /// Where it stands: without all that a [listing](Plugin::listing) copies.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match self.view(|v| v.stand.standing) {
            Standing::Active if self.generation().is_some_and(|g| g.breaker().is_quarantined()) => Standing::Quarantined,
            standing => standing,
        }
    }

    /// All that there is to say of it at this moment.
    #[must_use]
    pub fn listing(&self) -> Listing {
        Listing::of(self)
    }

    /// Calls a hook's handler in the generation that serves now. A plugin that doesn't handle the hook, or was denied what it takes to, has no opinion.
    ///
    /// This is one call of one plugin. Which plugins are asked, in which order, whether a plugin's own choice of tools
    /// ([`Registration`](crate::Registration)) covers this one, and what a failure means for the hook, is for the caller to decide.
    ///
    /// # Errors
    /// Why there is no answer; [`CallError::consequence`] says what follows from it. The plugin goes on serving either way.
    pub async fn call<H: Hook>(&self, call: &Call, event: &Fired<H>) -> Result<H::Outcome, CallError> {
        self.serve(call, event).await.answer
    }

    /// The same, with what a receipt says of it.
    pub async fn serve<H: Hook>(&self, call: &Call, event: &Fired<H>) -> Answered<H::Outcome> {
        self.serve_in(&mut Asking::new(), call, event).await
    }

    pub(crate) async fn serve_in<H: Hook>(&self, asking: &mut Asking<H>, call: &Call, event: &Fired<H>) -> Answered<H::Outcome> {
        match self.generation() {
            Some(generation) => generation.call(asking, call, event, Meant::Serving).await,
            None => Answered::by_none(self.closed()),
        }
    }

    /// The error of a call that nothing of it serves.
    pub(crate) fn closed(&self) -> CallError {
        self.view(|v| v.stand.closed(&self.id))
    }

    /// The same for a hook by its name, with event and outcome in JSON.
    ///
    /// # Errors
    /// If there is no such hook, the event isn't one of it, or as for [`Plugin::call`].
    pub async fn call_in_json(&self, hook: &str, call: &Call, event: serde_json::Value) -> Result<serde_json::Value, InJsonError> {
        let hook = HOOKS.iter().find(|h| h.name == hook).ok_or_else(|| InJsonError::NoHook(hook.to_owned()))?;
        (hook.call)(self, call, event).await
    }

    /// Whether there is nothing of it: no file that was ever seen, and nothing to remember.
    pub(crate) fn is_nothing(&self) -> bool {
        self.generation().is_none() && self.view(|v| v.stand.standing == Standing::Missing && v.record == PluginRecord::default())
    }

    /// Lets another generation serve, or none, and answers the one before.
    pub(crate) fn publish(&self, generation: Option<Arc<Generation>>) -> Option<Arc<Generation>> {
        let (comes, before) = (generation.is_some(), self.serving.swap(generation));
        if comes || before.is_some() {
            self.revised();
        }
        before
    }

    /// Looks at what is known of it.
    pub(crate) fn view<T>(&self, look: impl FnOnce(&View) -> T) -> T {
        look(&self.view.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what is known of it. For who has its turn.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut View) -> T) -> T {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        let (standing, required, exports) = view.facts();
        let before = (standing, required, exports.cloned());
        let changed = change(&mut view);
        let (standing, required, exports) = view.facts();
        if (standing, required, exports) != (before.0, before.1, before.2.as_ref()) {
            self.revised();
        }
        changed
    }

    /// What its component exports is known: what serves says more than this.
    pub(crate) fn learn(&self, surface: &Surface) {
        if self.generation().is_none() {
            self.change(|v| v.exports = Some(surface.exports.clone()));
        }
    }

    fn revised(&self) {
        self.revision.fetch_add(1, Ordering::Release);
    }
}
