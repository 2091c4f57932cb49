//! Cursors, compactions and subagents in SQL.
//!
//! The newest compaction costs one search and its row, however many there are. Subagents are sorted as they are listed: there are few.

use super::super::rows::{SqlRows, limit, signed, unsigned};
use super::super::sql::context as sql;
use crate::error::Problem;
use crate::sessions::rows::{Contexts, Look, Subagents};
use crate::sessions::{Compaction, Cursor, Subagent};
use rusqlite::{Row, params};

/// Of a subagent's marks: it is to be deleted.
const DELETING: i64 = 1;
/// Its session is gone.
const GONE: i64 = 2;

fn cursor(row: &Row<'_>) -> rusqlite::Result<Cursor> {
    Ok(Cursor { entries: unsigned(row.get(0)?), untold: row.get(1)? })
}

fn compaction(row: &Row<'_>) -> rusqlite::Result<Compaction> {
    Ok(Compaction {
        entries: unsigned(row.get(0)?),
        summary: row.get(1)?,
        tokens_before: unsigned(row.get(2)?),
        tokens_after: unsigned(row.get(3)?),
        at: unsigned(row.get(4)?),
    })
}

fn subagent(row: &Row<'_>) -> rusqlite::Result<Subagent> {
    let marks: i64 = row.get(8)?;
    Ok(Subagent {
        session: row.get(0)?,
        plugin: row.get(1)?,
        name: row.get(2)?,
        parent: row.get(3)?,
        depth: row.get(4)?,
        engine: row.get(5)?,
        ticket: row.get(6)?,
        made_at: unsigned(row.get(7)?),
        deleting: marks & DELETING != 0,
        gone: marks & GONE != 0,
    })
}

impl Contexts for SqlRows<'_> {
    fn cursor(&self, session: &str, engine: &str) -> Result<Option<Cursor>, Problem> {
        self.find(sql::CURSOR, [session, engine], cursor)
    }

    fn put_cursor(&mut self, session: &str, engine: &str, cursor: &Cursor) -> Result<(), Problem> {
        self.step(sql::PUT_CURSOR, params![session, engine, signed(cursor.entries), cursor.untold])
    }

    fn compacted(&self, session: &str) -> Result<u64, Problem> {
        self.one(sql::COMPACTED, [session]).map(unsigned)
    }

    fn compactions(&self, session: &str, most: usize, look: Look<'_, Compaction>) -> Result<(), Problem> {
        self.pass(sql::COMPACTIONS, params![session, limit(most)], compaction, look)
    }

    fn add_compaction(&mut self, session: &str, compaction: &Compaction) -> Result<(), Problem> {
        let Compaction { entries, summary, tokens_before, tokens_after, at } = compaction;
        let [entries, at, before, after] = [*entries, *at, *tokens_before, *tokens_after].map(signed);
        self.step(sql::ADD_COMPACTION, params![session, entries, at, before, after, summary])
    }
}

impl Subagents for SqlRows<'_> {
    fn subagent(&self, plugin: &str, name: &str) -> Result<Option<Subagent>, Problem> {
        self.find(sql::SUBAGENT, [plugin, name], subagent)
    }

    fn subagent_at(&self, session: &str) -> Result<Option<Subagent>, Problem> {
        self.find(sql::SUBAGENT_AT, [session], subagent)
    }

    fn subagents(&self, plugin: Option<&str>, most: usize, look: Look<'_, Subagent>) -> Result<(), Problem> {
        match plugin {
            Some(plugin) => self.pass(sql::SUBAGENTS_OF_PLUGIN, params![limit(most), plugin], subagent, look),
            None => self.pass(sql::SUBAGENTS, params![limit(most)], subagent, look),
        }
    }

    fn subagents_behind(&self, after: Option<&str>, most: usize, look: Look<'_, Subagent>) -> Result<(), Problem> {
        self.pass(sql::SUBAGENTS_BEHIND, params![after.unwrap_or(""), limit(most)], subagent, look)
    }

    fn mark_subagents_of(&mut self, parent: &str) -> Result<(), Problem> {
        self.step(sql::MARK_SUBAGENTS_OF, [parent])
    }

    fn put_subagent(&mut self, row: &Subagent) -> Result<(), Problem> {
        let Subagent { session, plugin, name, parent, depth, engine, ticket, made_at, deleting, gone } = row;
        let marks = if *deleting { DELETING } else { 0 } | if *gone { GONE } else { 0 };
        self.step(sql::PUT_SUBAGENT, params![session, plugin, name, parent, depth, engine, ticket, signed(*made_at), marks])
    }

    fn remove_subagent(&mut self, plugin: &str, name: &str) -> Result<(), Problem> {
        self.step(sql::REMOVE_SUBAGENT, [plugin, name])
    }
}
