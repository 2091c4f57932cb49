//! Time: when a row is dead, when it is deleted, and clocks that run backwards.

use super::Rule;
use super::stage::{ROWS, Stage, State, Store, TESTER, count, equal, get, holds, keys, open, put, roomy, seen};
use anyhow::{Result, ensure};
use plugbay_state::{Options, Overflow, Owner, Range};

pub(super) const RULES: &[Rule] = &[
    Rule::new(&["2.5", "2.10", "21.4"], "a row is live while its expiry is later than now, and dead when it is now", |stage| {
        Box::pin(strict(stage))
    }),
    Rule::new(&["2.5"], "a row's own ttl goes before the namespace's; without both it lives for ever", |stage| Box::pin(defaults(stage))),
    Rule::new(&["2.5", "2.10", "21.4"], "2,050 expired rows are swept as 1,024, 1,024, 2 and 0", |stage| Box::pin(sweeps(stage))),
    Rule::new(&["2.5"], "sweeping deletes first what expired first, of all plugins, and nothing live", |stage| {
        Box::pin(sweep_order(stage))
    }),
    Rule::new(&["2.5"], "a write deletes 1,024 expired rows of its namespace, and of no other", |stage| Box::pin(cleanup(stage))),
    Rule::new(&["2.5", "21.2"], "if-absent replaces its own expired key beyond the cleanup's batch", |stage| Box::pin(beyond_batch(stage))),
    Rule::new(&["2.5", "2.6"], "expired rows beyond the batch take up no room", |stage| Box::pin(no_room_taken(stage))),
    Rule::new(&["2.5", "21.4"], "a clock that runs backwards loses nothing", |stage| Box::pin(backwards(stage))),
    Rule::new(&["2.5", "21.4"], "a clock that ran backwards makes no new row the oldest", |stage| Box::pin(backwards_age(stage))),
    Rule::new(&["2.5", "21.4"], "what expires after the clock ran backwards is deleted all the same", |stage| {
        Box::pin(backwards_cleanup(stage))
    }),
];

async fn strict(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    rows.register("k", "1".into(), Some(100)).await?;
    put(&rows, "other", "1").await?;
    for (now, value) in [(1_000, Some("1")), (1_099, Some("1")), (1_100, None), (1_101, None)] {
        stage.clock.set(now);
        let there = usize::from(value.is_some());
        holds(&rows, "k", value).await?;
        let many = rows.lookup_many(&["k".into()]).await?;
        equal("many", many, vec![Ok(value.map(str::to_owned))])?;
        let counts = (rows.count().await?, rows.entries().await?.len(), rows.range(Range::first(10)).await?.entries.len());
        equal("rows", counts, (1 + there as u64, 1 + there, 1 + there))?;
        equal("observed", rows.observe("k").await?.value.map(|row| row.expires_at), value.map(|_| Some(1_100)))?;
    }
    Ok(())
}

async fn defaults(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let short = open(&state, TESTER, "short", Options::up_to(10).default_ttl(50)).await?;
    let forever = roomy(&state, "forever").await?;
    for rows in [&short, &forever] {
        put(rows, "default", "1").await?;
        rows.register("own", "1".into(), Some(500)).await?;
        rows.register_if_absent("absent", "1".into(), None).await?;
        rows.compare_and_apply("applied", &seen(rows, "applied").await?, super::stage::set("1"), &[]).await?;
    }
    stage.clock.advance(50);
    equal("after the default", (keys(&short).await?, forever.count().await?), ("own".into(), 4))?;
    stage.clock.set(plugbay_state::MAX_TIME);
    equal("at the end of time", (short.count().await?, keys(&forever).await?), (0, "absent applied default".into()))
}

/// So many rows; each expires a millisecond after the one before.
async fn expiring(rows: &Store, n: u64) -> Result<()> {
    for n in 1..=n {
        rows.register(&format!("k{n}"), "1".into(), Some(n)).await?;
    }
    Ok(())
}

/// Rows that have expired and are still there.
async fn dead(state: &State, owner: &str, namespace: &str) -> Result<u64> {
    let usage = state.usage().await?;
    let wanted = usage.into_iter().find(|usage| usage.owner.as_str() == owner && usage.namespace == namespace);
    Ok(wanted.map_or(0, |usage| usage.expired))
}

async fn sweeps(stage: &Stage) -> Result<()> {
    let state = stage.state_of(5_000)?;
    let rows = roomy(&state, ROWS).await?;
    expiring(&rows, 2_050).await?;
    put(&rows, "live", "1").await?;
    equal("before they expire", state.sweep().await?, 0)?;
    stage.clock.set(10_000);
    for expected in [1_024, 1_024, 2, 0] {
        equal("swept", state.sweep().await?, expected)?;
    }
    equal("left", (keys(&rows).await?, dead(&state, TESTER, ROWS).await?), ("live".into(), 0))
}

/// What was swept shows when the clock goes back to before anything expired.
async fn sweep_order(stage: &Stage) -> Result<()> {
    let state = stage.state_of(5_000)?;
    let (one, two) = (roomy(&state, ROWS).await?, open(&state, "other", ROWS, Options::up_to(5_000)).await?);
    for n in (1..=1_030_u64).rev() {
        let rows = if n % 2 == 0 { &one } else { &two };
        rows.register(&format!("k{n}"), "1".into(), Some(n)).await?;
    }
    two.register("later", "1".into(), Some(100_000)).await?;
    stage.clock.set(10_000);
    equal("swept", state.sweep().await?, 1_024)?;
    stage.clock.set(1_000);
    let left = (keys(&one).await?, keys(&two).await?);
    equal("left", left, ("k1026 k1028 k1030".into(), "k1025 k1027 k1029 later".into()))
}

