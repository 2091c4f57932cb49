//! The raw counterpart of a chain: ten components' cells called in turn, against as many calls of one of them, by `call_async`.
//!
//! What ten cells take longer than one, they take without any host of ours: ten times the code and the memory have to come into the processor's caches.

use super::hook_call::{context, raw_tool_call};
use super::raw::wire::exports::plugbay::plugin::before_tool_call::Guest;
use super::raw::{Cell, Maker};
use super::rounds::{Compared, nanos_each};
use super::stage::{Told, activation};
use anyhow::{Context, Result};
use plugbay_runtime::BeforeToolCall;
use plugbay_runtime::engine::{Engine, Limits};
use serde_json::Map;
use std::collections::HashMap;
use std::time::Instant;

/// Cells with their hook.
struct RawCells(Vec<(Cell, Guest)>);

impl RawCells {
    /// A cell of each component.
    async fn of(engine: &Engine, components: &[Vec<u8>]) -> Result<Self> {
        let mut cells = Vec::new();
        for bytes in components {
            let loaded = engine.load(&engine.admit(bytes.clone())?, &Limits::default()).await?;
            let maker = Maker::new(engine.wasm(), loaded.component(), HashMap::new())?;
            let mut cell = maker.cell(&activation(&Map::new())).await?;
            let hook = maker.tool_call()?.load(&mut cell.store, &cell.instance)?;
            cells.push((cell, hook));
        }
        Ok(Self(cells))
    }

    /// Nanoseconds of a call, of so many: of all cells in turn.
    async fn called(&mut self, params: &str, times: u32) -> Result<f64> {
        let (told, event) = (Told::Everything, raw_tool_call("echo", params));
        let (mut context, talk) = (context::<BeforeToolCall>(told), told.talk());
        let (mut called, start) = (0, Instant::now());
        while called < times {
            for (cell, hook) in &mut self.0 {
                let lent = cell.lend(talk.as_ref(), &mut context)?;
                let answer = hook.call_handle(&mut cell.store, &context, &event).await?.map_err(anyhow::Error::msg)?;
                cell.take_back(lent)?;
                answer.and_then(|outcome| outcome.params).context("nothing came back")?;
                called += 1;
            }
        }
        Ok(nanos_each(start, called))
    }
}

/// How much longer a call takes in ten cells in turn than in one.
pub(super) async fn ten_against_one(engine: &Engine, components: &[Vec<u8>], params: &str, times: u32, rounds: usize) -> Result<f64> {
    let first = components.first().context("there are ten components")?;
    let (mut ten, mut one) = (RawCells::of(engine, components).await?, RawCells::of(engine, std::slice::from_ref(first)).await?);
    let compared = Compared::measure(rounds, async || ten.called(params, times).await, async || one.called(params, times).await).await?;
    Ok(compared.ratio())
}
