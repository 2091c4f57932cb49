//! Commands of plugins, given at the prompt; and, where the agent goes on after one, its answer.
//!
//! That turn isn't ours: the daemon begins it, by a job that the command's answer names. So the session is looked at until its turn by that name has ended, which costs two requests now and then. It
//! is known that it comes as long as the job is kept, or turns stand in the session's line; behind that it is said that it doesn't. Ctrl-C leaves the turn to itself.

use super::super::console::Console;
use super::super::sessions::content;
use super::super::{approvals, words};
use super::slash::{self, Other, WIDTH};
use super::{Talk, Then, question, show};
use crate::api::types::{
    ApprovalList, CommandAnswer, CommandList, CommandRequest, CommandView, JobView, RunState, RunView, SessionDetail, TranscriptPage,
};
use crate::client::{Answer, ClientError, Content, Route};
use crate::output::{Tone, many_lines, one_line};
use anyhow::{Context, Result};
use hyper::Method;
use std::collections::BTreeSet;
use std::time::Duration;

/// How often the session is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Entries of a turn among which its answer is looked for.
const ENTRIES: usize = 200;

/// What became of the turn that the agent has after a command.
enum Fate {
    /// It is under way, or has ended.
    Run(RunView),
    /// It will come.
    Comes,
    /// It doesn't come, or isn't to be found any more.
    Never(&'static str),
}

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
            Some(Ok(Some(job))) => self.goes_on(&job).await?,
            Some(done) => drop(done?),
        }
        Ok(Then::GoOn)
    }

    /// The agent goes on by this job: waits for the end of its turn, if one comes.
    async fn goes_on(&mut self, job: &str) -> Result<()> {
        show(&self.screen.aside("the agent goes on; Ctrl-C leaves it\n"))?;
        let mut asked = BTreeSet::new();
        loop {
            let (console, session) = (self.console, self.session.clone());
            let Some(looked) = self.interrupts.unless(look(&session, job, console)).await else { return self.leaves() };
            match looked? {
                Fate::Run(run) if run.status != RunState::Running => return self.tells(&run).await,
                Fate::Run(run) => self.open_questions(&run.run, &mut asked).await?,
                Fate::Comes => {}
                Fate::Never(why) => return show(&self.screen.aside(&format!("the agent doesn't go on: {why}\n"))),
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

/// Runs a command in a session, if there is one. Where the agent goes on: the job by which it does.
async fn run(session: &str, Other { name, args }: &Other, console: &Console) -> Result<Option<String>> {
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
    let known = detail(session, console).await?;
    let asked =
        CommandRequest { session: known.is_some().then(|| session.to_owned()), args: Some(args.clone()).filter(|args| !args.is_empty()) };
    let asked = Content::json(&asked).context("can't write the command as JSON")?;
    let route = Route::v1(&["commands", name]);
    let request = client.send::<CommandAnswer>(Method::POST, &route, asked);
    let answer = console.during(&format!("running /{name}"), request).await?;
    let CommandAnswer { text, job, .. } = answer.value;
    let silence = if job.is_some() { "" } else { "done\n" };
    super::print(&text.map_or_else(|| silence.to_owned(), |text| many_lines(&text) + "\n"))?;
    Ok(job)
}

/// The session with its newest turns; none, if there is no such session.
async fn detail(session: &str, console: &Console) -> Result<Option<SessionDetail>> {
    found(console.client().get(&Route::v1(&["sessions", session])).await)
}

fn found<T>(asked: Result<Answer<T>, ClientError>) -> Result<Option<T>> {
    match asked {
        Ok(answer) => Ok(Some(answer.value)),
        Err(ClientError::Refused { status: 404, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What became of the turn that the agent has by this job.
async fn look(session: &str, job: &str, console: &Console) -> Result<Fate> {
    // First the job: it is there until its turn has ended, so one whose job is gone stands in the line, has a run, or never comes.
    let is_kept = found(console.client().get::<JobView>(&Route::v1(&["jobs", job])).await)?.is_some();
    let Some(SessionDetail { summary, runs }) = detail(session, console).await? else {
        return Ok(Fate::Never("its session is gone"));
    };
    let under_way = runs.iter().filter(|run| run.status == RunState::Running).count() as u64;
    Ok(match runs.into_iter().find(|run| run.message_id.as_deref() == Some(job)) {
        Some(run) => Fate::Run(run),
        None if is_kept || summary.turns > under_way => Fate::Comes,
        None => {
            Fate::Never("its job is gone, and none of the session's newest turns is its own; `plugbay history` has what became of jobs")
        }
    })
}
