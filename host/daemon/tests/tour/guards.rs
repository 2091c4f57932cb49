//! Plugins that stand between the model and its tools: blocks, questions to people, policies.

use super::program::has;
use super::stage::Stage;
use hyper::Method;
use serde_json::json;

/// A call that `shell-guard` asks a person about.
const PUSH: &str = r#"use echo {"text": "git push"}"#;

pub(crate) fn blocks(stage: &mut Stage) {
    stage.step("One blocks a call: `shell-guard` reads what goes to the tool `echo`.");
    has(&stage.says("main", r#"use echo {"text": "ls -l"}"#), r#"`echo` answered: {"text":"ls -l"}"#);
    has(&stage.says("main", r#"use echo {"text": "rm -rf /"}"#), "the call was blocked: forbidden in a shell here: `rm -rf`");
}

pub(crate) fn asks_a_person(stage: &mut Stage) {
    stage.step("The same one asks a person first, and somebody allows it with a command.");
    let turn = stage.begins("main", PUSH);
    let id = stage.question();
    let waits = stage.does(&["approvals"]);
    for part in ["Run a command with `git push`?", "shell-guard", r#"{"text":"git push"}"#] {
        has(&waits, part);
    }
    has(&stage.does(&["approvals", "allow", &id]), "Run a command with `git push`?");
    has(&turn.ends().done(), r#"`echo` answered: {"text":"git push"}"#);
    has(&stage.does(&["approvals"]), "No question waits for an answer.");
}

pub(crate) fn is_answered_over_http(stage: &mut Stage) {
    stage.step("Again, and somebody denies it over HTTP.");
    let turn = stage.begins("main", PUSH);
    let id = stage.question();
    let settled = stage.http(&Method::POST, &["approvals", &id], &json!({ "decision": "deny", "why": "not today" }));
    assert_eq!((&settled["resolution"], &settled["plugin"]), (&json!("deny"), &json!("shell-guard")));
    has(&turn.ends().done(), "`echo` answered: the call was blocked: ");
    has(&stage.shows(&["history"], |line| line.contains("not today")), "not today");
}

pub(crate) fn sets_a_policy(stage: &mut Stage) {
    stage.step("A policy decides before all of them: `witness-c` denies, and nobody else is asked.");
    stage.witness('c');
    has(&stage.says("main", PUSH), "the call was blocked: no tools on Fridays");
    let receipts = stage.shows(&["sessions", "show", "main", "--receipts"], |line| line.contains("no tools on Fridays"));
    has(&receipts, "no tools on Fridays");
    stage.does(&["disable", "witness-c", "--why", "it is Saturday"]);
    has(&stage.says("main", r#"use add {"a": 20, "b": 22}"#), "`add` answered: 42");
}

pub(crate) fn answers_other_gateways(stage: &mut Stage) {
    stage.step("A gateway with an agent loop of its own asks the same plugins over HTTP.");
    let event = json!({ "tool-name": "echo", "params": { "text": "rm -rf /" } });
    let fired = stage.http(&Method::POST, &["hooks", "before-tool-call"], &json!({ "event": event, "run": "elsewhere-1" }));
    assert_eq!(fired["outcome"]["block"], "forbidden in a shell here: `rm -rf`");
    assert_eq!((&fired["by"], &fired["receipt"]["hook"]), (&json!("shell-guard"), &json!("before-tool-call")));
}
