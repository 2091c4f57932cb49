//! The way back: versions that are kept, and rollbacks by hand.

use crate::counter::{ask, counter, digest, happened, host, id, plugin, put, put_with, refused, restarted, seen, versions};
use plugbay_runtime::{Fate, Loaded, Order, Plugin, Reason, Standing, Step, VersionError, Wanted};
use plugbay_tests::lab::{Lab, granted};
use std::fs;
use std::sync::Arc;
use std::time::Duration;

/// A host in which 7.0.0 and 8.0.0 counted once each, and 9.0.0 serves.
async fn three() -> (Lab, Arc<Plugin>) {
    let lab = host().await;
    for version in ["7.0.0", "8.0.0"] {
        put(&lab.plugins, &counter(version, "")).await.unwrap();
        seen(&plugin(&lab.plugins), "count").await;
    }
    put(&lab.plugins, &counter("9.0.0", "")).await.unwrap();
    let plugin = plugin(&lab.plugins);
    assert_eq!(seen(&plugin, "count").await, ("9.0.0".into(), 3));
    (lab, plugin)
}

fn by_hand() -> Order {
    Order::by("operator")
}

#[tokio::test]
async fn a_rollback_goes_to_the_last_version_with_what_it_knew() {
    let (lab, plugin) = three().await;
    let done = lab.plugins.roll_back(id(), None, by_hand().because("it is slow")).await.unwrap();
    assert_eq!(done.generation, 4);
    assert!(matches!(done.loaded, Loaded::Replaced { version, .. } if version.to_string() == "9.0.0"));
    assert!(done.notes.iter().any(|note| note.contains("downgrade")), "{:?}", done.notes);
    assert_eq!(seen(&plugin, "count").await, ("8.0.0".into(), 3), "from what it saved when it was replaced");
    let listing = plugin.listing();
    let judged = listing.judged.unwrap();
    assert_eq!((judged.fate, judged.why.as_str()), (Fate::RolledBack, "it is slow"));
    assert!(listing.earlier.iter().all(|v| v.failed.is_none()), "it didn't fail");
    assert_eq!(happened(&lab).await, ["install", "swap", "swap", "rollback"]);
}

#[tokio::test]
async fn a_rollback_goes_to_the_version_that_was_named_also_after_a_restart() {
    let (lab, _) = three().await;
    lab.plugins.shutdown(Duration::ZERO).await;
    let again = restarted(&lab).await;
    put_with(&again, &counter("9.0.0", ""), granted(), Order::boot()).await.unwrap();
    let plugin = plugin(&again);
    again.roll_back(id(), Some(digest(&counter("7.0.0", ""))), by_hand()).await.unwrap();
    assert_eq!(seen(&plugin, "count").await, ("7.0.0".into(), 2), "what it saved is kept, too");
    assert_eq!(ask(&plugin, "told").await.unwrap()["before"], "9.0.0");

    let nowhere = again.roll_back(id(), Some(digest(b"nothing")), by_hand()).await.unwrap_err();
    let words = nowhere.to_string();
    assert!(words.contains("8.0.0") && words.contains("9.0.0") && words.contains(&digest(b"nothing").to_string()), "{words}");
    assert_eq!(seen(&plugin, "count").await, ("7.0.0".into(), 3));
}

#[tokio::test]
async fn a_rolled_back_version_stays_away_until_another_file_comes() {
    let (lab, _) = three().await;
    lab.plugins.roll_back(id(), None, by_hand()).await.unwrap();
    lab.plugins.shutdown(Duration::ZERO).await;
    let again = restarted(&lab).await;
    put_with(&again, &counter("9.0.0", ""), granted(), Order::boot()).await.unwrap();
    let plugin = plugin(&again);
    assert_eq!(seen(&plugin, "peek").await.0, "8.0.0");
    assert_eq!(plugin.listing().judged.unwrap().fate, Fate::RolledBack);
    put_with(&again, &counter("9.1.0", ""), granted(), Order::automatic("directory")).await.unwrap();
    assert_eq!(seen(&plugin, "peek").await.0, "9.1.0");
    assert_eq!(plugin.listing().judged, None);
}

