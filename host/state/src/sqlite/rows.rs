//! The row operations in SQL, on any connection: a reader's or the writer's.
//!
//! Statements are prepared once per connection. A point read costs one search of the primary key's tree; a survey four.

use super::sql;
use crate::error::Problem;
use crate::rows::{Amount, EXPIRY_BATCH, Fresh, Held, Passing, Row, Rows, Scan, Spot, Standing, Survey, Visit};
use crate::store::{Order, Owner, RowId, Usage};
use rusqlite::types::{FromSql, FromSqlError, ValueRef};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, params};
use std::ops::ControlFlow;

/// The rows as one connection sees them.
pub(super) struct SqlRows<'c>(pub(super) &'c Connection);

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error::{FromSqlConversionFailure, InvalidColumnType, Utf8Error};
        if matches!(error, FromSqlConversionFailure(..) | InvalidColumnType(..) | Utf8Error(..)) {
            return Self::Corrupt(error.to_string());
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Unavailable(format!("another process holds the lock: {error}"))
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// A count or a moment; what was never written by us counts as 0.
pub(super) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(super) fn limit(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A word that stands where a status should.
pub(super) fn no_status(what: &str, name: &str) -> FromSqlError {
    FromSqlError::Other(format!("{name:?} is no status of a {what}").into())
}

/// The bytes of a text; a value of another type reads as nothing, which is no JSON.
fn bytes<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> rusqlite::Result<&'r [u8]> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => b"",
    })
}

