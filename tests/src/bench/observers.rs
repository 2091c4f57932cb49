//! `observers-10`: what telling ten observers costs the one who tells, against the call of one plugin (`hook-call-100b`); and how long ten take that wait.
//!
//! A message of 100 bytes is handed over, as a turn does it: on a thread of the host's, which goes on with the turn. Only the handing over counts, and before the next one
//! all have been told, so that each finds ten queues at rest, which is the dearest case: tasks have to be started for them. The second row is how long it
//! takes until ten plugins have heard of an event that wait 5 ms each, against one of them: they wait side by side.

use super::hook_chain::{Runs, Ten, base};
use super::rounds::{Compared, per};
use super::row::Row;
use super::stage::{Told, lab};
use crate::lab::{Lab, all_granted};
use anyhow::{Context, Result, ensure};
use plugbay_gateway::{Hooks, HooksSettings, Said};
use plugbay_guests::builds::witness;
use plugbay_runtime::{Call, Message, MessageReceived, PluginId, Settings};
use serde_json::json;
use std::time::{Duration, Instant};

/// Events in a row.
const BATCH: u32 = 200;

/// Events that are handed over in a burst: as many as may wait for one plugin in one session.
const BURST: u32 = 64;

/// How long an observer waits.
const NAP: u64 = 5;

/// More than enough for all to be told.
const SETTLES: Duration = Duration::from_secs(30);

pub(super) async fn handing_over(rounds: usize) -> Result<Vec<Row>> {
    let ten = Ten::new().await?;
    let mut runs = Runs::new(Told::Everything.ours());
    let ours = async || told_in_a_task(&ten.hooks, runs.next(), BATCH, 1).await;
    let compared = Compared::measure(rounds, ours, async || base(&ten).await).await?;
    let ours = async || told_in_a_task(&ten.hooks, runs.next(), BATCH / BURST, BURST).await;
    let burst = Compared::measure(rounds, ours, async || base(&ten).await).await?;
    let row = compared.row(("observers-10", "ns"), "hook-call-100b", 3.0).note("each event finds ten queues at rest");
    Ok(vec![row.note(format!("in bursts of {BURST}, each event: {:.2}", burst.ratio())), napping(rounds).await?])
}

async fn told_in_a_task(hooks: &Hooks, call: Call, bursts: u32, each: u32) -> Result<f64> {
    tokio::spawn(told(hooks.clone(), call, bursts, each)).await?
}

/// Tells in bursts, and waits after each until all have heard it. What one event costs the one who tells.
async fn told(hooks: Hooks, call: Call, bursts: u32, each: u32) -> Result<f64> {
    let mut spent = Duration::ZERO;
    for _ in 0..bursts {
        let events: Vec<Message> = (0..each).map(|_| message()).collect();
        let began = Instant::now();
        for event in events {
            hooks.tell::<MessageReceived>(&call, event);
        }
        spent += began.elapsed();
        ensure!(hooks.settled(SETTLES).await == 0, "there are observers that aren't done after {SETTLES:?}");
    }
    let receipts = hooks.receipts(call.run_id().context("the call is of a run")?);
    let heard = receipts.iter().flat_map(|receipt| &receipt.ran).filter(|ran| matches!(ran.said, Said::Told)).count();
    ensure!(heard == receipts.len() * 10 && receipts.len() == (bursts * each) as usize, "{heard} were told of {} events", receipts.len());
    Ok(per(spent, bursts * each))
}

fn message() -> Message {
    Message { id: Some("m-1".to_owned()), text: "x".repeat(100), at: 1, attrs: Vec::new() }
}

/// Ten that wait, against one.
async fn napping(rounds: usize) -> Result<Row> {
    let lab = lab()?;
    let (hooks, ids) = (Hooks::new(lab.plugins.clone(), HooksSettings::default()), nappers(&lab).await?);
    let one = ids.first().context("there are ten plugins")?;
    let call = Told::Everything.ours();
    let ten = async || until_told(&hooks, || hooks.tell::<MessageReceived>(&call, message())).await;
    let one = async || until_told(&hooks, || hooks.tell_one::<MessageReceived>(one, &call, message())).await;
    let compared = Compared::measure(rounds, ten, one).await?;
    Ok(compared.row(("observers-10-waiting", "ms"), "one observer", 1.5).note(format!("each waits {NAP} ms")))
}

/// Ten plugins that wait when a message comes.
async fn nappers(lab: &Lab) -> Result<Vec<PluginId>> {
    let config = json!({ "record": false, "does": { "message-received": { "nap": NAP } } });
    let config = config.as_object().cloned().unwrap_or_default();
    let mut ids = Vec::new();
    for letter in 'a'..='j' {
        let settings = Settings { config: config.clone(), ..all_granted() };
        let (plugin, _) = lab.load(&format!("witness-{letter}"), &witness(letter, 500)?, settings).await?;
        ids.push(plugin.id().clone());
    }
    Ok(ids)
}

/// Milliseconds until all have heard.
async fn until_told(hooks: &Hooks, tell: impl FnOnce()) -> Result<f64> {
    let began = Instant::now();
    tell();
    ensure!(hooks.settled(SETTLES).await == 0, "there are observers that aren't done after {SETTLES:?}");
    Ok(began.elapsed().as_secs_f64() * 1e3)
}
