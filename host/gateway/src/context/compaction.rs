//! A conversation is made smaller: because a person asks, because the model says that it is too long, or because it comes close to the budget.
//!
//! Who serves does it. A plugin that fails in it is quarantined and its failure reported, and nobody does it in its place: observers were told that it begins. It costs what the engine does, within the
//! budget of `context-compact`; the built-in engine has as long. Who cancels it ends the engine's call, and what
//! was done stays.

use super::builtin::{Compact, CompactError, Compacted as BuiltinCompacted, Reason};
use super::seat::{Asked, At, Occasion, Seat};
use super::slot::ServingEngine;
use crate::model::Voice;
use plugbay_runtime::{
    AfterCompaction, BeforeCompaction, Compacted, Compacting, CompactionAsked, CompactionReason, ContextCompact, EngineCompaction, Hook,
    PluginId,
};
use serde::Serialize;
use thiserror::Error;

/// What is wanted of a compaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) reason: CompactionReason,
    /// Tokens that the model takes of the conversation.
    pub(crate) budget: u64,
    /// What it took when it was last assembled, by our count; 0, if it wasn't.
    pub(crate) tokens: u64,
    /// What a person wants to be kept, or left out.
    pub(crate) instructions: Option<String>,
}

impl Wanted {
    /// The conversation has come close to the budget.
    pub(crate) const fn threshold(budget: u64, tokens: u64) -> Self {
        Self { reason: CompactionReason::Threshold, budget, tokens, instructions: None }
    }

    /// The model says that it is too long.
    pub(crate) fn overflow(budget: u64, tokens: u64) -> Self {
        Self { reason: CompactionReason::Overflow, ..Self::threshold(budget, tokens) }
    }

    /// A person asks.
    pub(crate) fn manual(budget: u64, tokens: u64, instructions: Option<String>) -> Self {
        Self { reason: CompactionReason::Manual, instructions, ..Self::threshold(budget, tokens) }
    }

    fn event(&self) -> CompactionAsked {
        let Self { reason, budget, tokens, instructions } = self.clone();
        CompactionAsked { reason, forced: reason != CompactionReason::Threshold, budget, tokens, instructions, attrs: Vec::new() }
    }

    fn of_builtin(&self) -> Compact {
        let reason = match self.reason {
            CompactionReason::Manual => Reason::Manual,
            CompactionReason::Overflow => Reason::Overflow,
            CompactionReason::Threshold => Reason::Threshold,
        };
        Compact { reason, budget: self.budget, instructions: self.instructions.clone() }
    }
}

/// Who makes a conversation smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Whoever decides what the model sees.
    Whoever,
    /// The built-in engine, since it has told what there was to tell: the plugin wasn't asked, or failed.
    Builtin,
}

/// What became of a compaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CompactionReport {
    /// Who did it.
    pub engine: ServingEngine,
    /// Whether anything changed.
    pub compacted: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What stands for what isn't told any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Tokens that the conversation took.
    pub tokens_before: u64,
    /// Tokens that it takes now.
    pub tokens_after: u64,
    /// Entries that a summary stands for now and that were told before, where that is known.
    pub summarised: u64,
}

impl CompactionReport {
    fn of_builtin(done: BuiltinCompacted) -> Self {
        let BuiltinCompacted { compacted, why, entries, tokens_before, tokens_after, summary } = done;
        Self { engine: ServingEngine::Builtin, compacted, why, summary, tokens_before, tokens_after, summarised: entries }
    }

    /// With what it takes now by our own count, where that is known.
    pub(crate) fn weighing(self, tokens: Option<u64>) -> Self {
        Self { tokens_after: tokens.unwrap_or(self.tokens_after), ..self }
    }

    /// By the engine's own count, but for what we have counted ourselves.
    fn of_plugin(plugin: PluginId, done: EngineCompaction, before: u64) -> Self {
        let EngineCompaction { compacted, why, summary, tokens_before, tokens_after, .. } = done;
        let tokens_before = if before > 0 { before } else { tokens_before };
        Self { engine: ServingEngine::Plugin(plugin), compacted, why, summary, tokens_before, tokens_after, summarised: 0 }
    }
}

