//! What only a place whose rows outlive the state can be asked: persistence, damage, schemas, modes.

use super::Rule;
use super::stage::{ROWS, Stage, State, Store, TESTER, equal, everything, holds, keys, open, put, refused, roomy, seen, set};
use anyhow::{Result, anyhow, ensure};
use plugbay_state::{Applied, Change, Clock, Code, Operation, Options, Overflow, Range, StateLimits, StateStore};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const RULES: &[Rule] = &[
    Rule::of_files(&["2.9", "2.10", "21.8"], "rows, ages and expiries are there after close and reopen", |stage| {
        Box::pin(persistence(stage))
    }),
    Rule::of_files(&["2.7", "2.9"], "tokens are good after close and reopen", |stage| Box::pin(tokens(stage))),
    Rule::of_files(&["2.1"], "options are pinned for the state's life, and a smaller namespace evicts what is too much", |stage| {
        Box::pin(smaller(stage))
    }),
    Rule::of_files(&["2.2 consume", "2.10", "21.3"], "consuming a corrupt row says so and doesn't lose it", |stage| {
        Box::pin(corrupt_consume(stage))
    }),
    Rule::of_files(&["2.2 lookup-many", "2.4"], "a corrupt row is its own position's error in lookup-many", |stage| {
        Box::pin(corrupt_many(stage))
    }),
    Rule::of_files(&["2.4"], "every operation that reads a corrupt value says corrupt and its own name", |stage| {
        Box::pin(corrupt_reads(stage))
    }),
    Rule::of_files(&["2.4"], "a corrupt row can be counted, exported, deleted and overwritten", |stage| Box::pin(corrupt_mended(stage))),
    Rule::of_files(&["2.4", "2.10", "21.8"], "a future schema is schema-unsupported of ensure-schema, and is left alone", |stage| {
        Box::pin(future_schema(stage))
    }),
    Rule::of_files(&["2.9", "2.10", "21.8"], "a probe never shows its value, whether it succeeds or fails", |stage| {
        Box::pin(probe_value(stage))
    }),
    Rule::of_files(
        &["2.9", "2.10"],
        "directory and files are the owner's alone, at open and after every write, delete and clear too",
        |stage| Box::pin(modes(stage)),
    ),
    Rule::of_files(&["2.10"], "30,000 writes to 100 stores, and the file is sound", |stage| Box::pin(integrity(stage))),
];

async fn persistence(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let rows = roomy(&state, ROWS).await?;
    let other = open(&state, "other", ROWS, Options::up_to(5)).await?;
    put(&rows, "é", "{\"a\": [1, \"é😀\"]}").await?;
    stage.clock.advance(1);
    rows.register("k", "1".into(), Some(500)).await?;
    rows.register("gone", "1".into(), Some(5)).await?;
    put(&rows, "deleted", "1").await?;
    rows.delete("deleted").await?;
    put(&other, "k", "2").await?;
    stage.clock.advance(5);
    let (before, entries) = (everything(&state).await?, rows.entries().await?);
    equal("rows", before.len(), 3)?;
    state.close().await;
    let state = stage.state()?;
    equal("rows", everything(&state).await?, before)?;
    equal("entries", roomy(&state, ROWS).await?.entries().await?, entries)?;
    stage.clock.advance(500);
    equal("swept", state.sweep().await?, 2)
}

async fn tokens(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let rows = roomy(&state, ROWS).await?;
    put(&rows, "k", "1").await?;
    let (there, absent) = (seen(&rows, "k").await?, seen(&rows, "l").await?);
    state.close().await;
    let rows = roomy(&stage.state()?, ROWS).await?;
    equal("there", rows.compare_and_apply("k", &there, set("2"), &[]).await?, Applied::Applied)?;
    equal("absent", rows.compare_and_apply("l", &absent, set("2"), &[]).await?, Applied::Applied)
}

