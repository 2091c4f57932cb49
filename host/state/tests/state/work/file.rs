//! Jobs and deliveries in the file: what is there after opening it again, what a failure in the middle leaves, who gets a job that two want, what an older file becomes.

use super::{Stage, about, add, all, at, claim, history, ids, n, named, next, parcel, timer};
use crate::{assert_error, sqlite_at, store};
use plugbay_state::{
    Clock, Code, DATABASE_FILE, DeliveriesQuery, EngineSpot, Fact, HistoryQuery, JobEnd, JobEnded, JobSession, JobStatus, JobsQuery,
    NewDelivery, NewJob, Operation, Options, SCHEMA_VERSION, SessionStore, Sqlite, SqliteSettings, StateStore, TestClock, Window,
    WorkStore,
};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

fn raw(directory: &Path) -> Connection {
    Connection::open(directory.join(DATABASE_FILE)).unwrap()
}

/// Another handle on the same file, with the patience of an ordinary one.
fn another(directory: &Path, now: u64) -> Sqlite {
    let clock: Arc<dyn Clock> = Arc::new(TestClock::at(now));
    Sqlite::open(SqliteSettings { clock, ..SqliteSettings::new(directory) }).unwrap()
}

#[tokio::test]
async fn a_job_is_where_it_was_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::at(1_000));
    let state = sqlite_at(folder.path(), &clock);
    state.ensure_session("main", "l1").await.unwrap();
    for job in [named("begun", "b"), about("claimed", "main"), timer("ended"), NewJob { time: at(9_000), ..timer("waits") }] {
        add(&state, job).await;
    }
    assert_eq!(state.add_delivery(parcel("d")).await, Ok(true));
    clock.set(2_000);
    assert_eq!(ids(&claim(&state, "c", 9).await), ["begun", "claimed", "ended"]);
    assert_eq!((state.begin_job("begun", "c.0").await, state.begin_job("ended", "c.2").await), (Ok(true), Ok(true)));
    let end = JobEnd { events: vec![Fact::new("host", "run-job")], ..next(Some(5_000)) };
    assert_eq!(state.end_job("ended", "c.2", end).await, Ok(JobEnded::Waits(at(5_000))));
    let before = (state.jobs(JobsQuery::default()).await.unwrap(), state.deliveries(DeliveriesQuery::default()).await.unwrap());
    state.close().await;
    assert_error(state.next_job_at(&[]), Code::Unavailable, Operation::NextJobAt);
    assert_error(state.put_job(timer("late"), 9).await, Code::Unavailable, Operation::PutJob);

    let state = sqlite_at(folder.path(), &clock);
    let after = (state.jobs(JobsQuery::default()).await.unwrap(), state.deliveries(DeliveriesQuery::default()).await.unwrap());
    assert_eq!(after, before);
    assert_eq!(ids(&state.recover_jobs().await.unwrap()), ["begun"]);
    assert_eq!(ids(&claim(&state, "d", 9).await), ["claimed"], "the one that ended waits for its next time");
    assert_eq!((state.next_job_at(&["p".into()]), history(&state).await), (Ok(Some(5_000)), vec!["run-job".to_owned()]));
    assert_eq!(state.end_job("begun", "c.0", next(None)).await, Ok(JobEnded::Gone));
}

#[tokio::test]
async fn an_end_and_what_the_history_is_told_are_one_write() {
    let stage = Stage::on_disk();
    let (state, directory) = (&stage.state, stage.folder.as_ref().unwrap().path());
    add(&**state, timer("a")).await;
    stage.clock.set(2_000);
    claim(&**state, "c", 1).await;
    state.begin_job("a", "c.0").await.unwrap();
    let end = |moment| JobEnd { events: vec![Fact::new("host", "run-job"), Fact::new("host", "too-much")], ..next(moment) };
    let guard = |table: &str, event: &str, of: &str| {
        let refusal = format!("CREATE TRIGGER guard BEFORE {event} ON {table} WHEN {of} BEGIN SELECT raise(ABORT, 'no room'); END");
        raw(directory).execute_batch(&refusal).unwrap();
    };
    let before = state.jobs(JobsQuery::default()).await.unwrap();
    for (table, event, of, moment) in
        [("history", "INSERT", "new.what = 'too-much'", Some(9_000)), ("jobs", "UPDATE", "1", Some(9_000)), ("jobs", "DELETE", "1", None)]
    {
        guard(table, event, of);
        assert_error(state.end_job("a", "c.0", end(moment)).await, Code::WriteFailed, Operation::EndJob);
        assert_eq!((state.jobs(JobsQuery::default()).await.unwrap(), history(&**state).await), (before.clone(), vec![]), "{table}");
        raw(directory).execute_batch("DROP TRIGGER guard").unwrap();
    }
    assert_eq!(state.end_job("a", "c.0", end(None)).await, Ok(JobEnded::Gone));
    assert_eq!((all(&**state).await, history(&**state).await.len()), (vec![], 2));
}

