//! Who shares a commit with whom.

use super::super::{SqliteSettings, Synchronous, connect};
use super::*;
use crate::sqlite::request::Answer;
use std::sync::mpsc::{channel, sync_channel};
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(3_600);

/// A writer under `Full` without a thread, with this company.
fn writer(expected: usize, patience: Duration) -> (TempDir, Arc<Writer>) {
    let directory = tempfile::tempdir().unwrap();
    let settings = SqliteSettings { synchronous: Synchronous::Full, ..SqliteSettings::new(directory.path()) };
    let files = Files::prepare(directory.path()).unwrap();
    let connection = connect::writer(files.database(), &settings).unwrap();
    let writer = Writer::new(connection, files, false, settings.busy_timeout, sync_channel(1).0).unwrap();
    lock(&writer.turns).company = Company { expected, patience };
    (directory, writer)
}

fn ask(writer: &Writer, work: impl FnOnce() + Send + 'static) -> Answer<()> {
    let (request, answer) = Request::new(Instant::now() + LONG, move |_: &mut dyn Rows| {
        work();
        Ok(())
    });
    writer.enqueue(request).unwrap();
    answer
}

/// Commits one group; answers how many are expected with the next.
fn commit(writer: &Writer) -> usize {
    let turn = writer.turn();
    assert!(turn.commit(turn.group(GROUP), Duration::ZERO).is_empty());
    lock(&writer.turns).company.expected
}

#[test]
fn who_is_expected_shares_the_commit_though_it_comes_later() {
    let (_directory, writer) = writer(2, LONG);
    let (ran, has_run) = channel();
    let mut first = ask(&writer, move || ran.send(()).unwrap());
    let late = std::thread::spawn({
        let writer = writer.clone();
        move || {
            has_run.recv().unwrap();
            // Far longer than the commit would take that isn't put off.
            std::thread::sleep(Duration::from_millis(50));
            ask(&writer, || {})
        }
    });
    assert_eq!(commit(&writer), 2);
    assert_eq!((first.try_recv(), late.join().unwrap().try_recv()), (Ok(Ok(())), Ok(Ok(()))));
}

#[test]
fn one_writer_alone_waits_for_nobody() {
    let (_directory, writer) = writer(1, LONG);
    let mut alone = ask(&writer, || {});
    assert_eq!(commit(&writer), 1);
    assert_eq!(alone.try_recv(), Ok(Ok(())));
}

#[test]
fn who_doesnt_come_is_forgotten_and_who_waited_is_expected() {
    let (_directory, writer) = writer(16, Duration::from_millis(5));
    let _first = ask(&writer, || {});
    assert_eq!(commit(&writer), 1, "fifteen stayed away");
    assert!(lock(&writer.turns).company.patience <= LONGEST_PUT_OFF);
    let (held, (told, others)) = (writer.clone(), channel());
    let _second = ask(&writer, move || {
        // Comes while the group runs, and can't be taken along.
        told.send(ask(&held, || {})).unwrap();
        lock(&held.turns).held = true;
    });
    assert_eq!(commit(&writer), 2);
    assert!(others.recv().unwrap().try_recv().is_err(), "it wasn't taken along");
}
