//! The plugin natively: its own methods over the SDK's stand-ins.

use super::*;
use plugbay_sdk::hooks::after_tool_call::End;
use plugbay_sdk::hooks::before_agent_finalize::Action;

fn start(settings: Value) -> Result<ReviewAssistant> {
    let activation = Activation {
        reason: ActivationReason::Install,
        config: "{}".into(),
        granted: Vec::new(),
        denied: Vec::new(),
        previous_version: None,
    };
    ReviewAssistant::activate(&activation, serde_json::from_value(settings)?)
}

fn reviewer(settings: Value) -> ReviewAssistant {
    start(settings).unwrap()
}

fn turn(run: &str) -> Call<'static> {
    run_context::fake::begin();
    Call { session: Some(sessions::fake::session("chat")), run: Some(run.into()), ..Call::default() }
}

/// What the agent is told of an answer, if it is sent back.
fn sent_back(reviewer: &ReviewAssistant, call: &Call, answer: &str, revisions: u32) -> Option<String> {
    let wish = reviewer.before_agent_finalize(call, Answer { revisions, ..Answer::new(answer) })?;
    let retry = wish.retry.unwrap();
    assert_eq!((wish.action, retry.key.as_deref()), (Action::Revise, Some(KEY)));
    assert_eq!(retry.max_attempts, Some(reviewer.attempts));
    Some(retry.instruction)
}

fn calls(reviewer: &ReviewAssistant, call: &Call, tool: &str, id: &str, end: End) {
    assert_eq!(reviewer.before_tool_call(call, ToolCall { tool_call_id: Some(id.into()), ..ToolCall::new(tool, "{}") }), None);
    reviewer.after_tool_call(call, ToolEnded { end, tool_call_id: Some(id.into()), ..ToolEnded::new(tool, "{}", "1") });
}

fn shown(reviewer: &ReviewAssistant, call: &Call) -> Option<Value> {
    let state = session_state::read_json(call.session().unwrap(), "reviews").unwrap()?;
    reviewer.session_projection(call, Projecting::new("reviews", state)).unwrap()
}

#[test]
fn who_claims_to_have_tested_has_to_have_called_a_tool_that_can() {
    let reviewer = reviewer(json!({}));
    let call = turn("r1");
    let told = sent_back(&reviewer, &call, "Done. All tests pass.", 0).unwrap();
    assert!(
        told.contains("- tests-claimed: the answer says “tests pass”, but none of these tools has answered in this turn: `test`, "),
        "{told}"
    );
    assert!(told.contains("Run them now, or say plainly that you haven't."), "{told}");
    calls(&reviewer, &call, "weather", "1", End::Answered);
    calls(&reviewer, &call, "run_tests", "2", End::Blocked);
    calls(&reviewer, &call, "bash", "3", End::Failed);
    assert!(sent_back(&reviewer, &call, "All tests pass.", 1).is_some(), "nothing was run");
    let call = turn("r2");
    calls(&reviewer, &call, "run_tests", "2", End::Answered);
    assert_eq!(sent_back(&reviewer, &call, "All tests pass.", 0), None);
    let call = turn("r3");
    assert_eq!(sent_back(&reviewer, &call, "I have written two tests.", 0), None, "no claim");
    assert!(sent_back(&reviewer, &call, "All tests pass.", 0).is_some(), "calls of another run don't count");
}

#[test]
fn a_call_whose_end_was_not_told_yet_counts() {
    let reviewer = reviewer(json!({}));
    let call = turn("r1");
    reviewer.before_tool_call(&call, ToolCall::new("bash", "{}"));
    assert_eq!(sent_back(&reviewer, &call, "Tests pass.", 0), None);
}

#[test]
fn each_demand_is_found_and_all_of_them_are_told_at_once() {
    let reviewer = reviewer(json!({"rules": [
        {"name": "sources", "must_say": ["source:"], "must_not_say": ["as an AI*", "TODO"]},
        {"name": "deploys", "when_called": ["deploy*"], "sections": ["What changed", "Rollback"]},
        {"name": "short", "max_characters": 40},
    ]}));
    let call = turn("r1");
    let told = sent_back(&reviewer, &call, "As an AI language model I can't. TODO: more of it.", 0).unwrap();
    assert!(told.contains("- sources: it has to say “source:”; it may not say “as an AI*”; it may not say “TODO”.\n"), "{told}");
    assert!(told.contains("- short: the answer has 50 characters, and 40 are allowed.\n"), "{told}");
    assert!(!told.contains("deploys"), "nothing was deployed: {told}");
    calls(&reviewer, &call, "deploy_web", "1", End::Answered);
    let told = sent_back(&reviewer, &call, "Source: me\n# What changed\nAll", 1).unwrap();
    assert!(told.contains("- deploys: it has no section “Rollback”.\n") && !told.contains("What changed"), "{told}");
}

