//! Has a person decide on each deploy that an agent wants to make.
//!
//! What it is for: the agent asks with a tool, a person answers by a button, a command or over HTTP, and the agent goes on with that answer. A request that nobody answers in time counts as rejected. What it
//! costs: a row of the store, a line of the session's state and a timer for each request. How it fails: closed. A request that can't be kept isn't made; an answer counts once, whoever else answers; what the
//! agent isn't told because the host was killed it is told when the host is back.

#![forbid(unsafe_code)]

mod answer;
mod asking;
mod moment;
mod order;
mod request;
mod settings;
mod shelf;
#[cfg(test)]
mod tests;
mod view;

use answer::{Answered, Refused, Wish};
use asking::Due;
use order::Order;
use plugbay_sdk::hooks::cleanup::Reason;
use plugbay_sdk::prelude::*;
use request::{Request, Verdict, Wanted};
use settings::Settings;
use shelf::Shelf;
use view::View;

/// Which request is approved.
#[plugbay_sdk::args]
struct Approval {
    /// The request's id, as in `d-17`.
    request: String,
    /// What the agent is told with it; 1,000 characters.
    #[serde(default)]
    note: String,
}

/// Which request is rejected.
#[plugbay_sdk::args]
struct Rejection {
    /// The request's id, as in `d-17`.
    request: String,
    /// Why, for the agent; 1,000 characters.
    reason: String,
}

/// Which request the agent asks about.
#[plugbay_sdk::args]
struct Which {
    /// The request's id, as in `d-17`. All of this session, if left out.
    #[serde(default)]
    request: Option<String>,
}

struct DeployApproval {
    settings: Settings,
}

#[plugin(
    isolation(shared, pool, session, call),
    session_state(deploys = "deploys that wait for a person's answer, and the newest that were answered"),
    ui(
        id = "deploys",
        surface = "session",
        label = "Deploys",
        description = "Deploys that wait for your answer",
        namespace = "deploys",
        actions("approve", "reject")
    )
)]
impl DeployApproval {
    fn activate(_: &Activation, settings: Settings) -> Result<Self> {
        settings.check()?;
        Ok(Self { settings })
    }

    /// Sees to it that each request that waits has its end, and that each answer was told: a host that was killed may have come between.
    fn started(&self, _: ActivationReason) -> Result<()> {
        let shelf = Shelf::open()?;
        for request in shelf.all()? {
            if let Err(error) = resume(&shelf, &request) {
                log::warn!("{}: {error}", request.id);
            }
        }
        Ok(())
    }

    /// Asks a person for permission to deploy. Nothing is deployed by this: you are told of the answer in a later turn, and deploy only if it is an approval, and only exactly what was approved.
    #[tool(title = "Request a deploy", risk = "low", tags("deploy"))]
    fn request_deploy(&self, call: &Call, wanted: Wanted) -> ToolResult {
        match asking::ask(&self.settings, call, wanted) {
            Ok(words) => ToolResult::text(words),
            Err(error) => ToolResult::failed(format!("No deploy was asked for: {error}")),
        }
    }

    /// How a deploy stands that was asked for in this session, or all of them.
    #[tool(title = "Status of a deploy request", risk = "low", tags("deploy"))]
    fn deploy_status(&self, call: &Call, which: Which) -> Result<ToolResult> {
        let (shelf, life) = (Shelf::open()?, call.session()?.id()?);
        let Some(text) = which.request else { return Ok(ToolResult::text(view::listed(&self.settings, &shelf, Some(&life))?)) };
        let found = request::id(&text).map(|id| shelf.get(&id)).transpose()?.flatten().filter(|request| request.life == life);
        Ok(match found {
            Some(request) => ToolResult::text(request.line()),
            None => ToolResult::failed(format!("this session has no request {:?}", text.chars().take(40).collect::<String>())),
        })
    }

    /// Approves a deploy that waits for an answer. The agent goes on with it.
    #[action(title = "Approve the deploy")]
    fn approve(&self, call: &Call, params: Approval) -> Result<ActionResult> {
        self.decide(call, &Wish { request: &params.request, verdict: Verdict::Approved, note: &params.note })
    }

    /// Rejects a deploy that waits for an answer. The agent is told why.
    #[action(title = "Reject the deploy")]
    fn reject(&self, call: &Call, params: Rejection) -> Result<ActionResult> {
        self.decide(call, &Wish { request: &params.request, verdict: Verdict::Rejected, note: &params.reason })
    }

