//! `schedule-10k`, `schedule-delay`: what becomes of ten thousand jobs that are due at once, and how late a job begins that is due alone.
//!
//! The jobs are timers of a plugin that only counts, put into the state before the gateway starts, as a host finds them that was down. In the first row each has to be told
//! once, by the plugin's own count and by the history's; how fast that goes, and where the time is spent, is told. Its jobs run side by side, so the parts add up to more
//! than what passed. In the second row two hundred are due one after the other at a host that has nothing else to do: late is what lies between the moment at which a
//! job is due and the one at which it is written that it has begun, from where on the plugin is called. Ten seconds for both.

use super::agent::Agent;
use super::load::quantile;
use super::rounds::median;
use super::row::Row;
use super::timed::Watch;
use crate::lab::all_granted;
use anyhow::{Context, Result, bail, ensure};
use futures_util::future::join_all;
use plugbay_gateway::Act;
use plugbay_guests::built::BENCH_ALARM;
use plugbay_runtime::state::{HistoryQuery, JobPut, JobTime, JobsQuery, NewJob, StateStore, WorkStore};
use plugbay_runtime::{ActionOutcome, Call, Fired, Plugin, Principal, TimerDue, Timers};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

/// The plugin.
const PLUGIN: &str = "bench-alarm";

/// Jobs that are due at once.
const JOBS: usize = 10_000;

/// Jobs that are put into the state at once.
const AT_ONCE: usize = 500;

/// Jobs that are due one after the other, and milliseconds between two.
const ALONE: usize = 200;
const APART: u64 = 23;

/// Milliseconds before the first of them is due: the host has started by then.
const BEFORE: u64 = 1_500;

/// How often a timer is told alone.
const CALLS: usize = 200;

/// Between two looks at what is left.
const LOOK: Duration = Duration::from_millis(5);

/// Looks without anything new after which nothing will come any more.
const STILL: u32 = 6_000;

pub(super) async fn jobs() -> Result<Vec<Row>> {
    Ok(vec![crowd().await?, delays().await?])
}

/// Ten thousand at once.
async fn crowd() -> Result<Row> {
    let (agent, plugin) = with_jobs(&[now()?.saturating_sub(1_000); JOBS]).await?;
    let began = Instant::now();
    agent.gateway.start().await?;
    over(&agent).await?;
    let seconds = began.elapsed().as_secs_f64();
    let (told, jobs) = told(&agent).await?;
    let done = done(&agent).await?;
    ensure!(jobs <= told && done <= JOBS, "{told} due times were told of {jobs} jobs, {done} are said to be done");
    let wrong = (told - jobs) + (JOBS - jobs) + (JOBS - done);
    let alone = alone(&plugin).await?;
    Ok(Row::alone("schedule-10k", "lost+doubled", wrong as f64, 0.0)
        .note(format!("{JOBS} jobs in {seconds:.2} s: {:.0} a second, {:.0} us each", JOBS as f64 / seconds, seconds * 1e6 / JOBS as f64))
        .note(format!(
            "waited for: {}; {}; the plugin, called alone, {alone:.0} us a job",
            share("claims", &agent.state.claims),
            share("commits of what has begun and ended", &agent.state.marks)
        )))
}

/// What was waited for something, in all and each time.
fn share(what: &str, watch: &Watch) -> String {
    let (time, times) = watch.read();
    let seconds = time.as_secs_f64();
    format!("{what} {seconds:.2} s ({times} times, {:.0} us each)", seconds * 1e6 / times.max(1) as f64)
}

/// One after the other.
async fn delays() -> Result<Row> {
    let first = now()? + BEFORE;
    let due: Vec<u64> = (0..ALONE as u64).map(|n| first + n * APART).collect();
    let (agent, _) = with_jobs(&due).await?;
    agent.gateway.start().await?;
    ensure!(now()? < first, "the host hadn't started when the first job was due");
    over(&agent).await?;
    let (told, jobs) = told(&agent).await?;
    ensure!((told, jobs) == (ALONE, ALONE), "{told} due times were told of {jobs} jobs, there were {ALONE}");
    let late = agent.state.begun().into_iter().map(|(job, at)| {
        let n: usize = job.strip_prefix("job-").context("it is no job of these")?.parse()?;
        let due = UNIX_EPOCH + Duration::from_millis(*due.get(n).context("it is no job of these")?);
        Ok(at.duration_since(due)?)
    });
    let late = late.collect::<Result<Vec<_>>>()?;
    ensure!(late.len() == ALONE, "{} jobs have begun, there were {ALONE}", late.len());
    let ms = |part| quantile(late.iter().copied(), part) / 1e3;
    Ok(Row::alone("schedule-delay", "ms", ms(0.99), 50.0).note(format!(
        "{ALONE} jobs, {APART} ms apart: half of them within {:.2} ms, the latest {:.2} ms late",
        ms(0.5),
        ms(1.0)
    )))
}

