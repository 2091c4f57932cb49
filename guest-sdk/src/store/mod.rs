//! Durable rows of the plugin's own: values of one type under keys, in namespaces, with an end if wanted.
//!
//! What it is for: what has to outlive a cell, a swap or the host. What a method answered is kept. Nobody but the plugin sees its rows.
//!
//! ```
//! use plugbay_sdk::prelude::*;
//!
//! # fn main() -> Result<()> {
//! let visits = Store::<u64>::open("visits", store::Options::up_to(100))?;
//! visits.update("ada", |old| old.unwrap_or(0) + 1)?;
//! assert_eq!(visits.lookup("ada")?, Some(1));
//! # Ok(())
//! # }
//! ```
//!
//! What it costs: a call of the host each, which reads in place or waits for the commit; `update` at least two. A plugin with one
//! hook and a store is about 150 KiB of wasm, most of it serde_json; one that doesn't use the store never imports it.
//!
//! How it fails: by a [`StoreError`] that names the operation, and then nothing was changed. The rules and bounds stand in `docs/store.md`.
//!
//! Natively (in an author's tests) the rows are in memory, for each thread its own: see `fake`.

mod change;
mod error;
#[cfg(not(target_family = "wasm"))]
pub mod fake;
mod options;
#[cfg(test)]
mod tests;

pub use crate::refusal::Refusal;
pub use change::{Applied, Change, Condition, Entry, Observation, Page};
pub use error::{Result, StoreError};
pub use options::{Options, Range};

use crate::bindings::imports::plugbay::plugin::keyed_store as contract;
use change::{parse, text};
#[cfg(target_family = "wasm")]
use contract::Store as Handle;
#[cfg(not(target_family = "wasm"))]
use fake::Handle;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// How often [`Store::update`] tries.
const ATTEMPTS: u32 = 16;

/// Whole milliseconds, rounded up: a time that isn't zero doesn't become it. What is beyond `u64` is refused by the host.
pub(crate) const fn milliseconds(time: Duration) -> u64 {
    let whole = time.as_nanos().div_ceil(1_000_000);
    if whole > u64::MAX as u128 { u64::MAX } else { whole as u64 }
}

/// A namespace, opened, whose values are of one type.
///
/// Keys have 512 bytes at most, without the space around them, and aren't empty.
pub struct Store<T> {
    handle: Handle,
    namespace: String,
    values: PhantomData<fn(T) -> T>,
}

impl<T> fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

