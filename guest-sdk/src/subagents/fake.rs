//! What stands in for agents that work for the plugin in an author's own tests.
//!
//! What it is for: a test says what becomes of each run, and `run_context::fake` whether a turn is under way. What it costs: nothing; nobody waits. How it fails: as the host does,
//! with the same bounds. Not here: grants, `not-live`, limits, other than by [`refuse`]. The plugin's id in a session's key is `plugin`. Nothing outlives the thread, which in `cargo test` is
//! one test's.

use super::contract::{Error, Request};
use super::{Started, State, Status};
use crate::{Entry, Payload, Role, Value, run_context, sessions};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

/// The kinds of failures, for [`refuse`].
pub use super::contract::ErrorCode;

/// What becomes of the next run of a subagent.
type Script = VecDeque<Result<Status, Error>>;

/// All that there is.
#[derive(Default)]
struct House {
    /// By name: what becomes of the runs that are still to come.
    scripts: BTreeMap<String, Script>,
    /// By name: what was said.
    agents: BTreeMap<String, Vec<Entry>>,
    /// By run: whose it is, and what has become of it.
    runs: BTreeMap<String, (String, Status)>,
    /// How many runs there were.
    started: u64,
}

thread_local! {
    static HOUSE: RefCell<House> = RefCell::default();
}

fn script(name: &str, next: Result<Status, Error>) {
    HOUSE.with_borrow_mut(|house| house.scripts.entry(name.to_owned()).or_default().push_back(next));
}

/// The next run of this subagent will be done, with this answer. A run of which nothing is said stays pending.
pub fn answer(name: &str, text: impl Into<String>) {
    script(name, Ok(Status { state: State::Done, text: Some(text.into()), error: None }));
}

/// The next run of this subagent will end without an answer.
pub fn end_as(name: &str, state: State, error: impl Into<String>) {
    script(name, Ok(Status { state, text: None, error: Some(error.into()) }));
}

/// The next run of this subagent won't be started.
pub fn refuse(name: &str, code: ErrorCode, message: impl Into<String>) {
    script(name, Err(Error { code, message: message.into() }));
}

fn refused<T>(code: ErrorCode, message: impl Into<String>) -> Result<T, Error> {
    Err(Error { code, message: message.into() })
}

fn unknown<T>(what: &str) -> Result<T, Error> {
    refused(ErrorCode::Unknown, format!("the plugin has no {what}"))
}

fn with<T>(work: impl FnOnce(&mut House) -> Result<T, Error>) -> Result<T, Error> {
    if !run_context::fake::is_open() {
        return refused(ErrorCode::NoLiveRequest, "no turn is under way behind this call");
    }
    HOUSE.with_borrow_mut(work)
}

fn check(request: &Request) -> Result<(), Error> {
    let Request { name, message, .. } = request;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !(name.starts_with(|first: char| first.is_ascii_lowercase()) && name.len() <= 64 && name.bytes().all(plain)) {
        return refused(ErrorCode::InvalidInput, format!("{name:?} is no subagent's name"));
    }
    match message.len() {
        _ if message.trim().is_empty() => refused(ErrorCode::InvalidInput, "the message is empty"),
        more if more > 256 << 10 => refused(ErrorCode::InvalidInput, format!("bytes of the message: {more} wanted, {} allowed", 256 << 10)),
        _ => Ok(()),
    }
}

/// Adds what somebody said.
fn say(entries: &mut Vec<Entry>, role: Role, text: &str) {
    let id = entries.last().map_or(1, |last| last.id + 1);
    let content = Payload::Json(Value::String(text.to_owned()).to_string());
    entries.push(Entry { id, role, at: 0, content, tool_call_id: None });
}

pub(super) fn run(request: &Request) -> Result<Started, Error> {
    with(|house| {
        check(request)?;
        let next = house.scripts.get_mut(&request.name).and_then(VecDeque::pop_front);
        let status = next.unwrap_or(Ok(Status { state: State::Pending, text: None, error: None }))?;
        let entries = house.agents.entry(request.name.clone()).or_default();
        say(entries, Role::User, &request.message);
        if let Some(text) = &status.text {
            say(entries, Role::Assistant, text);
        }
        house.started += 1;
        let run = format!("run-{}", house.started);
        house.runs.insert(run.clone(), (request.name.clone(), status));
        Ok(Started { session: sessions::fake::session(&key(&request.name)), run })
    })
}

pub(super) fn wait(run: &str, _: u32) -> Result<Status, Error> {
    with(|house| match house.runs.get(run) {
        Some((_, status)) => Ok(status.clone()),
        None => unknown(&format!("run {run:?} of a subagent")),
    })
}

pub(super) fn messages(name: &str, limit: u32) -> Result<Vec<Entry>, Error> {
    with(|house| match house.agents.get(name) {
        Some(entries) => Ok(entries.iter().skip(entries.len().saturating_sub(limit.min(1_000) as usize)).cloned().collect()),
        None => unknown(&format!("subagent {name:?}")),
    })
}

pub(super) fn delete(name: &str) -> Result<bool, Error> {
    with(|house| {
        let there = house.agents.remove(name).is_some();
        house.runs.retain(|_, (whose, _)| whose != name);
        if there {
            sessions::fake::delete(&key(name));
        }
        Ok(there)
    })
}

fn key(name: &str) -> String {
    format!("plugin/{name}")
}
