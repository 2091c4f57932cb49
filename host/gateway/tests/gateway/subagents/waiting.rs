//! Who waits for whom: nobody for itself, and nobody until a deadline for what can't come.

use super::stage::{Crews, said};
use serde_json::{Value, json};

/// Longer than anybody waits for a test.
const LONG: u64 = 25_000;

#[tokio::test]
async fn a_turn_that_its_plugin_waits_for_may_need_that_plugin() {
    let crews = Crews::new("a").await;
    let message = format!("use crew-a-count {}", json!({ "text": "x" }));
    let answer = crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": message, "wait": LONG })).await;
    assert_eq!(answer["ok"]["text"], "`crew-a-count` answered: 1", "{answer}");
}

#[tokio::test]
async fn two_plugins_that_wait_for_each_others_turns_are_told_so_at_once() {
    let crews = Crews::new("ab").await;
    let errand = |needs: &str| {
        let message = format!("held\nuse {needs} {}", json!({ "text": "x" }));
        json!({ "name": "child", "message": message, "wait": LONG })
    };
    // Each holds its only cell, and its child's turn is about to need the other's.
    let a = crews.turn("one", "crew-a-delegate", errand("crew-b-count")).await;
    let b = crews.turn("two", "crew-b-delegate", errand("crew-a-count")).await;
    crews.model.holds(2).await;
    while crews.stage.gateway.plugins().waits().count() < 2 {
        tokio::task::yield_now().await;
    }
    crews.model.lets_go(100);
    let answers = [said(a).await, said(b).await];
    let texts: Vec<&str> = answers.iter().map(|answer| answer["ok"]["text"].as_str().unwrap_or_else(|| panic!("{answers:?}"))).collect();
    let refused: Vec<_> = texts.iter().filter(|text| text.contains("it would wait for itself")).collect();
    let [refused] = refused[..] else { panic!("who came last is refused, and the other one goes on: {texts:?}") };
    for named in ["crew-a", "crew-b", "crew-a/child", "crew-b/child"] {
        assert!(refused.contains(named), "{named}: {refused}");
    }
    assert!(texts.iter().any(|text| text.ends_with("answered: 1")), "{texts:?}");
    assert_eq!(crews.stage.gateway.plugins().waits().count(), 0);
}

#[tokio::test]
async fn a_turn_cannot_wait_for_itself() {
    let crews = Crews::new("a").await;
    let run = crews.held("main", "scout").await;
    // Behind it in its session: a turn that waits for a turn of its own session.
    let second = crews
        .act(
            "main",
            "crew-a-run",
            json!({ "name": "scout", "message": format!("use crew-a-run {}", json!({ "name": "scout", "message": "say x" })) }),
        )
        .await;
    assert!(second["ok"].is_object());
    crews.model.lets_go(1);
    assert_eq!(crews.wait("main", &run, LONG).await["ok"]["state"], "done");
    let third = crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": format!("use crew-a-delegate {}", json!({ "name": "scout", "message": "say x", "wait": LONG })), "wait": LONG })).await;
    let text = third["ok"]["text"].as_str().unwrap_or_else(|| panic!("{third}"));
    let (_, answer) = text.split_once("answered: ").unwrap();
    let answer: Value = serde_json::from_str(answer).unwrap();
    assert_eq!(answer["code"], "re-entrant", "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("`crew-a/scout` waits for the session `crew-a/scout`"), "{answer}");
}
