//! Budgets as an operator writes them, and as they are held.
//!
//! What it is for: everything that can be wrong with them is found when the plugin starts. What it costs: nothing afterwards. How it fails: by an error
//! that names the budget, the setting and what it may be.

use crate::pattern::Pattern;
use plugbay_sdk::prelude::*;

/// The name under which tokens are counted.
pub(crate) const TOKENS: &str = "tokens";
/// The most that a budget may be, with all that it was raised by.
pub(crate) const MOST: u64 = 1_000_000_000_000;
/// Budgets of calls at most: a session's row and what is shown of it stay small.
const BUDGETS: usize = 20;

/// A budget of calls. At least one of the three numbers has to be said; 0 means that these tools may not be called at all.
#[plugbay_sdk::settings]
#[derive(Clone)]
pub(crate) struct CallBudget {
    /// What it is called: 32 characters at most, and not `tokens`.
    pub(crate) name: String,
    /// The tools whose calls it counts: names, with `*` for any text. All tools, if nothing is said.
    #[serde(default = "all")]
    pub(crate) tools: Vec<String>,
    /// Calls in one turn.
    #[serde(default)]
    pub(crate) per_turn: Option<u64>,
    /// Calls in one life of a session.
    #[serde(default)]
    pub(crate) per_session: Option<u64>,
    /// Calls in a day, of all sessions together. Days are those of UTC.
    #[serde(default)]
    pub(crate) per_day: Option<u64>,
}

/// Budgets of tokens, as models' providers report them.
#[plugbay_sdk::settings]
#[derive(Clone, Copy, Default)]
pub(crate) struct TokenBudget {
    /// Tokens in one life of a session.
    #[serde(default)]
    pub(crate) per_session: Option<u64>,
    /// Tokens in a day, of all sessions together. Days are those of UTC.
    #[serde(default)]
    pub(crate) per_day: Option<u64>,
    /// Whether no new turn begins when they are used up. Otherwise only tools are denied.
    #[serde(default)]
    pub(crate) stop_turns: bool,
}

fn all() -> Vec<String> {
    vec!["*".into()]
}

/// What is in force if the operator says nothing.
pub(crate) fn usual() -> Vec<CallBudget> {
    vec![CallBudget { name: "calls".into(), tools: all(), per_turn: Some(50), per_session: Some(1_000), per_day: Some(5_000) }]
}

/// A budget of calls.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) name: String,
    tools: Vec<Pattern>,
    pub(crate) per_turn: Option<u64>,
    pub(crate) per_session: Option<u64>,
    pub(crate) per_day: Option<u64>,
}

/// All budgets.
pub(crate) struct Budgets {
    pub(crate) calls: Vec<Budget>,
    pub(crate) tokens: TokenBudget,
    /// How much of one may be used before a person is asked, in percent.
    pub(crate) ask_beyond: u64,
}

impl Budgets {
    /// Reads the settings.
    pub(crate) fn read(calls: &[CallBudget], tokens: TokenBudget, ask_beyond: u64) -> Result<Self> {
        if ask_beyond > 100 {
            return Err(Error::new(format!("the setting `ask_beyond` of budget-guard is {ask_beyond}: it may be 0 to 100 percent")));
        }
        if calls.len() > BUDGETS {
            return Err(Error::new(format!("the setting `budgets` of budget-guard has {} budgets: {BUDGETS} are allowed", calls.len())));
        }
        bound("`tokens`", [tokens.per_session, tokens.per_day, None])?;
        let mut budgets = Vec::<Budget>::new();
        for one in calls {
            let budget = Budget::read(one)?;
            if budgets.iter().any(|other| other.name == budget.name) {
                return Err(Error::new(format!("the setting `budgets` of budget-guard has two budgets named `{}`", budget.name)));
            }
            budgets.push(budget);
        }
        Ok(Self { calls: budgets, tokens, ask_beyond })
    }

    /// The budgets that count calls of this tool.
    pub(crate) fn of(&self, tool: &str) -> Vec<&Budget> {
        self.calls.iter().filter(|budget| budget.tools.iter().any(|pattern| pattern.matches(tool))).collect()
    }

    /// Whether tokens are counted.
    pub(crate) fn count_tokens(&self) -> bool {
        self.tokens.per_session.is_some() || self.tokens.per_day.is_some()
    }

    /// What a session may use of a budget before it was raised. The outer none: there is no such budget; the inner: it isn't one of sessions.
    pub(crate) fn per_session(&self, name: &str) -> Option<Option<u64>> {
        if name == TOKENS && self.count_tokens() {
            return Some(self.tokens.per_session);
        }
        self.calls.iter().find(|budget| budget.name == name).map(|budget| budget.per_session)
    }

    /// The names of all budgets, for people.
    pub(crate) fn names(&self) -> String {
        let tokens = self.count_tokens().then_some(TOKENS);
        let names: Vec<_> = self.calls.iter().map(|budget| budget.name.as_str()).chain(tokens).map(|name| format!("`{name}`")).collect();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    }
}

impl Budget {
    fn read(said: &CallBudget) -> Result<Self> {
        let name = said.name.trim();
        if name.is_empty() || name.chars().count() > 32 || name.chars().any(char::is_control) || name == TOKENS {
            let why = "a name has 1 to 32 characters, and `tokens` is taken";
            return Err(Error::new(format!("the setting `budgets` of budget-guard has a budget named {:?}: {why}", said.name)));
        }
        let of_it = format!("the budget `{name}` of budget-guard");
        let numbers = [said.per_turn, said.per_session, said.per_day];
        if numbers.iter().all(Option::is_none) {
            return Err(Error::new(format!("{of_it} has no number: say `per_turn`, `per_session` or `per_day`")));
        }
        bound(&of_it, numbers)?;
        if said.tools.is_empty() || said.tools.len() > 50 {
            return Err(Error::new(format!(
                "{of_it} names {} tools in `tools`: 1 to 50 are allowed, `*` means every tool",
                said.tools.len()
            )));
        }
        let tools = said.tools.iter().map(|tool| Pattern::read(&format!("`tools` of {of_it}"), tool)).collect::<Result<_>>()?;
        let [per_turn, per_session, per_day] = numbers;
        Ok(Self { name: name.to_owned(), tools, per_turn, per_session, per_day })
    }
}

fn bound(whose: &str, numbers: [Option<u64>; 3]) -> Result<()> {
    match numbers.into_iter().flatten().find(|number| *number > MOST) {
        Some(number) => Err(Error::new(format!("{whose}: {number} wanted, {MOST} allowed"))),
        None => Ok(()),
    }
}
