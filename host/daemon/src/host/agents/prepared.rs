//! Turns whose models other programs run, between one of their requests and the next.
//!
//! Each has its session to itself, so one that nobody goes on with would keep others waiting for ever: after [`IDLE`] without a request it has failed. At most
//! [`MOST`] are held. Requests about one turn go one after the other.

use crate::host::{Failure, Kind, lock};
use plugbay_gateway::{PreparedTurn, TurnError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

/// How long nobody may go on with one.
const IDLE: Duration = Duration::from_secs(600);
/// How many there may be.
const MOST: usize = 256;

/// All of them. Cheap to clone: all clones are one.
#[derive(Clone, Default)]
pub(in crate::host) struct PreparedTurns(Arc<Mutex<HashMap<Arc<str>, Arc<Slot>>>>);

type Slot = tokio::sync::Mutex<Kept>;

/// A turn, and what became of it so far.
struct Kept {
    /// None: it is over.
    turn: Option<PreparedTurn>,
    shown: bool,
    used: Instant,
}

/// A turn that a request has to itself.
pub(super) struct Held {
    run: Arc<str>,
    kept: OwnedMutexGuard<Kept>,
}

impl PreparedTurns {
    /// Whether another may be held.
    pub(super) fn has_room(&self) -> Result<(), Failure> {
        if lock(&self.0).len() < MOST {
            return Ok(());
        }
        Err(Failure::new(Kind::Unavailable, "busy", format!("{MOST} prepared turns are under way already, {MOST} may be: finish some")))
    }

    /// Holds a turn until it is finished, or nobody goes on with it.
    pub(super) async fn hold(&self, turn: PreparedTurn) -> Result<(), Failure> {
        if let Err(full) = self.has_room() {
            turn.finish(Err(TurnError::Failed(full.to_string()))).await;
            return Err(full);
        }
        let run = turn.run().clone();
        let slot = Arc::new(Slot::new(Kept { turn: Some(turn), shown: false, used: Instant::now() }));
        lock(&self.0).insert(run.clone(), slot.clone());
        tokio::spawn(self.clone().give_up(run, slot));
        Ok(())
    }

    /// The turn of this run, once no other request has it.
    pub(super) async fn held(&self, run: &str) -> Result<Held, Failure> {
        let found = lock(&self.0).get_key_value(run).map(|(run, slot)| (run.clone(), slot.clone()));
        let (run, slot) = found.ok_or_else(|| none(run))?;
        let kept = slot.lock_owned().await;
        if kept.turn.is_some() { Ok(Held { run, kept }) } else { Err(none(&run)) }
    }

    /// What came of a step. A turn that was stopped is over.
    pub(super) async fn after<T>(&self, mut held: Held, went: Result<T, TurnError>) -> Result<T, Failure> {
        held.kept.used = Instant::now();
        match went {
            Err(TurnError::Cancelled) => self.finish(held, Err(TurnError::Cancelled)).await,
            Err(TurnError::Stopping) => self.finish(held, Err(TurnError::Stopping)).await,
            went => return Ok(went?),
        }
        Err(Failure::new(Kind::Conflict, "cancelled", "the turn was stopped, so it is over"))
    }

    /// Ends a turn.
    pub(super) async fn finish(&self, mut held: Held, result: Result<(), TurnError>) {
        lock(&self.0).remove(&held.run);
        if let Some(turn) = held.kept.turn.take() {
            turn.finish(result).await;
        }
    }

    /// A run was cancelled: if it is one of these, and nobody is at it, nobody else ends it.
    pub(super) fn cancelled(&self, run: &str) {
        let (turns, run) = (self.clone(), run.to_owned());
        tokio::spawn(async move {
            if let Ok(held) = turns.held(&run).await {
                turns.finish(held, Err(TurnError::Cancelled)).await;
            }
        });
    }

    /// The host stops: nobody can go on with any of them.
    pub(in crate::host) async fn stop(&self) {
        let runs: Vec<_> = lock(&self.0).keys().cloned().collect();
        for run in runs {
            if let Ok(held) = self.held(&run).await {
                self.finish(held, Err(TurnError::Stopping)).await;
            }
        }
    }

    /// Ends a turn that nobody goes on with.
    async fn give_up(self, run: Arc<str>, slot: Arc<Slot>) {
        let mut until = Instant::now() + IDLE;
        loop {
            tokio::time::sleep_until(until).await;
            let kept = slot.clone().lock_owned().await;
            until = kept.used + IDLE;
            if kept.turn.is_none() {
                return;
            }
            if until <= Instant::now() {
                let why = format!("nobody went on with this prepared turn for {} s", IDLE.as_secs());
                return self.finish(Held { run, kept }, Err(TurnError::Failed(why))).await;
            }
        }
    }
}

impl Held {
    /// The turn.
    pub(super) fn turn(&mut self) -> Result<&mut PreparedTurn, Failure> {
        self.kept.turn.as_mut().ok_or_else(|| none(&self.run))
    }

    /// Shows its prompt: what plugins have queued is spent with it, once.
    pub(super) async fn show(&mut self) -> Result<String, TurnError> {
        let again = || TurnError::Failed("its prompt was shown already, and what plugins had queued is spent with it".to_owned());
        if self.kept.shown {
            return Err(again());
        }
        let turn = self.kept.turn.as_mut().ok_or(TurnError::Cancelled)?;
        let prompt = turn.show().await?;
        self.kept.shown = true;
        Ok(prompt)
    }
}

fn none(run: &str) -> Failure {
    let run: String = run.chars().take(80).flat_map(char::escape_debug).collect();
    Failure::new(Kind::NotFound, "not-found", format!("there is no prepared turn `{run}`: it is over, or nobody went on with it in time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugbay_gateway::{Gateway, GatewaySettings, TurnAsked};
    use plugbay_runtime::engine::{CompileIn, Engine, EngineSettings};
    use plugbay_runtime::state::Memory;
    use std::num::NonZeroUsize;

    async fn gateway() -> Gateway {
        let engine = Engine::new(EngineSettings { cells: 2, ..EngineSettings::new(CompileIn::Thread) }).unwrap();
        let gateway = Gateway::new(engine, Arc::new(Memory::default()), GatewaySettings::default()).unwrap();
        gateway.start().await.unwrap();
        gateway
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_nobody_goes_on_with_fails_and_frees_its_session() {
        let (gateway, turns) = (gateway().await, PreparedTurns::default());
        let turn = gateway.prepare_turn(TurnAsked::said("s", "test", "hello")).await.unwrap();
        let run = turn.run().clone();
        turns.hold(turn).await.unwrap();
        for _ in 0..3 {
            tokio::time::sleep(IDLE * 2 / 3).await;
            let mut held = turns.held(&run).await.unwrap();
            let went = held.turn().map(|_| ()).map_err(|_| TurnError::Cancelled);
            turns.after(held, went).await.unwrap();
        }
        tokio::time::sleep(IDLE * 2).await;
        assert!(turns.held(&run).await.is_err(), "it is over");
        let row = gateway.runs_of("s", NonZeroUsize::MIN).await.unwrap().remove(0);
        assert_eq!((row.status, row.error.as_deref()), ("failed", Some("nobody went on with this prepared turn for 600 s")));
        gateway.prepare_turn(TurnAsked::said("s", "test", "next")).await.unwrap().finish(Ok(())).await;
    }

    #[tokio::test]
    async fn more_than_are_held_are_refused_and_failed() {
        let (gateway, turns) = (gateway().await, PreparedTurns::default());
        for n in 0..=MOST {
            let turn = gateway.prepare_turn(TurnAsked::said(format!("s{n}"), "test", "hello")).await.unwrap();
            assert_eq!(turns.hold(turn).await.is_ok(), n < MOST, "{n}");
        }
        assert_eq!(gateway.runs_of(&format!("s{MOST}"), NonZeroUsize::MIN).await.unwrap()[0].status, "failed");
        turns.stop().await;
        assert!(gateway.live().is_empty());
    }
}
