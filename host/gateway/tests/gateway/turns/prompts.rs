//! What the model is told: plugins' texts around what was said, for this turn only.

use super::stage::{Stage, settings};
use plugbay_gateway::GatewaySettings;
use serde_json::{Value, json};

#[tokio::test]
async fn what_plugins_add_is_for_this_turn_only_and_kept_beside() {
    let stage = Stage::started().await;
    let config = json!({ "answers": {
        "agent-turn-prepare": [{ "prepend-context": "weather: rain", "append-context": "be brief" }],
        "before-prompt-build": [{ "prepend-context": "time: noon", "append-context": "be kind" }],
    } });
    stage.witness('a', config).await;
    let shown = stage.answer("s", "show messages").await;
    let messages: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(messages[0]["text"], "weather: rain\n\ntime: noon\n\nshow messages\n\nbe brief\n\nbe kind");
    let entry = &stage.transcript("s").await[0];
    assert_eq!(entry.content, json!("show messages"));
    assert_eq!(entry.meta["added"], json!({ "prepend": ["weather: rain", "time: noon"], "append": ["be brief", "be kind"] }));

    let messages: Value = serde_json::from_str(&stage.answer("s", "show messages").await).unwrap();
    assert_eq!((&messages[0]["text"], &messages[2]["text"]), (&json!("show messages"), &json!("show messages")));
}

#[tokio::test]
async fn instructions_tools_and_model_are_as_plugins_want_them() {
    let stage = Stage::started_with(GatewaySettings { system_prompt: Some("be useful".into()), ..settings() }).await;
    let config = json!({ "answers": {
        "before-prompt-build": { "prepend-system-context": "above", "append-system-context": "below", "tools-allow": ["add", "echo", "no-such"] },
        "before-model-resolve": { "thinking": "hard" },
    } });
    stage.witness('a', config).await;
    stage.toolbox().await;
    assert_eq!(stage.answer("s", "show system").await, "above\n\nbe useful\n\nbelow");
    assert_eq!(stage.answer("s", "show tools").await, "add, echo");
    assert!(stage.answer("s", "show model").await.ends_with("thinking hard"));
    // What isn't offered can't be called either.
    assert!(stage.answer("s", "use witness {}").await.contains("there is no tool `witness`"));
}

#[tokio::test]
async fn a_model_that_there_is_not_fails_the_turn_and_says_so() {
    let stage = Stage::started().await;
    stage.witness('a', json!({ "answers": { "before-model-resolve": { "model": "huge" } } })).await;
    let error = stage.said("s", "say hello").await.error.unwrap();
    assert!(error.contains("`huge`") && error.contains("configured"), "{error}");
    assert_eq!(stage.words("s").await, ["system: This turn failed, so there is no answer."]);
}
