//! What people can do and see: the action, the command.

use super::*;

fn raise(guard: &BudgetGuard, call: &Call, budget: &str, by: u64, reason: &str) -> ActionResult {
    guard.raise(call, Raising { budget: budget.into(), by, reason: reason.into() }).unwrap()
}

#[test]
fn a_raise_holds_for_this_life_of_this_session() {
    let guard = guard(json!({"ask_beyond": 100, "budgets": [{"name": "all", "per_session": 1}]}));
    let principal = plugbay_sdk::Principal { channel: "http".into(), sender: "ada".into(), scopes: vec!["operator.admin".into()] };
    let call = Call { principal: Some(principal), ..turn("a", "r1") };
    assert_eq!(wants(&guard, &call, "x", "1"), Fate::Goes);
    assert!(matches!(wants(&guard, &call, "x", "2"), Fate::Denied(_)));
    let done = raise(&guard, &call, " all ", 1, "a  large\nmove").success().unwrap().clone();
    assert_eq!(done.reply.as_deref(), Some("The budget `all` is 2 in this session now."));
    assert_eq!(done.result.as_deref(), Some(r#"{"allowed":2,"budget":"all"}"#));
    assert_eq!(wants(&guard, &call, "x", "3"), Fate::Goes);
    assert!(matches!(wants(&guard, &call, "x", "4"), Fate::Denied(why) if why.contains("2 of 2 calls in this session")));
    assert_eq!(shown(&guard, &call), json!({"all, session": "2 / 2"}));
    let told = guard.budget(&call).unwrap();
    assert_eq!(told, "all: 2 of 2 calls in this session (raised by 1)\nhttp ada raised `all` by 1: a large move\nDays are those of UTC.");
    assert_eq!(wants(&guard, &turn("b", "r2"), "x", "5"), Fate::Goes);
    assert!(matches!(wants(&guard, &turn("b", "r2"), "x", "6"), Fate::Denied(_)), "another session");
    sessions::fake::reset("a");
    assert_eq!(wants(&guard, &turn("a", "r3"), "x", "7"), Fate::Goes);
    assert!(matches!(wants(&guard, &turn("a", "r3"), "x", "8"), Fate::Denied(_)), "another life");
}

#[test]
fn tokens_can_be_raised_too() {
    let guard = guard(json!({"budgets": [], "tokens": {"per_session": 10}}));
    let call = turn("a", "r1");
    said(&guard, &call, 10, 0);
    assert!(matches!(wants(&guard, &call, "x", "1"), Fate::Denied(_)));
    assert!(raise(&guard, &call, "tokens", 90, "it is worth it").success().is_some());
    assert_eq!(wants(&guard, &call, "x", "2"), Fate::Goes);
}

#[test]
fn what_cannot_be_raised_is_refused_with_a_code_and_changes_nothing() {
    let guard = guard(json!({"budgets": [{"name": "all", "per_session": 1}, {"name": "daily", "per_day": 1}]}));
    let call = turn("a", "r1");
    let refused = |call: &Call, budget: &str, by, reason: &str| {
        let failure = raise(&guard, call, budget, by, reason).failure().unwrap().clone();
        (failure.code.unwrap(), failure.error)
    };
    let (code, why) = refused(&call, "none", 1, "so");
    assert_eq!((code.as_str(), why.as_str()), ("no-such-budget", "there is no budget \"none\"; there are: `all`, `daily`"));
    assert_eq!(refused(&call, "daily", 1, "so").0, "not-of-sessions");
    assert_eq!(refused(&call, "tokens", 1, "so").0, "no-such-budget");
    assert_eq!(refused(&call, "all", 1, "  ").0, "no-reason");
    assert_eq!(refused(&call, "all", 0, "so").0, "out-of-bounds");
    assert_eq!(refused(&call, "all", u64::MAX, "so").0, "out-of-bounds");
    assert_eq!(refused(&Call::default(), "all", 1, "so").0, "no-session");
    assert!(guard.budget(&call).unwrap().starts_with("all: 0 of 1 calls in this session\ndaily: 0 of 1 calls today\n"));
}

#[test]
fn without_budgets_the_command_says_so() {
    let guard = guard(json!({"budgets": []}));
    assert!(guard.budget(&turn("a", "r1")).unwrap().starts_with("There are no budgets"));
    assert_eq!(wants(&guard, &turn("a", "r1"), "x", "1"), Fate::Goes);
}
