//! Conversations in the file: what is there after opening it again, what a failure in the middle leaves, what needs no lock, what an older file becomes.

use super::{append, claimed, ids, n, note, said, spot, texts, turn, waiting};
use crate::{assert_error, sqlite, store};
use plugbay_state::{
    Code, Cursor, DATABASE_FILE, EngineSpot, HistoryQuery, InjectionStatus, NewCompaction, NewRun, NewSubagent, Operation, Options,
    SCHEMA_VERSION, SessionStore, Sqlite, StateSpot, StateStore, Window,
};
use rusqlite::Connection;
use std::path::Path;

fn raw(directory: &Path) -> Connection {
    Connection::open(directory.join(DATABASE_FILE)).unwrap()
}

async fn with_session(directory: &Path) -> Sqlite {
    let state = sqlite(directory);
    state.ensure_session("main", "l1").await.unwrap();
    state
}

/// What version 5 brought: `e` is one entry far with this life of `main`, of which one entry is compacted, and a subagent is to be deleted.
async fn furnish(state: &Sqlite, life: &str) {
    let at = EngineSpot { engine: "e", session: "main", life };
    assert_eq!(state.put_cursor(at, Cursor { entries: 1, untold: Some("r".into()) }).await, Ok(true));
    let compaction = NewCompaction { entries: 1, summary: "short".into(), tokens_before: 9, tokens_after: 3 };
    assert_eq!(state.put_compaction("main", life, compaction).await, Ok(true));
    let (session, parent, engine, ticket) = ("p/a".into(), "main".into(), Some("e".into()), Some("t".into()));
    let subagent = NewSubagent { session, plugin: "p".into(), name: "a".into(), parent, depth: 1, engine, ticket };
    assert_eq!(state.add_subagent(subagent).await, Ok(true));
    assert_eq!(state.mark_deleting("p", "a").await, Ok(true));
}

/// Everything of `main` that can be seen.
async fn contents(state: &Sqlite) -> String {
    let (session, runs) = (state.session("main").await.unwrap(), state.runs("main", n(100)).await.unwrap());
    let lives = ["l1", "l2"].map(|life| state.entries("main", life, Window::Newest(100)).unwrap());
    let (injections, kept) = (state.injections("main").await.unwrap(), state.state_of(spot("p", "n")).unwrap());
    let (met, subagents) = (state.met("p", "main").await.unwrap(), state.subagents(None).await.unwrap());
    let far = ["l1", "l2"].map(|life| state.cursor(EngineSpot { engine: "e", session: "main", life }).unwrap());
    let compacted = ["l1", "l2"].map(|life| state.compaction("main", life).unwrap());
    format!("{session:#?} {runs:#?} {lives:#?} {injections:#?} {kept:#?} {met:?} {subagents:#?} {far:?} {compacted:?}")
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let state = with_session(folder.path()).await;
    append(&state, "l1", &["a", "b"]).await;
    state.reset_session("main", "l2").await.unwrap();
    append(&state, "l2", &["c"]).await;
    let first = state.begin_run(NewRun { life: "l2".into(), ..turn("r") }).await.unwrap();
    assert_eq!(first, Some(vec![]));
    state.inject(note("i"), "l2").await.unwrap();
    let second = state.begin_run(NewRun { life: "l2".into(), ..turn("s") }).await.unwrap();
    assert_eq!(ids(&second.unwrap()), ["i"]);
    state.put_state(StateSpot { life: "l2", ..spot("p", "n") }, Some("1".into()), Some("2".into())).await.unwrap();
    state.meet("p", "main").await.unwrap();
    furnish(&state, "l2").await;
    let before = contents(&state).await;
    state.close().await;
    assert_error(state.entries("main", "l1", Window::Newest(1)), Code::Unavailable, Operation::Entries);
    assert_error(state.append("main", "l2", vec![said("x")]).await, Code::Unavailable, Operation::Append);
    let state = sqlite(folder.path());
    assert_eq!(contents(&state).await, before);
    assert_eq!(state.recover().await.unwrap().0.len(), 2);
    assert_eq!(append(&state, "l2", &["d"]).await, Some(vec![4]));
}

