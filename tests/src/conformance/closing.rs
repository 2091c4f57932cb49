//! Closing, and the probe.

use super::Rule;
use super::stage::{ROWS, Stage, equal, everything, put, refused, roomy};
use anyhow::{Result, ensure};
use plugbay_state::{Code, Operation, StateError};
use std::time::Duration;

pub(super) const RULES: &[Rule] = &[
    Rule::new(&["2.9", "2.10", "21.8"], "closing twice is fine, at once too", |stage| Box::pin(twice(stage))),
    Rule::new(&["2.9", "2.10", "21.8"], "a write during close is committed or fails with unavailable", |stage| Box::pin(during(stage))),
    Rule::new(&["2.9", "2.10", "21.8"], "a probe writes, reads and deletes, and leaves nothing", |stage| Box::pin(probe(stage))),
    Rule::new(&["2.9"], "a probe takes nothing of any plugin's room", |stage| Box::pin(probe_beside(stage))),
];

async fn twice(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let rows = roomy(&state, ROWS).await?;
    put(&rows, "k", "1").await?;
    tokio::join!(state.close(), state.close());
    state.close().await;
    refused("closed", rows.lookup("k").await, Code::Unavailable, Operation::Lookup).map(drop)
}

/// Writes until it is told that the state is closed; answers what was acknowledged.
async fn write_until_closed(rows: super::stage::Store, task: usize) -> Result<Vec<String>, StateError> {
    let mut acknowledged = Vec::new();
    for n in 0..100_000 {
        let key = format!("{task}-{}", n % 20);
        match rows.register(&key, n.to_string(), None).await {
            Ok(()) => acknowledged.push(format!("{key}={n}")),
            Err(error) if error.code == Code::Unavailable && error.operation == Operation::Register => return Ok(acknowledged),
            Err(error) => return Err(error),
        }
        tokio::task::yield_now().await;
    }
    Ok(acknowledged)
}

async fn during(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let rows = roomy(&state, ROWS).await?;
    let tasks: Vec<_> = (0..8).map(|task| tokio::spawn(write_until_closed(rows.clone(), task))).collect();
    tokio::time::sleep(Duration::from_millis(30)).await;
    state.close().await;
    let mut last = std::collections::BTreeMap::new();
    for task in tasks {
        let acknowledged = task.await??;
        ensure!(acknowledged.len() < 100_000, "the close went unnoticed");
        last.extend(acknowledged.iter().filter_map(|write| write.split_once('=')).map(|(key, n)| (key.to_owned(), n.to_owned())));
    }
    ensure!(!last.is_empty(), "nobody wrote anything before the close");
    if stage.durable().is_err() {
        return Ok(());
    }
    let state = stage.state()?;
    let there = everything(&state).await?.into_iter().map(|row| (row.id.key, row.value)).collect();
    equal("what was acknowledged last", there, last)?;
    state.close().await;
    stage.durable()?.check_integrity()
}

async fn probe(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    for _ in 0..2 {
        let probe = state.probe().await;
        ensure!(probe.is_ok(), "{probe:?}");
        let steps: Vec<_> = probe.steps.iter().map(|step| step.name).collect();
        ensure!(steps.ends_with(&["write", "read", "delete"]), "{steps:?}");
    }
    equal("rows", everything(&state).await?, vec![])?;
    equal("rows of namespaces", state.usage().await?.into_iter().map(|usage| usage.rows + usage.expired).sum(), 0)
}

async fn probe_beside(stage: &Stage) -> Result<()> {
    let state = stage.state_of(1)?;
    let rows = roomy(&state, ROWS).await?;
    put(&rows, "k", "1").await?;
    let before = everything(&state).await?;
    let probe = state.probe().await;
    ensure!(probe.is_ok(), "{probe:?}");
    equal("rows", everything(&state).await?, before)
}
