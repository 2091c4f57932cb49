//! What happened in this run so far: which tools have answered, and how often an answer was sent back.
//!
//! What it is for: a claim is held against what was done. A call is noted before it is made, where the turn waits, so a review never misses one; that it was
//! blocked or failed is noted when that is told, perhaps a little later. What it costs: a value of the run for each call that a rule is about. How it fails:
//! towards the agent. What can't be noted is said in the log; without a run nothing was called.

use crate::pattern::Pattern;
use plugbay_sdk::hooks::after_tool_call::End;
use plugbay_sdk::run_context::{self, RunContextError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Calls of a run that are remembered: the newest.
const CALLS: usize = 400;

/// The tools that have answered in this run.
pub(crate) struct Done(Vec<String>);

impl Done {
    /// Whether one of these has.
    pub(crate) fn any(&self, tools: &[Pattern]) -> bool {
        self.0.iter().any(|name| tools.iter().any(|pattern| pattern.matches(name)))
    }
}

/// A call: the model's name for it, and the tool.
type Noted = (Option<String>, String);

/// Notes a call that is about to be made.
pub(crate) fn note(tool: &str, id: Option<&str>) {
    let mut calls: Vec<Noted> = read("calls");
    calls.push((id.map(str::to_owned), tool.to_owned()));
    calls.drain(..calls.len().saturating_sub(CALLS));
    write("calls", &calls);
}

/// Notes how a call ended, if it came to nothing.
pub(crate) fn note_end(end: End, id: Option<&str>) {
    let (End::Blocked | End::Failed, Some(id)) = (end, id) else { return };
    let mut undone: Vec<String> = read("undone");
    undone.push(id.to_owned());
    undone.drain(..undone.len().saturating_sub(CALLS));
    write("undone", &undone);
}

/// The tools that have answered, or are about to.
pub(crate) fn done() -> Done {
    let undone: Vec<String> = read("undone");
    let is_done = |id: &Option<String>| id.as_ref().is_none_or(|id| !undone.contains(id));
    Done(read::<Vec<Noted>>("calls").into_iter().filter(|(id, _)| is_done(id)).map(|(_, tool)| tool).collect())
}

/// How often this plugin has sent the answer back in this run; outside of one, how often anybody has.
pub(crate) fn tries(revisions: u32) -> u32 {
    match run_context::get("tries") {
        Ok(tries) => tries.unwrap_or(0),
        Err(RunContextError::NoRun(_)) => revisions,
        Err(error) => {
            log_it(&error);
            revisions
        }
    }
}

/// Notes that it is sent back.
pub(crate) fn set_tries(tries: u32) {
    write("tries", &tries);
}

fn read<T: DeserializeOwned + Default>(name: &str) -> T {
    match run_context::get(name) {
        Ok(value) => value.unwrap_or_default(),
        Err(error) => {
            log_it(&error);
            T::default()
        }
    }
}

fn write(name: &str, value: &impl Serialize) {
    if let Err(error) = run_context::set(name, value) {
        log_it(&error);
    }
}

fn log_it(error: &RunContextError) {
    if !matches!(error, RunContextError::NoRun(_)) {
        plugbay_sdk::log::warn!("this run's notes: {error}");
    }
}
