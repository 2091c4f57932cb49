//! `budget-guard`: calls beyond a budget aren't made, an admin raises it, and what was used is known to the next host.

use super::stage::{ADMIN, Acted, Guest, Stage, WRITE, success};
use plugbay_gateway::ActError;
use plugbay_guests::built;
use plugbay_runtime::state::{Clock, SystemClock};
use serde_json::{Value, json};

fn guests() -> [Guest; 2] {
    let budget = json!({ "name": "t", "tools": ["add"], "per_turn": 2, "per_session": 5, "per_day": 7 });
    let config = json!({ "budgets": [budget], "ask_beyond": 100 });
    let toolbox = Guest { id: "toolbox", built: built::TOOLBOX, config: json!({}) };
    [Guest { id: "budget-guard", built: built::BUDGET_GUARD, config }, toolbox]
}

/// The agent adds so often in one turn; how often it was given the sum, and what it was told instead.
async fn adds(stage: &Stage, session: &str, times: usize) -> (usize, String) {
    let answer = stage.answer(session, &["use add {\"a\":20,\"b\":22}"].repeat(times).join("\n")).await;
    let (sums, others): (Vec<&str>, Vec<&str>) = answer.lines().partition(|line| *line == "`add` answered: 42");
    (sums.len(), others.join("\n"))
}

async fn raises(stage: &Stage, scope: &str) -> Acted {
    let params = json!({ "budget": "t", "by": 1, "reason": "a large move" });
    stage.acts("budget-guard", "raise", "s", Some(params), scope).await
}

/// Days since 1970, as the plugin counts them.
fn today() -> u64 {
    Clock::now(&SystemClock) / 86_400_000
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn budgets_hold_over_turns_sessions_days_and_hosts() {
    let (day, stage) = (today(), Stage::with(&guests()).await);
    let (made, refused) = adds(&stage, "s", 3).await;
    assert!(made == 2 && refused.contains("the budget `t` is used up: 2 of 2 calls in this turn"), "{made}: {refused}");
    assert_eq!(stage.projected("s").await["t, session"], "2 / 5", "what was refused isn't counted");
    assert_eq!(adds(&stage, "s", 2).await, (2, String::new()));
    let (made, refused) = adds(&stage, "s", 2).await;
    assert!(made == 1 && refused.contains("5 of 5 calls in this session"), "{made}: {refused}");
    assert!(matches!(raises(&stage, WRITE).await, Err(ActError::Forbidden { .. })));
    let raised: Value = success(raises(&stage, ADMIN).await).result.unwrap().parse().unwrap();
    assert_eq!(raised, json!({ "budget": "t", "allowed": 6 }));
    assert_eq!(adds(&stage, "s", 1).await, (1, String::new()));
    let stage = stage.again(&guests()).await;
    let (made, refused) = adds(&stage, "s", 1).await;
    assert!(made == 0 && refused.contains("6 of 6 calls in this session"), "{made}: {refused}");
    let told = stage.command("budget", Some("s")).await;
    assert!(told.contains("(raised by 1)") && told.contains("test ada raised `t` by 1: a large move"), "{told}");
    let (made, refused) = adds(&stage, "another", 2).await;
    // Around midnight some of the seven were made the day before.
    assert!(today() != day || made == 1 && refused.contains("7 of 7 calls"), "{made}: {refused}");
}
