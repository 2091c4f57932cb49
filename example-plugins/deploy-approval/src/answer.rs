//! A person's answer, a time-out, and what follows of them.
//!
//! What it is for: the action, the command and the timer decide in one way. The row is changed first, so of two answers one counts; then the agent is told. A host that is killed between the two tells it
//! when it is back. What it costs: the row, a list of the rows, and four calls of the host. How it fails: who may not, or comes too late, gets a [`Refused`] with a code. What follows of a decision can fail
//! without undoing it: that is a warning in the log, and the answer says so where a person waits.

use crate::moment::{minute, now};
use crate::request::{self, Decision, Person, Request, Verdict};
use crate::settings::Settings;
use crate::shelf::{Settled, Shelf};
use crate::view;
use plugbay_sdk::prelude::*;

/// Where a decision stands among what the agent is told.
const PRIORITY: i32 = 100;
const ADMIN: &str = "operator.admin";

/// What somebody wants to be decided.
pub(crate) struct Wish<'a> {
    pub(crate) request: &'a str,
    pub(crate) verdict: Verdict,
    pub(crate) note: &'a str,
}

/// Why an answer doesn't count.
#[derive(Debug)]
pub(crate) enum Refused {
    /// There is no such request.
    Unknown(String),
    /// What was said with it is no good.
    Note(String),
    /// It was decided on before.
    Decided(Request),
    /// Its time is over.
    TimedOut(Request),
    /// Its session was reset or deleted.
    Gone(Request),
    /// It is about production.
    NeedsAdmin(Request, Vec<String>),
    /// It is one's own.
    OwnRequest(Request),
}

/// What was decided.
pub(crate) struct Answered {
    pub(crate) request: Request,
    /// Whether the agent that asked is the one of the call.
    pub(crate) here: bool,
    /// In words, for the person and the agent.
    pub(crate) words: String,
}

impl Refused {
    /// A word for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown-request",
            Self::Note(_) => "bad-note",
            Self::Decided(_) => "already-decided",
            Self::TimedOut(_) => "timed-out",
            Self::Gone(_) => "session-gone",
            Self::NeedsAdmin(..) => "needs-admin",
            Self::OwnRequest(_) => "own-request",
        }
    }

    /// For people.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Unknown(id) => format!("there is no request {id:?} (any more): `/deploys` lists those that wait"),
            Self::Note(why) => why.clone(),
            Self::Decided(request) => {
                let decided = request.decision.as_ref().map(Decision::words).unwrap_or_default();
                format!("request {} ({}) was decided on before: {decided}", request.id, request.what())
            }
            Self::TimedOut(request) => {
                format!("request {} ({}) timed out at {}: the agent has to ask again", request.id, request.what(), minute(request.ends_at))
            }
            Self::Gone(request) => {
                format!("the session {:?} of request {} was reset or deleted, so nobody waits for an answer", request.session, request.id)
            }
            Self::NeedsAdmin(request, has) => format!(
                "request {} is about {}, which is production here: to approve it needs the scope `{ADMIN}`, and the caller has {} (setting `production` of deploy-approval)",
                request.id,
                request.environment,
                if has.is_empty() { "none".to_owned() } else { format!("`{}`", has.join("`, `")) }
            ),
            Self::OwnRequest(request) => format!(
                "the agent asked for request {} on your behalf: somebody else has to approve a deploy to production (setting `four-eyes` of deploy-approval)",
                request.id
            ),
        }
    }

    /// The request that it is about.
    pub(crate) fn request(&self) -> Option<&Request> {
        match self {
            Self::Unknown(_) | Self::Note(_) => None,
            Self::Decided(request)
            | Self::TimedOut(request)
            | Self::Gone(request)
            | Self::NeedsAdmin(request, _)
            | Self::OwnRequest(request) => Some(request),
        }
    }
}

/// Decides, if that may be. Errors are the plugin's own.
pub(crate) fn answer(settings: &Settings, call: &Call, wish: &Wish) -> Result<Result<Answered, Refused>> {
    let unknown = || Refused::Unknown(wish.request.chars().take(40).collect());
    let Some(id) = request::id(wish.request) else { return Ok(Err(unknown())) };
    let note = match note(wish) {
        Ok(note) => note,
        Err(why) => return Ok(Err(Refused::Note(why.to_string()))),
    };
    let shelf = Shelf::open()?;
    let Some(request) = shelf.get(&id)? else { return Ok(Err(unknown())) };
    if let Some(refused) = forbidden(settings, call, wish.verdict, &request) {
        return Ok(Err(refused));
    }
    let Some(session) = agent(&request)? else {
        shelf.settle(&id, &decision(Verdict::Withdrawn, None, "its session was reset or deleted"))?;
        return Ok(Err(Refused::Gone(request)));
    };
    if now() >= request.ends_at {
        time_out(settings, &shelf, &session, &id)?;
        return Ok(Err(Refused::TimedOut(request)));
    }
    let decided = Decision { note, ..decision(wish.verdict, Person::of(call), "") };
    Ok(match shelf.settle(&id, &decided)? {
        Settled::Now(request) => Ok(follow(&shelf, call, &session, request)),
        Settled::Before(request) => Err(Refused::Decided(request)),
        Settled::Unknown => Err(unknown()),
    })
}

