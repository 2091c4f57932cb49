//! The rules of the ledger, written once for all backends: what is welcome, what conflicts, and that time doesn't go back.
//!
//! What comes in is checked before a transaction begins. Inside it everything is read first and then written in one step, which a backend makes or
//! unmakes as a whole.

use super::{Conflict, Document, DocumentChange, Event, Fact, HistoryQuery, Record, Seen};
use crate::check::{self, bounded};
use crate::error::Problem;
use crate::rows::{Backend, Reads, Rows, Weight};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Bytes of a kind, and of what happened.
const WORD: usize = 64;

/// Documents and history, seen from inside a transaction. What writes is called only inside [`Backend::write`].
pub(crate) trait Ledger {
    fn revision(&self, kind: &str, name: &str) -> Result<Option<u64>, Problem>;
    fn document(&self, kind: &str, name: &str) -> Result<Option<Document>, Problem>;
    /// All of a kind, by name.
    fn documents(&self, kind: &str) -> Result<Vec<Document>, Problem>;
    /// When the newest event was.
    fn last_event_at(&self) -> Result<Option<u64>, Problem>;
    /// Shows the events that a query asks for, one by one.
    fn events(&self, query: &HistoryQuery, visit: &mut dyn FnMut(Event) -> ControlFlow<()>) -> Result<(), Problem>;
    /// Writes all of a record at this moment, or nothing; answers the events' numbers.
    fn enter(&mut self, record: &Record, at: u64) -> Result<Vec<u64>, Problem>;
}

pub(crate) fn documents<B: Backend>(backend: &B, kind: &str) -> Result<Vec<Document>, Problem> {
    word("kind", kind)?;
    let documents = backend.read(Reads::Once, |rows| rows.documents(kind))?;
    documents.into_iter().map(sound).collect()
}

pub(crate) fn document<B: Backend>(backend: &B, kind: &str, name: &str) -> Result<Option<Document>, Problem> {
    word("kind", kind)?;
    name_of_document(name)?;
    backend.read(Reads::Once, |rows| rows.document(kind, name))?.map(sound).transpose()
}

/// A document as it was written, and not as something else left it.
fn sound(document: Document) -> Result<Document, Problem> {
    check::json(&document.body).map_err(|error| corrupt(&document.kind, &document.name, &error))?;
    Ok(document)
}

pub(crate) fn corrupt(kind: &str, name: &str, why: &dyn std::fmt::Display) -> Problem {
    Problem::Corrupt(format!("the {kind} document {name:?} is corrupt: {why}"))
}

pub(crate) async fn record<B: Backend>(backend: &B, record: Record) -> Result<Result<Vec<u64>, Conflict>, Problem> {
    welcome(&record)?;
    let shelf = backend.shelf().clone();
    backend.write(Weight::Many, move |rows| enter(rows, &record, shelf.now())).await
}

fn enter(rows: &mut dyn Rows, record: &Record, now: u64) -> Result<Result<Vec<u64>, Conflict>, Problem> {
    for change in &record.documents {
        if let Some(conflict) = conflict(rows, change)? {
            return Ok(Err(conflict));
        }
    }
    let at = moment(rows, now)?;
    rows.enter(record, at).map(Ok)
}

/// Now, or when the newest event was: the history's time doesn't go back.
fn moment(rows: &dyn Rows, now: u64) -> Result<u64, Problem> {
    Ok(rows.last_event_at()?.map_or(now, |last| last.max(now)))
}

/// Tells the history, in a transaction that does something else as well. The events are welcome.
pub(crate) fn tell(rows: &mut dyn Rows, events: Vec<Fact>, now: u64) -> Result<(), Problem> {
    if events.is_empty() {
        return Ok(());
    }
    let at = moment(rows, now)?;
    rows.enter(&Record { documents: Vec::new(), events }, at).map(drop)
}

