//! `fresh-cell`: a call under isolation `call` (a new cell, `activate`, the hook, the cell's end), against the same steps raw, from the same pool.
//!
//! Twice: with an ordinary Rust plugin, which reads its settings in `activate`, and with the smallest component that there can be, where no work of
//! the guest's hides what the host does.

use super::hook_call::{context, raw_tool_call};
use super::rounds::{Compared, nanos_each};
use super::row::Row;
use super::stage::{Stage, Told};
use crate::lab::tool_call;
use anyhow::Result;
use plugbay_guests::{built, odd};
use plugbay_runtime::BeforeToolCall;
use plugbay_runtime::engine::Isolation;
use serde_json::{Map, json};
use std::hint::black_box;
use std::time::Instant;

/// Cells in a row.
const BATCH: u32 = 200;

/// What the bench guest does nothing for.
const NOTHING: &str = "get:0";

pub(super) async fn fresh(rounds: usize) -> Result<Vec<Row>> {
    let ordinary = Stage::built("bench-guest", built::BENCH_GUEST, Map::new(), Isolation::Call).await?;
    let smallest = odd::Odd::new("smallest").describe(r#"{"isolation":["call"]}"#).build();
    let smallest = Stage::of("smallest", &smallest, Map::new(), Isolation::Call).await?;
    let baseline = "raw pooled store + instantiate + the same calls";
    Ok(vec![
        compare(&ordinary, rounds).await?.row(("fresh-cell", "ns"), baseline, 1.5).note("an ordinary Rust plugin"),
        compare(&smallest, rounds).await?.row(("fresh-cell-bare", "ns"), baseline, 1.5).note("the smallest component, which does nothing"),
    ])
}

async fn compare(stage: &Stage, rounds: usize) -> Result<Compared> {
    let told = Told::Everything;
    let (call, event) = (told.ours(), tool_call(NOTHING, &json!({ "command": "ls" })));
    let ours = async || {
        let start = Instant::now();
        for _ in 0..BATCH {
            black_box(stage.plugin.call(&call, &event).await?);
        }
        Ok(nanos_each(start, BATCH))
    };
    let hook = stage.maker.tool_call()?;
    let (mut context, talk) = (context::<BeforeToolCall>(told), told.talk());
    let event = raw_tool_call(NOTHING, r#"{"command":"ls"}"#);
    let raw = async || {
        let start = Instant::now();
        for _ in 0..BATCH {
            let mut cell = stage.maker.cell(&stage.activation).await?;
            let hook = hook.load(&mut cell.store, &cell.instance)?;
            let lent = cell.lend(talk.as_ref(), &mut context)?;
            black_box(hook.call_handle(&mut cell.store, &context, &event).await?.map_err(anyhow::Error::msg)?);
            cell.take_back(lent)?;
        }
        Ok(nanos_each(start, BATCH))
    };
    Compared::measure(rounds, ours, raw).await
}
