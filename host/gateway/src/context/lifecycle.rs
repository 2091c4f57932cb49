//! What the engine is told, and when: what was said before it came, what it missed, each turn that is done, and when to tidy up.
//!
//! How far it was told is kept for each engine and life (the cursor), written behind each batch. A turn that is done is written into it with the end of its run, before any of it is told, and taken out when the engine has
//! answered; one that is still there is told when everything up to then was. So a host that is killed tells once more what it isn't sure of, and in order. Of several turns that couldn't be told the newest
//! is: that stands for all before it. What isn't of the present turn is told as no heartbeat's, whatever that one is.
//!
//! It costs reading what is new, and the engine's calls, which begin within a time that is bounded as a whole. An engine that couldn't be told stays behind: it doesn't decide in that run, and is told
//! the next time.

use super::builtin::Life;
use super::compaction::Wanted;
use super::seat::{Asked, At, Occasion, Seat};
use plugbay_runtime::state::{Cursor, EngineSpot, StateError};
use plugbay_runtime::{
    Bootstrapping, ContextBootstrap, ContextIngest, ContextMaintain, ContextTurn, Conversation, Entry, Hook, Ingesting, Maintaining,
    Maintenance, Moment, Payload, TurnDone, WINDOW, WINDOW_BYTES,
};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Percent of its budget from which a conversation is close to it.
const CLOSE: u64 = 80;

/// How long an engine is told what is new to it, before a turn and once more behind it: as long as one of these calls may take by itself. Who takes longer for many is told the rest the next time.
/// A call that has begun has its own budget.
const TELLING: Duration = Duration::from_secs(30);

/// The engine couldn't be told: it wasn't asked, or it failed, or the state did.
struct Behind;

/// How the last context of a turn was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TurnTold {
    /// Tokens that it could take.
    pub(crate) budget: u64,
    /// Tokens that it could take in a turn in which nothing is said.
    pub(crate) usual: u64,
    /// What it took, by our count.
    pub(crate) tokens: u64,
    /// What it took, as the engine counts; nothing, if no engine of a plugin made it.
    pub(crate) estimate: Option<u64>,
}

impl TurnTold {
    fn is_close(&self) -> bool {
        self.estimate.is_some_and(|estimate| self.usual > 0 && estimate.saturating_mul(100) >= self.usual.saturating_mul(CLOSE))
    }
}

/// What is left to do behind a turn, in nobody's way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Afterwards {
    maintain: bool,
    compact: Option<Wanted>,
}

impl Afterwards {
    pub(crate) const fn is_nothing(&self) -> bool {
        !self.maintain && self.compact.is_none()
    }
}

impl Seat {
    /// A turn begins, or a compaction: the engine is told what it doesn't know.
    pub(crate) async fn open(&self, occasion: &Occasion) {
        if self.engine().is_none() {
            return;
        }
        let telling = Telling::of(self, occasion);
        match telling.all(None).await {
            Ok(()) if self.tidies_up_inline() => telling.tidy_up(Moment::Opening).await,
            Ok(()) => {}
            Err(Behind) => self.fall_behind(),
        }
    }

    /// The engine is told of a turn that is done. What is left to do.
    pub(crate) async fn close(&self, occasion: &Occasion, turn_key: &str, told: Option<TurnTold>) -> Afterwards {
        let telling = Telling::of(self, occasion);
        let done = Done { key: turn_key, told: told.unwrap_or_default() };
        if self.engine().is_none() || telling.all(Some(done)).await.is_err() {
            return Afterwards::default();
        }
        let inline = self.tidies_up_inline();
        if inline {
            telling.tidy_up(Moment::Closing).await;
        }
        let close = told.filter(|told| !self.registration().owns_compaction && told.is_close());
        Afterwards {
            maintain: !inline && self.has::<ContextMaintain>(),
            compact: close.map(|told| Wanted::threshold(told.usual, told.tokens)),
        }
    }

    /// Does what is left, unless a newer turn of the session does or too many wait. To be called where nobody waits.
    pub(crate) async fn tidy_up(&self, occasion: &Occasion, left: Afterwards, closing: &CancellationToken) {
        // Who still waits when the host begins to stop has nothing to finish.
        let Some(queue) = self.plugin().map(|plugin| self.behind_turns(plugin)) else { return };
        let Some(Some(_may)) = closing.run_until_cancelled(queue.turn(&occasion.life.key)).await else { return };
        if left.maintain {
            self.maintain(At::Aside, occasion, Moment::Closing).await;
        }
        if let Some(wanted) = left.compact {
            self.compact_aside(occasion, wanted).await;
        }
    }

