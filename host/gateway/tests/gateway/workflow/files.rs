//! Files that are handed over: bounded, recognised, whole or not at all.

use super::stage::{Hand, NEW_YEAR, by, done, errand, fails, granted, jobs_are, session};
use crate::turns::stage::Stage;
use plugbay_gateway::DeliveryView;
use plugbay_gateway::runtime::state::{DeliveriesQuery, SessionStore};
use plugbay_guests::built;
use serde_json::{Value, json};
use std::path::Path;

/// What a delivery takes of its plugin's share, and each of its files, beside what is in it.
const PIECE: u64 = 4_096;

async fn stage(hand: &Hand, folder: &Path) -> Stage {
    let (stage, _) = errand(by(hand, Some(folder)), hand.memory()).await;
    session(&stage).await;
    stage
}

async fn delivered(stage: &Stage) -> Vec<DeliveryView> {
    stage.gateway.deliveries().list(DeliveriesQuery::default()).await.unwrap()
}

/// Folders and half-written files that are there.
fn there(folder: &Path) -> (usize, usize) {
    let count = |folder: &Path| std::fs::read_dir(folder).unwrap().count();
    (count(folder) - 1, count(&folder.join("drafts")))
}

async fn content(stage: &Stage, delivery: &str, file: usize) -> String {
    let file = stage.gateway.deliveries().read(delivery, file).await.unwrap().unwrap();
    std::io::read_to_string(file).unwrap()
}

#[tokio::test]
async fn what_is_handed_over_is_listed_and_can_be_read() {
    let (hand, folder) = (Hand::at(NEW_YEAR), tempfile::tempdir().unwrap());
    let stage = stage(&hand, folder.path()).await;
    let files = json!([{ "name": "a.md", "type": "text/markdown", "text": "# Hi" }, { "name": "b.png", "bytes": b"\x89PNG\r\n\x1a\n" }]);
    let sent = done(&stage, "send", json!({ "files": files, "caption": "Two *files*", "format": "markdown" })).await;
    assert_eq!(sent["types"], json!(["text/markdown", "image/png"]));
    let [one] = &delivered(&stage).await[..] else { panic!("not one") };
    assert_eq!(
        (one.id.as_str(), one.caption.as_deref(), one.caption_format.as_deref()),
        (sent["id"].as_str().unwrap(), Some("Two *files*"), Some("markdown"))
    );
    assert_eq!(one.files.iter().map(|file| (file.name.as_str(), file.bytes)).collect::<Vec<_>>(), [("a.md", 4), ("b.png", 8)]);
    assert_eq!(content(&stage, &one.id, 0).await, "# Hi");
    assert_eq!(there(folder.path()), (1, 0));
    assert!(stage.gateway.deliveries().remove(&one.id).await.unwrap());
    assert_eq!((delivered(&stage).await.len(), there(folder.path())), (0, (0, 0)));
}

#[tokio::test]
async fn what_is_no_good_leaves_nothing_behind() {
    let (hand, folder) = (Hand::at(NEW_YEAR), tempfile::tempdir().unwrap());
    let stage = stage(&hand, folder.path()).await;
    let named = |name: &str| json!({ "name": name, "text": "x" });
    let many: Vec<Value> = (0..11).map(|n| named(&format!("{n}.txt"))).collect();
    for files in [
        json!([]),
        json!(many),
        json!([named("../x")]),
        json!([named("a/b")]),
        json!([named("..")]),
        json!([named(" ")]),
        json!([named(&"n".repeat(256))]),
        json!([named("line\nbreak")]),
        json!([{ "name": "x.png", "type": "image/png", "text": "no picture" }]),
        json!([{ "name": "half", "zeroes": 13 << 20 }, { "name": "and more", "zeroes": (12 << 20) + 1 }]),
    ] {
        fails(&stage, "send", json!({ "files": files })).await;
    }
    fails(&stage, "send", json!({ "files": [named("x")], "caption": "c".repeat(4_097) })).await;
    assert_eq!((delivered(&stage).await.len(), there(folder.path())), (0, (0, 0)));
    let just = json!([{ "name": "half", "zeroes": 13 << 20 }, { "name": "the rest", "zeroes": 12 << 20 }]);
    assert_eq!(
        done(&stage, "send", json!({ "files": just })).await["types"],
        json!(["application/octet-stream", "application/octet-stream"])
    );
    let sent = delivered(&stage).await.remove(0);
    assert_eq!((sent.files.iter().map(|file| file.bytes).sum::<u64>(), sent.room), (25 << 20, (25 << 20) + 3 * PIECE));
}

