//! The SQLite backend: one file in a directory of its own.
//!
//! A read costs what SQLite's point read costs, on the caller's thread. A write costs one commit: some 16 us under [`Synchronous::Normal`], the
//! disk's own
//! time under [`Synchronous::Full`], shared by all who write at once. Several processes may work on one file; each waits for another's lock for the
//! busy timeout, then says `unavailable`. Under `Normal` a killed process loses nothing that was acknowledged, and a machine that loses its power may
//! lose the last moments, never the file's soundness; `Full` keeps those too.

mod checkpoint;
mod connect;
mod files;
mod rows;
mod sql;
mod writer;

pub use connect::SCHEMA_VERSION;
pub use files::DATABASE_FILE;

use crate::clock::{Clock, SystemClock};
use crate::error::{Operation, Problem, StateError};
use crate::keyed;
use crate::limits::StateLimits;
use crate::probe::{self, Probe};
use crate::rows::{Backend, Reads, Rows, Shelf, Weight};
use crate::store::{ExportedRow, KeyedStore, Options, Owner, Reply, RowId, StateStore, Usage};
use connect::Readers;
use files::Files;
use rusqlite::Connection;
use std::future::Future;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::pin::Pin;
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
struct Inner {
    shelf: Arc<Shelf>,
    database: PathBuf,
    readers: Readers,
    writer: Arc<Writer>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    closed: watch::Receiver<bool>,
}

impl Sqlite {
    /// Opens the state, and makes it if there is none. Blocks for some milliseconds: meant for a program's start.
    ///
    /// # Errors
    /// `open-failed`, `corrupt` for what is no database of ours, `unavailable` while another process holds its lock, all with the operation `open`;
    /// `schema-unsupported` with the operation `ensure-schema` for a file of a newer program.
    pub fn open(settings: SqliteSettings) -> Result<Self, StateError> {
        Self::open_step_by_step(settings, &mut Probe::default())
    }

    /// Opens, probes and closes: for an operator who wants to know which step fails.
    pub async fn probe_at(settings: SqliteSettings) -> Probe {
        let mut probe = Probe::default();
        let Ok(state) = Self::open_step_by_step(settings, &mut probe) else { return probe };
        let probe = probe::round_trip(&state, probe).await;
        state.close().await;
        probe
    }

    /// Where the database is.
    #[must_use]
    pub fn database(&self) -> &Path {
        &self.0.database
    }

    fn open_step_by_step(settings: SqliteSettings, probe: &mut Probe) -> Result<Self, StateError> {
        let limits = settings.limits.clone().checked()?;
        let opening = |problem: Problem| problem.during(Operation::Open);
        let files = note(probe, "state-directory", Files::prepare(&settings.directory).map_err(opening))?;
        let mut connection = note(probe, "open", connect::writer(files.database(), &settings).map_err(opening))?;
        let identity = note(probe, "schema", connect::ensure_schema(&mut connection))?;
        files.tighten();
        let shelf = Shelf::new(limits, settings.clock.clone(), identity);
        Inner::start(connection, files, shelf, &settings).map(|inner| Self(Arc::new(inner))).map_err(opening)
    }
}

/// Notes a step in the probe, and goes on with what came out of it.
fn note<T>(probe: &mut Probe, name: &'static str, outcome: Result<T, StateError>) -> Result<T, StateError> {
    let failure = outcome.as_ref().err().cloned();
    probe.step(name, failure.map_or(Ok(()), Err));
    outcome
}

