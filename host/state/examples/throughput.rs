//! What the store costs over raw SQLite, as ratios: `cargo run --release -p plugbay-state --example throughput`.
//!
//! "Raw" is rusqlite on the same schema and pragmas, with prepared statements and one transaction per write. The machine may be busy: each figure
//! is the best of several rounds.

use plugbay_state::{DATABASE_FILE, KeyedStore, Options, Owner, Sqlite, SqliteSettings, StateStore, Synchronous};
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const PUT: &str = "INSERT INTO keyed (owner, namespace, key, value, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, NULL)
    ON CONFLICT DO UPDATE SET value = excluded.value, created_at = excluded.created_at, expires_at = excluded.expires_at";
const GET: &str = "SELECT value FROM keyed WHERE owner = ?1 AND namespace = ?2 AND key = ?3";
const KEYS: usize = 100;
const ROUNDS: usize = 15;

fn value() -> String {
    format!("\"{}\"", "x".repeat(98))
}

fn keys() -> Vec<String> {
    (0..KEYS).map(|n| format!("key-{n}")).collect()
}

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    lookups(&runtime)?;
    for synchronous in [Synchronous::Normal, Synchronous::Full] {
        writes(&runtime, synchronous)?;
    }
    memory(&runtime)
}

/// How much 30,000 operations over 100 stores add to the process, once they are open.
fn memory(runtime: &tokio::runtime::Runtime) -> Outcome<()> {
    let resident = || -> Outcome<usize> {
        let pages = std::fs::read_to_string("/proc/self/statm")?;
        Ok(pages.split(' ').nth(1).unwrap_or("0").parse::<usize>()? * 4)
    };
    let directory = tempfile::tempdir()?;
    let state = Sqlite::open(SqliteSettings::new(directory.path()))?;
    runtime.block_on(async {
        let mut stores = Vec::new();
        for n in 0..100 {
            stores.push(state.open(&Owner::new(&format!("plugin-{n}"))?, "rows", Options::up_to(50)).await?);
        }
        let before = resident()?;
        for n in 0..30_000 {
            if let Some(store) = stores.get(n % 100) {
                store.register(&format!("key-{}", n / 100 % 70), value(), None).await?;
            }
        }
        println!("memory over 30,000 writes to 100 stores: {} KiB more than {before} KiB", resident()?.saturating_sub(before));
        Ok(())
    })
}

async fn opened(directory: &Path, synchronous: Synchronous) -> Outcome<(Sqlite, Arc<dyn KeyedStore>)> {
    let state = Sqlite::open(SqliteSettings { synchronous, ..SqliteSettings::new(directory) })?;
    let store = state.open(&Owner::new("bench")?, "rows", Options::up_to(500)).await?;
    for key in keys() {
        store.register(&key, value(), None).await?;
    }
    Ok((state, store))
}

fn raw(directory: &Path, synchronous: Synchronous) -> Outcome<Connection> {
    let connection = Connection::open(directory.join(DATABASE_FILE))?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "synchronous", if synchronous == Synchronous::Full { "full" } else { "normal" })?;
    Ok(connection)
}

/// Microseconds per operation in the best round.
fn best(operations: usize, mut round: impl FnMut() -> Outcome<()>) -> Outcome<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let since = Instant::now();
        round()?;
        best = best.min(since.elapsed().as_secs_f64() * 1e6 / operations as f64);
    }
    Ok(best)
}

fn row(name: &str, ours: f64, raw: f64) {
    println!("{name:<28} {ours:>9.2} us  raw {raw:>9.2} us  ratio {:.2}", ours / raw);
}

fn lookups(runtime: &tokio::runtime::Runtime) -> Outcome<()> {
    const MANY: usize = 20_000;
    let directory = tempfile::tempdir()?;
    let (_state, store) = runtime.block_on(opened(directory.path(), Synchronous::Normal))?;
    let connection = raw(directory.path(), Synchronous::Normal)?;
    let keys = keys();
    let by_hand = best(MANY, || {
        for key in keys.iter().cycle().take(MANY) {
            let _: String = connection.prepare_cached(GET)?.query_row(params!["bench", "rows", key], |row| row.get(0))?;
        }
        Ok(())
    })?;
    let ours = best(MANY, || {
        runtime.block_on(async {
            for key in keys.iter().cycle().take(MANY) {
                store.lookup(key).await?;
            }
            Ok(())
        })
    })?;
    row("keyed-lookup", ours, by_hand);
    let together = best(MANY, || {
        runtime.block_on(async {
            for _ in 0..MANY / KEYS {
                store.lookup_many(&keys).await?;
            }
            Ok(())
        })
    })?;
    row("keyed-lookup-many-100 / 1s", together, ours);
    Ok(())
}

fn writes(runtime: &tokio::runtime::Runtime, synchronous: Synchronous) -> Outcome<()> {
    let many = if synchronous == Synchronous::Normal { 4_800 } else { 960 };
    let directory = tempfile::tempdir()?;
    let (_state, store) = runtime.block_on(opened(directory.path(), synchronous))?;
    let (keys, connection) = (keys(), raw(directory.path(), synchronous)?);
    let put = |connection: &Connection, key: &str, n: usize| -> Outcome<()> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        connection.prepare_cached(PUT)?.execute(params!["bench", "rows", key, value(), 1_000_000 + n as i64])?;
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    };
    let by_hand = best(many, || keys.iter().cycle().take(many).enumerate().try_for_each(|(n, key)| put(&connection, key, n)))?;
    let one = best(many, || {
        runtime.block_on(async {
            for key in keys.iter().cycle().take(many) {
                store.register(key, value(), None).await?;
            }
            Ok(())
        })
    })?;
    row(&format!("keyed-register-1 {synchronous:?}"), one, by_hand);
    let tasks = best(many, || runtime.block_on(sixteen_tasks(&store, many)))?;
    row(&format!("keyed-register-16 {synchronous:?}"), tasks, by_hand);
    let threads = best(many, || sixteen_threads(&store, many))?;
    row(&format!("16 threads {synchronous:?}"), threads, by_hand);
    Ok(())
}

async fn sixteen_tasks(store: &Arc<dyn KeyedStore>, many: usize) -> Outcome<()> {
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..many / 16 {
                    store.register(&format!("key-{}", (task * 6 + n) % KEYS), value(), None).await?;
                }
                Outcome::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

fn sixteen_threads(store: &Arc<dyn KeyedStore>, many: usize) -> Outcome<()> {
    let start = Barrier::new(16);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|thread| {
                let (store, start) = (store.clone(), &start);
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
                    start.wait();
                    runtime.block_on(async {
                        for n in 0..many / 16 {
                            store.register(&format!("key-{}", (thread * 6 + n) % KEYS), value(), None).await?;
                        }
                        Outcome::Ok(())
                    })
                })
            })
            .collect();
        for thread in threads {
            thread.join().map_err(|_| "a thread panicked")??;
        }
        Ok(())
    })
}
