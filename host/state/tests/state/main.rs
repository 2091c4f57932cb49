//! The crate as its users see it: the rules on both backends, and SQLite's file through bad days.

#![cfg(test)]

mod existing;
mod faults;
mod ledger;
mod load;
mod lock;
mod patience;
mod rules;
mod sessions;
mod stage;
mod work;

use plugbay_state::{Clock, Code, KeyedStore, Operation, Options, Owner, Sqlite, SqliteSettings, StateError, StateStore, TestClock};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Settings with a short patience, in this directory.
fn settings(directory: &Path) -> SqliteSettings {
    SqliteSettings { busy_timeout: Duration::from_millis(300), ..SqliteSettings::new(directory) }
}

fn sqlite(directory: &Path) -> Sqlite {
    Sqlite::open(settings(directory)).unwrap()
}

fn sqlite_at(directory: &Path, clock: &Arc<TestClock>) -> Sqlite {
    let clock: Arc<dyn Clock> = clock.clone();
    Sqlite::open(SqliteSettings { clock, ..settings(directory) }).unwrap()
}

async fn store(state: &dyn StateStore, namespace: &str, options: Options) -> Arc<dyn KeyedStore> {
    state.open(&Owner::new("tester").unwrap(), namespace, options).await.unwrap()
}

#[track_caller]
fn assert_error<T: std::fmt::Debug>(result: Result<T, StateError>, code: Code, operation: Operation) {
    let error = result.unwrap_err();
    assert_eq!((error.code, error.operation), (code, operation), "{error}");
}