#[tokio::test]
async fn a_share_that_is_used_up_is_full_and_what_goes_makes_room() {
    let (hand, folder) = (Hand::at(NEW_YEAR), tempfile::tempdir().unwrap());
    let mut settings = by(&hand, Some(folder.path()));
    settings.outbox.bytes = (100 + 4 * PIECE).try_into().unwrap(); // two deliveries of a file each
    let (stage, _) = errand(settings, hand.memory()).await;
    session(&stage).await;
    let file = |bytes: u64| json!({ "files": [{ "name": "x", "zeroes": bytes }] });
    let first = done(&stage, "send", file(60)).await;
    fails(&stage, "send", file(41)).await;
    done(&stage, "send", file(40)).await;
    assert!(stage.gateway.deliveries().remove(first["id"].as_str().unwrap()).await.unwrap());
    done(&stage, "send", file(60)).await;
    assert!(stage.gateway.delete("s").await.unwrap(), "its deliveries go with it");
    assert_eq!((delivered(&stage).await.len(), there(folder.path())), (0, (0, 0)));
    session(&stage).await;
    done(&stage, "send", file(100 + 2 * PIECE)).await;
}

#[tokio::test]
async fn what_is_empty_takes_a_share_too_and_so_do_words() {
    let (hand, folder) = (Hand::at(NEW_YEAR), tempfile::tempdir().unwrap());
    let mut settings = by(&hand, Some(folder.path()));
    settings.outbox.bytes = (3 * PIECE + 5).try_into().unwrap();
    let (stage, _) = errand(settings, hand.memory()).await;
    session(&stage).await;
    let empty = json!({ "files": [{ "name": "x", "zeroes": 0 }] });
    done(&stage, "send", empty.clone()).await;
    fails(&stage, "send", empty).await;
    for words in ["these", "six"] {
        done(&stage, "later", json!({ "turn": format!("say {words}"), "after-ms": 0, "announce": true })).await;
        jobs_are(&stage, <[_]>::is_empty).await;
    }
    let captions: Vec<_> = delivered(&stage).await.into_iter().map(|delivery| delivery.caption).collect();
    assert_eq!(captions, [Some("these".to_owned()), None], "there is no room for more words");
}

#[tokio::test]
async fn what_is_handed_over_before_the_start_is_no_leftover_and_counted_once() {
    let (hand, folder) = (Hand::at(NEW_YEAR), tempfile::tempdir().unwrap());
    let mut settings = by(&hand, Some(folder.path()));
    settings.outbox.bytes = (4 * PIECE).try_into().unwrap();
    let stage = Stage::on(hand.memory(), settings);
    stage.load("errand", built::ERRAND, granted()).await;
    stage.state.ensure_session("s", "l1").await.unwrap();
    let empty = json!({ "files": [{ "name": "x", "zeroes": 0 }] });
    done(&stage, "send", empty.clone()).await;
    stage.gateway.start().await.unwrap();
    assert_eq!((delivered(&stage).await.len(), there(folder.path())), (1, (1, 0)));
    done(&stage, "send", empty.clone()).await;
    fails(&stage, "send", empty).await;
}

#[tokio::test]
async fn without_an_outbox_nothing_is_handed_over() {
    let hand = Hand::at(NEW_YEAR);
    let (stage, _) = errand(by(&hand, None), hand.memory()).await;
    session(&stage).await;
    fails(&stage, "send", json!({ "files": [{ "name": "x", "text": "x" }] })).await;
}
