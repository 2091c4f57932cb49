//! What statements cost: none looks at more than it answers, however long a history is.

use super::super::connect;
use super::super::sql::context;
use super::*;
use rusqlite::{Connection, StatementStatus};

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
fn every_statement_searches() {
    let connection = database();
    let statements = [
        sql::STANDING,
        sql::SHOWN,
        sql::PAST_LIFE,
        sql::ENTRIES_UP,
        sql::ENTRIES_DOWN,
        sql::RUN,
        sql::RUNS,
        sql::END_RUN,
        sql::FORGET_RUNS,
        sql::INJECTIONS,
        sql::WAITING,
        sql::MARK_INJECTION,
        sql::REMOVE_INJECTION,
        sql::FORGET_INJECTIONS,
        sql::STATE,
        sql::REMOVE_STATE,
        sql::FORGET_STATE,
        sql::HAS_MET,
        sql::FORGET_MET,
        sql::HAS_QUESTION,
        sql::REMOVE_QUESTION,
        context::CURSOR,
        context::FORGET_CURSORS,
        context::COMPACTED,
        context::COMPACTIONS,
        context::SUBAGENT,
        context::SUBAGENT_AT,
        context::REMOVE_SUBAGENT,
    ];
    for statement in statements.into_iter().chain(sql::CLEAR_SESSION).chain(sql::REMOVE_SESSION) {
        let plan = plan(&connection, statement).replace("SCAN CONSTANT ROW", "");
        assert!(plan.contains("SEARCH") && !plan.contains("SCAN ") && !plan.contains("TEMP B-TREE"), "{statement}: {plan}");
    }
    let running = plan(&connection, sql::RUNNING);
    assert!(running.contains("runs_running") && !running.contains("TEMP B-TREE"), "{running}");
    let listing = plan(&connection, sql::SESSIONS);
    assert!(listing.contains("SEARCH sessions") && listing.contains("SEARCH session_state USING INDEX"), "{listing}");
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
fn a_window_costs_what_it_holds_whatever_the_history() {
    let connection = database();
    for id in 1..=10_000 {
        SqlRows(&connection)
            .add_entry("main", id, 1, &NewEntry { role: "user".into(), content: "1".into(), tool_call_id: None, run: None, meta: None })
            .unwrap();
    }
    for statement in [sql::ENTRIES_UP, sql::ENTRIES_DOWN] {
        let of = |first: i64| steps(&connection, statement, params!["main", first, first + 9]);
        assert_eq!(of(2), of(9_990), "{statement}");
    }
    let here =
        Standing { life: "l".into(), created_at: 1, began_at: 1, updated_at: 1, stretch: Stretch { before: 0, entries: 10_000 }, runs: 0 };
    SqlRows(&connection).put_session("main", &here).unwrap();
    let (counting, scanned) = steps(&connection, sql::STANDING, ["main"]);
    assert!(counting < 40 && scanned == 0, "{counting} steps to count 10,000 entries");
}

#[test]
fn a_page_of_sessions_costs_what_it_holds() {
    let connection = database();
    let mut rows = SqlRows(&connection);
    let standing = |stretch| Standing { life: "l".into(), created_at: 1, began_at: 1, updated_at: 1, stretch, runs: 0 };
    for i in 0..3_000 {
        let key = format!("s{i:04}");
        rows.put_session(&key, &standing(Stretch::default())).unwrap();
        rows.put_state(StateSpot { session: &key, life: "l", plugin: "p", namespace: "n" }, "1", Some("2")).unwrap();
    }
    let page = |after: &str, most: i64| steps(&connection, sql::SESSIONS, params![after, most]).0;
    let (first, last, long) = (page("", 100), page("s2899", 100), page("", 1_000));
    assert!(last <= first, "{last} steps for the last page, {first} for the first");
    assert!(long <= 11 * first, "{long} steps for a page that is ten times as long, {first} for the short one");
}
