//! `plugbay sessions`: conversations, their turns, what plugins did in them and keep about them.

use super::console::Console;
use super::{End, Usage, transcript, words};
use crate::api::types::{
    CompactAsked, RunNamed, RunState, RunView, SessionCompacted, SessionDeleted, SessionDetail, SessionList, SessionReset, SessionSummary,
    ShownState, StatePatch, StatePatched, TranscriptPage, TurnResult, TurnStatus,
};
use crate::client::{Content, Route};
use crate::output::{self, Cell, Paint, Side, Table, Tone, cut_line, many_lines, one_line};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::Value;
use std::time::Duration;

/// Characters of what a plugin shows, or of an error, in a table.
const SHOWN: usize = 60;

/// Shows sessions, or does something to one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Sessions {
    /// Those behind this key.
    #[arg(long, value_name = "KEY")]
    after: Option<String>,
    /// So many at most.
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 100)]
    lines: usize,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a session and its turns, or its transcript, or what plugins did in a turn.
    Show(Show),
    /// Begin the conversation anew; what was said is kept beside.
    Reset {
        /// The session.
        #[arg(value_parser = super::id)]
        key: String,
    },
    /// Make the conversation smaller: a summary stands for what is older. Ctrl-C stops it.
    Compact {
        /// The session.
        #[arg(value_parser = super::id)]
        key: String,
        /// What is to be kept, or left out, in words.
        #[arg(value_name = "INSTRUCTIONS")]
        instructions: Option<String>,
    },
    /// Delete a session, with all that was said in it.
    Delete {
        /// The session.
        #[arg(value_parser = super::id)]
        key: String,
    },
    /// Cancel a turn.
    Cancel {
        /// Its run.
        #[arg(value_parser = super::id)]
        run: String,
    },
    /// Show or change what a plugin keeps about a session.
    State(State),
    /// Wake a session's agent: a turn that nobody asked for.
    Heartbeat {
        /// The session.
        #[arg(value_parser = super::id)]
        key: String,
    },
}

#[derive(Debug, Args)]
struct Show {
    /// The session.
    #[arg(value_parser = super::id)]
    key: String,
    /// What was said.
    #[arg(long, conflicts_with = "receipts")]
    transcript: bool,
    /// What plugins did in a turn, as far as it is kept.
    #[arg(long)]
    receipts: bool,
    /// In this turn. Left out: the newest.
    #[arg(long, value_name = "RUN", requires = "receipts")]
    run: Option<String>,
    /// From this entry on, the oldest being 0. Left out: the newest ones.
    #[arg(long, value_name = "N", requires = "transcript")]
    start: Option<u64>,
    /// So many entries at most.
    #[arg(short = 'n', long = "lines", value_name = "N", requires = "transcript")]
    lines: Option<usize>,
}

#[derive(Debug, Args)]
struct State {
    /// The session.
    #[arg(value_parser = super::id)]
    key: String,
    /// The plugin.
    #[arg(value_parser = super::id)]
    plugin: String,
    /// Which of its namespaces.
    #[arg(value_parser = super::id)]
    namespace: String,
    /// What it is to keep, as JSON. Left out: shows what the plugin shows of it.
    #[arg(value_name = "JSON", conflicts_with = "unset", allow_negative_numbers = true)]
    value: Option<String>,
    /// Take away what it keeps.
    #[arg(long)]
    unset: bool,
}

impl Sessions {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let client = console.client();
        match self.command {
            None => {
                let route = Route::v1(&["sessions"]).with_all("after", self.after).with("limit", self.lines);
                console.look(&route, |page, paint| list(page, self.lines, paint)).await
            }
            Some(Command::Show(show)) => show.run(console).await,
            Some(Command::State(state)) => state.run(console).await,
            Some(Command::Reset { key }) => {
                reset(&key, console).await?;
                Ok(End::Done)
            }
            Some(Command::Compact { key, instructions }) => {
                compact(&key, instructions, console).await?;
                Ok(End::Done)
            }
            Some(Command::Delete { key }) => {
                let answer = client.send::<SessionDeleted>(Method::DELETE, &Route::v1(&["sessions", &key]), Content::Empty).await?;
                console.print(&answer, |deleted, _| format!("{} is deleted\n", one_line(&deleted.key)))?;
                Ok(End::Done)
            }
            Some(Command::Cancel { run }) => {
                let answer = client.send::<RunNamed>(Method::POST, &cancelling(&run), Content::Empty).await?;
                console.print(&answer, |named, _| format!("{} is cancelled\n", one_line(&named.run)))?;
                Ok(End::Done)
            }
            Some(Command::Heartbeat { key }) => heartbeat(&key, console).await,
        }
    }
}

