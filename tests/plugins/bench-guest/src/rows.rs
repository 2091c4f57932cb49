//! Rows of the keyed store, a hundred of them, read and written in a loop.
//!
//! Straight on the contract's functions, so that neither serde nor the SDK's checks are in what is measured. A row that isn't there is an error.

use plugbay_sdk::bindings::imports::plugbay::plugin::keyed_store::{Error as Refused, Options, Overflow, Store};
use plugbay_sdk::prelude::*;

/// What the benchmark opens too.
const NAMESPACE: &str = "rows";
const ONE: &str = "row-42";
const ROWS: usize = 100;

fn open() -> Result<Store> {
    let options = Options { max_entries: 1_000, overflow: Overflow::EvictOldest, default_ttl_ms: None };
    Store::open(NAMESPACE, options).map_err(refused)
}

fn refused(error: Refused) -> Error {
    Error::new(format!("{}: {}", error.operation, error.message))
}

fn keys() -> Vec<String> {
    (0..ROWS).map(|n| format!("row-{n}")).collect()
}

fn found(value: Option<String>) -> Result<()> {
    value.map(|text| drop(std::hint::black_box(text))).ok_or_else(|| Error::new("a row isn't there"))
}

/// Looks one row up so often.
pub(super) fn lookup(times: u32) -> Result<()> {
    let store = open()?;
    (0..times).try_for_each(|_| found(store.lookup(ONE).map_err(refused)?))
}

/// Looks rows up one by one, so many.
pub(super) fn lookup_each(times: u32) -> Result<()> {
    let (store, keys) = (open()?, keys());
    keys.iter().cycle().take(times as usize).try_for_each(|key| found(store.lookup(key).map_err(refused)?))
}

/// Looks all rows up at once, so often.
pub(super) fn lookup_many(times: u32) -> Result<()> {
    let (store, keys) = (open()?, keys());
    (0..times).try_for_each(|_| {
        let values = store.lookup_many(&keys).map_err(refused)?;
        values.into_iter().try_for_each(|value| found(value.map_err(refused)?))
    })
}

/// Writes rows of 100 bytes, so many.
pub(super) fn register(times: u32) -> Result<()> {
    let (store, keys, value) = (open()?, keys(), format!("\"{}\"", "x".repeat(98)));
    keys.iter().cycle().take(times as usize).try_for_each(|key| store.register(key, &value, None).map_err(refused))
}
