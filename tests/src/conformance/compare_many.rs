//! Compare-and-apply with conditions on other rows, and by many at once.

use super::Rule;
use super::stage::{ROWS, Stage, Store, conflict, equal, everything, holds, open, put, refused, roomy, seen, set, text};
use anyhow::{Context, Result, ensure};
use plugbay_state::{Applied, Change, Code, Condition, Operation, Options};

pub(super) const RULES: &[Rule] = &[
    Rule::new(&["2.7", "21.7"], "a change is made if all conditions hold, in other namespaces too", |stage| {
        Box::pin(conditions_hold(stage))
    }),
    Rule::new(&["2.7", "21.7"], "one failed condition changes nothing, and shows the primary row", |stage| {
        Box::pin(condition_fails(stage))
    }),
    Rule::new(&["2.7", "21.7"], "a condition's token must be of its row and of this plugin", |stage| Box::pin(foreign_conditions(stage))),
    Rule::new(&["2.7"], "conditions hold for keep and delete as well", |stage| Box::pin(every_change(stage))),
    Rule::new(&["2.7"], "a condition may be that a row is absent, or expired", |stage| Box::pin(absence(stage))),
    Rule::new(&["2.7"], "set is subject to the value's limits before anything is compared", |stage| Box::pin(limits(stage))),
    Rule::new(&["2.7", "21.7"], "of 16 changes of what was seen once, one is made", |stage| Box::pin(one_applies(stage))),
    Rule::new(&["2.7", "21.7"], "8 tasks that each add 1 fifty times make 400", |stage| Box::pin(counting(stage))),
    Rule::new(&["2.7", "21.7"], "a condition that changes in between lets nobody through", |stage| Box::pin(tickets(stage))),
];

async fn condition(rows: &Store, namespace: &str, key: &str) -> Result<Condition> {
    Ok(Condition { namespace: namespace.into(), key: key.into(), comparison: seen(rows, key).await? })
}

async fn conditions_hold(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let (rows, sibling) = (roomy(&state, ROWS).await?, roomy(&state, "sibling").await?);
    put(&rows, "k", "1").await?;
    put(&rows, "l", "1").await?;
    put(&sibling, "k", "1").await?;
    let mut conditions =
        vec![condition(&rows, ROWS, "l").await?, condition(&sibling, "sibling", "k").await?, condition(&rows, ROWS, "none").await?];
    conditions.push(Condition { namespace: " rows ".into(), key: " k".into(), comparison: seen(&rows, "k").await? });
    let applied = rows.compare_and_apply("k", &seen(&rows, "k").await?, set("2"), &conditions).await?;
    equal("applied", applied, Applied::Applied)?;
    holds(&rows, "k", Some("2")).await?;
    // What was only a condition is as it was.
    holds(&rows, "l", Some("1")).await?;
    holds(&sibling, "k", Some("1")).await
}

async fn condition_fails(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let (rows, sibling) = (roomy(&state, ROWS).await?, roomy(&state, "sibling").await?);
    put(&rows, "k", "1").await?;
    put(&sibling, "a", "1").await?;
    put(&sibling, "b", "1").await?;
    let conditions = [condition(&sibling, "sibling", "a").await?, condition(&sibling, "sibling", "b").await?];
    let primary = rows.observe("k").await?;
    stage.clock.advance(1);
    for changed in ["a", "b"] {
        put(&sibling, changed, "2").await?;
        let before = everything(&state).await?;
        for change in [set("9"), Change::Delete, Change::Keep] {
            let current = conflict(changed, rows.compare_and_apply("k", &primary.comparison, change, &conditions).await?)?;
            equal("the primary row", current, primary.clone())?;
        }
        equal("rows", everything(&state).await?, before)?;
    }
    Ok(())
}

async fn foreign_conditions(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let (rows, sibling) = (roomy(&state, ROWS).await?, roomy(&state, "sibling").await?);
    let stranger = open(&state, "stranger", ROWS, Options::up_to(10)).await?;
    for rows in [&rows, &sibling, &stranger] {
        put(rows, "l", "1").await?;
    }
    let good = condition(&rows, ROWS, "l").await?;
    let foreign = [
        Condition { key: "m".into(), ..good.clone() },
        Condition { namespace: "sibling".into(), ..good.clone() },
        Condition { comparison: seen(&stranger, "l").await?, ..good.clone() },
        Condition { comparison: plugbay_state::Comparison::new("1.2.3".into()), ..good.clone() },
        Condition { namespace: "no namespace".into(), ..good.clone() },
        Condition { key: String::new(), ..good.clone() },
    ];
    let token = seen(&rows, "k").await?;
    for condition in foreign {
        let what = format!("{condition:?}");
        let outcome = rows.compare_and_apply("k", &token, set("9"), &[good.clone(), condition]).await;
        refused(&what, outcome, Code::InvalidInput, Operation::CompareAndApply)?;
    }
    holds(&rows, "k", None).await
}

