//! Runs and injections in SQL.
//!
//! What is asked for most, the injections of one session without what they say, costs one search and a few short rows.

use super::super::rows::{SqlRows, limit, no_status, signed, unsigned};
use super::super::sql::sessions as sql;
use crate::error::Problem;
use crate::sessions::rows::{Look, Turns, Waiting};
use crate::sessions::{Injection, InjectionStatus, NewInjection, RunRow, RunStatus};
use rusqlite::types::{FromSql, FromSqlResult, ValueRef};
use rusqlite::{Row, params};

impl FromSql for RunStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        Self::ALL.into_iter().find(|status| status.as_str() == name).ok_or_else(|| no_status("run", name))
    }
}

impl FromSql for InjectionStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        Self::ALL.into_iter().find(|status| status.as_str() == name).ok_or_else(|| no_status("injection", name))
    }
}

fn run(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        run: row.get(0)?,
        session: row.get(1)?,
        life: row.get(2)?,
        trigger: row.get(3)?,
        facts: row.get(4)?,
        status: row.get(5)?,
        began_at: unsigned(row.get(6)?),
        ended_at: row.get::<_, Option<i64>>(7)?.map(unsigned),
        error: row.get(8)?,
    })
}

fn waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    Ok(Waiting {
        number: unsigned(row.get(0)?),
        id: row.get(1)?,
        plugin: row.get(2)?,
        key: row.get(3)?,
        created_at: unsigned(row.get(4)?),
        ttl_ms: row.get::<_, Option<i64>>(5)?.map(unsigned),
        status: row.get(6)?,
        run: row.get(7)?,
    })
}

/// Its columns are those of one that waits, and what it says.
fn injection(row: &Row<'_>, session: &str) -> rusqlite::Result<(u64, Injection)> {
    let Waiting { number, id, plugin, key, created_at, ttl_ms, status, run } = waiting(row)?;
    let (priority, append, text, metadata) = (row.get(8)?, row.get(9)?, row.get(10)?, row.get(11)?);
    let asked = NewInjection { id, session: session.to_owned(), plugin, text, append, priority, ttl_ms, key, metadata };
    Ok((number, Injection { asked, created_at, status, run }))
}

impl Turns for SqlRows<'_> {
    fn run(&self, name: &str) -> Result<Option<RunRow>, Problem> {
        self.find(sql::RUN, [name], run)
    }

    fn runs(&self, session: &str, most: usize, look: Look<'_, RunRow>) -> Result<(), Problem> {
        self.pass(sql::RUNS, params![session, limit(most)], run, look)
    }

    fn running(&self) -> Result<Vec<RunRow>, Problem> {
        self.all(sql::RUNNING, [], run)
    }

    fn add_run(&mut self, number: u64, new: &RunRow) -> Result<(), Problem> {
        let RunRow { run, session, life, trigger, facts, status, began_at, ended_at, error } = new;
        let (number, began_at, ended_at) = (signed(number), signed(*began_at), ended_at.map(signed));
        let row = params![run, session, number, life, trigger, facts, status.as_str(), began_at, ended_at, error];
        self.step(sql::ADD_RUN, row)
    }

    fn end_run(&mut self, run: &str, status: RunStatus, at: u64, error: Option<&str>) -> Result<(), Problem> {
        self.step(sql::END_RUN, params![run, status.as_str(), signed(at), error])
    }

    fn forget_runs(&mut self, session: &str, up_to: u64) -> Result<(), Problem> {
        self.step(sql::FORGET_RUNS, params![session, signed(up_to)])
    }

    fn injections(&self, session: &str) -> Result<Vec<(u64, Injection)>, Problem> {
        self.all(sql::INJECTIONS, [session], |row| injection(row, session))
    }

    fn waiting(&self, session: &str) -> Result<Vec<Waiting>, Problem> {
        self.all(sql::WAITING, [session], waiting)
    }

    fn add_injection(&mut self, new: &NewInjection, created_at: u64) -> Result<(), Problem> {
        let NewInjection { id, session, plugin, text, append, priority, ttl_ms, key, metadata } = new;
        let (created_at, ttl, status) = (signed(created_at), ttl_ms.map(signed), InjectionStatus::Pending.as_str());
        self.step(sql::ADD_INJECTION, params![session, plugin, id, key, created_at, ttl, status, priority, append, text, metadata])
    }

    fn mark_injection(&mut self, _: &str, number: u64, status: InjectionStatus, run: Option<&str>) -> Result<(), Problem> {
        self.step(sql::MARK_INJECTION, params![signed(number), status.as_str(), run])
    }

    fn remove_injection(&mut self, _: &str, number: u64) -> Result<(), Problem> {
        self.step(sql::REMOVE_INJECTION, [signed(number)])
    }

    fn forget_injections(&mut self, plugin: &str) -> Result<(), Problem> {
        self.step(sql::FORGET_INJECTIONS, [plugin])
    }
}
