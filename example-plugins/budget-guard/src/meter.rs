//! One number of a budget beside what it may be.
//!
//! What it is for: a refusal, a question, the command and what is shown of a session say the same in the same words. What it costs: nothing. How it fails:
//! it doesn't.

use crate::budget::{Budget, Budgets, TOKENS};
use crate::count::{Day, Session, number};
use std::fmt;

/// What a number is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// One turn.
    Turn,
    /// One life of a session.
    Session,
    /// A day, of all sessions together.
    Day,
}

impl Span {
    /// As a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Session => "session",
            Self::Day => "day",
        }
    }
}

/// One number beside what it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meter {
    pub(crate) budget: String,
    pub(crate) span: Span,
    pub(crate) used: u64,
    pub(crate) allowed: u64,
}

impl Meter {
    fn new(budget: &str, span: Span, used: u64, allowed: u64) -> Self {
        Self { budget: budget.to_owned(), span, used, allowed }
    }

    /// Whether nothing is left.
    pub(crate) fn is_full(&self) -> bool {
        self.used >= self.allowed
    }

    /// Whether more than so many percent are used: the part up to there is rounded up, so that a small budget isn't asked about from its first call on.
    pub(crate) fn is_beyond(&self, percent: u64) -> bool {
        u128::from(self.used) > (u128::from(self.allowed) * u128::from(percent)).div_ceil(100)
    }

    /// Why a call isn't made.
    pub(crate) fn refusal(&self) -> String {
        let setting = if self.budget == TOKENS { "tokens" } else { "budgets" };
        let raise = if self.span == Span::Session { "; the action `raise` makes it larger for this session" } else { "" };
        format!("the budget `{}` is used up: {self} (setting `{setting}` of budget-guard{raise})", self.budget)
    }

    fn unit(&self) -> &'static str {
        if self.budget == TOKENS { "tokens" } else { "calls" }
    }
}

/// `81 of 100 calls in this session`.
impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.span == Span::Day { "today" } else { "in this" };
        write!(f, "{} of {} {} {when}", self.used, self.allowed, self.unit())?;
        if self.span == Span::Day { Ok(()) } else { write!(f, " {}", self.span.word()) }
    }
}

/// The numbers of a session, and of its turn if there is one.
pub(crate) fn of_session(budgets: &Budgets, calls: &[&Budget], session: &Session, run: Option<&str>) -> Vec<Meter> {
    let mut meters = Vec::new();
    for budget in calls {
        let name = &budget.name;
        if let (Some(allowed), Some(run)) = (budget.per_turn, run) {
            meters.push(Meter::new(name, Span::Turn, session.in_turn(run, name), allowed));
        }
        if let Some(allowed) = budget.per_session {
            meters.push(Meter::new(name, Span::Session, number(&session.calls, name), session.allowed(name, allowed)));
        }
    }
    let tokens = |allowed| Meter::new(TOKENS, Span::Session, session.tokens, session.allowed(TOKENS, allowed));
    meters.extend(budgets.tokens.per_session.map(tokens));
    meters
}

/// The numbers of a day.
pub(crate) fn of_day(budgets: &Budgets, calls: &[&Budget], day: &Day) -> Vec<Meter> {
    let of_calls = |budget: &&Budget| Some(Meter::new(&budget.name, Span::Day, number(&day.calls, &budget.name), budget.per_day?));
    let tokens = budgets.tokens.per_day.map(|allowed| Meter::new(TOKENS, Span::Day, day.tokens, allowed));
    calls.iter().filter_map(of_calls).chain(tokens).collect()
}

/// Refuses what is used up.
pub(crate) fn room(meters: &[Meter]) -> Result<(), String> {
    meters.iter().find(|meter| meter.is_full()).map_or(Ok(()), |meter| Err(meter.refusal()))
}
