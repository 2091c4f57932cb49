//! Files that are handed over: bounded, recognised, whole or not at all.

use super::stage::{Hand, NEW_YEAR, by, done, errand, fails, session};
use crate::turns::stage::Stage;
use plugbay_gateway::DeliveryView;
use plugbay_gateway::runtime::state::DeliveriesQuery;
use serde_json::{Value, json};
use std::path::Path;

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
    assert_eq!(delivered(&stage).await[0].bytes(), 25 << 20);
}

#[tokio::test]
async fn a_share_that_is_used_up_is_full_and_what_goes_makes_room() {
    let (hand, folder) = (Hand::at(NEW_YEAR), tempfile::tempdir().unwrap());
    let mut settings = by(&hand, Some(folder.path()));
    settings.outbox.bytes = 100.try_into().unwrap();
    let (stage, _) = errand(settings, hand.memory()).await;
    session(&stage).await;
    let file = |bytes: usize| json!({ "files": [{ "name": "x", "zeroes": bytes }] });
    let first = done(&stage, "send", file(60)).await;
    fails(&stage, "send", file(41)).await;
    done(&stage, "send", file(40)).await;
    assert!(stage.gateway.deliveries().remove(first["id"].as_str().unwrap()).await.unwrap());
    done(&stage, "send", file(60)).await;
    assert!(stage.gateway.delete("s").await.unwrap(), "its deliveries go with it");
    assert_eq!((delivered(&stage).await.len(), there(folder.path())), (0, (0, 0)));
    session(&stage).await;
    done(&stage, "send", file(100)).await;
}

#[tokio::test]
async fn without_an_outbox_nothing_is_handed_over() {
    let hand = Hand::at(NEW_YEAR);
    let (stage, _) = errand(by(&hand, None), hand.memory()).await;
    session(&stage).await;
    fails(&stage, "send", json!({ "files": [{ "name": "x", "text": "x" }] })).await;
}