/// What is said with an answer; who rejects says why.
fn note(wish: &Wish) -> Result<String> {
    let (what, needed) = if wish.verdict == Verdict::Rejected { ("reason", true) } else { ("note", false) };
    let note = request::note(what, wish.note)?;
    if needed && note.is_empty() { Err(Error::new("`reason` is empty: say why, so that the agent knows what to do")) } else { Ok(note) }
}

fn decision(verdict: Verdict, by: Option<Person>, note: &str) -> Decision {
    Decision { verdict, by, note: note.to_owned(), at: now(), told: false }
}

/// Why the caller may not decide so, if that is known before.
fn forbidden(settings: &Settings, call: &Call, verdict: Verdict, request: &Request) -> Option<Refused> {
    if request.decision.is_some() {
        return Some(Refused::Decided(request.clone()));
    }
    // To say no, nobody has to be an admin.
    if verdict != Verdict::Approved || !settings.is_production(&request.environment) {
        return None;
    }
    let has = call.principal.as_ref().map(|principal| principal.scopes.clone()).unwrap_or_default();
    if !has.iter().any(|scope| scope == ADMIN) {
        return Some(Refused::NeedsAdmin(request.clone(), has));
    }
    let own = settings.four_eyes && Person::of(call) == request.asked_for;
    own.then(|| Refused::OwnRequest(request.clone()))
}

/// The session whose agent asked, if it is still in the same life. An `Err`: it can't be known now, and is known another time.
pub(crate) fn agent(request: &Request) -> Result<Option<Session<'static>>> {
    match sessions::open(&request.session) {
        Ok(session) => Ok((session.id()? == request.life).then_some(session)),
        Err(error @ sessions::SessionsError::Failed(_)) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// What follows of a person's decision: its timer goes, the agent is told and goes on.
fn follow(shelf: &Shelf, call: &Call, session: &Session, request: Request) -> Answered {
    if let Err(error) = schedule::cancel_tag_of(session, &request.tag()) {
        log::warn!("the timer of {} stays, and does nothing when it is due: {error}", request.id);
    }
    let here = call.session.as_ref().is_some_and(|own| own.id().is_ok_and(|life| life == request.life));
    let mut words = format!("{}.", request.line());
    let told = tell(shelf, session, &request);
    if !here {
        let message = format!("A person answered request {} in another place. {}", request.id, request.told());
        let turn = schedule::turn(session, message).at(now()).name(format!("go-on-{}", request.id)).tag(request.tag()).announce().start();
        match turn {
            Ok(_) => words.push_str(" Its agent goes on."),
            Err(error) => words.push_str(&format!(" Its agent hears of it in its next turn only: {error}.")),
        }
    } else if !told {
        words.push_str(" The agent hears of it from this answer only: the log says why.");
    }
    view::show(shelf, session);
    Answered { request, here, words }
}

/// Queues for the agent what was decided. Whether that went well.
pub(crate) fn tell(shelf: &Shelf, session: &Session, request: &Request) -> bool {
    let told = || -> Result<()> {
        let metadata = json!({ "request": request.id });
        Injection::new(request.told()).priority(PRIORITY).key(request.id.as_str()).metadata(&metadata)?.enqueue(session)?;
        shelf.told(&request.id)
    };
    told().inspect_err(|error| log::warn!("the agent isn't told of {}: {error}", request.id)).is_ok()
}

/// Nobody answered in time. Whether that is so.
pub(crate) fn time_out(settings: &Settings, shelf: &Shelf, session: &Session, id: &str) -> Result<bool> {
    let Settled::Now(request) = shelf.settle(id, &decision(Verdict::TimedOut, None, ""))? else { return Ok(false) };
    log::info!("{}", request.line());
    tell(shelf, session, &request);
    view::show(shelf, session);
    if let Some(after) = settings.reminder() {
        let message = format!(
            "{} Ask the person whether this deploy is still wanted, and say why it was wanted: “{}”",
            request.told(),
            request.reason
        );
        schedule::turn(session, message).after(after).name(format!("remind-{id}")).tag(request.tag()).announce().start()?;
    }
    Ok(true)
}

/// The session of the agent ended, and with it what it asked for.
pub(crate) fn withdraw(shelf: &Shelf, id: &str) -> Result<()> {
    let ended = Decision { told: true, ..decision(Verdict::Withdrawn, None, "its session was reset or deleted") };
    shelf.settle(id, &ended).map(drop)
}
