//! Raises a session's share of a budget.
//!
//! What it is for: an admin who is told that a budget is used up, and finds that the work is worth more. It holds for this life of the session; a reset
//! begins with what the settings say. What it costs: one change of the session's row. How it fails: in words, with a code, where there is no such budget or
//! the number is no good; nothing is changed then.

use crate::budget::{Budgets, MOST};
use crate::count::Raise;
use crate::ledger::{Ledger, Place};
use plugbay_sdk::prelude::*;

/// What is raised, by how much, and why.
#[plugbay_sdk::args]
pub(crate) struct Raising {
    /// The budget's name, as `/budget` shows it; `tokens` for that of tokens.
    pub(crate) budget: String,
    /// How many calls, or tokens, are added.
    #[schemars(range(min = 1))]
    pub(crate) by: u64,
    /// Why: at most 300 characters, which `/budget` shows.
    #[schemars(length(min = 1, max = 300))]
    pub(crate) reason: String,
}

/// Who asks, for people.
pub(crate) fn who(call: &Call) -> String {
    let who = call.principal.as_ref().map_or_else(|| "somebody".to_owned(), |who| format!("{} {}", who.channel, who.sender));
    who.chars().take(100).collect()
}

/// Raises it.
pub(crate) fn raise(budgets: &Budgets, ledger: &Ledger, place: &Place, wanted: &Raising, who: String) -> Result<ActionResult> {
    let failed = |code: &str, why: String| Ok(ActionResult::failed(why).code(code));
    let (name, reason) = (wanted.budget.trim(), wanted.reason.split_whitespace().collect::<Vec<_>>().join(" "));
    let Some(life) = &place.life else {
        return failed("no-session", "a budget is raised for a session: say which".into());
    };
    let at_first = match budgets.per_session(name) {
        Some(Some(at_first)) => at_first,
        Some(None) => return failed("not-of-sessions", format!("the budget `{name}` has no `per_session` that could be raised")),
        None => return failed("no-such-budget", format!("there is no budget {name:?}; there are: {}", budgets.names())),
    };
    if reason.is_empty() || reason.chars().count() > 300 {
        return failed("no-reason", "say why, in 1 to 300 characters".into());
    }
    let raise = Raise { budget: name.to_owned(), by: wanted.by, reason, who };
    let raised = ledger.change_session(life, |session| {
        let allowed = session.allowed(name, at_first).saturating_add(raise.by);
        if raise.by == 0 || allowed > MOST {
            return Err(format!("`by` is {}: it may be 1 at least, and make the budget {MOST} at most; it would be {allowed}", raise.by));
        }
        session.raise(raise.clone());
        Ok(())
    })?;
    match raised {
        Ok(session) => {
            let allowed = session.allowed(name, at_first);
            let reply = format!("The budget `{name}` is {allowed} in this session now.");
            Ok(ActionResult::done().result(&json!({ "budget": name, "allowed": allowed }))?.reply(reply))
        }
        Err(why) => failed("out-of-bounds", why),
    }
}
