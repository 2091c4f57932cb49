//! Hooks with other rules: who comes later sees what was changed, claims end at the first who takes it, and most hooks pass over who has no answer.

use super::stage::{SILENT, Stage, TRAPS, WRITES_PARAMS, answers, granted, hook, ran, rows};
use plugbay_gateway::runtime::{Call, Grant, MessageAsked, Payload, Role, Settings, Written};
use plugbay_gateway::{Said, Skip};
use serde_json::json;

fn trusted() -> Settings {
    let mut settings = granted();
    settings.grants.granted.insert(Grant::Prompt);
    settings
}

fn written() -> Written {
    Written { role: Role::User, content: Payload::of(&json!("one")), tool_call_id: None, attrs: Vec::new() }
}

fn message() -> MessageAsked {
    MessageAsked { message_id: None, text: "hello".into(), at: 0, attrs: Vec::new() }
}

#[tokio::test]
async fn where_the_hook_says_so_later_plugins_see_what_was_changed() {
    let stage = Stage::new();
    for (id, priority, text) in [("first", 3, r#""two""#), ("third", 1, r#""four""#)] {
        stage.load_with(id, answers(id, "before-message-write", priority, text), trusted()).await;
    }
    let silent = hook("second", "before-message-write", 2, &format!("{WRITES_PARAMS} {SILENT}"));
    stage.load_with("second", silent, trusted()).await;
    let dispatched = stage.hooks.before_message_write(&Call::new(), written()).await;
    let seen: Vec<_> = stage.seen().into_iter().map(|(_, text)| text).collect();
    assert_eq!(seen, [r#""one""#, r#""two""#, r#""two""#]);
    assert_eq!(dispatched.outcome.content.map(String::from).as_deref(), Some(r#""four""#));
}

#[tokio::test]
async fn who_has_no_answer_is_passed_over_and_the_others_count() {
    let stage = Stage::new();
    stage.load_with("early", answers("early", "before-message-write", 3, r#""two""#), trusted()).await;
    stage.load_with("bad", hook("bad", "before-message-write", 2, TRAPS), trusted()).await;
    stage.load_with("late", answers("late", "before-message-write", 1, r#""three""#), trusted()).await;
    let dispatched = stage.hooks.before_message_write(&Call::new(), written()).await;
    assert_eq!(dispatched.outcome.content.map(String::from).as_deref(), Some(r#""three""#));
    assert_eq!((dispatched.outcome.block, dispatched.by), (None, None));
    assert_eq!(ran(&dispatched.receipt), rows([("early", "wants"), ("bad", "fault"), ("late", "wants")]));
    let Said::Failed(failure) = &dispatched.receipt.ran[1].said else { panic!("{:?}", dispatched.receipt) };
    assert!(failure.why.contains("trap"), "{failure:?}");
}

#[tokio::test]
async fn who_takes_it_first_has_it() {
    let stage = Stage::new();
    stage.load("bad", hook("bad", "before-dispatch", 4, TRAPS)).await;
    stage.load("declines", hook("declines", "before-dispatch", 3, SILENT)).await;
    stage.load("takes", answers("takes", "before-dispatch", 2, "mine")).await;
    stage.load("late", answers("late", "before-dispatch", 1, "no, mine")).await;
    let dispatched = stage.hooks.before_dispatch(&Call::new(), message()).await;
    assert_eq!((dispatched.outcome.taken, dispatched.outcome.text.as_deref()), (true, Some("mine")));
    assert_eq!(ran(&dispatched.receipt), rows([("bad", "fault"), ("declines", "nothing"), ("takes", "ended")]));
    let by = dispatched.by.unwrap();
    assert_eq!((by.as_str(), &dispatched.receipt.skipped[0].why), ("takes", &Skip::EndedBefore(by.clone())));
}

#[tokio::test]
async fn whom_an_event_is_about_isn_t_asked() {
    let stage = Stage::new();
    let mut settings = granted();
    settings.grants.granted.insert(Grant::Policy);
    for id in ["guard", "other"] {
        stage.load_with(id, hook(id, "before-install", 0, SILENT), settings.clone()).await;
    }
    let event = json!({
        "plugin": "guard", "version": "1.0.0", "digest": "blake3:00", "bytes": 1, "imports": [], "exports": [], "granted": []
    });
    let answer = stage.hooks.fire_in_json("before-install", &Call::new(), event).await.unwrap();
    assert_eq!(ran(&answer.receipt), rows([("other", "nothing")]));
    assert_eq!(answer.receipt.skipped[0].why, Skip::AboutItself);
}
