//! Opening what is there, to work on it or to look at it only.

use crate::{assert_error, settings, store};
use plugbay_state::{Code, DATABASE_FILE, Operation, Options, SCHEMA_VERSION, Sqlite, StateError, StateStore};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

type Opening = fn(&Path) -> Result<Sqlite, StateError>;

const OPENINGS: [Opening; 2] =
    [|directory| Sqlite::open_existing(settings(directory)), |directory| Sqlite::open_read_only(settings(directory))];

fn raw(directory: &Path) -> Connection {
    Connection::open(directory.join(DATABASE_FILE)).unwrap()
}

async fn filled(directory: &Path) -> Sqlite {
    let state = Sqlite::open(settings(directory)).unwrap();
    store(&state, "rows", Options::up_to(10)).await.register("k", "1".into(), None).await.unwrap();
    state
}

/// Every file: its mode and what is in it.
fn contents(directory: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap());
    files
        .map(|file| {
            let mode = file.metadata().unwrap().permissions().mode();
            (file.file_name().into_string().unwrap(), (mode, std::fs::read(file.path()).unwrap()))
        })
        .collect()
}

#[test]
fn where_there_is_no_state_none_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let [missing, empty, file, blank, odd, foreign] =
        ["missing", "empty", "file", "blank", "odd", "foreign"].map(|name| folder.path().join(name));
    [&empty, &blank, &odd, &foreign].into_iter().for_each(|directory| std::fs::create_dir(directory).unwrap());
    std::fs::write(&file, "").unwrap();
    std::fs::write(blank.join(DATABASE_FILE), "").unwrap();
    std::fs::create_dir(odd.join(DATABASE_FILE)).unwrap();
    raw(&foreign).execute("CREATE TABLE customers (name)", []).unwrap();
    let places = [
        (&missing, "there is no such directory"),
        (&empty, "the file isn't there"),
        (&file, "that is no directory"),
        (&blank, "the file is empty, or another program's database"),
        (&odd, "that is no file"),
        (&foreign, "the file is empty, or another program's database"),
    ];
    let before = [&empty, &blank, &foreign].map(|directory| contents(directory));
    for (place, lack) in places {
        for open in OPENINGS {
            let error = open(place).unwrap_err();
            assert_eq!((error.code, error.operation), (Code::OpenFailed, Operation::Open), "{error}");
            let expected = "(expected a state directory, with the file `state.db`)";
            assert_eq!(error.message, format!("no state in {}: {lack} {expected}", place.display()));
        }
    }
    assert!(!missing.exists());
    assert_eq!([&empty, &blank, &foreign].map(|directory| contents(directory)), before);
}

#[tokio::test]
async fn another_schema_is_refused_and_left_as_it_is() {
    for (version, said) in [(SCHEMA_VERSION - 1, "start the daemon on it once"), (SCHEMA_VERSION + 1, "knows versions up to")] {
        let directory = tempfile::tempdir().unwrap();
        filled(directory.path()).await.close().await;
        raw(directory.path()).pragma_update(None, "user_version", version).unwrap();
        for open in OPENINGS {
            let error = open(directory.path()).unwrap_err();
            assert_eq!((error.code, error.operation), (Code::SchemaUnsupported, Operation::EnsureSchema), "{error}");
            assert!(error.message.contains(&version.to_string()) && error.message.contains(said), "{error}");
        }
        let there: u32 = raw(directory.path()).pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(there, version);
    }
}

#[tokio::test]
async fn an_existing_state_is_worked_on_as_any_other() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path()).await.close().await;
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let state = Sqlite::open_existing(settings(directory.path())).unwrap();
    assert_eq!(std::fs::metadata(directory.path()).unwrap().permissions().mode() & 0o777, 0o700);
    let rows = store(&state, "rows", Options::up_to(10)).await;
    rows.register("l", "2".into(), None).await.unwrap();
    assert_eq!(rows.count().await.unwrap(), 2);
}

