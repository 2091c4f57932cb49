//! Counts calls of tools, and gives back those that weren't made.
//!
//! What it is for: a call is counted before it is made, so that no two calls get the last one of a budget. First the session's row, then the day's; what
//! the day refuses, the session gets back. What it costs: a change of each row that a budget is about. How it fails: by an error, which denies the call;
//! it may stay counted then, never the other way round.

use crate::budget::{Budget, Budgets};
use crate::count::{Day, Open, Session};
use crate::ledger::{Ledger, Place};
use crate::meter::{self, Meter};
use plugbay_sdk::prelude::*;

/// What became of a call.
pub(crate) enum Spent {
    /// No budget counts it.
    Nothing,
    /// There is no room for it, for this reason.
    Refused(String),
    /// It is counted; perhaps a person is to be asked.
    Counted { question: Option<Question> },
}

/// What a person is asked.
pub(crate) struct Question {
    tool: String,
    /// The budgets that are nearly used up, the nearest first.
    near: Vec<Meter>,
}

impl Question {
    /// Within the bounds of what a person is shown.
    pub(crate) fn decision(&self) -> PolicyDecision {
        let first = self.near.first().map(|meter| format!("Go on? `{}` has used {meter}", meter.budget)).unwrap_or_default();
        let all: Vec<_> = self.near.iter().map(|meter| format!("- `{}`: {meter}", meter.budget)).collect();
        let told = format!("The agent wants to call `{}`. With this call:\n{}", self.tool, all.join("\n"));
        let told = told + "\n\"Always\" means: don't ask about these budgets again in this session.";
        PolicyDecision::ask(cut(&first, 80), cut(&told, 512))
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Counts a call, if there is room for it.
pub(crate) fn spend(budgets: &Budgets, ledger: &Ledger, place: &Place, tool: &str, id: Option<&str>) -> Result<Spent> {
    let calls = budgets.of(tool);
    if calls.is_empty() && !budgets.count_tokens() {
        return Ok(Spent::Nothing);
    }
    let by_day = calls.iter().any(|budget| budget.per_day.is_some());
    let open = Open::new(id, place.run.as_deref(), &calls, by_day.then_some(&place.day));
    let session = match in_session(budgets, &calls, ledger, place, open.as_ref())? {
        Ok(session) => session,
        Err(why) => {
            // It wasn't counted: that it is blocked must not give back an earlier call of the same id.
            id.map_or(Ok(()), |id| close(ledger, place, id))?;
            return Ok(Spent::Refused(why));
        }
    };
    let day = match in_day(budgets, &calls, ledger, place, by_day)? {
        Ok(day) => day,
        Err(why) => {
            uncount(ledger, place, &calls, id)?;
            return Ok(Spent::Refused(why));
        }
    };
    Ok(Spent::Counted { question: question(budgets, &calls, tool, (&session, &day), place) })
}

fn in_session(
    budgets: &Budgets,
    calls: &[&Budget],
    ledger: &Ledger,
    place: &Place,
    open: Option<&Open>,
) -> Result<Result<Session, String>> {
    let (Some(life), run) = (&place.life, place.run.as_deref()) else { return Ok(Ok(Session::default())) };
    ledger.change_session(life, |session| {
        meter::room(&meter::of_session(budgets, calls, session, run))?;
        session.prune(|name| budgets.per_session(name).is_some());
        session.count(calls, run, open.cloned());
        Ok(())
    })
}

/// A day in which no call is counted is only looked at.
fn in_day(budgets: &Budgets, calls: &[&Budget], ledger: &Ledger, place: &Place, counts: bool) -> Result<Result<Day, String>> {
    if !counts {
        let day = if budgets.tokens.per_day.is_some() { ledger.day(&place.day)? } else { Day::default() };
        return Ok(meter::room(&meter::of_day(budgets, calls, &day)).map(|()| day));
    }
    ledger.change_day(&place.day, |day| {
        meter::room(&meter::of_day(budgets, calls, day))?;
        day.count(calls);
        Ok(())
    })
}

/// Takes back what a session has just counted, since its day had no room for it.
fn uncount(ledger: &Ledger, place: &Place, calls: &[&Budget], id: Option<&str>) -> Result<()> {
    let (Some(life), run) = (&place.life, place.run.as_deref().unwrap_or_default()) else { return Ok(()) };
    let names: Vec<_> = calls.iter().map(|budget| budget.name.clone()).collect();
    ledger.alter_session(life, |session| {
        let given = id.and_then(|id| session.give_back(run, id));
        if given.is_none() {
            session.take(run, &names);
        }
    })?;
    Ok(())
}

fn question(budgets: &Budgets, calls: &[&Budget], tool: &str, rows: (&Session, &Day), place: &Place) -> Option<Question> {
    let near = near(budgets, calls, rows, place);
    let near: Vec<Meter> = near.into_iter().filter(|meter| !rows.0.quiet.contains(&meter.budget)).collect();
    (!near.is_empty()).then(|| Question { tool: tool.to_owned(), near })
}

/// The budgets of a tool that are nearly used up, the nearest first.
fn near(budgets: &Budgets, calls: &[&Budget], (session, day): (&Session, &Day), place: &Place) -> Vec<Meter> {
    let in_session = if place.life.is_some() { meter::of_session(budgets, calls, session, place.run.as_deref()) } else { Vec::new() };
    let mut near = in_session;
    near.extend(meter::of_day(budgets, calls, day));
    near.retain(|meter| meter.is_beyond(budgets.ask_beyond));
    near.sort_by_key(|meter| meter.allowed.saturating_sub(meter.used));
    near
}

/// Gives back a call that was counted and not made. Whether it was counted.
pub(crate) fn give_back(ledger: &Ledger, place: &Place, id: &str) -> Result<bool> {
    let (Some(life), Some(run)) = (&place.life, &place.run) else { return Ok(false) };
    let mut given = None;
    let changed = ledger.change_session(life, |session| {
        given = session.give_back(run, id);
        given.as_ref().map(|_| ()).ok_or(())
    })?;
    let (Ok(_), Some(open)) = (changed, given) else { return Ok(false) };
    if let Some(day) = &open.day {
        ledger.alter_day(day, |day| day.give_back(&open))?;
    }
    Ok(true)
}

/// A call that was counted stays counted.
pub(crate) fn close(ledger: &Ledger, place: &Place, id: &str) -> Result<()> {
    let (Some(life), Some(run)) = (&place.life, &place.run) else { return Ok(()) };
    // A row in which it isn't open stays as it is.
    let _closed = ledger.change_session(life, |session| if session.close(run, id) { Ok(()) } else { Err(()) })?;
    Ok(())
}

/// From here on nobody is asked any more in this session about the budgets of this tool that are nearly used up.
pub(crate) fn be_quiet(budgets: &Budgets, ledger: &Ledger, place: &Place, tool: &str) -> Result<()> {
    let (Some(life), calls) = (&place.life, budgets.of(tool)) else { return Ok(()) };
    let day = ledger.day(&place.day)?;
    ledger.alter_session(life, |session| {
        let asked_about = near(budgets, &calls, (session, &day), place).into_iter().map(|meter| meter.budget);
        session.quiet.extend(asked_about);
    })?;
    Ok(())
}
