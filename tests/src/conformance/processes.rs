//! Several processes on one file: what each does, what it says it did, and what must be true in the end.
//!
//! Each worker does a seeded mix of operations on rows that all share: it adds to a counter by compare-and-apply, takes things out of a bag, claims keys
//! that only one may have, writes and deletes rows of its own, and adds to a document of the host's and to the history. What it did it tells in a
//! [`Tally`]; [`judge`] compares the tallies of all with what is in the file. Costs some seconds. An operation that fails ends its worker with the error and how long it took.

use super::ledger;
use super::stage::{State, Store, open, set};
use anyhow::{Context, Result, bail, ensure};
use plugbay_state::{Applied, Options, Overflow, Sqlite, SqliteSettings, StateError};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The row of the contract that this is about.
pub(super) const SECTION: &str = "21.9";

/// How many things are in the bag.
const BAG: u64 = 400;

/// How many keys there are to claim.
const CLAIMS: u64 = 60;

const OWNER: &str = "shared";

/// What a worker is to do.
#[derive(Debug, Clone)]
pub struct Work {
    /// The state directory.
    pub directory: PathBuf,
    /// Which worker it is.
    pub worker: u64,
    /// Where its chances start.
    pub seed: u64,
    /// How many operations it does.
    pub operations: u64,
}

impl Work {
    /// As the worker program gets it.
    ///
    /// # Errors
    /// If it isn't four arguments, three of them numbers.
    pub fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self> {
        let mut next = || args.next().context("directory, worker, seed and operations are wanted");
        Ok(Self { directory: next()?.into(), worker: next()?.parse()?, seed: next()?.parse()?, operations: next()?.parse()? })
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.arg(&self.directory).args([self.worker, self.seed, self.operations].map(|n| n.to_string()));
        command
    }
}

/// What a worker did.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// What it added to the counter.
    pub added: u64,
    /// How often somebody else was quicker.
    pub conflicts: u64,
    /// What it took out of the bag.
    pub taken: Vec<u64>,
    /// What it claimed.
    pub claimed: Vec<u64>,
    /// The numbers of what it told the history.
    pub told: Vec<u64>,
    /// Its own rows, as it left them.
    pub own: BTreeMap<String, String>,
    /// How often it did what.
    pub done: BTreeMap<String, u64>,
    /// How long its slowest operation took.
    pub slowest_ms: u64,
}

/// Numbers that are the same for the same seed: SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % n
    }
}

struct Shared {
    state: State,
    counters: Store,
    bag: Store,
    claims: Store,
    own: Store,
}

async fn shared(state: &State, worker: u64) -> Result<Shared> {
    let full = Options::up_to(1_000).overflow(Overflow::RejectNew);
    Ok(Shared {
        state: state.clone(),
        counters: open(state, OWNER, "counters", full).await?,
        bag: open(state, OWNER, "bag", full).await?,
        claims: open(state, OWNER, "claims", full).await?,
        own: open(state, &format!("worker-{worker}"), "own", full).await?,
    })
}

fn state(directory: &Path) -> Result<State> {
    Ok(Arc::new(Sqlite::open(SqliteSettings::new(directory))?))
}

/// Does a worker's work.
///
/// # Errors
/// The first operation's that fails, with its name and how long it took.
pub async fn work(work: &Work) -> Result<Tally> {
    let state = state(&work.directory)?;
    let shared = shared(&state, work.worker).await?;
    let (mut chance, mut tally) = (Chance(work.seed), Tally::default());
    for _ in 0..work.operations {
        let begun = Instant::now();
        let outcome = one(&shared, &mut chance, &mut tally, work.worker).await;
        let took = begun.elapsed();
        let name = outcome.with_context(|| format!("worker {}, after {took:?}", work.worker))?;
        *tally.done.entry(name.into()).or_default() += 1;
        tally.slowest_ms = tally.slowest_ms.max(u64::try_from(took.as_millis())?);
    }
    state.close().await;
    Ok(tally)
}

async fn one(shared: &Shared, chance: &mut Chance, tally: &mut Tally, worker: u64) -> Result<&'static str> {
    match chance.below(11) {
        0..=2 => {
            tally.conflicts += add_one(&shared.counters).await?;
            tally.added += 1;
            Ok("compare-and-apply")
        }
        3..=5 => {
            let item = chance.below(BAG);
            let got = shared.bag.consume(&item.to_string()).await?;
            tally.taken.extend(got.map(|value| value.parse::<u64>()).transpose()?);
            Ok("consume")
        }
        6 => {
            let key = chance.below(CLAIMS);
            if shared.claims.register_if_absent(&key.to_string(), worker.to_string(), None).await? {
                tally.claimed.push(key);
            }
            Ok("register-if-absent")
        }
        7 | 8 => register_own(&shared.own, chance, tally).await,
        9 => {
            let (number, conflicts) = ledger::add_one(&shared.state, &name(worker)).await?;
            tally.told.push(number);
            tally.conflicts += conflicts;
            Ok("record")
        }
        _ => delete_own(&shared.own, chance, tally).await,
    }
}

/// Who the history says it was.
fn name(worker: u64) -> String {
    format!("worker {worker}")
}