impl Inner {
    fn start(connection: Connection, files: Files, shelf: Arc<Shelf>, settings: &SqliteSettings) -> Result<Self, Problem> {
        let database = files.database().to_owned();
        let checkpointer = connect::writer(&database, settings)?;
        let (checkpoints, due) = sync_channel(1);
        let in_place = settings.synchronous == Synchronous::Normal;
        let writer = Writer::new(connection, files, in_place, settings.busy_timeout, checkpoints)?;
        let (done, closed) = watch::channel(false);
        let inner = Self {
            shelf,
            readers: Readers::new(&database, settings.busy_timeout),
            writer: writer.clone(),
            threads: Mutex::default(),
            closed,
            database,
        };
        // Should the second thread fail to start, dropping `inner` ends the first.
        inner.spawn("state-checkpoint", checkpointing(writer.clone(), checkpointer, due))?;
        inner.spawn("state-writer", move || {
            writer.serve();
            done.send_replace(true);
        })?;
        Ok(inner)
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Problem> {
        let thread = std::thread::Builder::new().name(name.into()).spawn(work);
        let thread = thread.map_err(|error| Problem::Failed(format!("can't start a thread: {error}")))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    fn start_closing(&self) {
        self.readers.close();
        self.writer.close();
    }
}

fn checkpointing(writer: Arc<Writer>, connection: Connection, due: Receiver<()>) -> impl FnOnce() {
    move || checkpoint::serve(&writer, &connection, &due)
}

impl Drop for Inner {
    /// Waits for writes that were accepted and nobody waits for any more.
    fn drop(&mut self) {
        self.start_closing();
        for thread in self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // A thread that panicked has nothing left to finish.
            let _ = thread.join();
        }
    }
}

impl Backend for Inner {
    fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    fn read<T>(&self, reads: Reads, look: impl FnOnce(&dyn Rows) -> Result<T, Problem>) -> Result<T, Problem> {
        self.readers.read(reads, |rows| look(rows))
    }

    fn write<T: Send + 'static>(
        &self,
        weight: Weight,
        work: impl FnOnce(&mut dyn Rows) -> Result<T, Problem> + Send + 'static,
    ) -> impl Future<Output = Result<T, Problem>> + Send {
        self.writer.write(weight, work)
    }
}

impl StateStore for Sqlite {
    fn open<'a>(&'a self, owner: &'a Owner, namespace: &'a str, options: Options) -> Reply<'a, Arc<dyn KeyedStore>> {
        Box::pin(async move {
            let open = if *self.0.closed.borrow() { Err(Problem::closed()) } else { keyed::open(&self.0, owner, namespace, options) };
            open.map_err(|problem| problem.during(Operation::Open))
        })
    }

    fn sweep(&self) -> Reply<'_, u64> {
        Box::pin(async move { keyed::sweep(&*self.0).await.map_err(|problem| problem.during(Operation::Sweep)) })
    }

    fn usage(&self) -> Reply<'_, Vec<Usage>> {
        Box::pin(async move { keyed::usage(&*self.0).map_err(|problem| problem.during(Operation::Usage)) })
    }

    fn export<'a>(&'a self, after: Option<&'a RowId>, limit: NonZeroUsize) -> Reply<'a, Vec<ExportedRow>> {
        Box::pin(async move { keyed::export(&*self.0, after, limit).map_err(|problem| problem.during(Operation::Export)) })
    }

    fn purge<'a>(&'a self, owner: &'a Owner) -> Reply<'a, u64> {
        Box::pin(async move { keyed::purge(&*self.0, owner).await.map_err(|problem| problem.during(Operation::Purge)) })
    }

    fn probe(&self) -> Pin<Box<dyn Future<Output = Probe> + Send + '_>> {
        Box::pin(async move {
            let mut probe = Probe::default();
            let reached = self.0.read(Reads::Once, |rows| rows.has_expired("", "", 0).map(drop));
            match note(&mut probe, "open", reached.map_err(|problem| problem.during(Operation::Probe))) {
                Ok(()) => probe::round_trip(self, probe).await,
                Err(_) => probe,
            }
        })
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            self.0.start_closing();
            // The writer's thread says so when it is done; if it is gone, it has nothing left to do.
            let _ = self.0.closed.clone().wait_for(|closed| *closed).await;
        })
    }
}