#[tokio::test]
async fn claims_that_fail_in_their_middle_claim_nothing() {
    let stage = Stage::on_disk();
    let (state, directory) = (&stage.state, stage.folder.as_ref().unwrap().path());
    for id in ["a", "b", "c"] {
        add(&**state, timer(id)).await;
    }
    stage.clock.set(2_000);
    let refusal = "CREATE TRIGGER guard BEFORE UPDATE ON jobs WHEN new.id = 'b' BEGIN SELECT raise(ABORT, 'no'); END";
    raw(directory).execute_batch(refusal).unwrap();
    assert_error(state.claim_jobs(&["p".into()], vec!["x".into(), "y".into()]).await, Code::WriteFailed, Operation::ClaimJobs);
    raw(directory).execute_batch("DROP TRIGGER guard").unwrap();
    assert_eq!(ids(&claim(&**state, "c", 9).await), ["a", "b", "c"]);
}

#[test]
fn two_that_claim_at_once_never_get_the_same_job() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let handles = [another(folder.path(), 2_000), another(folder.path(), 2_000)];
    for i in 0..300 {
        runtime.block_on(add(&handles[i % 2], timer(&format!("j{i}"))));
    }
    let start = std::sync::Barrier::new(2);
    let claimed: Vec<Vec<String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = handles
            .iter()
            .enumerate()
            .map(|(who, handle)| {
                let start = &start;
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    start.wait();
                    let mut mine = Vec::new();
                    // More than there are jobs: who never comes to an end has got one twice.
                    for round in 0..301 {
                        let jobs = runtime.block_on(claim(handle, &format!("{who}-{round}"), 3));
                        if jobs.is_empty() {
                            break;
                        }
                        mine.extend(jobs.into_iter().map(|job| job.asked.id));
                    }
                    mine
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let all: BTreeSet<_> = claimed.iter().flatten().collect();
    assert_eq!((claimed.iter().map(Vec::len).sum::<usize>(), all.len()), (300, 300));
    let at_work = runtime.block_on(handles[0].jobs(JobsQuery::default())).unwrap();
    assert!(at_work.iter().all(|job| job.status == JobStatus::Claimed));
}

#[tokio::test]
async fn ten_thousand_that_are_due_are_claimed_once_each_by_two_in_turns() {
    let folder = tempfile::tempdir().unwrap();
    let handles = [another(folder.path(), 2_000), another(folder.path(), 2_000)];
    let mut database = raw(folder.path());
    let filling = database.transaction().unwrap();
    for i in 0..10_000 {
        let job = "INSERT INTO jobs (id, plugin, kind, due_at, run_at, created_at, status, anew, plan, body)
            VALUES (?1, 'p', 'timer', ?2, ?2, 1, 'waiting', 0, '1', '{}')";
        filling.execute(job, rusqlite::params![format!("j{i}"), 2_000 - i % 7]).unwrap();
    }
    filling.commit().unwrap();
    let (mut claimed, mut last) = (BTreeSet::new(), 0);
    for round in 0..157 {
        let batch = claim(&handles[round % 2], &format!("c{round}"), 64).await;
        assert_eq!(batch.len(), if round < 156 { 64 } else { 16 });
        for job in batch {
            assert!(job.asked.time.run_at >= last, "the longest due first");
            last = job.asked.time.run_at;
            assert!(claimed.insert(job.asked.id));
        }
    }
    assert_eq!((claimed.len(), claim(&handles[1], "late", 64).await.len()), (10_000, 0));
}

#[tokio::test]
async fn looking_for_the_next_job_needs_no_lock() {
    let stage = Stage::on_disk();
    add(&*stage.state, timer("a")).await;
    let lock = raw(stage.folder.as_ref().unwrap().path());
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(stage.state.next_job_at(&["p".into()]), Ok(Some(2_000)));
    assert_eq!((all(&*stage.state).await, stage.state.claim_jobs(&[], vec![]).await), (vec!["a".to_owned()], Ok(vec![])));
    assert_error(stage.state.put_job(timer("b"), 9).await, Code::Unavailable, Operation::PutJob);
}

#[tokio::test]
async fn a_damaged_job_is_corrupt() {
    let stage = Stage::on_disk();
    add(&*stage.state, timer("a")).await;
    raw(stage.folder.as_ref().unwrap().path()).execute("UPDATE jobs SET status = 'walking'", []).unwrap();
    let error = stage.state.job("a").await.unwrap_err();
    assert!(error.message.contains("\"walking\" is no status of a job"), "{error}");
    assert_error(Err::<(), _>(error), Code::Corrupt, Operation::Job);
}

/// A file of version 5, opened: `main` is in its life `l2`.
fn old_file(directory: &Path) -> Sqlite {
    raw(directory).execute_batch(include_str!("../version-5.sql")).unwrap();
    sqlite_at(directory, &Arc::new(TestClock::at(2_000)))
}

/// What version 6 brought: a job about `main`, one about nothing, and a delivery.
async fn furnish(state: &Sqlite) {
    let session = Some(JobSession { key: "main".into(), life: "l2".into() });
    add(state, NewJob { session, ..named("a", "x") }).await;
    add(state, NewJob { plugin: "q".into(), ..timer("b") }).await;
    assert_eq!(state.add_delivery(NewDelivery { life: "l2".into(), ..parcel("d") }).await, Ok(true));
}

#[tokio::test]
async fn a_file_of_version_5_gets_jobs_and_deliveries_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let state = old_file(folder.path());
    let version: u32 = raw(folder.path()).pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!((version, SCHEMA_VERSION), (6, 6));
    assert_eq!(store(&state, "rows", Options::up_to(1)).await.lookup("k").await.unwrap().as_deref(), Some("1"));
    assert_eq!(state.document("grant", "a").await.unwrap().unwrap().body, "{}");
    assert_eq!(state.history(HistoryQuery::oldest(9)).await.unwrap().len(), 1);
    assert_eq!((state.entries("main", "l2", Window::Newest(9)).unwrap().len(), state.runs("main", n(9)).await.unwrap().len()), (2, 1));
    let cursor = state.cursor(EngineSpot { engine: "e", session: "main", life: "l2" }).unwrap().unwrap();
    assert_eq!((cursor.entries, cursor.untold.as_deref()), (1, Some("r")));
    assert_eq!(state.compaction("main", "l2").unwrap().unwrap().summary, "short");
    assert!(state.subagent("p", "a").await.unwrap().unwrap().deleting);
    furnish(&state).await;
    assert_eq!(ids(&claim(&state, "c", 9).await), ["a"]);
    assert_eq!(
        state.end_job("a", "c.0", JobEnd { events: vec![Fact::new("host", "run-job")], ..JobEnd::default() }).await,
        Ok(JobEnded::Gone)
    );
    assert_eq!((all(&state).await, history(&state).await.len()), (vec!["b".to_owned()], 2));
    assert_eq!(state.deliveries(DeliveriesQuery::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_deleted_session_leaves_in_the_file_is_none_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let state = old_file(folder.path());
    furnish(&state).await;
    state.delete_session("main").await.unwrap().unwrap();
    let database = raw(folder.path());
    let rows = |table: &str| database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
    let mut tables = database.prepare(names).unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let left: Vec<_> = tables.iter().filter(|table| rows(table) > 0).map(String::as_str).collect();
    assert_eq!(left, ["documents", "history", "jobs", "keyed", "keyed_usage", "met", "meta", "subagents"]);
    assert_eq!(all(&state).await, ["b"]);
}
