//! The ledger in memory: documents in a map, events in a list.
//!
//! Reading the history of a plugin looks at every event, from the end that is asked for.

use super::Contents;
use crate::error::Problem;
use crate::ledger::rules::Ledger;
use crate::ledger::{Document, Event, HistoryQuery, Record};
use crate::store::Order;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Documents by kind and name, and what happened.
#[derive(Debug, Default)]
pub(super) struct Pages {
    documents: BTreeMap<String, BTreeMap<String, Document>>,
    /// The last that was given to a document.
    revision: u64,
    events: Vec<Event>,
}

impl Ledger for Contents {
    fn revision(&self, kind: &str, name: &str) -> Result<Option<u64>, Problem> {
        Ok(self.document(kind, name)?.map(|document| document.revision))
    }

    fn document(&self, kind: &str, name: &str) -> Result<Option<Document>, Problem> {
        Ok(self.ledger.documents.get(kind).and_then(|names| names.get(name)).cloned())
    }

    fn documents(&self, kind: &str) -> Result<Vec<Document>, Problem> {
        Ok(self.ledger.documents.get(kind).into_iter().flat_map(BTreeMap::values).cloned().collect())
    }

    fn last_event_at(&self) -> Result<Option<u64>, Problem> {
        Ok(self.ledger.events.last().map(|event| event.at))
    }

    fn events(&self, query: &HistoryQuery, visit: &mut dyn FnMut(Event) -> ControlFlow<()>) -> Result<(), Problem> {
        let (after, before) = (query.after.unwrap_or(0), query.before.unwrap_or(u64::MAX));
        let asked_for =
            |event: &&Event| event.seq > after && event.seq < before && (query.plugin.is_none() || query.plugin == event.fact.plugin);
        let (events, most) = (self.ledger.events.iter(), query.limit.get());
        let _ = match query.order {
            Order::Ascending => events.filter(asked_for).take(most).cloned().try_for_each(visit),
            Order::Descending => events.rev().filter(asked_for).take(most).cloned().try_for_each(visit),
        };
        Ok(())
    }

    fn enter(&mut self, record: &Record, at: u64) -> Result<Vec<u64>, Problem> {
        let Pages { documents, revision, events } = &mut self.ledger;
        for change in &record.documents {
            let (kind, name) = (change.kind.clone(), change.name.clone());
            let names = documents.entry(kind.clone()).or_default();
            match change.body.clone() {
                None => drop(names.remove(&name)),
                Some(body) => {
                    *revision += 1;
                    names.insert(name.clone(), Document { kind, name, body, revision: *revision });
                }
            }
        }
        let first = events.len() as u64 + 1;
        events.extend((first..).zip(&record.events).map(|(seq, fact)| Event { seq, at, fact: fact.clone() }));
        Ok((first..=events.len() as u64).collect())
    }
}