#[tokio::test]
async fn there_is_nothing_to_go_back_to_at_first() {
    let lab = host().await;
    put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    let refused = lab.plugins.roll_back(id(), None, by_hand()).await.unwrap_err();
    assert!(matches!(refused.reason, Reason::NoVersion { .. }) && refused.to_string().contains("kept are: none"), "{refused}");
    assert_eq!(seen(&plugin(&lab.plugins), "count").await, ("7.0.0".into(), 1));
}

#[tokio::test]
async fn five_versions_are_kept_and_the_sixth_is_gone() {
    let lab = host().await;
    let all: Vec<_> = (0..6).map(|n| counter(&format!("7.{n}.0"), "")).collect();
    let kept = || all.iter().map(|c| versions(&lab).load(digest(c)).is_ok()).collect::<Vec<_>>();
    for (n, component) in all.iter().enumerate() {
        put(&lab.plugins, component).await.unwrap();
        assert_eq!(kept().iter().filter(|kept| **kept).count(), (n + 1).min(5));
    }
    assert_eq!(kept(), [false, true, true, true, true, true]);
    let listing = plugin(&lab.plugins).listing();
    let named: Vec<_> = listing.active.iter().chain(&listing.earlier).map(|v| v.version.to_string()).collect();
    assert_eq!(named, ["7.5.0", "7.4.0", "7.3.0", "7.2.0", "7.1.0"]);
    // What a refused version left isn't kept either.
    put(&lab.plugins, &counter("8.0.0", "restore-refuses")).await.unwrap_err();
    put(&lab.plugins, &all[4]).await.unwrap();
    assert!(versions(&lab).load(digest(&counter("8.0.0", "restore-refuses"))).is_err());
}

#[tokio::test]
async fn a_kept_version_that_was_changed_is_refused_until_its_file_is_installed_again() {
    let (lab, plugin) = three().await;
    let wanted = digest(&counter("8.0.0", ""));
    let file = lab.folder().join("versions").join(format!("{wanted}.wasm"));
    let mut bytes = fs::read(&file).unwrap();
    bytes[1_000] ^= 1;
    fs::write(&file, bytes).unwrap();
    let refused = lab.plugins.roll_back(id(), None, by_hand()).await.unwrap_err();
    assert!(refused.step == Step::Read && matches!(refused.reason, Reason::Version(VersionError::Changed { .. })), "{refused}");
    assert!(refused.to_string().contains(&wanted.to_string()), "{refused}");
    assert_eq!(seen(&plugin, "count").await, ("9.0.0".into(), 4));

    put(&lab.plugins, &counter("8.0.0", "")).await.unwrap();
    put(&lab.plugins, &counter("9.0.0", "")).await.unwrap();
    lab.plugins.roll_back(id(), None, by_hand()).await.unwrap();
    assert_eq!(seen(&plugin, "peek").await.0, "8.0.0");
}

/// Where its file is gone or doesn't run, what ran last runs from what is kept.
#[tokio::test]
async fn what_ran_last_runs_without_its_file() {
    let (lab, _) = three().await;
    lab.plugins.shutdown(Duration::ZERO).await;
    let again = restarted(&lab).await;
    let wanted = Wanted { source: None, ..Wanted::running(crate::counter::source(&[]), granted()) };
    again.apply(id(), wanted, Order::boot()).await.unwrap();
    assert_eq!(seen(&plugin(&again), "peek").await.0, "9.0.0");
    again.shutdown(Duration::ZERO).await;

    let last = restarted(&lab).await;
    let done = put_with(&last, b"nonsense", granted(), Order::boot()).await.unwrap();
    assert!(done.notes.iter().any(|note| note.contains("step `verify`")), "{:?}", done.notes);
    let listing = plugin(&last).listing();
    assert_eq!((listing.standing, listing.judged.unwrap().fate), (Standing::Active, Fate::Refused));
    assert_eq!(seen(&plugin(&last), "peek").await.0, "9.0.0");
    assert_eq!(refused(ask(&plugin(&again), "peek").await).0, "disabled", "the host before has stopped");
}
