//! The rows of one life of a session: a head, and the summaries, of which sixteen that have one above them are a row.
//!
//! What it is for: the head says how far the tree has grown, and what it doesn't say isn't there. So rows are written first and the head last, each only if the head, and the row itself, are
//! still as they were read: of two cells one gets ahead, and the other begins anew. What it costs: one row of 25 to 60 KiB for sixteen summaries, and a head of 24 KiB. How it fails: a row that is
//! garbled is deleted and counts as lost.

use crate::node::Node;
use crate::sketch::Sketch;
use plugbay_sdk::prelude::*;
use plugbay_sdk::store::{Observation, Options, Range, StoreError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// All rows of the plugin, as many as a host gives by default: beyond, those that weren't written for the longest time make room. They can be made again.
const ROWS: Options = Options::up_to(1_000);
const NAMESPACE: &str = "trees";

/// How far a tree has grown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Entries that leaves stand for: so many, from the first.
    pub(crate) grown: u64,
    /// Summaries on each level, leaves first.
    pub(crate) levels: Vec<u64>,
    /// How many of each level have been given to the model.
    pub(crate) told: Vec<u64>,
    /// From this position on entries may be told word for word.
    pub(crate) recent: u64,
    /// Percent of a budget that are left unused, since the model has said that it is too much.
    pub(crate) unused: u64,
    /// Which words are rare.
    pub(crate) sketch: Sketch,
}

impl Head {
    /// How many summaries a level has.
    pub(crate) fn level(&self, level: usize) -> u64 {
        self.levels.get(level).copied().unwrap_or_default()
    }
}

/// Why the tree can't be read.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// A row isn't there any more, or isn't what was written: this one.
    Lost(String),
    /// Anything else.
    Failed(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Trouble {
    /// In words.
    pub(crate) fn error(self) -> Error {
        match self {
            Self::Lost(row) => Error::new(format!(
                "the row {row:?} of the summaries was lost again as soon as it was made again: are other conversations in need of more than 1,000 rows?"
            )),
            Self::Failed(error) => error,
        }
    }
}

/// The rows of one life.
pub(crate) struct Shelf {
    life: String,
    heads: Store<Head>,
    rows: Store<Vec<Node>>,
}

impl Shelf {
    /// Those of the life that a call is about.
    pub(crate) fn of(call: &Call) -> Result<Self> {
        let life = call.session()?.id()?;
        Ok(Self { life, heads: Store::open(NAMESPACE, ROWS)?, rows: Store::open(NAMESPACE, ROWS)? })
    }

    /// How far the tree has grown.
    pub(crate) fn head(&self) -> Result<Observation<Head>> {
        observed(&self.heads, &format!("{}/head", self.life))
    }

    /// One row of summaries.
    pub(crate) fn row(&self, level: usize, number: u64) -> Result<Observation<Vec<Node>>> {
        observed(&self.rows, &format!("{}/{level}/{number:06}", self.life))
    }

    /// So many summaries of a row, which the head says are there.
    pub(crate) fn nodes(&self, level: usize, number: u64, count: usize) -> Result<(Vec<Node>, Observation<Vec<Node>>), Trouble> {
        let seen = self.row(level, number)?;
        let mut nodes = seen.value.clone().unwrap_or_default();
        nodes.truncate(count);
        let is_whole = nodes.len() == count && nodes.windows(2).all(|two| matches!(two, [a, b] if a.end == b.start));
        if is_whole { Ok((nodes, seen)) } else { Err(Trouble::Lost(seen.key().to_owned())) }
    }

    /// Writes a row, if it and the head are as they were seen. Whether it did.
    pub(crate) fn put(&self, seen: &Observation<Vec<Node>>, nodes: Vec<Node>, head: &Observation<Head>) -> Result<bool> {
        Ok(!matches!(self.rows.apply_if(seen, nodes, &[head.condition()])?, store::Applied::Conflict(_)))
    }

    /// Writes the head, if it is as it was seen. Whether it did.
    pub(crate) fn put_head(&self, seen: &Observation<Head>, head: Head) -> Result<bool> {
        Ok(!matches!(self.heads.apply(seen, head)?, store::Applied::Conflict(_)))
    }

    /// Changes one summary, if it is still there. Whether it was.
    pub(crate) fn change(&self, level: usize, number: u64, name: &str, change: impl Fn(&mut Node)) -> Result<bool> {
        let (row, mut found) = (self.row(level, number)?, false);
        self.rows.update(row.key(), |nodes| {
            let mut nodes = nodes.unwrap_or_default();
            found = false;
            for node in nodes.iter_mut().filter(|node| node.name() == name) {
                change(node);
                found = true;
            }
            if found { store::Change::Set(nodes) } else { store::Change::Keep }
        })?;
        Ok(found)
    }
}

fn observed<T: Serialize + DeserializeOwned>(store: &Store<T>, key: &str) -> Result<Observation<T>> {
    match store.observe(key) {
        Err(error @ (StoreError::Json { .. } | StoreError::Corrupt(_))) => {
            log::warn!("the row {key:?} is made again: {error}");
            store.delete(key)?;
            Ok(store.observe(key)?)
        }
        seen => Ok(seen?),
    }
}

/// Deletes all rows of a life.
pub(crate) fn forget(life: &str) -> Result<()> {
    let rows = Store::<Value>::open(NAMESPACE, ROWS)?;
    loop {
        let page = rows.range(Range::up_to(100).prefix(format!("{life}/")).max_bytes(1 << 20))?;
        for row in &page.entries {
            rows.delete(&row.key)?;
        }
        if !page.more {
            return Ok(());
        }
    }
}
