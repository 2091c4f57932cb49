//! The SQLite backend: one file in a directory of its own.
//!
//! A read costs what SQLite's point read costs, on the caller's thread. A write costs one commit: some 16 us under [`Synchronous::Normal`], the
//! disk's own time under [`Synchronous::Full`], shared by all who write at once. Several processes may work on one file; each waits for another's
//! lock for the busy timeout, then says `unavailable`. Under `Normal` a killed process loses nothing that was acknowledged, and a machine that loses
//! its power may lose the last moments, never the file's soundness; `Full` keeps those too.
//!
//! Closing waits on the writer's thread, for writes that were accepted and for reads that are under way; a state that was opened for reading has no
//! such thread, and waits for its reads where it is closed.

mod checkpoint;
mod connect;
mod files;
mod ledger;
mod lock;
mod open;
mod request;
mod rows;
mod sessions;
mod sql;
mod work;
mod writer;

pub use connect::SCHEMA_VERSION;
pub use files::DATABASE_FILE;
pub use lock::{Holder, Locked, StateLock};

use crate::clock::{Clock, SystemClock};
use crate::error::{Operation, Problem, StateError};
use crate::front::Front;
use crate::limits::StateLimits;
use crate::probe::Probe;
use crate::rows::{Backend, Reads, Rows, Shelf, Weight};
use connect::{Readers, Source};
use files::Files;
use open::note;
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;
use writer::Writer;

/// When a commit is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// When the system has it: what was acknowledged survives a killed process.
    #[default]
    Normal,
    /// When the disk has it: what was acknowledged survives a power failure.
    Full,
}

/// How the state is opened.
#[derive(Debug, Clone)]
pub struct SqliteSettings {
    /// The state directory; it is made if need be, and closed to others.
    pub directory: PathBuf,
    /// When a commit is done.
    pub synchronous: Synchronous,
    /// How long to wait for another process's lock.
    pub busy_timeout: Duration,
    /// What plugins may keep.
    pub limits: StateLimits,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl SqliteSettings {
    /// The defaults, in this directory.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            synchronous: Synchronous::Normal,
            busy_timeout: Duration::from_secs(5),
            limits: StateLimits::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// State in a SQLite file. Stays open until it is closed, or until it and every store that it opened are dropped.
#[derive(Debug, Clone)]
pub struct Sqlite(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    shelf: Arc<Shelf>,
    database: PathBuf,
    readers: Arc<Readers>,
    /// None: opened for reading.
    writer: Option<Arc<Writer>>,
    /// The writer's, which outlives that of checkpoints.
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Loses its sender, which never sends, once everything that was accepted is done and all connections are closed.
    ended: watch::Receiver<()>,
}

impl Sqlite {
    /// Where the database is.
    #[must_use]
    pub fn database(&self) -> &Path {
        &self.0.database
    }
}

impl Inner {
    fn start(connection: Connection, files: Files, shelf: Arc<Shelf>, settings: &SqliteSettings) -> Result<Self, Problem> {
        let database = files.database().to_owned();
        let checkpointer = connect::writer(&database, settings)?;
        let (checkpoints, due) = sync_channel(1);
        let in_place = settings.synchronous == Synchronous::Normal;
        let writer = Writer::new(connection, files, in_place, settings.busy_timeout, checkpoints)?;
        let readers = Arc::new(Readers::new(Source::shared(&database), settings.busy_timeout));
        let (done, ended) = watch::channel(());
        let inner = Self { shelf, readers: readers.clone(), writer: Some(writer.clone()), thread: Mutex::default(), ended, database };
        // Should the second thread fail to start, dropping `inner` ends the first.
        let checkpointing = spawn("state-checkpoint", checkpointing(writer.clone(), checkpointer, due))?;
        let thread = spawn("state-writer", move || {
            // Work that panics takes its own group down; the next one is served all the same.
            while catch_unwind(AssertUnwindSafe(|| writer.serve())).is_err() {}
            // A thread that panicked has closed its connection, too.
            let _ = checkpointing.join();
            readers.close();
            writer.end();
            drop(done);
        })?;
        *inner.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(inner)
    }

    fn reading(files: &Files, source: Source, shelf: Arc<Shelf>, patience: Duration) -> Self {
        Self {
            shelf,
            readers: Arc::new(Readers::new(source, patience)),
            writer: None,
            thread: Mutex::default(),
            ended: watch::channel(()).1,
            database: files.database().to_owned(),
        }
    }

    fn start_closing(&self) {
        self.readers.refuse();
        match &self.writer {
            Some(writer) => writer.close(),
            None => self.readers.close(),
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Problem> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(work);
    thread.map_err(|error| Problem::Failed(format!("can't start a thread: {error}")))
}

fn checkpointing(writer: Arc<Writer>, connection: Connection, due: Receiver<()>) -> impl FnOnce() {
    move || checkpoint::serve(&writer, &connection, &due)
}

impl Drop for Inner {
    /// Waits for writes that were accepted and nobody waits for any more.
    fn drop(&mut self) {
        self.start_closing();
        if let Some(thread) = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            // A thread that panicked has nothing left to finish.
            let _ = thread.join();
        }
    }
}

impl Backend for Inner {
    fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    fn is_open(&self) -> Result<(), Problem> {
        if self.readers.is_closed() { Err(Problem::closed()) } else { Ok(()) }
    }

    fn reach(&self, probe: &mut Probe) -> Result<(), StateError> {
        let reached = self.read(Reads::Once, |rows| rows.has_expired("", "", 0).map(drop));
        note(probe, "open", reached.map_err(|problem| problem.during(Operation::Probe)))
    }

    fn read<T>(&self, reads: Reads, look: impl FnOnce(&dyn Rows) -> Result<T, Problem>) -> Result<T, Problem> {
        self.readers.read(reads, |rows| look(rows))
    }

    async fn write<T: Send + 'static>(
        &self,
        weight: Weight,
        work: impl FnOnce(&mut dyn Rows) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        match &self.writer {
            Some(writer) => writer.write(weight, work).await,
            None => Err(Problem::Failed(format!("{} was opened for reading only", self.database.display()))),
        }
    }
}

impl Front for Sqlite {
    type Backend = Inner;

    fn backend(&self) -> &Arc<Inner> {
        &self.0
    }

    async fn end(&self) {
        self.0.start_closing();
        // Ends with an error when the sender is gone, which is what is waited for.
        let _ = self.0.ended.clone().changed().await;
    }
}

#[cfg(test)]
mod tests;
