//! Readers beyond the pool, and what closing waits for.

use super::*;
use crate::rows::Rows;
use std::sync::mpsc::channel;
use tempfile::TempDir;

fn readers() -> (TempDir, Readers) {
    let directory = tempfile::tempdir().unwrap();
    let settings = SqliteSettings::new(directory.path());
    let files = Files::prepare(directory.path()).unwrap();
    ensure_schema(&mut writer(files.database(), &settings).unwrap()).unwrap();
    let readers = Readers::new(Source::shared(files.database()), settings.busy_timeout);
    (directory, readers)
}

fn count(readers: &Readers) -> Result<u64, Problem> {
    readers.read(Reads::Once, |rows| rows.live("o", "n", 0))
}

/// Does something while so many reads are under way.
fn under(reads: usize, readers: &Readers, then: &mut dyn FnMut()) {
    if reads == 0 {
        return then();
    }
    let looked = readers.read(Reads::Together, |rows| {
        under(reads - 1, readers, then);
        rows.live("o", "n", 0)
    });
    assert_eq!(looked, Ok(0));
}

/// How often this process has the database open.
fn open(directory: &TempDir) -> usize {
    let database = directory.path().join("state.db");
    let files = std::fs::read_dir("/proc/self/fd").unwrap();
    files.filter(|file| file.as_ref().is_ok_and(|file| std::fs::read_link(file.path()).is_ok_and(|path| path == database))).count()
}

#[test]
fn more_readers_than_the_pool_has_open_their_own_and_close_them() {
    let (directory, readers) = readers();
    let kept = readers.kept.len();
    // What a closed one had open is kept by SQLite until nobody in this process has a lock on the file, so there may be more.
    under(kept + 3, &readers, &mut || assert!(count(&readers) == Ok(0) && open(&directory) >= kept + 3));
    assert_eq!(count(&readers), Ok(0));
    readers.close();
    assert_eq!((count(&readers), open(&directory)), (Err(Problem::closed()), 0));
}

#[test]
fn who_finds_the_pool_busy_and_closed_reads_nothing() {
    let (_directory, readers) = readers();
    under(readers.kept.len(), &readers, &mut || {
        readers.refuse();
        assert_eq!(count(&readers), Err(Problem::closed()));
    });
}

#[test]
fn closing_waits_for_a_reader_beyond_the_pool() {
    let (_directory, readers) = readers();
    let (told, order) = channel();
    std::thread::scope(|scope| {
        let (readers, reading) = (&readers, channel());
        let (go, may_go) = channel::<()>();
        let mut begin = Some((told.clone(), reading.0, may_go));
        under(readers.kept.len(), readers, &mut || {
            let (told, begun, may_go) = begin.take().unwrap();
            scope.spawn(move || {
                readers.read(Reads::Once, |_| {
                    begun.send(()).unwrap();
                    may_go.recv().unwrap();
                    told.send("read").unwrap();
                    Ok(())
                })
            });
            reading.1.recv().unwrap();
        });
        scope.spawn(move || {
            readers.close();
            told.send("closed").unwrap();
        });
        while !readers.is_closed() {
            std::thread::yield_now();
        }
        // Far longer than closing takes that waits for nobody.
        std::thread::sleep(Duration::from_millis(100));
        go.send(()).unwrap();
    });
    assert_eq!(order.iter().collect::<Vec<_>>(), ["read", "closed"]);
}
