//! `hook-chain-10`: a hook that ten plugins answer one after the other, against the call of one of them (`hook-call-100b`).
//!
//! Ten times the same code under ten ids, each in a cell of its own. Each hands the 100 bytes of arguments back, which is an answer: it is merged, those after it get
//! to see it, and the receipt is kept with the run. The bar leaves the work around the ten calls as much time as one call takes. Ten cells are ten times the memory, so that
//! already the ten calls, one after the other and without a dispatch, take longer than ten calls of one plugin; the notes say what the
//! dispatch adds to them, and how it is for raw cells.
//! `hook-unheard` is the same dispatch where no plugin handles the hook, which is what most hooks cost in most hosts.

use super::idle::renamed;
use super::raw_chain::ten_against_one;
use super::rounds::{Compared, median, nanos_each};
use super::row::Row;
use super::stage::{Told, lab};
use crate::lab::{Lab, granted};
use anyhow::{Context, Result, ensure};
use plugbay_gateway::{Hooks, HooksSettings};
use plugbay_guests::built::BENCH_GUEST;
use plugbay_runtime::{BeforeToolCall, Call, Fired, Heartbeat, HeartbeatPrompt, Json, Plugin, ToolCall};
use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Plugins of a chain.
pub(super) const PLUGINS: u32 = 10;

/// Dispatches in a row, all of one run.
const BATCH: u32 = 200;

/// Dispatches of a hook that nobody handles, in a row.
const UNHEARD: u32 = 20_000;

/// Ten plugins that handle the same hooks.
pub(super) struct Ten {
    pub(super) hooks: Hooks,
    pub(super) plugins: Vec<Arc<Plugin>>,
    components: Vec<Vec<u8>>,
    lab: Lab,
}

impl Ten {
    pub(super) async fn new() -> Result<Self> {
        let (lab, component) = (lab()?, fs::read(BENCH_GUEST)?);
        let (mut plugins, mut components) = (Vec::new(), Vec::new());
        for n in 0..PLUGINS {
            let id = format!("bench-{n}");
            let component = renamed(&component, &id, "1.0.0");
            plugins.push(lab.load(&id, &component, granted()).await?.0);
            components.push(component);
        }
        Ok(Self { hooks: Hooks::new(lab.plugins.clone(), HooksSettings::default()), plugins, components, lab })
    }

    /// One of them.
    pub(super) fn first(&self) -> Result<&Plugin> {
        self.plugins.first().map(AsRef::as_ref).context("there are ten plugins")
    }
}

pub(super) async fn chain(rounds: usize) -> Result<Vec<Row>> {
    let (ten, event) = (Ten::new().await?, event()?);
    let mut runs = Runs::new(Told::Everything.ours());
    let ours = async || dispatched(&ten, &runs.next(), &event).await;
    let calls = async || called(ten.first()?, &event, PLUGINS).await;
    let compared = Compared::measure(rounds, ours, calls).await?;
    let ours = async || dispatched(&ten, &runs.next(), &event).await;
    let in_turn = async || in_turn(&ten, &event).await;
    let around = Compared::measure(rounds, ours, in_turn).await?;
    let row = compared.row(("hook-chain-10", "ns"), "hook-call-100b", 11.0);
    let row = row.note(format!("against ten calls of ten plugins in turn, without a dispatch: {:.2}", around.ratio()));
    let raw = ten_against_one(&ten.lab.engine, &ten.components, &params(), BATCH * PLUGINS, rounds).await?;
    let row = row.note(format!("raw `call_async`: a call of ten cells in turn against one of a single cell: {raw:.2}"));
    Ok(vec![row.note("each answers, and the receipt is kept"), unheard(&ten, rounds).await])
}

/// 100 bytes of arguments.
fn params() -> String {
    format!(r#"{{"command":"{}"}}"#, "x".repeat(86))
}

fn event() -> Result<ToolCall> {
    let params = Json::check(params())?.into();
    Ok(ToolCall { tool: "echo".to_owned(), params, call_id: Some("call-1".to_owned()), attrs: Vec::new() })
}

/// Calls as turns make them: each batch is of a run of its own, whose receipts are kept.
pub(super) struct Runs {
    call: Call,
    number: u64,
}

impl Runs {
    pub(super) const fn new(call: Call) -> Self {
        Self { call, number: 0 }
    }

    pub(super) fn next(&mut self) -> Call {
        self.number += 1;
        self.call.clone().run(format!("run-{}", self.number))
    }
}

async fn dispatched(ten: &Ten, call: &Call, event: &ToolCall) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..BATCH {
        let dispatched = ten.hooks.fire::<BeforeToolCall>(call, event.clone()).await;
        ensure!(dispatched.outcome.params.is_some() && dispatched.receipt.ran.len() == PLUGINS as usize, "{dispatched:?}");
    }
    Ok(nanos_each(start, BATCH))
}

/// As `hook-call-100b` does it. So many for each dispatch, so that both sides take equally long.
pub(super) async fn called(plugin: &Plugin, event: &ToolCall, times: u32) -> Result<f64> {
    let (call, fired) = (Told::Everything.ours(), Fired::<BeforeToolCall>::new(event.clone()));
    let start = Instant::now();
    for _ in 0..BATCH * times {
        plugin.call(&call, &fired).await?.params.context("nothing came back")?;
    }
    Ok(nanos_each(start, BATCH * times))
}

/// The ten calls of a dispatch, and nothing else.
async fn in_turn(ten: &Ten, event: &ToolCall) -> Result<f64> {
    let (call, fired) = (Told::Everything.ours(), Fired::<BeforeToolCall>::new(event.clone()));
    let start = Instant::now();
    for _ in 0..BATCH {
        for plugin in &ten.plugins {
            plugin.call(&call, &fired).await?.params.context("nothing came back")?;
        }
    }
    Ok(nanos_each(start, BATCH))
}

/// A base call of 100 bytes, for rows that are held against it.
pub(super) async fn base(ten: &Ten) -> Result<f64> {
    called(ten.first()?, &event()?, 1).await
}

/// A hook that none of them handles.
async fn unheard(ten: &Ten, rounds: usize) -> Row {
    let call = Told::Everything.ours();
    let mut times = Vec::new();
    for _ in 0..rounds {
        let start = Instant::now();
        for _ in 0..UNHEARD {
            let event = Heartbeat { prompt: String::new(), attrs: Vec::new() };
            black_box(ten.hooks.fire::<HeartbeatPrompt>(&call, event).await);
        }
        times.push(nanos_each(start, UNHEARD));
    }
    Row::alone("hook-unheard", "ns", median(times), 100.0).note("a dispatch that no plugin handles, with its empty receipt")
}
