//! Full namespaces: which row goes, and when none may come.

use super::Rule;
use super::stage::{ROWS, Stage, TESTER, equal, holds, keys, open, put, refused, roomy, seen, set};
use anyhow::{Result, ensure};
use plugbay_state::{Applied, Code, Limit, Operation, Options, Overflow};

pub(super) const RULES: &[Rule] = &[
    Rule::new(&["2.6", "2.10", "21.5"], "the oldest row is evicted", |stage| Box::pin(oldest(stage))),
    Rule::new(&["2.6", "21.5"], "of rows of one age the first by key is evicted", |stage| Box::pin(ties(stage))),
    Rule::new(&["2.6", "21.5"], "the row just written is never evicted", |stage| Box::pin(just_written(stage))),
    Rule::new(&["2.6", "21.2"], "an update makes a row the youngest", |stage| Box::pin(update_is_young(stage))),
    Rule::new(&["2.6"], "an update of a full namespace evicts nothing", |stage| Box::pin(update_evicts_nothing(stage))),
    Rule::new(&["2.6"], "expired rows go before live ones", |stage| Box::pin(expired_first(stage))),
    Rule::new(&["2.6", "2.7"], "if-absent and compare-and-apply evict as register does", |stage| Box::pin(every_write_evicts(stage))),
    Rule::new(&["2.6", "21.6"], "eviction leaves sibling namespaces and other plugins alone", |stage| Box::pin(siblings(stage))),
    Rule::new(&["2.6", "21.5"], "reject-new refuses a new row, and nothing is written", |stage| Box::pin(reject_new(stage))),
    Rule::new(&["2.6", "21.5"], "reject-new keeps updates working", |stage| Box::pin(reject_updates(stage))),
    Rule::new(&["2.6"], "reject-new takes a new row for one that went or expired", |stage| Box::pin(reject_room(stage))),
    Rule::new(&["2.6"], "64 writers at once leave no more rows than there may be", |stage| Box::pin(crowd(stage))),
];

async fn oldest(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(3)).await?;
    for key in ["c", "b", "a", "d", "0"] {
        stage.clock.advance(1);
        put(&rows, key, "1").await?;
    }
    equal("left", keys(&rows).await?, "a d 0".into())
}

async fn ties(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(3)).await?;
    for key in ["c", "a", "b"] {
        put(&rows, key, "1").await?;
    }
    for (key, left) in [("z", "b c z"), ("y", "c y z"), ("x", "x y z")] {
        put(&rows, key, "1").await?;
        equal(&format!("after {key}"), keys(&rows).await?, left.into())?;
    }
    Ok(())
}

async fn just_written(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(3)).await?;
    for key in ["b", "c", "d", "a"] {
        put(&rows, key, "1").await?;
    }
    // All of one age, and it is the first by key.
    equal("left", keys(&rows).await?, "a c d".into())?;
    let elsewhere = stage.elsewhere()?;
    let one = elsewhere.rows(Options::up_to(1)).await?;
    for key in ["z", "a", "m"] {
        put(&one, key, "1").await?;
        equal("the only row", keys(&one).await?, key.into())?;
    }
    Ok(())
}

async fn update_is_young(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(3)).await?;
    // All within one moment.
    for key in ["a", "b", "c", "a", "d"] {
        put(&rows, key, "1").await?;
    }
    equal("left", keys(&rows).await?, "c a d".into())?;
    // An update of the same value counts, one that if-absent declined doesn't.
    put(&rows, "c", "1").await?;
    ensure!(!rows.register_if_absent("a", "2".into(), None).await?, "a live row was replaced");
    put(&rows, "e", "1").await?;
    equal("left", keys(&rows).await?, "d c e".into())
}

async fn update_evicts_nothing(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(2)).await?;
    for key in ["a", "b", "a", "b", "b", "a"] {
        put(&rows, key, "1").await?;
    }
    equal("rows", rows.count().await?, 2)?;
    rows.compare_and_apply("a", &seen(&rows, "a").await?, set("3"), &[]).await?;
    equal("rows", rows.count().await?, 2)
}

async fn expired_first(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(2)).await?;
    put(&rows, "old", "1").await?;
    stage.clock.advance(1);
    rows.register("young", "1".into(), Some(10)).await?;
    stage.clock.advance(10);
    put(&rows, "new", "1").await?;
    equal("left", keys(&rows).await?, "old new".into())
}