/// All fail with a [`StoreError`], and change nothing then.
#[allow(clippy::missing_errors_doc, reason = "said once, for all of them")]
impl<T: Serialize + DeserializeOwned> Store<T> {
    /// Opens a namespace: a letter or digit, then letters, digits, `.`, `_`, `-`; 128 bytes at most.
    pub fn open(namespace: &str, options: Options) -> Result<Self> {
        let namespace = namespace.trim();
        let handle = Handle::open(namespace, options.0)?;
        Ok(Self { handle, namespace: namespace.to_owned(), values: PhantomData })
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Writes a row, whether it is there or not. It is the youngest then.
    pub fn register(&self, key: &str, value: &T) -> Result<()> {
        Ok(self.handle.register(key, &text("register", value)?, None)?)
    }

    /// The same; the row lives for so long, in whole milliseconds, rounded up.
    pub fn register_for(&self, key: &str, value: &T, ttl: Duration) -> Result<()> {
        Ok(self.handle.register(key, &text("register", value)?, Some(milliseconds(ttl)))?)
    }

    /// Writes a row if it isn't there. Whether it was written.
    pub fn register_if_absent(&self, key: &str, value: &T) -> Result<bool> {
        Ok(self.handle.register_if_absent(key, &text("register-if-absent", value)?, None)?)
    }

    /// The same; the row lives for so long, in whole milliseconds, rounded up.
    pub fn register_if_absent_for(&self, key: &str, value: &T, ttl: Duration) -> Result<bool> {
        Ok(self.handle.register_if_absent(key, &text("register-if-absent", value)?, Some(milliseconds(ttl)))?)
    }

    /// The value of a row.
    pub fn lookup(&self, key: &str) -> Result<Option<T>> {
        self.handle.lookup(key)?.map(|value| parse("lookup", key, &value)).transpose()
    }

    /// The values of up to 10,000 rows, in the order of the keys, all as of one moment. A row that is corrupt, or has another form than the
    /// type, is an error in its place.
    pub fn lookup_many(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Result<Option<T>>>> {
        let keys: Vec<String> = keys.iter().map(|key| key.as_ref().to_owned()).collect();
        let values = self.handle.lookup_many(&keys)?;
        let read = |(key, value): (&String, std::result::Result<Option<String>, contract::Error>)| {
            value?.map(|value| parse("lookup-many", key, &value)).transpose()
        };
        Ok(keys.iter().zip(values).map(read).collect())
    }

    /// The value of a row, which is deleted. Of several callers one gets it.
    ///
    /// A value that has another form than the type is an error, and is gone all the same.
    pub fn consume(&self, key: &str) -> Result<Option<T>> {
        self.handle.consume(key)?.map(|value| parse("consume", key, &value)).transpose()
    }

    /// Deletes a row. Whether it was there.
    pub fn delete(&self, key: &str) -> Result<bool> {
        Ok(self.handle.delete(key)?)
    }

    /// All live rows, oldest first and then by key.
    pub fn entries(&self) -> Result<Vec<Entry<T>>> {
        self.handle.entries()?.into_iter().map(|entry| Entry::read("entries", entry)).collect()
    }

    /// Some live rows, by key.
    pub fn range(&self, range: Range) -> Result<Page<T>> {
        let page = self.handle.range(&range.0)?;
        let entries = page.entries.into_iter().map(|entry| Entry::read("range", entry)).collect::<Result<_>>()?;
        Ok(Page { entries, more: page.more })
    }

    /// How many live rows there are.
    pub fn count(&self) -> Result<u64> {
        Ok(self.handle.count()?)
    }

    /// Deletes all rows of this namespace.
    pub fn clear(&self) -> Result<()> {
        Ok(self.handle.clear()?)
    }

    /// A row as it is now, for [`apply`](Self::apply).
    pub fn observe(&self, key: &str) -> Result<Observation<T>> {
        Observation::read("observe", &self.namespace, key, self.handle.observe(key)?)
    }

    /// Changes a row if it is still as it was seen.
    pub fn apply(&self, seen: &Observation<T>, change: impl Into<Change<T>>) -> Result<Applied<T>> {
        self.apply_if(seen, change, &[])
    }

    /// Changes a row if it, and the rows of all conditions, are still as they were seen, all in one transaction.
    pub fn apply_if(&self, seen: &Observation<T>, change: impl Into<Change<T>>, conditions: &[Condition]) -> Result<Applied<T>> {
        let change = change.into().write(COMPARE_AND_APPLY)?;
        let conditions: Vec<_> = conditions.iter().map(|condition| condition.0.clone()).collect();
        self.compare_and_apply(seen, &change, &conditions)
    }

    /// Reads a row, makes a change of it, and writes that if nobody else wrote meanwhile; otherwise begins anew, 16 times at most.
    /// Answers how the row is now.
    ///
    /// ```
    /// use plugbay_sdk::prelude::*;
    /// use plugbay_sdk::store::Change;
    ///
    /// # fn main() -> Result<()> {
    /// let lives = Store::<u32>::open("lives", store::Options::up_to(10))?;
    /// let lose_one = |old: Option<u32>| match old.unwrap_or(2) {
    ///     0 | 1 => Change::Delete,
    ///     more => Change::Set(more - 1),
    /// };
    /// assert_eq!(lives.update("cat", lose_one)?, Some(1));
    /// assert_eq!(lives.update("cat", lose_one)?, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`StoreError::TooContended`] if somebody else was faster each time. The closure should be quick, and do nothing that can't be done again.
    pub fn update<C: Into<Change<T>>>(&self, key: &str, mut change: impl FnMut(Option<T>) -> C) -> Result<Option<T>> {
        let mut seen = self.handle.observe(key).map_err(StoreError::from)?;
        for _ in 0..ATTEMPTS {
            let old = seen.value.as_deref().map(|value| parse("update", key, value)).transpose()?;
            let wanted = change(old).into();
            match self.handle.compare_and_apply(key, &seen.comparison, &wanted.write("update")?, &[])? {
                contract::Applied::Conflict(now) => seen = now,
                contract::Applied::Applied | contract::Applied::Unchanged => {
                    return match wanted {
                        Change::Set(value) | Change::SetFor(value, _) => Ok(Some(value)),
                        Change::Keep => seen.value.map(|value| parse("update", key, &value)).transpose(),
                        Change::Delete => Ok(None),
                    };
                }
            }
        }
        Err(StoreError::TooContended { key: key.to_owned(), attempts: ATTEMPTS })
    }

    /// Deletes a row if its value equals this one: a string, a number, a boolean or nothing. Whether it was deleted.
    pub fn delete_if_equal(&self, key: &str, scalar: &(impl Serialize + ?Sized)) -> Result<bool> {
        Ok(self.handle.delete_if_equal(key, &text("delete-if-equal", scalar)?)?)
    }

    fn compare_and_apply(
        &self,
        seen: &Observation<T>,
        change: &contract::Change,
        conditions: &[contract::Condition],
    ) -> Result<Applied<T>> {
        let contract::Condition { key, comparison, .. } = seen.seen();
        Ok(match self.handle.compare_and_apply(key, comparison, change, conditions)? {
            contract::Applied::Applied => Applied::Applied,
            contract::Applied::Unchanged => Applied::Unchanged,
            contract::Applied::Conflict(now) => Applied::Conflict(Observation::read(COMPARE_AND_APPLY, &self.namespace, key, now)?),
        })
    }
}

const COMPARE_AND_APPLY: &str = "compare-and-apply";
