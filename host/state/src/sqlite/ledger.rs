//! The ledger in SQL: two tables whose numbers SQLite counts up and never uses twice.
//!
//! Writing a document replaces its row, which gives it the next number: its revision. The history's rows are guarded by triggers, so that not even
//! SQL by hand changes one. Reading a document costs one search of an index and one of the table.

use super::rows::{SqlRows, limit, signed, unsigned};
use super::sql;
use crate::error::Problem;
use crate::ledger::rules::{Ledger, corrupt};
use crate::ledger::{Document, DocumentChange, Event, Fact, HistoryQuery, Record};
use crate::store::Order;
use rusqlite::{OptionalExtension, Params, params};
use std::ops::ControlFlow;

impl SqlRows<'_> {
    fn documents_by(&self, sql: &str, params: impl Params) -> Result<Vec<Document>, Problem> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut documents = Vec::new();
        while let Some(row) = rows.next()? {
            documents.push(document(row)?);
        }
        Ok(documents)
    }

    fn change(&self, change: &DocumentChange) -> Result<(), Problem> {
        let DocumentChange { kind, name, body, .. } = change;
        match body {
            Some(body) => self.0.prepare_cached(sql::PUT_DOCUMENT)?.execute([kind, name, body])?,
            None => self.0.prepare_cached(sql::REMOVE_DOCUMENT)?.execute([kind, name])?,
        };
        Ok(())
    }

    fn add(&self, fact: &Fact, at: u64) -> Result<u64, Problem> {
        let Fact { who, what, plugin, from, to, why, details } = fact;
        let seq = self.0.prepare_cached(sql::ADD_EVENT)?.insert(params![signed(at), who, what, plugin, from, to, why, details])?;
        Ok(unsigned(seq))
    }
}

fn document(row: &rusqlite::Row<'_>) -> Result<Document, Problem> {
    let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
    let body = row.get_ref(2)?.as_bytes().map_err(rusqlite::Error::from)?.to_vec();
    let body = String::from_utf8(body).map_err(|error| corrupt(&kind, &name, &error.utf8_error()))?;
    Ok(Document { body, revision: unsigned(row.get(3)?), kind, name })
}

fn event(row: &rusqlite::Row<'_>) -> rusqlite::Result<Event> {
    let fact = Fact {
        who: row.get(2)?,
        what: row.get(3)?,
        plugin: row.get(4)?,
        from: row.get(5)?,
        to: row.get(6)?,
        why: row.get(7)?,
        details: row.get(8)?,
    };
    Ok(Event { seq: unsigned(row.get(0)?), at: unsigned(row.get(1)?), fact })
}

impl Ledger for SqlRows<'_> {
    fn revision(&self, kind: &str, name: &str) -> Result<Option<u64>, Problem> {
        let mut statement = self.0.prepare_cached(sql::REVISION)?;
        Ok(statement.query_row([kind, name], |row| row.get(0)).optional()?.map(unsigned))
    }

    fn document(&self, kind: &str, name: &str) -> Result<Option<Document>, Problem> {
        Ok(self.documents_by(sql::DOCUMENT, [kind, name])?.pop())
    }

    fn documents(&self, kind: &str) -> Result<Vec<Document>, Problem> {
        self.documents_by(sql::DOCUMENTS, [kind])
    }

    fn last_event_at(&self) -> Result<Option<u64>, Problem> {
        let mut statement = self.0.prepare_cached(sql::LAST_EVENT_AT)?;
        Ok(statement.query_row([], |row| row.get(0)).optional()?.map(unsigned))
    }

    fn events(&self, query: &HistoryQuery, visit: &mut dyn FnMut(Event) -> ControlFlow<()>) -> Result<(), Problem> {
        let (after, before) = (signed(query.after.unwrap_or(0)), signed(query.before.unwrap_or(u64::MAX)));
        let most = limit(query.limit.get());
        let mut statement = self.0.prepare_cached(match (&query.plugin, query.order) {
            (None, Order::Ascending) => sql::EVENTS_UP,
            (None, Order::Descending) => sql::EVENTS_DOWN,
            (Some(_), Order::Ascending) => sql::EVENTS_UP_OF_PLUGIN,
            (Some(_), Order::Descending) => sql::EVENTS_DOWN_OF_PLUGIN,
        })?;
        let mut rows = match &query.plugin {
            None => statement.query(params![after, before, most])?,
            Some(plugin) => statement.query(params![after, before, most, plugin])?,
        };
        while let Some(row) = rows.next()? {
            if visit(event(row)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn enter(&mut self, record: &Record, at: u64) -> Result<Vec<u64>, Problem> {
        self.together(|| {
            record.documents.iter().try_for_each(|change| self.change(change))?;
            record.events.iter().map(|fact| self.add(fact, at)).collect()
        })
    }
}