async fn every_write_evicts(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(2)).await?;
    for key in ["a", "b"] {
        stage.clock.advance(1);
        put(&rows, key, "1").await?;
    }
    stage.clock.advance(1);
    ensure!(rows.register_if_absent("c", "1".into(), None).await?, "not written");
    equal("left", keys(&rows).await?, "b c".into())?;
    stage.clock.advance(1);
    let applied = rows.compare_and_apply("d", &seen(&rows, "d").await?, set("1"), &[]).await?;
    equal("applied", applied, Applied::Applied)?;
    equal("left", keys(&rows).await?, "c d".into())?;
    // An observed row that is evicted is no more what it was.
    let gone = seen(&rows, "c").await?;
    put(&rows, "e", "1").await?;
    let applied = rows.compare_and_apply("c", &gone, set("2"), &[]).await?;
    equal("what is there", super::stage::conflict("evicted", applied)?.value, None)
}

async fn siblings(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let (rows, sibling) = (open(&state, TESTER, ROWS, Options::up_to(1)).await?, roomy(&state, "sibling").await?);
    let other = open(&state, "other", ROWS, Options::up_to(5)).await?;
    for key in ["a", "b"] {
        put(&sibling, key, "1").await?;
        put(&other, key, "1").await?;
    }
    for key in ["a", "b", "c"] {
        stage.clock.advance(1);
        put(&rows, key, "1").await?;
    }
    let left = (keys(&rows).await?, keys(&sibling).await?, keys(&other).await?);
    equal("left", left, ("c".into(), "a b".into(), "a b".into()))
}

async fn reject_new(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(2).overflow(Overflow::RejectNew)).await?;
    put(&rows, "a", "1").await?;
    put(&rows, "b", "2").await?;
    let before = rows.entries().await?;
    stage.clock.advance(1);
    let token = seen(&rows, "c").await?;
    let outcomes = [
        (Operation::Register, rows.register("c", "3".into(), None).await),
        (Operation::RegisterIfAbsent, rows.register_if_absent("c", "3".into(), None).await.map(drop)),
        (Operation::CompareAndApply, rows.compare_and_apply("c", &token, set("3"), &[]).await.map(drop)),
    ];
    for (operation, outcome) in outcomes {
        let error = refused("a third row", outcome, Code::LimitExceeded, operation)?;
        let overrun = error.overrun.map(|overrun| (overrun.limit, overrun.observed, overrun.allowed));
        equal("what was reached", overrun, Some((Limit::Entries, 3, 2)))?;
    }
    equal("rows", rows.entries().await?, before)
}

async fn reject_updates(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(2).overflow(Overflow::RejectNew)).await?;
    put(&rows, "a", "1").await?;
    put(&rows, "b", "2").await?;
    put(&rows, "a", "3").await?;
    ensure!(!rows.register_if_absent("b", "9".into(), None).await?, "a live row was replaced");
    rows.compare_and_apply("b", &seen(&rows, "b").await?, set("4"), &[]).await?;
    holds(&rows, "a", Some("3")).await?;
    holds(&rows, "b", Some("4")).await
}

async fn reject_room(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(2).overflow(Overflow::RejectNew)).await?;
    rows.register("a", "1".into(), Some(10)).await?;
    put(&rows, "b", "1").await?;
    refused("full", rows.register("c", "1".into(), None).await, Code::LimitExceeded, Operation::Register)?;
    stage.clock.advance(10);
    put(&rows, "c", "1").await?;
    refused("full again", rows.register("a", "1".into(), None).await, Code::LimitExceeded, Operation::Register)?;
    rows.consume("b").await?;
    put(&rows, "a", "1").await?;
    equal("rows", keys(&rows).await?, "a c".into())
}

async fn crowd(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let evict = open(&state, TESTER, "evict", Options::up_to(10)).await?;
    let reject = open(&state, TESTER, "reject", Options::up_to(10).overflow(Overflow::RejectNew)).await?;
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let (evict, reject) = (evict.clone(), reject.clone());
            tokio::spawn(async move {
                evict.register(&format!("k{n}"), "1".into(), None).await?;
                Ok::<_, plugbay_state::StateError>(reject.register(&format!("k{n}"), "1".into(), None).await)
            })
        })
        .collect();
    let mut written = 0;
    for task in tasks {
        match task.await?? {
            Ok(()) => written += 1,
            full => drop(refused("an eleventh", full, Code::LimitExceeded, Operation::Register)?),
        }
    }
    equal("rows", (evict.count().await?, reject.count().await?, written), (10, 10, 10))
}
