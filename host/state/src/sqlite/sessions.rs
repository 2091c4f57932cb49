//! Conversations in SQL: sessions, lives, entries, and what plugins keep of them.
//!
//! Reading a window costs one search of the index by number and one of the table for each entry. Listing sessions is one statement.

mod context;
mod turns;

use super::rows::{SqlRows, limit, signed, unsigned};
use super::sql::{context::FORGET_CURSORS, sessions as sql};
use crate::error::Problem;
use crate::sessions::rows::{Belongings, Look, Numbered, Standing, Stretch, Transcripts};
use crate::sessions::{NewEntry, Question, SessionRow, Shown, StateSpot};
use crate::store::Order;
use rusqlite::{OptionalExtension, Params, Row, params};
use std::ops::{ControlFlow, RangeInclusive};

impl SqlRows<'_> {
    /// The row that there is one of at most.
    pub(super) fn find<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Problem> {
        Ok(self.0.prepare_cached(sql)?.query_row(params, read).optional()?)
    }

    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Problem> {
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map(params, read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Shows rows one by one.
    pub(super) fn pass<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
        look: Look<'_, T>,
    ) -> Result<(), Problem> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            if look(read(row)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Changes rows, however many.
    pub(super) fn step(&self, sql: &str, names: impl Params) -> Result<(), Problem> {
        self.execute(sql, names).map(drop)
    }
}

fn stretch(row: &Row<'_>, first: usize) -> rusqlite::Result<Stretch> {
    Ok(Stretch { before: unsigned(row.get(first)?), entries: unsigned(row.get(first + 1)?) })
}

fn standing(row: &Row<'_>) -> rusqlite::Result<Standing> {
    Ok(Standing {
        life: row.get(0)?,
        created_at: unsigned(row.get(1)?),
        began_at: unsigned(row.get(2)?),
        updated_at: unsigned(row.get(3)?),
        stretch: stretch(row, 4)?,
        runs: unsigned(row.get(6)?),
    })
}

fn shown(row: &Row<'_>, first: usize) -> rusqlite::Result<Shown> {
    Ok(Shown { plugin: row.get(first)?, namespace: row.get(first + 1)?, value: row.get(first + 2)? })
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Numbered> {
    let entry = NewEntry { role: row.get(2)?, content: row.get(3)?, tool_call_id: row.get(4)?, run: row.get(5)?, meta: row.get(6)? };
    Ok(Numbered { id: unsigned(row.get(0)?), at: unsigned(row.get(1)?), entry })
}

impl Transcripts for SqlRows<'_> {
    fn standing(&self, key: &str) -> Result<Option<Standing>, Problem> {
        self.find(sql::STANDING, [key], standing)
    }

    fn put_session(&mut self, key: &str, standing: &Standing) -> Result<(), Problem> {
        let Standing { life, created_at, began_at, updated_at, stretch, runs } = standing;
        let [created_at, began_at, updated_at, before, entries, runs] =
            [*created_at, *began_at, *updated_at, stretch.before, stretch.entries, *runs].map(signed);
        self.step(sql::PUT_SESSION, params![key, life, created_at, began_at, updated_at, before, entries, runs])
    }

    fn remove_session(&mut self, key: &str) -> Result<(), Problem> {
        self.clear_session(key)?;
        sql::REMOVE_SESSION.iter().try_for_each(|statement| self.step(statement, [key]))
    }

    fn clear_session(&mut self, key: &str) -> Result<(), Problem> {
        sql::CLEAR_SESSION.iter().try_for_each(|statement| self.step(statement, [key]))
    }

    fn shown(&self, key: &str) -> Result<Vec<Shown>, Problem> {
        self.all(sql::SHOWN, [key], |row| shown(row, 0))
    }

    fn sessions(&self, after: Option<&str>, most: usize, look: Look<'_, SessionRow>) -> Result<(), Problem> {
        let mut whole: Option<SessionRow> = None;
        let read = |row: &Row<'_>| {
            let shown = row.get::<_, Option<String>>(8)?.map(|_| shown(row, 8)).transpose()?;
            Ok(standing(row)?.row(row.get(7)?, shown.into_iter().collect()))
        };
        self.pass(sql::SESSIONS, params![after.unwrap_or(""), limit(most)], read, &mut |part| match &mut whole {
            Some(session) if session.key == part.key => {
                session.shown.extend(part.shown);
                ControlFlow::Continue(())
            }
            other => {
                let seen = other.replace(part).map_or(ControlFlow::Continue(()), &mut *look);
                if seen.is_break() {
                    *other = None;
                }
                seen
            }
        })?;
        let _ = whole.map(look);
        Ok(())
    }

    fn past_life(&self, key: &str, life: &str) -> Result<Option<Stretch>, Problem> {
        self.find(sql::PAST_LIFE, [key, life], |row| stretch(row, 0))
    }

    fn add_past_life(&mut self, key: &str, life: &str, stretch: Stretch) -> Result<(), Problem> {
        self.step(sql::ADD_PAST_LIFE, params![key, life, signed(stretch.before), signed(stretch.entries)])
    }

    fn entries(&self, key: &str, ids: RangeInclusive<u64>, order: Order, look: Look<'_, Numbered>) -> Result<(), Problem> {
        let statement = match order {
            Order::Ascending => sql::ENTRIES_UP,
            Order::Descending => sql::ENTRIES_DOWN,
        };
        self.pass(statement, params![key, signed(*ids.start()), signed(*ids.end())], entry, look)
    }

    fn add_entry(&mut self, key: &str, id: u64, at: u64, entry: &NewEntry) -> Result<(), Problem> {
        let NewEntry { role, content, tool_call_id, run, meta } = entry;
        self.step(sql::ADD_ENTRY, params![key, signed(id), signed(at), role, content, tool_call_id, run, meta])
    }
}