async fn every_change(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    put(&rows, "k", "1").await?;
    let conditions = [condition(&rows, ROWS, "l").await?];
    let token = seen(&rows, "k").await?;
    equal("keep", rows.compare_and_apply("k", &token, Change::Keep, &conditions).await?, Applied::Unchanged)?;
    equal("delete", rows.compare_and_apply("k", &token, Change::Delete, &conditions).await?, Applied::Applied)?;
    let absent = seen(&rows, "k").await?;
    put(&rows, "l", "1").await?;
    let current = rows.compare_and_apply("k", &absent, Change::Delete, &conditions).await?;
    equal("what is there", conflict("delete of nothing", current)?.value, None)
}

async fn absence(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    let conditions = [condition(&rows, ROWS, "lock").await?];
    let token = seen(&rows, "k").await?;
    rows.register("lock", "1".into(), Some(10)).await?;
    conflict("locked", rows.compare_and_apply("k", &token, set("1"), &conditions).await?)?;
    stage.clock.advance(10);
    equal("the lock expired", rows.compare_and_apply("k", &token, set("1"), &conditions).await?, Applied::Applied)
}

async fn limits(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    let old = seen(&rows, "k").await?;
    put(&rows, "k", "1").await?;
    let outcome = rows.compare_and_apply("k", &old, set(&text(65_537)), &[]).await;
    refused("65,537 bytes", outcome, Code::LimitExceeded, Operation::CompareAndApply)?;
    let outcome = rows.compare_and_apply("k", &old, set("{"), &[]).await;
    refused("no JSON", outcome, Code::InvalidInput, Operation::CompareAndApply)?;
    holds(&rows, "k", Some("1")).await
}

async fn one_applies(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    put(&rows, "k", "\"start\"").await?;
    let token = seen(&rows, "k").await?;
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let (rows, token) = (rows.clone(), token.clone());
            tokio::spawn(async move { (n, rows.compare_and_apply("k", &token, set(&n.to_string()), &[]).await) })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        match task.await? {
            (n, Ok(Applied::Applied)) => winners.push(n.to_string()),
            (_, outcome) => drop(conflict("the others", outcome?)?),
        }
    }
    equal("winners", winners.len(), 1)?;
    holds(&rows, "k", winners.first().map(String::as_str)).await
}

/// Adds to a number, again and again until nobody was quicker.
async fn add(rows: &Store, key: &str, n: i64, conditions: &[Condition]) -> Result<bool> {
    let mut seen = rows.observe(key).await?;
    loop {
        let before: i64 = seen.value.as_ref().map_or(Ok(0), |row| row.value.parse())?;
        match rows.compare_and_apply(key, &seen.comparison, set(&(before + n).to_string()), conditions).await? {
            Applied::Conflict(_) if !conditions.is_empty() => return Ok(false),
            Applied::Conflict(current) => seen = current,
            _ => return Ok(true),
        }
        tokio::task::yield_now().await;
    }
}

async fn counting(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let rows = rows.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    add(&rows, "n", 1, &[]).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    holds(&rows, "n", Some("400")).await
}

/// Each task takes a ticket only while the gate is as it saw it; the gate is shut in between.
async fn tickets(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    put(&rows, "gate", "\"open\"").await?;
    let gate = condition(&rows, ROWS, "gate").await?;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (rows, gate) = (rows.clone(), gate.clone());
            tokio::spawn(async move {
                let mut taken = 0_i64;
                for _ in 0..50 {
                    taken += i64::from(add(&rows, "tickets", 1, std::slice::from_ref(&gate)).await?);
                }
                anyhow::Ok(taken)
            })
        })
        .collect();
    let mut taken = 0;
    for task in tasks {
        taken += task.await??;
    }
    ensure!(taken > 0, "nobody got a ticket");
    holds(&rows, "tickets", Some(&taken.to_string())).await?;
    stage.clock.advance(1);
    put(&rows, "gate", "\"open\"").await?;
    ensure!(!add(&rows, "tickets", 1, &[gate]).await?, "a ticket went through a gate that isn't the one that was seen");
    rows.lookup("gate").await?.context("the gate").map(drop)
}
