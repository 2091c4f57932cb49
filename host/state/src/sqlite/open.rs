//! Opening a state, step by step: the directory, the database, its schema. A probe notes each step.
//!
//! Three ways. A program that keeps a state opens it, and makes it or brings it up to date if need be. Who only works on one that is there opens the
//! existing one, and makes nothing by mistake. Who only looks opens it for reading, and changes neither the directory nor the database.

use super::files::Files;
use super::{Inner, Sqlite, SqliteSettings, connect};
use crate::error::{Operation, Problem, StateError};
use crate::probe::{self, Probe};
use crate::rows::Shelf;
use std::sync::Arc;

/// What is done where there is no state, or an older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lacking {
    Make,
    Refuse,
}

impl Sqlite {
    /// Opens the state, makes it if there is none, and brings an older one up to date. Blocks for some milliseconds: meant for a program's start.
    ///
    /// # Errors
    /// `open-failed`, `corrupt` for what is no database of ours, `unavailable` while another process holds its lock, all with the operation `open`;
    /// `schema-unsupported` with the operation `ensure-schema` for a file of a newer program.
    pub fn open(settings: SqliteSettings) -> Result<Self, StateError> {
        Self::open_step_by_step(settings, Lacking::Make, &mut Probe::default())
    }

    /// Opens a state that is there. Makes none, and leaves the schema as it is.
    ///
    /// # Errors
    /// As [`Sqlite::open`] does; also `open-failed` where there is no state, and `schema-unsupported` for a file of an older program.
    pub fn open_existing(settings: SqliteSettings) -> Result<Self, StateError> {
        Self::open_step_by_step(settings, Lacking::Refuse, &mut Probe::default())
    }

    /// Opens a state that is there, for reading: what writes fails, and no file's contents or mode is changed. While nobody has the state open, SQLite
    /// may leave an empty `state.db-wal` and `state.db-shm` behind.
    ///
    /// Where the directory can't be written, on a read-only mount for example, a state can be read that was closed, or that a program has open. One
    /// that was closed is taken not to change: a program that opens and writes it meanwhile makes reads fail, or answer with a mixture of before and
    /// after.
    ///
    /// # Errors
    /// As [`Sqlite::open_existing`] does; also `open-failed` where the directory can't be written and the log of a killed program is in it.
    pub fn open_read_only(settings: SqliteSettings) -> Result<Self, StateError> {
        let limits = settings.limits.clone().checked()?;
        let opening = |problem: Problem| problem.during(Operation::Open);
        let files = Files::find(&settings.directory).map_err(opening)?;
        let (source, connection) = connect::reading(&files, settings.busy_timeout).map_err(opening)?;
        let identity = connect::current_schema(&connection)?;
        let shelf = Shelf::new(limits, settings.clock, identity);
        Ok(Self(Arc::new(Inner::reading(&files, source, shelf, settings.busy_timeout))))
    }

    /// Opens a state that is there, probes and closes it: for an operator who wants to know which step fails.
    pub async fn probe_at(settings: SqliteSettings) -> Probe {
        let mut probe = Probe::default();
        let Ok(state) = Self::open_step_by_step(settings, Lacking::Refuse, &mut probe) else { return probe };
        let probe = probe::round_trip(&state, probe).await;
        crate::StateStore::close(&state).await;
        probe
    }

    fn open_step_by_step(settings: SqliteSettings, lacking: Lacking, probe: &mut Probe) -> Result<Self, StateError> {
        let limits = settings.limits.clone().checked()?;
        let opening = |problem: Problem| problem.during(Operation::Open);
        let files = if lacking == Lacking::Make { Files::prepare(&settings.directory) } else { Files::find(&settings.directory) };
        let files = note(probe, "state-directory", files.map_err(opening))?;
        files.tighten_directory();
        let connection =
            if lacking == Lacking::Make { connect::writer(files.database(), &settings) } else { connect::existing(&files, &settings) };
        let mut connection = note(probe, "open", connection.map_err(opening))?;
        let identity =
            if lacking == Lacking::Make { connect::ensure_schema(&mut connection) } else { connect::current_schema(&connection) };
        let identity = note(probe, "schema", identity)?;
        files.tighten();
        let shelf = Shelf::new(limits, settings.clock.clone(), identity);
        Inner::start(connection, files, shelf, &settings).map(|inner| Self(Arc::new(inner))).map_err(opening)
    }
}

/// Notes a step in the probe, and goes on with what came out of it.
pub(super) fn note<T>(probe: &mut Probe, name: &'static str, outcome: Result<T, StateError>) -> Result<T, StateError> {
    let failure = outcome.as_ref().err().cloned();
    probe.step(name, failure.map_or(Ok(()), Err));
    outcome
}
