//! The commands: what operators type, one command to a type.
//!
//! All but a few ask a daemon and print what it says: tables and sentences for people, with `--json` its own JSON. The exit code says what came of it: 0 done,
//! 1 refused or failed, 2 wrong usage, 3 no daemon. A failure is one line on standard error, from what was tried to what went wrong; a reader of standard
//! output that has enough is no failure. A command takes a few milliseconds beside what the daemon needs.

mod actions;
mod approvals;
mod call;
mod change;
mod chat;
mod completions;
mod config;
mod console;
mod doctor;
mod file;
mod inspect;
mod jobs;
mod limits;
mod list;
mod logs;
mod outbox;
mod reach;
mod run;
mod sessions;
mod slots;
mod tokens;
mod tools;
mod transcript;
mod words;

use crate::client::ClientError;
use crate::config::FileError;
use crate::output;
use crate::state;
use anyhow::{Context, Result};
use change::Deed;
use clap::{Parser, Subcommand};
use console::Console;
use reach::Reach;
use std::future::Future;
use std::io::Write;
use std::process::ExitCode;
use thiserror::Error;

/// The exit code of wrong usage, as the parser of arguments has it too.
const WRONG_USAGE: u8 = 2;

/// The exit code of commands that find no daemon.
const NO_DAEMON: u8 = 3;

/// Runs plugins for AI-agent gateways: the daemon, and the operators' commands.
#[derive(Debug, Parser)]
#[command(name = "plugbay", version, arg_required_else_help = true, max_term_width = 120)]
struct Arguments {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the daemon; it runs until it is told to end.
    Run(run::Run),
    #[command(flatten)]
    Asked(Asked),
    /// Look at everything that could be wrong, and say what to do about it; with or without a daemon.
    Doctor(doctor::Doctor),
    /// Whether the configuration is right, and what it may say.
    #[command(subcommand)]
    Config(config::Command),
    /// What plugins have stored, and whether storing works; without a daemon.
    #[command(arg_required_else_help = true)]
    State {
        #[command(subcommand)]
        command: state::Command,
    },
    /// Print what makes a shell complete these commands.
    Completions(completions::Completions),
}

/// What a daemon is asked to do.
#[derive(Debug, Subcommand)]
enum Asked {
    /// Show all plugins.
    List(list::List),
    /// Show a plugin, or what a file asks for beside what runs.
    Inspect(inspect::Inspect),
    /// Install a plugin, or another version of it.
    Install(change::Install),
    /// End a plugin for good: its file, what was decided about it, what is remembered of it.
    Uninstall(change::Uninstall),
    /// Switch a plugin on.
    Enable(change::Target),
    /// Switch a plugin off.
    Disable(change::Target),
    /// Go back to a version that ran before.
    Rollback(change::Rollback),
    /// Show the versions of a plugin that are kept.
    Versions(list::Versions),
    /// Let a plugin do what it asks for.
    Grant(change::Grants),
    /// Keep a plugin from doing what it asks for; it runs without.
    Revoke(change::Revoke),
    /// End a plugin's quarantine, and close its breaker.
    Reset(change::Target),
    /// Show or change the limits of a plugin.
    Limits(limits::Limits),
    /// Show what plugins have used.
    Usage(limits::Usage),
    /// Show a plugin's log.
    Logs(logs::Logs),
    /// Show who changed what, the newest first.
    History(list::History),
    /// Fire a hook at one plugin.
    Call(call::Call),
    #[command(flatten)]
    Agents(Agents),
    /// Who may call the daemon over TCP.
    #[command(subcommand)]
    Tokens(tokens::Tokens),
}

/// What a daemon is asked about agents, and what plugins do around them.
#[derive(Debug, Subcommand)]
enum Agents {
    /// Talk with an agent: a prompt on a terminal, else a turn for each line of standard input.
    Chat(chat::Chat),
    /// Show sessions, or one with its transcript or what plugins did in it; or reset, delete or wake one.
    Sessions(sessions::Sessions),
    /// Show the questions of plugins that wait for an answer, or answer one.
    Approvals(approvals::Approvals),
    /// Show the tools that agents have, and whose they are.
    Tools(tools::Tools),
    /// Show what people can have plugins do, or have something done.
    Actions(actions::Actions),
    /// Show what plugins have the daemon do later, or remove some of it.
    Jobs(jobs::Jobs),
    /// Show what was handed over to people, get its files, or remove some of it.
    Outbox(outbox::Outbox),
    /// Show who does what only one plugin does, or give it to another.
    Slots(slots::Slots),
}

