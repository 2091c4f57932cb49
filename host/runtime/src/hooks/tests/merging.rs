//! What several answers come to, one table for each hook: answers in order, and the sum of them.

use super::{sum, told};
use crate::hook::Hook;
use crate::hooks::*;
use crate::json::{Json, Payload};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

/// Sums of answers to one event.
fn rows<H: Hook>(event: &Value, rows: impl IntoIterator<Item = (Vec<H::Outcome>, Value)>) {
    for (answers, expected) in rows {
        let asked = serde_json::to_value(&answers).unwrap();
        assert_eq!(sum::<H>(event.clone(), answers).1, expected, "{}: {asked}", H::NAME);
    }
}

/// Which outcomes end a dispatch.
fn finals<H: Hook>(expected: impl IntoIterator<Item = (H::Outcome, bool)>) {
    for (outcome, ends) in expected {
        assert_eq!(H::is_final(&outcome), ends, "{}: {}", H::NAME, serde_json::to_value(&outcome).unwrap());
    }
}

fn j(value: Value) -> Json {
    Json::from_value(&value).unwrap()
}

fn s(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn fact(name: &str) -> Vec<(String, Json)> {
    vec![(name.to_owned(), j(json!(true)))]
}

fn question(title: &str) -> Option<Approval> {
    let patience = Duration::from_millis(5);
    let decisions = vec![ApprovalDecision::Deny];
    Some(Approval { title: title.into(), description: "d".into(), severity: Severity::Warning, patience, decisions, plugin: None })
}

fn asked(title: &str, plugin: &str) -> Value {
    json!({ "title": title, "description": "d", "severity": "warning", "patience-ms": 5, "decisions": ["deny"], "plugin": plugin })
}

#[test]
fn before_tool_call() {
    let none = ToolDecision::default;
    let params = |n: u32| ToolDecision { params: Some(j(json!({ "n": n }))), ..none() };
    let block = |why| ToolDecision { block: s(why), ..none() };
    let ask = |title| ToolDecision { approval: question(title), ..none() };
    rows::<BeforeToolCall>(
        &json!({ "tool-name": "t", "params": {} }),
        [
            (vec![], json!({})),
            (vec![none(), none()], json!({})),
            (vec![params(1), none(), params(2)], json!({ "params": { "n": 2 } })),
            (vec![ask("a"), ask("b")], json!({ "approval": asked("a", "p1") })),
            (vec![params(1), ask("a"), params(2)], json!({ "params": { "n": 1 }, "approval": asked("a", "p2") })),
            (
                vec![ToolDecision { approval: question("a"), ..params(3) }, params(4)],
                json!({ "params": { "n": 3 }, "approval": asked("a", "p1") }),
            ),
            (vec![ask("a"), block("no"), block("later"), params(1), ask("b")], json!({ "block": "no" })),
            (vec![params(1), block("no")], json!({ "params": { "n": 1 }, "block": "no" })),
            (
                vec![ToolDecision { attrs: fact("a"), ..none() }, ToolDecision { attrs: fact("b"), ..block("no") }],
                json!({ "block": "no", "attrs": { "a": true, "b": true } }),
            ),
        ],
    );
    finals::<BeforeToolCall>([(none(), false), (params(1), false), (ask("a"), false), (block(""), true)]);
    let (event, _) = sum::<BeforeToolCall>(json!({ "tool-name": "t", "params": {} }), [params(1)]);
    assert_eq!(event.params, Payload::of(&json!({})), "what one wants the others don't see");
}

#[test]
fn tool_policy() {
    let none = PolicyDecision::default;
    let params = |n: u32| PolicyDecision { params: Some(j(json!({ "n": n }))), ..none() };
    let deny = |why| PolicyDecision { deny: s(why), ..none() };
    let ask = |title| PolicyDecision { approval: question(title), ..none() };
    let event = json!({ "tool-name": "t", "params": {} });
    rows::<ToolPolicy>(
        &event,
        [
            (vec![none(), none()], json!({})),
            (vec![params(1), params(2), none()], json!({ "params": { "n": 2 } })),
            (vec![none(), ask("a"), ask("b")], json!({ "approval": asked("a", "p2") })),
            (vec![ask("a"), params(2)], json!({ "params": { "n": 2 }, "approval": asked("a", "p1") })),
            (vec![ask("a"), deny("no"), ask("b"), params(1), deny("later")], json!({ "deny": "no" })),
            (vec![PolicyDecision { attrs: fact("a"), ..none() }, none()], json!({ "attrs": { "a": true } })),
        ],
    );
    finals::<ToolPolicy>([(none(), false), (params(1), false), (ask("a"), false), (deny(""), true)]);
    let (seen, _) = sum::<ToolPolicy>(event.clone(), [params(1)]);
    assert_eq!(seen.params, Payload::of(&json!({ "n": 1 })), "those behind see it");
    assert!(!ToolPolicy::rewrite(&mut told::<ToolPolicy>(event), &mut none()));
}

#[test]
fn before_agent_run() {
    let none = RunDecision::default;
    let block = |why: &str, message| RunDecision { block: Some(RunBlock { reason: why.into(), message }), ..none() };
    rows::<BeforeAgentRun>(
        &json!({ "trigger": "user", "prompt": "", "model": "m" }),
        [
            (vec![none(), none()], json!({})),
            (vec![none(), block("a", s("m")), block("b", None)], json!({ "block": { "reason": "a", "message": "m" } })),
            (vec![block("a", None), none()], json!({ "block": { "reason": "a" } })),
            (vec![RunDecision { attrs: fact("a"), ..none() }, none()], json!({ "attrs": { "a": true } })),
        ],
    );
    finals::<BeforeAgentRun>([(none(), false), (block("", None), true)]);
}

#[test]
fn claims() {
    let reply = |text, why| ReplyClaim { taken: true, reply: text, reason: why, ..ReplyClaim::default() };
    rows::<BeforeAgentReply>(
        &json!({ "trigger": "heartbeat", "text": "" }),
        [
            (vec![ReplyClaim::default()], json!({})),
            (
                vec![ReplyClaim::default(), reply(s("a"), s("w")), reply(s("b"), None)],
                json!({ "taken": true, "reply": "a", "reason": "w" }),
            ),
            (vec![reply(None, None), reply(s("b"), s("w"))], json!({ "taken": true })),
        ],
    );
    finals::<BeforeAgentReply>([(ReplyClaim::default(), false), (reply(None, None), true)]);
    let takes = |text| DispatchClaim { taken: true, text, ..DispatchClaim::default() };
    rows::<BeforeDispatch>(
        &json!({ "text": "", "at": 1 }),
        [
            (vec![DispatchClaim::default(), takes(s("a")), takes(s("b"))], json!({ "taken": true, "text": "a" })),
            (vec![takes(None), takes(s("b"))], json!({ "taken": true })),
        ],
    );
    finals::<BeforeDispatch>([(DispatchClaim::default(), false), (takes(None), true)]);
}

#[test]
fn before_agent_finalize() {
    let wish = |action, why: Option<&str>| Finalization {
        action,
        reasons: why.map(str::to_owned).into_iter().collect(),
        ..Finalization::default()
    };
    let retry = |text: &str| Revision { instruction: text.into(), key: None, max_attempts: NonZeroU32::MIN };
    let revise = |why, text| Finalization { retries: vec![retry(text)], ..wish(Action::Revise, why) };
    let goes_on = || wish(Action::Continue, None);
    let told = |text: &str| json!({ "instruction": text, "max-attempts": 1 });
    rows::<BeforeAgentFinalize>(
        &json!({ "last-message": "", "model": "m", "revisions": 0 }),
        [
            (vec![goes_on(), goes_on()], json!({})),
            (vec![goes_on(), wish(Action::Revise, Some("a")), goes_on()], json!({ "action": "revise", "reasons": ["a"] })),
            (
                vec![revise(Some("a"), "x"), wish(Action::Continue, Some("c")), revise(None, "y"), wish(Action::Revise, Some("b"))],
                json!({ "action": "revise", "reasons": ["a", "b"], "retries": [told("x"), told("y")] }),
            ),
            (
                vec![revise(Some("a"), "x"), wish(Action::Finalize, Some("f")), revise(Some("b"), "y")],
                json!({ "action": "finalize", "reasons": ["f"] }),
            ),
            (vec![wish(Action::Continue, Some("c")), wish(Action::Revise, Some("a"))], json!({ "action": "revise", "reasons": ["a"] })),
            (
                vec![Finalization { attrs: fact("a"), ..goes_on() }, wish(Action::Finalize, None)],
                json!({ "action": "finalize", "attrs": { "a": true } }),
            ),
        ],
    );
    finals::<BeforeAgentFinalize>([(wish(Action::Finalize, None), false), (revise(None, "x"), false)]);
}

#[test]
fn texts_are_put_together() {
    let adds = |prepend: Option<&str>, append: Option<&str>| Context {
        prepend: prepend.map(str::to_owned),
        append: append.map(str::to_owned),
        ..Context::default()
    };
    let table = || {
        [
            (vec![adds(None, None)], json!({})),
            (
                vec![adds(Some("a"), None), adds(None, Some("x")), adds(Some("b"), Some("y"))],
                json!({ "prepend": "a\n\nb", "append": "x\n\ny" }),
            ),
            (
                vec![Context { attrs: fact("a"), ..adds(None, Some("x")) }, adds(None, None)],
                json!({ "append": "x", "attrs": { "a": true } }),
            ),
        ]
    };
    rows::<AgentTurnPrepare>(&json!({ "trigger": "user", "prompt": "", "injections": [] }), table());
    rows::<HeartbeatPrompt>(&json!({ "prompt": "" }), table());
}

#[test]
fn before_prompt_build() {
    let none = PromptChange::default;
    let system = |text| PromptChange { system_prompt: s(text), ..none() };
    let only =
        |names: &[&str]| PromptChange { tools_allow: Some(names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>()), ..none() };
    let all = |text: &str| PromptChange {
        prepend: Some(format!("p{text}")),
        append: Some(format!("a{text}")),
        prepend_system: Some(format!("ps{text}")),
        append_system: Some(format!("as{text}")),
        ..none()
    };
    rows::<BeforePromptBuild>(
        &json!({ "trigger": "user", "prompt": "", "tools": [] }),
        [
            (vec![none(), system("a"), system("b")], json!({ "system-prompt": "a" })),
            (vec![system(""), system("b")], json!({ "system-prompt": "" })),
            (
                vec![all("1"), none(), all("2")],
                json!({ "prepend": "p1\n\np2", "append": "a1\n\na2", "prepend-system": "ps1\n\nps2", "append-system": "as1\n\nas2" }),
            ),
            (vec![none(), only(&["b", "a"]), none()], json!({ "tools-allow": ["a", "b"] })),
            (vec![only(&["a", "b"]), only(&["b", "c"])], json!({ "tools-allow": ["b"] })),
            (vec![only(&["a"]), only(&[]), only(&["a"])], json!({ "tools-allow": [] })),
            (vec![PromptChange { attrs: fact("a"), ..none() }, none()], json!({ "attrs": { "a": true } })),
        ],
    );
}

#[test]
fn before_model_resolve() {
    let choice = |provider: Option<&str>, model: Option<&str>, thinking: Option<&str>| ModelChoice {
        provider: provider.map(str::to_owned),
        model: model.map(str::to_owned),
        thinking: thinking.map(str::to_owned),
        attrs: vec![],
    };
    rows::<BeforeModelResolve>(
        &json!({ "trigger": "user", "prompt": "", "provider": "p", "model": "m" }),
        [
            (vec![choice(None, None, None)], json!({})),
            (
                vec![
                    choice(None, Some("m1"), None),
                    choice(Some("p2"), Some("m2"), None),
                    choice(Some("p3"), None, Some("t3")),
                    choice(None, None, Some("t4")),
                ],
                json!({ "provider": "p2", "model": "m1", "thinking": "t3" }),
            ),
            (vec![ModelChoice { attrs: fact("a"), ..choice(None, None, None) }], json!({ "attrs": { "a": true } })),
        ],
    );
}

#[test]
fn before_message_write() {
    let none = WriteDecision::default;
    let content = |text: &str| WriteDecision { content: Some(j(json!(text))), ..none() };
    let block = |why| WriteDecision { block: s(why), ..none() };
    let event = json!({ "role": "user", "content": "first" });
    rows::<BeforeMessageWrite>(
        &event,
        [
            (vec![none()], json!({})),
            (vec![content("a"), none(), content("b")], json!({ "content": "b" })),
            (vec![content("a"), block("no"), content("b"), block("later")], json!({ "content": "a", "block": "no" })),
            (vec![WriteDecision { attrs: fact("a"), ..none() }, none()], json!({ "attrs": { "a": true } })),
        ],
    );
    finals::<BeforeMessageWrite>([(none(), false), (content("a"), false), (block(""), true)]);
    assert_eq!(sum::<BeforeMessageWrite>(event, [content("a"), none()]).0.content, Payload::of(&json!("a")), "those behind see it");
    let unseen = json!({ "role": "user", "content": "x".repeat(70_000) });
    let (seen, wanted) = sum::<BeforeMessageWrite>(unseen, [content("a"), block("no")]);
    assert!(matches!(seen.content, Payload::Truncated { bytes: 70_002 }), "what nobody saw whole nobody changes");
    assert_eq!(wanted, json!({ "block": "no" }));
}

#[test]
fn tool_result_persist() {
    let content = |n: u32| AnswerChange { content: Some(j(json!(n))), ..AnswerChange::default() };
    let event = json!({ "tool-name": "t", "content": 0, "synthetic": false });
    rows::<ToolResultPersist>(
        &event,
        [
            (vec![AnswerChange::default()], json!({})),
            (
                vec![content(1), AnswerChange { attrs: fact("a"), ..AnswerChange::default() }, content(2)],
                json!({ "content": 2, "attrs": { "a": true } }),
            ),
        ],
    );
    assert_eq!(sum::<ToolResultPersist>(event, [content(1)]).0.content, Payload::of(&json!(1)), "those behind see it");
    let unseen = json!({ "tool-name": "t", "content": "x".repeat(70_000), "synthetic": false });
    assert_eq!(sum::<ToolResultPersist>(unseen, [content(1)]).1, json!({}), "what nobody saw whole nobody changes");
}

#[test]
fn message_sending() {
    let none = SendDecision::default;
    let text = |text| SendDecision { text: s(text), ..none() };
    let cancel = |why| SendDecision { cancel: s(why), ..none() };
    let event = json!({ "text": "first" });
    rows::<MessageSending>(
        &event,
        [
            (vec![none()], json!({})),
            (vec![text("a"), text("b"), none()], json!({ "text": "b" })),
            (vec![text("a"), cancel("no"), text("b"), cancel("later")], json!({ "text": "a", "cancel": "no" })),
            (vec![SendDecision { attrs: fact("a"), ..none() }, none()], json!({ "attrs": { "a": true } })),
        ],
    );
    finals::<MessageSending>([(none(), false), (text("a"), false), (cancel(""), true)]);
    assert_eq!(sum::<MessageSending>(event, [text("a")]).0.text, "first", "what one wants the others don't see");
}

#[test]
fn before_install() {
    let none = InstallDecision::default;
    let finds = |text: &str| InstallDecision { findings: vec![Finding { severity: Severity::Info, text: text.into() }], ..none() };
    let block = |why| InstallDecision { block: s(why), ..none() };
    let found = |text: &str| json!({ "severity": "info", "text": text });
    rows::<BeforeInstall>(
        &json!({ "plugin": "p", "version": "1.0.0", "digest": "blake3:0", "bytes": 1, "imports": [], "exports": [], "granted": [] }),
        [
            (vec![none()], json!({})),
            (vec![finds("a"), none(), finds("b")], json!({ "findings": [found("a"), found("b")] })),
            (
                vec![finds("a"), block("no"), InstallDecision { block: s("later"), ..finds("b") }],
                json!({ "findings": [found("a"), found("b")], "block": "no" }),
            ),
            (vec![InstallDecision { attrs: fact("a"), ..none() }, none()], json!({ "attrs": { "a": true } })),
        ],
    );
    finals::<BeforeInstall>([(none(), false), (finds("a"), false), (block(""), true)]);
}
