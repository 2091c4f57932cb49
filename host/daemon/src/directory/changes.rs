//! Tells what changed in a directory from looks at it and hints about when to look: a state machine without files or clock of its own.
//!
//! Hints (file events) may be late, doubled or lost; what is there is said by looks alone. A file that a look finds new is told of once it has been the same
//! for `settle`, or at once if a hint says that its writer is done. A file that looks no longer find is gone once it has been away for `missing_after`.
//! While the directory can't be looked into, nothing is gone. One entry of memory for each name; one step costs a comparison for each.

use super::Scan;
use super::entry::{self, Entry, Refusal, Stamp};
use plugbay_runtime::PluginId;
use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;
use tokio::time::Instant;

/// How a directory is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchSettings {
    /// How long a file has to be left alone until it is taken for whole, if nothing says so earlier (its writer closing it, a rename).
    pub settle: Duration,
    /// Go without file events, and look that often instead. More than zero.
    pub poll: Option<Duration>,
    /// How often to look besides file events: what they don't tell (remote writers on a network file system, a path whose links lead elsewhere now, events
    /// that don't work at all) is seen that late. More than zero.
    pub poll_fallback: Duration,
    /// How long a file may be away and still be replaced rather than gone.
    pub missing_after: Duration,
}

impl Default for WatchSettings {
    fn default() -> Self {
        let (settle, poll_fallback, missing_after) = (Duration::from_millis(300), Duration::from_secs(2), Duration::from_secs(5));
        Self { settle, poll: None, poll_fallback, missing_after }
    }
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A plugin's file is new, or another than before. Whether its bytes are others, only their digest says.
    File {
        /// The plugin.
        id: PluginId,
        /// The file.
        stamp: Stamp,
    },
    /// A plugin's file has been away for too long.
    Gone {
        /// The plugin.
        id: PluginId,
    },
    /// Something is there that is no plugin. What ran under that name is not concerned.
    Refused {
        /// Its name.
        name: String,
        /// Why.
        why: Refusal,
    },
    /// The directory can't be looked into. What runs is not concerned.
    Trouble(String),
    /// It can be again.
    TroubleOver,
    /// File events don't work here: changes are seen by looking, each `poll_fallback`.
    NoEvents(String),
}

/// What file events say of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    /// It is being written.
    Writing,
    /// Whoever wrote it is done.
    Whole,
}

/// What is known, and when to look again.
#[derive(Debug)]
pub(super) struct Changes {
    settings: WatchSettings,
    names: BTreeMap<String, Name>,
    look_at: Instant,
    looked_at: Option<Instant>,
    trouble: Option<String>,
}

/// One name in the directory.
#[derive(Debug, Default)]
struct Name {
    /// What was told of it; nothing if it was never there, or is gone.
    told: Option<Entry>,
    /// What the last look found.
    seen: Option<Entry>,
    /// When what was seen may be told, if it isn't what was told.
    due: Option<Instant>,
    /// Its writer is done, and nothing was seen since.
    whole: bool,
}

impl Changes {
    pub(super) const fn new(settings: WatchSettings, now: Instant) -> Self {
        Self { settings, names: BTreeMap::new(), look_at: now, looked_at: None, trouble: None }
    }

    /// When the next look is wanted.
    pub(super) fn look_at(&self) -> Instant {
        let due = self.names.values().filter_map(|name| name.due).min().filter(|_| self.trouble.is_none());
        due.map_or(self.look_at, |due| due.min(self.look_at))
    }

    pub(super) fn look_now(&mut self, now: Instant) {
        self.look_at = now;
    }

    /// A file that is written to all the time is looked at once each `settle` at most.
    pub(super) fn hint(&mut self, name: String, hint: Hint, now: Instant) {
        let whole = hint == Hint::Whole;
        let passing = entry::is_passing(&name);
        if !passing {
            let known = self.names.entry(name).or_default();
            known.whole = whole;
            if !whole && known.is_settling() {
                known.due = Some(now + self.settings.settle);
                return;
            }
        }
        if whole {
            self.look_now(now);
        } else if !passing {
            self.look_at = self.look_at.min(self.looked_at.map_or(now, |at| at + self.settings.settle));
        }
    }

    /// A look found that. The first one takes files as settled that weren't changed of late by the system's clock.
    pub(super) fn looked(&mut self, mut scan: Scan, now: Instant) -> Vec<Found> {
        let WatchSettings { settle, missing_after, .. } = self.settings;
        let first = self.looked_at.is_none();
        self.looked_at = Some(now);
        self.look_at = now + self.every();
        let over = self.trouble.take().map(|_| Found::TroubleOver);
        for name in scan.entries.keys() {
            self.names.entry(name.clone()).or_default();
        }
        let mut found = Vec::from_iter(over);
        self.names.retain(|file, name| {
            let seen = scan.entries.remove(file);
            let wait = match &seen {
                Some(Entry::File { stamp, .. }) if first => settle.saturating_sub(stamp.age(scan.at)),
                Some(_) => settle,
                None => missing_after,
            };
            name.see(seen, now, now + wait);
            found.extend(name.tell(file, now));
            name.matters()
        });
        found
    }

    /// A look failed.
    pub(super) fn failed(&mut self, why: String, now: Instant) -> Option<Found> {
        self.look_at = now + self.every();
        self.names.retain(|_, name| name.matters());
        let new = self.trouble.as_ref() != Some(&why);
        self.trouble = Some(why.clone());
        new.then_some(Found::Trouble(why))
    }

    /// How often to look without a reason.
    pub(super) fn every(&self) -> Duration {
        self.settings.poll.unwrap_or(self.settings.poll_fallback)
    }
}

impl Name {
    /// Whether there is anything to remember: a hint alone isn't.
    const fn matters(&self) -> bool {
        self.told.is_some() || self.seen.is_some()
    }

    const fn is_settling(&self) -> bool {
        self.seen.is_some() && self.due.is_some()
    }

    fn see(&mut self, seen: Option<Entry>, now: Instant, later: Instant) {
        let whole = mem::take(&mut self.whole);
        let changed = self.seen != seen;
        self.seen = seen;
        if self.seen == self.told {
            self.due = None;
        } else if whole && self.seen.is_some() {
            self.due = Some(now);
        } else if changed {
            self.due = Some(later);
        }
    }

    fn tell(&mut self, file: &str, now: Instant) -> Option<Found> {
        self.due.take_if(|due| *due <= now)?;
        self.told.clone_from(&self.seen);
        match self.seen.clone() {
            Some(Entry::File { id, stamp }) => Some(Found::File { id, stamp }),
            Some(Entry::Refused(why)) => Some(Found::Refused { name: file.to_owned(), why }),
            None => entry::id_in(file).map(|id| Found::Gone { id }),
        }
    }
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
