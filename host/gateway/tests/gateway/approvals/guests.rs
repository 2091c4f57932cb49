//! Questions that real guests ask before a tool is called, and what they are told about them.

use crate::tools::host::{Host, told};
use plugbay_gateway::runtime::{Call, Payload, Resolution, Session, ToolCallFate};
use plugbay_gateway::{ApprovalAnswer, ApprovalsSettings, PendingApproval, ToolEnd};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinHandle;

fn question(title: &str) -> Value {
    json!({ "title": title, "description": "what there is to know" })
}

/// Calls `echo`, in a task of its own.
fn echo(host: &Arc<Host>) -> JoinHandle<ToolEnd> {
    let host = host.clone();
    let call = Call::new().session(Session::new("s", "s-1")).run("r");
    tokio::spawn(async move { host.call(&call, "echo", &json!({ "said": "by the model" })).await })
}

/// The question that waits, once one does.
async fn asked(host: &Host) -> Arc<PendingApproval> {
    loop {
        if let [question] = &host.approvals.pending()[..] {
            return question.clone();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_approval_lets_the_call_through_and_the_plugin_is_told() {
    let host = Arc::new(Host::new());
    let toolbox = host.toolbox().await;
    let witness = host.witness('a', 500, json!({ "answers": { "before-tool-call": { "approval": question("really?") } } })).await;
    let other = host.witness('b', 400, json!({})).await;
    let end = echo(&host);
    let waiting = asked(&host).await;
    assert_eq!((waiting.plugin.as_str(), waiting.title.as_str(), waiting.tool.as_str()), ("witness-a", "really?", "echo"));
    assert_eq!((waiting.session.as_deref(), waiting.run.as_deref(), waiting.call_id.as_deref()), (Some("s"), Some("r"), Some("c1")));
    assert_eq!(waiting.params, json!({ "said": "by the model" }));
    let calls = || toolbox.generation().unwrap().counted().find(|(hook, _)| *hook == "tools").unwrap().1.calls;
    assert_eq!(calls(), 0);

    host.approvals.resolve(&waiting.id, ApprovalAnswer::AllowAlways, "ann").unwrap();
    let end = end.await.unwrap();
    assert_eq!((end.end, told(&end)), (ToolCallFate::Answered, json!({ "said": "by the model" })));
    assert_eq!(end.asked.iter().map(|s| (s.resolution, s.by.as_deref())).collect::<Vec<_>>(), [(Resolution::AllowAlways, Some("ann"))]);
    let heard = host.witnessed(&witness, "approvals").await;
    let [heard] = &heard[..] else { panic!("{heard:?}") };
    for word in [&*waiting.id, "really?", "echo", "AllowAlways", "ann"] {
        assert!(heard.contains(word), "{word}: {heard}");
    }
    assert!(host.witnessed(&other, "approvals").await.is_empty(), "it is nobody else's");
}

#[tokio::test]
async fn a_denial_blocks_the_call() {
    let host = Arc::new(Host::new());
    host.toolbox().await;
    let witness = host.witness('a', 500, json!({ "answers": { "tool-policy": { "approval": question("really?") } } })).await;
    let end = echo(&host);
    host.approvals.resolve(&asked(&host).await.id, ApprovalAnswer::Deny, "bob").unwrap();
    let end = end.await.unwrap();
    assert_eq!((end.end, end.by.as_ref().map(|by| by.as_str())), (ToolCallFate::Blocked, Some("witness-a")));
    assert!(told(&end).as_str().unwrap().contains("denied by bob"), "{}", told(&end));
    assert!(host.witnessed(&witness, "approvals").await[0].contains("Deny"));
    assert_eq!(host.witnessed(&witness, "after-tool-call").await.len(), 1);
}

#[tokio::test]
async fn a_block_that_comes_later_beats_a_question_and_nobody_is_asked() {
    for (asks, blocks) in [
        (
            json!({ "answers": { "before-tool-call": { "approval": question("?") } } }),
            json!({ "answers": { "before-tool-call": { "block": { "reason": "no" } } } }),
        ),
        (json!({ "answers": { "tool-policy": { "approval": question("?") } } }), json!({ "answers": { "tool-policy": { "deny": "no" } } })),
        (
            json!({ "answers": { "tool-policy": { "approval": question("?") } } }),
            json!({ "answers": { "before-tool-call": { "block": { "reason": "no" } } } }),
        ),
    ] {
        let host = Arc::new(Host::new());
        host.toolbox().await;
        host.witness('a', 900, asks).await;
        host.witness('b', 100, blocks).await;
        let mut watch = host.approvals.watch();
        let end = echo(&host).await.unwrap();
        assert_eq!((end.end, end.by.as_ref().map(|by| by.as_str())), (ToolCallFate::Blocked, Some("witness-b")), "{}", told(&end));
        assert!(end.asked.is_empty() && watch.try_recv().is_err());
    }
}

#[tokio::test]
async fn a_policys_question_comes_before_a_hooks_and_a_no_to_it_is_enough() {
    let asks = || json!({ "answers": { "tool-policy": { "approval": question("policy?") }, "before-tool-call": { "approval": question("hook?") } } });
    let host = Arc::new(Host::new());
    host.toolbox().await;
    host.witness('a', 500, asks()).await;
    let end = echo(&host);
    for title in ["policy?", "hook?"] {
        let waiting = asked(&host).await;
        assert_eq!(waiting.title, title);
        host.approvals.resolve(&waiting.id, ApprovalAnswer::AllowOnce, "ann").unwrap();
    }
    let end = end.await.unwrap();
    assert_eq!((end.end, end.asked.len()), (ToolCallFate::Answered, 2));

    let end = echo(&host);
    host.approvals.resolve(&asked(&host).await.id, ApprovalAnswer::Deny, "ann").unwrap();
    let end = end.await.unwrap();
    assert_eq!((end.end, end.asked.len()), (ToolCallFate::Blocked, 1), "the second isn't asked");
}

#[tokio::test]
async fn arguments_are_frozen_from_the_first_question_on() {
    let rewrites = |to: &str| json!({ "answers": { "before-tool-call": { "params": { "said": to } } } });
    for (name, asks) in [
        ("a hook", json!({ "answers": { "before-tool-call": { "params": { "said": "as asked" }, "approval": question("?") } } })),
        ("a policy", json!({ "answers": { "tool-policy": { "params": { "said": "as asked" }, "approval": question("?") } } })),
    ] {
        let host = Arc::new(Host::new());
        host.toolbox().await;
        host.witness('a', 900, asks).await;
        host.witness('b', 100, rewrites("behind the person's back")).await;
        let end = echo(&host);
        let waiting = asked(&host).await;
        assert_eq!(waiting.params, json!({ "said": "as asked" }), "{name}");
        host.approvals.resolve(&waiting.id, ApprovalAnswer::AllowOnce, "ann").unwrap();
        let end = end.await.unwrap();
        assert_eq!(
            (told(&end), end.params.clone()),
            (json!({ "said": "as asked" }), Payload::of(&json!({ "said": "as asked" }))),
            "{name}"
        );
    }
}

#[tokio::test]
async fn nobody_is_asked_about_arguments_that_the_tool_does_not_take() {
    let host = Arc::new(Host::new());
    host.toolbox().await;
    host.witness('a', 500, json!({ "answers": { "before-tool-call": { "approval": question("?") } } })).await;
    let end = host.call(&Call::new(), "add", &json!({ "a": 1 })).await;
    assert_eq!((end.end, end.asked.len()), (ToolCallFate::Failed, 0));
}

#[tokio::test]
async fn a_turn_that_is_cancelled_cancels_its_question_and_the_plugin_is_told() {
    let host = Arc::new(Host::new());
    host.toolbox().await;
    let witness = host.witness('a', 500, json!({ "answers": { "before-tool-call": { "approval": question("?") } } })).await;
    let end = echo(&host);
    asked(&host).await;
    end.abort();
    assert!(end.await.is_err());
    assert!(host.approvals.pending().is_empty());
    assert!(host.witnessed(&witness, "approvals").await[0].contains("Cancelled"));
    assert!(host.witnessed(&witness, "after-tool-call").await[0].contains("given up"));
}

#[tokio::test]
async fn where_nobody_answers_the_plugin_is_told_at_once() {
    let host = Arc::new(Host::with(ApprovalsSettings { asked: false, ..ApprovalsSettings::default() }));
    host.toolbox().await;
    let witness = host.witness('a', 500, json!({ "answers": { "before-tool-call": { "approval": question("?") } } })).await;
    let end = echo(&host).await.unwrap();
    assert_eq!(end.end, ToolCallFate::Blocked);
    assert!(told(&end).as_str().unwrap().contains("setting `agent.approvals`"), "{}", told(&end));
    let heard = host.witnessed(&witness, "approvals").await;
    assert!(heard[0].contains("Deny") && heard[0].contains("setting `agent.approvals`"), "{heard:?}");
}

#[tokio::test]
async fn a_host_that_starts_again_tells_the_plugin_that_its_question_is_cancelled() {
    use plugbay_gateway::runtime::state::SessionStore;
    let host = Arc::new(Host::new());
    host.toolbox().await;
    let witness = host.witness('a', 500, json!({ "answers": { "before-tool-call": { "approval": question("really?") } } })).await;
    let end = echo(&host);
    let id = asked(&host).await.id.clone();
    let (_, questions) = host.state.recover().await.unwrap();
    host.approvals.abandoned(&questions[0], "the host stopped while it waited");
    let heard = host.witnessed(&witness, "approvals").await;
    for word in [&*id, "really?", "echo", "c1", "Cancelled", "the host stopped while it waited"] {
        assert!(heard[0].contains(word), "{word}: {heard:?}");
    }
    end.abort();
}
