//! Jobs and deliveries in SQL.
//!
//! A job whose time has come costs one step along an index and one search of the table. A listing costs what it passes along its index: what it answers, if
//! nothing but one thing is asked for.

use super::rows::{SqlRows, limit, no_status, signed, unsigned};
use super::sql::work as sql;
use crate::error::Problem;
use crate::sessions::rows::Look;
use crate::work::rows::{Deliveries, Jobs};
use crate::work::{DeliveriesQuery, Delivery, Job, JobSession, JobSpot, JobStatus, JobTime, JobsQuery, NewDelivery, NewJob};
use rusqlite::types::{FromSql, FromSqlResult, ValueRef};
use rusqlite::{Row, params};

impl FromSql for JobStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        Self::ALL.into_iter().find(|status| status.as_str() == name).ok_or_else(|| no_status("job", name))
    }
}

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let (key, life): (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
    let asked = NewJob {
        id: row.get(0)?,
        plugin: row.get(1)?,
        name: row.get(2)?,
        tag: row.get(3)?,
        session: key.zip(life).map(|(key, life)| JobSession { key, life }),
        kind: row.get(6)?,
        body: row.get(7)?,
        plan: row.get(8)?,
        time: JobTime { due_at: unsigned(row.get(9)?), run_at: unsigned(row.get(10)?) },
    };
    Ok(Job { asked, created_at: unsigned(row.get(11)?), status: row.get(12)?, claim: row.get(13)?, anew: row.get(14)? })
}

fn spot(row: &Row<'_>) -> rusqlite::Result<JobSpot> {
    Ok(JobSpot { run_at: unsigned(row.get(0)?), id: row.get(1)? })
}

impl Jobs for SqlRows<'_> {
    fn job(&self, id: &str) -> Result<Option<Job>, Problem> {
        self.find(sql::JOB, [id], job)
    }

    fn job_named(&self, plugin: &str, name: &str) -> Result<Option<Job>, Problem> {
        self.find(sql::JOB_NAMED, [plugin, name], job)
    }

    fn count_jobs(&self, plugin: &str) -> Result<u64, Problem> {
        self.one(sql::COUNT_JOBS, [plugin]).map(unsigned)
    }

    fn jobs(&self, which: &JobsQuery, look: Look<'_, Job>) -> Result<(), Problem> {
        let JobsQuery { id, plugin, session, tag, kind, after, limit: most } = which;
        let statement = match (id, session, plugin) {
            (Some(_), ..) => sql::JOBS_WITH_ID,
            (_, Some(_), _) => sql::JOBS_OF_SESSION,
            (.., Some(_)) => sql::JOBS_OF_PLUGIN,
            _ => sql::JOBS,
        };
        let (run_at, behind) = after.as_ref().map_or((-1, ""), |spot| (signed(spot.run_at), spot.id.as_str()));
        self.pass(statement, params![id, session, plugin, tag, kind, run_at, behind, limit(most.get())], job, look)
    }

    fn due_jobs(&self, plugin: &str, now: u64, most: usize) -> Result<Vec<JobSpot>, Problem> {
        self.all(sql::DUE_JOBS, params![plugin, signed(now), limit(most)], spot)
    }

    fn next_job_at(&self, plugin: &str) -> Result<Option<u64>, Problem> {
        Ok(self.one::<Option<i64>>(sql::NEXT_JOB_AT, [plugin])?.map(unsigned))
    }

    fn jobs_at_work(&self) -> Result<Vec<Job>, Problem> {
        self.all(sql::JOBS_AT_WORK, [], job)
    }

    fn put_job(&mut self, job: &Job) -> Result<(), Problem> {
        let Job { asked, created_at, status, claim, anew } = job;
        let NewJob { id, plugin, name, tag, session, kind, body, plan, time } = asked;
        let (key, life) = session.as_ref().map(|session| (&session.key, &session.life)).unzip();
        let [due_at, run_at, created_at] = [time.due_at, time.run_at, *created_at].map(signed);
        let status = status.as_str();
        let row = params![id, plugin, name, tag, key, life, kind, due_at, run_at, created_at, status, claim, anew, plan, body];
        self.step(sql::PUT_JOB, row)
    }

    fn mark_job(&mut self, job: &Job) -> Result<(), Problem> {
        let Job { asked, status, claim, anew, .. } = job;
        let [due_at, run_at] = [asked.time.due_at, asked.time.run_at].map(signed);
        self.step(sql::MARK_JOB, params![asked.id, due_at, run_at, status.as_str(), claim, anew])
    }

    fn remove_job(&mut self, id: &str) -> Result<(), Problem> {
        self.step(sql::REMOVE_JOB, [id])
    }

    fn forget_jobs(&mut self, plugin: &str) -> Result<(), Problem> {
        self.step(sql::FORGET_JOBS, [plugin])
    }
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let sent = NewDelivery {
        id: row.get(0)?,
        plugin: row.get(1)?,
        session: row.get(2)?,
        life: row.get(3)?,
        run: row.get(4)?,
        body: row.get(5)?,
        bytes: unsigned(row.get(6)?),
    };
    Ok(Delivery { sent, seq: unsigned(row.get(7)?), at: unsigned(row.get(8)?) })
}

impl Deliveries for SqlRows<'_> {
    fn delivery(&self, id: &str) -> Result<Option<Delivery>, Problem> {
        self.find(sql::DELIVERY, [id], delivery)
    }

    fn deliveries(&self, which: &DeliveriesQuery, look: Look<'_, Delivery>) -> Result<(), Problem> {
        let DeliveriesQuery { session, plugin, before, older_than: _, limit: most } = which;
        let statement = match (session, plugin) {
            (Some(_), _) => sql::DELIVERIES_OF_SESSION,
            (_, Some(_)) => sql::DELIVERIES_OF_PLUGIN,
            _ => sql::DELIVERIES,
        };
        self.pass(statement, params![session, plugin, signed(before.unwrap_or(u64::MAX)), limit(most.get())], delivery, look)
    }

    fn newest_delivery(&self, before: Option<u64>) -> Result<Option<(u64, u64)>, Problem> {
        let before = signed(before.unwrap_or(u64::MAX));
        self.find(sql::NEWEST_DELIVERY, [before], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))))
    }

    fn add_delivery(&mut self, sent: &NewDelivery, at: u64) -> Result<(), Problem> {
        let NewDelivery { id, plugin, session, life, run, body, bytes } = sent;
        self.step(sql::ADD_DELIVERY, params![id, plugin, session, life, run, signed(at), signed(*bytes), body])
    }

    fn remove_delivery(&mut self, id: &str) -> Result<(), Problem> {
        self.step(sql::REMOVE_DELIVERY, [id])
    }
}

#[cfg(test)]
mod tests;
