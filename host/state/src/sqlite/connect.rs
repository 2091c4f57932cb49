//! Connections: how each is set up, how the schema is brought up to date, and the pool that readers share.
//!
//! Opening one costs about 100 us. The pool keeps as many readers as there are processors; what is needed beyond that is opened and closed again.
//! Closing the pool waits for the reads that are under way, those on a connection beyond it included.

use super::files::Files;
use super::rows::SqlRows;
use super::{SqliteSettings, Synchronous, sql};
use crate::error::{Operation, Problem, StateError};
use crate::rows::Reads;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::{Duration, Instant};

/// The schema's version that this program writes.
pub const SCHEMA_VERSION: u32 = sql::MIGRATIONS.len() as u32;

/// More than there are statements.
const STATEMENTS: usize = 192;

/// What is left of the log's file once it starts over: after a reader in another process had made it grow without end.
const LARGEST_LOG: u32 = 32 << 20;

/// How soon a step is tried again that SQLite refuses without waiting.
pub(super) const AGAIN_EVERY: Duration = Duration::from_millis(10);

/// Opens the connection that writes, without touching the schema. It doesn't wait for locks: who uses it says how long.
pub(super) fn writer(path: &Path, settings: &SqliteSettings) -> Result<Connection, Problem> {
    let connection = changing(path, settings)?;
    log_ahead(&connection, settings)?;
    Ok(connection)
}

/// The same for a database that is ours already; nothing is done to another.
pub(super) fn existing(files: &Files, settings: &SqliteSettings) -> Result<Connection, Problem> {
    let connection = changing(files.database(), settings)?;
    ours(&connection, files)?;
    log_ahead(&connection, settings)?;
    Ok(connection)
}

fn changing(path: &Path, settings: &SqliteSettings) -> Result<Connection, Problem> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepared_once(&connection)?;
    connection.busy_timeout(settings.busy_timeout)?;
    Ok(connection)
}

fn log_ahead(connection: &Connection, settings: &SqliteSettings) -> Result<(), Problem> {
    patiently(settings.busy_timeout, || connection.pragma_update(None, "journal_mode", "wal"))?;
    let synchronous = match settings.synchronous {
        Synchronous::Normal => "normal",
        Synchronous::Full => "full",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", LARGEST_LOG)?;
    Ok(())
}

/// Opens a connection that reads, in the way in which this directory allows it.
pub(super) fn reading(files: &Files, patience: Duration) -> Result<(Source, Connection), Problem> {
    let shared = Source::shared(files.database());
    let refused = match shared.connect(patience).and_then(|connection| stored_version(&connection).map(|_| connection)) {
        Err(error) if matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)) => error,
        connected => {
            let connection = connected?;
            return ours(&connection, files).map(|()| (shared, connection));
        }
    };
    if files.has_log() {
        let why = "the last writes are in the log only, and reading it takes a directory that can be written: read a copy, or let its owner read it";
        return Err(Problem::Failed(format!("{refused}: {why}")));
    }
    let still = Source::still(files.database());
    let connection = still.connect(patience)?;
    ours(&connection, files)?;
    Ok((still, connection))
}

fn stored_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Refuses a database that has no version: one without anything in it, or another program's.
fn ours(connection: &Connection, files: &Files) -> Result<(), Problem> {
    if stored_version(connection)? == 0 { Err(files.not_ours()) } else { Ok(()) }
}

