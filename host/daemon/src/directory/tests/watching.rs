//! What is told of files, and what isn't.

use super::*;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use tokio::time::Instant;

#[tokio::test]
async fn a_renamed_and_a_closed_file_are_told_at_once() {
    let folder = Folder::new();
    let mut watch = folder.watch(EVENTS).await;
    folder.put("a.wasm", "1");
    assert_eq!(files(&watch.until("a").await), ["a"]);
    fs::write(folder.path("b.wasm"), "1").unwrap();
    assert_eq!(files(&watch.until("b").await), ["b"]);
}

#[tokio::test]
async fn a_file_that_is_held_open_is_not_told_before_it_is_closed() {
    let folder = Folder::new();
    let mut watch = folder.watch(EVENTS).await;
    let mut half = File::create(folder.path("half.wasm")).unwrap();
    for n in 0..5 {
        half.write_all(b"piece").unwrap();
        folder.put("other.wasm", &n.to_string());
        assert_eq!(files(&watch.until("other").await), ["other"]);
    }
    drop(half);
    let found = watch.until("half").await;
    assert_eq!((found.len(), size(&found[0])), (1, 25));
}

#[tokio::test]
async fn a_file_that_is_held_open_and_left_alone_has_settled() {
    let folder = Folder::new();
    let mut watch = folder.watch(WatchSettings { settle: SOON, ..EVENTS }).await;
    let mut held = File::create(folder.path("held.wasm")).unwrap();
    held.write_all(b"all").unwrap();
    let found = watch.until("held").await;
    assert_eq!((found.len(), size(&found[0])), (1, 3));
}

#[tokio::test]
async fn removed_and_put_back_is_one_file() {
    let folder = Folder::new();
    let mut watch = folder.watch(EVENTS).await;
    folder.put("a.wasm", "1");
    watch.until("a").await;
    fs::remove_file(folder.path("a.wasm")).unwrap();
    folder.put("other.wasm", "1"); // told after a look that missed `a`
    assert_eq!(files(&watch.until("other").await), ["other"]);
    fs::write(folder.path("a.wasm"), "22").unwrap();
    let found = watch.until("a").await;
    assert_eq!((found.len(), size(&found[0])), (1, 2));
}

#[tokio::test]
async fn removed_for_long_is_gone_once() {
    let folder = Folder::new();
    let mut watch = folder.watch(WatchSettings { missing_after: SOON, ..EVENTS }).await;
    folder.put("a.wasm", "1");
    watch.until("a").await;
    fs::remove_file(folder.path("a.wasm")).unwrap();
    assert_eq!(watch.next().await, Found::Gone { id: id("a") });
    folder.put("other.wasm", "1");
    assert_eq!(files(&watch.until("other").await), ["other"]);
}

#[tokio::test(start_paused = true)]
async fn the_defaults_hold_by_the_clock() {
    let folder = Folder::new();
    folder.put("a.wasm", "1");
    let mut watch = Watch::start(folder.open().unwrap(), WatchSettings::default());
    let start = Instant::now();
    assert_eq!(files(&watch.until("a").await), ["a"]);
    assert!(start.elapsed() <= Duration::from_millis(301), "{:?}", start.elapsed());
    fs::remove_file(folder.path("a.wasm")).unwrap();
    let removed = Instant::now();
    assert_eq!(watch.next().await, Found::Gone { id: id("a") });
    let away = removed.elapsed();
    assert!((Duration::from_secs(5)..=Duration::from_secs(8)).contains(&away), "{away:?}: 5 s, seen within 2 s");
}

#[tokio::test]
async fn two_hundred_files_at_once_are_told_once_each() {
    let folder = Folder::new();
    let mut watch = folder.watch(EVENTS).await;
    for n in 0..200 {
        fs::write(folder.path(&format!("p{n:03}.wasm")), "1").unwrap();
    }
    let mut found = Vec::new();
    for _ in 0..200 {
        found.push(watch.next().await);
    }
    folder.put("last.wasm", "1");
    assert_eq!(files(&watch.until("last").await), ["last"]);
    let mut told = files(&found);
    told.sort_unstable();
    assert_eq!(told, (0..200).map(|n| format!("p{n:03}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_file_renamed_over_another_is_told_and_read() {
    let folder = Folder::new();
    let directory = folder.open().unwrap();
    let mut watch = folder.watch(EVENTS).await;
    let mut stamps = Vec::new();
    for bytes in ["one", "two", "six"] {
        folder.put("a.wasm", bytes);
        let found = watch.until("a").await;
        let read = directory.read(&id("a")).unwrap();
        assert_eq!(found, [Found::File { id: id("a"), stamp: read.stamp }]);
        assert_eq!(read.bytes, bytes.as_bytes());
        stamps.push(read.stamp);
    }
    assert!(stamps[0] != stamps[1] && stamps[1] != stamps[2]);
}

#[tokio::test]
async fn a_touch_is_told_with_another_stamp() {
    let folder = Folder::new();
    let directory = folder.open().unwrap();
    let mut watch = folder.watch(EVENTS).await;
    folder.put("a.wasm", "same");
    let found = watch.until("a").await;
    let read = directory.read(&id("a")).unwrap();
    let touched = OpenOptions::new().append(true).open(folder.path("a.wasm")).unwrap();
    touched.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    drop(touched);
    let again = watch.until("a").await;
    assert_eq!((found.len(), again.len()), (1, 1));
    assert_ne!(found, again);
    assert_eq!(directory.read(&id("a")).unwrap().bytes, read.bytes);
}

#[tokio::test]
async fn waiting_can_be_given_up_at_any_moment() {
    let folder = Folder::new();
    let mut watch = folder.watch(EVENTS).await;
    let mut found = Vec::new();
    for n in 0..5 {
        folder.put(&format!("p{n}.wasm"), "1");
    }
    while found.len() < 5 {
        tokio::select! {
            biased;
            told = watch.next() => found.push(told),
            () = tokio::time::sleep(Duration::from_micros(found.len() as u64)) => {}
        }
    }
    assert_eq!(files(&found), ["p0", "p1", "p2", "p3", "p4"]);
}

#[test]
fn a_slow_consumer_is_told_the_last_state() {
    let folder = Folder::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut watch = runtime.block_on(folder.watch(EVENTS));
    for n in 0..300 {
        folder.put("a.wasm", &"x".repeat(n));
    }
    folder.put("b.wasm", "1");
    let found = runtime.block_on(watch.until("b"));
    let sizes: Vec<_> = found.iter().filter(|found| file(found) == Some("a")).map(size).collect();
    assert_eq!(sizes.last(), Some(&299), "{sizes:?}");
    assert!(sizes.len() <= 3, "one for each look, and not for each event: {sizes:?}");
}