async fn cleanup(stage: &Stage) -> Result<()> {
    let state = stage.state_of(5_000)?;
    let (rows, sibling) = (roomy(&state, ROWS).await?, roomy(&state, "sibling").await?);
    let other = open(&state, "other", ROWS, Options::up_to(10)).await?;
    expiring(&rows, 1_100).await?;
    expiring(&sibling, 3).await?;
    expiring(&other, 3).await?;
    stage.clock.set(10_000);
    equal("reading deletes nothing", (get(&rows, "k1").await?, dead(&state, TESTER, ROWS).await?), (None, 1_100))?;
    put(&rows, "new", "1").await?;
    equal("after a write", dead(&state, TESTER, ROWS).await?, 76)?;
    rows.compare_and_apply("new", &seen(&rows, "new").await?, plugbay_state::Change::Keep, &[]).await?;
    equal("after a second", dead(&state, TESTER, ROWS).await?, 0)?;
    let others = (dead(&state, TESTER, "sibling").await?, dead(&state, "other", ROWS).await?);
    equal("of others", others, (3, 3))
}

async fn beyond_batch(stage: &Stage) -> Result<()> {
    let state = stage.state_of(5_000)?;
    let rows = roomy(&state, ROWS).await?;
    expiring(&rows, 1_500).await?;
    rows.register("key", "\"old\"".into(), Some(2_000)).await?;
    stage.clock.set(10_000);
    ensure!(rows.register_if_absent("key", "\"new\"".into(), None).await?, "the expired key was taken for a live one");
    holds(&rows, "key", Some("\"new\"")).await?;
    ensure!(!rows.register_if_absent("key", "\"newer\"".into(), None).await?, "the live key was taken for an expired one");
    equal("live", keys(&rows).await?, "key".into())
}

async fn no_room_taken(stage: &Stage) -> Result<()> {
    let state = stage.state_of(3_000)?;
    let reject = open(&state, TESTER, "reject", Options::up_to(1_100).overflow(Overflow::RejectNew)).await?;
    let evict = open(&state, TESTER, "evict", Options::up_to(1_101)).await?;
    expiring(&reject, 1_100).await?;
    put(&evict, "live", "1").await?;
    expiring(&evict, 1_100).await?;
    stage.clock.set(10_000);
    put(&reject, "new", "1").await?;
    put(&evict, "new", "1").await?;
    equal("live", (keys(&reject).await?, keys(&evict).await?), ("new".into(), "live new".into()))?;
    // Nor does what has expired in a sibling count for the plugin.
    let small = stage.elsewhere()?;
    let state = small.state_with(plugbay_state::StateLimits { rows: count(1_100)?, ..Default::default() })?;
    let (full, other) = (roomy(&state, "full").await?, roomy(&state, "other").await?);
    expiring(&full, 1_100).await?;
    small.clock.set(10_000);
    put(&other, "new", "1").await
}

async fn backwards(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(3)).await?;
    stage.clock.set(50_000);
    put(&rows, "a", "1").await?;
    rows.register("b", "2".into(), Some(100)).await?;
    stage.clock.set(1_000);
    holds(&rows, "a", Some("1")).await?;
    holds(&rows, "b", Some("2")).await?;
    put(&rows, "c", "3").await?;
    equal("rows", keys(&rows).await?, "a b c".into())?;
    ensure!(!rows.register_if_absent("a", "9".into(), None).await?, "the row from the future isn't seen");
    // Dead and not yet deleted: with the clock it is back.
    stage.clock.set(50_100);
    holds(&rows, "b", None).await?;
    stage.clock.set(50_099);
    holds(&rows, "b", Some("2")).await?;
    equal("consumed", rows.consume("a").await?, Some("1".into()))
}

async fn backwards_age(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(3)).await?;
    for (now, key) in [(50_000, "z"), (50_000, "y"), (1_000, "x")] {
        stage.clock.set(now);
        put(&rows, key, "1").await?;
    }
    equal("ages", keys(&rows).await?, "y z x".into())?;
    put(&rows, "w", "1").await?;
    equal("the oldest went", keys(&rows).await?, "z x w".into())?;
    put(&rows, "z", "2").await?;
    put(&rows, "v", "1").await?;
    equal("an update made a row youngest", keys(&rows).await?, "w z v".into())?;
    let ages: Vec<u64> = rows.entries().await?.into_iter().map(|entry| entry.created_at).collect();
    ensure!(ages.is_sorted() && ages.first() >= Some(&50_000), "ages ran backwards: {ages:?}");
    Ok(())
}

async fn backwards_cleanup(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let rows = roomy(&state, ROWS).await?;
    stage.clock.set(50_000);
    put(&rows, "a", "1").await?;
    stage.clock.set(1_000);
    rows.register("b", "1".into(), Some(10)).await?;
    equal("its expiry is by the clock", rows.observe("b").await?.value.map(|row| row.expires_at), Some(Some(1_010)))?;
    stage.clock.set(1_010);
    put(&rows, "c", "1").await?;
    equal("left", (dead(&state, TESTER, ROWS).await?, keys(&rows).await?), (0, "a c".into()))?;
    equal("nothing to sweep", state.sweep().await?, 0)?;
    equal("purged", state.purge(&Owner::new(TESTER)?).await?, 2)
}