/// A row whose value, age, expiry and mark are in these columns and the three after.
fn stored(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Row> {
    let expires_at: Option<i64> = row.get(first + 2)?;
    let (created_at, expires_at) = (unsigned(row.get(first + 1)?), expires_at.map(unsigned));
    Ok(Row { value: bytes(row, first)?.to_vec(), created_at, expires_at, mark: row.get(first + 3)? })
}

impl SqlRows<'_> {
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Result<u64, Problem> {
        Ok(self.0.prepare_cached(sql)?.execute(params)? as u64)
    }

    pub(super) fn one<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<T, Problem> {
        Ok(self.0.prepare_cached(sql)?.query_row(params, |row| row.get(0))?)
    }

    fn visit(&self, sql: &str, params: impl Params, visit: Visit<'_>) -> Result<(), Problem> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            let (created_at, expires_at): (i64, Option<i64>) = (row.get(2)?, row.get(3)?);
            let key = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            let passing = Passing { key, value: bytes(row, 1)?, created_at: unsigned(created_at), expires_at: expires_at.map(unsigned) };
            if visit(passing).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Steps that are made or unmade together, whatever else is in the transaction.
    pub(super) fn together<T>(&self, steps: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
        self.begin()?;
        let outcome = steps();
        self.end(outcome.is_ok())?;
        outcome
    }

    fn begin(&self) -> Result<(), Problem> {
        self.execute("SAVEPOINT steps", []).map(drop)
    }

    fn end(&self, made: bool) -> Result<(), Problem> {
        // Where a failure took the whole transaction with it, there is no savepoint left to go back to.
        if !made && !self.0.is_autocommit() {
            self.execute("ROLLBACK TO steps", [])?;
        }
        if !self.0.is_autocommit() {
            self.execute("RELEASE steps", [])?;
        }
        Ok(())
    }
}

impl Rows for SqlRows<'_> {
    fn begin_steps(&mut self) -> Result<(), Problem> {
        self.begin()
    }

    fn end_steps(&mut self, made: bool) -> Result<(), Problem> {
        self.end(made)
    }

    fn get(&self, spot: Spot<'_>) -> Result<Option<Row>, Problem> {
        let mut statement = self.0.prepare_cached(sql::GET)?;
        Ok(statement.query_row((spot.owner, spot.namespace, spot.key), |row| stored(row, 0)).optional()?)
    }

    fn value(&self, spot: Spot<'_>) -> Result<Option<Held>, Problem> {
        let mut statement = self.0.prepare_cached(sql::VALUE)?;
        let held = statement.query_row((spot.owner, spot.namespace, spot.key), |row| {
            let expires_at: Option<i64> = row.get(1)?;
            Ok(Held { value: bytes(row, 0)?.to_vec(), expires_at: expires_at.map(unsigned) })
        });
        Ok(held.optional()?)
    }

    fn survey(&self, spot: Spot<'_>, now: u64) -> Result<Survey, Problem> {
        let mut statement = self.0.prepare_cached(sql::SURVEY)?;
        let survey = statement.query_row(params![spot.owner, spot.namespace, spot.key, signed(now)], |row| {
            let (youngest, bytes, expires_at): (Option<i64>, Option<i64>, Option<i64>) = (row.get(0)?, row.get(5)?, row.get(6)?);
            Ok(Survey {
                youngest: youngest.map(unsigned),
                expired: row.get(1)?,
                rows: unsigned(row.get(2)?),
                owner_rows: unsigned(row.get(3)?),
                owner_bytes: unsigned(row.get(4)?),
                current: bytes.map(|bytes| Standing { expires_at: expires_at.map(unsigned), bytes: unsigned(bytes) }),
            })
        })?;
        Ok(survey)
    }

    fn live(&self, owner: &str, namespace: &str, now: u64) -> Result<u64, Problem> {
        self.one(sql::LIVE, params![owner, namespace, signed(now)]).map(unsigned)
    }

    fn has_expired(&self, owner: &str, namespace: &str, now: u64) -> Result<bool, Problem> {
        self.one(sql::HAS_EXPIRED, params![owner, namespace, signed(now)])
    }

    fn expired_of(&self, owner: &str, now: u64) -> Result<Amount, Problem> {
        let mut statement = self.0.prepare_cached(sql::EXPIRED_OF)?;
        let gone = statement
            .query_row(params![owner, signed(now)], |row| Ok(Amount { rows: unsigned(row.get(0)?), bytes: unsigned(row.get(1)?) }))?;
        Ok(gone)
    }

    fn oldest_bytes(&self, spot: Spot<'_>, evict: u64, now: u64) -> Result<u64, Problem> {
        self.one(sql::OLDEST_BYTES, params![spot.owner, spot.namespace, spot.key, signed(now), signed(evict)]).map(unsigned)
    }

    fn scan(&self, owner: &str, namespace: &str, scan: Scan<'_>, now: u64, visit: Visit<'_>) -> Result<(), Problem> {
        let Scan::Keys { start, end, order, limit: most } = scan else {
            return self.visit(sql::SCAN_OLDEST, params![owner, namespace, signed(now)], visit);
        };
        let (now, most) = (signed(now), limit(most));
        match (end, order) {
            (None, Order::Ascending) => self.visit(sql::SCAN_UP, params![owner, namespace, now, start, most], visit),
            (None, Order::Descending) => self.visit(sql::SCAN_DOWN, params![owner, namespace, now, start, most], visit),
            (Some(end), Order::Ascending) => self.visit(sql::SCAN_UP_TO_END, params![owner, namespace, now, start, most, end], visit),
            (Some(end), Order::Descending) => self.visit(sql::SCAN_DOWN_FROM_END, params![owner, namespace, now, start, most, end], visit),
        }
    }

    fn usage(&self, now: u64) -> Result<Vec<Usage>, Problem> {
        let mut statement = self.0.prepare_cached(sql::USAGE)?;
        let used = statement.query_map([signed(now)], |row| {
            let [rows, bytes, expired, expired_bytes] = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?].map(unsigned);
            let (rows, bytes) = (rows.saturating_sub(expired), bytes.saturating_sub(expired_bytes));
            Ok(Usage { owner: Owner::stored(row.get(0)?), namespace: row.get(1)?, rows, bytes, expired })
        })?;
        Ok(used.collect::<Result<_, _>>()?)
    }

    fn export(
        &self,
        after: Option<&RowId>,
        most: usize,
        now: u64,
        visit: &mut dyn FnMut(RowId, Row) -> ControlFlow<()>,
    ) -> Result<(), Problem> {
        let (owner, namespace, key) = after.map_or(("", "", ""), |id| (id.owner.as_str(), id.namespace.as_str(), id.key.as_str()));
        let mut statement = self.0.prepare_cached(sql::EXPORT)?;
        let mut rows = statement.query(params![owner, namespace, key, signed(now), limit(most)])?;
        while let Some(row) = rows.next()? {
            let id = RowId { owner: Owner::stored(row.get(5)?), namespace: row.get(6)?, key: row.get(0)? };
            if visit(id, stored(row, 1)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn put(&mut self, spot: Spot<'_>, fresh: Fresh<'_>, now: u64) -> Result<(), Problem> {
        let Spot { owner, namespace, key } = spot;
        let (created_at, expires_at) = (signed(fresh.created_at), fresh.expires_at.map(signed));
        let put = || self.execute(sql::PUT, params![owner, namespace, key, fresh.value, created_at, expires_at]).map(drop);
        if fresh.evict == 0 {
            return put();
        }
        self.together(|| {
            self.execute(sql::EVICT, params![owner, namespace, key, signed(now), signed(fresh.evict)])?;
            put()
        })
    }

    fn remove(&mut self, spot: Spot<'_>) -> Result<(), Problem> {
        self.execute(sql::REMOVE, params![spot.owner, spot.namespace, spot.key]).map(drop)
    }

    fn clear(&mut self, owner: &str, namespace: &str) -> Result<(), Problem> {
        self.execute(sql::CLEAR, params![owner, namespace]).map(drop)
    }

    fn expire(&mut self, owner: &str, namespace: &str, now: u64) -> Result<(), Problem> {
        self.execute(sql::EXPIRE, params![owner, namespace, limit(EXPIRY_BATCH), signed(now)]).map(drop)
    }

    fn sweep(&mut self, now: u64) -> Result<u64, Problem> {
        self.execute(sql::SWEEP, params![signed(now), limit(EXPIRY_BATCH)])
    }

    fn purge(&mut self, owner: &str) -> Result<u64, Problem> {
        self.execute(sql::PURGE, [owner])
    }
}