async fn smaller(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let rows = open(&state, TESTER, ROWS, Options::up_to(5)).await?;
    for key in ["a", "b", "c", "d", "e"] {
        put(&rows, key, "1").await?;
    }
    state.close().await;
    let state = stage.state()?;
    let rows = open(&state, TESTER, ROWS, Options::up_to(3).overflow(Overflow::RejectNew)).await?;
    refused("full", rows.register("f", "1".into(), None).await, Code::LimitExceeded, Operation::Register)?;
    put(&rows, "a", "2").await?;
    state.close().await;
    let rows = open(&stage.state()?, TESTER, ROWS, Options::up_to(2)).await?;
    equal("opening evicts nothing", rows.count().await?, 5)?;
    put(&rows, "0", "1").await?;
    equal("what is left is what was written last", keys(&rows).await?, "a 0".into())
}

/// Rows `k` and `sound`, of which the first is corrupt.
async fn corrupt(stage: &Stage) -> Result<(State, Store)> {
    let state = stage.state()?;
    let rows = roomy(&state, ROWS).await?;
    put(&rows, "k", "\"a value\"").await?;
    put(&rows, "sound", "1").await?;
    stage.durable()?.corrupt(TESTER, ROWS, "k")?;
    Ok((state, rows))
}

async fn corrupt_consume(stage: &Stage) -> Result<()> {
    let (state, rows) = corrupt(stage).await?;
    let before = everything(&state).await?;
    for _ in 0..2 {
        refused("corrupt", rows.consume("k").await, Code::Corrupt, Operation::Consume)?;
        equal("rows", everything(&state).await?, before.clone())?;
    }
    equal("the sound one", rows.consume("sound").await?, Some("1".into()))?;
    ensure!(before.iter().any(|row| row.corrupt && row.value == "{\"broken"), "the export doesn't tell: {before:?}");
    Ok(())
}

async fn corrupt_many(stage: &Stage) -> Result<()> {
    let (_state, rows) = corrupt(stage).await?;
    let mut values = rows.lookup_many(&["sound".into(), "k".into(), "none".into(), "k".into(), "sound".into()]).await?.into_iter();
    let mut next = || values.next().ok_or_else(|| anyhow!("five keys, fewer answers"));
    equal("first", next()?, Ok(Some("1".into())))?;
    refused("second", next()?, Code::Corrupt, Operation::LookupMany)?;
    equal("third", next()?, Ok(None))?;
    refused("fourth", next()?, Code::Corrupt, Operation::LookupMany)?;
    equal("fifth", next()?, Ok(Some("1".into())))
}

async fn corrupt_reads(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let rows = roomy(&state, ROWS).await?;
    put(&rows, "k", "1").await?;
    let token = seen(&rows, "k").await?;
    stage.durable()?.corrupt(TESTER, ROWS, "k")?;
    let outcomes = [
        (Operation::Lookup, rows.lookup("k").await.map(drop)),
        (Operation::Consume, rows.consume("k").await.map(drop)),
        (Operation::Entries, rows.entries().await.map(drop)),
        (Operation::Range, rows.range(Range::first(5)).await.map(drop)),
        (Operation::Observe, rows.observe("k").await.map(drop)),
        (Operation::DeleteIfEqual, rows.delete_if_equal("k", "1").await.map(drop)),
        // It isn't what was seen, and what it is can't be shown.
        (Operation::CompareAndApply, rows.compare_and_apply("k", &token, Change::Delete, &[]).await.map(drop)),
    ];
    for (operation, outcome) in outcomes {
        let error = refused("corrupt", outcome, Code::Corrupt, operation)?;
        ensure!(!error.message.contains("broken"), "the error shows the value: {error}");
    }
    equal("the row is there", rows.count().await?, 1)
}

async fn corrupt_mended(stage: &Stage) -> Result<()> {
    let (state, rows) = corrupt(stage).await?;
    equal("counted and exported", (rows.count().await?, everything(&state).await?.len()), (2, 2))?;
    ensure!(!rows.register_if_absent("k", "2".into(), None).await?, "a corrupt row isn't absent");
    put(&rows, "k", "2").await?;
    holds(&rows, "k", Some("2")).await?;
    stage.durable()?.corrupt(TESTER, ROWS, "k")?;
    ensure!(rows.delete("k").await?, "a corrupt row wasn't deleted");
    holds(&rows, "k", None).await
}

