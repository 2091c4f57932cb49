//! What people see of a session's requests: where sessions are listed, and in answer to `/deploys`.
//!
//! What it is for: session state is made of the rows, never the other way round, so that nobody decides anything by changing it. What it costs: a list of the rows and one write whenever a request of the
//! session changes. How it fails: what can't be shown is a warning in the log; the requests are what they are.

use crate::request::Request;
use crate::settings::Settings;
use crate::shelf::Shelf;
use plugbay_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// The namespace of session state.
pub(crate) const NAMESPACE: &str = "deploys";
/// Decisions that are shown.
const DECIDED: usize = 5;
/// Requests that one list has.
const LISTED: usize = 50;
/// Characters of a reason in a list.
const REASON: usize = 200;

/// What is kept as the session's state.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct View {
    /// What waits, oldest first.
    pub(crate) waiting: Vec<Shown>,
    /// What was decided on, newest first.
    pub(crate) decided: Vec<Shown>,
}

/// A request in it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) request: String,
    pub(crate) line: String,
}

impl View {
    fn of(life: &str, all: &[Request]) -> Self {
        let shown = |request: &Request| Shown { request: request.id.clone(), line: request.line() };
        let here = || all.iter().filter(|request| request.life == life);
        let mut decided: Vec<&Request> = here().filter(|request| request.decision.is_some()).collect();
        decided.sort_by_key(|request| std::cmp::Reverse(request.decided()));
        Self {
            waiting: here().filter(|request| request.decision.is_none()).map(shown).collect(),
            decided: decided.into_iter().take(DECIDED).map(shown).collect(),
        }
    }

    /// In words; none, if nothing waits.
    pub(crate) fn words(&self) -> Option<String> {
        let lines: Vec<&str> = self.waiting.iter().map(|shown| shown.line.as_str()).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// Shows how a session's requests stand now.
pub(crate) fn show(shelf: &Shelf, session: &Session) {
    let shown = || -> Result<()> {
        let view = View::of(&session.id()?, &shelf.all()?);
        Ok(session_state::patch(session, NAMESPACE, &view)?)
    };
    if let Err(error) = shown() {
        log::warn!("what waits can't be shown: {error}");
    }
}

/// What `/deploys` answers: what waits in this life of a session, or in all sessions, and the newest decisions.
pub(crate) fn listed(settings: &Settings, shelf: &Shelf, life: Option<&str>) -> Result<String> {
    let all: Vec<Request> = shelf.all()?.into_iter().filter(|request| life.is_none_or(|life| request.life == life)).collect();
    let (waiting, mut decided): (Vec<_>, Vec<_>) = all.iter().partition(|request| request.decision.is_none());
    decided.sort_by_key(|request| std::cmp::Reverse(request.decided()));
    let mut lines: Vec<String> = waiting.iter().take(LISTED).map(|request| entry(settings, request, life.is_none())).collect();
    match waiting.len() {
        0 => lines.push("No deploy waits for an answer.".into()),
        n if n > LISTED => lines.push(format!("… and {} more", n - LISTED)),
        _ => {}
    }
    if !waiting.is_empty() {
        lines.push("Answer with `/deploys approve ID [note]` or `/deploys reject ID reason`.".into());
    }
    if !decided.is_empty() {
        lines.push("Decided:".into());
        lines.extend(decided.iter().take(DECIDED).map(|request| short(&request.line(), 2 * REASON)));
    }
    Ok(lines.join("\n"))
}

fn entry(settings: &Settings, request: &Request, with_session: bool) -> String {
    let needs = if settings.is_production(&request.environment) { " (needs operator.admin)" } else { "" };
    let place = if with_session { format!(", in session {}", short(&request.session, 80)) } else { String::new() };
    format!("{}{place}{needs}\n    {}", request.line(), short(&request.reason, REASON))
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most).chain(['…']).collect() }
}
