//! What the keyed store is compared with: rusqlite on a file of the same schema with the same rows, every statement prepared once.
//!
//! A read is SQLite's point read on a read-only connection and nothing else: no check of the row, no expiry. A write is one transaction under the
//! same `synchronous`; the log is checkpointed as SQLite does by itself, every 1,000 pages.

use anyhow::{Context, Result};
use plugbay_runtime::state::{DATABASE_FILE, Sqlite, SqliteSettings, StateStore, Synchronous};
use rusqlite::{Connection, OpenFlags, Statement, params};
use std::path::Path;
use std::time::Duration;

/// The namespace of all rows.
pub(super) const NAMESPACE: &str = "rows";

/// The row that is looked up.
pub(super) const KEY: &str = "row-42";

const GET: &str = "SELECT value FROM keyed WHERE owner = ?1 AND namespace = ?2 AND key = ?3";
const PUT: &str = "INSERT INTO keyed (owner, namespace, key, value, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, NULL)
    ON CONFLICT DO UPDATE SET value = excluded.value, created_at = excluded.created_at, expires_at = excluded.expires_at";

/// So many keys, as the bench guest names them too.
pub(super) fn keys(many: usize) -> Vec<String> {
    (0..many).map(|n| format!("row-{n}")).collect()
}

/// 100 bytes of JSON.
pub(super) fn value() -> String {
    format!("\"{}\"", "x".repeat(98))
}

/// A connection that reads.
pub(super) fn reader(folder: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(folder.join(DATABASE_FILE), flags)?)
}

/// A point read.
pub(super) struct Read<'c>(Statement<'c>);

impl<'c> Read<'c> {
    pub(super) fn new(connection: &'c Connection) -> Result<Self> {
        Ok(Self(connection.prepare(GET)?))
    }

    pub(super) fn get(&mut self, owner: &str, key: &str) -> Result<String> {
        Ok(self.0.query_row(params![owner, NAMESPACE, key], |row| row.get(0))?)
    }
}

/// A connection that writes to an empty file of its own in this folder.
pub(super) async fn writer(folder: &Path, synchronous: Synchronous) -> Result<Connection> {
    Sqlite::open(SqliteSettings::new(folder))?.close().await;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(folder.join(DATABASE_FILE), flags).context("the raw side's file")?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", if synchronous == Synchronous::Full { "full" } else { "normal" })?;
    Ok(connection)
}

/// A write in a transaction of its own.
pub(super) struct Write<'c> {
    begin: Statement<'c>,
    put: Statement<'c>,
    commit: Statement<'c>,
    now: i64,
}

impl<'c> Write<'c> {
    pub(super) fn new(connection: &'c Connection) -> Result<Self> {
        let prepare = |sql| connection.prepare(sql);
        Ok(Self { begin: prepare("BEGIN IMMEDIATE")?, put: prepare(PUT)?, commit: prepare("COMMIT")?, now: 1_000_000 })
    }

    pub(super) fn put(&mut self, owner: &str, key: &str, value: &str) -> Result<()> {
        self.now += 1;
        self.begin.execute([])?;
        self.put.execute(params![owner, NAMESPACE, key, value, self.now])?;
        self.commit.execute([])?;
        Ok(())
    }
}
