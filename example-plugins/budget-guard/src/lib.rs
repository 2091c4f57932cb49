//! Keeps agents within budgets: calls of tools in a turn, a session and a day, and tokens in a session and a day.
//!
//! What it is for: an agent that goes round in circles, or costs more than it should, is stopped by a number that somebody has chosen. Shortly before
//! that a person is asked. What it costs: with each call of a tool two changes of a row of the store and what is shown of the session, and one more row
//! where a budget is for days. How it fails: closed. Where a count can't be read or written the call is denied, as the contract has it of policies.

#![forbid(unsafe_code)]

mod budget;
mod count;
mod day;
mod ledger;
mod meter;
mod pattern;
mod raise;
mod shown;
mod spend;
#[cfg(test)]
mod tests;
mod tokens;

use budget::{Budgets, CallBudget, TokenBudget};
use ledger::{Ledger, Place};
use plugbay_sdk::hooks::after_tool_call::End;
use plugbay_sdk::hooks::approvals::Resolution;
use plugbay_sdk::hooks::cleanup::Reason;
use plugbay_sdk::prelude::*;
use raise::Raising;
use spend::Spent;

/// What the operator sets.
#[plugbay_sdk::settings]
struct Settings {
    /// Budgets of calls. If nothing is said, one for all tools: 50 calls in a turn, 1,000 in a session, 5,000 in a day.
    #[serde(default = "budget::usual")]
    budgets: Vec<CallBudget>,
    /// Budgets of tokens; none, if nothing is said.
    #[serde(default)]
    tokens: TokenBudget,
    /// How much of a budget may be used before a person is asked, in percent: 0 to 100. With 100 nobody is asked.
    #[serde(default = "ask_beyond")]
    ask_beyond: u64,
}

fn ask_beyond() -> u64 {
    80
}

struct BudgetGuard {
    budgets: Budgets,
}

#[plugin(
    isolation(shared, pool, session, call),
    session_state(budget = "what was used of each budget, and how much may be"),
    ui(id = "budget", surface = "session", label = "Budget", icon = "gauge", namespace = "budget", actions("raise"))
)]
impl BudgetGuard {
    fn activate(_: &Activation, settings: Settings) -> Result<Self> {
        Ok(Self { budgets: Budgets::read(&settings.budgets, settings.tokens, settings.ask_beyond)? })
    }

    /// Counts the call, if there is room for it; denies it, if there isn't. Near the end of a budget a person is asked.
    #[hook(priority = -100)]
    fn tool_policy(&self, call: &Call, event: PolicyAsked) -> Result<Option<PolicyDecision>> {
        let (ledger, place) = (Ledger::open()?, Place::of(call)?);
        let spent = spend::spend(&self.budgets, &ledger, &place, &event.tool_name, event.tool_call_id.as_deref())?;
        Ok(match spent {
            Spent::Nothing => None,
            Spent::Refused(why) => {
                log::info!("denied `{}`: {why}", event.tool_name);
                Some(PolicyDecision::deny(why))
            }
            Spent::Counted { question } => {
                shown::show(&self.budgets, &ledger, call, &place);
                question.map(|question| question.decision())
            }
        })
    }

    /// Gives back what was counted for a call that was blocked behind this policy: by another plugin, or by a person. Any other stays counted.
    fn after_tool_call(&self, call: &Call, event: ToolEnded) -> Result<()> {
        let Some(id) = event.tool_call_id.as_deref() else { return Ok(()) };
        let (ledger, place) = (Ledger::open()?, Place::of(call)?);
        if event.end != End::Blocked {
            return spend::close(&ledger, &place, id);
        }
        if spend::give_back(&ledger, &place, id)? {
            shown::show(&self.budgets, &ledger, call, &place);
        }
        Ok(())
    }

    /// Where a person said "always": in this session nobody is asked any more about the budgets that the question was about.
    fn approvals(&self, call: &Call, event: ApprovalEnd) -> Result<()> {
        if event.resolution != Resolution::AllowAlways {
            return Ok(());
        }
        spend::be_quiet(&self.budgets, &Ledger::open()?, &Place::of(call)?, &event.tool_name)
    }

    /// Counts the tokens that a model's provider says it used.
    fn llm_output(&self, call: &Call, event: ModelOutput) -> Result<()> {
        let used = event.usage.input.unwrap_or_default().saturating_add(event.usage.output.unwrap_or_default());
        if used == 0 || !self.budgets.count_tokens() {
            return Ok(());
        }
        let (ledger, place) = (Ledger::open()?, Place::of(call)?);
        tokens::count(&ledger, &place, used)?;
        shown::show(&self.budgets, &ledger, call, &place);
        Ok(())
    }

    /// Where the settings say so, there is no turn any more when the tokens are used up.
    fn before_agent_run(&self, call: &Call, _: RunAsked) -> Result<Option<RunDecision>> {
        if !self.budgets.tokens.stop_turns {
            return Ok(None);
        }
        let full = tokens::full(&self.budgets, &Ledger::open()?, &Place::of(call)?)?;
        Ok(full.map(|why| RunDecision::block(why.clone()).message(format!("I can't go on: {why}."))))
    }

    /// Makes a session's share of a budget larger, for as long as this life of the session goes on.
    #[action(title = "Raise a budget", scopes("operator.admin"))]
    fn raise(&self, call: &Call, params: Raising) -> Result<ActionResult> {
        let (ledger, place) = (Ledger::open()?, Place::of(call)?);
        let result = raise::raise(&self.budgets, &ledger, &place, &params, raise::who(call))?;
        shown::show(&self.budgets, &ledger, call, &place);
        Ok(result)
    }

    /// Shows what this session, this turn and this day have used of each budget.
    #[command(scopes("operator.read"))]
    fn budget(&self, call: &Call) -> Result<String> {
        shown::told(&self.budgets, &Ledger::open()?, &Place::of(call)?)
    }

    /// What is shown of a session: used and allowed, for each budget.
    fn session_projection(&self, _: &Call, event: Projecting) -> Result<Option<Value>> {
        shown::project(&event.state)
    }

    /// Deletes the counts of a session's life that is over.
    fn cleanup(&self, call: &Call, event: CleanupAsked) -> Result<()> {
        match event.reason {
            Reason::Reset | Reason::Delete => Ledger::open()?.forget(&call.session()?.id()?),
            Reason::Disable | Reason::Restart => Ok(()),
        }
    }
}
