//! What people see: the session's state, its projection, and the command `/budget`.
//!
//! What it is for: nobody has to wait for a refusal to learn how much is left. The state is a picture of the counts, which stay in the store: changing it
//! changes no budget. What it costs: one write of the session's state whenever something is counted. How it fails: the picture stays as it was, the log
//! says why, and the count counts.

use crate::budget::{Budget, Budgets, TOKENS};
use crate::count::{Day, Session, number};
use crate::ledger::{Ledger, Place};
use crate::meter::{self, Meter};
use plugbay_sdk::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// The namespace of the session's state.
const NAMESPACE: &str = "budget";

/// One number, as it stands in the session's state.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    budget: String,
    span: String,
    used: u64,
    allowed: u64,
}

impl From<&Meter> for Line {
    fn from(meter: &Meter) -> Self {
        let Meter { budget, span, used, allowed } = meter.clone();
        Self { budget, span: span.word().into(), used, allowed }
    }
}

/// Puts the numbers of now into the session's state.
pub(crate) fn show(budgets: &Budgets, ledger: &Ledger, call: &Call, place: &Place) {
    let Some(session) = &call.session else { return };
    let shown = read(budgets, ledger, place).and_then(|(counts, day)| {
        let lines: Vec<Line> = meters(budgets, place, &counts, &day).iter().map(Line::from).collect();
        Ok(session_state::patch(session, NAMESPACE, &lines)?)
    });
    if let Err(error) = shown {
        log::warn!("what is shown of a session is old: {error}");
    }
}

fn read(budgets: &Budgets, ledger: &Ledger, place: &Place) -> Result<(Session, Day)> {
    let session = place.life.as_deref().map(|life| ledger.session(life)).transpose()?.unwrap_or_default();
    let of_days = budgets.tokens.per_day.is_some() || budgets.calls.iter().any(|budget| budget.per_day.is_some());
    Ok((session, if of_days { ledger.day(&place.day)? } else { Day::default() }))
}

fn meters(budgets: &Budgets, place: &Place, session: &Session, day: &Day) -> Vec<Meter> {
    let calls: Vec<&Budget> = budgets.calls.iter().collect();
    let mut meters = meter::of_session(budgets, &calls, session, place.run.as_deref());
    meters.extend(meter::of_day(budgets, &calls, day));
    meters
}

/// `{"searches, session": "81 / 100"}`
pub(crate) fn project(state: &str) -> Result<Option<Value>> {
    let lines: Vec<Line> = serde_json::from_str(state)?;
    let shown: Map<String, Value> = lines
        .into_iter()
        .map(|line| (format!("{}, {}", line.budget, line.span), json!(format!("{} / {}", line.used, line.allowed))))
        .collect();
    Ok((!shown.is_empty()).then_some(Value::Object(shown)))
}

/// What `/budget` says.
pub(crate) fn told(budgets: &Budgets, ledger: &Ledger, place: &Place) -> Result<String> {
    let (session, day) = read(budgets, ledger, place)?;
    let meters = meters(budgets, place, &session, &day);
    if meters.is_empty() {
        return Ok("There are no budgets (settings `budgets` and `tokens` of budget-guard).".into());
    }
    let mut text = String::new();
    let names = budgets.calls.iter().map(|budget| budget.name.as_str()).chain([TOKENS]);
    for name in names {
        let of_it: Vec<_> = meters.iter().filter(|meter| meter.budget == name).map(Meter::to_string).collect();
        if !of_it.is_empty() {
            let raised = number(&session.raised, name);
            let raised = if raised > 0 { format!(" (raised by {raised})") } else { String::new() };
            let quiet = if session.quiet.contains(name) { "; nobody is asked about it" } else { "" };
            let _ = writeln!(text, "{name}: {}{raised}{quiet}", of_it.join(", "));
        }
    }
    for raise in &session.raises {
        let _ = writeln!(text, "{} raised `{}` by {}: {}", raise.who, raise.budget, raise.by, raise.reason);
    }
    Ok(text + "Days are those of UTC.")
}
