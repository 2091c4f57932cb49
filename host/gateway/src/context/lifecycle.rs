//! What the engine is told, and when: what was said before it came, what it missed, each turn that is done, and when to tidy up.
//!
//! How far it was told is kept for each engine and life (the cursor), written behind each batch. A turn that is done is written into it with the turn's last batch and taken out when the engine has
//! answered; one that is still there is told again. So a host that is killed tells once more what it isn't sure of, and in order. It costs reading what is new. An
//! engine that couldn't be told stays behind: it doesn't decide in that run, and is told the next time.

use super::builtin::Life;
use super::compaction::Wanted;
use super::seat::{Asked, At, Occasion, Seat};
use plugbay_runtime::state::{Cursor, EngineSpot, StateError};
use plugbay_runtime::{
    Bootstrapping, ContextBootstrap, ContextIngest, ContextMaintain, ContextTurn, Conversation, Entry, Hook, Ingesting, Maintaining,
    Maintenance, Moment, Payload, TurnDone, WINDOW, WINDOW_BYTES,
};
use tokio_util::sync::CancellationToken;

/// Percent of its budget from which a conversation is close to it.
const CLOSE: u64 = 80;

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
        match self.catch_up(occasion).await {
            Ok(_) => self.maintain(At::Usual, occasion, Moment::Opening).await,
            Err(Behind) => self.fall_behind(),
        }
    }

    /// A turn is done, under this key. What is left to do.
    pub(crate) async fn close(&self, occasion: &Occasion, turn_key: &str, told: Option<TurnTold>) -> Afterwards {
        if self.engine().is_none() || self.turn_done(occasion, turn_key, told.unwrap_or_default()).await.is_err() {
            return Afterwards::default();
        }
        let registered = self.registration();
        let aside = registered.maintenance == Maintenance::Background;
        if !aside {
            self.maintain(At::Usual, occasion, Moment::Closing).await;
        }
        let close = told.filter(|told| !registered.owns_compaction && told.is_close());
        Afterwards {
            maintain: aside && self.has::<ContextMaintain>(),
            compact: close.map(|told| Wanted::threshold(told.usual, told.tokens)),
        }
    }

    /// Does what is left. To be called where nobody waits.
    pub(crate) async fn tidy_up(&self, occasion: &Occasion, left: Afterwards, closing: &CancellationToken) {
        // Who still waits when the host begins to stop has nothing to finish.
        let Some(permits) = self.plugin().map(|plugin| self.behind_turns(plugin)) else { return };
        let Some(Ok(_may)) = closing.run_until_cancelled(permits.acquire()).await else { return };
        if left.maintain {
            self.maintain(At::Aside, occasion, Moment::Closing).await;
        }
        if let Some(wanted) = left.compact {
            self.compact_aside(occasion, wanted).await;
        }
    }

    async fn turn_done(&self, occasion: &Occasion, turn_key: &str, told: TurnTold) -> Result<(), Behind> {
        let at = self.caught_up(occasion).await?;
        let untold = self.has::<ContextTurn>().then_some(turn_key);
        let at = self.ingest(occasion, at, untold).await?;
        match untold {
            Some(turn_key) => self.tell_turn(occasion, turn_key, at, told).await,
            None => Ok(()),
        }
    }

    async fn maintain(&self, at: At, occasion: &Occasion, moment: Moment) {
        if self.has::<ContextMaintain>() {
            let call = self.told(occasion, occasion.life.entries);
            // What follows from a failure is decided there; there is nothing else to do in its place.
            let _: Asked<()> = self.ask::<ContextMaintain>(at, &call, Maintaining { moment, attrs: Vec::new() }).await;
        }
    }

    /// Tells the engine all that was said and that it doesn't know. How far it was told.
    async fn catch_up(&self, occasion: &Occasion) -> Result<u64, Behind> {
        let at = self.caught_up(occasion).await?;
        self.ingest(occasion, at, None).await
    }

    /// How far the engine was told before, once it has heard of the turn that it may not have been told, or has seen the conversation for the first time.
    async fn caught_up(&self, occasion: &Occasion) -> Result<u64, Behind> {
        match self.cursor(&occasion.life)? {
            None => self.first_sight(occasion).await,
            Some(Cursor { entries, untold: Some(turn_key) }) if self.has::<ContextTurn>() => {
                self.tell_turn(occasion, &turn_key, entries, TurnTold::default()).await?;
                Ok(entries)
            }
            Some(Cursor { entries, .. }) => Ok(entries),
        }
    }

    /// What was said before the engine came is its own to take; if it doesn't want to, it is told all of it.
    async fn first_sight(&self, occasion: &Occasion) -> Result<u64, Behind> {
        if !self.has::<ContextBootstrap>() {
            return Ok(0);
        }
        let entries = occasion.life.entries;
        let call = self.told(occasion, entries);
        let taken = self.said::<ContextBootstrap>(&call, Bootstrapping { entries, attrs: Vec::new() }).await?;
        if let Some(why) = taken.why.filter(|_| taken.entries < entries) {
            let session = &*occasion.life.key;
            tracing::info!(plugin = ?self.plugin(), session, taken = taken.entries, entries, why, "the context engine took over part of a conversation");
        }
        self.put(&occasion.life, entries, None).await?;
        Ok(entries)
    }

    /// Tells what was said from this position on, in batches. With the last one a turn's key is written down. How far the engine was told.
    async fn ingest(&self, occasion: &Occasion, from: u64, untold: Option<&str>) -> Result<u64, Behind> {
        let (mut at, all) = (from, occasion.life.entries);
        let conversation = self.conversation(occasion, all);
        while at < all {
            let window = conversation.window(at, WINDOW).map_err(|why| self.unreadable(&why))?;
            if window.is_empty() {
                break; // the session was deleted by another process
            }
            for entries in batches(window) {
                at += entries.len() as u64;
                let event = Ingesting { entries, heartbeat: occasion.heartbeat, attrs: Vec::new() };
                self.said::<ContextIngest>(&self.told(occasion, all), event).await?;
                if at < all || untold.is_none() {
                    self.put(&occasion.life, at, None).await?;
                }
            }
        }
        if untold.is_some() {
            self.put(&occasion.life, at, untold).await?;
        }
        Ok(at)
    }

    /// Tells of a turn that is done; how far the engine was told when it was.
    async fn tell_turn(&self, occasion: &Occasion, turn_key: &str, at: u64, told: TurnTold) -> Result<(), Behind> {
        let (turn_key, heartbeat) = (turn_key.to_owned(), occasion.heartbeat);
        let event = TurnDone { turn_key, heartbeat, budget: told.budget, tokens: told.tokens, attrs: Vec::new() };
        self.said::<ContextTurn>(&self.told(occasion, occasion.life.entries), event).await?;
        self.put(&occasion.life, at, None).await
    }

    /// Asks what the engine has to have heard before anything else.
    async fn said<H: Hook>(&self, call: &plugbay_runtime::Call, event: H::Event) -> Result<H::Outcome, Behind> {
        match self.ask::<H>(At::Usual, call, event).await {
            Asked::Answered(outcome) => Ok(outcome),
            Asked::Builtin | Asked::Failed(_) => Err(Behind),
        }
    }

    fn cursor(&self, life: &Life) -> Result<Option<Cursor>, Behind> {
        let Some(at) = self.spot(life) else { return Err(Behind) };
        self.parts().store.cursor(at).map_err(|error| self.unreadable(&error))
    }

    async fn put(&self, life: &Life, entries: u64, untold: Option<&str>) -> Result<(), Behind> {
        let Some(at) = self.spot(life) else { return Err(Behind) };
        let cursor = Cursor { entries, untold: untold.map(str::to_owned) };
        let written: Result<bool, StateError> = self.parts().store.put_cursor(at, cursor).await;
        match written {
            Ok(true) => Ok(()),
            Ok(false) => Err(Behind), // the session was deleted or reset: whoever writes into it next says so
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    fn spot<'a>(&'a self, life: &'a Life) -> Option<EngineSpot<'a>> {
        Some(EngineSpot { engine: self.plugin()?.as_str(), session: &life.key, life: &life.life })
    }

    fn unreadable(&self, error: &dyn std::fmt::Display) -> Behind {
        tracing::error!(plugin = ?self.plugin(), %error, "the context engine can't be told what was said: the built-in one decides in this turn");
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
