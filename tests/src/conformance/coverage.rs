//! What of the contract isn't ours and why; and what nobody has thought of.

use super::rules;
use std::collections::BTreeSet;

/// A part of the contract that this store leaves out or leaves to others.
#[derive(Debug, Clone, Copy)]
pub struct NotOurs {
    /// Where it stands.
    pub section: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Why it is no rule here.
    pub reason: &'static str,
}

const fn not_ours(section: &'static str, what: &'static str, reason: &'static str) -> NotOurs {
    NotOurs { section, what, reason }
}

const CALLBACKS: &str = "a callback can't cross the component boundary; compare-and-apply does what it did";
const NOT_RETAINED: &str = "every namespace is bounded; there are no retained ones";
const JS_ONLY: &str = "values arrive as JSON text, in which none of this can be said";

/// Everything that isn't ours.
pub const NOT_OURS: &[NotOurs] = &[
    not_ours("2.1", "retained stores and their physical prefix", NOT_RETAINED),
    not_ours("2.1", "V1, V2 and synchronous openers", "there is one interface, and it has a version of its own"),
    not_ours("2.1", "withCurrent(authority)", "who calls is decided by the cell that calls, and a call that is over can't call any more"),
    not_ours("2.2 register", "assertCurrent and signal", "cancelling is the host's: a call beyond its deadline is dropped"),
    not_ours("2.2 lookup", "must not create a missing database", "the host opens the state once, before any plugin"),
    not_ours("2.2 move-entries-from", "moving rows to a retained store", NOT_RETAINED),
    not_ours("2.2 update", "update by a function", CALLBACKS),
    not_ours("2.2 delete-if", "delete by a predicate", CALLBACKS),
    not_ours("2.3", "a ttl that is negative or a fraction", "a ttl is a u64"),
    not_ours("2.3", "internal bulk delete of 512 and doctor import of 500", "neither exists; what is deleted in bulk goes by 1,024"),
    not_ours("2.3", "undefined, class instances, accessors, sparse arrays, cycles", JS_ONLY),
    not_ours("2.4", "load-sqlite", "SQLite is linked in"),
    not_ours("2.5", "a cache of the batch counter", "there is none: whether rows have expired is asked of the index each time"),
    not_ours("2.6", "migration-only writes that keep createdAt", "there is nothing to import from"),
    not_ours("2.6", "append allocation for journals", NOT_RETAINED),
    not_ours("2.6", "plugin-wide eviction from the namespace being written", "decided otherwise: beyond the plugin's cap a row is refused"),
    not_ours("2.7", "retained stores and moves", NOT_RETAINED),
    not_ours("2.8", "the blob store", "not part of this host"),
    not_ours(
        "2.9",
        "BEGIN IMMEDIATE, WAL, the table's columns",
        "SQLite's own: the backend's tests look at them, a suite for all backends doesn't",
    ),
    not_ours("2.9", "a store that opens again by itself after close", "decided otherwise: what is closed says so"),
    not_ours("2.10", "resident memory over 30,000 operations", "measured by the benchmarks"),
    not_ours("2.10", "memoised state objects and openers", "of JavaScript; opening is one map entry here"),
    not_ours("2.10", "stores requested before the plugin exists", "the runtime's: imports are linked before any guest code runs"),
    not_ours("2.10", "a value limit of 1 MiB", "64 KiB by default, which operators may raise to 1 MiB"),
];

/// Where rules are expected: the subsections, the operations of 2.2, the rows of 21 that are about the store.
const SECTIONS: &[&str] = &[
    "2.1", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "2.9", "2.10", "21.1", "21.2", "21.3", "21.4", "21.5", "21.6", "21.7", "21.8", "21.9",
];

/// The operations of 2.2.
const OPERATIONS: &[&str] = &[
    "register",
    "register-if-absent",
    "lookup",
    "lookup-many",
    "consume",
    "delete",
    "entries",
    "range",
    "count",
    "clear",
    "observe",
    "compare-and-apply",
    "delete-if-equal",
    "move-entries-from",
    "update",
    "delete-if",
];

/// The parts of the host's own ledger.
const LEDGER: &[&str] = &["ledger documents", "ledger record", "ledger history"];

/// Sections with neither a rule nor a reason. The operations of section 2.2 count each for itself; rows of 21 need a rule.
#[must_use]
pub fn uncovered() -> Vec<String> {
    let mut covered: BTreeSet<&str> = rules().flat_map(|rule| rule.sections).copied().collect();
    // Row 9 is the part with several processes, which no single backend can be held to.
    covered.insert(super::processes::SECTION);
    covered.extend(NOT_OURS.iter().map(|part| part.section));
    let operations = OPERATIONS.iter().map(|operation| format!("2.2 {operation}"));
    let expected = SECTIONS.iter().chain(LEDGER).map(|section| (*section).to_owned()).chain(operations);
    expected.filter(|section| !covered.contains(section.as_str())).collect()
}
