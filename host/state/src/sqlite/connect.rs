//! Connections: how each is set up, how the schema is brought up to date, and the pool that readers share.
//!
//! Opening one costs about 100 us. The pool keeps as many readers as there are processors; what is needed beyond that is opened and closed again.

use super::rows::SqlRows;
use super::{SqliteSettings, Synchronous, sql};
use crate::error::{Operation, Problem, StateError};
use crate::rows::Reads;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The schema's version that this program writes.
pub const SCHEMA_VERSION: u32 = sql::MIGRATIONS.len() as u32;

/// More than there are statements.
const STATEMENTS: usize = 48;

/// What is left of the log's file once it starts over: after a reader in another process had made it grow without end.
const LARGEST_LOG: u32 = 32 << 20;

/// How often a step is tried again that SQLite refuses without waiting.
const AGAIN_EVERY: Duration = Duration::from_millis(10);

/// Opens the connection that writes, without touching the schema. It doesn't wait for locks: who uses it says how long.
pub(super) fn writer(path: &Path, settings: &SqliteSettings) -> Result<Connection, Problem> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepared_once(&connection)?;
    connection.busy_timeout(settings.busy_timeout)?;
    patiently(settings.busy_timeout, || connection.pragma_update(None, "journal_mode", "wal"))?;
    let synchronous = match settings.synchronous {
        Synchronous::Normal => "normal",
        Synchronous::Full => "full",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", LARGEST_LOG)?;
    Ok(connection)
}

/// Keeps every statement prepared. Without the planner's stability guarantee SQLite prepares some again at every new parameter, `now` for example.
fn prepared_once(connection: &Connection) -> Result<(), Problem> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// SQLite doesn't wait for the lock when it changes the journal's mode, nor while another process recovers the log.
fn patiently(patience: Duration, step: impl Fn() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    let since = Instant::now();
    loop {
        match step() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && since.elapsed() < patience => {
                std::thread::sleep(AGAIN_EVERY);
            }
            outcome => return outcome,
        }
    }
}

/// Brings the schema up to date; answers the database's identity.
pub(super) fn ensure_schema(connection: &mut Connection) -> Result<String, StateError> {
    migrate(connection).map_err(|problem| problem.during(Operation::EnsureSchema))
}

fn migrate(connection: &mut Connection) -> Result<String, Problem> {
    if version(connection)? < SCHEMA_VERSION {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Read again: another process may have been quicker.
        let there = version(&transaction)?;
        for migration in sql::MIGRATIONS.iter().skip(there as usize) {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION.max(there))?;
        transaction.commit()?;
    }
    Ok(connection.query_row(sql::IDENTITY, [], |row| row.get(0))?)
}

fn version(connection: &Connection) -> Result<u32, Problem> {
    let there: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match u32::try_from(there) {
        Ok(version) if version <= SCHEMA_VERSION => Ok(version),
        _ => Err(Problem::Schema(format!("the state is of version {there}, this program knows versions up to {SCHEMA_VERSION}"))),
    }
}

/// Read-only connections that nobody is using.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    patience: Duration,
    /// None: closed.
    idle: Mutex<Option<Vec<Connection>>>,
    kept: usize,
}

impl Readers {
    pub(super) fn new(path: &Path, patience: Duration) -> Self {
        let kept = std::thread::available_parallelism().map_or(1, usize::from);
        Self { path: path.to_owned(), patience, idle: Mutex::new(Some(Vec::new())), kept }
    }

    /// Reads on a connection of the caller's own, on the caller's thread.
    pub(super) fn read<T>(&self, reads: Reads, look: impl FnOnce(&SqlRows<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        let connection = match self.take()? {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let outcome = match reads {
            Reads::Once => look(&SqlRows(&connection)),
            Reads::Together => at_one_moment(&connection, look),
        };
        self.give_back(connection);
        outcome
    }

    fn take(&self) -> Result<Option<Connection>, Problem> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(Vec::pop).ok_or_else(Problem::closed)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(idle) = idle.as_mut().filter(|idle| idle.len() < self.kept) {
            idle.push(connection);
        }
    }

    fn connect(&self) -> Result<Connection, Problem> {
        let connection = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        prepared_once(&connection)?;
        connection.busy_timeout(self.patience)?;
        connection.pragma_update(None, "cache_size", -1_024)?;
        Ok(connection)
    }

    /// Closes what is idle; what is in use closes when it is given back.
    pub(super) fn close(&self) {
        let closed = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(closed);
    }
}

fn at_one_moment<T>(connection: &Connection, look: impl FnOnce(&SqlRows<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let outcome = look(&SqlRows(connection));
    let ended = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
    outcome.and_then(|value| Ok(ended.map(|_| value)?))
}