#[tokio::test]
async fn what_fails_in_its_middle_leaves_nothing_and_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let state = with_session(folder.path()).await;
    state.inject(note("i"), "l1").await.unwrap();
    assert_eq!(claimed(&state, "r").await, ["i"]);
    state.put_state(spot("p", "n"), Some("1".into()), Some("2".into())).await.unwrap();
    for (table, of) in [("entries", "new.content = '\"too-much\"'"), ("runs", "new.run = 'too-much'"), ("lives", "1")] {
        let refusal = format!("CREATE TRIGGER {table}_full BEFORE INSERT ON {table} WHEN {of} BEGIN SELECT raise(ABORT, 'no room'); END");
        raw(folder.path()).execute_batch(&refusal).unwrap();
    }
    let before = contents(&state).await;
    assert_error(state.show("r", vec![said("fine"), said("too-much")]).await, Code::WriteFailed, Operation::Show);
    assert_error(state.append("main", "l1", vec![said("fine"), said("too-much")]).await, Code::WriteFailed, Operation::Append);
    assert_error(state.reset_session("main", "l2").await, Code::WriteFailed, Operation::ResetSession);
    assert_eq!(contents(&state).await, before);
    state.inject(note("j"), "l1").await.unwrap();
    assert_error(state.begin_run(turn("too-much")).await, Code::WriteFailed, Operation::BeginRun);
    assert_eq!(waiting(&state).await, [("i".into(), InjectionStatus::Claimed), ("j".into(), InjectionStatus::Pending)]);
    // Beside it in one transaction stands one that is fine.
    let lock = raw(folder.path());
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (failed, fine) = (state.show("r", vec![said("too-much")]), append(&state, "l1", &["fine"]));
    let unlock = async { lock.execute_batch("COMMIT").unwrap() };
    let (failed, fine, ()) = tokio::join!(failed, fine, unlock);
    assert_error(failed, Code::WriteFailed, Operation::Show);
    assert_eq!((fine, texts(&state, "l1", Window::Newest(9))), (Some(vec![1]), vec!["fine".to_owned()]));
    assert_eq!(waiting(&state).await[0].1, InjectionStatus::Claimed);
}

#[tokio::test]
async fn what_is_there_needs_no_write() {
    let folder = tempfile::tempdir().unwrap();
    let state = with_session(folder.path()).await;
    state.meet("p", "main").await.unwrap();
    append(&state, "l1", &["a"]).await;
    let lock = raw(folder.path());
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(!state.ensure_session("main", "l2").await.unwrap().is_new);
    state.meet("p", "main").await.unwrap();
    contents(&state).await;
    assert_eq!((state.entry("main", "l1", 1).unwrap().unwrap().id, state.count_entries("main", "l1")), (1, Ok(1)));
    assert_error(state.ensure_session("other", "l1").await, Code::Unavailable, Operation::EnsureSession);
    assert_error(state.meet("q", "main").await, Code::Unavailable, Operation::Meet);
}

#[tokio::test]
async fn of_two_who_find_no_session_one_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = sqlite(folder.path());
    let lock = raw(folder.path());
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Both have looked, and both wait for the lock.
    let (one, other) = (state.ensure_session("main", "l1"), state.ensure_session("main", "l2"));
    let unlock = async { lock.execute_batch("COMMIT").unwrap() };
    let (one, other, ()) = tokio::join!(one, other, unlock);
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(one.is_new && !other.is_new);
    assert_eq!(one.session, other.session);
}

