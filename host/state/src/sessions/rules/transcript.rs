//! Entries: each life's follow each other without a gap, so that a position is a number, and a window a search.

use super::{Answer, alive, touch, write};
use crate::error::Problem;
use crate::rows::{Backend, Reads, Rows, Weight};
use crate::sessions::bounds;
use crate::sessions::rows::{Numbered, Standing, Stretch};
use crate::sessions::{NewEntry, StoredEntry, Window};
use crate::store::Order;
use std::ops::RangeInclusive;

/// How many entries are more than a few.
const MANY: usize = 16;

pub(in crate::sessions) async fn append<B: Backend>(
    backend: &B,
    key: &str,
    life: &str,
    entries: Vec<NewEntry>,
) -> Result<Option<Vec<u64>>, Problem> {
    bounds::life(key, life)?;
    bounds::entries(&entries)?;
    let (key, life) = (key.to_owned(), life.to_owned());
    write(backend, weight(&entries), move |rows, now| {
        let Some(mut standing) = alive(rows, &key, &life)? else { return Ok(None) };
        if entries.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let ids = add(rows, &key, &mut standing, &entries, now)?;
        rows.put_session(&key, &standing)?;
        Ok(Some(ids))
    })
    .await
}

/// How much it is to write so many entries.
pub(super) fn weight(entries: &[NewEntry]) -> Weight {
    if entries.len() < MANY { Weight::Few } else { Weight::Many }
}

/// Writes entries and counts them; answers their numbers.
pub(super) fn add(rows: &mut dyn Rows, key: &str, standing: &mut Standing, entries: &[NewEntry], now: u64) -> Result<Vec<u64>, Problem> {
    let (at, first) = (touch(standing, now), standing.stretch.last() + 1);
    let mut ids = Vec::with_capacity(entries.len());
    for (id, entry) in (first..).zip(entries) {
        rows.add_entry(key, id, at, entry)?;
        ids.push(id);
    }
    standing.stretch.entries += ids.len() as u64;
    Ok(ids)
}

/// Where the entries of a life are; nowhere if there is no such life.
fn stretch(rows: &dyn Rows, key: &str, life: &str) -> Result<Stretch, Problem> {
    let stretch = match rows.standing(key)? {
        None => None,
        Some(standing) if standing.life == life => Some(standing.stretch),
        Some(_) => rows.past_life(key, life)?,
    };
    Ok(stretch.unwrap_or_default())
}

pub(in crate::sessions) fn count<B: Backend>(backend: &B, key: &str, life: &str) -> Result<u64, Problem> {
    bounds::life(key, life)?;
    Ok(backend.read(Reads::Together, |rows| stretch(rows, key, life))?.entries)
}

pub(in crate::sessions) fn entries<B: Backend>(backend: &B, key: &str, life: &str, window: Window) -> Result<Vec<StoredEntry>, Problem> {
    bounds::life(key, life)?;
    let (Window::From { count, .. } | Window::Newest(count)) = window;
    bounds::amount("the window's count", count, "entries")?;
    let mut read = Answer::of(backend);
    backend.read(Reads::Together, |rows| {
        let (ids, order) = numbers(stretch(rows, key, life)?, window);
        rows.entries(key, ids, order, &mut |entry| {
            let bytes = bytes(&entry.entry);
            read.take(stored(entry, life), bytes)
        })
    })?;
    let mut entries = read.taken;
    entries.sort_unstable_by_key(|entry| entry.id);
    Ok(entries)
}

/// The numbers that a window stands for, and from which end they are read.
fn numbers(stretch: Stretch, window: Window) -> (RangeInclusive<u64>, Order) {
    let (first, last) = (stretch.before + 1, stretch.last());
    match window {
        Window::From { start, count } => {
            let from = first.saturating_add(start);
            (from..=last.min(from.saturating_add(count as u64).saturating_sub(1)), Order::Ascending)
        }
        Window::Newest(count) => (first.max((last + 1).saturating_sub(count as u64))..=last, Order::Descending),
    }
}

pub(in crate::sessions) fn entry<B: Backend>(backend: &B, key: &str, life: &str, id: u64) -> Result<Option<StoredEntry>, Problem> {
    bounds::life(key, life)?;
    let mut found = Answer::of(backend);
    backend.read(Reads::Together, |rows| {
        let stretch = stretch(rows, key, life)?;
        if id <= stretch.before || id > stretch.last() {
            return Ok(());
        }
        rows.entries(key, id..=id, Order::Ascending, &mut |entry| found.take(stored(entry, life), 0))
    })?;
    Ok(found.taken.pop())
}

fn stored(Numbered { id, at, entry }: Numbered, life: &str) -> StoredEntry {
    StoredEntry { id, life: life.to_owned(), at, entry }
}

fn bytes(entry: &NewEntry) -> usize {
    entry.content.len() + entry.meta.as_ref().map_or(0, String::len)
}
