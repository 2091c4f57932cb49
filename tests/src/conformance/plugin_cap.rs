//! A plugin's own caps, over all its namespaces.

use super::Rule;
use super::stage::{Stage, State, Store, TESTER, count, equal, everything, holds, keys, open, put, refused, roomy, seen, set, text};
use anyhow::{Result, ensure};
use plugbay_state::{Code, Limit, Operation, Options, Overflow, Owner, StateLimits};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        &["2.3", "2.6", "2.10", "21.6"],
        "at 1,000 rows a new row in a namespace with room is refused, and nothing else changes",
        |stage| Box::pin(refused_at_cap(stage)),
    ),
    Rule::new(&["2.6", "2.10", "21.6"], "at 1,000 rows a full evict-oldest namespace takes a new row for its oldest", |stage| {
        Box::pin(evicts_at_cap(stage))
    }),
    Rule::new(&["2.6", "2.10"], "at 1,000 rows every row can be updated, and what goes makes room", |stage| {
        Box::pin(updates_at_cap(stage))
    }),
    Rule::new(&["2.6", "21.6"], "a plugin's cap is no other plugin's", |stage| Box::pin(others_at_cap(stage))),
    Rule::new(&["2.6"], "a plugin's bytes are limited, and nothing is evicted for a row that doesn't fit", |stage| Box::pin(bytes(stage))),
];

/// A plugin with 1,000 rows: ten namespaces that are full with a hundred each.
async fn full(stage: &Stage) -> Result<(State, Vec<Store>)> {
    let state = stage.state()?;
    let mut stores = Vec::new();
    for namespace in 0..10 {
        let rows = open(&state, TESTER, &format!("n{namespace}"), Options::up_to(100)).await?;
        for n in 0..100 {
            put(&rows, &format!("k{n:02}"), "1").await?;
        }
        stores.push(rows);
    }
    Ok((state, stores))
}

async fn refused_at_cap(stage: &Stage) -> Result<()> {
    let (state, _) = full(stage).await?;
    let roomy = roomy(&state, "room").await?;
    let rejecting = open(&state, TESTER, "rejecting", Options::up_to(5).overflow(Overflow::RejectNew)).await?;
    let before = everything(&state).await?;
    equal("rows", before.len(), 1_000)?;
    for rows in [&roomy, &rejecting] {
        let token = seen(rows, "new").await?;
        let outcomes = [
            (Operation::Register, rows.register("new", "1".into(), None).await),
            (Operation::RegisterIfAbsent, rows.register_if_absent("new", "1".into(), None).await.map(drop)),
            (Operation::CompareAndApply, rows.compare_and_apply("new", &token, set("1"), &[]).await.map(drop)),
        ];
        for (operation, outcome) in outcomes {
            let error = refused("row 1,001", outcome, Code::LimitExceeded, operation)?;
            let overrun = error.overrun.map(|overrun| (overrun.limit, overrun.observed, overrun.allowed));
            equal("what was reached", overrun, Some((Limit::Rows, 1_001, 1_000)))?;
        }
    }
    ensure!(everything(&state).await? == before, "rows of the plugin changed");
    Ok(())
}

async fn evicts_at_cap(stage: &Stage) -> Result<()> {
    let (state, stores) = full(stage).await?;
    stage.clock.advance(1);
    for rows in &stores {
        put(rows, "new", "2").await?;
        holds(rows, "new", Some("2")).await?;
        holds(rows, "k00", None).await?;
        holds(rows, "k01", Some("1")).await?;
        equal("rows", rows.count().await?, 100)?;
    }
    equal("rows of the plugin", everything(&state).await?.len(), 1_000)
}

async fn updates_at_cap(stage: &Stage) -> Result<()> {
    let (state, stores) = full(stage).await?;
    for rows in &stores {
        put(rows, "k50", "[\"longer than it was\"]").await?;
    }
    let room = roomy(&state, "room").await?;
    refused("row 1,001", room.register("new", "1".into(), None).await, Code::LimitExceeded, Operation::Register)?;
    for rows in stores.iter().take(1) {
        rows.delete("k50").await?;
    }
    put(&room, "new", "1").await?;
    put(&room, "new", "2").await?;
    refused("row 1,001 again", room.register("newer", "1".into(), None).await, Code::LimitExceeded, Operation::Register)?;
    equal("left", keys(&room).await?, "new".into())
}

async fn others_at_cap(stage: &Stage) -> Result<()> {
    let (state, _) = full(stage).await?;
    let other = open(&state, "other", "n0", Options::up_to(100)).await?;
    put(&other, "k", "1").await?;
    equal("purged", state.purge(&Owner::new(TESTER)?).await?, 1_000)?;
    holds(&other, "k", Some("1")).await?;
    equal("namespaces", state.usage().await?.into_iter().map(|usage| (usage.owner, usage.rows)).collect(), vec![(Owner::new("other")?, 1)])
}

async fn bytes(stage: &Stage) -> Result<()> {
    let state = stage.state_with(StateLimits { total: count(300)?, ..StateLimits::default() })?;
    let (sibling, full) = (roomy(&state, "sibling").await?, open(&state, TESTER, "full", Options::up_to(2)).await?);
    put(&sibling, "k", &text(100)).await?;
    put(&full, "a", &text(100)).await?;
    put(&full, "b", &text(100)).await?;
    let before = everything(&state).await?;
    for (rows, key) in [(&sibling, "new"), (&sibling, "k"), (&full, "a"), (&full, "c")] {
        let outcome = rows.register(key, text(101), None).await;
        let error = refused(key, outcome, Code::LimitExceeded, Operation::Register)?;
        equal("limit", error.overrun.map(|overrun| (overrun.limit, overrun.allowed)), Some((Limit::Total, 300)))?;
    }
    ensure!(everything(&state).await? == before, "rows of the plugin changed");
    // In the place of its oldest a row of the same size fits.
    put(&full, "c", &text(100)).await?;
    put(&sibling, "k", &text(100)).await?;
    equal("left", keys(&full).await?, "b c".into())
}