    /// Lists, approves and rejects deploys that wait for an answer.
    #[command(args = "[list | all | show ID | approve ID [note] | reject ID reason]")]
    fn deploys(&self, call: &Call, text: &str) -> Result<CommandAnswer> {
        match order::read(text)? {
            Order::List => {
                let life = call.session.as_ref().map(Session::id).transpose()?;
                Ok(CommandAnswer::text(view::listed(&self.settings, &Shelf::open()?, life.as_deref())?))
            }
            Order::All => Ok(CommandAnswer::text(view::listed(&self.settings, &Shelf::open()?, None)?)),
            Order::Show(id) => shown(id),
            Order::Approve(request, note) => self.command(call, &Wish { request, verdict: Verdict::Approved, note }),
            Order::Reject(request, note) => self.command(call, &Wish { request, verdict: Verdict::Rejected, note }),
        }
    }

    /// A request's time is over.
    fn timers(&self, call: &Call, event: Timer) -> Result<()> {
        let Due { request } = event.parse()?;
        if !answer::time_out(&self.settings, &Shelf::open()?, call.session()?, &request)? {
            log::debug!("{request} was answered before its time was over");
        }
        Ok(())
    }

    /// What is shown where sessions are listed: what waits.
    fn session_projection(&self, _: &Call, event: Projecting) -> Result<Option<String>> {
        Ok(serde_json::from_str::<View>(&event.state)?.words())
    }

    /// Nobody waits for an answer any more where the session has ended.
    fn cleanup(&self, call: &Call, event: CleanupAsked) -> Result<()> {
        match event.reason {
            Reason::Reset | Reason::Delete => {
                let (shelf, life) = (Shelf::open()?, call.session()?.id()?);
                let own = shelf.waiting()?.into_iter().filter(|request| request.life == life);
                own.into_iter().try_for_each(|request| answer::withdraw(&shelf, &request.id))
            }
            Reason::Disable | Reason::Restart => Ok(()),
        }
    }
}

impl DeployApproval {
    fn decide(&self, call: &Call, wish: &Wish) -> Result<ActionResult> {
        match answer::answer(&self.settings, call, wish)? {
            Ok(Answered { request, here, words }) => {
                let verdict = request.decision.as_ref().map(|decision| decision.verdict);
                let done = ActionResult::done().result(&json!({ "request": request.id, "verdict": verdict }))?.reply(words);
                Ok(if here { done.continue_agent() } else { done })
            }
            Err(refused) => failure(&refused),
        }
    }

    fn command(&self, call: &Call, wish: &Wish) -> Result<CommandAnswer> {
        match answer::answer(&self.settings, call, wish)? {
            Ok(Answered { here, words, .. }) => {
                let said = CommandAnswer::text(words);
                Ok(if here { said.continue_agent() } else { said })
            }
            Err(refused) => Err(Error::new(refused.words())),
        }
    }
}

fn failure(refused: &Refused) -> Result<ActionResult> {
    let failed = ActionResult::failed(refused.words()).code(refused.code());
    match refused.request() {
        Some(request) => failed.details(&json!({ "request": request.id, "decision": request.decision })),
        None => Ok(failed),
    }
}

fn shown(text: &str) -> Result<CommandAnswer> {
    let request = request::id(text).map(|id| Shelf::open()?.get(&id)).transpose()?.flatten();
    match request {
        Some(request) => {
            let (line, reason, session) = (request.line(), &request.reason, &request.session);
            Ok(CommandAnswer::text(format!("{line}\nReason: {reason}\nSession: {session}")))
        }
        None => Err(Error::new(Refused::Unknown(text.chars().take(40).collect()).words())),
    }
}

/// Goes on with a request after a start. Where it can't be known now whether its session is there, the row stays, and ends by itself.
fn resume(shelf: &Shelf, request: &Request) -> Result<()> {
    if request.decision.as_ref().is_some_and(|decision| decision.told) {
        return Ok(());
    }
    match (&request.decision, answer::agent(request)?) {
        (None, Some(session)) => asking::arm(&session, request),
        (None, None) => answer::withdraw(shelf, &request.id),
        (Some(_), Some(session)) => {
            answer::tell(shelf, &session, request);
            Ok(())
        }
        (Some(_), None) => Ok(()),
    }
}
