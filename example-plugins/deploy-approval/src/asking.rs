//! A request is made: checked, kept, given its end, and shown.
//!
//! What it is for: what the agent's tool does. What it costs: a list of the rows, two writes and a timer. How it fails: closed. Where a request can't be kept or can't be given an end, there is none,
//! and the agent reads why.

use crate::moment::{minute, now};
use crate::request::{Person, Request, Verdict, Wanted};
use crate::settings::Settings;
use crate::shelf::{Shelf, WAITING, WAITING_HERE};
use crate::view;
use plugbay_sdk::prelude::*;

/// What a request's timer is told.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct Due {
    pub(crate) request: String,
}

/// Makes a request; what the agent is told of it. An `Err` is told as well.
pub(crate) fn ask(settings: &Settings, call: &Call, wanted: Wanted) -> Result<String> {
    let wanted = wanted.checked(settings)?;
    let session = call.session().map_err(|_| Error::new("a deploy can be asked for in a session only: nobody would hear of the answer"))?;
    let (key, life) = (session.key()?, session.id()?);
    let shelf = Shelf::open()?;
    let all = shelf.all()?;
    if let Some(same) = all.iter().find(|request| request.decision.is_none() && request.is_like(&life, &wanted)) {
        return Ok(format!("This was asked for before. {}. Don't deploy before you are told that it is approved.", same.line()));
    }
    room(&all, &life)?;
    let asked_at = now();
    let ends_at = asked_at.saturating_add(u64::try_from(settings.time_out().as_millis()).unwrap_or(u64::MAX));
    let Wanted { service, version, environment, reason } = wanted;
    let (id, asked_for) = (Shelf::next_id()?, Person::of(call));
    let request = Request { id, service, version, environment, reason, session: key, life, asked_for, asked_at, ends_at, decision: None };
    shelf.add(&request)?;
    if let Err(error) = arm(session, &request) {
        shelf.remove(&request.id)?;
        return Err(Error::new(format!("the request can't be made, since its end can't be scheduled: {error}")));
    }
    forget_reminders(session, &all, &request);
    view::show(&shelf, session);
    log::info!("{}", request.line());
    let admin = if settings.is_production(&request.environment) { " It is production, so an admin has to approve." } else { "" };
    Ok(format!(
        "Request {} is made: {}. A person has to answer before {}.{admin} Don't deploy yet: you are told of the answer, and need not ask again.",
        request.id,
        request.what(),
        minute(request.ends_at)
    ))
}

/// Refuses one too many.
fn room(all: &[Request], life: &str) -> Result<()> {
    let waiting = || all.iter().filter(|request| request.decision.is_none());
    let (here, everywhere) = (waiting().filter(|request| request.life == life).count(), waiting().count());
    let refused = |count: usize, most: usize, place: &str| {
        Err(Error::new(format!(
            "{count} requests {place} wait for an answer already, {most} are allowed: have some of them answered first"
        )))
    };
    match () {
        () if here >= WAITING_HERE => refused(here, WAITING_HERE, "of this session"),
        () if everywhere >= WAITING => refused(everywhere, WAITING, "of all sessions together"),
        () => Ok(()),
    }
}

/// Sets the timer that ends a request. Again, if need be: it has a name.
pub(crate) fn arm(session: &Session, request: &Request) -> Result<()> {
    let due = Due { request: request.id.clone() };
    let timer = schedule::timer().at(request.ends_at).name(format!("time-out-{}", request.id)).tag(request.tag());
    timer.catch_up(schedule::CatchUp::Once).about(session).payload(&due)?.start()?;
    Ok(())
}

/// Who asks again needn't be reminded that nobody answered before.
fn forget_reminders(session: &Session, all: &[Request], new: &Request) {
    let timed_out = |request: &&Request| request.decision.as_ref().is_some_and(|decision| decision.verdict == Verdict::TimedOut);
    let about_the_same = |old: &&Request| (&old.life, &old.service, &old.environment) == (&new.life, &new.service, &new.environment);
    for old in all.iter().filter(timed_out).filter(about_the_same) {
        if let Err(error) = schedule::cancel_tag_of(session, &old.tag()) {
            log::warn!("the reminder of {} stays: {error}", old.id);
        }
    }
}
