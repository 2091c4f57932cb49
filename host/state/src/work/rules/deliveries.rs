//! Deliveries: listed, found, taken off the list. Their numbers and their moments grow together, though the clock be set back.

use crate::error::Problem;
use crate::rows::{Backend, Reads, Weight};
use crate::sessions::rules::{Answer, alive, write};
use crate::work::{DeliveriesQuery, Delivery, NewDelivery, bounds};

pub(in crate::work) async fn add<B: Backend>(backend: &B, sent: NewDelivery) -> Result<bool, Problem> {
    bounds::new_delivery(&sent)?;
    write(backend, Weight::Few, move |rows, now| {
        if alive(rows, &sent.session, &sent.life)?.is_none() {
            return Ok(false);
        }
        if rows.delivery(&sent.id)?.is_some() {
            return Err(Problem::Invalid(format!("there is a delivery {:?} already: expected a new id", sent.id)));
        }
        let at = rows.newest_delivery(None)?.map_or(now, |(_, newest)| newest.max(now));
        rows.add_delivery(&sent, at)?;
        Ok(true)
    })
    .await
}

pub(in crate::work) fn find<B: Backend>(backend: &B, id: &str) -> Result<Option<Delivery>, Problem> {
    bounds::delivery(id)?;
    backend.read(Reads::Once, |rows| rows.delivery(id))
}

pub(in crate::work) fn list<B: Backend>(backend: &B, which: &DeliveriesQuery) -> Result<Vec<Delivery>, Problem> {
    bounds::deliveries(which)?;
    let mut listed = Answer::of(backend);
    backend.read(Reads::Together, |rows| {
        let mut which = which.clone();
        if let Some(moment) = which.older_than {
            let Some((seq, _)) = rows.newest_delivery(Some(moment))? else { return Ok(()) };
            which.before = Some(which.before.unwrap_or(u64::MAX).min(seq.saturating_add(1)));
        }
        rows.deliveries(&which, &mut |delivery| {
            let bytes = bytes(&delivery.sent);
            listed.take(delivery, bytes)
        })
    })?;
    Ok(listed.taken)
}

/// What a delivery counts for in an answer.
fn bytes(sent: &NewDelivery) -> usize {
    let run = sent.run.as_ref().map_or(0, String::len);
    [&sent.id, &sent.plugin, &sent.session, &sent.life, &sent.body].map(String::len).iter().sum::<usize>() + run
}

pub(in crate::work) async fn remove<B: Backend>(backend: &B, id: &str) -> Result<bool, Problem> {
    bounds::delivery(id)?;
    let id = id.to_owned();
    write(backend, Weight::Few, move |rows, _| {
        let there = rows.delivery(&id)?.is_some();
        if there {
            rows.remove_delivery(&id)?;
        }
        Ok(there)
    })
    .await
}
