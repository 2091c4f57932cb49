//! The backends under test, and what a test may do to them behind their backs.
//!
//! A place is a temporary directory, or nothing. It fails as the file system and SQLite do.

use anyhow::{Context, Result, ensure};
use plugbay_state::{Clock, DATABASE_FILE, Memory, Sqlite, SqliteSettings, StateError, StateLimits, StateStore};
use rusqlite::{Connection, params};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// Makes a new, empty place.
pub type Make = fn() -> Result<Box<dyn Backend>>;

/// A place where state is kept.
pub trait Backend: Send + Sync {
    /// Opens it. What a durable place held when it was closed is there again; any other is empty each time.
    ///
    /// # Errors
    /// As the backend's own opening does.
    fn open(&self, limits: StateLimits, clock: Arc<dyn Clock>) -> Result<Arc<dyn StateStore>, StateError>;

    /// What can be done to a place whose rows outlive the state that wrote them.
    fn durable(&self) -> Option<&dyn Durable> {
        None
    }
}

/// What a test does to a durable place, behind the back of whoever has it open.
pub trait Durable: Send + Sync {
    /// Replaces the value of a row by text that is no JSON.
    ///
    /// # Errors
    /// If there is no such row.
    fn corrupt(&self, owner: &str, namespace: &str, key: &str) -> Result<()>;

    /// Says that a program far in the future wrote it.
    ///
    /// # Errors
    /// If it can't be written.
    fn age_schema(&self) -> Result<()>;

    /// From now on notes every value that is written.
    ///
    /// # Errors
    /// If it can't be written.
    fn spy(&self) -> Result<()>;

    /// The values that were written since.
    ///
    /// # Errors
    /// If they can't be read.
    fn spied(&self) -> Result<Vec<String>>;

    /// Opens the directory and the files to everybody.
    ///
    /// # Errors
    /// If the system refuses.
    fn loosen(&self) -> Result<()>;

    /// What is open to others than the owner.
    ///
    /// # Errors
    /// If it can't be read.
    fn loose(&self) -> Result<Vec<PathBuf>>;

    /// Checks every page and index.
    ///
    /// # Errors
    /// If one isn't sound.
    fn check_integrity(&self) -> Result<()>;
}

/// Rows in memory.
#[derive(Debug)]
pub struct InMemory;

impl InMemory {
    /// A place of this kind.
    ///
    /// # Errors
    /// Never.
    pub fn make() -> Result<Box<dyn Backend>> {
        Ok(Box::new(Self))
    }
}

impl Backend for InMemory {
    fn open(&self, limits: StateLimits, clock: Arc<dyn Clock>) -> Result<Arc<dyn StateStore>, StateError> {
        Ok(Arc::new(Memory::new(limits, clock)?))
    }
}

/// SQLite in a temporary directory.
#[derive(Debug)]
pub struct OnDisk {
    folder: TempDir,
}

impl OnDisk {
    /// A place of this kind.
    ///
    /// # Errors
    /// If there is no room for a temporary directory.
    pub fn make() -> Result<Box<dyn Backend>> {
        Ok(Box::new(Self { folder: TempDir::new()? }))
    }

    /// The state directory: one that opening has to make.
    fn directory(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn database(&self) -> Result<Connection> {
        let connection = Connection::open(self.directory().join(DATABASE_FILE))?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        Ok(connection)
    }

    /// The directory and its files.
    fn paths(&self) -> Result<Vec<PathBuf>> {
        let files = fs::read_dir(self.directory())?.map(|entry| Ok(entry?.path()));
        std::iter::once(Ok(self.directory())).chain(files).collect()
    }
}

impl Backend for OnDisk {
    fn open(&self, limits: StateLimits, clock: Arc<dyn Clock>) -> Result<Arc<dyn StateStore>, StateError> {
        Ok(Arc::new(Sqlite::open(SqliteSettings { limits, clock, ..SqliteSettings::new(self.directory()) })?))
    }

    fn durable(&self) -> Option<&dyn Durable> {
        Some(self)
    }
}

impl Durable for OnDisk {
    fn corrupt(&self, owner: &str, namespace: &str, key: &str) -> Result<()> {
        let update = "UPDATE keyed SET value = '{\"broken' WHERE owner = ?1 AND namespace = ?2 AND key = ?3";
        let rows = self.database()?.execute(update, params![owner, namespace, key])?;
        ensure!(rows == 1, "there is no row {key:?} in {namespace:?} of {owner:?}");
        Ok(())
    }

    fn age_schema(&self) -> Result<()> {
        Ok(self.database()?.pragma_update(None, "user_version", 9_999)?)
    }

    fn spy(&self) -> Result<()> {
        let notes = "
            CREATE TABLE spy (value TEXT NOT NULL);
            CREATE TRIGGER spy_inserted AFTER INSERT ON keyed BEGIN INSERT INTO spy VALUES (new.value); END;
            CREATE TRIGGER spy_updated AFTER UPDATE ON keyed BEGIN INSERT INTO spy VALUES (new.value); END;";
        Ok(self.database()?.execute_batch(notes)?)
    }

    fn spied(&self) -> Result<Vec<String>> {
        let database = self.database()?;
        let mut statement = database.prepare("SELECT value FROM spy")?;
        let values = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(values)
    }

    fn loosen(&self) -> Result<()> {
        self.paths()?.iter().try_for_each(|path| Ok(fs::set_permissions(path, Permissions::from_mode(0o777))?))
    }

    fn loose(&self) -> Result<Vec<PathBuf>> {
        let mut loose = self.paths()?;
        let tight = |path: &PathBuf| fs::metadata(path).is_ok_and(|there| there.permissions().mode().trailing_zeros() >= 6);
        loose.retain(|path| !tight(path));
        Ok(loose)
    }

    fn check_integrity(&self) -> Result<()> {
        let answer: String = self.database()?.query_row("PRAGMA integrity_check", [], |row| row.get(0)).context("integrity_check")?;
        ensure!(answer == "ok", "integrity_check: {answer}");
        Ok(())
    }
}
