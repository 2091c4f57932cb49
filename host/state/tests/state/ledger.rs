//! The ledger in the file: what SQL by hand can't do to it, what a failure in the middle leaves, and what an older file becomes.

use super::{assert_error, sqlite, store};
use plugbay_state::{
    Code, DATABASE_FILE, DocumentChange, Fact, HistoryQuery, Operation, Options, Record, SCHEMA_VERSION, Seen, Sqlite, StateStore,
};
use rusqlite::Connection;
use std::path::Path;

fn raw(directory: &Path) -> Connection {
    Connection::open(directory.join(DATABASE_FILE)).unwrap()
}

/// A record of a document and an event.
fn install(name: &str) -> Record {
    Record { documents: vec![DocumentChange::set("plugin", name, "1".into())], events: vec![Fact::new("operator", "install")] }
}

async fn contents(state: &Sqlite) -> (Vec<plugbay_state::Document>, Vec<plugbay_state::Event>) {
    (state.documents("plugin").await.unwrap(), state.history(HistoryQuery::oldest(100)).await.unwrap())
}

#[tokio::test]
async fn sql_by_hand_neither_changes_nor_deletes_nor_replaces_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let state = sqlite(folder.path());
    state.record(install("a")).await.unwrap().unwrap();
    state.record(install("b")).await.unwrap().unwrap();
    let before = contents(&state).await;
    let database = raw(folder.path());
    for statement in [
        "UPDATE history SET who = 'nobody'",
        "UPDATE history SET seq = 7 WHERE seq = 1",
        "DELETE FROM history",
        "DELETE FROM history WHERE seq = 2",
        "REPLACE INTO history (seq, at, who, what) VALUES (1, 0, 'nobody', 'nothing')",
        "INSERT INTO history (seq, at, who, what) VALUES (2, 0, 'nobody', 'nothing') ON CONFLICT DO UPDATE SET who = 'nobody'",
    ] {
        let error = database.execute(statement, []).unwrap_err().to_string();
        assert!(error.contains("the history only grows"), "{statement}: {error}");
    }
    assert_eq!(contents(&state).await, before);
}

#[tokio::test]
async fn a_record_that_fails_in_its_middle_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let state = sqlite(folder.path());
    state.record(install("a")).await.unwrap().unwrap();
    let before = contents(&state).await;
    let refusal = "CREATE TRIGGER full BEFORE INSERT ON history WHEN new.what = 'too-much' BEGIN SELECT raise(ABORT, 'no room'); END";
    raw(folder.path()).execute_batch(refusal).unwrap();
    let documents = vec![DocumentChange::set("plugin", "b", "1".into()), DocumentChange::delete("plugin", "a")];
    let events = vec![Fact::new("operator", "install"), Fact::new("operator", "too-much")];
    // Beside it in one transaction stands a record that is fine.
    let (failed, fine) = tokio::join!(state.record(Record { documents, events }), state.record(install("c")));
    assert_error(failed, Code::WriteFailed, Operation::Record);
    let numbers = fine.unwrap().unwrap();
    let (documents, events) = contents(&state).await;
    assert_eq!(documents.iter().map(|document| document.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(documents.first(), before.0.first());
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [before.1[0].seq, numbers[0]]);
}

#[tokio::test]
async fn a_damaged_document_says_so_and_can_be_written_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let state = sqlite(folder.path());
    for damage in ["'{'", "CAST(x'22FF22' AS TEXT)"] {
        state.record(install("a")).await.unwrap().unwrap();
        raw(folder.path()).execute(&format!("UPDATE documents SET body = {damage}"), []).unwrap();
        let error = state.document("plugin", "a").await.unwrap_err();
        assert!(error.message.contains("plugin document \"a\""), "{error}");
        assert_error(Err::<(), _>(error), Code::Corrupt, Operation::Document);
        assert_error(state.documents("plugin").await, Code::Corrupt, Operation::Documents);
        let revision = raw(folder.path()).query_row("SELECT revision FROM documents", [], |row| row.get::<_, i64>(0)).unwrap();
        let mended = DocumentChange::set("plugin", "a", "2".into()).seen(Seen::Revision(revision.try_into().unwrap()));
        state.record(Record { documents: vec![mended], events: vec![] }).await.unwrap().unwrap();
        assert_eq!(state.document("plugin", "a").await.unwrap().unwrap().body, "2");
        raw(folder.path()).execute(&format!("UPDATE documents SET body = {damage}"), []).unwrap();
        let gone = DocumentChange::delete("plugin", "a");
        state.record(Record { documents: vec![gone], events: vec![] }).await.unwrap().unwrap();
        assert_eq!(state.documents("plugin").await, Ok(vec![]));
    }
}

#[tokio::test]
async fn a_file_of_version_1_gets_a_ledger_and_keeps_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    raw(folder.path()).execute_batch(include_str!("version-1.sql")).unwrap();
    let state = sqlite(folder.path());
    state.record(install("a")).await.unwrap().unwrap();
    assert_eq!(contents(&state).await.1.len(), 1);
    assert_eq!(store(&state, "rows", Options::up_to(1)).await.lookup("k").await.unwrap().as_deref(), Some("1"));
    let version: u32 = raw(folder.path()).pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, SCHEMA_VERSION);
}

#[tokio::test]
async fn the_history_of_a_plugin_is_found_by_its_index() {
    let folder = tempfile::tempdir().unwrap();
    drop(sqlite(folder.path()));
    let database = raw(folder.path());
    let plan = |order: &str| -> String {
        let query =
            format!("EXPLAIN QUERY PLAN SELECT * FROM history WHERE seq > ?1 AND seq < ?2 AND plugin = ?4 ORDER BY seq {order} LIMIT ?3");
        let mut statement = database.prepare(&query).unwrap();
        let steps = statement.query_map([1, 9, 3, 4], |row| row.get::<_, String>(3)).unwrap();
        steps.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
    };
    for order in ["ASC", "DESC"] {
        let plan = plan(order);
        assert!(plan.contains("history_by_plugin") && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}
