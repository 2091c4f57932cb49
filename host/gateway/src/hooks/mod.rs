//! Hooks that fire: who is asked or told, in which order, what several answers come to, and what a failure means.
//!
//! What each hook means is said by its type ([`Hook`]): this is the one place that does it. [`Hooks::fire`] asks plugins one after the other and merges what they
//! want; [`Hooks::tell`] hands an event over to queues, one for each plugin and session, and goes on. Every hook also has a method of its own name.
//!
//! What it costs: a hook that nobody handles, a lookup and an empty receipt, about a tenth of a microsecond; otherwise one copy of the event, whoever many
//! plugins share, and for each plugin the call, a clock reading and a line in the [`Receipt`]. How it fails: never as an error. A plugin that has no answer is passed
//! over, or counts as a no where the hook fails closed, and the receipt says which, and why.

mod dispatch;
mod json;
mod kept;
mod named;
mod observers;
mod receipt;
mod roster;

pub use json::{InJson, InJsonError};
pub use observers::QueueView;
pub use receipt::{Failure, Ran, Receipt, Said, Skip, Skipped, Words};

use crate::hooks::kept::Kept;
use crate::hooks::observers::Outstanding;
use crate::hooks::roster::Roster;
use arc_swap::ArcSwap;
use plugbay_runtime::{Call, Hook, Mode, PluginId, Plugins};
use std::sync::Arc;
use std::time::Duration;

/// How hooks are dispatched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HooksSettings {
    /// How much may wait for observers.
    pub observers: ObserversSettings,
    /// How many receipts are kept.
    pub receipts: ReceiptsSettings,
}

/// How much may wait for observers. What comes when as much waits already is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObserversSettings {
    /// Events that wait for one plugin in one session.
    pub waiting: usize,
    /// Events that wait for one plugin in all.
    pub waiting_in_all: usize,
}

impl Default for ObserversSettings {
    fn default() -> Self {
        Self { waiting: 64, waiting_in_all: 16_384 }
    }
}

/// How many receipts are kept, in memory. Whole runs are forgotten, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptsSettings {
    /// Runs.
    pub runs: usize,
    /// Receipts of one run; what is beyond it is counted.
    pub each_run: usize,
    /// Bytes of all together, roughly.
    pub bytes: usize,
}

impl Default for ReceiptsSettings {
    fn default() -> Self {
        Self { runs: 1_000, each_run: 2_000, bytes: 32 << 20 }
    }
}

/// The hooks of a host's plugins. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Hooks(Arc<Inner>);

struct Inner {
    plugins: Plugins,
    settings: HooksSettings,
    roster: ArcSwap<Roster>,
    outstanding: Arc<Outstanding>,
    kept: Kept,
}

/// What came of asking.
#[derive(Debug, Clone)]
pub struct Dispatched<O> {
    /// What plugins want, taken together.
    pub outcome: O,
    /// Who ended it: by a block, by a claim, or by having no answer where that counts as a no. Nobody, if all were asked, or the host itself said no.
    pub by: Option<PluginId>,
    /// What became of each.
    pub receipt: Arc<Receipt>,
}

impl Hooks {
    /// The hooks of these plugins.
    #[must_use]
    pub fn new(plugins: Plugins, settings: HooksSettings) -> Self {
        let roster = ArcSwap::from_pointee(Roster::default());
        Self(Arc::new(Inner { plugins, settings, roster, outstanding: Arc::default(), kept: Kept::new(settings.receipts) }))
    }

    /// Asks plugins, one after the other, and says what their answers come to.
    ///
    /// Who stops waiting stops the dispatch: nobody further is asked.
    pub async fn fire<H: Hook>(&self, call: &Call, event: H::Event) -> Dispatched<H::Outcome> {
        const { assert!(matches!(H::MODE, Mode::Modify | Mode::Claim | Mode::Gate), "nobody answers this hook: tell it") };
        self.dispatch::<H>(call, event).await
    }

    /// Tells plugins, and waits for none of them. Each plugin hears of a session's events in order.
    ///
    /// To be called where tokio runs.
    pub fn tell<H: Hook>(&self, call: &Call, event: H::Event) {
        const { assert!(matches!(H::MODE, Mode::Observe), "this hook is answered: fire it") };
        self.hand_over::<H>(None, call, event);
    }

    /// The same for one plugin alone.
    pub fn tell_one<H: Hook>(&self, plugin: &PluginId, call: &Call, event: H::Event) {
        const { assert!(matches!(H::MODE, Mode::Observe), "this hook is answered: fire it") };
        self.hand_over::<H>(Some(plugin), call, event);
    }

    /// Waits until all that observers were told is done, but no longer than this. Says how much isn't.
    pub async fn settled(&self, within: Duration) -> usize {
        self.0.outstanding.settled(within).await
    }

    /// A run's receipts, in order. Those of the newest runs are kept in memory; a dispatch that nobody handles leaves none.
    #[must_use]
    pub fn receipts(&self, run: &str) -> Vec<Receipt> {
        self.0.kept.of(run).0
    }

    /// How many more receipts a run had than are kept.
    #[must_use]
    pub fn receipts_beyond(&self, run: &str) -> u64 {
        self.0.kept.of(run).1
    }

    /// What waits for observers, for each plugin that has something waiting, or ever had to drop something.
    #[must_use]
    pub fn queues(&self) -> Vec<QueueView> {
        self.roster().queues().filter(|view| view.waiting + view.under_way > 0 || view.dropped > 0).collect()
    }

    /// Whether nobody handles a hook, and nobody is missing who might. No, where that isn't known yet. It takes no hold of the roster, which all threads share.
    fn concerns_nobody<H: Hook>(&self) -> bool {
        let known = self.0.roster.load();
        known.is_of(self.0.plugins.revision()) && known.of::<H>().is_empty() && !(H::FAILS_CLOSED && known.lacks_any())
    }

    /// Who handles what at this moment.
    fn roster(&self) -> Arc<Roster> {
        let (known, revision) = (self.0.roster.load(), self.0.plugins.revision());
        if known.is_of(revision) {
            return Arc::clone(&known);
        }
        drop(known);
        // Of two who find it old at once the second finds what the first made: there is one queue for each plugin.
        let renew =
            |known: &Arc<Roster>| if known.is_of(revision) { known.clone() } else { Arc::new(Roster::renewed(known, &self.0.plugins)) };
        self.0.roster.rcu(renew);
        self.0.roster.load_full()
    }
}
