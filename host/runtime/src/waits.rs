//! Who waits for whom: calls that wait for a plugin's cell, and calls that wait for a session's turns to be over.
//!
//! A call that would have to wait says so here first, under one lock: what it wants, and whose cells are held by the calls that wait for it. Then it is walked from what it wants to
//! those who hold that, to what these want, and so on. Whoever comes out at itself would wait for ever. Of those who wait in that circle, the ones that want a cell which is held by calls that
//! wait for them get an [extra cell](crate::extra) beside it; where that opens no way, the one who came last is refused at once ([`ReEntrant`]), and all others go on.
//!
//! A call that finds its cell free never comes here. One that must wait pays a lock and an entry; a walk only if somebody waits for it in turn, and then it looks once at each who waits, for each
//! in its circle. Observers aren't looked at: nobody waits for them. Cells are counted: a plugin is held when all of its cells that would do are, a
//! session's own or, where each has one, as many as there may be.

use crate::call::{Call, Chain, Session};
use crate::id::PluginId;
use crate::services::Caller;
use plugbay_engine::Isolation;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;
use tokio::sync::oneshot;

#[cfg(test)]
mod tests;

/// Calls that are served at once where each has a fresh cell, and sessions where each has a cell: as many as the engine's bays have places.
const MANY: usize = 64;

/// All who wait at one host. Cheap to clone: all clones are one.
#[derive(Clone, Default)]
pub struct Waits(Arc<Mutex<Table>>);

/// Whoever asks would wait for itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("it would wait for itself: {0}")]
pub struct ReEntrant(String);

/// One who waits. Dropping it ends the wait.
#[must_use = "who drops it doesn't wait any more"]
pub struct Waiting {
    waits: Waits,
    number: u64,
    aside: oneshot::Receiver<()>,
}

#[derive(Default)]
struct Table {
    last: u64,
    waiting: BTreeMap<u64, Wait>,
}

/// What one waits for, and who waits for it.
struct Wait {
    /// Calls that wait for this one, and hold their plugins' cells.
    chain: Chain,
    /// The session that it is about.
    session: Option<Session>,
    /// The session whose end waits for it.
    ends: Option<Arc<str>>,
    wants: Wants,
    aside: Option<oneshot::Sender<()>>,
}

/// What one waits for.
enum Wants {
    /// A cell of a plugin, to call this of it.
    Cell(Cells, &'static str),
    /// The end of a session's turns.
    Turns(String),
    /// Nothing any more: it was sent aside.
    Nothing,
}

/// Cells that would do.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    pub(crate) plugin: PluginId,
    pub(crate) isolation: Isolation,
}

impl Waits {
    /// A call waits for one of these cells, to call this of the plugin.
    pub(crate) fn for_cell(&self, call: &Call, cells: Cells, export: &'static str) -> Result<Waiting, ReEntrant> {
        let (chain, session, ends) = (call.0.chain.clone(), call.0.session.clone(), call.0.ends.clone());
        self.wait(Wait { chain, session, ends, wants: Wants::Cell(cells, export), aside: None })
    }

    /// A call waits until the turns of a session, which are under way or wait, are over.
    ///
    /// # Errors
    /// If they in turn wait for this call. Names who waits for whom.
    pub fn for_turns(&self, caller: &Caller, session: &str) -> Result<Waiting, ReEntrant> {
        let (chain, about) = (caller.chain.clone(), caller.session.clone());
        self.wait(Wait { chain, session: about, ends: None, wants: Wants::Turns(session.to_owned()), aside: None })
    }

    /// How many wait.
    #[must_use]
    pub fn count(&self) -> usize {
        self.table().waiting.len()
    }