    fn tidies_up_inline(&self) -> bool {
        self.registration().maintenance == Maintenance::Foreground
    }

    async fn maintain(&self, at: At, occasion: &Occasion, moment: Moment) {
        if self.has::<ContextMaintain>() {
            let call = self.told(occasion);
            // What follows from a failure is decided there; there is nothing else to do in its place.
            let _: Asked<()> = self.ask::<ContextMaintain>(at, &call, Maintaining { moment, attrs: Vec::new() }).await;
        }
    }
}

/// A turn that the engine is to be told of.
#[derive(Clone, Copy)]
struct Done<'a> {
    key: &'a str,
    told: TurnTold,
}

/// The engine is being told.
struct Telling<'a> {
    seat: &'a Seat,
    occasion: &'a Occasion,
    /// From then on nothing more is told.
    until: Instant,
}

impl<'a> Telling<'a> {
    fn of(seat: &'a Seat, occasion: &'a Occasion) -> Self {
        Self { seat, occasion, until: Instant::now() + TELLING }
    }

    /// Tells the engine all that was said and that it doesn't know, then of this turn, or of the one that it may not have been told.
    async fn all(&self, done: Option<Done<'_>>) -> Result<(), Behind> {
        let key = done.map(|done| done.key.to_owned());
        let (at, untold) = match self.cursor()? {
            Some(Cursor { entries, untold }) => (entries, key.or(untold)),
            None => (self.first_sight(key.as_deref()).await?, key),
        };
        let untold = untold.filter(|_| self.seat.has::<ContextTurn>());
        let at = self.ingest(at, untold.as_deref()).await?;
        match untold {
            Some(key) => self.turn(key, at, done).await,
            None => Ok(()),
        }
    }

    /// What was said before the engine came is its own to take; if it doesn't want to, it is told all of it. How far it knows it now.
    async fn first_sight(&self, untold: Option<&str>) -> Result<u64, Behind> {
        if !self.seat.has::<ContextBootstrap>() {
            return Ok(0);
        }
        let entries = self.occasion.life.entries;
        let taken = self.said::<ContextBootstrap>(Bootstrapping { entries, attrs: Vec::new() }).await?;
        if let Some(why) = taken.why.filter(|_| taken.entries < entries) {
            let (plugin, session) = (self.seat.plugin(), &*self.occasion.life.key);
            tracing::info!(?plugin, session, taken = taken.entries, entries, why, "the context engine took over part of a conversation");
        }
        self.put(entries, untold.filter(|_| self.seat.has::<ContextTurn>())).await?;
        Ok(entries)
    }

    /// Tells what was said from this position on, in batches; where this run begins, one ends. How far the engine was told.
    async fn ingest(&self, from: u64, untold: Option<&str>) -> Result<u64, Behind> {
        let (mut at, all, began) = (from, self.occasion.life.entries, self.seat.began());
        let conversation = self.seat.conversation(self.occasion);
        while at < all {
            let (before, heartbeat) = (began.saturating_sub(at), at >= began && self.occasion.heartbeat);
            let count = if before == 0 { WINDOW } else { usize::try_from(before).unwrap_or(WINDOW).min(WINDOW) };
            let window = conversation.window(at, count).map_err(|why| self.unreadable(&why))?;
            if window.is_empty() {
                break; // the session was deleted by another process
            }
            for entries in batches(window) {
                at += entries.len() as u64;
                self.said::<ContextIngest>(Ingesting { entries, heartbeat, attrs: Vec::new() }).await?;
                self.put(at, untold).await?;
            }
        }
        Ok(at)
    }

    /// Tells of a turn; how far the engine was told when it was. Of one that isn't this one only the key is known.
    async fn turn(&self, turn_key: String, at: u64, done: Option<Done<'_>>) -> Result<(), Behind> {
        let heartbeat = done.is_some() && self.occasion.heartbeat;
        let TurnTold { budget, tokens, .. } = done.map(|done| done.told).unwrap_or_default();
        self.said::<ContextTurn>(TurnDone { turn_key, heartbeat, budget, tokens, attrs: Vec::new() }).await?;
        self.put(at, None).await
    }

    /// The engine tidies up, if there is time.
    async fn tidy_up(&self, moment: Moment) {
        if self.has_time() {
            self.seat.maintain(At::Usual, self.occasion, moment).await;
        }
    }

