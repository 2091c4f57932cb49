//! A run's place at the engine: one generation of it, held until the run is over, and the one function through which everything is asked.
//!
//! What a call without an answer means is decided here, by the table of [`CallError::consequence`]: the engine is quarantined, or it isn't asked this once; in both cases the built-in engine does what it would have done, and where that
//! can't be (a compaction, a subagent) the failure is handed back. Who stops waiting quarantines nobody; and where a turn or a compaction is cancelled, what the engine is at ends with it, so that
//! the next turn finds a cell. It costs a lookup above the call.

use super::builtin::Life;
use super::queue::BehindTurns;
use super::slot::{Contexts, Parts};
use crate::sessions::StoredConversation;
use plugbay_runtime::engine::{CallError, EngineFate, Fault};
use plugbay_runtime::state::Untold;
use plugbay_runtime::{
    Call, ContextBootstrap, ContextDispose, ContextTurn, Disposing, EngineRegistration, Fired, Hook, Pinned, PluginId, Standing, Transcript,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;

/// A run's place.
pub(crate) struct Seat {
    contexts: Contexts,
    /// Nobody: the built-in engine served when the run began.
    pinned: Option<Pinned>,
    /// How many entries there were when the run began; in a compaction all are older.
    began: u64,
    /// Whether it was asked anything: then it is told when the run is over.
    met: AtomicBool,
    /// It couldn't be told what was said, so it doesn't decide in this run.
    behind: AtomicBool,
    /// It failed in this run, so it isn't asked in it any more, whatever becomes of the quarantine.
    failed: AtomicBool,
}

/// In which cell the engine is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// In its usual one.
    Usual,
    /// In one of its own, in nobody's way.
    Aside,
}

/// What came of asking.
pub(super) enum Asked<O> {
    Answered(O),
    /// It isn't asked, or not now: the built-in engine is.
    Builtin,
    /// It failed, in these words, and is quarantined.
    Failed(String),
}

/// What an engine is called about.
#[derive(Clone)]
pub(crate) struct Occasion {
    /// The session, the run, who is behind it; without a conversation.
    pub(crate) call: Call,
    /// As far as it was written.
    pub(crate) life: Life,
    pub(crate) heartbeat: bool,
    /// Ends what the engine is asked; nothing, if it comes to its end in any case.
    pub(crate) cancelled: Option<CancellationToken>,
}

impl Occasion {
    /// The same, for what comes to its end in any case.
    pub(crate) fn without_cancelling(self) -> Self {
        Self { cancelled: None, ..self }
    }
}