#[test]
fn attempts_end_and_what_became_of_each_is_kept() {
    let reviewer = reviewer(json!({"attempts": 2, "rules": [{"name": "sources", "must_say": ["source"]}]}));
    let call = turn("r1");
    assert!(sent_back(&reviewer, &call, "x", 0).is_some());
    assert!(sent_back(&reviewer, &call, "y", 1).is_some());
    assert_eq!(sent_back(&reviewer, &call, "z", 2), None, "no attempt is left");
    assert_eq!(shown(&reviewer, &call).unwrap()["last"], "stands all the same: sources: it has to say “source”");
    let call = turn("r2");
    assert!(sent_back(&reviewer, &call, "x", 0).is_some());
    assert_eq!(sent_back(&reviewer, &call, "Source: me", 1), None);
    let wanted = json!({"sent back": 3, "put right": 1, "stood": 1, "last": "put right: sources: it has to say “source”"});
    assert_eq!(shown(&reviewer, &call), Some(wanted));
    let told = reviewer.reviews(&call, "").unwrap();
    assert_eq!(
        told,
        "Sent back 3, put right 1, stood all the same 1.\nBroken: sources 4.\n- put right (back 1): sources: it has to say “source”\n\
         - stands all the same (back 2): sources: it has to say “source”"
    );
    let call = turn("r3");
    assert_eq!(sent_back(&reviewer, &call, "x", 3), None, "others have used up the run's revisions");
}

#[test]
fn a_run_is_put_right_or_stands_once_whoever_else_sends_it_back() {
    let reviewer = reviewer(json!({"attempts": 2, "rules": [{"name": "sources", "must_say": ["source"]}]}));
    let counts = |call: &Call| {
        let shown = shown(&reviewer, call).unwrap();
        ["sent back", "put right", "stood"].map(|name| shown[name].as_u64().unwrap())
    };
    let call = turn("r1");
    assert!(sent_back(&reviewer, &call, "x", 0).is_some());
    for revisions in 1..3 {
        assert_eq!(sent_back(&reviewer, &call, "Source: me", revisions), None);
        assert_eq!(counts(&call), [1, 1, 0]);
    }
    let call = turn("r2");
    assert!(sent_back(&reviewer, &call, "x", 0).is_some());
    assert_eq!(sent_back(&reviewer, &call, "Source: me", 1), None);
    assert!(sent_back(&reviewer, &call, "x", 2).is_some());
    assert_eq!(counts(&call), [3, 1, 0], "it isn't put right after all");
    for revisions in [3, 3] {
        assert_eq!(sent_back(&reviewer, &call, "x", revisions), None);
        assert_eq!(counts(&call), [3, 1, 1]);
    }
    assert_eq!(sent_back(&reviewer, &call, "Source: me", 3), None);
    assert_eq!(counts(&call), [3, 2, 0]);
    let told = reviewer.reviews(&call, "").unwrap();
    assert_eq!(told.matches("\n- ").count(), 2, "a line for each run: {told}");
}

#[test]
fn an_answer_that_was_good_at_once_leaves_no_trace() {
    let reviewer = reviewer(json!({"rules": [{"name": "sources", "must_say": ["source"]}]}));
    let call = turn("r1");
    assert_eq!(sent_back(&reviewer, &call, "Source: me", 0), None);
    assert_eq!(session_state::read_json(call.session().unwrap(), "reviews"), Ok(None));
    assert_eq!(reviewer.reviews(&call, "").unwrap(), "No review has found anything in this session.");
}

#[test]
fn without_a_run_or_a_session_it_reviews_all_the_same() {
    let reviewer = reviewer(json!({"attempts": 1}));
    run_context::fake::without_run();
    assert!(sent_back(&reviewer, &Call::default(), "Tests pass.", 0).is_some());
    assert_eq!(sent_back(&reviewer, &Call::default(), "Tests pass.", 1), None);
    assert!(reviewer.reviews(&Call::default(), "").is_err());
    run_context::fake::begin();
    run_context::fake::end();
    assert_eq!(reviewer.before_tool_call(&Call::default(), ToolCall::new("bash", "{}")), None, "whatever happens");
}