    /// Asks what the engine has to have heard before anything else.
    async fn said<H: Hook>(&self, event: H::Event) -> Result<H::Outcome, Behind> {
        if !self.has_time() {
            let (plugin, session) = (self.seat.plugin(), &*self.occasion.life.key);
            tracing::warn!(
                ?plugin,
                session,
                seconds = TELLING.as_secs(),
                "the context engine is slow: the rest is told with the next turn"
            );
            return Err(Behind);
        }
        let call = self.seat.told(self.occasion);
        match self.seat.ask::<H>(At::Usual, &call, event).await {
            Asked::Answered(outcome) => Ok(outcome),
            Asked::Builtin | Asked::Failed(_) => Err(Behind),
        }
    }

    fn has_time(&self) -> bool {
        Instant::now() < self.until
    }

    fn cursor(&self) -> Result<Option<Cursor>, Behind> {
        let Some(at) = self.spot() else { return Err(Behind) };
        self.seat.parts().store.cursor(at).map_err(|error| self.unreadable(&error))
    }

    /// Writes down how far the engine was told. Of one that was uninstalled meanwhile nothing is kept; one that is uninstalled in this very moment may leave a row, which goes with the session.
    async fn put(&self, entries: u64, untold: Option<&str>) -> Result<(), Behind> {
        let Some(at) = self.spot().filter(|_| self.seat.is_installed()) else { return Err(Behind) };
        let cursor = Cursor { entries, untold: untold.map(str::to_owned) };
        let written: Result<bool, StateError> = self.seat.parts().store.put_cursor(at, cursor).await;
        match written {
            Ok(true) => Ok(()),
            Ok(false) => Err(Behind), // the session was deleted or reset: whoever writes into it next says so
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    fn spot(&self) -> Option<EngineSpot<'_>> {
        let Life { key, life, .. } = &self.occasion.life;
        Some(EngineSpot { engine: self.seat.plugin()?.as_str(), session: key, life })
    }

    fn unreadable(&self, error: &dyn std::fmt::Display) -> Behind {
        let plugin = self.seat.plugin();
        tracing::error!(?plugin, %error, "the context engine can't be told what was said: the built-in one decides in this turn");
        Behind
    }
}

/// Entries in portions that one call takes.
fn batches(window: Vec<Entry>) -> Vec<Vec<Entry>> {
    let (mut batches, mut bytes) = (vec![Vec::new()], 0);
    for entry in window {
        let weight = weight(&entry);
        bytes += weight;
        let is_full = bytes > WINDOW_BYTES;
        match batches.last_mut().filter(|batch| !is_full || batch.is_empty()) {
            Some(batch) => batch.push(entry),
            None => {
                bytes = weight;
                batches.push(vec![entry]);
            }
        }
    }
    batches.retain(|batch| !batch.is_empty());
    batches
}

/// Bytes of an entry on its way to a guest.
fn weight(entry: &Entry) -> usize {
    let content = match &entry.content {
        Payload::Json(json) => json.as_str().len(),
        Payload::Truncated { .. } => 0,
    };
    64 + content + entry.tool_call_id.as_ref().map_or(0, String::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugbay_runtime::Role;
    use serde_json::json;

    fn entry(id: u64, bytes: usize) -> Entry {
        Entry { id, role: Role::User, at: 0, content: Payload::of(&json!("x".repeat(bytes))), tool_call_id: None }
    }

    #[test]
    fn batches_are_bounded_in_bytes_and_lose_nothing() {
        let sizes = [10, 60_000, 60_000, 10, 65_000, 65_000, 30_000];
        let window: Vec<_> = (0..100).map(|id| entry(id, sizes[usize::try_from(id).unwrap() % sizes.len()])).collect();
        let batches = batches(window.clone());
        assert!(batches.len() > 3 && batches.iter().all(|batch| batch.iter().map(weight).sum::<usize>() <= WINDOW_BYTES));
        let full = batches.windows(2).all(|two| two[0].iter().map(weight).sum::<usize>() + weight(&two[1][0]) > WINDOW_BYTES);
        assert!(full, "none is begun before the one before is full");
        assert_eq!(batches.concat(), window);
        assert!(super::batches(Vec::new()).is_empty());
    }

    #[test]
    fn close_to_the_budget_is_four_fifths_of_it_as_the_engine_counts() {
        let told = |estimate| TurnTold { budget: 1_000, usual: 1_000, tokens: 0, estimate };
        assert!(told(Some(800)).is_close() && !told(Some(799)).is_close() && !told(None).is_close());
    }
}