fn conflict(rows: &dyn Rows, change: &DocumentChange) -> Result<Option<Conflict>, Problem> {
    let Some(seen) = change.seen else { return Ok(None) };
    let there = rows.revision(&change.kind, &change.name)?.map_or(Seen::Absent, Seen::Revision);
    let conflict = || Conflict { kind: change.kind.clone(), name: change.name.clone(), seen, there };
    Ok((there != seen).then(conflict))
}

/// The events of a query; fewer when a result's bytes are used up, but one at least.
pub(crate) fn history<B: Backend>(backend: &B, query: &HistoryQuery) -> Result<Vec<Event>, Problem> {
    bounded("the history's `limit`", query.limit.get(), "events", HistoryQuery::MAX_EVENTS)?;
    if let Some(plugin) = &query.plugin {
        bounded("the history's `plugin`", plugin.len(), "bytes", Record::MAX_TEXT)?;
    }
    let allowed = backend.shelf().limits.result.get();
    let (mut bytes, mut events) = (0, Vec::new());
    backend.read(Reads::Once, |rows| {
        rows.events(query, &mut |event| {
            bytes += event.fact.bytes();
            if bytes > allowed && !events.is_empty() {
                return ControlFlow::Break(());
            }
            events.push(event);
            ControlFlow::Continue(())
        })
    })?;
    Ok(events)
}

fn welcome(record: &Record) -> Result<(), Problem> {
    bounded("the record", record.documents.len().saturating_add(record.events.len()), "documents and events", Record::MAX_PARTS)?;
    let mut named = BTreeSet::new();
    for change in &record.documents {
        welcome_change(change)?;
        if !named.insert((&change.kind, &change.name)) {
            return Err(Problem::Invalid(format!("the record changes the {} document {:?} twice", change.kind, change.name)));
        }
    }
    welcome_facts(&record.events)
}

/// What the history is told beside something else.
pub(crate) fn welcome_events(events: &[Fact]) -> Result<(), Problem> {
    bounded("what the history is told", events.len(), "events", Record::MAX_PARTS)?;
    welcome_facts(events)
}

fn welcome_facts(events: &[Fact]) -> Result<(), Problem> {
    events.iter().try_for_each(welcome_fact)
}

fn welcome_change(change: &DocumentChange) -> Result<(), Problem> {
    word("kind", &change.kind)?;
    name_of_document(&change.name)?;
    let Some(body) = &change.body else { return Ok(()) };
    json(&format!("the body of the {} document {:?}", change.kind, change.name), body, Record::MAX_BODY)
}

fn welcome_fact(fact: &Fact) -> Result<(), Problem> {
    word("what", &fact.what)?;
    for (field, text) in fact.texts() {
        let Some(text) = text else { continue };
        let what = format!("`{field}` of the event {:?}", fact.what);
        if field == "details" {
            json(&what, text, Record::MAX_DETAILS)?;
        } else {
            bounded(&what, text.len(), "bytes", Record::MAX_TEXT)?;
            not_empty(&what, text)?;
        }
    }
    Ok(())
}

fn json(what: &str, text: &str, most: usize) -> Result<(), Problem> {
    check::bounded_json(what, text, most, Record::MAX_DEPTH)
}

fn name_of_document(name: &str) -> Result<(), Problem> {
    bounded("the document's name", name.len(), "bytes", Record::MAX_TEXT)?;
    not_empty("the document's name", name)
}

fn not_empty(what: &str, text: &str) -> Result<(), Problem> {
    if text.is_empty() { Err(Problem::Invalid(format!("{what} is empty"))) } else { Ok(()) }
}

/// A lower-case letter, then lower-case letters, digits and hyphens.
fn word(field: &str, text: &str) -> Result<(), Problem> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(plain) && text.len() <= WORD {
        return Ok(());
    }
    let shown: String = text.chars().take(80).collect();
    let wanted = format!("a lower-case letter, then lower-case letters, digits and hyphens, {WORD} in all");
    Err(Problem::Invalid(format!("{shown:?} is no `{field}`: expected {wanted}")))
}
