//! What actions, commands and timers answer.

use super::answers::{long, refused, s, taken};
use crate::hook::{HOOKS, Hook, Mode};
use crate::hooks::*;
use crate::wire::exports::plugbay::plugin as wire;
use crate::wire::types::CauseKind;
use serde_json::json;
use wire::session_actions::{Failure, Outcome, Success};

fn success() -> Success {
    Success { result: None, reply: None, continue_agent: false, attrs: vec![] }
}

fn failure(error: &str) -> Failure {
    Failure { error: error.to_owned(), code: None, details: None }
}

#[test]
fn an_action_that_was_done() {
    let done = |success| taken::<SessionActions>(Outcome::Success(success));
    assert_eq!(done(success()), json!({ "success": {} }));
    assert_eq!(serde_json::to_value(ActionOutcome::default()).unwrap(), json!({ "success": {} }));
    let attrs = vec![("a".to_owned(), "1".to_owned())];
    let all = Success { result: s(" {\"at\":1}"), reply: s("r"), continue_agent: true, attrs };
    let expected = json!({ "success": { "result": { "at": 1 }, "reply": "r", "continue-agent": true, "attrs": { "a": 1 } } });
    assert_eq!(done(all), expected);
    assert_eq!(done(Success { result: s("null"), ..success() }), json!({ "success": { "result": null } }), "null is a result");
    assert!(SessionActions::lift(Outcome::Success(Success { reply: long(4_096), ..success() })).is_ok());
    let many = (0..65).map(|n| (format!("a{n}"), "1".to_owned())).collect();
    for (answer, field) in [
        (Success { result: s("{"), ..success() }, "success.result"),
        (Success { reply: long(4_097), ..success() }, "success.reply"),
        (Success { attrs: many, ..success() }, "attrs"),
    ] {
        assert_eq!(refused::<SessionActions>(Outcome::Success(answer)), field);
    }
}

#[test]
fn an_action_that_was_not_done() {
    let failed = |failure| taken::<SessionActions>(Outcome::Failure(failure));
    assert_eq!(failed(failure("no")), json!({ "failure": { "error": "no" } }));
    let all = Failure { code: s("taken"), details: s("[1]"), ..failure("no") };
    assert_eq!(failed(all), json!({ "failure": { "error": "no", "code": "taken", "details": [1] } }));
    let most = Failure { error: "ä".repeat(4_096), code: long(64), details: None };
    assert!(SessionActions::lift(Outcome::Failure(most)).is_ok());
    for (answer, field) in [
        (failure(""), "failure.error"),
        (failure(" \n\u{a0}"), "failure.error"),
        (failure(&"ä".repeat(4_097)), "failure.error"),
        (Failure { code: s(""), ..failure("no") }, "failure.code"),
        (Failure { code: long(65), ..failure("no") }, "failure.code"),
        (Failure { details: s("no"), ..failure("no") }, "failure.details"),
    ] {
        assert_eq!(refused::<SessionActions>(Outcome::Failure(answer)), field);
    }
}

#[test]
fn commands_answer_in_words() {
    let answer = |text, continue_agent| wire::commands::Outcome { text, continue_agent, attrs: vec![] };
    assert_eq!(taken::<Commands>(answer(None, false)), json!({}));
    assert_eq!(taken::<Commands>(answer(s("t"), true)), json!({ "text": "t", "continue-agent": true }));
    assert!(Commands::lift(answer(long(32_768), false)).is_ok());
    assert_eq!(refused::<Commands>(answer(long(32_769), false)), "text");
    let attrs = vec![("a".to_owned(), "{".to_owned())];
    assert_eq!(refused::<Commands>(wire::commands::Outcome { attrs, ..answer(None, false) }), "attrs");
}

#[test]
fn their_answers_are_weighed() {
    let attrs = || vec![("ab".to_owned(), "123".to_owned())];
    let done = Success { result: s("1"), reply: s("two"), attrs: attrs(), ..success() };
    assert_eq!(SessionActions::size(&Outcome::Success(done)), 1 + 3 + (16 + 2 + 3));
    let failed = Failure { code: s("two"), details: s("1"), ..failure("four") };
    assert_eq!(SessionActions::size(&Outcome::Failure(failed)), 4 + 3 + 1);
    let answer = wire::commands::Outcome { text: s("four"), continue_agent: true, attrs: attrs() };
    assert_eq!(Commands::size(&answer), 4 + (16 + 2 + 3));
    assert_eq!(Timers::size(&()), 0);
}

#[test]
fn each_is_called_directly_and_told_its_cause() {
    for (name, cause) in [("session-actions", CauseKind::Action), ("commands", CauseKind::Command), ("timers", CauseKind::Timer)] {
        let hook = HOOKS.iter().find(|hook| hook.name == name).unwrap();
        assert_eq!((hook.mode, hook.cause), (Mode::Direct, cause), "{name}");
    }
}
