//! What is welcome of jobs and deliveries: the bounds, and the checks that hold what comes in to them.
//!
//! Everything is checked before a transaction begins; JSON costs one pass over it, a name nothing to speak of. What is too large is `limit-exceeded`, what makes
//! no sense `invalid-input`; either names what it was, and its bound.

use super::{DeliveriesQuery, JobEnd, JobTime, JobsQuery, NewDelivery, NewJob};
use crate::check;
use crate::clock::MAX_TIME;
use crate::error::Problem;
use crate::ledger::rules as ledger;
use crate::sessions::SessionBounds;
use crate::sessions::bounds::{life, moment, name, name_if_any, plugin, session};
use std::collections::BTreeSet;
use std::num::NonZeroUsize;

/// Bounds of jobs and deliveries. Fixed: no setting changes them.
#[derive(Debug, Clone, Copy)]
pub struct WorkBounds;

impl WorkBounds {
    /// Bytes of an id, a plugin's id, a session's key, a job's name, its tag, its kind, a claim.
    pub const NAME: usize = SessionBounds::NAME;
    /// Bytes of a job's body.
    pub const BODY: usize = 256 << 10;
    /// Bytes of a job's plan.
    pub const PLAN: usize = 4 << 10;
    /// Bytes of a delivery's body.
    pub const DELIVERY: usize = 64 << 10;
    /// Levels of arrays and objects in JSON.
    pub const DEPTH: usize = SessionBounds::DEPTH;
    /// Jobs or deliveries of one answer, plugins that are asked for at once, claims that are made at once.
    pub const ANSWER: usize = SessionBounds::ANSWER;
}

/// As many as an answer may hold.
pub(super) const MOST: NonZeroUsize = match NonZeroUsize::new(WorkBounds::ANSWER) {
    Some(most) => most,
    None => NonZeroUsize::MIN,
};

fn amount(what: &str, wanted: usize, unit: &str) -> Result<(), Problem> {
    check::bounded(what, wanted, unit, WorkBounds::ANSWER)
}

fn json(what: &str, text: &str, most: usize) -> Result<(), Problem> {
    check::bounded_json(what, text, most, WorkBounds::DEPTH)
}

fn all_different(what: &str, names: &[String]) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        None => Ok(()),
        Some(twice) => Err(Problem::Invalid(format!("{what} {twice:?} is there twice: expected names that are all different"))),
    }
}

/// A job's id.
pub(super) fn job(id: &str) -> Result<(), Problem> {
    name("the job's id", id)
}

fn time(time: JobTime) -> Result<(), Problem> {
    moment("the job's `due_at`", time.due_at)?;
    moment("the job's `run_at`", time.run_at)
}

pub(super) fn new_job(new: &NewJob) -> Result<(), Problem> {
    job(&new.id)?;
    plugin(&new.plugin)?;
    name_if_any("the job's name", new.name.as_deref())?;
    name_if_any("the job's tag", new.tag.as_deref())?;
    new.session.as_ref().map_or(Ok(()), |about| life(&about.key, &about.life))?;
    name("the job's kind", &new.kind)?;
    json("the job's body", &new.body, WorkBounds::BODY)?;
    json("the job's plan", &new.plan, WorkBounds::PLAN)?;
    time(new.time)
}

pub(super) fn jobs(which: &JobsQuery) -> Result<(), Problem> {
    amount("the jobs' `limit`", which.limit.get(), "jobs")?;
    which.id.as_deref().map_or(Ok(()), job)?;
    which.plugin.as_deref().map_or(Ok(()), plugin)?;
    which.session.as_deref().map_or(Ok(()), session)?;
    name_if_any("the jobs' tag", which.tag.as_deref())?;
    name_if_any("the jobs' kind", which.kind.as_deref())?;
    which.after.as_ref().map_or(Ok(()), |spot| {
        moment("the spot's `run_at`", spot.run_at)?;
        name("the spot's id", &spot.id)
    })
}

/// Whose jobs are asked for.
pub(super) fn plugins(plugins: &[String]) -> Result<(), Problem> {
    amount("the plugins", plugins.len(), "plugins")?;
    plugins.iter().try_for_each(|one| plugin(one))?;
    all_different("the plugin", plugins)
}

pub(super) fn claim(claim: &str) -> Result<(), Problem> {
    name("the claim", claim)
}

pub(super) fn claims(claims: &[String]) -> Result<(), Problem> {
    amount("the claims", claims.len(), "claims")?;
    claims.iter().try_for_each(|one| claim(one))?;
    all_different("the claim", claims)
}

pub(super) fn end(end: &JobEnd) -> Result<(), Problem> {
    end.next.map_or(Ok(()), time)?;
    ledger::welcome_events(&[&end.events[..], &end.last].concat())
}

/// A delivery's id.
pub(super) fn delivery(id: &str) -> Result<(), Problem> {
    name("the delivery's id", id)
}

pub(super) fn new_delivery(new: &NewDelivery) -> Result<(), Problem> {
    delivery(&new.id)?;
    plugin(&new.plugin)?;
    life(&new.session, &new.life)?;
    name_if_any("the delivery's run", new.run.as_deref())?;
    json("the delivery's body", &new.body, WorkBounds::DELIVERY)?;
    if new.bytes > MAX_TIME {
        return Err(Problem::Invalid(format!("the delivery's bytes are {}: expected {MAX_TIME} at most", new.bytes)));
    }
    Ok(())
}

pub(super) fn deliveries(which: &DeliveriesQuery) -> Result<(), Problem> {
    amount("the deliveries' `limit`", which.limit.get(), "deliveries")?;
    which.session.as_deref().map_or(Ok(()), session)?;
    which.plugin.as_deref().map_or(Ok(()), plugin)?;
    moment("the deliveries' `older_than`", which.older_than.unwrap_or(0))
}
