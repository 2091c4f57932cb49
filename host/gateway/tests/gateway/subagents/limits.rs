//! How many there may be: each refusal says how many of what, and which setting changes it.

use super::stage::Crews;
use plugbay_gateway::SubagentsSettings;
use serde_json::{Value, json};

fn refused(answer: &Value, setting: &str, number: &str) {
    let message = answer["message"].as_str().unwrap_or_default();
    assert_eq!(answer["code"], "limit-exceeded", "{answer}");
    assert!(message.contains(&format!("`{setting}`")) && message.contains(number), "{answer}");
}

fn order(name: &str) -> Value {
    json!({ "name": name, "message": "say x", "wait": 20_000 })
}

#[tokio::test]
async fn a_plugin_has_so_many() {
    let crews = Crews::with("ab", SubagentsSettings { each_plugin: 2, ..SubagentsSettings::default() }).await;
    for name in ["one", "two", "one"] {
        assert_eq!(crews.act("main", "crew-a-delegate", order(name)).await["ok"]["state"], "done");
    }
    refused(&crews.act("main", "crew-a-delegate", order("three")).await, "agent.subagents.each-plugin", "2 may be");
    assert!(!crews.exists("crew-a/three").await);
    assert_eq!(crews.act("main", "crew-b-delegate", order("three")).await["ok"]["state"], "done", "another plugin has its own");
    assert_eq!(crews.act("main", "crew-a-delete", json!({ "name": "one" })).await, json!({ "ok": true }));
    assert_eq!(crews.act("main", "crew-a-delegate", order("three")).await["ok"]["state"], "done");
}

#[tokio::test]
async fn so_many_runs_are_under_way() {
    let crews = Crews::with("a", SubagentsSettings { at_once: 2, ..SubagentsSettings::default() }).await;
    crews.held("main", "one").await;
    crews.held("main", "one").await;
    refused(&crews.act("main", "crew-a-run", json!({ "name": "two", "message": "say x" })).await, "agent.subagents.at-once", "2 may be");
    assert_eq!(crews.noted().await, ["crew-a/one"], "one that doesn't start isn't there");
    crews.model.lets_go(2);
    loop {
        let answer = crews.act("main", "crew-a-run", json!({ "name": "two", "message": "say x" })).await;
        if answer["ok"].is_object() {
            break;
        }
        refused(&answer, "agent.subagents.at-once", "2 may be");
    }
}

#[tokio::test]
async fn so_deep_they_go() {
    let crews = Crews::with("a", SubagentsSettings { depth: 2, ..SubagentsSettings::default() }).await;
    let nested =
        |message: String, name: &str| format!("use crew-a-delegate {}", json!({ "name": name, "message": message, "wait": 20_000 }));
    let third = nested("say deep".into(), "third");
    let second = nested(third, "second");
    let first = crews.stage.answer("main", &nested(second, "first")).await;
    assert!(first.contains("3 deep, 2 may be (setting `agent.subagents.depth`)"), "{first}");
    assert_eq!(crews.noted().await, ["crew-a/first", "crew-a/second"]);
    // One that is there already is no way round it.
    crews.act("main", "crew-a-delegate", order("third")).await;
    let first = crews.stage.answer("main", &nested(nested(nested("say deep".into(), "third"), "second"), "first")).await;
    assert!(first.contains("3 deep, 2 may be"), "{first}");
}
