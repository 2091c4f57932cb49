//! SQLite's file through bad days: every failure typed, nothing acknowledged lost.

use crate::{assert_error, settings, sqlite, store};
use plugbay_state::{Code, DATABASE_FILE, Operation, Options, Owner, SCHEMA_VERSION, Sqlite, SqliteSettings, StateStore, Synchronous};
use rusqlite::Connection;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names() -> [String; 3] {
    ["", "-wal", "-shm"].map(|suffix| format!("{DATABASE_FILE}{suffix}"))
}

fn raw(directory: &Path) -> Connection {
    Connection::open(directory.join(DATABASE_FILE)).unwrap()
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_both_versions() {
    let directory = tempfile::tempdir().unwrap();
    sqlite(directory.path()).close().await;
    raw(directory.path()).pragma_update(None, "user_version", SCHEMA_VERSION + 7).unwrap();
    let error = Sqlite::open(settings(directory.path())).unwrap_err();
    assert_eq!((error.code, error.operation), (Code::SchemaUnsupported, Operation::EnsureSchema));
    assert!(
        error.message.contains(&(SCHEMA_VERSION + 7).to_string()) && error.message.contains(&format!("up to {SCHEMA_VERSION}")),
        "{error}"
    );
    let probe = Sqlite::probe_at(settings(directory.path())).await;
    let steps: Vec<_> = probe.steps.iter().map(|step| (step.name, step.outcome.is_ok())).collect();
    assert_eq!(steps, [("state-directory", true), ("open", true), ("schema", false)]);
}

#[tokio::test]
async fn garbage_is_corrupt_and_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let garbage = b"this is no database, and long enough to be looked at as one. ".repeat(100);
    std::fs::write(directory.path().join(DATABASE_FILE), &garbage).unwrap();
    assert_error(Sqlite::open(settings(directory.path())), Code::Corrupt, Operation::Open);
    assert_eq!(std::fs::read(directory.path().join(DATABASE_FILE)).unwrap(), garbage);
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_open_failed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    for place in [file.join("state"), "/proc/state".into(), "/proc".into()] {
        assert_error(Sqlite::open(settings(&place)), Code::OpenFailed, Operation::Open);
        assert!(!Sqlite::probe_at(settings(&place)).await.is_ok());
    }
}

