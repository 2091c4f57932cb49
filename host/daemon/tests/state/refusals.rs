//! What is refused: no state, a broken one, one that may not be written, words that make no sense.

use crate::{contents, plugbay, printed, raw, refused, text, write};
use plugbay_state::{DATABASE_FILE, SCHEMA_VERSION, Sqlite, SqliteSettings, StateStore};
use std::path::Path;
use std::process::Command;

const COMMANDS: [&str; 4] = ["show", "probe", "export", "sweep"];

#[test]
fn where_there_is_no_state_none_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let [missing, empty, file, blank, odd] = ["missing", "empty", "file", "blank", "odd"].map(|name| folder.path().join(name));
    std::fs::create_dir(&empty).unwrap();
    std::fs::write(&file, "").unwrap();
    std::fs::create_dir(&blank).unwrap();
    std::fs::write(blank.join(DATABASE_FILE), "").unwrap();
    std::fs::create_dir_all(odd.join(DATABASE_FILE)).unwrap();
    let places = [
        (&missing, "there is no such directory"),
        (&empty, "the file isn't there"),
        (&file, "that is no directory"),
        (&blank, "the file is empty, or another program's database"),
        (&odd, "that is no file"),
    ];
    for (place, lack) in places {
        for name in COMMANDS {
            let output = plugbay(name, place, &[]);
            let place = place.display();
            let why = format!("no state in {place}: {lack} (expected a state directory, with the file `state.db`)");
            let (error, shown) = (refused(&output), text(&output.stdout));
            if name == "probe" {
                assert!(shown.contains(&why), "{shown}");
            } else {
                assert_eq!(
                    (error.as_str(), shown.as_str()),
                    (format!("plugbay: can't open the state in {place}: PLUGIN_STATE_OPEN_FAILED (open): {why}").as_str(), "")
                );
            }
        }
    }
    assert!(!missing.exists() && contents(&empty).is_empty());
    assert_eq!(contents(&blank), [(DATABASE_FILE.to_owned(), String::new())]);
}

#[test]
fn another_programs_database_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    raw(directory.path()).execute("CREATE TABLE customers (name)", []).unwrap();
    let before = contents(directory.path());
    for name in COMMANDS {
        let output = plugbay(name, directory.path(), &[]);
        let (error, shown) = (refused(&output), text(&output.stdout));
        assert!(format!("{error}{shown}").contains("another program's database"), "{error}{shown}");
    }
    assert_eq!(contents(directory.path()), before);
}

#[test]
fn garbage_is_corrupt_and_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(DATABASE_FILE), b"this is no database. ".repeat(1_000)).unwrap();
    let before = contents(directory.path());
    for name in ["show", "export", "sweep"] {
        let error = refused(&plugbay(name, directory.path(), &[]));
        let place = directory.path().display();
        assert_eq!(error, format!("plugbay: can't open the state in {place}: PLUGIN_STATE_CORRUPT (open): file is not a database"));
    }
    assert_eq!(contents(directory.path()), before);
}

#[tokio::test]
async fn a_newer_state_is_refused_and_an_older_one_too() {
    let directory = tempfile::tempdir().unwrap();
    Sqlite::open(SqliteSettings::new(directory.path())).unwrap().close().await;
    raw(directory.path()).pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
    let error = refused(&plugbay("show", directory.path(), &[]));
    assert!(error.contains("PLUGIN_STATE_SCHEMA_UNSUPPORTED (ensure-schema)"), "{error}");
    raw(directory.path()).pragma_update(None, "user_version", SCHEMA_VERSION - 1).unwrap();
    for name in ["show", "export", "sweep"] {
        let error = refused(&plugbay(name, directory.path(), &[]));
        assert!(
            error.contains("PLUGIN_STATE_SCHEMA_UNSUPPORTED (ensure-schema)") && error.contains("start the daemon on it once"),
            "{error}"
        );
    }
}

/// Somebody who may read a state but not write it; only root can play that part to the end, since an owner's own state is made writable again.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_state_that_can_only_be_read_is_shown_and_not_changed() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("state");
    let state = Sqlite::open(SqliteSettings::new(&directory)).unwrap();
    write(&state, "scribe", "notes", &[("a", "1")]).await;
    // The last connection to close tidies up.
    drop(state);
    let permit = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    permit(&directory.join(DATABASE_FILE), 0o444);
    permit(&directory, 0o555);
    permit(folder.path(), 0o755);
    let before = contents(&directory);
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        assert_eq!(plugbay("show", &directory, &[]).status.code(), Some(0));
        assert_eq!(contents(&directory), before);
        assert_eq!(std::fs::metadata(&directory).unwrap().mode() & 0o777, 0o555);
        return;
    }
    // Where the program was built, others may have no business.
    let program = folder.path().join("plugbay");
    std::fs::copy(env!("CARGO_BIN_EXE_plugbay"), &program).unwrap();
    for name in COMMANDS {
        let mut command = Command::new(&program);
        let output = command.uid(65_534).gid(65_534).current_dir("/").args(["state", name, "--state"]).arg(&directory).output().unwrap();
        if let "show" | "export" = name {
            assert!(printed(&output).contains("scribe"));
            continue;
        }
        let (error, shown) = (refused(&output), text(&output.stdout));
        assert!(format!("{error}{shown}").contains(if name == "probe" { "open-failed" } else { "OPEN_FAILED" }), "{error}{shown}");
    }
    assert_eq!(contents(&directory), before);
}

#[test]
fn wrong_usage_ends_with_2() {
    let run = |words: &[&str]| Command::new(env!("CARGO_BIN_EXE_plugbay")).args(words).output().unwrap();
    let wrong: [&[&str]; 9] = [
        &[],
        &["state"],
        &["stat"],
        &["state", "show"],
        &["state", "show", "--state"],
        &["state", "show", "--state", "x", "--values"],
        &["state", "export", "--state", "x", "--plugin", "not an id"],
        &["state", "probe", "--state", "x", "--plugin", "id"],
        &["state", "export", "--state", "x", "extra"],
    ];
    for words in wrong {
        let output = run(words);
        assert_eq!((output.status.code(), output.stdout.is_empty(), output.stderr.is_empty()), (Some(2), true, false), "{words:?}");
    }
    let version = run(&["--version"]);
    assert_eq!((version.status.code(), text(&version.stdout)), (Some(0), format!("plugbay {}\n", env!("CARGO_PKG_VERSION"))));
}