#[tokio::test]
async fn who_only_looks_sees_what_others_write_and_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let state = filled(directory.path()).await;
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let looking = Sqlite::open_read_only(settings(directory.path())).unwrap();
    assert_eq!(std::fs::metadata(directory.path()).unwrap().permissions().mode() & 0o777, 0o755);
    let (rows, seen) = (store(&state, "rows", Options::up_to(10)).await, store(&looking, "rows", Options::up_to(10)).await);
    assert_eq!(seen.lookup("k").await.unwrap().as_deref(), Some("1"));
    rows.register("k", "2".into(), None).await.unwrap();
    assert_eq!(seen.lookup("k").await.unwrap().as_deref(), Some("2"));
    assert_error(seen.register("k", "3".into(), None).await, Code::WriteFailed, Operation::Register);
    assert_error(seen.clear().await, Code::WriteFailed, Operation::Clear);
    assert_error(looking.sweep().await, Code::WriteFailed, Operation::Sweep);
    let error = seen.delete("k").await.unwrap_err();
    assert!(error.message.ends_with("was opened for reading only"), "{error}");
    assert_eq!(looking.usage().await.unwrap().len(), 1);
    looking.close().await;
    looking.close().await;
    assert_error(seen.lookup("k").await, Code::Unavailable, Operation::Lookup);
    assert!(looking.open(&plugbay_state::Owner::new("tester").unwrap(), "rows", Options::up_to(10)).await.is_err());
    assert_eq!(rows.lookup("k").await.unwrap().as_deref(), Some("2"));
}

/// One part of `a_directory_that_cannot_be_written`, as a user to whom that applies; a no-op in an ordinary run.
#[tokio::test]
async fn looker() {
    let Ok(directory) = std::env::var("LOOK_DIRECTORY") else { return };
    match Sqlite::open_read_only(settings(Path::new(&directory))) {
        Err(error) => println!("refused: {error}"),
        Ok(state) => match store(&state, "rows", Options::up_to(10)).await.lookup("k").await {
            Ok(value) => println!("there: {value:?}"),
            Err(error) => println!("failed: {error}"),
        },
    }
}

/// Only root can become somebody to whom a mode means something; for an ordinary user the modes alone do.
fn looked(program: &Path, directory: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::process::CommandExt;
    let mut command = std::process::Command::new(program);
    command.args(["--exact", "existing::looker", "--nocapture"]).env("LOOK_DIRECTORY", directory).current_dir("/");
    if std::fs::metadata(directory).unwrap().uid() == 0 {
        command.uid(65_534).gid(65_534);
    }
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_can_be_read_unless_a_killed_program_left_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let permit = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    permit(folder.path(), 0o755);
    // Where the tests were built, others may have no business.
    let program = folder.path().join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    // A name that an address would have to escape.
    let [state, killed] = ["a state? 100%#1", "killed"].map(|name| folder.path().join(name));
    let writer = filled(&state).await;
    let live = tempfile::tempdir().unwrap();
    let dying = filled(live.path()).await;
    std::fs::create_dir(&killed).unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("{DATABASE_FILE}{suffix}");
        std::fs::copy(live.path().join(&name), killed.join(&name)).unwrap();
    }
    drop(dying);
    // Without opening a file: closing it again would drop this process's locks on it.
    let close = |directory: &Path| {
        std::fs::read_dir(directory).unwrap().for_each(|file| permit(&file.unwrap().path(), 0o444));
        permit(directory, 0o555);
    };
    close(&state);
    close(&killed);
    assert!(looked(&program, &state).contains("there: Some(\"1\")"), "somebody has it open: {}", looked(&program, &state));
    let refused = looked(&program, &killed);
    assert!(refused.contains("refused: PLUGIN_STATE_OPEN_FAILED (open)") && refused.contains("read a copy"), "{refused}");
    permit(&state, 0o755);
    drop(writer);
    close(&state);
    let before = contents(&state);
    assert_eq!(before.keys().collect::<Vec<_>>(), [DATABASE_FILE]);
    assert!(looked(&program, &state).contains("there: Some(\"1\")"), "nobody has it open: {}", looked(&program, &state));
    assert_eq!(contents(&state), before);
    [&state, &killed].into_iter().for_each(|directory| permit(directory, 0o755));
}

/// The connections close one after the other, so that the last one is the last. Each time, since two that close at once may well be lucky.
#[tokio::test]
async fn a_state_that_was_closed_is_one_file() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..50 {
        let state = filled(folder.path()).await;
        state.close().await;
        let left: Vec<_> = contents(folder.path()).into_keys().collect();
        assert_eq!(left, [DATABASE_FILE], "round {round}");
    }
}
