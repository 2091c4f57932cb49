//! Where the counts are: a row for each life of a session, and one for each day.
//!
//! What it is for: counts that outlive the cell and the host, and that several cells may change at once: each change is made of the row as it is, and only if
//! it still is so. What it costs: two calls of the host for a change; 998 rows at most, of the 1,000 that a plugin has by default. How it fails: by an
//! error, with nothing counted; somebody who is overtaken 16 times in a row gets one, too.

use crate::count::{Day, Session};
use crate::day;
use plugbay_sdk::prelude::*;
use plugbay_sdk::store::{Change, Options};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::time::Duration;

const HOURS: u64 = 3_600;
/// How long a session is remembered in which nothing is counted.
const SESSION: Duration = Duration::from_secs(30 * 24 * HOURS);
/// How long a day is remembered: long enough to give something back behind midnight.
const DAY: Duration = Duration::from_secs(48 * HOURS);
const SESSIONS: Options = Options::up_to(990).default_ttl(SESSION);
const DAYS: Options = Options::up_to(8).default_ttl(DAY);

/// The rows.
pub(crate) struct Ledger {
    sessions: Store<Session>,
    days: Store<Day>,
}

/// What a call is about.
pub(crate) struct Place {
    /// The life of the session, if there is one.
    pub(crate) life: Option<String>,
    /// The turn, if there is one.
    pub(crate) run: Option<String>,
    /// Today.
    pub(crate) day: String,
}

impl Place {
    /// What a call is about.
    pub(crate) fn of(call: &Call) -> Result<Self> {
        let life = call.session.as_ref().map(|session| session.id()).transpose()?;
        Ok(Self { life, run: call.run.clone(), day: day::today() })
    }
}

/// What a change came to: how the row is now, or why it stayed as it was.
pub(crate) type Changed<T, E> = std::result::Result<T, E>;

impl Ledger {
    /// Opens it.
    pub(crate) fn open() -> Result<Self> {
        Ok(Self { sessions: Store::open("sessions", SESSIONS)?, days: Store::open("days", DAYS)? })
    }

    /// A session's row.
    pub(crate) fn session(&self, life: &str) -> Result<Session> {
        Ok(self.sessions.lookup(life)?.unwrap_or_default())
    }

    /// A day's row.
    pub(crate) fn day(&self, day: &str) -> Result<Day> {
        Ok(self.days.lookup(day)?.unwrap_or_default())
    }

    /// Changes a session's row, unless the change refuses.
    pub(crate) fn change_session<E>(&self, life: &str, by: impl FnMut(&mut Session) -> Changed<(), E>) -> Result<Changed<Session, E>> {
        change(&self.sessions, life, by)
    }

    /// Changes a day's row, unless the change refuses.
    pub(crate) fn change_day<E>(&self, day: &str, by: impl FnMut(&mut Day) -> Changed<(), E>) -> Result<Changed<Day, E>> {
        change(&self.days, day, by)
    }

    /// Changes a session's row, whatever is in it.
    pub(crate) fn alter_session(&self, life: &str, mut by: impl FnMut(&mut Session)) -> Result<Session> {
        let altered = self.change_session(life, |session| {
            by(session);
            Ok::<_, Infallible>(())
        })?;
        Ok(altered.unwrap_or_else(|never| match never {}))
    }

    /// Changes a day's row, whatever is in it.
    pub(crate) fn alter_day(&self, day: &str, mut by: impl FnMut(&mut Day)) -> Result<Day> {
        let altered = self.change_day(day, |day| {
            by(day);
            Ok::<_, Infallible>(())
        })?;
        Ok(altered.unwrap_or_else(|never| match never {}))
    }

    /// Deletes a session's row.
    pub(crate) fn forget(&self, life: &str) -> Result<()> {
        self.sessions.delete(life)?;
        Ok(())
    }
}

fn change<T: Clone + Default + Serialize + DeserializeOwned, E>(
    store: &Store<T>,
    key: &str,
    mut by: impl FnMut(&mut T) -> Changed<(), E>,
) -> Result<Changed<T, E>> {
    let mut refused = None;
    let now = store.update(key, |old| {
        let mut row = old.unwrap_or_default();
        refused = by(&mut row).err();
        if refused.is_none() { Change::Set(row) } else { Change::Keep }
    })?;
    Ok(refused.map_or_else(|| Ok(now.unwrap_or_default()), Err))
}