/// Keeps every statement prepared. Without the planner's stability guarantee SQLite prepares some again at every new parameter, `now` for example.
fn prepared_once(connection: &Connection) -> rusqlite::Result<()> {
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

/// The database's identity, if its schema is the one that this program writes.
pub(super) fn current_schema(connection: &Connection) -> Result<String, StateError> {
    identity(connection).map_err(|problem| problem.during(Operation::EnsureSchema))
}

fn identity(connection: &Connection) -> Result<String, Problem> {
    let there = version(connection)?;
    if there < SCHEMA_VERSION {
        let how = "start the daemon on it once, which brings it up to date";
        return Err(Problem::Schema(format!("the state is of version {there}, this program works on version {SCHEMA_VERSION}: {how}")));
    }
    Ok(connection.query_row(sql::IDENTITY, [], |row| row.get(0))?)
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
    let there = stored_version(connection)?;
    match u32::try_from(there) {
        Ok(version) if version <= SCHEMA_VERSION => Ok(version),
        _ => Err(Problem::Schema(format!("the state is of version {there}, this program knows versions up to {SCHEMA_VERSION}"))),
    }
}

/// How a connection that reads is opened.
const READING: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// The database as those who read it name it.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    flags: OpenFlags,
}

impl Source {
    /// With locks and log, as everybody else uses it.
    pub(super) fn shared(path: &Path) -> Self {
        Self { path: path.to_owned(), flags: READING }
    }

    /// Without either: the file alone, and on condition that nobody changes it.
    fn still(path: &Path) -> Self {
        let mut uri = OsString::from("file:");
        for byte in path.as_os_str().as_bytes() {
            match byte {
                b'?' | b'#' | b'%' => uri.push(format!("%{byte:02x}")),
                _ => uri.push(OsStr::from_bytes(&[*byte])),
            }
        }
        uri.push("?immutable=1");
        Self { path: uri.into(), flags: READING | OpenFlags::SQLITE_OPEN_URI }
    }

    fn connect(&self, patience: Duration) -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(&self.path, self.flags)?;
        prepared_once(&connection)?;
        connection.busy_timeout(patience)?;
        connection.pragma_update(None, "cache_size", -1_024)?;
        Ok(connection)
    }
}

/// Read-only connections. A reader locks the first that nobody is using; it stays where it is. Who finds none opens one for itself.
#[derive(Debug)]
pub(super) struct Readers {
    source: Source,
    patience: Duration,
    /// Opened when first used.
    kept: Box<[Mutex<Option<Connection>>]>,
    /// Shared by all who read on a connection of their own.
    spares: RwLock<()>,
    closed: AtomicBool,
}

impl Readers {
    pub(super) fn new(source: Source, patience: Duration) -> Self {
        let kept = std::thread::available_parallelism().map_or(1, usize::from);
        let kept = (0..kept).map(|_| Mutex::default()).collect();
        Self { source, patience, kept, spares: RwLock::default(), closed: AtomicBool::new(false) }
    }

    /// Reads on a connection of the caller's own, on the caller's thread.
    pub(super) fn read<T>(&self, reads: Reads, look: impl FnOnce(&SqlRows<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        let mut idle = self.kept.iter().find_map(idle);
        let _spare = idle.is_none().then(|| self.spares.read().unwrap_or_else(PoisonError::into_inner));
        // Looked at with a lock in hand: what was closed stays so.
        if self.is_closed() {
            return Err(Problem::closed());
        }
        let mut own = None;
        let connection = match idle.as_deref_mut().unwrap_or(&mut own) {
            Some(connection) => connection,
            none => none.insert(self.source.connect(self.patience)?),
        };
        match reads {
            Reads::Once => look(&SqlRows(connection)),
            Reads::Together => at_one_moment(connection, look),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Refuses what comes from now on; waits for nobody.
    pub(super) fn refuse(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Closes all connections, each when the read that is using it is over.
    pub(super) fn close(&self) {
        self.refuse();
        for kept in &self.kept {
            let connection = kept.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(connection);
        }
        drop(self.spares.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The lock on a connection, unless somebody is reading on it.
fn idle(kept: &Mutex<Option<Connection>>) -> Option<MutexGuard<'_, Option<Connection>>> {
    match kept.try_lock() {
        Ok(idle) => Some(idle),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn at_one_moment<T>(connection: &Connection, look: impl FnOnce(&SqlRows<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let outcome = look(&SqlRows(connection));
    let ended = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
    outcome.and_then(|value| Ok(ended.map(|_| value)?))
}

#[cfg(test)]
mod tests;
