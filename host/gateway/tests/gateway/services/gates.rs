//! The gate of installations, cleaning up, and what becomes of plugins that leave.

use crate::tools::host::{Host, toolbox};
use plugbay_gateway::runtime::state::SessionStore;
use plugbay_gateway::runtime::{Call, CleanupReason, Order, ToolCallFate};
use plugbay_gateway::tell_cleanup;
use plugbay_guests::built;
use serde_json::json;

#[tokio::test]
async fn a_gate_blocks_an_installation_and_is_named() {
    let host = Host::new();
    let gate = host.witness('a', 500, json!({ "answers": { "before-install": { "block": "it has no licence" } } })).await;
    let file = host.file("toolbox", built::TOOLBOX);
    let refused = host.plugins.load(&file, toolbox()).await.err().unwrap().to_string();
    assert!(refused.contains("witness-a") && refused.contains("it has no licence"), "{refused}");
    assert!(host.plugins.get("toolbox").is_none_or(|plugin| plugin.generation().is_none()));
    let asked = host.witnessed(&gate, "before-install").await;
    let [asked] = &asked[..] else { panic!("{asked:?}") };
    for word in ["toolbox", "1.0.0", "blake3:", "session-state", "tools"] {
        assert!(asked.contains(word), "{word}: {asked}");
    }
}

#[tokio::test]
async fn a_gate_that_faults_blocks_and_one_that_finds_something_does_not() {
    let host = Host::new();
    host.witness('a', 500, json!({ "answers": { "before-install": { "findings": [{ "text": "it is large" }] } } })).await;
    host.toolbox().await;
    let host = Host::new();
    host.witness('a', 500, json!({ "does": { "before-install": "fault" } })).await;
    let file = host.file("toolbox", built::TOOLBOX);
    let refused = host.plugins.load(&file, toolbox()).await.err().unwrap().to_string();
    assert!(refused.contains("witness-a") && refused.contains("as you asked"), "{refused}");
}

#[tokio::test]
async fn a_gate_is_not_asked_about_itself() {
    let host = Host::new();
    let blocks = json!({ "answers": { "before-install": { "block": "nobody" } } });
    host.witness('a', 500, blocks.clone()).await;
    let again = host.witness('a', 600, blocks).await;
    assert_eq!(again.generation().unwrap().number(), 2, "it was replaced");
}

#[tokio::test]
async fn all_plugins_are_told_that_a_session_is_over() {
    let host = Host::new();
    let witness = host.witness('a', 500, json!({})).await;
    tell_cleanup(&host.hooks, "s", "s-1", CleanupReason::Reset);
    host.desk.handles().deleted("s");
    tell_cleanup(&host.hooks, "s", "s-2", CleanupReason::Delete);
    let told = host.witnessed(&witness, "cleanup").await;
    assert!(matches!(&told[..], [reset, delete] if reset.contains("Reset") && delete.contains("Delete")), "{told:?}");
    assert_eq!(
        host.witnessed_sessions(&witness, "cleanup").await,
        [Some("s".to_owned()), Some("s".to_owned())],
        "also of one that is deleted"
    );
}

#[tokio::test]
async fn what_a_plugin_left_in_sessions_goes_with_it() {
    let host = Host::new();
    let plugin = host.toolbox().await;
    let session = host.session("s").await;
    let about = Call::new().session(session.clone());
    assert_eq!(host.call(&about, "remember", &json!({ "value": 1 })).await.end, ToolCallFate::Answered);
    assert_eq!(host.call(&about, "inject", &json!({ "text": "x" })).await.end, ToolCallFate::Answered);
    host.disable(&plugin).await;
    assert!(host.state.injections("s").await.unwrap().is_empty(), "disabled: what waits goes");
    assert_eq!(host.state.session("s").await.unwrap().unwrap().shown.len(), 1, "and what it keeps stays");
    host.plugins.uninstall(plugin.id().clone(), false, Order::by("test")).await.unwrap();
    assert!(host.state.session("s").await.unwrap().unwrap().shown.is_empty());
}
