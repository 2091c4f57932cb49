//! A session's conversation is made smaller because somebody asks.
//!
//! It waits for its turn in the session's line, as a turn does; the context engine is told what it missed, compacts, and hears that its part is over. It costs what the engine does, with calls of the model
//! where that is the built-in one. Who stops waiting stops it, with what the engine is at, and what was done stays.

use super::Place;
use crate::context::builtin::{CompactError, Life};
use crate::context::{Afterwards, By, CompactionFailed, CompactionReport, Occasion, Seat, Wanted};
use crate::gateway::{Gateway, Inner, Stop, Why};
use crate::turn::TurnError;
use plugbay_runtime::{Assembling, Call};
use std::sync::Arc;
use uuid::Uuid;

impl Gateway {
    /// Makes a session's conversation smaller, however small it is, by whoever serves as context engine. The instructions say what to keep, or to leave out. None: there is no such session.
    ///
    /// # Errors
    /// If too many turns wait, the gateway stops, the engine or the model fails, or the state can't be read or written.
    pub async fn compact(&self, key: &str, instructions: Option<String>) -> Result<Option<CompactionReport>, TurnError> {
        let (turn, gateway, key) = (self.turn_of(key).await?, self.0.clone(), key.to_owned());
        let stop = gateway.live.add(format!("compaction-{}", Uuid::new_v4()).into());
        let unwanted = stop.unless_kept();
        let compacting = async move { gateway.compact(turn, stop, &key, instructions).await };
        let done = self.0.to_its_end(compacting).await;
        unwanted.disarm();
        done
    }
}

impl From<CompactionFailed> for TurnError {
    fn from(failed: CompactionFailed) -> Self {
        match failed {
            CompactionFailed::Builtin(CompactError::Gone(session)) => Self::Gone(session),
            CompactionFailed::Builtin(CompactError::State(error)) => Self::State(error),
            failed => Self::Failed(failed.to_string()),
        }
    }
}

impl From<Why> for TurnError {
    fn from(why: Why) -> Self {
        match why {
            Why::Cancelled => Self::Cancelled,
            Why::HostStops => Self::Stopping,
        }
    }
}

impl Inner {
    async fn compact(
        self: &Arc<Self>,
        _turn: Place,
        stop: Stop,
        key: &str,
        instructions: Option<String>,
    ) -> Result<Option<CompactionReport>, TurnError> {
        let Some(row) = self.store.session(key).await? else { return Ok(None) };
        let call = Call::new().session(self.desk.handles().handle(&row.key, &row.id));
        let life = Life { key: row.key.into(), life: row.id.into(), entries: row.entries };
        let (seat, calls) = (Arc::new(self.contexts.seat()), stop.calls());
        let occasion = Occasion { call, life, heartbeat: false, cancelled: Some(calls.clone()) };
        let done = stop.unless(self.compact_by(&seat, &occasion, instructions)).await;
        calls.cancel(); // what was begun for it, and nobody waits for
        if seat.is_met() {
            self.behind(seat, occasion, Afterwards::default());
        }
        Ok(Some(done??))
    }

    async fn compact_by(&self, seat: &Seat, occasion: &Occasion, instructions: Option<String>) -> Result<CompactionReport, TurnError> {
        let voice = self.agent.voice();
        let budget = self.agent.limit(&voice);
        seat.open(occasion).await;
        let before = weighed(seat, occasion, budget, &voice.name).await?;
        let wanted = Wanted::manual(budget, before.unwrap_or_default(), instructions);
        let report = seat.compact(By::Whoever, occasion, wanted, &voice).await?;
        match before.filter(|_| report.compacted) {
            Some(_) => Ok(report.weighing(weighed(seat, occasion, budget, &voice.name).await?)),
            None => Ok(report),
        }
    }
}

/// What the model would be told by a plugin's engine, by our count.
async fn weighed(seat: &Seat, occasion: &Occasion, budget: u64, model: &str) -> Result<Option<u64>, TurnError> {
    let (model, prompt, tools, attrs) = (model.to_owned(), String::new(), Vec::new(), Vec::new());
    let asked = Assembling { budget, call: 1, model, prompt, tools, heartbeat: false, attrs };
    Ok(seat.assemble(occasion, asked).await?.map(|context| context.tokens))
}
