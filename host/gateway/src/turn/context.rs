//! What the model sees of the turns before: made ready before each of its calls, by the context engine that the run holds. And made smaller, where the model says that it is too long.
//!
//! The engine is told what it missed before the turn's own words are written, and of the turn when it is done. It decides on the turns before; what was said in this one is all told, and its
//! room is what this one leaves. It costs what the engine costs. It fails by the built-in engine deciding; a turn that is too long all by itself fails, and says what takes how much.

use super::rounds::Talk;
use super::{Run, Stopped};
use crate::context::builtin::{History, Life};
use crate::context::{Afterwards, By, CompactionReport, Context, Occasion, TurnTold, Wanted};
use crate::model::ModelError;
use crate::runs::HostTopic;
use plugbay_runtime::{Assembling, CompactionReason, Trigger};
use serde_json::json;

/// Which part of the usual room has to be left for a conversation to be summarised because of what doesn't fit. Where less is, the turn's own words are what takes the room.
const ORDINARY: u64 = 4;
/// How often a conversation is made smaller in one turn because the model says that it is too long.
const OVERFLOWS: u32 = 3;

impl Run {
    /// What the engine is called about: the conversation as far as its first so many entries.
    pub(super) fn occasion(&self, entries: u64) -> Occasion {
        let life = Life { key: self.key.clone(), life: self.life.clone(), entries };
        Occasion {
            call: self.call(),
            life,
            heartbeat: self.asked.trigger == Trigger::Heartbeat,
            cancelled: Some(self.unended.engine.clone()),
        }
    }

    /// The engine is told what it missed of the turns before, which have so many entries.
    pub(super) async fn open_context(&self, before: u64) -> Result<(), Stopped> {
        Ok(self.stop.unless(self.seat.open(&self.occasion(before))).await?)
    }

    /// Makes ready what the model is told of the turns before.
    pub(super) async fn assemble(&mut self, talk: &mut Talk, call: u32) -> Result<(), Stopped> {
        talk.has_room()?;
        let budget = talk.room(self.gateway.agent.limit(&talk.voice));
        let asked = Assembling {
            budget,
            call,
            model: talk.voice.name.clone(),
            prompt: talk.prompt().to_owned(),
            tools: talk.tools.listed().map(|tool| tool.name.clone()).collect(),
            heartbeat: self.asked.trigger == Trigger::Heartbeat,
            attrs: Vec::new(),
        };
        let assembled = self.stop.unless(self.seat.assemble(&self.occasion(talk.before), asked)).await??;
        talk.context = match assembled {
            Some(context) => context,
            None => self.builtin_context(talk, call, budget).await?,
        };
        let usual = talk.usual_room(self.gateway.agent.limit(&talk.voice));
        self.told = Some(TurnTold { budget, usual, tokens: talk.context.tokens, estimate: talk.context.estimate });
        Ok(())
    }

    /// What the built-in engine tells. It is read once in a turn, and less of it is told as the turn takes more.
    async fn builtin_context(&self, talk: &mut Talk, call: u32, budget: u64) -> Result<Context, Stopped> {
        let budget = budget >> talk.narrowed.min(63);
        let history = match talk.history.take() {
            Some(history) => history,
            None => self.history(talk, call, budget).await?,
        };
        let (messages, tokens) = history.within(budget);
        talk.history = Some(history);
        Ok(Context { messages, tokens, addition: None, estimate: None })
    }

    /// Before a turn's first call of the model what doesn't fit and is in no summary is summarised. Where that fails the oldest is left out, and the conversation goes on.
    async fn history(&self, talk: &Talk, call: u32, budget: u64) -> Result<History, Stopped> {
        let (contexts, life) = (&self.gateway.contexts, self.occasion(talk.before).life);
        let history = contexts.builtin().history(&life, budget)?;
        let usual = talk.usual_room(self.gateway.agent.limit(&talk.voice));
        if history.unsummarised == 0 || call > 1 || talk.overflows > 0 || budget < usual / ORDINARY {
            return Ok(history);
        }
        // What went wrong is said; and what was summarised before that is told.
        let wanted = Wanted::threshold(usual, history.within(budget).1);
        let _compacted = self.compact(talk, By::Builtin, wanted).await?;
        Ok(contexts.builtin().history(&life, budget)?)
    }

    /// The model says that the conversation is too long: it is made smaller, to be told again.
    pub(super) async fn overflow(&mut self, talk: &mut Talk, error: &ModelError) -> Result<(), Stopped> {
        if talk.context.tokens == 0 {
            return Err(talk.too_long_alone(&format!("the model didn't answer ({}): {error}", error.kind)));
        }
        if talk.overflows >= OVERFLOWS {
            let last = talk.last_compaction.as_ref().map(|said| format!("; the last time: {said}")).unwrap_or_default();
            let why = format!(
                "the model didn't answer ({}): {error}. The conversation was to be made smaller {OVERFLOWS} times, as often as may be in one turn, and still takes {} tokens before this turn{last}",
                error.kind, talk.context.tokens
            );
            return Err(Stopped::Unanswered { kind: error.kind, why });
        }
        talk.overflows += 1;
        talk.history = None;
        let by = if talk.context.estimate.is_some() { By::Whoever } else { By::Builtin };
        let budget = talk.usual_room(self.gateway.agent.limit(&talk.voice));
        let compacted = match self.compact(talk, by, Wanted::overflow(budget, talk.context.tokens)).await? {
            Ok(report) => {
                talk.last_compaction = report.why.or(talk.last_compaction.take());
                report.compacted
            }
            Err(why) => {
                talk.last_compaction = Some(why);
                false
            }
        };
        if by == By::Builtin && !compacted {
            talk.narrowed += 1; // then the oldest is left out
        }
        Ok(())
    }

    /// Makes the conversation before this turn smaller; what went wrong is said, and ends no turn.
    async fn compact(&self, talk: &Talk, by: By, wanted: Wanted) -> Result<Result<CompactionReport, String>, Stopped> {
        let reason: CompactionReason = wanted.reason;
        self.guard.event(HostTopic::Compaction, &json!({ "phase": "start", "reason": reason }));
        let done = self.stop.unless(self.seat.compact(by, &self.occasion(talk.before), wanted, &talk.voice)).await?;
        let data = match &done {
            Ok(report) => json!({ "phase": "end", "reason": reason, "report": report }),
            Err(error) => json!({ "phase": "error", "reason": reason, "error": error.to_string() }),
        };
        self.guard.event(HostTopic::Compaction, &data);
        Ok(done.map_err(|error| {
            tracing::warn!(run = %self.guard.id(), session = &*self.key, ?reason, %error, "a conversation wasn't compacted");
            error.to_string()
        }))
    }

    /// The engine's part ends with the turn. Of one that is done it is told before the session's next turn begins; what nobody has to wait for is done behind it.
    pub(super) async fn close_context(&self, done: bool) {
        let occasion = self.occasion(self.entries);
        let end = async {
            let left = if done { self.seat.close(&occasion, self.guard.id(), self.told).await } else { Afterwards::default() };
            if done && left.is_nothing() {
                self.seat.dispose(&occasion).await;
            }
            left
        };
        // One that is stopped while it ends is done all the same: the engine is told the rest the next time.
        let left = self.stop.unless(end).await.unwrap_or_default();
        self.unended.engine.cancel(); // what was begun for it, and nobody waits for
        if self.seat.is_met() {
            self.gateway.behind(self.seat.clone(), occasion, left);
        }
    }
}
