//! Events: decoded by the names of `wit/`, refused with any other, and cut down to a size where they are too large.

use super::told;
use crate::hook::{Fired, HOOKS, Hook};
use crate::hooks::*;
use crate::json::{BYTES, Payload};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A hook's name, an event of it with all its fields, and whether one is decoded.
type Sample = (&'static str, Value, fn(Value) -> Result<(), String>);

fn sample<H: Hook>(event: Value) -> Sample {
    (H::NAME, event, |event| serde_json::from_value::<H::Event>(event).map(|event| drop(Fired::<H>::new(event))).map_err(|e| e.to_string()))
}

fn turns() -> Vec<Sample> {
    let injection = json!({ "id": "i", "plugin": "p", "text": "t", "placement": "append" });
    vec![
        sample::<BeforeAgentRun>(json!({ "trigger": "user", "prompt": "p", "system-prompt": "s", "model": "m" })),
        sample::<BeforeAgentReply>(json!({ "trigger": "heartbeat", "text": "t" })),
        sample::<BeforeAgentFinalize>(json!({ "last-message": "l", "model": "m", "revisions": 1 })),
        sample::<AgentEnd>(json!({ "success": false, "error": "e", "duration-ms": 1 })),
        sample::<AgentEvents>(json!({ "topic": "tool", "number": 1, "at": 2, "data": {} })),
        sample::<AgentTurnPrepare>(json!({ "trigger": "schedule", "prompt": "p", "injections": [injection] })),
        sample::<HeartbeatPrompt>(json!({ "prompt": "p" })),
        sample::<BeforePromptBuild>(json!({ "trigger": "action", "prompt": "p", "system-prompt": "s", "tools": ["t"] })),
        sample::<BeforeModelResolve>(json!({ "trigger": "subagent", "prompt": "p", "provider": "o", "model": "m" })),
        sample::<ModelCallStarted>(json!({ "call": 1, "provider": "o", "model": "m", "messages": 2, "tools": 3 })),
        sample::<ModelCallEnded>(json!({
            "call": 1, "provider": "o", "model": "m", "end": "cancelled", "failure": "f", "duration-ms": 1, "first-piece-ms": 1
        })),
        sample::<LlmInput>(json!({
            "call": 1, "provider": "o", "model": "m", "prompt": "p", "system-prompt": "s", "history": 1, "tools": ["t"]
        })),
        sample::<LlmOutput>(json!({
            "call": 1, "provider": "o", "model": "m", "text": "t", "tool-calls": ["t"], "usage": { "input": 1, "output": null }
        })),
    ]
}

fn tools() -> Vec<Sample> {
    vec![
        sample::<Tools>(json!({ "name": "t", "params": {}, "tool-call-id": "c" })),
        sample::<SessionActions>(json!({ "action": "a", "params": {} })),
        sample::<Commands>(json!({ "name": "c", "args": "" })),
        sample::<ToolPolicy>(json!({ "tool-name": "t", "params": {}, "tool-call-id": "c" })),
        sample::<BeforeToolCall>(json!({ "tool-name": "t", "params": {}, "tool-call-id": "c" })),
        sample::<AfterToolCall>(json!({
            "tool-name": "t", "params": {}, "tool-call-id": "c", "end": "blocked", "answer": 1, "duration-ms": 1
        })),
        sample::<ToolResultPersist>(json!({ "tool-name": "t", "tool-call-id": "c", "content": [], "synthetic": true })),
        sample::<Approvals>(json!({
            "id": "i", "title": "t", "tool-name": "t", "tool-call-id": "c", "resolution": "timed-out", "by": "b"
        })),
    ]
}

fn messages() -> Vec<Sample> {
    vec![
        sample::<MessageReceived>(json!({ "message-id": "m", "text": "t", "at": 1 })),
        sample::<BeforeDispatch>(json!({ "message-id": "m", "text": "t", "at": 1 })),
        sample::<BeforeMessageWrite>(json!({ "role": "tool", "content": "c", "tool-call-id": "c" })),
        sample::<MessageSending>(json!({ "text": "t" })),
        sample::<MessageSent>(json!({ "text": "t", "error": "e", "at": 1 })),
    ]
}

fn others() -> Vec<Sample> {
    vec![
        sample::<SessionStart>(json!({ "previous": "p" })),
        sample::<SessionEnd>(json!({ "reason": "shutdown", "messages": 1, "duration-ms": 1, "next": "n" })),
        sample::<BeforeReset>(json!({ "messages": 1 })),
        sample::<BeforeCompaction>(json!({ "messages": 1, "tokens": 2, "forced": true })),
        sample::<AfterCompaction>(json!({ "tokens-before": 2, "tokens-after": 1, "summarised": 1 })),
        sample::<SessionProjection>(json!({ "namespace": "n", "state": {} })),
        sample::<SubagentSpawned>(json!({ "child-key": "k", "child-run": "r" })),
        sample::<SubagentEnded>(json!({ "child-key": "k", "child-run": "r", "end": "timed-out", "error": "e" })),
        sample::<GatewayStart>(json!({ "version": "v" })),
        sample::<GatewayStop>(json!({ "reason": "r" })),
        sample::<Timers>(json!({ "job": "j", "name": "n", "tag": "t", "payload": {}, "due-at": 1, "next-at": 2 })),
        sample::<JobChanged>(json!({ "job": "j", "change": "finished", "next-at": 1, "error": "e" })),
        sample::<Cleanup>(json!({ "reason": "restart" })),
        sample::<BeforeInstall>(json!({
            "plugin": "p", "version": "1.0.0", "digest": "d", "replaces": "0.9.0", "bytes": 1, "imports": ["log"], "exports": ["plugin"],
            "granted": ["state"]
        })),
    ]
}

fn engine() -> Vec<Sample> {
    let entry = json!({ "id": 1, "role": "user", "at": 2, "content": "c", "tool-call-id": null });
    vec![
        sample::<ContextIngest>(json!({ "entries": [entry], "heartbeat": false })),
        sample::<ContextAssemble>(json!({
            "budget": 1, "call": 1, "model": "m", "prompt": "p", "tools": ["t"], "heartbeat": true
        })),
        sample::<ContextCompact>(json!({ "reason": "overflow", "forced": true, "budget": 1, "tokens": 2, "instructions": "i" })),
        sample::<ContextBootstrap>(json!({ "entries": 1 })),
        sample::<ContextTurn>(json!({ "turn-key": "r", "heartbeat": false, "budget": 1, "tokens": 2 })),
        sample::<ContextMaintain>(json!({ "moment": "closing" })),
        sample::<ContextSpawn>(json!({ "child-key": "k" })),
        sample::<ContextSpawnEnd>(json!({ "child-key": "k", "ticket": "t", "end": "rolled-back" })),
        sample::<ContextDispose>(json!({})),
    ]
}

fn samples() -> Vec<Sample> {
    [turns(), tools(), messages(), others(), engine()].concat()
}

/// The fields of an interface's `record event`, and which of them may be left out.
fn fields(interface: &str) -> BTreeSet<(String, bool)> {
    let path = format!("{}/wit/{interface}.wit", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let record = text.split("record event {").nth(1).and_then(|rest| rest.split('}').next()).unwrap();
    let fields = record.lines().map(str::trim).filter(|line| !line.starts_with("///")).filter_map(|line| line.split_once(": "));
    fields.map(|(name, ty)| (name.to_owned(), ty.starts_with("option<") || name == "attrs")).collect()
}

#[test]
fn every_hook_has_a_sample() {
    let sampled: Vec<&str> = samples().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(sampled.iter().copied().collect::<BTreeSet<_>>(), HOOKS.iter().map(|h| h.name).collect());
    assert_eq!(sampled.len(), HOOKS.len());
}

#[test]
fn events_have_the_fields_of_the_contract_and_no_others() {
    for (hook, event, decode) in samples() {
        let Value::Object(mut event) = event else { panic!("{hook}: an event is an object") };
        event.insert("attrs".into(), json!({ "fact": 1 }));
        let fields = fields(hook);
        assert_eq!(event.keys().collect::<BTreeSet<_>>(), fields.iter().map(|(name, _)| name).collect(), "{hook}");
        assert_eq!(decode(event.clone().into()), Ok(()), "{hook}");
        let without = |field: &str| event.clone().into_iter().filter(|(name, _)| name != field).collect::<Map<_, _>>();
        for (field, optional) in &fields {
            assert_eq!(decode(without(field).into()).is_ok(), *optional, "{hook} without {field}");
        }
        event.insert("other".into(), json!(1));
        assert!(decode(event.into()).unwrap_err().contains("unknown field `other`"), "{hook}");
    }
}

#[test]
fn what_is_too_large_goes_as_its_size() {
    let lowered = |text: String| format!("{:?}", MessageReceived::lower(Message { id: None, text, at: 1, attrs: vec![] }));
    assert!(lowered("x".repeat(BYTES)).contains("Text::Whole"));
    assert!(lowered("x".repeat(BYTES + 1)).contains(&format!("Text::Truncated(Truncated {{ bytes: {} }})", BYTES + 1)));
    let system = json!({ "trigger": "user", "prompt": "p", "system-prompt": "x".repeat(BYTES + 1), "model": "m" });
    let system = format!("{:?}", BeforeAgentRun::lower(told::<BeforeAgentRun>(system)));
    assert!(system.contains("Text::Whole(\"p\")") && system.contains("Text::Truncated"), "{system}");
    let params = json!({ "tool-name": "t", "params": { "a": "x".repeat(BYTES) } });
    let large = told::<BeforeToolCall>(params.clone());
    assert_eq!(
        BeforeToolCall::unseen(&large).map(|unseen| (unseen.field, unseen.bytes)),
        Some(("params", params["params"].to_string().len() as u64))
    );
    assert!(format!("{:?}", BeforeToolCall::lower(large)).contains("Payload::Truncated"));
    let policy = |params: Value| ToolPolicy::unseen(&told::<ToolPolicy>(json!({ "tool-name": "t", "params": params })));
    assert_eq!(policy(json!({ "a": "x".repeat(BYTES) })).map(|unseen| unseen.field), Some("params"));
    assert_eq!(policy(json!({})), None);
    let written = Written { role: crate::Role::User, content: Payload::Truncated { bytes: 1 }, tool_call_id: None, attrs: vec![] };
    assert_eq!(BeforeMessageWrite::unseen(&written), None, "it is written all the same");
}

#[test]
fn choices_are_held_against_the_tool_or_the_topic() {
    fn subject<H: Hook>(event: Value) -> Option<String> {
        assert!(H::SUBJECT.is_some(), "{}", H::NAME);
        H::subject(&told::<H>(event)).map(str::to_owned)
    }
    let subjects = [
        subject::<ToolPolicy>(json!({ "tool-name": "t", "params": {} })),
        subject::<BeforeToolCall>(json!({ "tool-name": "t", "params": {} })),
        subject::<AfterToolCall>(json!({ "tool-name": "t", "params": {}, "end": "failed", "answer": null, "duration-ms": 0 })),
        subject::<ToolResultPersist>(json!({ "tool-name": "t", "content": null, "synthetic": false })),
        subject::<AgentEvents>(json!({ "topic": "t", "number": 1, "at": 1, "data": null })),
    ];
    assert_eq!(subjects, std::array::from_fn(|_| Some("t".to_owned())));
    assert_eq!(HOOKS.iter().filter(|hook| hook.subject.is_some()).count(), subjects.len(), "and no other has one");
}

#[test]
fn a_gate_isnt_asked_about_itself() {
    let event = json!({ "plugin": "p", "version": "1.0.0", "digest": "d", "bytes": 1, "imports": [], "exports": [], "granted": [] });
    assert_eq!(BeforeInstall::about(&told::<BeforeInstall>(event)), Some("p"));
}

/// Modes, and what is more than the contract's documentation says in numbers: seconds for a call.
#[test]
fn modes_and_budgets_are_those_of_the_contract() {
    for hook in HOOKS {
        let path = format!("{}/wit/{}.wit", env!("CARGO_MANIFEST_DIR"), hook.name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}")).replace("\n/// ", " ");
        let said = text.split("interface ").next().unwrap_or_default();
        let budget = ["Budget: ", "budget ("].iter().find_map(|before| said.split(before).nth(1)?.split(" s").next()?.parse().ok());
        assert_eq!(budget, Some(hook.budget.as_secs()), "{}", hook.name);
        let answers = text.contains("result<option<outcome>, string>");
        assert_eq!(
            matches!(hook.mode, crate::hook::Mode::Modify | crate::hook::Mode::Gate | crate::hook::Mode::Claim),
            answers,
            "{}",
            hook.name
        );
        let closed = ["blocks the turn.", "blocks the call.", "blocks the installation.", "denies the call."]
            .iter()
            .any(|words| said.contains(words));
        assert_eq!(hook.fails_closed, closed, "{}", hook.name);
    }
}
