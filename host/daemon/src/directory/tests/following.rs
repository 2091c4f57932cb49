//! What is told when it is the directory that changes, and where file events don't tell.

use super::*;
use crate::directory::events::{Events, Slot};
use std::sync::Arc;

#[tokio::test]
async fn links_retargeted_behind_a_hidden_one_are_told() {
    let folder = Folder::new();
    for version in ["..v1", "..v22"] {
        folder.make(&folder.path(version));
        fs::write(folder.path(version).join("a.wasm"), version).unwrap();
    }
    symlink("..v1", folder.path("..data")).unwrap();
    symlink("..data/a.wasm", folder.path("a.wasm")).unwrap();
    let mut watch = folder.watch(WatchSettings { settle: SOON, ..EVENTS }).await;
    assert_eq!(watch.until("a").await.iter().map(size).collect::<Vec<_>>(), [4]);
    symlink("..v22", folder.path("..new")).unwrap();
    fs::rename(folder.path("..new"), folder.path("..data")).unwrap();
    assert_eq!(watch.until("a").await.iter().map(size).collect::<Vec<_>>(), [5]);
}

#[tokio::test]
async fn a_directory_that_was_replaced_is_followed() {
    for remade in [false, true] {
        let folder = Folder::new();
        let mut watch = folder.watch(WatchSettings { poll_fallback: SOON, ..EVENTS }).await;
        if remade {
            fs::remove_dir(folder.plugins()).unwrap(); // and the new one may well have the same inode
        } else {
            fs::rename(folder.plugins(), folder.0.path().join("old")).unwrap();
        }
        folder.make(&folder.plugins());
        let mut attempts = 0..100;
        let told = loop {
            folder.put("a.wasm", &attempts.next().expect("events of the new directory").to_string());
            match tokio::time::timeout(SOON, watch.next()).await {
                Ok(Found::Trouble(_) | Found::TroubleOver) | Err(_) => {}
                Ok(found) => break found,
            }
        };
        assert_eq!(file(&told), Some("a"), "{told:?}");
    }
}

#[tokio::test]
async fn a_directory_whose_rights_become_too_wide_is_told_at_once() {
    let folder = Folder::new();
    let mut watch = folder.watch(WatchSettings { missing_after: Duration::ZERO, ..EVENTS }).await;
    folder.put("a.wasm", "1");
    watch.until("a").await;
    mode(&folder.plugins(), 0o777);
    let Found::Trouble(why) = watch.next().await else { panic!("no trouble") };
    assert!(why.contains("chmod go-w"), "{why}");
    folder.put("b.wasm", "1");
    fs::remove_file(folder.path("a.wasm")).unwrap();
    fs::rename(folder.path("b.wasm"), folder.path("a.wasm")).unwrap();
    mode(&folder.plugins(), 0o755);
    assert_eq!(watch.next().await, Found::TroubleOver);
    assert_eq!(files(&watch.until("a").await), ["a"]);
}

#[tokio::test]
async fn while_the_directory_is_away_its_plugins_are_not_gone() {
    let folder = Folder::new();
    let mut watch = folder.watch(WatchSettings { poll_fallback: SOON, missing_after: Duration::ZERO, ..EVENTS }).await;
    folder.put("a.wasm", "1");
    watch.until("a").await;
    fs::rename(folder.plugins(), folder.0.path().join("away")).unwrap();
    let Found::Trouble(why) = watch.next().await else { panic!("no trouble") };
    assert!(why.contains("isn't there"), "{why}");
    fs::rename(folder.0.path().join("away"), folder.plugins()).unwrap();
    assert_eq!(watch.next().await, Found::TroubleOver);
    folder.put("b.wasm", "1");
    assert_eq!(files(&watch.until("b").await), ["b"]);
}

#[tokio::test]
async fn polling_tells_the_same() {
    let folder = Folder::new();
    folder.put("there.wasm", "1");
    let poll = WatchSettings { settle: SOON, poll: Some(Duration::from_millis(10)), poll_fallback: HOUR, missing_after: SOON };
    let mut watch = Watch::start(folder.open().unwrap(), poll);
    assert_eq!(files(&watch.until("there").await), ["there"]);
    folder.put("a.wasm", "1");
    assert_eq!(files(&watch.until("a").await), ["a"]);
    folder.put("a.wasm", "22");
    assert_eq!(watch.until("a").await.iter().map(size).collect::<Vec<_>>(), [2]);
    fs::remove_file(folder.path("a.wasm")).unwrap();
    assert_eq!(watch.next().await, Found::Gone { id: id("a") });
    folder.put("Bad.wasm", "");
    assert_eq!(watch.next().await, Found::Refused { name: "Bad.wasm".into(), why: Refusal::Name });
}

#[tokio::test]
async fn a_rescan_looks_without_a_reason() {
    let folder = Folder::new();
    let mut watch = folder.watch(WatchSettings { settle: Duration::ZERO, poll: Some(HOUR), ..EVENTS }).await;
    folder.put("a.wasm", "1");
    watch.rescan();
    assert_eq!(files(&watch.until("a").await), ["a"]);
}

#[test]
fn events_that_cannot_be_had_are_told() {
    let slot = Arc::new(Slot::default());
    let mut events = Events::of(Path::new("/nothing/here"), &slot);
    for told in [true, false] {
        events.follow(Some(Place { device: 1, inode: 1 }));
        assert_eq!(slot.take().no_events.is_some(), told);
    }
}
