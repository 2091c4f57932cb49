//! The receipts of the newest runs, in memory.
//!
//! What it is for: looking at what plugins did in a turn. What it costs: bounded three times over: runs, receipts of one run, bytes in all. How it fails: what
//! is beyond a run's bound is counted, and runs that are beyond one are forgotten, the oldest first.

use super::ReceiptsSettings;
use super::receipt::Receipt;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The receipts of the newest runs.
pub(super) struct Kept {
    settings: ReceiptsSettings,
    runs: Mutex<Runs>,
}

#[derive(Default)]
struct Runs {
    by_run: HashMap<Arc<str>, OfRun>,
    /// The oldest first.
    order: VecDeque<Arc<str>>,
    bytes: usize,
}

#[derive(Default)]
struct OfRun {
    receipts: Vec<Entry>,
    bytes: usize,
    beyond: u64,
}

/// A receipt that is finished, or one that observers are still at.
pub(super) enum Entry {
    Finished(Arc<Receipt>),
    Open(Arc<Mutex<Receipt>>),
}

impl Kept {
    pub(super) fn new(settings: ReceiptsSettings) -> Self {
        Self { settings, runs: Mutex::default() }
    }

    pub(super) fn keep(&self, run: &Arc<str>, entry: Entry) {
        let bytes = match &entry {
            Entry::Finished(receipt) => receipt.bytes(),
            Entry::Open(receipt) => lock(receipt).bytes(),
        };
        let mut runs = lock(&self.runs);
        let Runs { by_run, order, bytes: all } = &mut *runs;
        let of_run = by_run.entry(run.clone()).or_insert_with(|| {
            order.push_back(run.clone());
            OfRun::default()
        });
        if of_run.receipts.len() >= self.settings.each_run {
            of_run.beyond += 1;
            return;
        }
        of_run.receipts.push(entry);
        of_run.bytes += bytes;
        *all += bytes;
        runs.forget_beyond(&self.settings);
    }

    /// A run's receipts, in order, and how many more there were.
    pub(super) fn of(&self, run: &str) -> (Vec<Receipt>, u64) {
        let runs = lock(&self.runs);
        let Some(of_run) = runs.by_run.get(run) else { return (Vec::new(), 0) };
        let copy = |entry: &Entry| match entry {
            Entry::Finished(receipt) => Receipt::clone(receipt),
            Entry::Open(receipt) => lock(receipt).clone(),
        };
        (of_run.receipts.iter().map(copy).collect(), of_run.beyond)
    }
}

impl Runs {
    /// Forgets the oldest runs, but never the only one.
    fn forget_beyond(&mut self, settings: &ReceiptsSettings) {
        while self.order.len() > 1 && (self.order.len() > settings.runs || self.bytes > settings.bytes) {
            let oldest = self.order.pop_front().and_then(|run| self.by_run.remove(&run));
            self.bytes -= oldest.map_or(0, |of_run| of_run.bytes);
        }
    }
}

/// A lock whose poison doesn't matter: every critical section here leaves whole values.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
