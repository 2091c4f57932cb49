//! What stands in for those who listen in an author's own tests.
//!
//! What it is for: a test looks at what its plugin emitted. What it costs: nothing. How it fails: as the host does for its own topics, a run that
//! has ended and too many events. Not here: topics of other plugins, since a test doesn't say which plugin it is; grants; `not-live`. Nothing
//! outlives the thread, which in `cargo test` is one test's.

use super::contract::{Error, ErrorCode};
use crate::run_context;
use std::cell::RefCell;

thread_local! {
    static EMITTED: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
}

/// The host's own topics.
const RESERVED: [&str; 6] = ["lifecycle", "assistant", "tool", "approval", "compaction", "error"];

/// Topics and data (as JSON text) of what was emitted since this was last asked, in order.
#[must_use]
pub fn emitted() -> Vec<(String, String)> {
    EMITTED.take()
}

pub(super) fn emit(topic: &str, data: &str) -> Result<(), Error> {
    let refused = |code, message| Err(Error { code, message });
    if RESERVED.contains(&topic.split('.').next().unwrap_or(topic)) {
        return refused(ErrorCode::ForeignTopic, format!("the topic {topic:?} is the host's"));
    }
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(data) {
        return refused(ErrorCode::InvalidInput, format!("the data isn't JSON: {error}"));
    }
    if run_context::fake::has_ended() {
        return refused(ErrorCode::Closed, "the run has ended".into());
    }
    EMITTED.with_borrow_mut(|all| {
        if all.len() >= 1_000 {
            return refused(ErrorCode::LimitExceeded, "events of the run: 1001 wanted, 1000 allowed".into());
        }
        all.push((topic.to_owned(), data.to_owned()));
        Ok(())
    })
}
