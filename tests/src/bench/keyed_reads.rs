//! `keyed-lookup`, `keyed-lookup-many-100`: what reading costs.
//!
//! `keyed-lookup` is a guest that looks a row up 5,000 times within one call, against SQLite's point read and a raw linker function that answers the
//! same text from nowhere, together. A hundred rows at once are compared with as many single lookups, both from a guest, and both on the host.

use super::keyed_guest::{OWNER, Ours, ROWS};
use super::keyed_sql::{KEY, Read, keys, reader};
use super::rounds::{Compared, median, nanos_each};
use super::row::Row;
use anyhow::{Context, Result};
use plugbay_runtime::state::KeyedStore;
use std::hint::black_box;
use std::time::Instant;

/// Lookups of one call, or in a row.
const LOOKUPS: u32 = 5_000;

/// As many rows, a hundred at once.
const HUNDREDS: u32 = LOOKUPS / 100;

/// One row, from a guest.
pub(super) async fn lookup(rounds: usize) -> Result<Vec<Row>> {
    let ours = Ours::filled().await?;
    let mut raw = ours.raw().await?;
    let connection = reader(&ours.folder())?;
    let mut statement = Read::new(&connection)?;
    let (mut reads, mut imports, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    let baseline = async || {
        let (read, import) = (point_reads(&mut statement)?, raw.each("lookup", LOOKUPS).await?);
        reads.push(read);
        imports.push(import);
        // Says where the rest goes; belongs to neither side.
        alone.push(lookups(&*ours.store).await?);
        Ok(read + import)
    };
    let compared = Compared::measure(rounds, async || ours.each("lookup", LOOKUPS).await, baseline).await?;
    let parts = format!(
        "raw: point read {:.0} + import {:.0}; the store alone, called by the host: {:.0}",
        median(reads),
        median(imports),
        median(alone)
    );
    let row = compared.row(("keyed-lookup", "ns"), "raw point read + raw linker function", 1.3);
    Ok(vec![row.note("from a guest, one row of 100 bytes among 100").note(parts)])
}

/// A hundred rows.
pub(super) async fn lookup_many(rounds: usize) -> Result<Vec<Row>> {
    let ours = Ours::filled().await?;
    let many = async || Ok(ours.each("lookup-many", HUNDREDS).await? / f64::from(LOOKUPS / HUNDREDS));
    let from_guest = Compared::measure(rounds, many, async || ours.each("lookup-each", LOOKUPS).await).await?;
    let keys = keys(ROWS);
    let on_host = Compared::measure(rounds, async || together(&*ours.store, &keys).await, async || one_by_one(&*ours.store, &keys).await);
    let on_host = on_host.await?;
    let baseline = "single lookups of the same rows";
    Ok(vec![
        from_guest.row(("keyed-lookup-many-100", "ns"), baseline, 0.3).note("from a guest, each row of a hundred"),
        on_host.row(("keyed-lookup-many-100-host", "ns"), baseline, 0.3).note("the store alone, called by the host"),
    ])
}

fn point_reads(statement: &mut Read<'_>) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..LOOKUPS {
        black_box(statement.get(OWNER, KEY)?);
    }
    Ok(nanos_each(start, LOOKUPS))
}

async fn lookups(store: &dyn KeyedStore) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..LOOKUPS {
        black_box(store.lookup(KEY).await?.context("the row isn't there")?);
    }
    Ok(nanos_each(start, LOOKUPS))
}

async fn one_by_one(store: &dyn KeyedStore, keys: &[String]) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..HUNDREDS {
        for key in keys {
            black_box(store.lookup(key).await?.context("the row isn't there")?);
        }
    }
    Ok(nanos_each(start, LOOKUPS))
}

async fn together(store: &dyn KeyedStore, keys: &[String]) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..HUNDREDS {
        for value in store.lookup_many(keys).await? {
            black_box(value?.context("the row isn't there")?);
        }
    }
    Ok(nanos_each(start, LOOKUPS))
}