/// Where a turn is cancelled.
pub(super) fn cancelling(run: &str) -> Route {
    Route::v1(&["runs", run, "cancel"])
}

/// Begins a conversation anew.
pub(super) async fn reset(key: &str, console: &Console) -> Result<()> {
    let route = Route::v1(&["sessions", key, "reset"]);
    let request = console.client().send::<SessionReset>(Method::POST, &route, Content::Empty);
    let answer = console.during(&format!("resetting {key}"), request).await?;
    console.print(&answer, |reset, _| one_line(&format!("{} begins anew: life {}", reset.key, reset.life)) + "\n")
}

/// Makes a conversation smaller.
pub(super) async fn compact(key: &str, instructions: Option<String>, console: &Console) -> Result<()> {
    let asked = Content::json(&CompactAsked { instructions }).context("can't write the request as JSON")?;
    let route = Route::v1(&["sessions", key, "compact"]);
    let request = console.client().send::<SessionCompacted>(Method::POST, &route, asked);
    let answer = console.during(&format!("compacting {key}"), request).await?;
    console.print(&answer, |done, _| compacted(done))
}

fn compacted(done: &SessionCompacted) -> String {
    let SessionCompacted { key, engine, compacted, why, summary, tokens_before, tokens_after, .. } = done;
    let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    if !compacted {
        return one_line(&format!("{key} stays as it is, by {engine}{why}")) + "\n";
    }
    let summary = summary.as_ref().map(|summary| many_lines(summary) + "\n").unwrap_or_default();
    one_line(&format!("{key} takes {tokens_after} tokens now, {tokens_before} before, by {engine}")) + "\n" + &summary
}

async fn heartbeat(key: &str, console: &Console) -> Result<End> {
    let route = Route::v1(&["sessions", key, "heartbeat"]);
    let request = console.client().send::<TurnResult>(Method::POST, &route, Content::Empty);
    let answer = console.during(&format!("waking the agent of {key}"), request).await?;
    console.print(&answer, |result, _| said(result))?;
    Ok(if is_done(answer.value.status) { End::Done } else { End::Refused })
}

/// Whether a turn did what was asked for.
pub(super) const fn is_done(status: TurnStatus) -> bool {
    matches!(status, TurnStatus::Done | TurnStatus::Taken)
}

fn said(result: &TurnResult) -> String {
    let message = result.message.as_ref().map(|message| many_lines(message) + "\n").unwrap_or_default();
    let why = result.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    match result.status {
        TurnStatus::Done | TurnStatus::Taken => message,
        TurnStatus::Blocked => format!("{message}the turn was blocked\n"),
        TurnStatus::Failed => format!("{message}the turn failed{}\n", one_line(&why)),
        TurnStatus::Cancelled => format!("{message}the turn was cancelled\n"),
        TurnStatus::Interrupted => format!("{message}the daemon stopped in the middle of the turn\n"),
    }
}

impl Show {
    async fn run(self, console: &Console) -> Result<End> {
        let session = Route::v1(&["sessions", &self.key]);
        if self.transcript {
            let route = Route::v1(&["sessions", &self.key, "transcript"]).with_all("start", self.start).with_all("count", self.lines);
            return console.look(&route, |page: &TranscriptPage, paint| transcript::entries(page, paint)).await;
        }
        if !self.receipts {
            return console.look(&session, detail).await;
        }
        let run = match self.run {
            Some(run) => run,
            None => match console.client().get::<SessionDetail>(&session).await?.value.runs.into_iter().next() {
                Some(newest) => newest.run,
                None => bail!("the session {} has had no turn, so there are no receipts", self.key),
            },
        };
        let route = Route::v1(&["sessions", &self.key, "runs", &run, "receipts"]);
        console.look(&route, |list, paint| transcript::receipts(&run, list, paint)).await
    }
}

impl State {
    async fn run(self, console: &Console) -> Result<End> {
        let Self { key, plugin, namespace, value, unset } = self;
        let value = match value {
            Some(text) => Some(serde_json::from_str(&text).map_err(|e| Usage::new(&format!("the value: expected JSON: {e}")))?),
            None if unset => None,
            None => return shown(&key, &plugin, &namespace, console).await,
        };
        let patch = Content::json(&StatePatch { value, unset }).context("can't write the value as JSON")?;
        let route = Route::v1(&["sessions", &key, "state", &plugin, &namespace]);
        let answer = console.client().send::<StatePatched>(Method::PATCH, &route, patch).await?;
        let name = format!("{plugin}/{namespace} of {key}");
        console.print(&answer, |patched, _| one_line(&changed(&name, unset, patched)) + "\n")?;
        Ok(End::Done)
    }
}

