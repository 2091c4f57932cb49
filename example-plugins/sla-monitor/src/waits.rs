//! Who waits for an answer: a row for each session in which somebody does.
//!
//! What it is for: what outlives cells, swaps and the host. A row says since when somebody waits, whether the agent is at work, and what was done about it. What it costs: a read and a write
//! for a message, and for each turn of a session that has a row. How it fails: by the store's own errors. 500 sessions have room; beyond, the one that nothing was written of for the longest
//! time is forgotten. Of the messages behind the first, thirty are known by their times: beyond, the newest takes the place of the one before it.

use crate::moment::now;
use crate::settings::Settings;
use crate::turn::Turn;
use plugbay_sdk::prelude::*;
use plugbay_sdk::store::{Change, Options};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const OPTIONS: Options = Options::up_to(500);
const NAMESPACE: &str = "waiting";
/// Characters of somebody's name, and of why a turn failed.
const WORDS: usize = 200;
/// A turn that began so long ago isn't under way any more: the host was killed in it.
const TURN: u64 = 3_600_000;
/// Messages behind the first whose times are kept.
const LATER: usize = 30;

/// A message that wasn't answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Message {
    at: u64,
    who: Option<String>,
}

/// Somebody who waits in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wait {
    /// The session's key.
    pub(crate) session: String,
    /// Since when: the first message that wasn't answered.
    pub(crate) since: u64,
    /// Who wrote it, if that is known.
    pub(crate) who: Option<String>,
    /// Messages that weren't answered.
    pub(crate) messages: u32,
    /// Those behind the first.
    #[serde(default)]
    later: Vec<Message>,
    /// When the turn began that is under way.
    pub(crate) turn: Option<u64>,
    /// Whether that turn is for somebody who wrote.
    #[serde(default)]
    pub(crate) answers: bool,
    /// Why the last turn didn't come to its end.
    pub(crate) failed: Option<String>,
    /// Whether it is counted as a breach.
    pub(crate) counted: bool,
    /// How often something was done about it, and when last.
    pub(crate) asked: u64,
    pub(crate) asked_at: u64,
    /// Whether an event is still to be emitted.
    pub(crate) event: bool,
}

impl Wait {
    pub(crate) fn new(session: &str, since: u64) -> Self {
        Self {
            session: session.to_owned(),
            since,
            who: None,
            messages: 0,
            later: Vec::new(),
            turn: None,
            answers: false,
            failed: None,
            counted: false,
            asked: 0,
            asked_at: 0,
            event: false,
        }
    }

    /// Another message. One from before the first is what the turn that the row is known by began with.
    fn wrote(&mut self, at: u64, who: Option<String>) {
        self.messages = self.messages.saturating_add(1);
        if at <= self.since {
            self.since = at;
            self.who = self.who.take().or(who);
            return;
        }
        self.later.truncate(LATER - 1);
        self.later.push(Message { at, who });
    }

    /// What is left when those who wrote until then are answered: others wait from their own first message on.
    fn behind(mut self, until: u64) -> Option<Self> {
        self.later.retain(|message| message.at > until);
        if self.later.is_empty() {
            return None;
        }
        let Message { at, who } = self.later.remove(0);
        let messages = u32::try_from(self.later.len() + 1).unwrap_or(u32::MAX);
        let Self { session, later, turn, answers, .. } = self;
        Some(Self { who, messages, later, turn, answers, ..Self::new(&session, at) })
    }

    /// The turn that was under way when the row was last written.
    fn last_turn(&self) -> Option<Turn> {
        self.turn.map(|began| Turn { began, answers: self.answers })
    }

    /// That turn is over, unless it is another one that is.
    fn over(&mut self, turn: Option<Turn>) -> bool {
        let is_it = turn.is_none_or(|turn| self.turn == Some(turn.began));
        is_it && self.turn.take().is_some()
    }

    /// Whether the target is missed.
    pub(crate) fn is_overdue(&self, settings: &Settings, at: u64) -> bool {
        at.saturating_sub(self.since) >= settings.target()
    }

    /// Whether the agent is at work.
    pub(crate) fn is_at_work(&self, at: u64) -> bool {
        self.turn.is_some_and(|began| at.saturating_sub(began) < TURN)
    }

    /// Whether it is time to do something.
    pub(crate) fn is_due(&self, settings: &Settings, at: u64) -> bool {
        let again = self.asked == 0 || at.saturating_sub(self.asked_at) >= settings.target();
        self.is_overdue(settings, at) && !self.is_at_work(at) && self.asked < settings.attempts && again
    }
}

/// The rows.
pub(crate) struct Waits<'a> {
    rows: Store<Wait>,
    settings: &'a Settings,
}

impl<'a> Waits<'a> {
    pub(crate) fn open(settings: &'a Settings) -> Result<Self> {
        Ok(Self { rows: Store::open(NAMESPACE, OPTIONS)?, settings })
    }

