//! What is welcome in a conversation: the bounds, and the checks that hold what comes in to them.
//!
//! Everything is checked before a transaction begins; JSON costs one pass over it, a name nothing to speak of. What is too large is `limit-exceeded`, what makes
//! no sense `invalid-input`; either names what it was, and its bound.

use super::{Cursor, EngineSpot, NewCompaction, NewEntry, NewInjection, NewRun, NewSubagent, Question, StateSpot};
use crate::check;
use crate::clock::MAX_TIME;
use crate::error::Problem;

/// Bounds of conversations. Fixed: no setting changes them.
#[derive(Debug, Clone, Copy)]
pub struct SessionBounds;

impl SessionBounds {
    /// Bytes of a session's key, an id, a plugin's id, a namespace, an idempotency key, a subagent's name.
    pub const NAME: usize = 512;
    /// Bytes of an entry's content.
    pub const CONTENT: usize = 4 << 20;
    /// Bytes of an entry's `meta`, of a run's `facts`, of a question's body.
    pub const META: usize = 1 << 20;
    /// Levels of arrays and objects in JSON.
    pub const DEPTH: usize = 64;
    /// Characters of an injection.
    pub const INJECTION: usize = 32_768;
    /// Injections of one plugin that wait for one session.
    pub const INJECTIONS: u64 = 32;
    /// Bytes of a plugin's state of a session, in one namespace; of what is shown of it; of an injection's metadata.
    pub const STATE: usize = 256 << 10;
    /// Bytes of a compaction's summary.
    pub const SUMMARY: usize = 256 << 10;
    /// Bytes of a subagent's ticket.
    pub const TICKET: usize = 4 << 10;
    /// Entries, sessions, runs, compactions, subagents of one answer, and entries that are written at once.
    pub const ANSWER: usize = 1_000;
    /// Runs that are kept of one session, the newest; older ones go when another begins, unless they are running.
    pub const RUNS: u64 = 1_000;
}

/// What an entry's role may be.
const ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];

/// A key, an id, a namespace: not empty, without control characters and without space around it.
pub(crate) fn name(what: &str, text: &str) -> Result<(), Problem> {
    check::bounded(what, text.len(), "bytes", SessionBounds::NAME)?;
    if text.is_empty() {
        return Err(Problem::Invalid(format!("{what} is empty")));
    }
    if text.trim().len() != text.len() || text.contains(char::is_control) {
        let shown: String = text.chars().take(80).collect();
        return Err(Problem::Invalid(format!(
            "{what} is {shown:?}: expected a text without control characters, and without space around it"
        )));
    }
    Ok(())
}

pub(crate) fn name_if_any(what: &str, text: Option<&str>) -> Result<(), Problem> {
    text.map_or(Ok(()), |text| name(what, text))
}

fn json(what: &str, text: Option<&str>, most: usize) -> Result<(), Problem> {
    text.map_or(Ok(()), |text| check::bounded_json(what, text, most, SessionBounds::DEPTH))
}

pub(crate) fn moment(what: &str, ms: u64) -> Result<(), Problem> {
    if ms <= MAX_TIME { Ok(()) } else { Err(Problem::Invalid(format!("{what} is {ms}: expected {MAX_TIME} milliseconds at most"))) }
}

/// A session's key.
pub(crate) fn session(key: &str) -> Result<(), Problem> {
    name("the session's key", key)
}

/// A session's key and one of its lives.
pub(crate) fn life(key: &str, life: &str) -> Result<(), Problem> {
    session(key)?;
    name("the life's id", life)
}

pub(super) fn run(run: &str) -> Result<(), Problem> {
    name("the run's id", run)
}

pub(crate) fn plugin(plugin: &str) -> Result<(), Problem> {
    name("the plugin's id", plugin)
}

/// How much is asked for, or written at once.
pub(crate) fn amount(what: &str, wanted: usize, unit: &str) -> Result<(), Problem> {
    check::bounded(what, wanted, unit, SessionBounds::ANSWER)
}

pub(super) fn entries(entries: &[NewEntry]) -> Result<(), Problem> {
    amount("what is written at once", entries.len(), "entries")?;
    entries.iter().try_for_each(entry)
}

fn entry(entry: &NewEntry) -> Result<(), Problem> {
    if !ROLES.contains(&entry.role.as_str()) {
        let shown: String = entry.role.chars().take(80).collect();
        return Err(Problem::Invalid(format!("the entry's role is {shown:?}: expected one of {}", ROLES.join(", "))));
    }
    json("the entry's content", Some(&entry.content), SessionBounds::CONTENT)?;
    json("the entry's `meta`", entry.meta.as_deref(), SessionBounds::META)?;
    name_if_any("the entry's tool call", entry.tool_call_id.as_deref())?;
    name_if_any("the entry's run", entry.run.as_deref())
}