/// What came of a command that did what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum End {
    /// What was asked for.
    #[default]
    Done,
    /// Not what was asked for; it has said why.
    Refused,
}

/// Arguments that make no sense together.
#[derive(Debug, Error)]
#[error("{0}")]
struct Usage(String);

impl Usage {
    fn new(what: &str) -> Self {
        Self(what.to_owned())
    }
}

/// The program: reads its arguments, does one command, and says what came of it.
#[must_use]
pub fn main() -> ExitCode {
    // Wrong usage ends in here, with 2.
    let Arguments { reach, command } = Arguments::parse();
    let outcome = match output::unless_nobody_reads(command.carry_out(&reach)) {
        Ok(End::Done) => return ExitCode::SUCCESS,
        Ok(End::Refused) => return ExitCode::FAILURE,
        Err(error) => error,
    };
    failed(&outcome, reach.json)
}

/// Says what went wrong: a line for people, and for programs the daemon's own words.
fn failed(error: &anyhow::Error, json: bool) -> ExitCode {
    let client = error.downcast_ref::<ClientError>();
    if let Some(ClientError::Refused { text, .. }) = client
        && json
    {
        // A reader that is gone has the exit code.
        let _ = output::print(&output::json_as_it_came(text));
    }
    let said = match error.downcast_ref::<FileError>() {
        Some(FileError::Invalid(invalid)) => config::in_words(invalid),
        _ => output::one_line(&in_a_line(error)) + "\n",
    };
    // If standard error is gone too, the exit code says it.
    let _ = write!(std::io::stderr(), "plugbay: {said}");
    match client {
        Some(ClientError::NoDaemon { .. }) => ExitCode::from(NO_DAEMON),
        _ if error.is::<Usage>() => ExitCode::from(WRONG_USAGE),
        _ => ExitCode::FAILURE,
    }
}

/// From what was tried to what went wrong. Some errors tell their cause themselves; it isn't said twice.
fn in_a_line(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        said if said.contains(&cause) => said.to_owned(),
        said => format!("{said}: {cause}"),
    })
}

impl Command {
    fn carry_out(self, reach: &Reach) -> Result<End> {
        match self {
            Self::Run(run) => run.run(&reach.config),
            Self::Asked(asked) => on_this_thread(asked.run(&Console::new(reach.client()?, reach.json))),
            Self::Doctor(doctor) => on_this_thread(doctor.run(reach)),
            Self::Config(command) => command.run(reach),
            Self::State { command } => on_this_thread(command.run()).map(|()| End::Done),
            Self::Completions(completions) => completions.run::<Arguments>(),
        }
    }
}

impl Asked {
    async fn run(self, console: &Console) -> Result<End> {
        match self {
            Self::List(list) => list.run(console).await,
            Self::Inspect(inspect) => inspect.run(console).await,
            Self::Install(install) => install.run(console).await,
            Self::Uninstall(uninstall) => uninstall.run(console).await,
            Self::Enable(target) => target.run(Deed::Enable, console).await,
            Self::Disable(target) => target.run(Deed::Disable, console).await,
            Self::Reset(target) => target.run(Deed::Reset, console).await,
            Self::Rollback(rollback) => rollback.run(console).await,
            Self::Versions(versions) => versions.run(console).await,
            Self::Grant(grants) => grants.run(console).await,
            Self::Revoke(revoke) => revoke.run(console).await,
            Self::Limits(limits) => limits.run(console).await,
            Self::Usage(usage) => usage.run(console).await,
            Self::Logs(logs) => logs.run(console).await,
            Self::History(history) => history.run(console).await,
            Self::Call(call) => call.run(console).await,
            Self::Agents(agents) => agents.run(console).await,
            Self::Tokens(tokens) => tokens.run(console).await,
        }
    }
}

impl Agents {
    async fn run(self, console: &Console) -> Result<End> {
        match self {
            Self::Chat(chat) => chat.run(console).await,
            Self::Sessions(sessions) => sessions.run(console).await,
            Self::Approvals(approvals) => approvals.run(console).await,
            Self::Tools(tools) => tools.run(console).await,
            Self::Actions(actions) => actions.run(console).await,
            Self::Jobs(jobs) => jobs.run(console).await,
            Self::Outbox(outbox) => outbox.run(console).await,
            Self::Slots(slots) => slots.run(console).await,
        }
    }
}

/// Runs a step on this thread: a command waits for one thing at a time.
fn on_this_thread<T>(step: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("can't start")?.block_on(step)
}

/// A name as an operator types it; whether there is one, the daemon says.
fn id(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Err("expected a name") } else { Ok(text.to_owned()) }
}
