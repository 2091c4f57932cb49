//! Commands of plugins, given at the prompt; and, where the agent goes on after one, its answer.
//!
//! That turn isn't ours: the daemon begins it. So the session is looked at until it has a turn more that has ended, which costs a request now and then. Ctrl-C leaves the turn to itself.

use super::super::console::Console;
use super::super::sessions::content;
use super::super::{approvals, words};
use super::slash::{self, Other, WIDTH};
use super::{Talk, Then, question, show};
use crate::api::types::{
    ApprovalList, CommandAnswer, CommandList, CommandRequest, CommandView, RunState, RunView, SessionDetail, TranscriptPage,
};
use crate::client::{ClientError, Content, Route};
use crate::output::{Tone, many_lines, one_line};
use anyhow::{Context, Result};
use hyper::Method;
use std::collections::BTreeSet;
use std::time::Duration;

/// How often the session is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Entries of a turn among which its answer is looked for.
const ENTRIES: usize = 200;
/// Why there is a turn after an action or a command.
const TRIGGER: &str = "action";

/// What there is: our own commands, then those of plugins.
pub(super) async fn help(console: &Console) -> Result<()> {
    let list = console.client().get::<CommandList>(&Route::v1(&["commands"])).await?.value;
    let of_plugins: String = list.commands.iter().map(line).collect();
    super::print(&format!("{}{of_plugins}", slash::HELP))
}

fn line(CommandView { plugin, name, description, args, scope, .. }: &CommandView) -> String {
    let args = args.as_ref().map(|args| format!(" {args}")).unwrap_or_default();
    let needs = if scope == "operator.admin" { format!(", needs {scope}") } else { String::new() };
    one_line(&format!("{:<WIDTH$} {description} ({plugin}{needs})", format!("/{name}{args}"))) + "\n"
}

impl Talk<'_> {
    /// Runs a plugin's command, and waits for the agent if it goes on.
    pub(super) async fn of_plugin(&mut self, other: Other) -> Result<Then> {
        let (console, session) = (self.console, self.session.clone());
        let asked = self.interrupts.unless(run(&session, &other, console)).await;
        self.interrupts.take();
        match asked {
            None => super::print("left; what was asked may be done all the same\n")?,
            Some(Ok(Some(known))) => self.goes_on(&known).await?,
            Some(done) => drop(done?),
        }
        Ok(Then::GoOn)
    }

    /// The agent goes on: waits for the end of the turn that isn't among these.
    async fn goes_on(&mut self, known: &BTreeSet<String>) -> Result<()> {
        show(&self.screen.aside("the agent goes on; Ctrl-C leaves it\n"))?;
        let mut asked = BTreeSet::new();
        loop {
            let (console, session) = (self.console, self.session.clone());
            let Some(looked) = self.interrupts.unless(look(&session, known, console)).await else { return self.leaves() };
            if let Some(run) = looked? {
                if run.status != RunState::Running {
                    return self.tells(&run).await;
                }
                self.open_questions(&run.run, &mut asked).await?;
            }
            if self.interrupts.unless(tokio::time::sleep(LOOK)).await.is_none() {
                return self.leaves();
            }
        }
    }

    fn leaves(&mut self) -> Result<()> {
        self.interrupts.take();
        let session = one_line(&self.session);
        show(&self.screen.aside(&format!("left; the turn goes on: `plugbay sessions show {session}`\n")))
    }

    /// Says who can answer what is asked in that turn.
    async fn open_questions(&mut self, run: &str, said: &mut BTreeSet<String>) -> Result<()> {
        let waiting = self.console.client().get::<ApprovalList>(&Route::v1(&["approvals"])).await?.value.approvals;
        for asked in waiting.iter().filter(|asked| asked.run.as_deref() == Some(run)) {
            if said.insert(asked.id.clone()) {
                let text = approvals::question(asked, self.console.paint());
                show(&self.screen.aside(&(text + &question::elsewhere(asked, &words::time(asked.until)))))?;
            }
        }
        Ok(())
    }

    /// Says what came of the turn.
    async fn tells(&mut self, run: &RunView) -> Result<()> {
        let route = Route::v1(&["sessions", &self.session, "transcript"]).with("count", ENTRIES);
        let page = self.console.client().get::<TranscriptPage>(&route).await?.value;
        let of_agent = page.entries.iter().rev().filter(|entry| entry.run.as_ref() == Some(&run.run) && entry.role == "assistant");
        let answer = of_agent.map(|entry| content(&entry.content)).find(|said| !said.trim().is_empty());
        let answer = answer.map(|said| many_lines(&said) + "\n").unwrap_or_default();
        let why = run.error.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let ended = match run.status {
            RunState::Done | RunState::Running => String::new(),
            RunState::Blocked => format!("the turn was blocked{why}"),
            RunState::Failed => format!("the turn failed{why}"),
            RunState::Cancelled => "the turn was cancelled".to_owned(),
            RunState::Interrupted => "the daemon stopped in the middle of the turn".to_owned(),
        };
        let ended = if ended.is_empty() { ended } else { self.console.paint().on(Tone::Bad, &one_line(&ended)) + "\n" };
        super::print(&format!("{}{answer}{ended}", self.screen.fresh_line()))
    }
}

/// Runs a command in a session, if there is one. Where the agent goes on: the runs that the session had before.
async fn run(session: &str, Other { name, args }: &Other, console: &Console) -> Result<Option<BTreeSet<String>>> {
    let client = console.client();
    let list = client.get::<CommandList>(&Route::v1(&["commands"])).await?.value;
    if !list.commands.iter().any(|known| known.name == *name) {
        let clash = list.clashes.iter().find(|clash| clash.name == *name);
        let said = match clash {
            Some(clash) => format!("nobody has the command `/{name}`, since {} claim it", clash.owners.join(" and ")),
            None => slash::unknown(name, list.commands.iter().map(|known| known.name.as_str())),
        };
        super::print(&(one_line(&said) + "\n"))?;
        return Ok(None);
    }
    let known = runs(session, console).await?;
    let asked =
        CommandRequest { session: known.is_some().then(|| session.to_owned()), args: Some(args.clone()).filter(|args| !args.is_empty()) };
    let asked = Content::json(&asked).context("can't write the command as JSON")?;
    let route = Route::v1(&["commands", name]);
    let request = client.send::<CommandAnswer>(Method::POST, &route, asked);
    let answer = console.during(&format!("running /{name}"), request).await?;
    let CommandAnswer { text, continue_agent, .. } = answer.value;
    let text =
        text.map(|text| many_lines(&text) + "\n").unwrap_or_else(|| if continue_agent { String::new() } else { "done\n".to_owned() });
    super::print(&text)?;
    Ok(continue_agent.then(|| known.into_iter().flatten().map(|run| run.run).collect()))
}

/// The newest turns of a session; none, if there is no such session.
async fn runs(session: &str, console: &Console) -> Result<Option<Vec<RunView>>> {
    match console.client().get::<SessionDetail>(&Route::v1(&["sessions", session])).await {
        Ok(detail) => Ok(Some(detail.value.runs)),
        Err(ClientError::Refused { status: 404, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The turn that the agent has after a command, if it has begun.
async fn look(session: &str, known: &BTreeSet<String>, console: &Console) -> Result<Option<RunView>> {
    let runs = runs(session, console).await?.unwrap_or_default();
    // The oldest of the new ones: others may have had theirs since.
    Ok(runs.into_iter().rev().find(|run| run.trigger == TRIGGER && !known.contains(&run.run)))
}