async fn register_own(own: &Store, chance: &mut Chance, tally: &mut Tally) -> Result<&'static str> {
    let (key, value) = (format!("k{}", chance.below(20)), chance.below(1 << 40).to_string());
    own.register(&key, value.clone(), None).await?;
    tally.own.insert(key, value);
    Ok("register")
}

async fn delete_own(own: &Store, chance: &mut Chance, tally: &mut Tally) -> Result<&'static str> {
    let key = format!("k{}", chance.below(20));
    let (deleted, expected) = (own.delete(&key).await?, tally.own.remove(&key).is_some());
    ensure!(deleted == expected, "deleting {key}: {deleted}, expected {expected}");
    Ok("delete")
}

/// Adds 1; answers how often somebody else was quicker.
async fn add_one(counters: &Store) -> Result<u64> {
    let mut seen = counters.observe("n").await?;
    for conflicts in 0.. {
        let before: u64 = seen.value.as_ref().context("there is no counter")?.value.parse()?;
        match counters.compare_and_apply("n", &seen.comparison, set(&(before + 1).to_string()), &[]).await? {
            Applied::Applied => return Ok(conflicts),
            Applied::Conflict(current) => seen = current,
            Applied::Unchanged => bail!("a change was made that changed nothing"),
        }
    }
    bail!("nobody counts so far")
}

/// Fills the bag and sets the counter to 0.
///
/// # Errors
/// If the state can't be written.
pub async fn prepare(directory: &Path) -> Result<()> {
    let state = state(directory)?;
    let shared = shared(&state, 0).await?;
    shared.counters.register("n", "0".into(), None).await?;
    for item in 0..BAG {
        shared.bag.register(&item.to_string(), item.to_string(), None).await?;
    }
    state.close().await;
    Ok(())
}

/// Runs so many workers of this program at once.
///
/// # Errors
/// What they said that failed.
pub fn run(program: &Path, directory: &Path, workers: u64, seed: u64, operations: u64) -> Result<Vec<Tally>> {
    let mut children = Vec::new();
    for worker in 0..workers {
        let work = Work { directory: directory.to_owned(), worker, seed: seed ^ (worker << 32), operations };
        children.push(work.command(program).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?);
    }
    // All are waited for before one is judged.
    let outputs: Vec<_> = children.into_iter().map(std::process::Child::wait_with_output).collect();
    let tally = |output: std::io::Result<std::process::Output>| {
        let output = output?;
        ensure!(output.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    outputs.into_iter().map(tally).collect()
}

/// Compares what the workers say with what is there.
///
/// # Errors
/// If something was lost, came twice or half, or took as long as a lock may be waited for.
pub async fn judge(directory: &Path, tallies: &[Tally], operations: u64) -> Result<()> {
    let state = state(directory)?;
    for (worker, tally) in (0..).zip(tallies) {
        ensure!(tally.done.values().sum::<u64>() == operations, "worker {worker} did {:?}", tally.done);
        ensure!(Duration::from_millis(tally.slowest_ms) < Duration::from_secs(5), "worker {worker} waited {} ms", tally.slowest_ms);
        let own = contents(&shared(&state, worker).await?.own).await?;
        ensure!(own == tally.own, "worker {worker} left {:?}, there is {own:?}", tally.own);
    }
    let shared = shared(&state, 0).await?;
    counted(&shared, tallies).await?;
    bagged(&shared, tallies).await?;
    claimed(&shared, tallies).await?;
    let told: Vec<_> = (0..).zip(tallies).map(|(worker, tally)| (name(worker), tally.told.clone())).collect();
    ledger::all_added(&state, &told).await?;
    state.close().await;
    sound(directory)
}

async fn contents(rows: &Store) -> Result<BTreeMap<String, String>, StateError> {
    Ok(rows.entries().await?.into_iter().map(|entry| (entry.key, entry.value)).collect())
}

async fn counted(shared: &Shared, tallies: &[Tally]) -> Result<()> {
    let added: u64 = tallies.iter().map(|tally| tally.added).sum();
    let there = shared.counters.lookup("n").await?;
    ensure!(there == Some(added.to_string()), "added {added} times, and the counter is {there:?}");
    Ok(())
}

async fn bagged(shared: &Shared, tallies: &[Tally]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for item in tallies.iter().flat_map(|tally| &tally.taken) {
        ensure!(seen.insert(*item), "{item} was taken twice");
    }
    for (key, _) in contents(&shared.bag).await? {
        ensure!(seen.insert(key.parse()?), "{key} was taken and is still there");
    }
    ensure!(seen.len() as u64 == BAG, "{} of {BAG} things are left or were taken", seen.len());
    Ok(())
}

async fn claimed(shared: &Shared, tallies: &[Tally]) -> Result<()> {
    let mut owners = BTreeMap::new();
    for (worker, tally) in tallies.iter().enumerate() {
        for key in &tally.claimed {
            let before = owners.insert(key.to_string(), worker.to_string());
            ensure!(before.is_none(), "{key} was claimed by {worker} and by {before:?}");
        }
    }
    let there = contents(&shared.claims).await?;
    ensure!(there == owners, "claimed {owners:?}, there is {there:?}");
    Ok(())
}

/// Every page and index is sound.
fn sound(directory: &Path) -> Result<()> {
    let database = rusqlite::Connection::open(directory.join(plugbay_state::DATABASE_FILE))?;
    let answer: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    ensure!(answer == "ok", "integrity_check: {answer}");
    Ok(())
}
