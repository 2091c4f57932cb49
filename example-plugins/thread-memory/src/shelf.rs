//! The facts of one life of a session: a row for each, which ends by itself.
//!
//! What it is for: a row's time to live is the fact's, and its key says whose it is and which, so that two who keep the same fact at once keep one. What it
//! costs: a page of the store to read all; keeping is that, a write, and a delete where the oldest makes room. The plugin keeps 980 rows at most, of the
//! 1,000 that one has by default: then the oldest of all threads makes room. How it fails: by an error, and then nothing was kept.

use crate::fact::{self, By, Fact};
use plugbay_sdk::prelude::*;
use plugbay_sdk::store::{Entry, Options, Range};
use std::time::Duration;

const FACTS: Options = Options::up_to(980);
/// Rows that are read at once: more than a thread may have, so that there is one page.
const PAGE: u32 = 200;
/// Ids that are tried for one fact.
const ATTEMPTS: u32 = 8;

/// The facts of one life.
pub(crate) struct Shelf {
    life: String,
    rows: Store<Fact>,
}

/// A fact with its id.
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) fact: Fact,
    /// In milliseconds since 1970.
    pub(crate) expires_at: Option<u64>,
}

/// What became of a fact that was to be kept.
pub(crate) enum Kept {
    /// It is new. So many older ones made room.
    New { id: String, evicted: usize },
    /// It was known already, and stays as it was.
    Known { id: String },
}

impl Shelf {
    /// Those of the life that a call is about.
    pub(crate) fn of(call: &Call) -> Result<Self> {
        Ok(Self { life: call.session()?.id()?, rows: Store::open("facts", FACTS)? })
    }

    /// All facts, oldest first.
    pub(crate) fn all(&self) -> Result<Vec<Known>> {
        let prefix = format!("{}/", self.life);
        let known = |row: Entry<Fact>| Known {
            id: row.key.get(prefix.len()..).unwrap_or_default().to_owned(),
            fact: row.value,
            expires_at: row.expires_at,
        };
        let page = self.rows.range(Range::up_to(PAGE).prefix(prefix.as_str()))?;
        let mut all: Vec<Known> = page.entries.into_iter().map(known).collect();
        all.sort_by(|a, b| (a.fact.number, &a.id).cmp(&(b.fact.number, &b.id)));
        Ok(all)
    }

    /// Keeps a fact for so many days, if it isn't known, and lets the oldest go where there are more than `most`.
    pub(crate) fn keep(&self, text: String, by: By, days: u64, most: u64) -> Result<Kept> {
        let mut all = self.all()?;
        if let Some(known) = all.iter().find(|known| fact::same(&known.fact.text, &text)) {
            return Ok(Kept::Known { id: known.id.clone() });
        }
        let mut ids = (0..ATTEMPTS).map(|attempt| fact::id(&text, attempt));
        let id = ids.find(|id| all.iter().all(|known| known.id != *id));
        let id = id.ok_or_else(|| Error::new("no id is left for this fact: say it in other words"))?;
        let number = all.last().map_or(1, |newest| newest.fact.number.saturating_add(1));
        let (fact, lives) = (Fact { text, by, number }, Duration::from_secs(days.saturating_mul(24 * 3_600)));
        if !self.rows.register_if_absent_for(&self.key(&id), &fact, lives)? {
            return Ok(Kept::Known { id }); // somebody was faster
        }
        all.push(Known { id: id.clone(), fact, expires_at: None });
        let too_many = all.len().saturating_sub(usize::try_from(most).unwrap_or(usize::MAX));
        for oldest in all.iter().take(too_many) {
            self.rows.delete(&self.key(&oldest.id))?;
        }
        Ok(Kept::New { id, evicted: too_many })
    }

    /// Forgets a fact by its id, or the beginning of it. The inner error says why there is none.
    pub(crate) fn forget(&self, id: &str) -> Result<Result<Fact, String>> {
        let wanted = id.trim().to_lowercase();
        if wanted.len() < 4 {
            return Ok(Err(format!("{id:?} is no id of a fact: give four characters of it at least")));
        }
        let mut found: Vec<Known> = self.all()?.into_iter().filter(|known| known.id.starts_with(&wanted)).collect();
        match (found.pop(), found.is_empty()) {
            (Some(known), true) => {
                self.rows.delete(&self.key(&known.id))?;
                Ok(Ok(known.fact))
            }
            (Some(_), false) => Ok(Err(format!("several facts have an id that begins with {wanted:?}: give more of it"))),
            (None, _) => Ok(Err(format!("no fact of this thread has the id {wanted:?}"))),
        }
    }

    /// Forgets all. How many there were.
    pub(crate) fn clear(&self) -> Result<usize> {
        let mut count = 0;
        loop {
            let page = self.all()?;
            if page.is_empty() {
                return Ok(count);
            }
            for known in page {
                count += usize::from(self.rows.delete(&self.key(&known.id))?);
            }
        }
    }

    fn key(&self, id: &str) -> String {
        format!("{}/{id}", self.life)
    }
}
