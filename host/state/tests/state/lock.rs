//! The daemons' lock on a state directory, with real processes.

use crate::sqlite;
use plugbay_state::{Locked, StateLock};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

/// Another daemon, as `daemon` starts it; a no-op in an ordinary run.
#[test]
fn daemon_process() {
    let Ok(directory) = std::env::var("LOCK_DIRECTORY") else { return };
    let lock = StateLock::take(Path::new(&directory));
    std::fs::write(Path::new(&directory).join("told"), if lock.is_ok() { "taken" } else { "refused" }).unwrap();
    // Until whoever started it ends it, or is gone.
    let _ = std::io::stdin().read(&mut [0]);
    drop(lock);
}

fn daemon(directory: &Path) -> Child {
    let told = directory.join("told");
    let _ = std::fs::remove_file(&told);
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lock::daemon_process"])
        .env("LOCK_DIRECTORY", directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !std::fs::read_to_string(&told).is_ok_and(|told| !told.is_empty()) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child
}

fn told(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("told")).unwrap()
}

#[test]
fn a_second_daemon_is_refused_with_the_first_ones_name_until_it_is_dead() {
    let directory = tempfile::tempdir().unwrap();
    let before = SystemTime::now();
    let mut first = daemon(directory.path());
    assert_eq!(told(directory.path()), "taken");
    let refused = StateLock::take(directory.path()).unwrap_err();
    let Locked::Held { directory: which, holder: Some(holder) } = &refused else { panic!("{refused:?}") };
    assert_eq!((which.as_path(), holder.pid), (directory.path(), first.id()));
    // The file has whole seconds.
    let second = std::time::Duration::from_secs(1);
    assert!(holder.since + second >= before && holder.since <= SystemTime::now() + second, "{holder}");
    let text = refused.to_string();
    let parts = [format!("process {}, since 2", first.id()), directory.path().display().to_string(), "Z;".into()];
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    // It is a matter of daemons: the database opens all the same.
    sqlite(directory.path());
    first.kill().unwrap();
    first.wait().unwrap();
    let _ours = StateLock::take(directory.path()).unwrap();
    let mut third = daemon(directory.path());
    assert_eq!(told(directory.path()), "refused");
    drop(third.stdin.take());
    third.wait().unwrap();
}

#[test]
fn a_lock_that_is_dropped_can_be_taken_again_and_names_the_new_holder() {
    let folder = tempfile::tempdir().unwrap();
    // Made on the way, and for the owner only.
    let directory = folder.path().join("deep/state");
    drop(StateLock::take(&directory).unwrap());
    let file = directory.join("daemon.lock");
    std::fs::write(&file, "99999999\n2001-01-01T00:00:00Z\nand a longer line than a holder has\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let _lock = StateLock::take(&directory).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!((text.lines().next(), text.lines().count()), (Some(std::process::id().to_string().as_str()), 2), "{text}");
    let modes = [&file, &directory].map(|path| std::fs::metadata(path).unwrap().mode() & 0o777);
    assert_eq!(modes, [0o600, 0o700]);
}

#[test]
fn a_holder_that_hasnt_said_who_it_is_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let _lock = StateLock::take(directory.path()).unwrap();
    for text in ["", "12", "no number\n2001-01-01T00:00:00Z\n", "12\nyesterday\n"] {
        std::fs::write(directory.path().join("daemon.lock"), text).unwrap();
        let refused = StateLock::take(directory.path()).unwrap_err();
        assert!(matches!(refused, Locked::Held { holder: None, .. }) && refused.to_string().contains("it is just starting"), "{refused}");
    }
}

#[test]
fn a_lock_that_cannot_be_made_is_refused_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let linked = folder.path().join("linked");
    std::fs::create_dir(&linked).unwrap();
    std::os::unix::fs::symlink(&file, linked.join("daemon.lock")).unwrap();
    for place in [file.join("state"), linked] {
        let refused = StateLock::take(&place).unwrap_err();
        assert!(matches!(refused, Locked::Failed { .. }) && refused.to_string().contains("daemon.lock"), "{refused}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"", "what a link points at isn't written");
}