/// A gateway that hasn't started, with the plugin and a timer for each of these moments.
async fn with_jobs(due: &[u64]) -> Result<(Agent, Arc<Plugin>)> {
    let agent = Agent::unstarted()?;
    let plugin = agent.load(PLUGIN, &fs::read(BENCH_ALARM)?, all_granted()).await?;
    let numbered: Vec<_> = due.iter().copied().enumerate().collect();
    for some in numbered.chunks(AT_ONCE) {
        for put in join_all(some.iter().map(|(n, at)| agent.state.put_job(timer(*n, *at), u64::MAX))).await {
            ensure!(matches!(put?, JobPut::Added(_)), "a job isn't new");
        }
    }
    Ok((agent, plugin))
}

/// A job, as the schedule keeps it.
fn timer(n: usize, at: u64) -> NewJob {
    NewJob {
        id: format!("job-{n}"),
        plugin: PLUGIN.to_owned(),
        name: None,
        tag: None,
        session: None,
        kind: "timer".to_owned(),
        body: json!({ "kind": "timer", "payload": n }).to_string(),
        plan: json!({ "once": at }).to_string(),
        time: JobTime { due_at: at, run_at: at },
    }
}

/// Waits until no job is left. Where nothing begins or ends any more and some are, they are lost, and that is said.
async fn over(agent: &Agent) -> Result<()> {
    let (mut before, mut still) = (0, 0);
    loop {
        let first = JobsQuery { limit: std::num::NonZeroUsize::MIN, ..JobsQuery::default() };
        let left = agent.gateway.schedule().jobs(first).await?;
        let Some(job) = left.first() else { return Ok(()) };
        let (_, marks) = agent.state.marks.read();
        still = if marks == before { still + 1 } else { 0 };
        before = marks;
        ensure!(still < STILL, "`{}` is left, and perhaps others: nothing began or ended during {STILL} looks", job.id);
        tokio::time::sleep(LOOK).await;
    }
}

/// How many due times the plugin was told of, and of how many jobs.
async fn told(agent: &Agent) -> Result<(usize, usize)> {
    let by = Principal { channel: "bench".to_owned(), sender: String::new(), scopes: vec!["operator.read".to_owned()] };
    let act = Act { plugin: PLUGIN.to_owned(), action: "told".to_owned(), session: None, params: None, by };
    let ActionOutcome::Success(done) = agent.gateway.act(act).await?.outcome else { bail!("the plugin doesn't say what it was told") };
    let answer: Value = done.result.context("the plugin says nothing")?.parse()?;
    let count = |name: &str| answer.get(name).and_then(Value::as_u64).with_context(|| format!("no `{name}` in {answer}"));
    Ok((usize::try_from(count("told")?)?, usize::try_from(count("jobs")?)?))
}

/// Jobs that the history says were done, each once.
async fn done(agent: &Agent) -> Result<usize> {
    let (mut jobs, mut after) = (BTreeSet::new(), None);
    loop {
        let page = agent.state.history(HistoryQuery { after, ..HistoryQuery::oldest(HistoryQuery::MAX_EVENTS) }).await?;
        let Some(last) = page.last() else { return Ok(jobs.len()) };
        after = Some(last.seq);
        for event in page.into_iter().filter(|event| event.fact.what == "job-done") {
            let details: Value = serde_json::from_str(&event.fact.details.unwrap_or_default())?;
            let job = details.get("job").and_then(Value::as_str).context("of which job?")?;
            ensure!(jobs.insert(job.to_owned()), "{job} is said to be done twice");
        }
    }
}

/// The call of a timer, in microseconds.
async fn alone(plugin: &Plugin) -> Result<f64> {
    let event =
        TimerDue { job: "alone".to_owned(), name: None, tag: None, payload: None, due_at: now()?, next_at: None, attrs: Vec::new() };
    let (call, fired) = (Call::new(), Fired::<Timers>::new(event));
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let began = Instant::now();
        plugin.serve(&call, &fired).await.answer?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(times))
}

/// Milliseconds since 1970.
fn now() -> Result<u64> {
    Ok(u64::try_from(UNIX_EPOCH.elapsed()?.as_millis())?)
}
