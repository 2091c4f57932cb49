//! Policies and hooks before a tool, and what is told after it, from real guests.

use super::host::{Host, told};
use plugbay_gateway::ToolEnd;
use plugbay_gateway::runtime::{Call, Payload, ToolCallFate};
use serde_json::json;

async fn echo(host: &Host) -> ToolEnd {
    host.call(&Call::new().run("r"), "echo", &json!({ "said": "by the model" })).await
}

fn blocked_by(end: &ToolEnd, plugin: &str, why: &str) {
    assert_eq!((end.end, end.is_error), (ToolCallFate::Blocked, true), "{}", told(end));
    assert_eq!(end.by.as_ref().map(|by| by.as_str()), Some(plugin), "{}", told(end));
    let words = told(end).as_str().unwrap().to_owned();
    assert!(words.starts_with("the call was blocked: ") && words.contains(why), "{words}");
    assert!(end.served.is_none() && end.took.is_zero());
}

#[tokio::test]
async fn a_policy_denies_before_any_hook_is_asked() {
    let host = Host::new();
    host.toolbox().await;
    let policy = host.witness('a', 500, json!({ "answers": { "tool-policy": { "deny": "not today" } } })).await;
    let end = echo(&host).await;
    blocked_by(&end, "witness-a", "not today");
    assert_eq!(host.witnessed(&policy, "tool-policy").await.len(), 1);
    assert_eq!(host.witnessed(&policy, "before-tool-call").await.len(), 0);
}

#[tokio::test]
async fn a_hook_blocks_what_policies_let_through() {
    let host = Host::new();
    host.toolbox().await;
    let hook = host.witness('a', 500, json!({ "answers": { "before-tool-call": { "block": { "reason": "too loud" } } } })).await;
    blocked_by(&echo(&host).await, "witness-a", "too loud");
    assert_eq!(host.witnessed(&hook, "tool-policy").await.len(), 1);
}

#[tokio::test]
async fn whoever_has_no_answer_says_no() {
    for (deed, why) in [("err", "was told to fail"), ("fault", "as you asked")] {
        for hook in ["tool-policy", "before-tool-call"] {
            let host = Host::new();
            host.toolbox().await;
            host.witness('a', 500, json!({ "does": { hook: deed } })).await;
            blocked_by(&echo(&host).await, "witness-a", why);
        }
    }
}

#[tokio::test]
async fn rewrites_of_policies_are_seen_by_later_ones_and_by_hooks_and_the_last_one_reaches_the_tool() {
    let host = Host::new();
    host.toolbox().await;
    let first = host.witness('a', 900, json!({ "answers": { "tool-policy": { "params": { "said": "by a policy" } } } })).await;
    let second = host.witness('b', 100, json!({ "answers": { "before-tool-call": { "params": { "said": "by a hook" } } } })).await;
    let end = echo(&host).await;
    assert_eq!((told(&end), end.end), (json!({ "said": "by a hook" }), ToolCallFate::Answered));
    assert_eq!(end.params, Payload::of(&json!({ "said": "by a hook" })));
    assert!(host.witnessed(&first, "tool-policy").await[0].contains("by the model"));
    assert!(host.witnessed(&second, "tool-policy").await[0].contains("by a policy"));
    assert!(host.witnessed(&first, "before-tool-call").await[0].contains("by a policy"), "hooks see what policies made of it");
    assert!(host.witnessed(&second, "before-tool-call").await[0].contains("by a policy"), "and not each other's rewrites");
}

#[tokio::test]
async fn arguments_that_a_plugin_made_are_checked_as_the_models_are() {
    let host = Host::new();
    host.toolbox().await;
    host.witness('a', 500, json!({ "answers": { "before-tool-call": { "params": { "a": 1 } } } })).await;
    let end = host.call(&Call::new(), "add", &json!({ "a": 1, "b": 2 })).await;
    assert_eq!(end.end, ToolCallFate::Failed);
    assert!(told(&end).as_str().unwrap().contains("\"b\" is a required property"), "{}", told(&end));
    let mended = Host::new();
    mended.toolbox().await;
    mended.witness('a', 500, json!({ "answers": { "tool-policy": { "params": { "a": 1, "b": 5 } } } })).await;
    assert_eq!(told(&mended.call(&Call::new(), "add", &json!({ "a": 1 })).await), json!(6), "what counts is what the tool gets");
}

#[tokio::test]
async fn what_is_no_object_never_reaches_the_tool() {
    for hook in ["tool-policy", "before-tool-call"] {
        for params in [json!([1]), json!("text"), json!(7)] {
            let host = Host::new();
            host.toolbox().await;
            host.witness('a', 500, json!({ "answers": { hook: { "params": params } } })).await;
            blocked_by(&echo(&host).await, "witness-a", "params");
        }
    }
}

#[tokio::test]
async fn observers_hear_of_every_end() {
    let host = Host::new();
    host.toolbox().await;
    let witness = host.witness('a', 500, json!({ "answers": { "tool-policy": [null, null, null, { "deny": "no" }] } })).await;
    for (tool, arguments) in [("add", json!({ "a": 1, "b": 2 })), ("fail", json!({})), ("add", json!([])), ("unheard-of", json!({}))] {
        host.call(&Call::new(), tool, &arguments).await;
    }
    host.call(&Call::new(), "echo", &json!({ "n": 1 })).await;
    host.call(&Call::new(), "echo", &json!({ "n": 2 })).await;
    let ends: Vec<_> = host.witnessed(&witness, "after-tool-call").await;
    let expected =
        [("add", "Answered"), ("fail", "Failed"), ("add", "Failed"), ("unheard-of", "Failed"), ("echo", "Answered"), ("echo", "Blocked")];
    assert_eq!(ends.len(), expected.len(), "{ends:#?}");
    for (told, (tool, end)) in ends.iter().zip(expected) {
        assert!(told.contains(&format!("{tool:?}")) && told.contains(end), "{tool} {end}: {told}");
    }
}

#[tokio::test]
async fn a_tool_that_nobody_may_call_because_its_guard_is_away_is_refused() {
    let host = Host::new();
    host.toolbox().await;
    let guard = host.witness('a', 500, json!({ "fault-every": 1 })).await;
    for _ in 0..20 {
        let end = echo(&host).await;
        assert_eq!((end.end, end.by.as_ref().map(|by| by.as_str())), (ToolCallFate::Blocked, Some("witness-a")), "{}", told(&end));
    }
    host.disable(&guard).await;
    let end = echo(&host).await;
    assert_eq!((end.end, told(&end)), (ToolCallFate::Answered, json!({ "said": "by the model" })), "disabled, it guards nothing");
}
