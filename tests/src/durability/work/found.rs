//! What a killed program left: jobs, what the history says of them, what timers wrote down, what sessions have heard, what lies in the outbox.
//!
//! Read with the state's own means from a copy, and from the outbox as it lies there. Costs a pass over the sessions that are named, and over what the history says since the last look.

use super::PLUGIN;
use anyhow::{Context, Result, ensure};
use plugbay_runtime::state::{
    DeliveriesQuery, Delivery, HistoryQuery, JobStatus, JobsQuery, SessionStore, Sqlite, StateStore, Synchronous, Window, WorkStore,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

/// Entries of a transcript that are read at once.
const PAGE: usize = 500;
/// As many as the state answers at once.
const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);
/// Rows of timers that the plugin keeps; more, and some are gone that nobody has looked at.
const KEPT: usize = 450;

/// A job that hasn't ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) kind: String,
    pub(super) session: Option<String>,
    pub(super) status: JobStatus,
    /// Who acted, of an agent that goes on.
    pub(super) by: Option<String>,
    /// It comes again.
    pub(super) named: bool,
    /// Its time has come.
    pub(super) is_due: bool,
}

/// How a job ended, in the history's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) job: String,
    pub(super) kind: String,
    pub(super) session: Option<String>,
    pub(super) what: String,
    pub(super) why: Option<String>,
    /// It comes again.
    pub(super) named: bool,
}

/// A due time that a timer was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fired {
    pub(super) job: String,
    pub(super) due: u64,
    pub(super) payload: String,
    pub(super) times: u64,
    /// It comes again.
    pub(super) named: bool,
}

/// A session, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// How often each text was said to the agent.
    pub(super) heard: BTreeMap<String, usize>,
    /// How many runs each who acted has behind them.
    pub(super) runs_by: BTreeMap<String, usize>,
    /// Runs of the schedule in which nothing was said.
    pub(super) silent: usize,
    /// The first file of each delivery that has files.
    pub(super) delivered: BTreeMap<String, String>,
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) jobs: BTreeMap<String, Left>,
    pub(super) ends: Vec<End>,
    pub(super) fired: Vec<Fired>,
    pub(super) sessions: BTreeMap<String, Seen>,
    /// What lies in the outbox and isn't listed.
    pub(super) unlisted: BTreeSet<String>,
    /// The last line of the history.
    pub(super) seq: Option<u64>,
}

impl Found {
    /// Looks at these sessions, and at the history behind this line.
    pub(super) async fn read(folder: &Path, outbox: &Path, sessions: &BTreeSet<String>, after: Option<u64>) -> Result<Self> {
        let state = Sqlite::open(super::super::options(folder, Synchronous::Normal))?;
        let mut found = Self { seq: after, ..Self::default() };
        found.jobs(&state).await?;
        found.history(&state).await?;
        found.timers(&state).await?;
        for key in sessions {
            let seen = seen(&state, outbox, key).await.with_context(|| format!("session {key}"))?;
            found.sessions.insert(key.clone(), seen);
        }
        found.outbox(&state, outbox).await?;
        state.close().await;
        Ok(found)
    }

    async fn jobs(&mut self, state: &Sqlite) -> Result<()> {
        let now = std::time::UNIX_EPOCH.elapsed()?.as_millis();
        for job in state.jobs(JobsQuery::default()).await? {
            let body: Value = serde_json::from_str(&job.asked.body)?;
            let left = Left {
                kind: job.asked.kind,
                named: job.asked.name.is_some(),
                session: job.asked.session.map(|session| session.key),
                status: job.status,
                by: body.pointer("/by/sender").and_then(Value::as_str).map(str::to_owned),
                is_due: u128::from(job.asked.time.run_at) <= now,
            };
            self.jobs.insert(job.asked.id, left);
        }
        Ok(())
    }

    async fn history(&mut self, state: &Sqlite) -> Result<()> {
        loop {
            let query = HistoryQuery { after: self.seq, ..HistoryQuery::oldest(HistoryQuery::MAX_EVENTS) };
            let page = state.history(query).await?;
            let Some(last) = page.last() else { return Ok(()) };
            self.seq = Some(last.seq);
            for event in page.into_iter().filter(|event| event.fact.what.starts_with("job-")) {
                let details: Value = serde_json::from_str(&event.fact.details.unwrap_or_default())?;
                self.ends.push(End {
                    job: text(&details, "job").context("of which job?")?,
                    kind: text(&details, "kind").unwrap_or_default(),
                    session: text(&details, "session"),
                    named: text(&details, "name").is_some(),
                    what: event.fact.what,
                    why: event.fact.why,
                });
            }
        }
    }