#[tokio::test]
async fn nothing_is_kept_of_what_is_spent() {
    let folder = tempfile::tempdir().unwrap();
    let state = with_session(folder.path()).await;
    state.inject(note("i"), "l1").await.unwrap();
    assert_eq!(claimed(&state, "r").await, ["i"]);
    state.show("r", vec![]).await.unwrap();
    let kept = || raw(folder.path()).query_row("SELECT count(*) FROM injections", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(kept(), 1);
    state.end_run("r", plugbay_state::RunStatus::Done, None).await.unwrap();
    assert_eq!(kept(), 0);
}

#[tokio::test]
async fn sql_by_hand_changes_no_entry() {
    let folder = tempfile::tempdir().unwrap();
    let state = with_session(folder.path()).await;
    append(&state, "l1", &["a"]).await;
    let error = raw(folder.path()).execute("UPDATE entries SET content = '1'", []).unwrap_err().to_string();
    assert!(error.contains("a transcript only grows"), "{error}");
    assert_eq!(texts(&state, "l1", Window::Newest(1)), ["a"]);
}

#[tokio::test]
async fn what_is_damaged_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let state = with_session(folder.path()).await;
    state.begin_run(turn("r")).await.unwrap();
    state.inject(note("i"), "l1").await.unwrap();
    let database = raw(folder.path());
    database.execute("UPDATE runs SET status = 'walking'", []).unwrap();
    database.execute("UPDATE injections SET status = 'lost', text = CAST(x'22FF22' AS TEXT)", []).unwrap();
    let entry = "INSERT INTO entries (session, id, at, role, content) VALUES ('main', 1, 0, 'user', CAST(x'22FF22' AS TEXT))";
    database.execute(entry, []).unwrap();
    database.execute("UPDATE sessions SET entries = 1", []).unwrap();
    let error = state.runs("main", n(1)).await.unwrap_err();
    assert!(error.message.contains("\"walking\" is no status of a run"), "{error}");
    assert_error(Err::<(), _>(error), Code::Corrupt, Operation::Runs);
    assert_error(state.injections("main").await, Code::Corrupt, Operation::Injections);
    assert_error(state.entries("main", "l1", Window::Newest(1)), Code::Corrupt, Operation::Entries);
}

#[tokio::test]
async fn a_file_of_version_3_gets_conversations_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    raw(folder.path()).execute_batch(include_str!("../version-3.sql")).unwrap();
    let state = with_session(folder.path()).await;
    assert_eq!(append(&state, "l1", &["a"]).await, Some(vec![1]));
    assert_eq!(store(&state, "rows", Options::up_to(1)).await.lookup("k").await.unwrap().as_deref(), Some("1"));
    assert_eq!(state.document("grant", "a").await.unwrap().unwrap().body, "{}");
    assert_eq!(state.history(HistoryQuery::oldest(9)).await.unwrap().len(), 1);
    let version: u32 = raw(folder.path()).pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, SCHEMA_VERSION);
}

#[tokio::test]
async fn a_file_of_version_4_gets_what_engines_and_subagents_need_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    raw(folder.path()).execute_batch(include_str!("../version-4.sql")).unwrap();
    let state = sqlite(folder.path());
    assert_eq!(store(&state, "rows", Options::up_to(1)).await.lookup("k").await.unwrap().as_deref(), Some("1"));
    assert_eq!(state.document("grant", "a").await.unwrap().unwrap().body, "{}");
    assert_eq!(state.history(HistoryQuery::oldest(9)).await.unwrap().len(), 1);
    assert_eq!(
        (texts(&state, "l1", Window::Newest(9)), texts(&state, "l2", Window::Newest(9))),
        (vec!["a".into()], vec!["b".into(), "c".into()])
    );
    assert_eq!(waiting(&state).await, [("i".into(), InjectionStatus::Pending)]);
    assert_eq!(state.state_of(StateSpot { life: "l2", ..spot("p", "n") }), Ok(Some(Some("1".into()))));
    let session = state.session("main").await.unwrap().unwrap();
    assert_eq!((session.shown[0].value.as_str(), state.met("p", "main").await), ("2", Ok(Some(Some(session.clone())))));
    furnish(&state, "l2").await;
    let (before, found) = (contents(&state).await, state.recover().await.unwrap().0);
    assert_eq!((found[0].run.run.as_str(), found[0].questions[0].id.as_str()), ("r", "q"));
    assert!(
        before.contains("untold: Some(\"r\")") && before.contains("summary: \"short\"") && before.contains("deleting: true"),
        "{before}"
    );
    assert_eq!(append(&state, "l2", &["d"]).await, Some(vec![4]));
    let version: u32 = raw(folder.path()).pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, SCHEMA_VERSION);
}

#[tokio::test]
async fn what_a_deleted_session_leaves_in_the_file_is_none_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    raw(folder.path()).execute_batch(include_str!("../version-4.sql")).unwrap();
    let state = sqlite(folder.path());
    furnish(&state, "l2").await;
    state.delete_session("main").await.unwrap();
    let database = raw(folder.path());
    let rows = |table: &str| database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap();
    let all = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
    let mut tables = database.prepare(all).unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let left: Vec<_> = tables.iter().filter(|table| rows(table) > 0).map(String::as_str).collect();
    assert_eq!(left, ["documents", "history", "keyed", "keyed_usage", "met", "meta", "subagents"]);
}
