//! Tokens, as models' providers report them.
//!
//! What it is for: what a model uses is known when it has answered, so a budget of tokens stops what would come next: calls of tools, and turns if the
//! operator wants that. What it costs: a change of a session's and of a day's row for each answer of a model. How it fails: by an error, and then nothing,
//! or only the session's part, is counted.

use crate::budget::Budgets;
use crate::count::{Day, Session};
use crate::ledger::{Ledger, Place};
use crate::meter;
use plugbay_sdk::prelude::*;

/// Counts what one answer of a model took.
pub(crate) fn count(ledger: &Ledger, place: &Place, used: u64) -> Result<()> {
    if let Some(life) = &place.life {
        ledger.alter_session(life, |session| session.tokens = session.tokens.saturating_add(used))?;
    }
    ledger.alter_day(&place.day, |day| day.tokens = day.tokens.saturating_add(used))?;
    Ok(())
}

/// Why there is no turn any more, if there isn't.
pub(crate) fn full(budgets: &Budgets, ledger: &Ledger, place: &Place) -> Result<Option<String>> {
    let session = place.life.as_deref().map(|life| ledger.session(life)).transpose()?;
    let in_session = session.map(|session: Session| meter::of_session(budgets, &[], &session, None)).unwrap_or_default();
    let day: Day = ledger.day(&place.day)?;
    Ok(meter::room(&in_session).and_then(|()| meter::room(&meter::of_day(budgets, &[], &day))).err())
}