async fn future_schema(stage: &Stage) -> Result<()> {
    stage.state()?.close().await;
    stage.durable()?.age_schema()?;
    for _ in 0..2 {
        let opened = stage.try_open(StateLimits::default(), stage.clock.clone());
        refused("a future schema", opened, Code::SchemaUnsupported, Operation::EnsureSchema)?;
    }
    stage.durable()?.check_integrity()
}

/// A clock that is two minutes later at each look: whatever lives for a minute is gone when it is read.
#[derive(Debug, Default)]
struct Hasty(AtomicU64);

impl Clock for Hasty {
    fn now(&self) -> u64 {
        self.0.fetch_add(120_000, Ordering::SeqCst)
    }
}

async fn probe_value(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    stage.durable()?.spy()?;
    let mut told = Vec::new();
    for (state, sound) in [(state, true), (stage.try_open(StateLimits::default(), Arc::new(Hasty::default()))?, false)] {
        let probe = state.probe().await;
        ensure!(probe.is_ok() == sound, "{probe:?}");
        told.push(format!("{probe:?}"));
        told.extend(probe.steps.iter().filter_map(|step| step.outcome.as_ref().err().map(ToString::to_string)));
    }
    let values = stage.durable()?.spied()?;
    ensure!(values.len() >= 2, "the probe wrote {} values", values.len());
    for value in values {
        let bare = value.trim_matches('"');
        ensure!(bare.len() > 2 && !told.iter().any(|text| text.contains(bare)), "{bare:?} is in {told:?}");
    }
    Ok(())
}

async fn modes(stage: &Stage) -> Result<()> {
    let (state, durable) = (stage.state()?, stage.durable()?);
    let rows = roomy(&state, ROWS).await?;
    let tight = |after: &str| equal(&format!("open to others after {after}"), durable.loose()?, vec![]);
    tight("opening")?;
    put(&rows, "k", "1").await?;
    tight("the first write")?;
    for (after, write) in [
        ("register", rows.register("k", "1".into(), None)),
        ("delete", Box::pin(async { rows.delete("k").await.map(drop) })),
        ("if-absent", Box::pin(async { rows.register_if_absent("k", "1".into(), None).await.map(drop) })),
        ("consume", Box::pin(async { rows.consume("k").await.map(drop) })),
        ("clear", rows.clear()),
    ] {
        durable.loosen()?;
        write.await?;
        // The directory is tightened when it is opened.
        let loose: Vec<_> = durable.loose()?.into_iter().filter(|path| path.is_file()).collect();
        equal(&format!("open to others after {after}"), loose, vec![])?;
    }
    durable.loosen()?;
    drop(stage.state()?);
    tight("opening again")
}

async fn integrity(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let tasks: Vec<_> = (0..10).map(|task| tokio::spawn(work_on_ten_stores(state.clone(), task))).collect();
    for task in tasks {
        task.await??;
    }
    let usage = state.usage().await?;
    let there = everything(&state).await?.len() as u64;
    equal("namespaces and rows", (usage.len(), usage.iter().map(|usage| usage.rows).sum()), (100, there))?;
    state.close().await;
    stage.durable()?.check_integrity()
}

async fn work_on_ten_stores(state: Arc<dyn StateStore>, task: usize) -> Result<()> {
    for store in 0..10 {
        let rows = open(&state, &format!("plugin-{task}-{store}"), ROWS, Options::up_to(20)).await?;
        for n in 0..100 {
            put(&rows, &format!("k{}", n % 30), &super::stage::text(20 + n)).await?;
            rows.consume(&format!("k{}", n % 7)).await?;
            rows.register_if_absent(&format!("k{}", n % 11), "1".into(), Some(1 + n as u64)).await?;
        }
    }
    Ok(())
}