/// Why a conversation isn't smaller.
#[derive(Debug, Error)]
pub(crate) enum CompactionFailed {
    /// The plugin failed, in these words.
    #[error("the context engine `{plugin}` didn't compact the conversation and is quarantined: {why}")]
    Plugin { plugin: String, why: String },
    /// It wasn't asked, and nobody stands in for it behind a turn.
    #[error("the context engine had no time to compact the conversation")]
    NotAsked,
    /// The built-in engine took too long.
    #[error(
        "the built-in context engine was still compacting the conversation after {seconds} s, and that is the limit (fixed: no setting changes it); what was summarised stays so"
    )]
    Watchdog { seconds: u64 },
    #[error(transparent)]
    Builtin(#[from] CompactError),
}

impl Seat {
    /// Makes a conversation smaller. The model summarises for the built-in engine.
    pub(crate) async fn compact(
        &self,
        by: By,
        occasion: &Occasion,
        wanted: Wanted,
        voice: &Voice,
    ) -> Result<CompactionReport, CompactionFailed> {
        self.begin(occasion, &wanted);
        let asked = match by {
            By::Whoever => self.ask_to_compact(At::Usual, occasion, &wanted).await?,
            By::Builtin => None,
        };
        let report = match asked {
            Some(report) => report,
            None => self.builtin_compacts(occasion, &wanted, voice).await?,
        };
        Ok(self.end(occasion, report))
    }

    /// The same behind a turn, by the plugin alone.
    pub(super) async fn compact_aside(&self, occasion: &Occasion, wanted: Wanted) {
        if self.engine().is_none() {
            return;
        }
        self.begin(occasion, &wanted);
        let asked = self.ask_to_compact(At::Aside, occasion, &wanted).await;
        match asked.and_then(|report| report.ok_or(CompactionFailed::NotAsked)) {
            Ok(report) => drop(self.end(occasion, report)),
            Err(error) => {
                tracing::warn!(session = &*occasion.life.key, %error, "a conversation that comes close to its budget wasn't compacted")
            }
        }
    }

    fn begin(&self, occasion: &Occasion, wanted: &Wanted) {
        let forced = wanted.reason == CompactionReason::Manual;
        let event = Compacting { messages: occasion.life.entries, tokens: wanted.tokens, forced, attrs: Vec::new() };
        self.parts().hooks.tell::<BeforeCompaction>(&self.about(occasion), event);
    }

    fn end(&self, occasion: &Occasion, report: CompactionReport) -> CompactionReport {
        let CompactionReport { tokens_before, tokens_after, summarised, .. } = report;
        let event = Compacted { tokens_before, tokens_after, summarised, attrs: Vec::new() };
        self.parts().hooks.tell::<AfterCompaction>(&self.about(occasion), event);
        report
    }

    /// Nothing, if the built-in engine is to do it.
    async fn ask_to_compact(&self, at: At, occasion: &Occasion, wanted: &Wanted) -> Result<Option<CompactionReport>, CompactionFailed> {
        if at == At::Usual && !self.decides() {
            return Ok(None);
        }
        let call = self.told(occasion);
        match (self.ask::<ContextCompact>(at, &call, wanted.event()).await, self.plugin()) {
            (Asked::Answered(done), Some(plugin)) => Ok(Some(CompactionReport::of_plugin(plugin.clone(), done, wanted.tokens))),
            (Asked::Failed(why), Some(plugin)) => Err(CompactionFailed::Plugin { plugin: plugin.to_string(), why }),
            _ => Ok(None),
        }
    }

    async fn builtin_compacts(&self, occasion: &Occasion, wanted: &Wanted, voice: &Voice) -> Result<CompactionReport, CompactionFailed> {
        let asked = wanted.of_builtin();
        let work = self.parts().builtin.compact(&occasion.life, &asked, voice);
        match tokio::time::timeout(ContextCompact::BUDGET, work).await {
            Ok(done) => Ok(CompactionReport::of_builtin(done?)),
            Err(_) => Err(CompactionFailed::Watchdog { seconds: ContextCompact::BUDGET.as_secs() }),
        }
    }
}
