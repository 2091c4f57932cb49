//! Answers of guests: what is taken, what is tidied, and what is a fault.

use crate::hook::Hook;
use crate::hooks::*;
use crate::wire::exports::plugbay::plugin as wire;
use crate::wire::types;
use serde_json::{Value, json};

/// An answer that is taken, as JSON.
pub(super) fn taken<H: Hook>(answer: H::Answer) -> Value {
    let outcome = H::lift(answer).unwrap_or_else(|e| panic!("{}: {e}", H::NAME));
    serde_json::to_value(outcome).unwrap()
}

/// The field for which an answer is a fault.
pub(super) fn refused<H: Hook>(answer: H::Answer) -> &'static str {
    H::lift(answer).err().expect(H::NAME).field
}

pub(super) fn s(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(super) fn long(characters: usize) -> Option<String> {
    Some("ä".repeat(characters))
}

/// Bytes beyond those of a text.
fn large() -> Option<String> {
    Some("x".repeat((256 << 10) + 1))
}

#[test]
fn no_opinion_is_the_default() {
    assert_eq!(taken::<BeforeToolCall>(None), json!({}));
    assert_eq!(taken::<BeforeAgentFinalize>(None), json!({}));
    assert_eq!(taken::<BeforeDispatch>(None), json!({}));
    assert_eq!(taken::<SessionProjection>(None), Value::Null);
}

fn tool(params: Option<&str>, reason: Option<String>) -> wire::before_tool_call::Outcome {
    let block = reason.map(|reason| wire::before_tool_call::Block { reason });
    wire::before_tool_call::Outcome { params: params.map(str::to_owned), block, approval: None, attrs: vec![] }
}

fn policy(params: Option<&str>, deny: Option<String>) -> wire::tool_policy::Outcome {
    wire::tool_policy::Outcome { params: params.map(str::to_owned), deny, approval: None, attrs: vec![] }
}

#[test]
fn arguments_are_an_object_and_reasons_are_bounded() {
    assert_eq!(taken::<BeforeToolCall>(Some(tool(Some(" {\"a\":1}"), s("no")))), json!({ "params": { "a": 1 }, "block": "no" }));
    assert_eq!(taken::<ToolPolicy>(Some(policy(Some("{}"), s("no")))), json!({ "params": {}, "deny": "no" }));
    for params in ["[]", "\"{}\"", "null", "{", ""] {
        assert_eq!(refused::<BeforeToolCall>(Some(tool(Some(params), None))), "params", "{params}");
        assert_eq!(refused::<ToolPolicy>(Some(policy(Some(params), None))), "params", "{params}");
    }
    assert!(BeforeToolCall::lift(Some(tool(None, long(4_096)))).is_ok());
    assert_eq!(refused::<BeforeToolCall>(Some(tool(None, long(4_097)))), "block.reason");
    assert_eq!(refused::<ToolPolicy>(Some(policy(None, long(4_097)))), "deny");
}

#[test]
fn further_wishes_are_bounded() {
    let with = |attrs: Vec<(String, String)>| Some(wire::before_tool_call::Outcome { attrs, ..tool(None, None) });
    let some = |n: usize| (0..n).map(|n| (format!("a{n}"), "1".to_owned())).collect::<Vec<_>>();
    assert_eq!(taken::<BeforeToolCall>(with(some(1))), json!({ "attrs": { "a0": 1 } }));
    assert!(BeforeToolCall::lift(with(some(64))).is_ok());
    assert_eq!(refused::<BeforeToolCall>(with(some(65))), "attrs");
    assert_eq!(refused::<BeforeToolCall>(with(vec![("a".into(), "{".into())])), "attrs");
}

#[test]
fn questions_are_bounded_and_say_what_may_be_answered() {
    let question = || types::ApprovalRequest {
        title: "t".into(),
        description: "d".into(),
        severity: types::Severity::Critical,
        timeout_ms: None,
        decisions: vec![],
    };
    let asks = |approval| Some(wire::tool_policy::Outcome { approval: Some(approval), ..policy(None, None) });
    let all = json!(["allow-once", "allow-always", "deny"]);
    let expected = json!({ "title": "t", "description": "d", "severity": "critical", "patience-ms": 120_000, "decisions": all });
    assert_eq!(taken::<ToolPolicy>(asks(question()))["approval"], expected);
    let some = types::ApprovalRequest {
        timeout_ms: Some(600_000),
        decisions: vec![types::Decision::Deny, types::Decision::AllowOnce, types::Decision::Deny],
        ..question()
    };
    let some = taken::<ToolPolicy>(asks(some));
    assert_eq!((&some["approval"]["patience-ms"], &some["approval"]["decisions"]), (&json!(600_000), &json!(["allow-once", "deny"])));
    let wrong = [
        (types::ApprovalRequest { title: " ".into(), ..question() }, "approval.title"),
        (types::ApprovalRequest { title: "ä".repeat(81), ..question() }, "approval.title"),
        (types::ApprovalRequest { description: "ä".repeat(513), ..question() }, "approval.description"),
        (types::ApprovalRequest { timeout_ms: Some(0), ..question() }, "approval.timeout-ms"),
        (types::ApprovalRequest { timeout_ms: Some(600_001), ..question() }, "approval.timeout-ms"),
    ];
    for (question, field) in wrong {
        assert_eq!(refused::<ToolPolicy>(asks(question)), field);
    }
}

#[test]
fn turns() {
    let block = |reason, message| {
        let block = wire::before_agent_run::Block { reason, message };
        Some(wire::before_agent_run::Outcome { block: Some(block), attrs: vec![] })
    };
    assert_eq!(taken::<BeforeAgentRun>(block("r".into(), s("m"))), json!({ "block": { "reason": "r", "message": "m" } }));
    assert_eq!(refused::<BeforeAgentRun>(block("ä".repeat(4_097), None)), "block.reason");
    assert_eq!(refused::<BeforeAgentRun>(block("r".into(), large())), "block.message");
    let reply = |reply, reason| Some(wire::before_agent_reply::Outcome { reply, reason, attrs: vec![] });
    assert_eq!(taken::<BeforeAgentReply>(reply(None, None)), json!({ "taken": true }), "with nothing to say it is taken all the same");
    assert_eq!(refused::<BeforeAgentReply>(reply(large(), None)), "reply");
    assert_eq!(refused::<BeforeAgentReply>(reply(None, long(4_097))), "reason");
    let takes = |text| Some(wire::before_dispatch::Outcome { text, attrs: vec![] });
    assert_eq!(taken::<BeforeDispatch>(takes(None)), json!({ "taken": true }));
    assert_eq!(refused::<BeforeDispatch>(takes(large())), "text");
}

#[test]
fn wishes_for_another_try() {
    use wire::before_agent_finalize::{Action, Outcome, Retry};
    let wish = |action, reason: Option<&str>, retry| Some(Outcome { action, reason: reason.map(str::to_owned), retry, attrs: vec![] });
    let retry = |instruction: &str, key: Option<&str>, max_attempts| {
        Some(Retry { instruction: instruction.into(), key: key.map(str::to_owned), max_attempts })
    };
    let again = |key: Value, attempts: u32| {
        let mut retry = json!({ "instruction": "x", "max-attempts": attempts });
        key.is_string().then(|| retry["key"] = key);
        json!({ "action": "revise", "retries": [retry] })
    };
    let rows = [
        (wish(Action::Continue, None, None), json!({})),
        (wish(Action::Revise, None, None), json!({})),
        (wish(Action::Revise, Some(" \n"), None), json!({})),
        (wish(Action::Revise, None, retry(" \t", Some("k"), Some(3))), json!({})),
        (wish(Action::Revise, Some("r"), retry("", None, None)), json!({ "action": "revise", "reasons": ["r"] })),
        (wish(Action::Revise, None, retry("x", None, None)), again(Value::Null, 1)),
        (wish(Action::Revise, None, retry("x", Some(" "), Some(0))), again(Value::Null, 1)),
        (wish(Action::Revise, None, retry("x", Some("k"), Some(7))), again(json!("k"), 7)),
        (wish(Action::Finalize, Some("r"), retry("x", None, None)), json!({ "action": "finalize", "reasons": ["r"] })),
        (wish(Action::Continue, None, retry("x", None, None)), json!({})),
    ];
    for (answer, expected) in rows {
        let asked = format!("{answer:?}");
        assert_eq!(taken::<BeforeAgentFinalize>(answer), expected, "{asked}");
    }
    let wrong = [
        (wish(Action::Revise, long(4_097).as_deref(), None), "reason"),
        (wish(Action::Revise, None, retry(&large().unwrap(), None, None)), "retry.instruction"),
        (wish(Action::Revise, None, retry("x", long(513).as_deref(), None)), "retry.key"),
    ];
    for (answer, field) in wrong {
        assert_eq!(refused::<BeforeAgentFinalize>(answer), field);
    }
}

#[test]
fn prompts() {
    let adds = |prepend_context, append_context| wire::agent_turn_prepare::Outcome { prepend_context, append_context, attrs: vec![] };
    assert_eq!(taken::<AgentTurnPrepare>(Some(adds(s(" \n"), s(" a ")))), json!({ "append": " a " }), "blank text adds nothing");
    assert_eq!(refused::<AgentTurnPrepare>(Some(adds(large(), None))), "prepend-context");
    assert_eq!(refused::<AgentTurnPrepare>(Some(adds(None, large()))), "append-context");
    let none = || wire::before_prompt_build::Outcome {
        system_prompt: None,
        prepend_context: None,
        append_context: None,
        prepend_system_context: None,
        append_system_context: None,
        tools_allow: None,
        attrs: vec![],
    };
    let only = |names: Vec<String>| Some(wire::before_prompt_build::Outcome { tools_allow: Some(names), ..none() });
    let names = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(taken::<BeforePromptBuild>(only(vec![])), json!({ "tools-allow": [] }), "no tools isn't no opinion");
    assert_eq!(taken::<BeforePromptBuild>(only(vec!["b".into(), "a".into(), "b".into()])), json!({ "tools-allow": ["a", "b"] }));
    assert!(BeforePromptBuild::lift(only(names(256))).is_ok());
    assert_eq!(refused::<BeforePromptBuild>(only(names(257))), "tools-allow");
    assert_eq!(refused::<BeforePromptBuild>(only(vec!["ä".repeat(513)])), "tools-allow");
    let wrong = [
        (wire::before_prompt_build::Outcome { system_prompt: large(), ..none() }, "system-prompt"),
        (wire::before_prompt_build::Outcome { prepend_context: large(), ..none() }, "prepend-context"),
        (wire::before_prompt_build::Outcome { append_context: large(), ..none() }, "append-context"),
        (wire::before_prompt_build::Outcome { prepend_system_context: large(), ..none() }, "prepend-system-context"),
        (wire::before_prompt_build::Outcome { append_system_context: large(), ..none() }, "append-system-context"),
    ];
    for (answer, field) in wrong {
        assert_eq!(refused::<BeforePromptBuild>(Some(answer)), field);
    }
}

#[test]
fn models() {
    let choice = |provider, model, thinking| Some(wire::before_model_resolve::Outcome { provider, model, thinking, attrs: vec![] });
    assert_eq!(taken::<BeforeModelResolve>(choice(s("p"), None, s("hard"))), json!({ "provider": "p", "thinking": "hard" }));
    assert_eq!(refused::<BeforeModelResolve>(choice(s(" "), None, None)), "provider");
    assert_eq!(refused::<BeforeModelResolve>(choice(None, long(513), None)), "model");
    assert_eq!(refused::<BeforeModelResolve>(choice(None, None, s(""))), "thinking");
}

#[test]
fn messages() {
    let write = |content: Option<&str>, block| {
        Some(wire::before_message_write::Outcome { content: content.map(str::to_owned), block, attrs: vec![] })
    };
    assert_eq!(taken::<BeforeMessageWrite>(write(Some("\"a\""), s("no"))), json!({ "content": "a", "block": "no" }));
    assert_eq!(taken::<BeforeMessageWrite>(write(Some(" [{}]"), None)), json!({ "content": [{}] }));
    for content in ["{}", "1", "null", "a"] {
        assert_eq!(refused::<BeforeMessageWrite>(write(Some(content), None)), "content", "{content}");
    }
    assert_eq!(refused::<BeforeMessageWrite>(write(None, long(4_097))), "block");
    let send = |text, cancel| Some(wire::message_sending::Outcome { text, cancel, attrs: vec![] });
    assert_eq!(taken::<MessageSending>(send(s(""), s("no"))), json!({ "text": "", "cancel": "no" }));
    assert_eq!(refused::<MessageSending>(send(large(), None)), "text");
    assert_eq!(refused::<MessageSending>(send(None, long(4_097))), "cancel");
    let persist = |content: &str| Some(wire::tool_result_persist::Outcome { content: s(content), attrs: vec![] });
    assert_eq!(taken::<ToolResultPersist>(persist("null")), json!({ "content": null }), "null is an answer");
    assert_eq!(refused::<ToolResultPersist>(persist("")), "content");
}

#[test]
fn tools_and_projections() {
    let answer = |content: &str| wire::tools::ToolResult { content: content.into(), is_error: true, attrs: vec![] };
    assert_eq!(taken::<Tools>(answer("[1]")), json!({ "content": [1], "is-error": true }));
    assert_eq!(refused::<Tools>(answer("text")), "content");
    assert_eq!(taken::<SessionProjection>(s("{\"a\":1}")), json!({ "a": 1 }));
    assert_eq!(refused::<SessionProjection>(s("")), "the answer");
}

#[test]
fn installations() {
    let found = |n: usize, text: &str| {
        let finding = wire::before_install::Finding { severity: types::Severity::Info, text: text.into() };
        Some(wire::before_install::Outcome { findings: vec![finding; n], block: None, attrs: vec![] })
    };
    assert_eq!(taken::<BeforeInstall>(found(1, "a")), json!({ "findings": [{ "severity": "info", "text": "a" }] }));
    assert!(BeforeInstall::lift(found(64, "a")).is_ok());
    assert_eq!(refused::<BeforeInstall>(found(65, "a")), "findings");
    assert_eq!(refused::<BeforeInstall>(found(1, &"ä".repeat(4_097))), "findings");
    let blocks = wire::before_install::Outcome { findings: vec![], block: long(4_097), attrs: vec![] };
    assert_eq!(refused::<BeforeInstall>(Some(blocks)), "block");
}

/// What a guest decides on counts: each text, and some room for each item of a list.
#[test]
fn answers_are_weighed() {
    let attrs = vec![("ab".to_owned(), "123".to_owned())];
    let outcome = wire::before_tool_call::Outcome { attrs, ..tool(Some("{}"), s("four")) };
    assert_eq!(BeforeToolCall::size(&Some(outcome)), 2 + 4 + (16 + 2 + 3));
    assert_eq!(BeforeToolCall::size(&None), 0);
    let finding = wire::before_install::Finding { severity: types::Severity::Info, text: "abc".into() };
    let install = wire::before_install::Outcome { findings: vec![finding; 2], block: s("no"), attrs: vec![] };
    assert_eq!(BeforeInstall::size(&Some(install)), 2 * (16 + 3) + 2);
    assert_eq!(Tools::size(&wire::tools::ToolResult { content: "[1]".into(), is_error: false, attrs: vec![] }), 3);
    assert_eq!(SessionProjection::size(&s("null")), 4);
    assert_eq!(AgentEnd::size(&()), 0);
}

/// What can't answer is a no, in words.
#[test]
fn refusals_say_what_happened() {
    let why = || "`p` took too long".to_owned();
    assert_eq!(BeforeToolCall::refusal(why()).block.as_deref(), Some("the call isn't made: `p` took too long"));
    assert_eq!(ToolPolicy::refusal(why()).deny.as_deref(), Some("the call is denied: `p` took too long"));
    assert_eq!(BeforeInstall::refusal(why()).block.as_deref(), Some("it isn't installed: `p` took too long"));
    assert_eq!(BeforeAgentRun::refusal(why()).block.map(|b| b.reason).as_deref(), Some("the turn isn't run: `p` took too long"));
    for refused in [
        BeforeToolCall::is_final(&BeforeToolCall::refusal(why())),
        ToolPolicy::is_final(&ToolPolicy::refusal(why())),
        BeforeInstall::is_final(&BeforeInstall::refusal(why())),
        BeforeAgentRun::is_final(&BeforeAgentRun::refusal(why())),
    ] {
        assert!(refused);
    }
}

fn message(role: types::Role, content: &str) -> wire::context_assemble::Part {
    wire::context_assemble::Part::Message(wire::context_assemble::Message { role, content: content.to_owned() })
}

fn assembled(part: wire::context_assemble::Part, addition: Option<String>) -> wire::context_assemble::Assembled {
    let parts = vec![wire::context_assemble::Part::Entry(7), part];
    wire::context_assemble::Assembled { parts, estimated_tokens: 9, system_prompt_addition: addition, attrs: vec![] }
}

#[test]
fn what_an_engine_assembles_is_references_and_messages_that_are_nobodys_answer() {
    let good = assembled(message(types::Role::System, "\"so far\""), s(" \n"));
    let parts = json!([{ "entry": 7 }, { "message": { "role": "system", "content": "so far" } }]);
    assert_eq!(taken::<ContextAssemble>(good), json!({ "parts": parts, "estimated-tokens": 9 }), "a blank addition is none");
    assert_eq!(refused::<ContextAssemble>(assembled(message(types::Role::User, "so far"), None)), "parts", "it isn't JSON");
    assert_eq!(refused::<ContextAssemble>(assembled(message(types::Role::Tool, "1"), None)), "parts", "a tool answers calls");
    let addition = |bytes| assembled(message(types::Role::User, "1"), Some("x".repeat(bytes)));
    assert!(ContextAssemble::lift(addition(32 << 10)).is_ok());
    assert_eq!(refused::<ContextAssemble>(addition((32 << 10) + 1)), "system-prompt-addition");
    assert_eq!(ContextAssemble::size(&addition(100)), 16 + 16 + 1 + 100, "each part takes some room");
}

#[test]
fn what_else_an_engine_says_is_bounded() {
    let compaction = |why, summary| wire::context_compact::Compaction {
        compacted: true,
        why,
        summary,
        tokens_before: 2,
        tokens_after: 1,
        attrs: vec![],
    };
    assert!(ContextCompact::lift(compaction(long(4_096), s("short"))).is_ok());
    assert_eq!(refused::<ContextCompact>(compaction(long(4_097), None)), "why");
    assert_eq!(refused::<ContextCompact>(compaction(None, large())), "summary");
    let bootstrapped = |why| wire::context_bootstrap::Bootstrapped { entries: 1, why, attrs: vec![] };
    assert_eq!(refused::<ContextBootstrap>(bootstrapped(long(4_097))), "why");
    let prepared = |bytes| wire::context_spawn::Prepared { ticket: Some("t".repeat(bytes)), attrs: vec![] };
    assert!(ContextSpawn::lift(prepared(4_096)).is_ok());
    assert_eq!(refused::<ContextSpawn>(prepared(4_097)), "ticket");
}
