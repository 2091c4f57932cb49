//! Turns that are killed: what plugins queue for a session's next turn is shown once, whenever the host dies.
//!
//! The program has turns in several sessions at once, each of which queues one more text and shows what was queued before; between claiming and showing a plugin
//! takes its time, so that many die there. A text whose queueing was acknowledged stands, afterwards, in exactly one place: it waits, or one entry of the transcript has it.
//! The next round's host recovers what the one before left, as every start does.

use super::rounds::{Child, KillSettings, next};
use super::said::{Said, say};
use super::{copy, engine, options, sound};
use anyhow::{Context, Result, bail, ensure};
use plugbay_gateway::{Gateway, GatewaySettings, TurnAsked, TurnEvent, TurnStatus};
use plugbay_guests::{builds, built};
use plugbay_runtime::state::{InjectionStatus, SessionStore, Sqlite, StateStore, Synchronous, Window};
use plugbay_runtime::{Grant, Grants, Settings};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Sessions with turns, side by side.
const SESSIONS: usize = 4;
/// Entries of a transcript that are read at once.
const PAGE: usize = 500;

/// What was found over all rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TurnsSummary {
    /// Rounds that ended by SIGKILL, and were found to be right.
    pub rounds: u64,
    /// Texts whose queueing was acknowledged.
    pub queued: usize,
    /// Texts that a model was shown.
    pub shown: usize,
    /// Texts that a dead run had claimed and not shown.
    pub claimed: usize,
    /// Turns that were interrupted, as the next start found.
    pub interrupted: usize,
}

impl fmt::Display for TurnsSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, queued, shown, claimed, interrupted } = self;
        writeln!(f, "killed {rounds} times in the middle of turns, integrity_check ok after each")?;
        writeln!(
            f,
            "  {queued} texts queued and acknowledged, {shown} shown; {claimed} claimed by runs that died; {interrupted} turns interrupted"
        )?;
        write!(f, "  lost: 0; shown twice: 0")
    }
}

