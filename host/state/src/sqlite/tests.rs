//! What closing does to those who wait, and what is left after work that panics.

use super::*;
use crate::store::{Options, Owner, StateStore};
use std::task::{Context, Poll, Waker};
use tempfile::TempDir;

fn state() -> (TempDir, Sqlite) {
    let directory = tempfile::tempdir().unwrap();
    let state = Sqlite::open(SqliteSettings::new(directory.path())).unwrap();
    (directory, state)
}

#[tokio::test]
async fn closing_waits_for_a_read_without_blocking_who_asks_for_it() {
    let (_directory, state) = state();
    let mut closing = state.close();
    // On the very thread that is reading: if asking blocked, it would never be done.
    let asked = state.0.read(Reads::Once, |_| Ok(closing.as_mut().poll(&mut Context::from_waker(Waker::noop()))));
    assert_eq!(asked, Ok(Poll::Pending));
    assert_eq!(state.0.read(Reads::Once, |_| Ok(())), Err(Problem::closed()));
    closing.await;
}

#[tokio::test]
async fn work_that_panics_fails_alone_and_the_writer_goes_on() {
    let (_directory, state) = state();
    let owner = Owner::new("tester").unwrap();
    let rows = state.open(&owner, "rows", Options::up_to(9)).await.unwrap();
    rows.register("k", "1".into(), None).await.unwrap();
    let panicked = state.0.write(Weight::Many, |rows| -> Result<(), Problem> {
        rows.clear("tester", "rows")?;
        panic!("on purpose")
    });
    assert!(matches!(panicked.await, Err(Problem::Failed(_))));
    rows.register("l", "1".into(), None).await.unwrap();
    assert_eq!(state.purge(&owner).await, Ok(2), "what it had deleted is back, and its thread is there");
    state.close().await;
}
