//! What is counted of a generation's calls, for metrics and `usage`. Costs two additions per call.

use plugbay_engine::{CallError, Usage};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters of one export of one generation.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    calls: AtomicU64,
    faults: AtomicU64,
    failed: AtomicU64,
    cut: AtomicU64,
    unserved: AtomicU64,
    cpu: AtomicU64,
    host_calls: AtomicU64,
    memory: AtomicU64,
}

/// What an export of a generation has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Calls that reached the guest.
    pub calls: u64,
    /// Those of them that ended in a fault.
    pub faults: u64,
    /// Those that the plugin answered with `Err`.
    pub failed: u64,
    /// Those that the host cut off.
    pub cut: u64,
    /// Calls that never reached the guest: busy, closed, or too late.
    pub unserved: u64,
    /// Processor time of all calls.
    pub cpu: Duration,
    /// Calls from the guest into the host.
    pub host_calls: u64,
    /// The most memory that a cell had after a call, in bytes.
    pub memory: u64,
}

impl Tally {
    /// A call has reached its end.
    pub(crate) fn ended<T>(&self, answer: &Result<T, CallError>, usage: Usage) {
        let add = |counter: &AtomicU64, n: u64| {
            counter.fetch_add(n, Ordering::Relaxed);
        };
        match answer {
            Ok(_) => {}
            Err(CallError::Unserved(_)) => return add(&self.unserved, 1),
            Err(CallError::Fault(_)) => add(&self.faults, 1),
            Err(CallError::Failed(_)) => add(&self.failed, 1),
            Err(CallError::Cut(_)) => add(&self.cut, 1),
            Err(_) => {}
        }
        add(&self.calls, 1);
        add(&self.cpu, u64::try_from(usage.cpu.as_nanos()).unwrap_or(u64::MAX));
        if usage.host_calls > 0 {
            add(&self.host_calls, usage.host_calls as u64);
        }
        if usage.memory as u64 > self.memory.load(Ordering::Relaxed) {
            self.memory.fetch_max(usage.memory as u64, Ordering::Relaxed);
        }
    }

    /// A call never reached a cell.
    pub(crate) fn unserved(&self) {
        self.unserved.fetch_add(1, Ordering::Relaxed);
    }

    /// The counters at this moment.
    pub(crate) fn counted(&self) -> Counted {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counted {
            calls: get(&self.calls),
            faults: get(&self.faults),
            failed: get(&self.failed),
            cut: get(&self.cut),
            unserved: get(&self.unserved),
            cpu: Duration::from_nanos(get(&self.cpu)),
            host_calls: get(&self.host_calls),
            memory: get(&self.memory),
        }
    }
}
