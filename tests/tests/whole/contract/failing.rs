//! A plugin without an answer, at every hook that plugins answer: it counts as a no where the hook fails closed, and is passed over everywhere else.
//!
//! `witness-a` answers an error, faults, or never ends; `witness-b`, behind it, wants something. What is asked about is made up: hooks can be fired without turns.

use crate::agents::{Ground, Stage, witness};
use plugbay_gateway::{InJson, Said};
use plugbay_guests::builds;
use plugbay_runtime::{Call, HOOKS, HookInfo, Mode, Settings};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// For each hook: an event, and what `witness-b` wants then.
fn table() -> Vec<(&'static str, Value, Value)> {
    let context = json!({ "prepend-context": "before", "append-context": "behind" });
    let install =
        json!({ "plugin": "p", "version": "1.0.0", "digest": "blake3:00", "bytes": 1, "imports": [], "exports": [], "granted": [] });
    vec![
        ("before-agent-run", json!({ "trigger": "user", "prompt": "p", "model": "m" }), json!({ "block": { "reason": "b" } })),
        ("before-tool-call", json!({ "tool-name": "t", "params": {} }), json!({ "params": { "b": 1 } })),
        ("before-install", install, json!({ "findings": [{ "text": "b" }] })),
        ("tool-policy", json!({ "tool-name": "t", "params": {} }), json!({ "params": { "b": 1 } })),
        ("before-agent-reply", json!({ "trigger": "user", "text": "t" }), json!({ "reply": "b" })),
        ("before-agent-finalize", json!({ "last-message": "l", "model": "m", "revisions": 0 }), json!({ "action": "finalize" })),
        ("before-model-resolve", json!({ "trigger": "user", "prompt": "p", "provider": "o", "model": "m" }), json!({ "model": "b" })),
        ("before-dispatch", json!({ "text": "t", "at": 1 }), json!({ "text": "b" })),
        ("agent-turn-prepare", json!({ "trigger": "user", "prompt": "p", "injections": [] }), context.clone()),
        ("before-prompt-build", json!({ "trigger": "user", "prompt": "p", "tools": ["t"] }), json!({ "tools-allow": ["t"] })),
        ("heartbeat-prompt", json!({ "prompt": "p" }), context),
        ("before-message-write", json!({ "role": "user", "content": "c" }), json!({ "content": "b" })),
        ("tool-result-persist", json!({ "tool-name": "t", "content": 1, "synthetic": false }), json!({ "content": "b" })),
        ("message-sending", json!({ "text": "t" }), json!({ "text": "b" })),
    ]
}

fn asked() -> impl Iterator<Item = &'static HookInfo> {
    HOOKS.iter().filter(|hook| matches!(hook.mode, Mode::Modify | Mode::Claim | Mode::Gate))
}

/// A host with `witness-b`, and with `witness-a` before it if that is to do something.
async fn stage(ground: &Ground, deed: Option<&str>) -> Stage {
    let stage = ground.stage();
    let answers: Map<_, _> = table().into_iter().map(|(hook, _, answer)| (hook.to_owned(), answer)).collect();
    stage.witness('b', 100, json!({ "record": false, "answers": answers })).await;
    if let Some(deed) = deed {
        let does: Map<_, _> =
            asked().filter(|hook| hook.name != "before-install").map(|hook| (hook.name.to_owned(), json!(deed))).collect();
        let mut settings = witness(json!({ "record": false, "does": does }));
        settings.config["does"]["before-install"] = json!(deed);
        let budgets = asked().map(|hook| (hook.name.to_owned(), Duration::from_millis(100))).collect();
        stage.load("witness-a", &builds::witness('a', 900).unwrap(), Settings { budgets, ..settings }).await;
    }
    stage
}

async fn fired(stage: &Stage, hook: &str, event: Value) -> InJson {
    stage.gateway.hooks().fire_in_json(hook, &Call::new(), event).await.unwrap()
}

#[test]
fn every_hook_that_is_answered_is_in_the_table() {
    let mut names: Vec<_> = table().iter().map(|(hook, ..)| *hook).collect();
    let mut expected: Vec<_> = asked().map(|hook| hook.name).collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    let closed: Vec<_> = asked().filter(|hook| hook.fails_closed).map(|hook| hook.name).collect();
    assert_eq!(closed, ["before-agent-run", "before-tool-call", "before-install", "tool-policy"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn error_fault_and_time_out_say_no_at_four_hooks_and_nothing_at_the_others() {
    let ground = Ground::new();
    let alone = stage(&ground, None).await;
    for (deed, code) in [("err", "failed"), ("fault", "fault"), ("hang", "fault")] {
        let both = stage(&ground, Some(deed)).await;
        for (hook, event, _) in table() {
            let info = asked().find(|info| info.name == hook).unwrap();
            let found = fired(&both, hook, event.clone()).await;
            let [first, rest @ ..] = &found.receipt.ran[..] else { panic!("{deed} {hook}: {found:?}") };
            let failure = match &first.said {
                Said::Refused(failure) if info.fails_closed => failure,
                Said::Failed(failure) if !info.fails_closed => failure,
                other => panic!("{deed} {hook}: {other:?}"),
            };
            assert_eq!((first.plugin.as_str(), failure.code), ("witness-a", code), "{hook}");
            if info.fails_closed {
                assert_eq!((found.by.as_ref().map(|by| by.as_str()), rest.len()), (Some("witness-a"), 0), "{deed} {hook}: {found:?}");
                assert!(found.outcome.unwrap().to_string().contains("witness-a"), "{deed} {hook}");
            } else {
                let expected = fired(&alone, hook, event).await;
                assert!(matches!(expected.receipt.ran[0].said, Said::Wants(_) | Said::Ended(_)), "{hook}: {expected:?}");
                assert_eq!((found.outcome, found.by), (expected.outcome, expected.by), "{deed} {hook}: what the other wants counts");
            }
        }
    }
}
