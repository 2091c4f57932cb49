//! What is counted: a row for each life of a session, and one for each day.
//!
//! What it is for: the arithmetic of both, apart from how they are kept. What it costs: a row of a session has at most 20 numbers twice, eight calls that may
//! still be given back and ten raises: 6 KiB or so. How it fails: it doesn't; numbers stop at the largest.

use crate::budget::Budget;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Calls that may still be given back: those of a turn come one after another, so a few are enough.
const OPEN: usize = 8;
/// Raises of a session that are remembered.
const RAISES: usize = 10;

/// Calls by the names of the budgets that count them.
type Calls = BTreeMap<String, u64>;

/// What one life of a session has used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Session {
    pub(crate) calls: Calls,
    pub(crate) tokens: u64,
    pub(crate) turn: Turn,
    /// How much each budget was raised by.
    pub(crate) raised: BTreeMap<String, u64>,
    /// Budgets that nobody is asked about any more.
    pub(crate) quiet: BTreeSet<String>,
    /// Who raised what, oldest first.
    pub(crate) raises: Vec<Raise>,
    open: Vec<Open>,
}

/// What the newest turn has used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Turn {
    run: String,
    calls: Calls,
}

/// What a day has used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Day {
    pub(crate) calls: Calls,
    pub(crate) tokens: u64,
}

/// That a budget was raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Raise {
    pub(crate) budget: String,
    pub(crate) by: u64,
    pub(crate) reason: String,
    pub(crate) who: String,
}

/// A call that was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open {
    id: String,
    run: String,
    budgets: Vec<String>,
    /// The day that it was counted in, too.
    pub(crate) day: Option<String>,
}

impl Session {
    /// Calls of a budget in a turn.
    pub(crate) fn in_turn(&self, run: &str, budget: &str) -> u64 {
        if self.turn.run == run { number(&self.turn.calls, budget) } else { 0 }
    }

    /// What a session may use of a budget, with what it was raised by.
    pub(crate) fn allowed(&self, budget: &str, at_first: u64) -> u64 {
        at_first.saturating_add(number(&self.raised, budget))
    }

    /// Counts one call.
    pub(crate) fn count(&mut self, budgets: &[&Budget], run: Option<&str>, open: Option<Open>) {
        let run = run.unwrap_or_default();
        if self.turn.run != run {
            self.turn = Turn { run: run.to_owned(), calls: Calls::new() };
        }
        add(&mut self.turn.calls, budgets);
        add(&mut self.calls, budgets);
        self.open.extend(open);
        keep_newest(&mut self.open, OPEN);
    }

    /// Gives back a call that was counted, once. What it was counted as. A model may use an id again in a turn: it is the newest call of that id.
    pub(crate) fn give_back(&mut self, run: &str, id: &str) -> Option<Open> {
        let open = self.open.iter().rfind(|open| open.is(run, id)).cloned()?;
        self.close(run, id);
        self.take(run, &open.budgets);
        Some(open)
    }

    /// No call of this id is given back any more. Whether one might have been.
    pub(crate) fn close(&mut self, run: &str, id: &str) -> bool {
        let before = self.open.len();
        self.open.retain(|open| !open.is(run, id));
        self.open.len() < before
    }

    /// Takes one call off these budgets.
    pub(crate) fn take(&mut self, run: &str, names: &[String]) {
        take(&mut self.calls, names);
        if self.turn.run == run {
            take(&mut self.turn.calls, names);
        }
    }

    /// Raises a budget.
    pub(crate) fn raise(&mut self, raise: Raise) {
        let raised = self.raised.entry(raise.budget.clone()).or_default();
        *raised = raised.saturating_add(raise.by);
        self.raises.push(raise);
        keep_newest(&mut self.raises, RAISES);
    }

    /// Forgets numbers of budgets that aren't any more, so that a row doesn't grow with each change of the settings.
    pub(crate) fn prune(&mut self, is_one: impl Fn(&str) -> bool) {
        self.calls.retain(|name, _| is_one(name));
        self.raised.retain(|name, _| is_one(name));
        self.quiet.retain(|name| is_one(name));
    }
}

impl Day {
    /// Counts one call.
    pub(crate) fn count(&mut self, budgets: &[&Budget]) {
        add(&mut self.calls, budgets);
    }

    /// Gives back a call.
    pub(crate) fn give_back(&mut self, open: &Open) {
        take(&mut self.calls, &open.budgets);
    }
}

impl Open {
    /// A call that may be given back later, if the model has a name for it and it belongs to a turn.
    pub(crate) fn new(id: Option<&str>, run: Option<&str>, budgets: &[&Budget], day: Option<&str>) -> Option<Self> {
        let names = budgets.iter().map(|budget| budget.name.clone()).collect();
        Some(Self { id: id?.to_owned(), run: run?.to_owned(), budgets: names, day: day.map(str::to_owned) })
    }

    fn is(&self, run: &str, id: &str) -> bool {
        self.run == run && self.id == id
    }
}

/// A number by its name.
pub(crate) fn number(numbers: &BTreeMap<String, u64>, name: &str) -> u64 {
    numbers.get(name).copied().unwrap_or_default()
}

fn add(calls: &mut Calls, budgets: &[&Budget]) {
    for budget in budgets {
        let count = calls.entry(budget.name.clone()).or_default();
        *count = count.saturating_add(1);
    }
}

fn take(calls: &mut Calls, names: &[String]) {
    for name in names {
        if let Some(count) = calls.get_mut(name) {
            *count = count.saturating_sub(1);
        }
    }
}

fn keep_newest<T>(all: &mut Vec<T>, most: usize) {
    all.drain(..all.len().saturating_sub(most));
}
