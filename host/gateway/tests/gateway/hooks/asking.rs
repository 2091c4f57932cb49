//! Who is asked, in which order, and what the answers come to.

use super::stage::{SILENT, Stage, asks, blocks, gate, granted, ran, rewrites, rows, tool_call};
use plugbay_gateway::Skip;
use plugbay_gateway::runtime::{Call, Grant, Settings};
use serde_json::json;
use std::collections::BTreeSet;

#[tokio::test]
async fn higher_priorities_come_first_and_then_the_ids() {
    let stage = Stage::new();
    for (id, priority) in [("b", 0), ("a", 0), ("z", 10), ("y", -1)] {
        stage.load(id, gate(id, priority, SILENT)).await;
    }
    let dispatched = stage.fire("any").await;
    assert_eq!(stage.who(), ["z", "a", "b", "y"]);
    assert_eq!(ran(&dispatched.receipt), rows([("z", "nothing"), ("a", "nothing"), ("b", "nothing"), ("y", "nothing")]));
    assert_eq!((dispatched.outcome, dispatched.by), (Default::default(), None), "four times no opinion is none");
}

#[tokio::test]
async fn nobody_is_asked_after_a_block() {
    let stage = Stage::new();
    stage.load("first", gate("first", 3, SILENT)).await;
    stage.load("guard", blocks("guard", 2, "not here")).await;
    stage.load("late", rewrites("late", 1, r#"{"a":2}"#)).await;
    let dispatched = stage.fire("any").await;
    assert_eq!(dispatched.outcome.block.as_deref(), Some("not here"));
    assert_eq!(dispatched.by.as_ref().map(ToString::to_string).as_deref(), Some("guard"));
    assert_eq!(stage.who(), ["first", "guard"]);
    assert_eq!(ran(&dispatched.receipt), rows([("first", "nothing"), ("guard", "ended")]));
    let [skipped] = &*dispatched.receipt.skipped else { panic!("{:?}", dispatched.receipt) };
    assert_eq!((skipped.plugin.as_str(), &skipped.why), ("late", &Skip::EndedBefore(dispatched.by.unwrap())));
}

#[tokio::test]
async fn who_has_no_opinion_changes_nothing() {
    let stage = Stage::new();
    stage.load("early", rewrites("early", 3, r#"{"a":2}"#)).await;
    stage.load("silent", gate("silent", 2, SILENT)).await;
    let dispatched = stage.fire("any").await;
    assert_eq!(dispatched.outcome.params.map(String::from).as_deref(), Some(r#"{"a":2}"#));
    assert_eq!(ran(&dispatched.receipt), rows([("early", "wants"), ("silent", "nothing")]));
}

#[tokio::test]
async fn the_last_arguments_count_and_those_who_come_later_see_the_first() {
    let stage = Stage::new();
    stage.load("one", rewrites("one", 2, r#"{"a":2}"#)).await;
    stage.load("two", rewrites("two", 1, r#"{"a":3}"#)).await;
    let dispatched = stage.fire("any").await;
    assert_eq!(dispatched.outcome.params.map(String::from).as_deref(), Some(r#"{"a":3}"#));
    let seen: Vec<_> = stage.seen().into_iter().map(|(_, params)| params).collect();
    assert_eq!(seen, [r#"{"a":1}"#, r#"{"a":1}"#]);
}

#[tokio::test]
async fn a_question_freezes_the_arguments_and_a_later_block_beats_it() {
    let stage = Stage::new();
    stage.load("asks", asks("asks", 3, "May it?")).await;
    stage.load("other", rewrites("other", 2, r#"{"a":2}"#)).await;
    let dispatched = stage.fire("any").await;
    assert_eq!(dispatched.outcome.approval.as_ref().map(|a| a.title.as_str()), Some("May it?"));
    assert_eq!(dispatched.outcome.params, None);
    assert_eq!(dispatched.by, None, "who asks ends nothing");

    stage.load("guard", blocks("guard", 1, "no")).await;
    let dispatched = stage.fire("any").await;
    assert_eq!(dispatched.outcome.block.as_deref(), Some("no"));
    assert_eq!(ran(&dispatched.receipt), rows([("asks", "wants"), ("other", "wants"), ("guard", "ended")]));
}

#[tokio::test]
async fn what_a_guest_does_to_its_copy_nobody_else_sees() {
    let stage = Stage::new();
    let spoils =
        "(memory.fill (i32.load offset=112 (local.get $call)) (i32.const 120) (i32.load offset=116 (local.get $call))) (call $none)";
    stage.load("vandal", gate("vandal", 2, spoils)).await;
    stage.load("next", gate("next", 1, SILENT)).await;
    stage.fire("any").await;
    let seen: Vec<_> = stage.seen();
    assert_eq!(seen[1], ("next".to_owned(), r#"{"a":1}"#.to_owned()));
}

#[tokio::test]
async fn a_plugin_is_asked_about_the_tools_that_it_names() {
    let stage = Stage::new();
    let only = gate("only", 0, SILENT).describe(r#"{"hooks":[{"hook":"before-tool-call","tools":["shell","sh"]}]}"#);
    stage.load("only", only).await;
    let asked = stage.fire("sh").await;
    assert_eq!(ran(&asked.receipt), rows([("only", "nothing")]));
    let passed = stage.fire("shelly").await;
    assert_eq!((passed.receipt.ran.len(), &passed.receipt.skipped[0].why), (0, &Skip::NotItsSubject("shelly".into())));
}

#[tokio::test]
async fn what_was_denied_is_named() {
    let stage = Stage::new();
    let mut settings = Settings::default();
    settings.grants.denied = BTreeSet::from([Grant::Conversation]);
    stage.load_with("deaf", blocks("deaf", 9, "never said"), settings).await;
    stage.load("next", gate("next", 0, SILENT)).await;
    let dispatched = stage.fire("any").await;
    assert_eq!(dispatched.outcome.block, None);
    assert_eq!(dispatched.receipt.skipped[0].why, Skip::Denied(vec![Grant::Conversation]));
    assert_eq!(stage.who(), ["next"]);
    assert_eq!(
        serde_json::to_value(&dispatched.receipt.skipped).unwrap(),
        json!([{ "plugin": "deaf", "why": { "denied": ["conversation"] } }])
    );
}

#[tokio::test]
async fn what_serves_is_asked_from_the_next_time_on() {
    let stage = Stage::new();
    assert_eq!(stage.fire("any").await.receipt.ran.len(), 0);
    stage.load("guard", blocks("guard", 0, "one")).await;
    assert_eq!(stage.fire("any").await.outcome.block.as_deref(), Some("one"));
    stage.load("guard", blocks("guard", 0, "two")).await;
    let dispatched = stage.fire("any").await;
    assert_eq!(dispatched.outcome.block.as_deref(), Some("two"));
    assert_eq!(dispatched.receipt.ran[0].generation, Some(2));
}

#[tokio::test]
async fn who_stops_waiting_stops_the_asking() {
    let stage = Stage::new();
    let counts = "(loop $again (global.set $n (i32.add (global.get $n) (i32.const 1))) (br_if $again (i32.rem_u (global.get $n) (i32.const 20000000))))
        (call $none)";
    stage.load("slow", gate("slow", 2, counts).module("(global $n (mut i32) (i32.const 0))")).await;
    stage.load("next", gate("next", 1, SILENT)).await;
    let mut dispatch = Box::pin(stage.fire("any"));
    while stage.lines() == 0 {
        assert!(futures_util::poll!(dispatch.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
    drop(dispatch);
    let call = stage.hooks.before_tool_call(&Call::new(), tool_call("other", &json!({}))).await;
    assert_eq!(call.receipt.ran.len(), 2);
    assert_eq!(stage.who(), ["slow", "slow", "next"], "of the first dispatch `next` never heard");
}

#[tokio::test]
async fn an_argument_that_nobody_can_see_is_refused_by_the_host() {
    let stage = Stage::new();
    let large = json!({ "text": "x".repeat(300_000) });
    let fire = async || stage.hooks.before_tool_call(&Call::new(), tool_call("any", &large)).await;
    assert_eq!(fire().await.outcome.block, None, "nobody has to see it");

    stage.load_with("gate", gate("gate", 0, SILENT).handle(SILENT), granted()).await;
    let refused = fire().await;
    let why = refused.outcome.block.unwrap();
    for part in ["limit-exceeded", "`params`", "300011 bytes", "262144"] {
        assert!(why.contains(part), "{part}: {why}");
    }
    assert_eq!((refused.by, ran(&refused.receipt)), (None, rows([("gate", "nothing")])));
    assert!(refused.receipt.refused.as_ref().is_some_and(|r| why.contains(r.as_str())), "{:?}", refused.receipt.refused);

    let guard = Stage::new();
    guard
        .load(
            "guard",
            blocks("guard", 0, "I block what I can't see").handle("(call $answer_block (global.get $reason) (global.get $reason_len))"),
        )
        .await;
    let blocked = guard.hooks.before_tool_call(&Call::new(), tool_call("any", &large)).await;
    assert_eq!(blocked.outcome.block.as_deref(), Some("I block what I can't see"));
}
