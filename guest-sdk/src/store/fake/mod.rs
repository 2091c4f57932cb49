//! What stands in for the host in an author's own tests: rows in memory.
//!
//! What it is for: `cargo test` of a plugin that uses a store, without a host. It keeps the rules of single rows as a host does with its default
//! limits: keys and namespaces, values up to 64 KiB, times to live, both overflows, 1,000 rows, options that stay, comparisons and conditions.
//! What it costs: each operation looks at all rows.
//!
//! How it fails: as the host does for what it knows. Not here: the nesting of values, bytes of all values and of an answer, the number of
//! namespaces; denied grants and `not-live`; other threads. Nothing outlives the thread, which in `cargo test` is one test's, unless it runs with
//! `--test-threads=1`; then [`reset`] is for you.

mod handle;
mod shelf;

pub(super) use handle::Handle;
use shelf::Shelf;
use std::cell::RefCell;
use std::time::Duration;

thread_local! {
    static SHELF: RefCell<Shelf> = RefCell::default();
}

/// Forgets all rows and options of this thread, and sets its clock right.
pub fn reset() {
    SHELF.with_borrow_mut(|shelf| *shelf = Shelf::default());
}

/// Puts this thread's clock forward, so that rows end without waiting for it.
pub fn advance(by: Duration) {
    SHELF.with_borrow_mut(|shelf| shelf.advance(super::milliseconds(by)));
}