#[test]
fn an_answer_that_was_too_long_to_be_handed_over_is_too_long() {
    let reviewer = reviewer(json!({"rules": [{"name": "a", "must_say": ["x"]}, {"name": "b", "max_characters": 60_000}]}));
    let event = Answer { last_message: Text::Truncated(plugbay_sdk::Truncated { bytes: 300_000 }), ..Answer::new("") };
    let told = reviewer.before_agent_finalize(&turn("r1"), event).unwrap().retry.unwrap().instruction;
    assert!(told.contains("- b: the answer has 75000 characters") && !told.contains("- a:"), "{told}");
}

#[test]
fn state_stays_small_and_garbled_state_begins_anew() {
    let rules: Vec<_> = (0..20).map(|n| json!({"name": format!("{n:040}"), "must_say": vec!["ä".repeat(200); 20]})).collect();
    let reviewer = reviewer(json!({"attempts": 3, "rules": rules}));
    session_state::patch(turn("r").session().unwrap(), "reviews", "mine").unwrap();
    for run in 0..30 {
        let call = turn(&run.to_string());
        let told = sent_back(&reviewer, &call, "x", 0).unwrap();
        assert!(told.chars().count() <= 4_000);
    }
    let state = session_state::read_json(turn("r").session().unwrap(), "reviews").unwrap().unwrap();
    assert!(state.len() < 12_000, "{}", state.len());
    assert_eq!(serde_json::from_str::<Value>(&state).unwrap()["sent_back"], 30);
}

#[test]
fn a_long_run_remembers_its_newest_calls() {
    let reviewer = reviewer(json!({}));
    let call = turn("r1");
    (0..450).for_each(|n| calls(&reviewer, &call, "bash", &format!("call-{n:050}"), End::Failed));
    assert!(sent_back(&reviewer, &call, "Tests pass.", 0).is_some(), "all of them failed");
    calls(&reviewer, &call, "bash", "last", End::Answered);
    assert_eq!(sent_back(&reviewer, &call, "Tests pass.", 0), None);
}

#[test]
fn the_command_shows_the_rules_and_refuses_what_it_does_not_know() {
    let assistant = reviewer(json!({"rules": [{"name": "a", "when_said": ["x"], "needs_call": ["t*"], "max_characters": 9}]}));
    let call = turn("r1");
    let told = "a: where it says “x”; one of these has to have answered: `t*`; has at most so many characters: 9";
    assert_eq!(assistant.reviews(&call, "rules").unwrap(), told);
    assert_eq!(assistant.reviews(&call, "all").unwrap_err().to_string(), "/reviews takes nothing, or `rules`, and not \"all\"");
    assert!(reviewer(json!({"rules": []})).reviews(&call, "rules").unwrap().starts_with("There are no rules"));
}

#[test]
fn settings_that_make_no_sense_are_refused_and_named() {
    let refused = |settings: Value| start(settings).err().unwrap().to_string();
    assert!(refused(json!({"attempts": 4})).contains("`attempts` of review-assistant is 4"));
    assert!(refused(json!({"attempts": 0})).contains("it may be 1 to 3"));
    assert!(refused(json!({"rules": [{"name": "a"}]})).contains("the rule `a` of review-assistant demands nothing"));
    assert!(refused(json!({"rules": [{"name": "a", "when_said": ["x"]}]})).contains("demands nothing"));
    assert!(refused(json!({"rules": [{"name": " ", "must_say": ["x"]}]})).contains("a name has 1 to 40 characters"));
    assert!(refused(json!({"rules": [{"name": "a", "must_say": ["*"]}]})).contains("`must_say` of the rule `a`"));
    assert!(refused(json!({"rules": [{"name": "a", "needs_call": [""]}]})).contains("`needs_call` of the rule `a`"));
    assert!(refused(json!({"rules": [{"name": "a", "sections": ["##"]}]})).contains("`sections` of the rule `a`"));
    assert!(refused(json!({"rules": [{"name": "a", "max_characters": 0}]})).contains("`max_characters` of the rule `a`"));
    assert!(refused(json!({"rules": [{"name": "a", "must_say": vec!["x"; 21]}]})).contains("21 entries: 20 are allowed"));
    assert!(refused(json!({"rules": [{"name": "a", "must_say": ["x"], "instruction": "x".repeat(501)}]})).contains("more than 500"));
    assert!(
        refused(json!({"rules": [{"name": "a", "must_say": ["x"]}, {"name": "a", "must_say": ["y"]}]})).contains("two rules named `a`")
    );
}