    async fn timers(&mut self, state: &Sqlite) -> Result<()> {
        for ((owner, namespace, _), row) in super::super::rows(state).await? {
            if owner != PLUGIN || namespace != "fired" {
                continue;
            }
            let row: Value = serde_json::from_str(&row)?;
            self.fired.push(Fired {
                job: text(&row, "job").context("of which job?")?,
                due: row.get("due-at").and_then(Value::as_u64).context("when?")?,
                payload: row.get("payload").map(Value::to_string).unwrap_or_default(),
                times: row.get("times").and_then(Value::as_u64).context("how often?")?,
                named: text(&row, "name").is_some(),
            });
        }
        ensure!(self.fired.len() < KEPT, "more timers have fired than the plugin remembers: make the rounds shorter");
        Ok(())
    }

    /// What lies in the outbox, drafts included, and isn't listed.
    async fn outbox(&mut self, state: &Sqlite, outbox: &Path) -> Result<()> {
        let drafts = outbox.join("drafts");
        for folder in [outbox, &drafts].into_iter().filter(|folder| folder.exists()) {
            for entry in fs::read_dir(folder)? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                let is_listed = self.sessions.values().any(|seen| seen.delivered.contains_key(&name));
                if name != "drafts" && !is_listed && state.delivery(&name).await?.is_none() {
                    self.unlisted.insert(name);
                }
            }
        }
        Ok(())
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

async fn seen(state: &Sqlite, outbox: &Path, key: &str) -> Result<Seen> {
    let mut seen = Seen::default();
    let Some(row) = state.session(key).await? else { return Ok(seen) };
    let mut speaking = BTreeSet::new();
    for start in (0..).step_by(PAGE) {
        let entries = state.entries(key, &row.id, Window::From { start, count: PAGE })?;
        for entry in entries.iter().filter(|entry| entry.entry.role == "user") {
            let said: String = serde_json::from_str(&entry.entry.content)?;
            *seen.heard.entry(said).or_default() += 1;
            speaking.extend(entry.entry.run.clone());
        }
        if entries.len() < PAGE {
            break;
        }
    }
    let runs = state.runs(key, MOST).await?;
    ensure!(runs.len() < MOST.get(), "more runs than are answered at once: make the rounds shorter");
    for run in runs {
        let facts: Value = serde_json::from_str(&run.facts)?;
        if let ("action", Some(by)) = (run.trigger.as_str(), facts.pointer("/principal/sender").and_then(Value::as_str)) {
            *seen.runs_by.entry(by.to_owned()).or_default() += 1;
        }
        seen.silent += usize::from(run.trigger == "schedule" && !speaking.contains(&run.run));
    }
    for delivery in deliveries(state, key).await? {
        if let Some(first) = whole(outbox, &delivery).with_context(|| format!("delivery {}", delivery.sent.id))? {
            seen.delivered.insert(delivery.sent.id, first);
        }
    }
    Ok(seen)
}

async fn deliveries(state: &Sqlite, session: &str) -> Result<Vec<Delivery>> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = state.deliveries(DeliveriesQuery { before, ..DeliveriesQuery::default().to(session) }).await?;
        let Some(last) = page.last() else { return Ok(all) };
        before = Some(last.seq);
        all.extend(page);
    }
}

/// Each file of a delivery has all its bytes. The text of the first; words without files have none.
fn whole(outbox: &Path, delivery: &Delivery) -> Result<Option<String>> {
    let body: Value = serde_json::from_str(&delivery.sent.body)?;
    let mut first = None;
    for (n, file) in body.get("files").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let bytes = fs::read(outbox.join(&delivery.sent.id).join(n.to_string())).with_context(|| format!("file {n} is listed"))?;
        let listed = file.get("bytes").and_then(Value::as_u64).context("it has no size")?;
        ensure!(bytes.len() as u64 == listed, "file {n} has {} bytes, {listed} are listed", bytes.len());
        if n == 0 {
            first = Some(String::from_utf8(bytes)?);
        }
    }
    Ok(first)
}
