//! What statements cost: none looks at more than it answers, however many jobs there are.

use super::super::connect;
use super::*;
use rusqlite::{Connection, Params, StatementStatus};
use std::num::NonZeroUsize;

fn database() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    connect::ensure_schema(&mut connection).unwrap();
    connection
}

fn plan(connection: &Connection, sql: &str) -> String {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let wanted = vec!["1"; statement.parameter_count()];
    let steps = statement.query_map(rusqlite::params_from_iter(wanted), |row| row.get::<_, String>(3)).unwrap();
    steps.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
}

#[test]
fn every_statement_goes_along_its_index() {
    let connection = database();
    let statements = [
        (sql::JOB, "sqlite_autoindex_jobs"),
        (sql::JOB_NAMED, "jobs_by_name"),
        (sql::JOBS_AT_WORK, "jobs_at_work"),
        (sql::JOBS, "jobs_by_time"),
        (sql::JOBS_WITH_ID, "sqlite_autoindex_jobs"),
        (sql::JOBS_OF_SESSION, "jobs_by_session"),
        (sql::JOBS_OF_PLUGIN, "jobs_by_plugin"),
        (sql::COUNT_JOBS, "COVERING INDEX jobs_by_"),
        (sql::DUE_JOBS, "COVERING INDEX jobs_waiting"),
        (sql::NEXT_JOB_AT, "COVERING INDEX jobs_waiting"),
        (sql::MARK_JOB, "sqlite_autoindex_jobs"),
        (sql::REMOVE_JOB, "sqlite_autoindex_jobs"),
        (sql::FORGET_JOBS, "jobs_by_"),
        (sql::CLEAR_JOBS, "jobs_by_session"),
        (sql::DELIVERY, "sqlite_autoindex_deliveries"),
        (sql::DELIVERIES, "INTEGER PRIMARY KEY"),
        (sql::DELIVERIES_OF_SESSION, "deliveries_by_session"),
        (sql::DELIVERIES_OF_PLUGIN, "deliveries_by_plugin"),
        (sql::NEWEST_DELIVERY, "COVERING INDEX deliveries_by_age"),
        (sql::REMOVE_DELIVERY, "sqlite_autoindex_deliveries"),
        (sql::CLEAR_DELIVERIES, "deliveries_by_session"),
    ];
    for (statement, index) in statements {
        let plan = plan(&connection, statement);
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{statement}: {plan}");
        assert!(plan.contains("SEARCH") || statement == sql::JOBS_AT_WORK, "{statement}: {plan}");
    }
}

fn waiting(id: &str, plugin: &str, run_at: u64) -> Job {
    let (id, plugin, kind, json) = (id.to_owned(), plugin.to_owned(), "timer".to_owned(), "1".to_owned());
    let time = JobTime { due_at: run_at, run_at };
    let asked = NewJob { id, plugin, name: None, tag: None, session: None, kind, body: json.clone(), plan: json, time };
    Job { asked, created_at: 1, status: JobStatus::Waiting, claim: None, anew: false }
}

/// Steps of SQLite's machine, and rows that were passed without a search.
fn steps(connection: &Connection, sql: &str, params: impl Params) -> (i32, i32) {
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query(params).unwrap();
    while rows.next().unwrap().is_some() {}
    drop(rows);
    (statement.get_status(StatementStatus::VmStep), statement.get_status(StatementStatus::FullscanStep))
}

#[test]
fn finding_what_is_due_costs_what_is_found_whoever_else_has_jobs() {
    let cost = |others: u64, at_work: u64, later: u64| {
        let connection = database();
        let mut rows = SqlRows(&connection);
        for i in 0..others {
            rows.put_job(&waiting(&format!("o{i}"), "other", 1)).unwrap();
        }
        for i in 0..at_work {
            let job = waiting(&format!("w{i}"), "p", 1);
            rows.put_job(&Job { status: JobStatus::Begun, claim: Some(format!("c{i}")), ..job }).unwrap();
        }
        for i in 0..later {
            rows.put_job(&waiting(&format!("l{i}"), "p", 9)).unwrap();
        }
        for i in 0..100 {
            rows.put_job(&waiting(&format!("d{i:03}"), "p", 2)).unwrap();
        }
        let due = rows.due_jobs("p", 5, 64).unwrap();
        assert_eq!((due.len(), due[0].id.as_str(), rows.next_job_at("p")), (64, "d000", Ok(Some(2))));
        [steps(&connection, sql::DUE_JOBS, params!["p", 5, 64]), steps(&connection, sql::NEXT_JOB_AT, ["p"])]
    };
    assert_eq!(cost(10_000, 1_000, 1_000), cost(1, 1, 1));
}

#[test]
fn a_page_of_jobs_costs_what_it_holds() {
    let connection = database();
    let mut rows = SqlRows(&connection);
    for i in 0..3_000 {
        rows.put_job(&waiting(&format!("j{i:04}"), "p", i)).unwrap();
    }
    let page = |after: i64| {
        steps(&connection, sql::JOBS_OF_PLUGIN, params![None::<&str>, None::<&str>, "p", None::<&str>, None::<&str>, after, "", 100]).0
    };
    let (first, last) = (page(-1), page(2_899));
    assert!(last <= first + 9, "{last} steps for the last page, {first} for the first");
    let spot = JobSpot { run_at: 2_899, id: "j2899".into() };
    let which = JobsQuery { plugin: Some("p".into()), after: Some(spot), limit: NonZeroUsize::new(1).unwrap(), ..JobsQuery::default() };
    let mut seen = Vec::new();
    rows.jobs(&which, &mut |job| {
        seen.push(job.asked.id);
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, ["j2900"]);
}
