//! `host-import`: what one call of the host costs a guest, against the least that a raw linker function can do for the same answer.
//!
//! A guest calls the import 5,000 times within one call; the call without any is taken off, on both sides. Three imports: a setting by name
//! (a string in, a string out), a log line below the level that is kept (a string in), and the question whether such a line would be kept
//! (nothing but the call itself).

use super::hook_call::{context, raw_tool_call};
use super::raw::Cell;
use super::raw::wire::exports::plugbay::plugin::before_tool_call::{Event, Guest};
use super::raw::wire::plugbay::plugin::types::CallContext;
use super::rounds::{Compared, per};
use super::row::Row;
use super::stage::{Stage, Told};
use crate::lab::tool_call;
use anyhow::Result;
use plugbay_runtime::{BeforeToolCall, Call, Fired};
use serde_json::json;
use std::time::{Duration, Instant};

/// Host calls of one call: half of what it may make.
const IMPORTS: u32 = 5_000;

/// Calls in a row.
const BATCH: u32 = 8;

pub(super) async fn imports(rounds: usize) -> Result<Vec<Row>> {
    let stage = Stage::bench_guest().await?;
    let baseline = "raw linker function";
    Ok(vec![
        compare(&stage, "get", rounds).await?.row(("host-import", "ns"), baseline, 1.3).note("`config.get`, of 19 characters"),
        compare(&stage, "write", rounds)
            .await?
            .row(("host-import-log", "ns"), baseline, 1.3)
            .note("`log.write` below the level that is kept"),
        compare(&stage, "enabled", rounds).await?.row(("host-import-log-enabled", "ns"), baseline, 1.3).note("`log.enabled`: a bare call"),
    ])
}

async fn compare(stage: &Stage, import: &str, rounds: usize) -> Result<Compared> {
    let (none, many) = (format!("{import}:0"), format!("{import}:{IMPORTS}"));
    let call = Call::new();
    let (idle, busy) = (tool_call(&none, &json!({})), tool_call(&many, &json!({})));
    let ours = async || {
        let without = ours(stage, &call, &idle).await?;
        let with = ours(stage, &call, &busy).await?;
        Ok(per(with.saturating_sub(without), BATCH * IMPORTS))
    };
    let mut cell = stage.maker.cell(&stage.activation).await?;
    let hook = stage.maker.tool_call()?.load(&mut cell.store, &cell.instance)?;
    let context = context::<BeforeToolCall>(Told::Cause);
    let (idle, busy) = (raw_tool_call(&none, "{}"), raw_tool_call(&many, "{}"));
    let raw = async || {
        let without = raw(&mut cell, &hook, &context, &idle).await?;
        let with = raw(&mut cell, &hook, &context, &busy).await?;
        Ok(per(with.saturating_sub(without), BATCH * IMPORTS))
    };
    Compared::measure(rounds, ours, raw).await
}

async fn ours(stage: &Stage, call: &Call, event: &Fired<BeforeToolCall>) -> Result<Duration> {
    let start = Instant::now();
    for _ in 0..BATCH {
        stage.plugin.call(call, event).await?;
    }
    Ok(start.elapsed())
}

async fn raw(cell: &mut Cell, hook: &Guest, context: &CallContext, event: &Event) -> Result<Duration> {
    let start = Instant::now();
    for _ in 0..BATCH {
        hook.call_handle(&mut cell.store, context, event).await?.map_err(anyhow::Error::msg)?;
    }
    Ok(start.elapsed())
}
