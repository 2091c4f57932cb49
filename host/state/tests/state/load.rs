//! Many at once: winners, losers, and what is left behind.

use crate::{sqlite, sqlite_at, store};
use plugbay_state::{
    Applied, Change, Code, DATABASE_FILE, KeyedStore, Options, Owner, Sqlite, SqliteSettings, StateStore, Synchronous, TestClock,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn on_threads<T: Send>(threads: usize, work: impl Fn(usize, &tokio::runtime::Runtime) -> T + Sync) -> Vec<T> {
    let start = std::sync::Barrier::new(threads);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|n| {
                let (work, start) = (&work, &start);
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    start.wait();
                    work(n, &runtime)
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    })
}

#[test]
fn of_sixteen_consumers_one_wins_every_row() {
    for synchronous in [Synchronous::Normal, Synchronous::Full] {
        let directory = tempfile::tempdir().unwrap();
        let state = Sqlite::open(SqliteSettings { synchronous, ..SqliteSettings::new(directory.path()) }).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let rows = runtime.block_on(store(&state, "rows", Options::up_to(100)));
        for n in 0..50 {
            runtime.block_on(rows.register(&format!("k{n}"), n.to_string(), None)).unwrap();
        }
        let won =
            on_threads(16, |_, runtime| (0..50).filter(|n| runtime.block_on(rows.consume(&format!("k{n}"))).unwrap().is_some()).count());
        assert_eq!(won.iter().sum::<usize>(), 50, "{won:?}");
    }
}

#[test]
fn sixteen_counters_lose_no_update() {
    let directory = tempfile::tempdir().unwrap();
    let state = sqlite(directory.path());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let rows = runtime.block_on(store(&state, "rows", Options::up_to(10)));
    runtime.block_on(rows.register("count", "0".into(), None)).unwrap();
    on_threads(16, |_, runtime| {
        runtime.block_on(async {
            for _ in 0..25 {
                add_one(&*rows).await
            }
        })
    });
    assert_eq!(runtime.block_on(rows.lookup("count")).unwrap().as_deref(), Some("400"));
}

async fn add_one(rows: &dyn KeyedStore) {
    let mut seen = rows.observe("count").await.unwrap();
    loop {
        let count: u32 = seen.value.unwrap().value.parse().unwrap();
        let change = Change::Set { value: (count + 1).to_string(), ttl: None };
        match rows.compare_and_apply("count", &seen.comparison, change, &[]).await.unwrap() {
            Applied::Conflict(now) => seen = now,
            _ => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_request_fails_alone_in_its_group() {
    let directory = tempfile::tempdir().unwrap();
    let state = Sqlite::open(SqliteSettings { synchronous: Synchronous::Full, ..SqliteSettings::new(directory.path()) }).unwrap();
    let rows = store(&state, "rows", Options::up_to(10).overflow(plugbay_state::Overflow::RejectNew)).await;
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let rows = rows.clone();
            tokio::spawn(async move { rows.register(&format!("k{n}"), "1".into(), None).await })
        })
        .collect();
    let mut written = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => written += 1,
            Err(error) => assert_eq!(error.code, Code::LimitExceeded),
        }
    }
    assert_eq!((written, rows.count().await.unwrap()), (10, 10));
}

#[test]
fn writes_during_a_close_are_there_or_were_refused() {
    for synchronous in [Synchronous::Normal, Synchronous::Full] {
        let (directory, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::at(1)));
        let state = Sqlite::open(SqliteSettings { synchronous, ..SqliteSettings::new(directory.path()) }).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let rows = runtime.block_on(store(&state, "rows", Options::up_to(100_000)));
        let closing = AtomicBool::new(false);
        let acknowledged = on_threads(5, |thread, runtime| {
            if thread == 0 {
                std::thread::sleep(std::time::Duration::from_millis(30));
                runtime.block_on(state.close());
                closing.store(true, Ordering::SeqCst);
                return Vec::new();
            }
            let write = |n: &usize| runtime.block_on(rows.register(&format!("{thread}-{n}"), "1".into(), None));
            let mut done = Vec::new();
            for n in 0..200 {
                match write(&n) {
                    Ok(()) => done.push(format!("{thread}-{n}")),
                    Err(error) => {
                        assert_eq!(error.code, Code::Unavailable);
                        break;
                    }
                }
            }
            done
        });
        assert!(closing.load(Ordering::SeqCst));
        let rows = runtime.block_on(store(&sqlite_at(directory.path(), &clock), "rows", Options::up_to(100_000)));
        for key in acknowledged.iter().flatten() {
            assert!(runtime.block_on(rows.lookup(key)).unwrap().is_some(), "{key} was acknowledged");
        }
        let written: usize = acknowledged.iter().map(Vec::len).sum();
        assert_eq!(runtime.block_on(rows.count()).unwrap(), written as u64, "what was refused isn't there");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_bounded_over_thirty_thousand_writes_to_a_hundred_stores() {
    let directory = tempfile::tempdir().unwrap();
    let state = sqlite(directory.path());
    let tasks: Vec<_> = (0..10)
        .map(|task| {
            let state = state.clone();
            tokio::spawn(async move {
                let mut stores = Vec::new();
                for n in 0..10 {
                    let owner = Owner::new(&format!("plugin-{task}-{n}")).unwrap();
                    stores.push(state.open(&owner, "rows", Options::up_to(50)).await.unwrap());
                }
                for n in 0..3_000 {
                    stores[n % 10].register(&format!("k{}", n / 10 % 70), format!("\"{}\"", "x".repeat(200)), None).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let log = std::fs::metadata(directory.path().join(format!("{DATABASE_FILE}-wal"))).unwrap().len();
    assert!(log < 26 << 20, "{log} bytes");
    let usage = state.usage().await.unwrap();
    assert_eq!((usage.len(), usage.iter().map(|namespace| namespace.rows).sum::<u64>()), (100, 5_000));
}
