//! `plugbay chat`: talks with an agent.
//!
//! On a terminal it is a conversation: the answer is shown as it comes, questions of plugins are asked at the prompt, and lines that begin with a slash are
//! commands. Lines are read as the terminal hands them over, with the editing that it has: an editor of our own would want the terminal to itself, just where an
//! answer comes in while somebody types. Anywhere else each line of standard input is a turn; answers go to standard output, everything else to standard error.
//!
//! It costs what it shows. Whoever leaves doesn't stop a turn; Ctrl-C does. A turn that doesn't come to its end is said, and is exit code 1 where nobody sits at
//! a prompt.

mod input;
mod others;
mod question;
mod screen;
mod slash;
mod turn;

use super::console::Console;
use super::{End, sessions, transcript, words};
use crate::api::types::{SessionDetail, TranscriptPage};
use crate::client::{ClientError, Route};
use crate::output::{self, Tone, one_line};
use anyhow::{Context, Result};
use clap::Args;
use input::{Input, Interrupts};
use question::Approve;
use screen::{Printed, Screen};
use slash::Slash;
use std::io::{IsTerminal, Write as _};

/// Entries of a session that are shown to somebody who comes back to it.
const LAST: usize = 10;

/// Talks with an agent.
#[derive(Debug, Args)]
pub(crate) struct Chat {
    /// The session.
    #[arg(long, value_name = "KEY", default_value = "main", value_parser = super::id)]
    session: String,
    /// Answer all questions of plugins with this. Left out: they are asked at the prompt, and where there is none they wait for `plugbay approvals`.
    #[arg(long, value_name = "ANSWER")]
    approve: Option<Approve>,
    /// What to say, for a single turn. Left out: a prompt on a terminal, and elsewhere each line of standard input is a turn.
    text: Option<String>,
}

/// A conversation.
struct Talk<'a> {
    console: &'a Console,
    session: String,
    approve: Option<Approve>,
    /// Lines; where nobody sits, they answer no questions.
    input: Input,
    interrupts: Interrupts,
    screen: Screen,
    /// Whether somebody sits at a terminal.
    is_person: bool,
}

/// Whether the conversation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    Leave,
}

impl Chat {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let is_person = !console.json() && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let screen = match console.json() {
            true => Screen::json(),
            false if std::io::stdout().is_terminal() => Screen::terminal(console.paint()),
            false => Screen::plain(),
        };
        let input = if is_person { Input::of_person() } else { Input::of_program() };
        let interrupts = Interrupts::new().context("can't listen to signals")?;
        let Self { session, approve, text } = self;
        let mut talk = Talk { console, session, approve, input, interrupts, screen, is_person };
        match text {
            Some(text) => talk.turn(text).await,
            None if is_person => talk.converse().await,
            None => talk.obey().await,
        }
    }
}

impl Talk<'_> {
    /// Each line is a turn. Done, if all of them came to their end.
    async fn obey(&mut self) -> Result<End> {
        let mut end = End::Done;
        while let Some(line) = self.next_line().await? {
            if line.trim().is_empty() {
                continue;
            }
            if self.turn(line).await? == End::Refused {
                end = End::Refused;
            }
            if self.interrupts.count() > 0 {
                return Ok(End::Refused);
            }
        }
        Ok(end)
    }

    /// A prompt, until the person leaves.
    async fn converse(&mut self) -> Result<End> {
        if self.look_back().await?.is_none() {
            return Ok(End::Refused);
        }
        loop {
            print("> ")?;
            let Some(line) = self.next_line().await? else {
                print("\n")?;
                return Ok(End::Done);
            };
            match self.said(line.trim()).await {
                Ok(Then::GoOn) => {}
                Ok(Then::Leave) => return Ok(End::Done),
                Err(error) => self.survives(error)?,
            }
        }
    }

    /// The next line; none if there are no more, or somebody wants to leave.
    async fn next_line(&mut self) -> Result<Option<String>> {
        self.interrupts.unless(self.input.next()).await.unwrap_or(Ok(None))
    }

    /// What a person said at the prompt.
    async fn said(&mut self, line: &str) -> Result<Then> {
        match Slash::read(line) {
            _ if line.is_empty() => Ok(Then::GoOn),
            Ok(Some(command)) => self.command(command).await,
            Ok(None) => {
                let text = line.strip_prefix('/').filter(|rest| rest.starts_with('/')).unwrap_or(line);
                self.turn(text.to_owned()).await?;
                Ok(if self.interrupts.take() > 1 { Then::Leave } else { Then::GoOn })
            }
            Err(wrong) => {
                print(&format!("{}\n", one_line(&wrong)))?;
                Ok(Then::GoOn)
            }
        }
    }

    /// What the daemon refuses ends no conversation, and neither does a file that can't be read.
    fn survives(&mut self, error: anyhow::Error) -> Result<()> {
        let is_over = |error: &ClientError| !matches!(error, ClientError::Refused { .. });
        if error.downcast_ref::<ClientError>().is_some_and(is_over) {
            return Err(error);
        }
        let said = one_line(&super::in_a_line(&error));
        print(&format!("{}{}\n", self.screen.fresh_line(), self.console.paint().on(Tone::Bad, &said)))
    }

    /// Shows the last lines of the session; nothing, if somebody doesn't want to wait for them.
    async fn look_back(&mut self) -> Result<Option<()>> {
        self.interrupts.unless(last_lines(&self.session, self.console)).await.transpose()
    }

    async fn command(&mut self, command: Slash) -> Result<Then> {
        let done = match command {
            Slash::Help => self.interrupts.unless(others::help(self.console)).await,
            Slash::Other(other) => return self.of_plugin(other).await,
            Slash::Plugins(deed) => self.interrupts.unless(deed.run(self.console)).await,
            Slash::Session(None) => Some(print(&format!("{}\n", one_line(&self.session)))),
            Slash::Session(Some(key)) => {
                self.session = key;
                self.look_back().await.transpose()
            }
            Slash::Compact(words) => self.interrupts.unless(sessions::compact(&self.session, words, self.console)).await,
            Slash::Reset => self.interrupts.unless(sessions::reset(&self.session, self.console)).await,
            Slash::Quit => return Ok(Then::Leave),
        };
        self.interrupts.take();
        done.unwrap_or_else(|| print("left; what was asked may be done all the same\n"))?;
        Ok(Then::GoOn)
    }
}

/// The last lines of a session.
async fn last_lines(session: &str, console: &Console) -> Result<()> {
    let (client, paint) = (console.client(), console.paint());
    let known = match client.get::<SessionDetail>(&Route::v1(&["sessions", session])).await {
        Ok(known) => known.value.summary,
        Err(ClientError::Refused { status: 404, .. }) => {
            return print(&format!("A new session, {}. /help says what there is.\n", one_line(session)));
        }
        Err(e) => return Err(e.into()),
    };
    let route = Route::v1(&["sessions", session, "transcript"]).with("count", LAST);
    let page = client.get::<TranscriptPage>(&route).await?.value;
    let lines: String = page.entries.iter().map(|entry| transcript::glimpse(entry, paint)).collect();
    let entries = words::count(known.entries, "entry", "entries");
    print(&format!("{lines}Session {}, {entries}. /help says what there is.\n", one_line(&known.key)))
}

fn print(text: &str) -> Result<()> {
    output::print(text)
}

/// Prints what there is to show.
fn show(Printed { out, err }: &Printed) -> Result<()> {
    if !err.is_empty() {
        // If standard error is gone, nobody waits for the line.
        let _ = std::io::stderr().write_all(err.as_bytes());
    }
    if out.is_empty() { Ok(()) } else { print(out) }
}