fn question(row: &Row<'_>) -> rusqlite::Result<Question> {
    Ok(Question {
        id: row.get(0)?,
        plugin: row.get(1)?,
        session: row.get(2)?,
        run: row.get(3)?,
        body: row.get(4)?,
        asked_at: unsigned(row.get(5)?),
    })
}

impl Belongings for SqlRows<'_> {
    fn state(&self, at: StateSpot<'_>) -> Result<Option<String>, Problem> {
        self.find(sql::STATE, [at.session, at.plugin, at.namespace], |row| row.get(0))
    }

    fn put_state(&mut self, at: StateSpot<'_>, value: &str, shown: Option<&str>) -> Result<(), Problem> {
        self.step(sql::PUT_STATE, params![at.session, at.plugin, at.namespace, shown, value])
    }

    fn remove_state(&mut self, at: StateSpot<'_>) -> Result<(), Problem> {
        self.step(sql::REMOVE_STATE, [at.session, at.plugin, at.namespace])
    }

    fn forget_belongings(&mut self, plugin: &str) -> Result<(), Problem> {
        self.step(sql::FORGET_STATE, [plugin])?;
        self.step(FORGET_CURSORS, [plugin])?;
        self.step(sql::FORGET_MET, [plugin])
    }

    fn has_met(&self, plugin: &str, session: &str) -> Result<bool, Problem> {
        self.one(sql::HAS_MET, [plugin, session])
    }

    fn add_met(&mut self, plugin: &str, session: &str) -> Result<(), Problem> {
        self.step(sql::ADD_MET, [plugin, session])
    }

    fn questions(&self) -> Result<Vec<Question>, Problem> {
        self.all(sql::QUESTIONS, [], question)
    }

    fn has_question(&self, id: &str) -> Result<bool, Problem> {
        self.one(sql::HAS_QUESTION, [id])
    }

    fn add_question(&mut self, question: &Question) -> Result<(), Problem> {
        let Question { id, plugin, session, run, body, asked_at } = question;
        self.step(sql::ADD_QUESTION, params![id, plugin, session, run, body, signed(*asked_at)])
    }

    fn remove_question(&mut self, id: &str) -> Result<(), Problem> {
        self.step(sql::REMOVE_QUESTION, [id])
    }
}

#[cfg(test)]
mod tests;
