//! Beside others: a gateway that has the state open and writes, and one that holds the lock.

use crate::{json, plugbay, printed, raw, refused, store, text, write};
use plugbay_state::{Sqlite, SqliteSettings};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_works_while_somebody_writes() {
    let directory = tempfile::tempdir().unwrap();
    let state = Sqlite::open(SqliteSettings::new(directory.path())).unwrap();
    write(&state, "scribe", "notes", &[("first", "1")]).await;
    let (rows, enough) = (store(&state, "busy", "rows").await, Arc::new(AtomicBool::new(false)));
    let writer = tokio::spawn({
        let enough = enough.clone();
        async move {
            let mut written: u64 = 0;
            while !enough.load(Ordering::Relaxed) {
                rows.register(&format!("k{}", written % 500), written.to_string(), None).await.unwrap();
                written += 1;
                tokio::task::yield_now().await;
            }
            (written, rows)
        }
    });
    for _ in 0..5 {
        let shown = json(&printed(&plugbay("show", directory.path(), &["--plugin", "scribe", "--json"])));
        assert_eq!(shown["plugins"][0]["rows"], json!(1));
        printed(&plugbay("probe", directory.path(), &[]));
        printed(&plugbay("sweep", directory.path(), &[]));
        let exported = printed(&plugbay("export", directory.path(), &["--values"]));
        assert!(exported.lines().map(json).any(|line| line["key"] == "first"));
    }
    enough.store(true, Ordering::Relaxed);
    let (written, rows) = writer.await.unwrap();
    // What the writer wrote is there, after others opened and closed the same file.
    let last = written - 1;
    assert_eq!(rows.lookup(&format!("k{}", last % 500)).await.unwrap(), Some(last.to_string()));
}

#[tokio::test]
async fn a_lock_that_is_held_stops_the_probe_and_not_the_readers() {
    let directory = tempfile::tempdir().unwrap();
    let state = Sqlite::open(SqliteSettings::new(directory.path())).unwrap();
    write(&state, "scribe", "notes", &[("first", "1")]).await;
    let locking = raw(directory.path());
    locking.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(printed(&plugbay("show", directory.path(), &[])).contains("scribe"));
    assert_eq!(printed(&plugbay("export", directory.path(), &[])).lines().count(), 1);
    let output = plugbay("probe", directory.path(), &["--json"]);
    assert_eq!(refused(&output), "plugbay: the probe failed at the step `write`");
    let report = json(&text(&output.stdout));
    assert_eq!(report["steps"][3]["code"], json!("unavailable"));
}
