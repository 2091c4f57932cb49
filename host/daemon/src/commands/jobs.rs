//! `plugbay jobs`: what plugins have the host do later.

use super::change::Why;
use super::console::Console;
use super::{End, words};
use crate::api::types::{JobList, JobRemoved, JobView};
use crate::client::{Answer, Client, Content, Route};
use crate::output::{Cell, Paint, Side, Table, Tone, cut_line, many_lines, one_line};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use hyper::Method;

/// Jobs that the daemon lists at once, at most.
const PAGE: usize = 1_000;
/// Characters of a job's name, or of its tag, in a table.
const NAME: usize = 40;

/// Shows jobs, or removes one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Jobs {
    /// Of this plugin only.
    #[arg(long, value_name = "ID")]
    plugin: Option<String>,
    /// About this session only.
    #[arg(long, value_name = "KEY")]
    session: Option<String>,
    /// With this tag only.
    #[arg(long)]
    tag: Option<String>,
    /// Those behind this spot, which the page before said.
    #[arg(long, value_name = "SPOT")]
    after: Option<String>,
    /// So many at most.
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 100)]
    lines: usize,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a job.
    Show {
        /// The job.
        #[arg(value_parser = super::id)]
        id: String,
    },
    /// Remove a job. A run of it that is under way comes to its end.
    Remove {
        /// The job.
        #[arg(value_parser = super::id)]
        id: String,
        #[command(flatten)]
        why: Why,
    },
}

impl Jobs {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let Self { plugin, session, tag, after, lines, command } = self;
        match command {
            None => {
                let route = Route::v1(&["jobs"]).with_all("plugin", plugin).with_all("session", session).with_all("tag", tag);
                let is_more = after.is_some();
                let value = pages(console.client(), &route, after, lines).await?;
                let text = serde_json::to_string(&value).context("can't write the jobs as JSON")?;
                console.print(&Answer { value, text }, |page, paint| list(page, lines, is_more, paint))?;
                Ok(End::Done)
            }
            Some(Command::Show { id }) => console.look(&Route::v1(&["jobs", &id]), one).await,
            Some(Command::Remove { id, why: Why { why } }) => {
                let route = Route::v1(&["jobs", &id]).with_all("why", why);
                let answer = console.client().send::<JobRemoved>(Method::DELETE, &route, Content::Empty).await?;
                console.print(&answer, |removed, _| one_line(&format!("{} of {} is removed", removed.id, removed.plugin)) + "\n")?;
                Ok(End::Done)
            }
        }
    }
}

/// So many jobs of a list behind a spot, of as many pages as it takes.
async fn pages(client: &Client, route: &Route, after: Option<String>, most: usize) -> Result<JobList> {
    let mut all = JobList { jobs: Vec::new(), next: after };
    loop {
        let limit = (most - all.jobs.len()).min(PAGE);
        let route = route.clone().with_all("after", &all.next).with("limit", limit);
        let JobList { jobs, next } = client.get::<JobList>(&route).await?.value;
        let is_over = next.is_none();
        all.jobs.extend(jobs);
        all.next = next.or(all.next);
        if all.jobs.is_empty() {
            // Behind the last job there is no spot to go on from.
            all.next = None;
        }
        if is_over || all.jobs.len() >= most {
            return Ok(all);
        }
    }
}

fn list(page: &JobList, most: usize, is_more: bool, paint: Paint) -> String {
    if page.jobs.is_empty() {
        return if is_more { "There are no more jobs.\n" } else { "There are no jobs.\n" }.to_owned();
    }
    let mut table = Table::new(["JOB", "PLUGIN", "KIND", "NAME", "TAG", "SESSION", "WHEN", "NEXT"].map(|name| (name, Side::Left)));
    for job in &page.jobs {
        let or_none = |text: &Option<String>| Cell::from(text.as_deref().map_or_else(|| "-".to_owned(), |text| cut_line(text, NAME)));
        table.push([
            Cell::from(job.id.as_str()),
            job.plugin.as_str().into(),
            job.kind.as_str().into(),
            or_none(&job.name),
            or_none(&job.tag),
            or_none(&job.session),
            job.when.as_str().into(),
            next(job),
        ]);
    }
    let more = page.next.as_ref().filter(|_| page.jobs.len() >= most);
    let more = more.map(|spot| format!("There may be more: --lines, --after {}, --plugin, --session, --tag\n", one_line(spot)));
    table.render_in(paint) + &more.unwrap_or_default()
}

/// When it runs next, or that it does now.
fn next(job: &JobView) -> Cell {
    match (job.running, job.next_at) {
        (true, None) => Cell::new(Tone::Good, "runs for the last time"),
        (true, Some(at)) => Cell::new(Tone::Good, format!("runs; then {}", words::time(at))),
        (false, Some(at)) => words::time(at).into(),
        (false, None) => "-".into(),
    }
}

fn one(job: &JobView, paint: Paint) -> String {
    let mut text = paint.on(Tone::Heading, &one_line(&job.id)) + "\n";
    let mut line = |name: &str, said: &str| text += &format!("  {name:<12} {said}\n");
    let kind = match job.kind.as_str() {
        "turn" => "turn: the session's agent has one",
        "timer" => "timer: the plugin itself is told",
        "action" => "action: the session's agent goes on",
        other => other,
    };
    line("plugin", &one_line(&job.plugin));
    line("kind", &one_line(kind));
    for (name, said) in [("name", &job.name), ("tag", &job.tag), ("session", &job.session)] {
        said.iter().for_each(|said| line(name, &one_line(said)));
    }
    line("when", &one_line(&job.when));
    job.next_at.iter().for_each(|at| line("next", &words::time(*at)));
    line("runs now", if job.running { "yes" } else { "no" });
    line("made", &words::time(job.created_at));
    job.message.iter().flat_map(|message| message.lines()).for_each(|words| line("agent told", &many_lines(words)));
    text
}
