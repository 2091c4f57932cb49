//! `assemble-5000`, `ingest-1000`, `context-10k`, `context-10k-engine`: what the context of a conversation costs the host.
//!
//! The engine is a plugin that does next to nothing: it names so many of the newest entries and reads none. So what is measured is the host's: calling it, reading the entries that it
//! names, holding them against the rules, counting their tokens, making messages of them. `assemble-5000` is that for 5,000 entries, less the same for none. `ingest-1000` is a batch of a
//! thousand entries on its way into the guest, by the entry. The other two compare a turn in a session of 10,000 entries with one in a session of a hundred, where either fills the budget: first
//! with the built-in engine, then with the plugin.

use super::agent::Agent;
use super::rounds::{Compared, median};
use super::row::Row;
use crate::lab::all_granted;
use anyhow::{Context, Result, ensure};
use plugbay_gateway::{PreparedTurn, TurnAsked};
use plugbay_guests::built::BENCH_ENGINE;
use plugbay_runtime::state::{NewEntry, SessionStore};
use plugbay_runtime::{Call, ContextIngest, Entry, Fired, Ingesting, Payload, Plugin, PluginId, Role, Session, Settings};
use serde_json::json;
use std::fs;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

/// Entries that are told.
const TOLD: u64 = 5_000;
/// Entries of a batch.
const BATCH: u64 = 1_000;
/// Entries of the two sessions.
const LENGTHS: [u64; 2] = [10_000, 100];
/// Entries that are written at once.
const AT_ONCE: usize = 1_000;
/// Tokens that a model is told of a conversation, in the turns.
const BUDGET: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7_999);
/// Entries of an ordinary length that fit into that.
const FIT: u64 = 60;
/// Turns that are measured together.
const TURNS: u32 = 5;

pub(super) async fn contexts(rounds: usize) -> Result<Vec<Row>> {
    let mut rows = vec![assembled(rounds).await?, ingested(rounds).await?];
    rows.push(turns(rounds, "context-10k", None).await?);
    rows.push(turns(rounds, "context-10k-engine", Some(FIT)).await?);
    Ok(rows)
}

/// The engine in the slot, which names so many entries.
async fn engine(agent: &Agent, parts: u64) -> Result<Arc<Plugin>> {
    let config = json!({ "parts": parts }).as_object().cloned().unwrap_or_default();
    let plugin = agent.load("bench-engine", &fs::read(BENCH_ENGINE)?, Settings { config, ..all_granted() }).await?;
    agent.gateway.contexts().set_engine(Some(PluginId::try_from("bench-engine".to_owned())?));
    Ok(plugin)
}

/// An entry's words: about so many tokens.
fn words(tokens: u64) -> String {
    "Somebody said something ".repeat(usize::try_from(tokens / 4).unwrap_or_default())
}

async fn filled(agent: &Agent, session: &str, entries: u64, tokens: u64) -> Result<()> {
    let life = agent.state.ensure_session(session, session).await?.session.id;
    let entry = |number: u64| {
        let role = if number.is_multiple_of(2) { "user" } else { "assistant" };
        NewEntry {
            role: role.to_owned(),
            content: json!(format!("{number}: {}", words(tokens))).to_string(),
            tool_call_id: None,
            run: None,
            meta: None,
        }
    };
    let texts: Vec<NewEntry> = (0..entries).map(entry).collect();
    for part in texts.chunks(AT_ONCE) {
        agent.state.append(session, &life, part.to_vec()).await?.context("the session is gone")?;
    }
    Ok(())
}

/// What a model is told of 5,000 entries, against nothing.
async fn assembled(rounds: usize) -> Result<Row> {
    let agent = Agent::telling(NonZeroUsize::MAX).await?;
    filled(&agent, "long", TOLD, 12).await?;
    let mut times = [0.0; 2];
    for (parts, time) in [0, TOLD].into_iter().zip(&mut times) {
        engine(&agent, parts).await?;
        let mut turn = agent.gateway.prepare_turn(TurnAsked::said("long", "bench", "say hello")).await?;
        *time = assembling(&mut turn, parts, rounds).await?;
        turn.finish(Ok(())).await;
    }
    let [none, all] = times;
    let row = Row::alone("assemble-5000", "ms", (all - none) / 1e3, 5.0);
    Ok(row.note(format!("{:.2} ms for {TOLD} entries, {:.2} for none", all / 1e3, none / 1e3)))
}

/// Microseconds of one look at the history.
async fn assembling(turn: &mut PreparedTurn, parts: u64, rounds: usize) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..=rounds {
        let began = Instant::now();
        let told = turn.history().await?.len();
        times.push(began.elapsed().as_secs_f64() * 1e6);
        ensure!(told as u64 == parts, "{told} messages were told, not {parts}");
    }
    Ok(median(times.split_off(1))) // the first counts tokens, the others know them
}

/// A batch on its way into the guest.
async fn ingested(rounds: usize) -> Result<Row> {
    let agent = Agent::telling(BUDGET).await?;
    let plugin = engine(&agent, 0).await?;
    let entry = |id| Entry { id, role: Role::User, at: id, content: Payload::of(&json!(words(80))), tool_call_id: None };
    let call = Call::new().session(Session::new("s", "s"));
    let mut times = Vec::new();
    for _ in 0..=rounds {
        let entries: Vec<Entry> = (1..=BATCH).map(entry).collect();
        let began = Instant::now();
        let fired = Fired::<ContextIngest>::new(Ingesting { entries, heartbeat: false, attrs: Vec::new() });
        let taken = plugin.call(&call, &fired).await?;
        times.push(began.elapsed().as_secs_f64() * 1e9 / BATCH as f64);
        ensure!(u64::from(taken.entries) == BATCH, "the engine took {} entries", taken.entries);
    }
    Ok(Row::unjudged("ingest-1000", "ns", median(times.split_off(1))).note("by the entry, of about 320 bytes each"))
}

/// Turns in a long session against turns in a short one.
async fn turns(rounds: usize, name: &'static str, parts: Option<u64>) -> Result<Row> {
    let agent = Agent::telling(BUDGET).await?;
    if let Some(parts) = parts {
        engine(&agent, parts).await?;
    }
    let [long, short] = LENGTHS;
    filled(&agent, "long", long, 100).await?;
    filled(&agent, "short", short, 100).await?;
    for session in ["long", "short"] {
        agent.turn(session, "say first").await?; // what is older than the budget is summarised now, or taken over
    }
    let took = async |session: &str| {
        let began = Instant::now();
        for _ in 0..TURNS {
            agent.turn(session, "say hello").await?;
        }
        Ok(began.elapsed().as_secs_f64() * 1e6 / f64::from(TURNS))
    };
    let compared = Compared::measure(rounds, async || took("long").await, async || took("short").await).await?;
    let row = compared.row((name, "us"), "with a hundred entries", 1.5);
    Ok(row.note(format!("a turn with {long} entries against one with {short}; {BUDGET} tokens are told in either")))
}
