//! `sessions-1000`: a thousand sessions, each with a turn, side by side.
//!
//! In each the model takes its time, wants a tool called, and says what came of it. All want the same plugin's tool at about the same time, and its cell serves one call after
//! the other: with `limits.waiting` at its default of 64 most would be refused as busy, which is what that limit is for, so it is raised to 1,000 here, as an operator
//! with so many sessions would. What counts is that none fails; how much memory it takes is said. A process of its own, so that nothing else is in the figures.

use super::agent::Agent;
use super::idle::Memory;
use super::row::Row;
use crate::lab::all_granted;
use anyhow::{Result, bail, ensure};
use plugbay_gateway::{Gateway, TurnAsked, TurnStatus};
use plugbay_guests::built::TOOLBOX;
use plugbay_runtime::Settings;
use plugbay_runtime::engine::Limits;
use serde::{Deserialize, Serialize};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The hidden argument of the process that is measured.
const CHILD: &str = "__sessions";

/// Sessions.
const SESSIONS: usize = 1_000;

/// Milliseconds before the model's first answer: so long that all sessions have begun by then.
const SLOW: u64 = 2_000;

/// Between two looks at what is going on.
const LOOK: Duration = Duration::from_millis(5);

/// What came of it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Crowd {
    failures: Vec<String>,
    seconds: f64,
    /// The most turns that were under way at one time.
    at_once: usize,
    /// Anonymous memory, in MiB: before, at its most, and a moment after.
    before: f64,
    most: f64,
    after: f64,
}

pub(super) fn crowd() -> Result<Vec<Row>> {
    let output = Command::new(std::env::current_exe()?).arg(CHILD).output()?;
    if !output.status.success() {
        bail!("the process with the sessions: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    let Crowd { mut failures, seconds, at_once, before, most, after } = serde_json::from_slice(&output.stdout)?;
    let row = Row::alone("sessions-1000", "failures", failures.len() as f64, 0.0)
        .note(format!(
            "{SESSIONS} sessions with a turn each, up to {at_once} at once, in {seconds:.1} s, {:.1} s of it the model's",
            SLOW as f64 / 1e3
        ))
        .note(format!(
            "anonymous memory: {before:.0} MiB before, {most:.0} at its most ({:.0} KiB a session), {after:.0} after",
            (most - before) * 1024.0 / SESSIONS as f64
        ));
    failures.dedup();
    Ok(vec![failures.into_iter().take(3).fold(row, Row::note)])
}

/// Measures and prints, if this process was started for it.
///
/// # Errors
/// If there can be no such host, or this system doesn't say how much memory is in use.
pub(super) fn serve_child(arguments: &[String]) -> Result<bool> {
    match arguments {
        [child] if child == CHILD => {
            let crowd = super::runtime()?.block_on(all_at_once())?;
            println!("{}", serde_json::to_string(&crowd)?);
            Ok(true)
        }
        _ => Ok(false),
    }
}

async fn all_at_once() -> Result<Crowd> {
    let agent = Agent::started().await?;
    let limits = Limits { waiting: SESSIONS, ..Limits::default() };
    agent.load("toolbox", &fs::read(TOOLBOX)?, Settings { limits, ..all_granted() }).await?;
    agent.turn("first", "use add {\"a\": 1, \"b\": 1}").await?; // doesn't count
    let (mut crowd, began) = (Crowd { before: mebibytes()?, ..Crowd::default() }, Instant::now());
    let mut turns = JoinSet::new();
    for number in 0..SESSIONS {
        turns.spawn(said(agent.gateway.clone(), number));
    }
    let mut ended = 0;
    while ended < SESSIONS {
        crowd.most = crowd.most.max(mebibytes()?);
        crowd.at_once = crowd.at_once.max(agent.gateway.live().len());
        tokio::time::sleep(LOOK).await;
        while let Some(turn) = turns.try_join_next() {
            ended += 1;
            crowd.failures.extend(turn?.err().map(|error| format!("{error:#}")));
        }
    }
    crowd.seconds = began.elapsed().as_secs_f64();
    agent.gateway.hooks().settled(Duration::from_secs(30)).await;
    crowd.after = mebibytes()?;
    ensure!(agent.gateway.live().is_empty(), "turns are under way that have ended");
    Ok(crowd)
}

/// One session's turn, whose answer has to be the right one.
async fn said(gateway: Gateway, number: usize) -> Result<()> {
    let text = format!("slow {SLOW}\nuse add {{\"a\": {number}, \"b\": 1}}");
    let end = gateway.turn(TurnAsked::said(format!("session-{number}"), "bench", text)).await?.ended().await;
    let answer = format!("`add` answered: {}", number + 1);
    ensure!(end.status == TurnStatus::Done && end.message.as_deref() == Some(&*answer), "{end:?}");
    Ok(())
}

fn mebibytes() -> Result<f64> {
    Ok(Memory::now()?.anonymous as f64 / 1024.0)
}
