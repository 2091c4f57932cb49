//! `plugbay approvals`: questions of plugins that wait for a person, and the answers to them.

use super::console::Console;
use super::{End, words};
use crate::api::types::{ApprovalList, ApprovalView, Concern, Decision, Resolve, Resolved, SettledView};
use crate::client::{Content, Route};
use crate::output::{Paint, Tone, many_lines, one_line};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use hyper::Method;
use std::fmt::Write as _;

/// Shows the questions that wait for an answer, or answers one.
#[derive(Debug, Args)]
pub(crate) struct Approvals {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Allow what is asked for.
    Allow {
        /// The question.
        #[arg(value_parser = super::id)]
        id: String,
        /// Not only this once: the plugin needn't ask again for calls of this kind.
        #[arg(long)]
        always: bool,
    },
    /// Deny what is asked for.
    Deny {
        /// The question.
        #[arg(value_parser = super::id)]
        id: String,
        /// Why, for the history.
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
    },
}

impl Approvals {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let (id, decision, why) = match self.command {
            None => return console.look(&Route::v1(&["approvals"]), list).await,
            Some(Command::Allow { id, always }) => (id, if always { Decision::AllowAlways } else { Decision::AllowOnce }, None),
            Some(Command::Deny { id, why }) => (id, Decision::Deny, why),
        };
        let answer = Content::json(&Resolve { decision, why }).context("can't write the answer as JSON")?;
        let settled = console.client().send::<SettledView>(Method::POST, &route(&id), answer).await?;
        console.print(&settled, |settled, _| one_line(&format!("{}: {}", settled.title, outcome(settled))) + "\n")?;
        Ok(End::Done)
    }
}

/// Where a question is answered.
pub(super) fn route(id: &str) -> Route {
    Route::v1(&["approvals", id])
}

fn list(list: &ApprovalList, paint: Paint) -> String {
    if list.approvals.is_empty() {
        return "No question waits for an answer.\n".to_owned();
    }
    let shown = |asked: &ApprovalView| {
        let id = one_line(&asked.id);
        let mut answers: Vec<_> = asked.answers.iter().map(|answer| by_command(*answer, &id)).collect();
        answers.push(format!("no answer until {} means no", words::time(asked.until)));
        format!("{}\n{}  answers      {}\n", paint.on(Tone::Heading, &id), question(asked, paint), answers.join("\n               "))
    };
    list.approvals.iter().map(shown).collect::<Vec<_>>().join("\n")
}

fn by_command(answer: Decision, id: &str) -> String {
    match answer {
        Decision::AllowOnce => format!("plugbay approvals allow {id}"),
        Decision::AllowAlways => format!("plugbay approvals allow {id} --always"),
        Decision::Deny => format!("plugbay approvals deny {id}"),
    }
}

/// All that there is to know before one answers. Nothing of the arguments is left out: what isn't shown can't be judged.
pub(super) fn question(asked: &ApprovalView, paint: Paint) -> String {
    let (tone, severity) = match asked.severity {
        Concern::Info => (Tone::Plain, "info"),
        Concern::Warning => (Tone::Warning, "warning"),
        Concern::Critical => (Tone::Bad, "critical"),
    };
    let mut text = format!("  {} ({})\n", one_line(&asked.title), paint.on(tone, severity));
    for line in many_lines(&asked.description).lines() {
        // Writing to text doesn't fail.
        let _ = writeln!(text, "    {line}");
    }
    let session = asked.session.as_deref().map(|key| format!(", session {key}")).unwrap_or_default();
    let _ = writeln!(text, "  asked by     {}", one_line(&format!("{}{session}", asked.plugin)));
    let _ = writeln!(text, "  tool         {}", one_line(&asked.tool));
    let _ = writeln!(text, "  arguments    {}", one_line(&asked.params.to_string()));
    text
}

/// What became of a question.
pub(super) fn outcome(settled: &SettledView) -> String {
    let what = match settled.resolution {
        Resolved::AllowOnce => "allowed once",
        Resolved::AllowAlways => "allowed for good",
        Resolved::Deny => "denied",
        Resolved::TimedOut => "nobody answered in time, which is a no",
        Resolved::Cancelled => "cancelled, which is a no",
    };
    let by = settled.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let why = settled.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("{what}{by}{why}")
}
