//! How long a write waits for another process's lock.

use crate::{assert_error, store};
use plugbay_state::{Code, DATABASE_FILE, KeyedStore, Operation, Options, Sqlite, SqliteSettings, StateError};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long a write waits; a quarter of it is far more than a task takes to start.
const PATIENCE: Duration = Duration::from_secs(2);

type Write = JoinHandle<Result<(), StateError>>;

fn write(rows: &Arc<dyn KeyedStore>, key: &'static str) -> Write {
    let rows = rows.clone();
    tokio::spawn(async move { rows.register(key, "1".into(), None).await })
}

async fn rows(directory: &Path) -> Arc<dyn KeyedStore> {
    let state = Sqlite::open(SqliteSettings { busy_timeout: PATIENCE, ..SqliteSettings::new(directory) }).unwrap();
    store(&state, "rows", Options::up_to(100)).await
}

/// The write lock, held until this is dropped.
fn locked(directory: &Path) -> Connection {
    let connection = Connection::open(directory.join(DATABASE_FILE)).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

async fn quarters(n: u32) {
    tokio::time::sleep(PATIENCE / 4 * n).await;
}

/// Whether a write that came behind another, and before a witness whom nobody stands before, is refused before that one.
async fn refused_in_its_turn() -> bool {
    let directory = tempfile::tempdir().unwrap();
    // Two states on one file: nobody stands before the witness.
    let (ours, others) = (rows(directory.path()).await, rows(directory.path()).await);
    let lock = locked(directory.path());
    let first = write(&ours, "first");
    quarters(2).await;
    let mut second = write(&ours, "second");
    quarters(1).await;
    let mut witness = write(&others, "witness");
    assert_error(first.await.unwrap(), Code::Unavailable, Operation::Register);
    let (in_turn, refused) = tokio::select! {
        biased;
        refused = &mut witness => (false, [refused, second.await]),
        refused = &mut second => (true, [refused, witness.await]),
    };
    for refused in refused {
        let refused = refused.unwrap().unwrap_err();
        assert_eq!(refused.code, Code::Unavailable);
        assert!(refused.message.contains("2000 ms (setting `host.busy-timeout`)"), "{refused}");
    }
    drop(lock);
    ours.register("after", "1".into(), None).await.unwrap();
    assert_eq!(ours.count().await.unwrap(), 1, "what was refused isn't written");
    in_turn
}

#[tokio::test]
async fn a_write_behind_another_waits_no_longer_than_its_own_patience() {
    // A machine that stands still for half a second may end both at once, which tells nothing. A write that began to wait only when the first was refused never comes before the witness.
    for _ in 0..3 {
        if refused_in_its_turn().await {
            return;
        }
    }
    panic!("the second write began to wait only when the first was refused");
}

#[tokio::test]
async fn of_writes_that_wait_together_only_the_oldest_is_refused_with_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let rows = rows(directory.path()).await;
    let lock = locked(directory.path());
    let first = write(&rows, "first");
    quarters(1).await;
    let second = write(&rows, "second");
    quarters(2).await;
    let third = write(&rows, "third");
    assert_error(first.await.unwrap(), Code::Unavailable, Operation::Register);
    // From here on the second and the third wait as one group.
    assert_error(second.await.unwrap(), Code::Unavailable, Operation::Register);
    drop(lock);
    third.await.unwrap().unwrap();
    assert_eq!(rows.count().await.unwrap(), 1);
}