/// Has turns on this state until somebody kills the program.
///
/// # Errors
/// If a turn doesn't go well.
pub async fn turns(state: &Path, cache: &Path, mode: Synchronous) -> Result<()> {
    let gateway = host(state, cache, mode).await?;
    let recovered = gateway.start().await?;
    say(&Said::Recovered { turns: recovered.interrupted, jobs: recovered.jobs })?;
    let mut tasks = JoinSet::new();
    for n in 0..SESSIONS {
        tasks.spawn(talk(gateway.clone(), format!("s{n}")));
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

/// A gateway with the tools of `toolbox`, and a plugin that takes its time when a prompt is built: what was queued is claimed by then, and not shown.
async fn host(state: &Path, cache: &Path, mode: Synchronous) -> Result<Gateway> {
    let engine = engine(cache, &std::env::current_exe()?)?;
    let state = Arc::new(Sqlite::open(options(state, mode)).context("opening the state")?);
    let gateway = Gateway::new(engine, state, GatewaySettings::default())?;
    let folder = cache.join(format!("plugins-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let slow = json!({ "record": false, "does": { "before-prompt-build": { "nap": 3 } } });
    let asks = [Grant::Conversation, Grant::Policy, Grant::Prompt, Grant::State];
    for (id, build, asks, config) in [
        ("toolbox", fs::read(built::TOOLBOX)?, &[Grant::State, Grant::Events, Grant::Prompt][..], json!({})),
        ("witness-a", builds::witness('a', 500)?, &asks[..], slow),
    ] {
        let file = folder.join(format!("{id}.wasm"));
        fs::write(&file, build)?;
        let Value::Object(config) = config else { bail!("settings are an object") };
        gateway.plugins().load(&file, Settings { config, grants: Grants::granting(asks.iter().copied()), ..Settings::default() }).await?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(gateway)
}

/// One turn after the other.
async fn talk(gateway: Gateway, session: String) -> Result<()> {
    for n in 0_u64.. {
        let text = format!("use inject {{\"text\":\"text {n}\"}}\nthen\nsay done");
        let mut turn = gateway.turn(TurnAsked::said(&session, "test", text)).await?;
        while let Some(event) = turn.next().await {
            match event {
                TurnEvent::ToolEnded { answer, is_error: false, .. } => {
                    let answer: Value = serde_json::from_str(&answer)?;
                    let id = answer.get("id").and_then(Value::as_str).context("the tool answers no id")?.to_owned();
                    say(&Said::Queued { session: session.clone(), id })?;
                }
                TurnEvent::End { status } => ensure!(status == TurnStatus::Done, "a turn ended as {status:?}"),
                TurnEvent::ToolEnded { answer, .. } => bail!("the tool failed: {answer}"),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Where each text stands, by its id.
#[derive(Default)]
struct Found {
    /// How often it was shown.
    shown: BTreeMap<String, usize>,
    waiting: BTreeSet<String>,
    claimed: usize,
}

impl Found {
    async fn read(folder: &Path) -> Result<Self> {
        let state = Sqlite::open(options(folder, Synchronous::Normal))?;
        let mut found = Self::default();
        for n in 0..SESSIONS {
            let key = format!("s{n}");
            if let Some(row) = state.session(&key).await? {
                found.session(&state, &key, &row.id).await?;
            }
        }
        state.close().await;
        Ok(found)
    }

    async fn session(&mut self, state: &Sqlite, key: &str, life: &str) -> Result<()> {
        for start in (0..).step_by(PAGE) {
            let entries = state.entries(key, life, Window::From { start, count: PAGE })?;
            for entry in &entries {
                let meta: Value = entry.entry.meta.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
                for id in meta.get("injections").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
                    *self.shown.entry(id.to_owned()).or_default() += 1;
                }
            }
            if entries.len() < PAGE {
                break;
            }
        }
        for injection in state.injections(key).await? {
            self.claimed += usize::from(injection.status == InjectionStatus::Claimed);
            self.waiting.insert(injection.asked.id);
        }
        Ok(())
    }

    /// Whether everything that was acknowledged is there once.
    fn judge(&self, queued: &BTreeSet<String>) -> Result<()> {
        for (id, times) in &self.shown {
            ensure!(*times == 1, "{id} was shown {times} times");
            ensure!(!self.waiting.contains(id), "{id} was shown, and waits to be shown again");
        }
        for id in queued {
            ensure!(self.shown.contains_key(id) || self.waiting.contains(id), "{id} was queued and acknowledged, and is nowhere");
        }
        Ok(())
    }
}

/// Kills the program in the middle of turns, so often, and looks each time.
///
/// # Errors
/// At the first text that is lost or shown twice, with the round and the moment.
pub async fn turn_rounds(settings: &KillSettings, folder: &Path) -> Result<TurnsSummary> {
    let (mut queued, mut seed, mut summary) = (BTreeSet::new(), settings.seed | 1, TurnsSummary::default());
    for round in 0..settings.rounds {
        let after = Duration::from_millis(20 + next(&mut seed) % 381);
        let mode = if round % 2 == 0 { "normal" } else { "full" };
        let found = one(settings, folder, mode, after, &mut queued, &mut summary).await;
        let found = found.with_context(|| format!("round {round} of seed {}, killed after {after:?}, {mode}", settings.seed))?;
        summary.rounds += 1;
        summary.shown = found.shown.len();
        summary.claimed += found.claimed;
    }
    summary.queued = queued.len();
    Ok(summary)
}

async fn one(
    settings: &KillSettings,
    folder: &Path,
    mode: &str,
    after: Duration,
    queued: &mut BTreeSet<String>,
    summary: &mut TurnsSummary,
) -> Result<Found> {
    let mut command = Command::new(&settings.program);
    command.arg("turns").arg(folder.join("state")).arg(folder).arg(mode);
    for said in Child::killed(&mut command, |said| matches!(said, Said::Queued { .. }), after)? {
        match said {
            Said::Queued { id, .. } => ensure!(queued.insert(id.clone()), "{id} was queued twice"),
            Said::Recovered { turns, .. } => summary.interrupted += turns,
            other => bail!("it said {other:?}"),
        }
    }
    let left = folder.join("left");
    copy(&folder.join("state"), &left)?;
    let found = Found::read(&left).await?;
    found.judge(queued)?;
    sound(&left)?;
    fs::remove_dir_all(&left)?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(shown: &[(&str, usize)], waiting: &[&str]) -> Found {
        let shown = shown.iter().map(|(id, times)| ((*id).to_owned(), *times)).collect();
        Found { shown, waiting: waiting.iter().map(|id| (*id).to_owned()).collect(), claimed: 0 }
    }

    #[test]
    fn what_is_lost_or_comes_twice_is_named() {
        let queued: BTreeSet<_> = ["a", "b"].map(str::to_owned).into();
        found(&[("a", 1)], &["b"]).judge(&queued).unwrap();
        found(&[("a", 1), ("b", 1), ("unheard", 1)], &["unheard too"]).judge(&queued).unwrap();
        for (wrong, word) in [
            (found(&[("a", 1)], &[]), "b was queued and acknowledged, and is nowhere"),
            (found(&[("a", 2)], &["b"]), "a was shown 2 times"),
            (found(&[("a", 1)], &["a", "b"]), "a was shown, and waits to be shown again"),
        ] {
            assert_eq!(wrong.judge(&queued).unwrap_err().to_string(), word);
        }
    }
}
