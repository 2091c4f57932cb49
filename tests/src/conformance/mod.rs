//! What a keyed store and the host's ledger must do, as a list of rules that any backend can be held to.
//!
//! A [`Rule`] stands for a sentence of the contract and names its sections. A [`Backend`] is one place where state is kept; each rule gets a new one, so
//! that rules know nothing of each other. [`run`] holds a backend to all of them and reports every failure by name. What of the contract isn't ours
//! stands in [`NOT_OURS`], with the reason; [`uncovered`] says what is in neither list. [`processes`] is the part with several processes on one file.
//!
//! Costs about ten seconds per backend in a debug build. A rule fails with a sentence; one that panics or takes over a minute fails as well.

mod backend;
mod closing;
mod compare;
mod compare_many;
mod coverage;
mod durable;
mod errors;
mod eviction;
mod history;
mod ledger;
mod limits;
mod opening;
mod operations;
mod plugin_cap;
pub mod processes;
mod results;
mod stage;
mod ttl;

pub use backend::{Backend, Durable, InMemory, Make, OnDisk};
pub use coverage::{NOT_OURS, NotOurs, uncovered};
pub use stage::Stage;

use anyhow::{Result, anyhow};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// How long a rule may take, on a slow machine too.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a rule answers: nothing, or what is wrong.
pub type Verdict<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// One sentence of the contract, and how to check it.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Where it stands: `2.6`, `2.2 consume`, `21.3`; or the part of the host's ledger, which the contract doesn't know.
    pub sections: &'static [&'static str],
    /// What must hold.
    pub name: &'static str,
    /// It needs a backend whose rows outlive it.
    pub durable: bool,
    /// Checks it.
    pub run: fn(&Stage) -> Verdict<'_>,
}

impl Rule {
    const fn new(sections: &'static [&'static str], name: &'static str, run: fn(&Stage) -> Verdict<'_>) -> Self {
        Self { sections, name, durable: false, run }
    }

    const fn of_files(sections: &'static [&'static str], name: &'static str, run: fn(&Stage) -> Verdict<'_>) -> Self {
        Self { sections, name, durable: true, run }
    }
}

/// All rules, by subject.
pub const RULES: &[&[Rule]] = &[
    opening::RULES,
    operations::RULES,
    limits::RULES,
    results::RULES,
    errors::RULES,
    ttl::RULES,
    eviction::RULES,
    plugin_cap::RULES,
    compare::RULES,
    compare_many::RULES,
    closing::RULES,
    ledger::RULES,
    history::RULES,
    durable::RULES,
];

/// All rules.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().copied().flatten()
}

/// What became of the rules on one backend.
#[derive(Debug, Default)]
pub struct Report {
    /// Those that hold.
    pub held: Vec<&'static Rule>,
    /// Those that don't, and why.
    pub broken: Vec<(&'static Rule, anyhow::Error)>,
    /// Those that need rows that outlive the backend, where they don't.
    pub skipped: Vec<&'static Rule>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { held, broken, skipped } = self;
        writeln!(f, "{} rules hold, {} are broken, {} need files", held.len(), broken.len(), skipped.len())?;
        for (rule, why) in broken {
            writeln!(f, "  [{}] {}: {why:#}", rule.sections.join(", "), rule.name)?;
        }
        Ok(())
    }
}

/// Holds a backend to every rule, each in a place of its own.
///
/// # Errors
/// If a place can't be made.
pub async fn run(make: Make) -> Result<Report> {
    let mut report = Report::default();
    for rule in rules() {
        let stage = Stage::new(make)?;
        if rule.durable && stage.durable().is_err() {
            report.skipped.push(rule);
            continue;
        }
        match judged(rule, stage).await {
            Ok(()) => report.held.push(rule),
            Err(why) => report.broken.push((rule, why)),
        }
    }
    Ok(report)
}

/// On a task of its own, so that a rule that panics is one more failure.
async fn judged(rule: &'static Rule, stage: Stage) -> Result<()> {
    let task = tokio::spawn(async move { (rule.run)(&stage).await });
    match tokio::time::timeout(PATIENCE, task).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(panicked)) => Err(anyhow!("the check ended early: {panicked}")),
        Err(_) => Err(anyhow!("the check took longer than {PATIENCE:?}")),
    }
}
