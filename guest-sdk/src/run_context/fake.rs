//! What stands in for the host's run in an author's own tests: a run that goes on until [`end`].
//!
//! What it is for: `cargo test` of hooks that leave values for each other. What it costs: nothing. How it fails: as the host does, with the same
//! bounds; `not-live` doesn't occur. Nothing outlives the thread, which in `cargo test` is one test's.

use super::contract::{Error, ErrorCode};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What there is of a run.
enum Run {
    Open(BTreeMap<String, String>),
    Ended,
    None,
}

thread_local! {
    static RUN: RefCell<Run> = const { RefCell::new(Run::Open(BTreeMap::new())) };
}

/// Begins another run: there are no values, and some can be kept.
pub fn begin() {
    RUN.set(Run::Open(BTreeMap::new()));
}

/// Ends the run: its values are gone, and none can be kept.
pub fn end() {
    RUN.set(Run::Ended);
}

/// From here on calls belong to no run.
pub fn without_run() {
    RUN.set(Run::None);
}

/// Whether events can be emitted, and values kept: the run hasn't ended.
pub(crate) fn has_ended() -> bool {
    RUN.with_borrow(|run| matches!(run, Run::Ended))
}

/// Whether a run is under way.
pub(crate) fn is_open() -> bool {
    RUN.with_borrow(|run| matches!(run, Run::Open(_)))
}

fn refused<T>(code: ErrorCode, message: impl Into<String>) -> Result<T, Error> {
    Err(Error { code, message: message.into() })
}

fn with<T>(work: impl FnOnce(&mut BTreeMap<String, String>) -> Result<T, Error>) -> Result<T, Error> {
    RUN.with_borrow_mut(|run| match run {
        Run::Open(values) => work(values),
        Run::Ended => refused(ErrorCode::Closed, "the run has ended"),
        Run::None => refused(ErrorCode::NoRun, "the call belongs to no run"),
    })
}

pub(super) fn get(name: &str) -> Result<Option<String>, Error> {
    with(|values| Ok(values.get(name).cloned()))
}

pub(super) fn set(name: &str, value: &str) -> Result<(), Error> {
    if name.is_empty() || name.len() > 128 {
        return refused(ErrorCode::InvalidInput, format!("name: {} bytes wanted, 1 to 128 allowed", name.len()));
    }
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(value) {
        return refused(ErrorCode::InvalidInput, format!("the value isn't JSON: {error}"));
    }
    with(|values| {
        let others = values.iter().filter(|(known, _)| *known != name);
        let (count, bytes) = others.fold((1, value.len()), |(count, bytes), (_, other)| (count + 1, bytes + other.len()));
        if count > 64 {
            return refused(ErrorCode::LimitExceeded, format!("values of the run: {count} wanted, 64 allowed"));
        }
        if bytes > 256 << 10 {
            return refused(ErrorCode::LimitExceeded, format!("bytes of the run's values: {bytes} wanted, {} allowed", 256 << 10));
        }
        values.insert(name.to_owned(), value.to_owned());
        Ok(())
    })
}

pub(super) fn unset(name: &str) -> Result<bool, Error> {
    with(|values| Ok(values.remove(name).is_some()))
}

pub(super) fn clear() -> Result<(), Error> {
    with(|values| {
        values.clear();
        Ok(())
    })
}
