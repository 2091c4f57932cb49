//! Injections: who waits, in which order, and until when.

use super::{alive, touch, write};
use crate::error::Problem;
use crate::rows::{Backend, Reads, Weight};
use crate::sessions::rows::Waiting;
use crate::sessions::{Injection, InjectionStatus, NewInjection, Queued, SessionBounds, bounds};
use std::cmp::Reverse;

/// Whether it has waited for longer than it was meant to. One of this very millisecond hasn't, even with a ttl of 0.
pub(super) fn is_expired(created_at: u64, ttl_ms: Option<u64>, now: u64) -> bool {
    ttl_ms.is_some_and(|ttl| now.saturating_sub(created_at) > ttl)
}

/// By priority, the higher first; then by age, the older first. They come as they were queued, and those of one millisecond stay so.
pub(super) fn in_order(injections: &mut [Injection]) {
    injections.sort_by_key(|injection| (Reverse(injection.asked.priority), injection.created_at));
}

pub(in crate::sessions) async fn inject<B: Backend>(backend: &B, new: NewInjection, life: &str) -> Result<Queued, Problem> {
    bounds::injection(&new)?;
    bounds::life(&new.session, life)?;
    let (new, life) = (NewInjection { text: new.text.trim().to_owned(), ..new }, life.to_owned());
    write(backend, Weight::Few, move |rows, now| {
        let Some(mut standing) = alive(rows, &new.session, &life)? else { return Ok(Queued::Gone) };
        let (gone, there): (Vec<_>, Vec<_>) = rows
            .waiting(&new.session)?
            .into_iter()
            .filter(|w| w.plugin == new.plugin)
            .partition(|waiting| waiting.status == InjectionStatus::Pending && is_expired(waiting.created_at, waiting.ttl_ms, now));
        if let Some(other) = place(&new, &there)? {
            return Ok(other);
        }
        gone.iter().try_for_each(|waiting| rows.remove_injection(&new.session, waiting.number))?;
        rows.add_injection(&new, now)?;
        touch(&mut standing, now);
        rows.put_session(&new.session, &standing)?;
        Ok(Queued::Fresh)
    })
    .await
}

/// What stands in the way of an injection among those of its plugin and session.
fn place(new: &NewInjection, there: &[Waiting]) -> Result<Option<Queued>, Problem> {
    let mut waiting = there.iter().filter(|waiting| waiting.status != InjectionStatus::Shown);
    if let Some(same) = waiting.clone().find(|waiting| new.key.is_some() && waiting.key == new.key) {
        return Ok(Some(Queued::Waits(same.id.clone())));
    }
    let count = waiting.clone().count() as u64;
    if count >= SessionBounds::INJECTIONS {
        return Ok(Some(Queued::Full(count)));
    }
    match waiting.find(|waiting| waiting.id == new.id) {
        Some(_) => Err(Problem::Invalid(format!("an injection with the id {:?} waits already: expected a new one", new.id))),
        None => Ok(None),
    }
}

pub(in crate::sessions) fn waiting<B: Backend>(backend: &B, session: &str) -> Result<Vec<Injection>, Problem> {
    bounds::session(session)?;
    let now = backend.shelf().now();
    let all = backend.read(Reads::Once, |rows| rows.injections(session))?;
    let mut waiting: Vec<_> = all
        .into_iter()
        .map(|(_, injection)| injection)
        .filter(|injection| match injection.status {
            InjectionStatus::Pending => !is_expired(injection.created_at, injection.asked.ttl_ms, now),
            InjectionStatus::Claimed => true,
            InjectionStatus::Shown => false,
        })
        .collect();
    in_order(&mut waiting);
    Ok(waiting)
}