impl Seat {
    pub(super) const fn new(contexts: Contexts, pinned: Option<Pinned>) -> Self {
        let (met, behind, failed) = (AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false));
        Self { contexts, pinned, began: u64::MAX, met, behind, failed }
    }

    /// The place of a run that begins behind so many entries.
    pub(crate) fn behind_entries(self, began: u64) -> Self {
        Self { began, ..self }
    }

    pub(super) const fn began(&self) -> u64 {
        self.began
    }

    pub(super) fn parts(&self) -> &Parts {
        self.contexts.parts()
    }

    pub(super) fn behind_turns(&self, plugin: &PluginId) -> Arc<BehindTurns> {
        self.contexts.behind_turns(plugin)
    }

    /// The engine, unless it is the built-in one by now.
    pub(super) fn engine(&self) -> Option<&Pinned> {
        self.pinned.as_ref().filter(|pinned| !self.failed.load(Ordering::Acquire) && self.contexts.is_quarantined(pinned).is_none())
    }

    /// Whether the plugin decides what the model sees.
    pub(crate) fn decides(&self) -> bool {
        !self.behind.load(Ordering::Acquire) && self.engine().is_some()
    }

    /// Whether it was asked anything, and hasn't heard that its part is over.
    pub(crate) fn is_met(&self) -> bool {
        self.met.load(Ordering::Acquire)
    }

    pub(super) fn plugin(&self) -> Option<&PluginId> {
        self.pinned.as_ref().map(|pinned| pinned.plugin().id())
    }

    /// Whether anything may be kept of the engine: not if it was uninstalled since the run began.
    pub(super) fn is_installed(&self) -> bool {
        self.pinned.as_ref().is_some_and(|pinned| pinned.plugin().standing() != Standing::Missing)
    }

    /// What was said can't be told to the engine now: the built-in one decides, until the next run.
    pub(super) fn fall_behind(&self) {
        self.behind.store(true, Ordering::Release);
    }

    /// How the engine serves.
    pub(super) fn registration(&self) -> EngineRegistration {
        self.pinned.as_ref().and_then(|pinned| pinned.generation().registration().context_engine).unwrap_or_default()
    }

    /// Whether the engine is there and can be asked this.
    pub(super) fn has<H: Hook>(&self) -> bool {
        self.engine().is_some_and(|pinned| pinned.generation().handles::<H>())
    }

    /// Asks the engine.
    pub(super) async fn ask<H: Hook>(&self, at: At, call: &Call, event: H::Event) -> Asked<H::Outcome> {
        let Some(pinned) = self.engine() else { return Asked::Builtin };
        self.met.store(true, Ordering::Release);
        let fired = Fired::<H>::new(event);
        let answered = match at {
            At::Usual => pinned.serve(call, &fired).await,
            At::Aside => pinned.serve_aside(call, &fired).await,
        };
        match answered.answer {
            Ok(outcome) => Asked::Answered(outcome),
            Err(error) => self.unanswered::<H, _>(pinned, &error),
        }
    }

    fn unanswered<H: Hook, O>(&self, pinned: &Pinned, error: &CallError) -> Asked<O> {
        // What the host itself failed at is nobody else's fault.
        let hosts_own = matches!(error, CallError::Fault(Fault::Host(_)));
        match error.consequence().context_engine {
            EngineFate::Quarantined if !hosts_own => {
                self.broke::<H>(error.to_string());
                Asked::Failed(error.to_string())
            }
            EngineFate::Quarantined | EngineFate::BuiltinAnswers | EngineFate::Untouched => {
                let plugin = pinned.plugin().id();
                tracing::warn!(%plugin, operation = H::NAME, %error, "the context engine wasn't asked: the built-in one does without it this once");
                Asked::Builtin
            }
        }
    }

    /// The engine failed.
    pub(super) fn broke<H: Hook>(&self, why: String) {
        let Some(pinned) = &self.pinned else { return };
        self.failed.store(true, Ordering::Release);
        self.contexts.quarantine(pinned, H::NAME, why);
    }

    /// What is to be noted of a turn with its end: that the engine may not have been told of it. Nothing, if it isn't told of turns, or isn't there any more.
    ///
    /// Where it hasn't seen the conversation yet and takes it over as a whole, there is no place to note it, and the turn is a part of what it takes over.
    pub(crate) fn untold(&self) -> Option<Untold<'_>> {
        let engine = self.plugin().filter(|_| self.has::<ContextTurn>() && self.is_installed())?.as_str();
        Some(Untold { engine, from_the_start: !self.has::<ContextBootstrap>() })
    }

    /// The engine's part is over. Once, and whatever became of the engine; that it fails is only said in the log.
    pub(crate) async fn dispose(&self, occasion: &Occasion) {
        let Some(pinned) = &self.pinned else { return };
        if !pinned.generation().handles::<ContextDispose>() || !self.met.swap(false, Ordering::AcqRel) {
            return;
        }
        let fired = Fired::<ContextDispose>::new(Disposing { attrs: Vec::new() });
        if let Err(error) = pinned.serve(&self.about(occasion), &fired).await.answer {
            tracing::warn!(plugin = %pinned.plugin().id(), %error, "the context engine couldn't be told that its part is over");
        }
    }

    /// A call with the conversation, that ends when the occasion is cancelled.
    pub(super) fn told(&self, occasion: &Occasion) -> Call {
        occasion.cancelled.iter().cloned().fold(self.about(occasion), Call::until)
    }

    /// The same, that comes to its end in any case.
    pub(super) fn about(&self, occasion: &Occasion) -> Call {
        occasion.call.anew().transcript(Transcript::of(Arc::new(self.conversation(occasion))))
    }

    pub(super) fn conversation(&self, occasion: &Occasion) -> StoredConversation {
        let Life { key, life, entries } = &occasion.life;
        StoredConversation::new(self.parts().store.clone(), key.clone(), life.clone(), *entries)
    }
}
