//! The state's files from the outside: copied, read, and looked over with SQLite's own means.
//!
//! Only for files that no program has open: a file that this process closes takes SQLite's locks on it along. Costs what copying and reading costs.

use anyhow::{Context, Result, ensure};
use plugbay_runtime::state::{DATABASE_FILE, Sqlite, StateStore, Synchronous};
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

/// Rows of which the counts that triggers keep differ from the rows themselves, either way. A transaction that was applied by half leaves some.
const ASTRAY: &str = "
    WITH counted AS (SELECT owner, namespace, count(*) AS rows, sum(octet_length(value)) AS bytes FROM keyed GROUP BY owner, namespace)
    SELECT (SELECT count(*) FROM (SELECT * FROM counted EXCEPT SELECT owner, namespace, rows, bytes FROM keyed_usage))
         + (SELECT count(*) FROM (SELECT owner, namespace, rows, bytes FROM keyed_usage EXCEPT SELECT * FROM counted))";

/// Copies a database with its log, as a killed program left them. Not the shared memory: whoever opens the copy makes it anew.
///
/// # Errors
/// If the disk has no room.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    fs::copy(from.join(DATABASE_FILE), to.join(DATABASE_FILE))?;
    let log = format!("{DATABASE_FILE}-wal");
    if from.join(&log).exists() {
        fs::copy(from.join(&log), to.join(&log))?;
    }
    Ok(())
}

/// Every row by owner, namespace and key, as the state itself reads them after opening the folder.
///
/// # Errors
/// If the state can't be opened, or a row is corrupt.
pub async fn read(folder: &Path) -> Result<Rows> {
    let state = Sqlite::open(super::options(folder, Synchronous::Normal))?;
    let rows = rows(&state).await;
    state.close().await;
    rows
}

/// Rows by owner, namespace and key: JSON text.
pub type Rows = BTreeMap<(String, String, String), String>;

/// Every row of a state.
///
/// # Errors
/// If it can't be read, or a row is corrupt.
pub async fn rows(state: &Sqlite) -> Result<Rows> {
    let (mut rows, mut last) = (Rows::new(), None);
    loop {
        let page = state.export(last.as_ref(), NonZeroUsize::MIN.saturating_add(9_999)).await?;
        let Some(end) = page.last() else { return Ok(rows) };
        last = Some(end.id.clone());
        for row in page {
            ensure!(!row.corrupt, "{:?} is corrupt", row.id);
            rows.insert((row.id.owner.to_string(), row.id.namespace, row.id.key), row.value);
        }
    }
}

/// Has SQLite check the database in this folder, and compares what triggers counted with what is there.
///
/// # Errors
/// If either isn't right.
pub fn sound(folder: &Path) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(folder.join(DATABASE_FILE), flags).context("opening the database")?;
    let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    ensure!(verdict == "ok", "PRAGMA integrity_check: {verdict}");
    let astray: i64 = database.query_row(ASTRAY, [], |row| row.get(0))?;
    ensure!(astray == 0, "{astray} namespaces hold other rows than were counted: a transaction was applied by half");
    Ok(())
}