pub(super) fn new_run(new: &NewRun) -> Result<(), Problem> {
    run(&new.run)?;
    life(&new.session, &new.life)?;
    name("the run's trigger", &new.trigger)?;
    json("the run's `facts`", Some(&new.facts), SessionBounds::META)
}

/// Why a run ended; any text.
pub(super) fn run_error(error: Option<&str>) -> Result<(), Problem> {
    error.map_or(Ok(()), |error| check::bounded("the run's error", error.len(), "bytes", SessionBounds::META))
}

pub(super) fn injection(new: &NewInjection) -> Result<(), Problem> {
    name("the injection's id", &new.id)?;
    session(&new.session)?;
    plugin(&new.plugin)?;
    name_if_any("the injection's key", new.key.as_deref())?;
    json("the injection's metadata", new.metadata.as_deref(), SessionBounds::STATE)?;
    moment("the injection's ttl", new.ttl_ms.unwrap_or(0))?;
    let text = new.text.trim();
    if text.is_empty() {
        return Err(Problem::Invalid("the injection's text is empty".into()));
    }
    check::bounded("the injection's text", text.chars().count(), "characters", SessionBounds::INJECTION)
}

pub(super) fn spot(at: &StateSpot<'_>) -> Result<(), Problem> {
    life(at.session, at.life)?;
    plugin(at.plugin)?;
    name("the namespace", at.namespace)
}

/// A plugin's state, and what is shown of it.
pub(super) fn state(value: Option<&str>, shown: Option<&str>) -> Result<(), Problem> {
    if value.is_none() && shown.is_some() {
        return Err(Problem::Invalid("something is to be shown of a state that is taken away".into()));
    }
    json("the session state", value, SessionBounds::STATE)?;
    json("what is shown of the session state", shown, SessionBounds::STATE)
}

pub(super) fn question(question: &Question) -> Result<(), Problem> {
    name("the question's id", &question.id)?;
    plugin(&question.plugin)?;
    name_if_any("the question's session", question.session.as_deref())?;
    name_if_any("the question's run", question.run.as_deref())?;
    moment("the question's moment", question.asked_at)?;
    json("the question's body", Some(&question.body), SessionBounds::META)
}

pub(super) fn engine_spot(at: &EngineSpot<'_>) -> Result<(), Problem> {
    life(at.session, at.life)?;
    engine(at.engine)
}

pub(super) fn engine(engine: &str) -> Result<(), Problem> {
    name("the engine's id", engine)
}

pub(super) fn cursor(cursor: &Cursor) -> Result<(), Problem> {
    name_if_any("the untold turn's key", cursor.untold.as_deref())
}

pub(super) fn compaction(new: &NewCompaction) -> Result<(), Problem> {
    for (what, tokens) in [("before", new.tokens_before), ("after", new.tokens_after)] {
        if i64::try_from(tokens).is_err() {
            return Err(Problem::Invalid(format!("the compaction's tokens {what} it are {tokens}: expected {} at most", i64::MAX)));
        }
    }
    if new.summary.trim().is_empty() {
        return Err(Problem::Invalid("the compaction's summary is empty".into()));
    }
    check::bounded("the compaction's summary", new.summary.len(), "bytes", SessionBounds::SUMMARY)
}

/// A subagent's plugin, and what the plugin calls it.
pub(super) fn subagent(owner: &str, called: &str) -> Result<(), Problem> {
    plugin(owner)?;
    name("the subagent's name", called)
}

pub(super) fn new_subagent(new: &NewSubagent) -> Result<(), Problem> {
    subagent(&new.plugin, &new.name)?;
    session(&new.session)?;
    name("the parent session's key", &new.parent)?;
    ticket(new.engine.as_deref(), new.ticket.as_deref())
}

/// An engine, and what it wants to see again.
pub(super) fn ticket(of: Option<&str>, ticket: Option<&str>) -> Result<(), Problem> {
    if of.is_none() && ticket.is_some() {
        return Err(Problem::Invalid("a ticket is to be kept of no engine: expected the engine that gave it".into()));
    }
    of.map_or(Ok(()), engine)?;
    ticket.map_or(Ok(()), |ticket| check::bounded("the subagent's ticket", ticket.len(), "bytes", SessionBounds::TICKET))
}