    fn wait(&self, mut wait: Wait) -> Result<Waiting, ReEntrant> {
        let (send, aside) = oneshot::channel();
        wait.aside = Some(send);
        let mut table = self.table();
        table.last += 1;
        let number = table.last;
        let waited_for = table.waits_for(&wait);
        table.waiting.insert(number, wait);
        if waited_for && let Err(circle) = table.open_a_way(number) {
            table.waiting.remove(&number);
            return Err(ReEntrant(circle));
        }
        drop(table);
        Ok(Waiting { waits: self.clone(), number, aside })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Waits until it is found that whoever holds the cell waits for this very call: then there is no use in waiting any longer.
    pub(crate) async fn sent_aside(&mut self) {
        if (&mut self.aside).await.is_err() {
            std::future::pending::<()>().await; // it isn't in the table any more, so nobody will send it
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.waits.table().waiting.remove(&self.number);
    }
}

impl Wait {
    /// How many cells it keeps from whoever wants one of these for a call about this session.
    fn holds(&self, cells: &Cells, session: Option<&str>) -> usize {
        let same = |held: Option<&str>| cells.isolation != Isolation::Session || held == session;
        self.chain.held().filter(|(plugin, held)| **plugin == cells.plugin && same(*held)).count()
    }

    /// How many cells of this plugin it keeps from others, for whatever session: those without one have a cell beside.
    fn holds_for_sessions(&self, cells: &Cells) -> usize {
        self.chain.held().filter(|(plugin, held)| **plugin == cells.plugin && held.is_some()).count()
    }

    /// Whether whoever waits until the turns of this session are over waits for it.
    fn is_of(&self, session: &str) -> bool {
        self.about() == Some(session) || self.ends.as_deref() == Some(session)
    }

    fn about(&self) -> Option<&str> {
        self.session.as_ref().map(Session::stable_key)
    }
}

impl Cells {
    /// How many there are for one call to choose from.
    fn places(&self) -> usize {
        match self.isolation {
            Isolation::Shared | Isolation::Session => 1,
            Isolation::Pool(cells) => cells.get().into(),
            Isolation::Call => MANY,
        }
    }
}

impl Table {
    /// Whether anybody could wait for this one.
    fn waits_for(&self, wait: &Wait) -> bool {
        let turns = |other: &Wait| matches!(&other.wants, Wants::Turns(session) if wait.is_of(session));
        turns(wait) || wait.chain.held().next().is_some() || self.waiting.values().any(turns)
    }

    /// Sends aside whoever has to go, so that this one gets what it waits for. If there is none: the circle, in words.
    fn open_a_way(&mut self, number: u64) -> Result<(), String> {
        loop {
            let stuck = self.stuck(number);
            if !stuck.contains(&number) {
                return Ok(());
            }
            let Some(first) = stuck.iter().copied().find(|one| self.has_an_ancestors_cell(*one, &stuck)) else {
                return Err(self.circle(number, &stuck));
            };
            if let Some(wait) = self.waiting.get_mut(&first) {
                wait.wants = Wants::Nothing;
                let _ = wait.aside.take().map(|aside| aside.send(())); // who has just given up needs no cell
            }
        }
    }

    /// Those among whom this one waits that get nothing unless one of them gives way.
    fn stuck(&self, number: u64) -> BTreeSet<u64> {
        let (mut stuck, mut next) = (BTreeSet::from([number]), vec![number]);
        while let Some(one) = next.pop() {
            next.extend(self.in_the_way(one, &self.waiting.keys().copied().collect()).into_iter().filter(|other| stuck.insert(*other)));
        }
        loop {
            let free: Vec<u64> = stuck.iter().copied().filter(|one| self.in_the_way(*one, &stuck).is_empty()).collect();
            if free.is_empty() {
                return stuck;
            }
            stuck.retain(|one| !free.contains(one));
        }
    }

    /// Those of these who keep from this one what it wants; none, if they leave it enough.
    fn in_the_way(&self, number: u64, among: &BTreeSet<u64>) -> Vec<u64> {
        let Some(wait) = self.waiting.get(&number) else { return Vec::new() };
        let others = || among.iter().filter_map(|other| self.waiting.get(other).map(|wait| (*other, wait)));
        match &wait.wants {
            Wants::Nothing => Vec::new(),
            Wants::Turns(session) => others().filter(|(_, other)| other.is_of(session)).map(|(other, _)| other).collect(),
            Wants::Cell(cells, _) => {
                let held = keepers(others().map(|(other, of)| (other, of.holds(cells, wait.about()))), cells.places());
                if !held.is_empty() || cells.isolation != Isolation::Session || wait.about().is_none() {
                    return held;
                }
                // Its own cell is free; but not if all that there may be are at work.
                keepers(others().map(|(other, of)| (other, of.holds_for_sessions(cells))), MANY)
            }
        }
    }

    /// Whether this one wants a cell that is held by calls which wait for it: for itself, or for the turns of its session, or for the turns of theirs.
    fn has_an_ancestors_cell(&self, number: u64, among: &BTreeSet<u64>) -> bool {
        let Some(wait) = self.waiting.get(&number) else { return false };
        let Wants::Cell(cells, _) = &wait.wants else { return false };
        let (mut ancestors, mut next) = (BTreeSet::from([number]), vec![wait]);
        // Nobody holds its own session's cell: then all that there may be are held, by whomever.
        let is_full = among.iter().filter_map(|other| self.waiting.get(other)).all(|other| other.holds(cells, wait.about()) == 0);
        while let Some(one) = next.pop() {
            if one.holds(cells, wait.about()) > 0 || (is_full && one.holds_for_sessions(cells) > 0) {
                return true;
            }
            let waits_for = |other: &Wait| matches!(&other.wants, Wants::Turns(session) if one.is_of(session));
            let found = among.iter().filter_map(|other| self.waiting.get(other).map(|wait| (*other, wait)));
            next.extend(found.filter(|(other, wait)| waits_for(wait) && ancestors.insert(*other)).map(|(_, wait)| wait));
        }
        false
    }

    /// Who waits for whom, from this one until it comes round.
    fn circle(&self, number: u64, stuck: &BTreeSet<u64>) -> String {
        let (mut words, mut seen, mut at) = (String::new(), BTreeSet::new(), Some(number));
        while let Some(wait) = at.filter(|one| seen.insert(*one)).and_then(|one| self.waiting.get(&one)) {
            let join = if words.is_empty() { "" } else { "; and " };
            let _ = write!(words, "{join}{wait}");
            at = at.and_then(|one| self.in_the_way(one, stuck).first().copied());
        }
        words
    }
}

/// Those who keep so many places from others, if no place is left.
fn keepers(holding: impl Iterator<Item = (u64, usize)>, places: usize) -> Vec<u64> {
    let held: Vec<(u64, usize)> = holding.filter(|(_, held)| *held > 0).collect();
    let enough = held.iter().map(|(_, held)| held).sum::<usize>() < places;
    if enough { Vec::new() } else { held.into_iter().map(|(number, _)| number).collect() }
}

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let calls: Vec<String> = self.chain.calls().map(|(plugin, export)| format!("`{plugin}` (`{export}`)")).collect();
        match calls.is_empty() {
            true if self.ends.is_some() => f.write_str("the end of a subagent")?,
            true => f.write_str("the turn")?,
            false => f.write_str(&calls.join(" for "))?,
        }
        if let Some(session) = self.about() {
            write!(f, " of the session `{session}`")?;
        }
        match &self.wants {
            Wants::Cell(cells, export) => write!(f, " waits for the plugin `{}` (`{export}`)", cells.plugin),
            Wants::Turns(session) => write!(f, " waits for the session `{session}`"),
            Wants::Nothing => f.write_str(" goes on"),
        }
    }
}
