//! `keyed-register-1`, `keyed-register-16`, `keyed-register-16-full`: what a write costs, until it is committed.
//!
//! Sixteen owners write rows of 100 bytes, all at once or one alone, on two worker threads as in a host; the baseline writes the same rows with raw
//! SQLite, one transaction each, to a file of its own. A round is long enough for several checkpoints on either side.

use super::keyed_guest::{OWNER, Ours};
use super::keyed_sql::{NAMESPACE, Write, keys, value, writer};
use super::rounds::{Compared, median};
use super::row::Row;
use anyhow::Result;
use plugbay_runtime::state::{KeyedStore, Options, Owner, Sqlite, SqliteSettings, StateStore, Synchronous};
use rusqlite::Connection;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Who writes at once.
const WRITERS: usize = 16;

/// Rows of each.
const KEYS: usize = 50;

/// Writes of a guest's call.
const FROM_GUEST: u32 = 3_000;

const BASELINE: &str = "raw SQLite, one transaction each";

/// The same rows in two files.
struct Place {
    owners: Vec<(String, Arc<dyn KeyedStore>)>,
    keys: Arc<[String]>,
    raw: Connection,
    _state: Sqlite,
    _folder: TempDir,
}

impl Place {
    async fn new(synchronous: Synchronous) -> Result<Self> {
        let folder = TempDir::new()?;
        let state = Sqlite::open(SqliteSettings { synchronous, ..SqliteSettings::new(folder.path().join("ours")) })?;
        let mut owners = Vec::new();
        for n in 0..WRITERS {
            let owner = format!("plugin-{n}");
            let store = state.open(&Owner::new(&owner)?, NAMESPACE, Options::up_to(500)).await?;
            owners.push((owner, store));
        }
        let raw = writer(&folder.path().join("raw"), synchronous).await?;
        Ok(Self { owners, keys: keys(KEYS).into(), raw, _state: state, _folder: folder })
    }

    /// Microseconds of each write, of so many writers at once.
    async fn ours(&self, writers: usize, each: usize) -> Result<f64> {
        let start = Instant::now();
        let tasks: Vec<_> =
            self.owners.iter().take(writers).map(|(_, store)| tokio::spawn(register(store.clone(), self.keys.clone(), each))).collect();
        for task in tasks {
            task.await??;
        }
        Ok(micros(start.elapsed(), writers * each))
    }

    /// The same writes, raw, one after the other.
    fn raw(&self, write: &mut Write<'_>, writers: usize, each: usize) -> Result<f64> {
        let value = value();
        let start = Instant::now();
        for key in self.keys.iter().cycle().take(each) {
            for (owner, _) in self.owners.iter().take(writers) {
                write.put(owner, key, &value)?;
            }
        }
        Ok(micros(start.elapsed(), writers * each))
    }
}

async fn register(store: Arc<dyn KeyedStore>, keys: Arc<[String]>, times: usize) -> Result<()> {
    let value = value();
    for key in keys.iter().cycle().take(times) {
        store.register(key, value.clone(), None).await?;
    }
    Ok(())
}

fn micros(time: Duration, times: usize) -> f64 {
    time.as_secs_f64() * 1e6 / times as f64
}

/// Sixteen at once.
pub(super) async fn sixteen(rounds: usize, synchronous: Synchronous) -> Result<Vec<Row>> {
    let (name, each, bar) = match synchronous {
        Synchronous::Normal => ("keyed-register-16", 300, 1.0),
        Synchronous::Full => ("keyed-register-16-full", 60, 0.2),
    };
    let compared = compare(rounds, synchronous, WRITERS, each).await?;
    let note = format!("{WRITERS} owners at once, {} writes a round, synchronous {synchronous:?}", WRITERS * each);
    Ok(vec![compared.row((name, "us"), BASELINE, bar).note(note)])
}

/// One alone.
pub(super) async fn one(rounds: usize) -> Result<Vec<Row>> {
    let compared = compare(rounds, Synchronous::Normal, 1, 3_000).await?;
    let row = compared.row(("keyed-register-1", "us"), BASELINE, 1.5).note("one writer, synchronous Normal");
    Ok(vec![row.note(from_guest(rounds).await?)])
}

async fn compare(rounds: usize, synchronous: Synchronous, writers: usize, each: usize) -> Result<Compared> {
    let place = Place::new(synchronous).await?;
    let mut write = Write::new(&place.raw)?;
    Compared::measure(rounds, async || place.ours(writers, each).await, async || place.raw(&mut write, writers, each)).await
}

/// What a guest's write costs; no bar is set for it.
async fn from_guest(rounds: usize) -> Result<String> {
    let (ours, folder) = (Ours::filled().await?, TempDir::new()?);
    let connection = writer(folder.path(), Synchronous::Normal).await?;
    let (mut write, keys, value) = (Write::new(&connection)?, keys(KEYS), value());
    let mut taken = Vec::new();
    let guest = async || {
        taken.push(ours.each("register", FROM_GUEST).await? / 1e3);
        Ok(taken.last().copied().unwrap_or(0.0))
    };
    let raw = async || {
        let start = Instant::now();
        for key in keys.iter().cycle().take(FROM_GUEST as usize) {
            write.put(OWNER, key, &value)?;
        }
        Ok(micros(start.elapsed(), FROM_GUEST as usize))
    };
    let ratio = Compared::measure(rounds, guest, raw).await?.ratio();
    Ok(format!("from a guest (keyed-register-guest, no bar): {:.1} us, {ratio:.2} times raw", median(taken)))
}
