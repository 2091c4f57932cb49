//! When a person is asked, and what the answer changes.

use super::*;

fn ten() -> BudgetGuard {
    guard(
        json!({"ask_beyond": 80, "budgets": [{"name": "all", "per_session": 10}, {"name": "searches", "tools": ["search"], "per_session": 5}]}),
    )
}

fn answered(guard: &BudgetGuard, call: &Call, tool: &str, resolution: Resolution) {
    guard.approvals(call, ApprovalEnd { resolution, ..ApprovalEnd::new("Go on?", tool) }).unwrap();
}

#[test]
fn a_person_is_asked_beyond_the_part_that_is_free() {
    let (guard, call) = (ten(), turn("a", "r1"));
    (1..=8).for_each(|n| assert_eq!(wants(&guard, &call, "x", &n.to_string()), Fate::Goes));
    let Fate::Asks(title, description) = wants(&guard, &call, "x", "9") else { panic!("nobody was asked") };
    assert_eq!(title, "Go on? `all` has used 9 of 10 calls in this session");
    assert!(description.contains("call `x`") && description.contains("- `all`: 9 of 10 calls in this session"), "{description}");
    blocked(&guard, &call, "x", "9");
    assert!(matches!(wants(&guard, &call, "x", "10"), Fate::Asks(title, _) if title.contains("9 of 10")), "a no costs nothing");
    assert!(matches!(wants(&guard, &call, "x", "11"), Fate::Asks(title, _) if title.contains("10 of 10")));
    assert!(matches!(wants(&guard, &call, "x", "12"), Fate::Denied(_)));
}

#[test]
fn always_means_these_budgets_in_this_session() {
    let (guard, call) = (ten(), turn("a", "r1"));
    (1..=4).for_each(|n| assert_eq!(wants(&guard, &call, "search", &n.to_string()), Fate::Goes));
    assert!(matches!(wants(&guard, &call, "search", "5"), Fate::Asks(title, _) if title.contains("`searches` has used 5 of 5")));
    answered(&guard, &call, "search", Resolution::AllowOnce);
    blocked(&guard, &call, "search", "5");
    assert!(matches!(wants(&guard, &call, "search", "6"), Fate::Asks(..)), "once was for one call");
    answered(&guard, &call, "search", Resolution::AllowAlways);
    blocked(&guard, &call, "search", "6");
    assert_eq!(wants(&guard, &call, "search", "7"), Fate::Goes);
    assert!(matches!(wants(&guard, &call, "search", "8"), Fate::Denied(_)), "what is used up is used up");
    (9..=11).for_each(|n| assert_eq!(wants(&guard, &call, "x", &n.to_string()), Fate::Goes));
    assert!(matches!(wants(&guard, &call, "x", "12"), Fate::Asks(..)), "that was about another budget");
    let other = turn("b", "r2");
    (1..=4).for_each(|n| assert_eq!(wants(&guard, &other, "search", &n.to_string()), Fate::Goes));
    assert!(matches!(wants(&guard, &other, "search", "5"), Fate::Asks(..)), "another session");
}

#[test]
fn small_budgets_and_a_hundred_percent_ask_nobody() {
    let small = guard(json!({"budgets": [{"name": "all", "per_session": 1}]}));
    assert_eq!(wants(&small, &turn("a", "r1"), "x", "1"), Fate::Goes);
    let never = guard(json!({"ask_beyond": 100, "budgets": [{"name": "all", "per_session": 2}]}));
    let call = turn("b", "r1");
    assert_eq!([wants(&never, &call, "x", "1"), wants(&never, &call, "x", "2")], [Fate::Goes, Fate::Goes]);
    let from_the_first = guard(json!({"ask_beyond": 0, "budgets": [{"name": "all", "per_session": 2}]}));
    assert!(matches!(wants(&from_the_first, &turn("c", "r1"), "x", "1"), Fate::Asks(..)));
}

#[test]
fn a_question_stays_within_its_bounds() {
    let budgets: Vec<_> = (0..20).map(|n| json!({"name": format!("{n:032}"), "per_session": 1_000_000_000_000_u64})).collect();
    let guard = guard(json!({"ask_beyond": 0, "budgets": budgets}));
    let Fate::Asks(title, description) = wants(&guard, &turn("a", "r1"), &"t".repeat(64), "1") else { panic!("nobody was asked") };
    assert!(title.chars().count() <= 80 && description.chars().count() <= 512);
}
