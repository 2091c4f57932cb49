//! The load: for each plugin, tasks that register, fill a bag, consume from it and count up, until somebody kills the program.
//!
//! Each task waits for its answer before it asks again, so that at most one operation of each task is in flight when the program dies. All that
//! anybody needs to know to check the outcome is public here.

use super::host::{Answer, ask};
use super::said::{Said, say};
use anyhow::{Context, Result, bail, ensure};
use plugbay_runtime::Plugin;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// Tasks of a plugin that register.
pub(super) const WRITERS: u64 = 2;
/// Tasks of a plugin that consume; all of them try for each token.
pub(super) const CONSUMERS: u64 = 2;
/// Tasks of a plugin that count up; all of them count each counter.
pub(super) const COUNTERS: u64 = 2;
/// Keys that a writer writes in turn.
const SLOTS: u64 = 16;
/// Counters of a plugin.
const COUNTED: u64 = 2;
/// Tokens that wait in the bag at most, those of earlier rounds apart.
const FULL_BAG: u64 = 40;
/// Tokens of the round before that consumers try again, though most are gone.
const TRIED_AGAIN: u64 = 30;

/// Namespaces.
pub(super) const SLOTS_IN: &str = "slots";
/// Where the tokens are.
pub const BAG: &str = "bag";
/// Where the counters are.
pub(super) const COUNTERS_IN: &str = "counters";

/// The key of a writer's n-th value.
#[must_use]
pub fn slot(task: u64, n: u64) -> String {
    format!("w{task}-{}", n % SLOTS)
}

/// A writer's n-th value of a round: no two are alike, and their lengths differ.
#[must_use]
pub fn value(round: u64, task: u64, n: u64) -> String {
    let length = (round * 31 + task * 17 + n * 131) % 2_500;
    let pad: String = (0..length).map(|i| char::from(b'a' + ((i + n) % 26) as u8)).collect();
    format!("{round}.{task}.{n}.{pad}")
}

/// The n-th token of a round.
#[must_use]
pub(super) fn token(round: u64, n: u64) -> String {
    format!("t{round}-{n}")
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    /// Which round it is, from 0.
    pub round: u64,
    /// Operations of each task at most.
    pub operations: u64,
}

/// A plugin under load.
struct Loaded {
    plugin: Arc<Plugin>,
    amount: Amount,
    /// Tokens of this round that are in the bag, or were.
    filled: AtomicU64,
    /// Tokens that each consumer has tried.
    tried: [AtomicU64; CONSUMERS as usize],
    leftover: Vec<String>,
}

/// Loads all of these plugins, each with the tokens that are left in its bag, until all operations are done.
///
/// # Errors
/// If an answer isn't what it has to be, whatever was killed when.
pub async fn load(plugins: Vec<(Arc<Plugin>, Vec<String>)>, amount: Amount) -> Result<()> {
    let mut tasks = JoinSet::new();
    for (plugin, leftover) in plugins {
        let loaded = Arc::new(Loaded { plugin, amount, filled: AtomicU64::new(0), tried: Default::default(), leftover });
        (0..WRITERS).for_each(|task| drop(tasks.spawn(write(loaded.clone(), task))));
        (0..COUNTERS).for_each(|_| drop(tasks.spawn(count(loaded.clone()))));
        (0..CONSUMERS).for_each(|task| drop(tasks.spawn(consume(loaded.clone(), task))));
        tasks.spawn(fill(loaded));
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

impl Loaded {
    /// Asks the guest; says so if the answer is an error that nobody expects here.
    async fn ask(&self, operation: &str, namespace: &str, key: &str, value: &str) -> Result<Answer> {
        let answer = ask(&self.plugin, operation, namespace, key, value).await;
        let (code, operation, message) = match &answer {
            Ok(Answer::Ok(_)) => return answer,
            Ok(Answer::Refused { code, .. }) if code == "too-contended" => return answer,
            Ok(Answer::Refused { code, operation, message }) => (code.clone(), operation.clone(), message.clone()),
            Err(error) => (String::new(), operation.to_owned(), format!("{error:#}")),
        };
        say(&Said::Refused { plugin: self.id(), code, operation, message })?;
        bail!("an answer was an error")
    }

    fn id(&self) -> String {
        self.plugin.id().to_string()
    }
}

async fn write(at: Arc<Loaded>, task: u64) -> Result<()> {
    for n in 0..at.amount.operations {
        at.ask("register", SLOTS_IN, &slot(task, n), &value(at.amount.round, task, n)).await?.ok()?;
        say(&Said::Registered { plugin: at.id(), task, n })?;
    }
    Ok(())
}

async fn count(at: Arc<Loaded>) -> Result<()> {
    for n in 0..at.amount.operations {
        let counter = format!("c{}", n % COUNTED);
        // A refusal here is `too-contended`, and then nothing was counted.
        if let Answer::Ok(done) = at.ask("update-counter", COUNTERS_IN, &counter, "").await? {
            let to = done.get("sum").and_then(Value::as_u64).context("the counter has no sum")?;
            say(&Said::Counted { plugin: at.id(), counter, to })?;
        }
    }
    Ok(())
}

async fn fill(at: Arc<Loaded>) -> Result<()> {
    for n in 0..at.amount.operations {
        while at.tried.iter().any(|tried| tried.load(Ordering::Acquire) + FULL_BAG < n) {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        let token = token(at.amount.round, n);
        at.ask("register", BAG, &token, &token).await?.ok()?;
        say(&Said::Filled { plugin: at.id(), token })?;
        at.filled.store(n + 1, Ordering::Release);
    }
    Ok(())
}

async fn consume(at: Arc<Loaded>, task: u64) -> Result<()> {
    let round = at.amount.round;
    let before = round.checked_sub(1).into_iter().flat_map(|last| (0..TRIED_AGAIN).map(move |n| token(last, n)));
    for token in at.leftover.iter().cloned().chain(before) {
        take(&at, token).await?;
    }
    for n in 0..at.amount.operations {
        while at.filled.load(Ordering::Acquire) <= n {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        take(&at, token(round, n)).await?;
        if let Some(tried) = at.tried.get(task as usize) {
            tried.store(n + 1, Ordering::Release);
        }
    }
    Ok(())
}

async fn take(at: &Loaded, token: String) -> Result<()> {
    let taken = at.ask("consume", BAG, &token, "").await?.ok()?;
    if taken.is_null() {
        return Ok(());
    }
    ensure!(taken.as_str() == Some(&token), "{token} came out as {taken}");
    say(&Said::Consumed { plugin: at.id(), token })
}