    /// Those who wait, the longest first. A row that can't be read is left out, with a warning in the log.
    pub(crate) fn all(&self) -> Result<Vec<(String, Wait)>> {
        let rows = Store::<Value>::open(NAMESPACE, OPTIONS)?.entries()?;
        let read = |row: store::Entry<Value>| match serde_json::from_value::<Wait>(row.value) {
            Ok(wait) => Some((row.key, wait)),
            Err(error) => {
                log::warn!("what is known of {} can't be read and is left out: {error}", row.key);
                None
            }
        };
        let mut all: Vec<(String, Wait)> = rows.into_iter().filter_map(read).collect();
        all.sort_by_key(|(_, wait)| wait.since);
        Ok(all)
    }

    /// Somebody wrote.
    pub(crate) fn wrote(&self, session: &Session, who: Option<&str>, at: u64) -> Result<()> {
        let key = session.key()?;
        self.change(&session.id()?, |row| {
            let mut wait = row.unwrap_or_else(|| Wait::new(&key, at));
            wait.wrote(at, who.map(short));
            Some(wait)
        })
    }

    /// The agent begins a turn. The first message of a session is known by that only. The row as it was, if there is one now.
    pub(crate) fn begins(&self, session: &Session, Turn { began, answers }: Turn, who: Option<&str>) -> Result<Option<Wait>> {
        let key = session.key()?;
        let mut seen = None;
        self.change(&session.id()?, |row| {
            let new = || Wait { who: who.map(short), ..Wait::new(&key, began) };
            seen = row.or_else(|| answers.then(new));
            seen.clone().map(|wait| Wait { turn: Some(began), answers, event: false, ..wait })
        })?;
        Ok(seen)
    }

    /// A turn failed.
    pub(crate) fn failed(&self, life: &str, turn: Option<Turn>, why: &str) -> Result<()> {
        self.change(life, |row| {
            let mut wait = row?;
            wait.over(turn);
            wait.failed = Some(short(why));
            Some(wait)
        })
    }

    /// An answer was taken at this time. It is for whoever wrote before its turn began, and outside of one for whoever wrote before it was given: who wrote later waits on.
    /// The row as it was, if somebody was answered.
    pub(crate) fn answered(&self, life: &str, turn: Option<Turn>, at: u64) -> Result<Option<Wait>> {
        self.ended(life, |_| Some(turn.map_or(at, |turn| turn.began.min(at))))
    }

    /// A turn is over, without an answer of its own: who wrote before it began waits no more, if it was for them. Which turn, the row says, if nothing else does.
    pub(crate) fn turn_over(&self, life: &str, turn: Option<Turn>) -> Result<Option<Wait>> {
        let ended = self.ended(life, |wait| turn.or(wait.last_turn()).filter(|turn| turn.answers).map(|turn| turn.began))?;
        self.mark(life, |wait| wait.over(turn))?;
        Ok(ended)
    }

    /// Those wait no more who wrote until the time that the closure says. The row as it was, if somebody did.
    fn ended(&self, life: &str, until: impl Fn(&Wait) -> Option<u64>) -> Result<Option<Wait>> {
        let mut ended = None;
        self.rows.update(life, |row| {
            let until = row.as_ref().and_then(&until);
            ended = row.filter(|wait| until.is_some_and(|until| wait.since <= until));
            match ended.clone().zip(until).map(|(wait, until)| wait.behind(until)) {
                Some(Some(left)) => self.kept(left),
                Some(None) => Change::Delete,
                None => Change::Keep,
            }
        })?;
        Ok(ended)
    }

    /// Changes a row that is there; whether the closure's change was made.
    pub(crate) fn mark(&self, life: &str, change: impl Fn(&mut Wait) -> bool) -> Result<bool> {
        let mut made = false;
        self.change(life, |row| {
            let mut wait = row?;
            made = change(&mut wait);
            made.then_some(wait)
        })?;
        Ok(made)
    }

    /// Nobody waits there any more.
    pub(crate) fn forget(&self, life: &str) -> Result<bool> {
        Ok(self.rows.delete(life)?)
    }

    /// Writes what the closure makes of a row, if it makes something.
    fn change(&self, life: &str, mut make: impl FnMut(Option<Wait>) -> Option<Wait>) -> Result<()> {
        self.rows.update(life, |row| make(row).map_or(Change::Keep, |wait| self.kept(wait)))?;
        Ok(())
    }

    /// A row lives for as long as somebody is taken to wait.
    fn kept(&self, wait: Wait) -> Change<Wait> {
        let left = wait.since.saturating_add(self.settings.forget()).saturating_sub(now());
        Change::SetFor(wait, Duration::from_millis(left.max(1)))
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(WORDS).collect()
}
