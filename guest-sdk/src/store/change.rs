//! Rows as they were read, and what to do with one that is still so.
//!
//! What it is for: the typed forms of the contract's records. What it costs: one string for each namespace, key and token that it holds.
//! How it fails: where JSON has another form than the type, by `StoreError::Json`.

use super::error::{Result, StoreError};
use super::milliseconds;
use crate::bindings::imports::plugbay::plugin::keyed_store as contract;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<T> {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: T,
    /// When it was last written, in milliseconds since 1970-01-01T00:00:00Z.
    pub created_at: u64,
    /// When it ends. It is gone at this very millisecond.
    pub expires_at: Option<u64>,
}

impl<T: DeserializeOwned> Entry<T> {
    pub(super) fn read(operation: &'static str, entry: contract::Entry) -> Result<Self> {
        let contract::Entry { key, value, created_at, expires_at } = entry;
        Ok(Self { value: parse(operation, &key, &value)?, key, created_at, expires_at })
    }
}

/// Rows of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, in the order that was asked for.
    pub entries: Vec<Entry<T>>,
    /// Whether the range has more rows behind these: ask again with [`Range::after`](super::Range::after) the last key, or, descending, with
    /// [`Range::to`](super::Range::to) it.
    pub more: bool,
}

/// A row as it was seen, or that it wasn't there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation<T> {
    /// Its value, if it was there.
    pub value: Option<T>,
    seen: Condition,
}

impl<T: DeserializeOwned> Observation<T> {
    pub(super) fn read(operation: &'static str, namespace: &str, key: &str, seen: contract::Observation) -> Result<Self> {
        let value = seen.value.map(|text| parse(operation, key, &text)).transpose()?;
        let seen = contract::Condition { namespace: namespace.to_owned(), key: key.to_owned(), comparison: seen.comparison };
        Ok(Self { value, seen: Condition(seen) })
    }
}

impl<T> Observation<T> {
    /// The row's key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.seen.0.key
    }

    /// That this row has to be as it was seen, for a change of another one.
    #[must_use]
    pub fn condition(&self) -> Condition {
        self.seen.clone()
    }

    pub(super) fn seen(&self) -> &contract::Condition {
        &self.seen.0
    }
}

/// That a row, in any namespace of the plugin, has to be as it was seen. Made by [`Observation::condition`].
#[derive(Clone, Debug, PartialEq)]
pub struct Condition(pub(super) contract::Condition);

impl Eq for Condition {}

/// What to do with a row that is still as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    /// Write it. It lives for the namespace's own time.
    Set(T),
    /// Write it. It lives for so long.
    SetFor(T, Duration),
    /// Leave it as it is; useful with conditions.
    Keep,
    /// Delete it.
    Delete,
}

impl<T> From<T> for Change<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

impl<T: Serialize> Change<T> {
    pub(super) fn write(&self, operation: &'static str) -> Result<contract::Change> {
        let set = |value: &T, ttl_ms| Ok(contract::Change::Set(contract::NewValue { value: text(operation, value)?, ttl_ms }));
        match self {
            Self::Set(value) => set(value, None),
            Self::SetFor(value, ttl) => set(value, Some(milliseconds(*ttl))),
            Self::Keep => Ok(contract::Change::Keep),
            Self::Delete => Ok(contract::Change::Delete),
        }
    }
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a conflict is no error, and nothing was written then"]
pub enum Applied<T> {
    /// It was made.
    Applied,
    /// There was nothing to do.
    Unchanged,
    /// The row, or one of the conditions, isn't as it was seen. This is how the row is now; observe the others again.
    Conflict(Observation<T>),
}

/// A value as JSON text.
pub(super) fn text(operation: &'static str, value: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(|source| StoreError::Json { operation, key: None, source })
}

/// JSON text as a value.
pub(super) fn parse<T: DeserializeOwned>(operation: &'static str, key: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|source| StoreError::Json { operation, key: Some(key.to_owned()), source })
}
