//! `plugbay state` as operators run it: the real program, on states that were made by the state crate.

#![cfg(test)]

mod export;
mod others;
mod probe;
mod refusals;
mod show;

use plugbay_state::{Clock, DATABASE_FILE, KeyedStore, Options, Owner, Sqlite, SqliteSettings, StateLimits, StateStore, TestClock};
use rusqlite::Connection;
use serde_json::Value;
use std::ffi::OsStr;
use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

/// `plugbay state COMMAND --state DIRECTORY OPTIONS`, not started yet.
fn command(name: &str, directory: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plugbay"));
    command.args([OsStr::new("state"), name.as_ref(), "--state".as_ref(), directory.as_os_str()]).args(options);
    command
}

fn plugbay(name: &str, directory: &Path, options: &[&str]) -> Output {
    command(name, directory, options).output().unwrap()
}

/// What it printed, after checking that it succeeded in silence.
#[track_caller]
fn printed(output: &Output) -> String {
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    text(&output.stdout)
}

/// The one line of its failure, after checking that it is one.
#[track_caller]
fn refused(output: &Output) -> String {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.starts_with("plugbay: ") && error.ends_with('\n') && error.lines().count() == 1, "{error:?}");
    error.trim_end().to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A state with room for many rows.
fn roomy(directory: &Path) -> Sqlite {
    let rows = NonZeroUsize::new(StateLimits::MAX_ROWS).unwrap();
    let limits = StateLimits { rows, ..StateLimits::default() };
    Sqlite::open(SqliteSettings { limits, ..SqliteSettings::new(directory) }).unwrap()
}

/// A state whose clock stands at 1,000 ms after 1970, so that everything in it with a ttl has expired by now.
fn long_ago(directory: &Path) -> Sqlite {
    let clock: Arc<dyn Clock> = Arc::new(TestClock::at(1_000));
    Sqlite::open(SqliteSettings { clock, ..SqliteSettings::new(directory) }).unwrap()
}

async fn store(state: &Sqlite, plugin: &str, namespace: &str) -> Arc<dyn KeyedStore> {
    state.open(&Owner::new(plugin).unwrap(), namespace, Options::up_to(50_000)).await.unwrap()
}

async fn write(state: &Sqlite, plugin: &str, namespace: &str, rows: &[(&str, &str)]) {
    let store = store(state, plugin, namespace).await;
    for (key, value) in rows {
        store.register(key, (*value).to_owned(), None).await.unwrap();
    }
}

/// The database as no program of ours would touch it.
fn raw(directory: &Path) -> Connection {
    Connection::open(directory.join(DATABASE_FILE)).unwrap()
}

/// A directory's files and what is in them: the text if it is short, else length and hash.
fn contents(directory: &Path) -> Vec<(String, String)> {
    let shown = |bytes: Vec<u8>| {
        let mut hasher = std::hash::DefaultHasher::new();
        bytes.hash(&mut hasher);
        if bytes.len() < 64 { text(&bytes) } else { format!("{} bytes, hash {:x}", bytes.len(), hasher.finish()) }
    };
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> =
        files.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), shown(std::fs::read(&path).unwrap()))).collect();
    files.sort();
    files
}
