//! `transcript-10k`: a hook call in a session with 10,000 entries, against one in a session with ten.
//!
//! Both are turns of a gateway that are under way, with their conversation in the state file, and the plugin may read all of it, and doesn't. What it is given is a handle,
//! so the length shouldn't show. The making of the call is part of what is measured.

use super::agent::Agent;
use super::rounds::{Compared, nanos_each};
use super::row::Row;
use crate::lab::granted;
use anyhow::{Context, Result, ensure};
use plugbay_gateway::{PreparedTurn, TurnAsked};
use plugbay_guests::built::BENCH_GUEST;
use plugbay_runtime::state::{NewEntry, SessionStore};
use plugbay_runtime::{BeforeToolCall, Payload, ToolCall};
use serde_json::json;
use std::fs;
use std::time::Instant;

/// Entries of the two sessions.
const LENGTHS: [usize; 2] = [10_000, 10];

/// Entries that are written at once.
const AT_ONCE: usize = 1_000;

/// Calls in a row.
const BATCH: u32 = 500;

pub(super) async fn lengths(rounds: usize) -> Result<Vec<Row>> {
    let agent = Agent::started().await?;
    agent.load("bench-guest", &fs::read(BENCH_GUEST)?, granted()).await?;
    let [long, short] = LENGTHS;
    let (long, short) = (begun(&agent, "long", long).await?, begun(&agent, "short", short).await?);
    let compared = Compared::measure(rounds, async || called(&agent, &long).await, async || called(&agent, &short).await).await?;
    let [entries, few] = LENGTHS;
    let row =
        compared.row(("transcript-10k", "ns"), "with ten entries", 1.2).note(format!("{entries} entries against {few}, none of them read"));
    long.finish(Ok(())).await;
    short.finish(Ok(())).await;
    Ok(vec![row])
}

/// A turn of a session with so many entries.
async fn begun(agent: &Agent, session: &str, entries: usize) -> Result<PreparedTurn> {
    let life = agent.state.ensure_session(session, session).await?.session.id;
    let texts: Vec<NewEntry> = (0..entries).map(entry).collect();
    for part in texts.chunks(AT_ONCE) {
        agent.state.append(session, &life, part.to_vec()).await?.context("the session is gone")?;
    }
    ensure!(agent.state.count_entries(session, &life)? == entries as u64, "not all entries are there");
    Ok(agent.gateway.prepare_turn(TurnAsked::said(session, "bench", "say hello")).await?)
}

fn entry(number: usize) -> NewEntry {
    let role = if number.is_multiple_of(2) { "user" } else { "assistant" };
    let content = json!("Something that somebody said, of an ordinary length, and then something else.").to_string();
    NewEntry { role: role.to_owned(), content, tool_call_id: None, run: None, meta: None }
}

async fn called(agent: &Agent, turn: &PreparedTurn) -> Result<f64> {
    let event = ToolCall { tool: "get:0".to_owned(), params: Payload::of(&json!({})), call_id: None, attrs: Vec::new() };
    let start = Instant::now();
    for _ in 0..BATCH {
        let asked = agent.gateway.hooks().fire::<BeforeToolCall>(&turn.call(), event.clone()).await;
        ensure!(asked.by.is_none() && asked.receipt.ran.len() == 1, "{asked:?}");
    }
    Ok(nanos_each(start, BATCH))
}
