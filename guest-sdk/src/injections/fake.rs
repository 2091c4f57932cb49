//! What stands in for the queue of a session's next turn in an author's own tests.
//!
//! What it is for: a test looks at what its plugin queued. What it costs: nothing. How it fails: as the host does, with the same bounds. Not here: times
//! to live, grants, `not-live`. Nothing outlives the thread, which in `cargo test` is one test's.

use super::Injection;
use super::contract::{Error, ErrorCode, Injection as Queueing, Queued};
use crate::sessions;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What waits for one session, by id.
type Waiting = Vec<(String, Queueing)>;

thread_local! {
    static WAITING: RefCell<BTreeMap<String, Waiting>> = RefCell::default();
}

/// Takes what waits for a session's next turn, in the order in which it would be shown.
pub fn take(session: &str) -> Vec<Injection> {
    let mut waiting = WAITING.with_borrow_mut(|all| all.remove(session)).unwrap_or_default();
    waiting.sort_by_key(|(_, injection)| Reverse(injection.priority)); // which keeps the order of age
    waiting.into_iter().map(|(_, injection)| Injection(injection)).collect()
}

fn check(injection: &Queueing) -> Result<(), String> {
    let key = injection.idempotency_key.as_deref().unwrap_or("key");
    match injection.text.trim().chars().count() {
        0 => Err("the text is empty".into()),
        more if more > 32_768 => Err(format!("characters of the text: {more} wanted, 32768 allowed")),
        _ if key.is_empty() || key.len() > 512 => Err(format!("idempotency-key: {} bytes wanted, 1 to 512 allowed", key.len())),
        _ if injection.ttl_ms == Some(0) => Err("`ttl-ms` is 1 at least".into()),
        _ => Ok(()),
    }
}

pub(super) fn enqueue(session: &str, injection: &Queueing) -> Result<Queued, Error> {
    let refused = |code, message| Err(Error { code, message });
    if sessions::fake::id(session).is_err() {
        return refused(ErrorCode::Gone, format!("the session {session:?} was deleted"));
    }
    if let Err(message) = check(injection) {
        return refused(ErrorCode::InvalidInput, message);
    }
    WAITING.with_borrow_mut(|all| {
        let waiting = all.entry(session.to_owned()).or_default();
        let same = |(_, other): &&(String, Queueing)| other.idempotency_key.is_some() && other.idempotency_key == injection.idempotency_key;
        if let Some((id, _)) = waiting.iter().find(same) {
            return Ok(Queued { id: id.clone(), fresh: false });
        }
        if waiting.len() >= 32 {
            return refused(ErrorCode::LimitExceeded, "waiting injections: 33 wanted, 32 allowed".into());
        }
        let id = format!("injection-{}", waiting.len() + 1);
        let text = injection.text.trim().to_owned();
        waiting.push((id.clone(), Queueing { text, ..injection.clone() }));
        Ok(Queued { id, fresh: true })
    })
}
