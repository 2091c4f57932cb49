//! The program that is killed: it says each thing that was acknowledged, after it was.
//!
//! What the timers of the program before wrote down is forgotten first: whoever killed it has looked, and a timer that fires again is one too many whatever the plugin remembers.

use super::super::said::{Said, say};
use super::super::{engine, options};
use super::{OUTBOX, PLUGIN, SESSIONS, session};
use anyhow::{Context, Result, bail, ensure};
use plugbay_gateway::{Act, FolderOutbox, Gateway, GatewaySettings, OutboxSettings, TurnAsked, TurnStatus};
use plugbay_guests::built;
use plugbay_runtime::state::{JobsQuery, Owner, Sqlite, StateStore, Synchronous};
use plugbay_runtime::{ActionOutcome, Grant, Grants, Principal, Settings};
use serde_json::{Value, json};
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Jobs of a session that wait, before there are more.
const WAITING: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);
/// Between two looks at how many there are.
const LOOK: Duration = Duration::from_millis(2);
/// The timer that comes again each second.
const TICK: &str = "tick";

/// Has work done on this state until somebody kills the program.
///
/// # Errors
/// If anything is refused.
pub async fn work(state: &Path, cache: &Path, mode: Synchronous, round: u64) -> Result<()> {
    let gateway = started(state, cache, mode).await?;
    acts(&gateway, "later", None, "nobody", json!({ "cron": "* * * * * *", "name": TICK })).await?;
    let mut tasks = JoinSet::new();
    for n in 0..SESSIONS {
        tasks.spawn(errands(gateway.clone(), session(round, n)));
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

/// Does what is left, and asks for nothing more.
///
/// # Errors
/// If the state can't be read.
pub async fn settle(state: &Path, cache: &Path, mode: Synchronous) -> Result<()> {
    let gateway = started(state, cache, mode).await?;
    while left(&gateway).await? > 0 || !gateway.live().is_empty() {
        tokio::time::sleep(LOOK).await;
    }
    gateway.shutdown(Duration::from_secs(30), None).await;
    Ok(())
}

/// Jobs that don't come again.
async fn left(gateway: &Gateway) -> Result<usize> {
    let jobs = gateway.schedule().jobs(JobsQuery::default()).await?;
    Ok(jobs.iter().filter(|job| job.name.as_deref() != Some(TICK)).count())
}

/// A gateway with the plugin, which says what it found.
async fn started(state: &Path, cache: &Path, mode: Synchronous) -> Result<Gateway> {
    let store = Arc::new(Sqlite::open(options(state, mode)).context("opening the state")?);
    store.purge(&Owner::new(PLUGIN)?).await?;
    let outbox = Arc::new(FolderOutbox::open(&cache.join(OUTBOX))?);
    let settings =
        GatewaySettings { outbox: OutboxSettings { outbox: Some(outbox), ..OutboxSettings::default() }, ..GatewaySettings::default() };
    let gateway = Gateway::new(engine(cache, &std::env::current_exe()?)?, store, settings)?;
    let folder = cache.join(format!("plugins-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{PLUGIN}.wasm"));
    fs::copy(built::ERRAND, &file)?;
    let grants = Grants::granting([Grant::State, Grant::Schedule, Grant::Attachments]);
    gateway.plugins().load(&file, Settings { grants, ..Settings::default() }).await?;
    fs::remove_dir_all(&folder)?;
    let recovered = gateway.start().await?;
    say(&Said::Recovered { turns: recovered.interrupted, jobs: recovered.jobs })?;
    Ok(gateway)
}

/// One thing after the other, in a session that is new.
async fn errands(gateway: Gateway, session: String) -> Result<()> {
    let end = gateway.turn(TurnAsked::said(&session, "test", "say hello")).await?.ended().await;
    ensure!(end.status == TurnStatus::Done, "a turn ended as {end:?}");
    let about = || JobsQuery { limit: WAITING, ..JobsQuery::default().about(&session) };
    for n in 0_u64.. {
        timer(&gateway, &session, n).await?;
        turn(&gateway, &session, n).await?;
        action(&gateway, &session, n).await?;
        files(&gateway, &session, n).await?;
        while gateway.schedule().jobs(about()).await?.len() == WAITING.get() {
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(())
}

/// A timer; every other one takes its time behind what it writes down.
async fn timer(gateway: &Gateway, session: &str, n: u64) -> Result<()> {
    let payload = if n.is_multiple_of(2) { json!({ "task": { "slow": 2 } }) } else { json!(format!("{session} {n}")) };
    let asked = json!({ "after-ms": n * 7 % 21, "about": true, "payload": payload });
    let job = id(&acts(gateway, "later", Some(session), "ada", asked).await?)?;
    say(&Said::Timed { job, payload: payload.to_string() })
}

/// A turn of the session, now or soon.
async fn turn(gateway: &Gateway, session: &str, n: u64) -> Result<()> {
    let text = format!("say turn {n} of {session}");
    let asked = json!({ "after-ms": n * 5 % 21, "turn": text });
    let job = id(&acts(gateway, "later", Some(session), "ada", asked).await?)?;
    say(&Said::Planned { session: session.to_owned(), job, text })
}

/// An action after which the agent goes on; who acts is somebody else each time.
async fn action(gateway: &Gateway, session: &str, n: u64) -> Result<()> {
    let by = format!("ada-{n}-of-{session}");
    acts(gateway, "greet", Some(session), &by, json!({ "name": by, "continue": true })).await?;
    say(&Said::Acted { session: session.to_owned(), by })
}

/// Files that are handed over: the first says which they are.
async fn files(gateway: &Gateway, session: &str, n: u64) -> Result<()> {
    let text = format!("file {n} of {session}");
    let files = json!([{ "name": "a.txt", "text": text }, { "name": "b", "zeroes": n * 131 % 9_000 }]);
    let id = id(&acts(gateway, "send", Some(session), "ada", json!({ "files": files })).await?)?;
    say(&Said::Sent { session: session.to_owned(), id, text })
}

fn id(answer: &Value) -> Result<String> {
    answer.get("id").and_then(Value::as_str).map(str::to_owned).with_context(|| format!("there is no id in {answer}"))
}

/// Has the plugin do something: its result.
async fn acts(gateway: &Gateway, action: &str, session: Option<&str>, by: &str, params: Value) -> Result<Value> {
    let by = Principal { channel: "test".to_owned(), sender: by.to_owned(), scopes: vec!["operator.admin".to_owned()] };
    let act = Act { plugin: PLUGIN.into(), action: action.into(), session: session.map(str::to_owned), params: Some(params), by };
    match gateway.act(act).await?.outcome {
        ActionOutcome::Success(done) => Ok(done.result.map(|result| result.parse()).transpose()?.unwrap_or_default()),
        ActionOutcome::Failure(failure) => bail!("`{action}`: {}", failure.error),
    }
}