#[tokio::test]
async fn a_torn_log_loses_its_torn_commit_and_nothing_before() {
    let (live, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let state = sqlite(live.path());
    let rows = store(&state, "rows", Options::up_to(100)).await;
    for n in 0..50 {
        rows.register(&format!("k{n:02}"), n.to_string(), None).await.unwrap();
    }
    // As a killed machine leaves it: no shared memory, and the log's last page torn.
    for name in names().iter().take(2) {
        std::fs::copy(live.path().join(name), copy.path().join(name)).unwrap();
    }
    let log = std::fs::OpenOptions::new().write(true).open(copy.path().join(&names()[1])).unwrap();
    log.set_len(log.metadata().unwrap().len() - 100).unwrap();
    let rows = store(&sqlite(copy.path()), "rows", Options::up_to(100)).await;
    let keys: Vec<_> = rows.entries().await.unwrap().into_iter().map(|entry| entry.key).collect();
    assert_eq!(keys, (0..49).map(|n| format!("k{n:02}")).collect::<Vec<_>>());
    let sound: String = raw(copy.path()).query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

#[tokio::test]
async fn modes_are_tightened_at_open_and_after_every_kind_of_write() {
    let directory = tempfile::tempdir().unwrap();
    let loosen = |path: &Path, to: u32| std::fs::set_permissions(path, std::fs::Permissions::from_mode(to)).unwrap();
    loosen(directory.path(), 0o755);
    let state = sqlite(directory.path());
    assert_eq!(mode(directory.path()), 0o700);
    let rows = store(&state, "rows", Options::up_to(10)).await;
    rows.register("k", "1".into(), None).await.unwrap();
    let seen = rows.observe("k").await.unwrap().comparison;
    let keep = plugbay_state::Change::Keep;
    let owner = Owner::new("nobody").unwrap();
    for write in 0..9 {
        names().iter().for_each(|name| loosen(&directory.path().join(name), 0o644));
        match write {
            0 => rows.compare_and_apply("k", &seen, keep.clone(), &[]).await.map(drop).unwrap(),
            1 => rows.register("k", "1".into(), None).await.unwrap(),
            2 => rows.register_if_absent("l", "1".into(), None).await.map(drop).unwrap(),
            3 => rows.consume("k").await.map(drop).unwrap(),
            4 => rows.delete("l").await.map(drop).unwrap(),
            5 => rows.delete_if_equal("k", "1").await.map(drop).unwrap(),
            6 => rows.clear().await.unwrap(),
            7 => state.sweep().await.map(drop).unwrap(),
            _ => state.purge(&owner).await.map(drop).unwrap(),
        }
        let modes = names().map(|name| mode(&directory.path().join(name)));
        assert_eq!(modes, [0o600; 3], "after write {write}");
    }
}

#[tokio::test]
async fn a_corrupt_row_is_told_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let rows = store(&sqlite(directory.path()), "rows", Options::up_to(10)).await;
    for key in ["a", "b"] {
        rows.register(key, "1".into(), None).await.unwrap();
    }
    raw(directory.path()).execute("UPDATE keyed SET value = '{broken' WHERE key = 'a'", []).unwrap();
    assert_error(rows.lookup("a").await, Code::Corrupt, Operation::Lookup);
    assert_error(rows.consume("a").await, Code::Corrupt, Operation::Consume);
    assert_error(rows.observe("a").await, Code::Corrupt, Operation::Observe);
    assert_error(rows.entries().await, Code::Corrupt, Operation::Entries);
    let found = rows.lookup_many(&["b".into(), "a".into()]).await.unwrap();
    assert_eq!(found[0], Ok(Some("1".into())));
    assert_error(found[1].clone(), Code::Corrupt, Operation::LookupMany);
    assert_eq!(rows.count().await.unwrap(), 2, "consuming a corrupt row leaves it");
    rows.register("a", "2".into(), None).await.unwrap();
    assert_eq!(rows.lookup("a").await.unwrap().as_deref(), Some("2"));
}

#[tokio::test]
async fn a_transaction_that_sqlite_gives_up_by_itself_is_told_and_the_next_one_is_fine() {
    let directory = tempfile::tempdir().unwrap();
    let rows = store(&sqlite(directory.path()), "rows", Options::up_to(100)).await;
    rows.register("kept", "1".into(), None).await.unwrap();
    // What SQLite also does when the disk is full.
    let trigger = "CREATE TRIGGER full BEFORE INSERT ON keyed WHEN new.key = 'bad' BEGIN SELECT RAISE(ROLLBACK, 'full'); END";
    raw(directory.path()).execute_batch(trigger).unwrap();
    assert_error(rows.register("bad", "1".into(), None).await, Code::WriteFailed, Operation::Register);
    rows.register("good", "2".into(), None).await.unwrap();
    assert_eq!(rows.count().await.unwrap(), 2);
}

#[tokio::test]
async fn of_a_request_of_several_steps_nothing_is_left_when_one_fails() {
    for synchronous in [Synchronous::Normal, Synchronous::Full] {
        let directory = tempfile::tempdir().unwrap();
        let state = Sqlite::open(SqliteSettings { synchronous, ..settings(directory.path()) }).unwrap();
        let (rows, others) = (store(&state, "rows", Options::up_to(1)).await, store(&state, "others", Options::up_to(9)).await);
        rows.register("old", "1".into(), None).await.unwrap();
        let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON keyed WHEN new.key = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END";
        raw(directory.path()).execute_batch(trigger).unwrap();
        let (before, bad, after) = tokio::join!(
            others.register("a", "1".into(), None),
            rows.register("bad", "2".into(), None),
            others.register("b", "1".into(), None)
        );
        before.and(after).unwrap();
        assert_error(bad, Code::WriteFailed, Operation::Register);
        assert_eq!(rows.lookup("old").await.unwrap().as_deref(), Some("1"), "what was evicted for the bad row is back");
        assert_eq!(others.count().await.unwrap(), 2);
    }
}

/// Another process that holds the write lock until it is told to let go, as `Holder` starts it; a no-op in an ordinary run.
#[test]
fn holder() {
    let Ok(directory) = std::env::var("HOLD_DIRECTORY") else { return };
    let connection = raw(Path::new(&directory));
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::fs::write(Path::new(&directory).join("held"), "").unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    connection.execute_batch("COMMIT").unwrap();
}

struct Holder(Child);

impl Holder {
    fn of(directory: &Path) -> Self {
        let holder = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "faults::holder"])
            .env("HOLD_DIRECTORY", directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while !directory.join("held").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Self(holder)
    }

    fn lets_go(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

#[tokio::test]
async fn a_lock_that_another_holds_is_waited_for_and_reads_go_on() {
    let directory = tempfile::tempdir().unwrap();
    // The holder lets go when it is told to: this only keeps the write from giving up before, on a machine that is slow.
    let settings = SqliteSettings { busy_timeout: Duration::from_secs(300), ..SqliteSettings::new(directory.path()) };
    let state = Sqlite::open(settings).unwrap();
    let rows = store(&state, "rows", Options::up_to(10)).await;
    rows.register("k", "1".into(), None).await.unwrap();
    let holder = Holder::of(directory.path());
    let mut write = pin!(rows.register("k", "2".into(), None));
    // On the one thread of this runtime: a write that blocked it would wait for a holder that nobody tells to let go.
    let reads = async {
        for _ in 0..300 {
            assert_eq!(rows.lookup("k").await.unwrap().as_deref(), Some("1"));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        biased;
        written = &mut write => panic!("it didn't wait: {written:?}"),
        () = reads => holder.lets_go(),
    }
    write.await.unwrap();
    assert_eq!(rows.lookup("k").await.unwrap().as_deref(), Some("2"));
}

#[tokio::test]
async fn a_lock_held_for_longer_than_the_timeout_is_unavailable_and_passes() {
    let directory = tempfile::tempdir().unwrap();
    let rows = store(&sqlite(directory.path()), "rows", Options::up_to(10)).await;
    let holder = Holder::of(directory.path());
    let (first, second) = tokio::join!(rows.register("k", "1".into(), None), rows.clear());
    assert_error(first, Code::Unavailable, Operation::Register);
    assert_error(second, Code::Unavailable, Operation::Clear);
    holder.lets_go();
    rows.register("k", "2".into(), None).await.unwrap();
}