/// What became of what a plugin keeps.
fn changed(name: &str, unset: bool, patched: &StatePatched) -> String {
    let what = match (unset, patched.replaced) {
        (true, true) => "is taken away",
        (true, false) => "wasn't there",
        (false, true) => "is another now",
        (false, false) => "is there now",
    };
    let shown = patched.shown.as_ref().map(|shown| format!("; shown as {shown}")).unwrap_or_default();
    format!("{name} {what}{shown}")
}

async fn shown(key: &str, plugin: &str, namespace: &str, console: &Console) -> Result<End> {
    let detail = console.client().get::<SessionDetail>(&Route::v1(&["sessions", key])).await?.value;
    let is_it = |shown: &&ShownState| shown.plugin == plugin && shown.namespace == namespace;
    let Some(shown) = detail.summary.shown.iter().find(is_it) else {
        bail!("{plugin} shows nothing in its namespace {namespace} of the session {key}; it may keep something all the same");
    };
    let printed =
        if console.json() { output::print_json(shown) } else { output::print(&output::json_as_it_came(&format!("{:#}", shown.value))) };
    output::unless_nobody_reads(printed)?;
    Ok(End::Done)
}

fn list(page: &SessionList, most: usize, paint: Paint) -> String {
    if page.sessions.is_empty() {
        return "There are no sessions; `plugbay chat` begins one.\n".to_owned();
    }
    let mut table = Table::new([
        ("SESSION", Side::Left),
        ("ENTRIES", Side::Right),
        ("TURNS", Side::Right),
        ("WRITTEN", Side::Left),
        ("SHOWN BY PLUGINS", Side::Left),
    ]);
    for session in &page.sessions {
        let shown: Vec<_> = session.shown.iter().map(by_plugin).collect();
        table.push([
            Cell::from(session.key.as_str()),
            session.entries.into(),
            session.turns.into(),
            words::time(session.updated_at).into(),
            shown.join("; ").into(),
        ]);
    }
    let mut text = table.render_in(paint);
    if let Some(last) = page.sessions.last().filter(|_| page.sessions.len() >= most) {
        text += &format!("There may be more: --after {}\n", one_line(&last.key));
    }
    text
}

fn by_plugin(ShownState { plugin, namespace, value }: &ShownState) -> String {
    format!("{plugin}/{namespace} {}", cut_line(&value.to_string(), SHOWN))
}

fn detail(SessionDetail { summary, runs }: &SessionDetail, paint: Paint) -> String {
    let SessionSummary { key, life, created_at, began_at, updated_at, entries, turns, shown } = summary;
    let mut text = paint.on(Tone::Heading, &one_line(key)) + "\n";
    let mut line = |name: &str, said: &str| text += &format!("  {name:<12} {}\n", one_line(said));
    line("life", life);
    line("made", &words::time(*created_at));
    line("life began", &words::time(*began_at));
    line("written", &words::time(*updated_at));
    line("entries", &entries.to_string());
    line("turns", &format!("{turns} under way or waiting"));
    for ShownState { plugin, namespace, value } in shown {
        line("shown", &format!("{plugin}/{namespace} {value}"));
    }
    if runs.is_empty() { text } else { format!("{text}\n{}", turns_in_words(runs, paint)) }
}

fn turns_in_words(runs: &[RunView], paint: Paint) -> String {
    let mut table = Table::new([
        ("RUN", Side::Left),
        ("STATUS", Side::Left),
        ("BEGAN", Side::Left),
        ("TOOK", Side::Right),
        ("TRIGGER", Side::Left),
        ("FROM", Side::Left),
        ("WHY", Side::Left),
    ]);
    for run in runs {
        let took = run.ended_at.map(|end| words::span(Duration::from_millis(end.saturating_sub(run.began_at))));
        let from: Vec<_> = [&run.channel, &run.sender].into_iter().flatten().map(String::as_str).collect();
        table.push([
            Cell::from(run.run.as_str()),
            status(run.status),
            words::time(run.began_at).into(),
            took.unwrap_or_else(|| "-".to_owned()).into(),
            run.trigger.as_str().into(),
            from.join(" ").into(),
            cut_line(run.error.as_deref().unwrap_or_default(), SHOWN).into(),
        ]);
    }
    table.render_in(paint)
}

fn status(status: RunState) -> Cell {
    match status {
        RunState::Running => Cell::new(Tone::Plain, "running"),
        RunState::Done => Cell::new(Tone::Good, "done"),
        RunState::Failed => Cell::new(Tone::Bad, "failed"),
        RunState::Cancelled => Cell::new(Tone::Warning, "cancelled"),
        RunState::Blocked => Cell::new(Tone::Warning, "blocked"),
        RunState::Interrupted => Cell::new(Tone::Bad, "interrupted"),
    }
}

/// What was said, or JSON where it isn't text.
pub(super) fn content(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
