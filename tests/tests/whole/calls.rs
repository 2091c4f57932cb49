//! Calling hooks: what a plugin is told, what it answers, and what becomes of a cell.

use crate::lab;
use plugbay_engine::{CallError, Cpu, Fault, Level, Limit};
use plugbay_guests::{built, odd};
use plugbay_runtime::{
    BeforeToolCall, Call, Entry, Fired, Grants, Message, MessageReceived, Payload, Role, Session, Settings, ToolCall, Transcript,
};
use plugbay_tests::lab::{Lab, granted, tool_call};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// What echo answers for this tool.
async fn echo(lab: &Lab, tool: &str) -> Value {
    let plugin = lab.plugins.get("echo").unwrap();
    let decision = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call(tool, &json!({ "a": 1 }))).await.unwrap();
    decision.params.unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_plugin_answers_and_keeps_its_memory() {
    let lab = lab();
    lab.load_built("echo", built::ECHO_ONE, granted()).await.unwrap();
    assert_eq!(echo(&lab, "any").await, json!({ "version": "0.1.0", "calls": 1, "params": { "a": 1 } }));
    assert_eq!(echo(&lab, "any").await["calls"], 2);
}

#[tokio::test]
async fn a_plugins_err_is_its_own_and_keeps_the_cell() {
    let lab = lab();
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, granted()).await.unwrap();
    let failed = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call("fail", &json!({}))).await;
    assert_eq!(failed.unwrap_err(), CallError::Failed("as you asked".into()));
    assert_eq!(echo(&lab, "any").await["calls"], 2, "the same cell");
    assert_eq!(plugin.generation().unwrap().faults(), 0);
}

#[tokio::test]
async fn a_fault_drops_the_cell_and_the_next_call_has_a_fresh_one() {
    let lab = lab();
    let (plugin, _) = lab.load_built("mischief", built::MISCHIEF, mischievous()).await.unwrap();
    for tool in ["panic-control", "exit", "recurse"] {
        let call = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call(tool, &json!({}))).await;
        let error = call.unwrap_err();
        assert!(error.consequence().drops_cell, "{tool}: {error}");
        assert_eq!(plugin.generation().unwrap().warm_cells(), 0, "{tool}");
        plugin.call::<BeforeToolCall>(&Call::new(), &tool_call("ok", &json!({}))).await.unwrap();
    }
    assert_eq!(plugin.generation().unwrap().faults(), 3);
}

#[tokio::test]
async fn a_panic_shows_its_words_without_control_characters_and_secrets() {
    let lab = lab();
    let (plugin, _) = lab.load_built("mischief", built::MISCHIEF, mischievous()).await.unwrap();
    for tool in ["panic-control", "panic-secret"] {
        let error = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call(tool, &json!({}))).await.unwrap_err();
        let CallError::Fault(Fault::Trap { message: Some(message), backtrace, .. }) = &error else { panic!("{error:?}") };
        assert!(message.contains("panicked at"), "{message}");
        assert!(!backtrace.is_empty());
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("t0p-s3cret") && !shown.contains('\u{1b}'), "{shown}");
    }
    assert!(lab.log.contains("[secret]"));
    assert!(!lab.log.contains("t0p-s3cret") && !lab.log.contains("\u{1b}"));
}

#[tokio::test]
async fn settings_reach_the_plugin_and_are_checked_first() {
    let lab = lab();
    let with = |config: Value| Settings { config: config.as_object().unwrap().clone(), ..granted() };
    lab.load_built("echo", built::ECHO_ONE, with(json!({ "greeting": "hello" }))).await.unwrap();
    let answer = echo(&lab, "config").await;
    assert!(answer.to_string().contains("hello"), "{answer}");

    let refused = lab.load_built("echo", built::ECHO_ONE, with(json!({ "greting": "hello" }))).await.err().unwrap();
    let words = refused.to_string();
    assert!(words.contains("step `config`") && words.contains("greting") && words.contains("plugins.echo.config"), "{words}");
    assert_eq!(echo(&lab, "any").await["calls"], 2, "the old one serves on");
}

#[tokio::test]
async fn what_is_denied_is_not_called_and_the_plugin_is_told() {
    let lab = lab();
    let denied = Grants { denied: [plugbay_runtime::Grant::Conversation].into(), ..Grants::default() };
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, Settings { grants: denied, ..Settings::default() }).await.unwrap();
    assert!(!plugin.generation().unwrap().handles::<BeforeToolCall>());
    let decision = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call("fail", &json!({}))).await.unwrap();
    assert_eq!(decision, plugbay_runtime::ToolDecision::default());
}

#[tokio::test]
async fn an_observer_sees_the_message() {
    let lab = lab();
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, granted()).await.unwrap();
    let message = Message { id: Some("m1".into()), text: "good morning".into(), at: 1, attrs: Vec::new() };
    plugin.call::<MessageReceived>(&Call::new(), &Fired::new(message)).await.unwrap();
    assert!(lab.log.all().iter().any(|(level, line)| *level == Level::Info && line.contains("good morning")));
}

#[tokio::test]
async fn session_and_transcript_can_be_read_during_the_call() {
    let lab = lab();
    let (plugin, _) = lab.load_built("probe", built::PROBE, granted()).await.unwrap();
    let entry = |id, text: &str| Entry { id, role: Role::User, at: id, content: Payload::of(&json!(text)), tool_call_id: None };
    let transcript = Transcript::new((1..=2_500).map(|id| entry(id, "hi")).collect());
    let session = Session::new("main", "life-1");
    let call = Call::new().session(session.clone()).transcript(transcript).run("run-7");
    let seen = plugin.call::<BeforeToolCall>(&call, &tool_call("look", &json!({}))).await.unwrap().params.unwrap().parse().unwrap();
    assert_eq!(
        seen,
        json!({ "cause": "before-tool-call", "key": "main", "id": "life-1", "run": "run-7", "len": 2_500, "window": 1_000, "entry-2": "hi" })
    );

    session.delete();
    let seen = plugin.call::<BeforeToolCall>(&call, &tool_call("look", &json!({}))).await.unwrap().params.unwrap().parse().unwrap();
    assert_eq!((&seen["key"], &seen["id"]), (&json!("gone"), &json!("gone")));
}

#[tokio::test]
async fn handles_dont_pile_up_in_a_cell() {
    let lab = lab();
    let (plugin, _) = lab.load_built("probe", built::PROBE, granted()).await.unwrap();
    let call = Call::new().session(Session::new("main", "1")).transcript(Transcript::new(Vec::new()));
    for _ in 0..5_000 {
        plugin.call::<BeforeToolCall>(&call, &tool_call("idle", &json!({}))).await.unwrap(); // more often than a cell may have handles
    }
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_a_fault_that_names_the_field() {
    let lab = lab();
    let (plugin, _) = lab.load("params-not-json", &odd::params_not_json(), granted()).await.unwrap();
    let error = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call("x", &json!({}))).await.unwrap_err();
    assert!(matches!(&error, CallError::Fault(Fault::Malformed(words)) if words.contains("`params`")), "{error:?}");
    assert_eq!(plugin.generation().unwrap().warm_cells(), 0);
}

#[tokio::test]
async fn a_field_that_is_too_large_reaches_the_plugin_as_its_size() {
    let lab = lab();
    let (plugin, _) = lab.load_built("probe", built::PROBE, granted()).await.unwrap();
    let event = Fired::new(ToolCall {
        tool: "size".into(),
        params: Payload::of(&json!({ "a": "x".repeat(300_000) })),
        call_id: None,
        attrs: Vec::new(),
    });
    let seen = plugin.call::<BeforeToolCall>(&Call::new(), &event).await.unwrap().params.unwrap();
    assert_eq!(seen.as_str(), r#"{"truncated":300008}"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spinners_die_by_their_own_budget_and_never_by_anothers() {
    let lab = Arc::new(lab());
    let mut running = Vec::new();
    for (n, ms) in [20_u64, 60, 120, 40].into_iter().enumerate() {
        let lab = lab.clone();
        running.push(tokio::spawn(async move {
            let id = format!("spin-{n}");
            let mut settings = granted();
            settings.limits.cpu = Cpu::Fixed(Duration::from_millis(ms));
            let (plugin, _) = lab.load(&id, &odd::Odd::new(&id).handle("(loop $l (br $l)) (unreachable)").build(), settings).await.unwrap();
            let error = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call("x", &json!({}))).await.unwrap_err();
            let CallError::Fault(Fault::Limit(overrun)) = error else { panic!("{error:?}") };
            assert_eq!((overrun.limit, overrun.allowed), (Limit::CpuTime, ms));
            assert!(overrun.observed >= ms, "{overrun}");
        }));
    }
    for task in running {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_good_plugin_answers_on_one_thread_beside_a_spinner() {
    let lab = Arc::new(lab());
    let mut settings = granted();
    settings.limits.cpu = Cpu::Fixed(Duration::from_secs(2));
    let (spinner, _) = lab.load("spin", &odd::spin(), settings).await.unwrap();
    let (good, _) = lab.load("good", &odd::good("good"), granted()).await.unwrap();
    let spinning = tokio::spawn(async move { spinner.call::<BeforeToolCall>(&Call::new(), &tool_call("x", &json!({}))).await });
    let mut answered = 0;
    while !spinning.is_finished() {
        good.call::<BeforeToolCall>(&Call::new(), &tool_call("x", &json!({}))).await.unwrap();
        answered += 1;
        tokio::task::yield_now().await;
    }
    let error = spinning.await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Fault(Fault::Limit(ref o)) if o.limit == Limit::CpuTime), "{error}");
    // It gives the thread back at each of some thousand ticks; one that didn't would leave room for a call or two.
    assert!(answered > 100, "{answered} calls were answered while the spinner had this thread");
}

#[tokio::test]
async fn a_call_whose_caller_goes_away_comes_to_its_end() {
    let lab = lab();
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, granted()).await.unwrap();
    let slow = tool_call("nap", &json!({}));
    let gone = tokio::time::timeout(Duration::from_millis(1), plugin.call::<BeforeToolCall>(&Call::new(), &slow)).await;
    assert!(gone.is_err(), "the caller went away first");
    assert_eq!(echo(&lab, "any").await["calls"], 2, "the abandoned call ended in the same cell, before the next");
    assert_eq!(plugin.generation().unwrap().faults(), 0);
}

#[tokio::test]
async fn a_plugin_may_ask_for_less_time_and_only_the_operator_gives_more() {
    let lab = lab();
    let asks = |ms: u64| {
        odd::Odd::new("asks")
            .describe(format!(r#"{{"hooks":[{{"hook":"before-tool-call","budget-ms":{ms}}}]}}"#))
            .handle("(loop $l (br $l)) (unreachable)")
            .build()
    };
    let given = async |ms: u64, operator: Option<u64>| {
        let mut settings = granted();
        settings.limits.cpu = Cpu::Fixed(Duration::from_secs(60));
        settings.budgets = operator.map(|ms| ("before-tool-call".to_owned(), Duration::from_millis(ms))).into_iter().collect();
        let (plugin, _) = lab.load("asks", &asks(ms), settings).await.unwrap();
        let error = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call("x", &json!({}))).await.unwrap_err();
        let CallError::Fault(Fault::Limit(over)) = error else { panic!("{error:?}") };
        assert_eq!(over.limit, Limit::WallTime);
        over.allowed
    };
    assert_eq!(given(30, None).await, 30);
    assert_eq!(given(600_000, Some(40)).await, 40);

    let settings = Settings { budgets: [("before-lunch".to_owned(), Duration::from_secs(1))].into(), ..granted() };
    let refused = lab.load("asks", &asks(30), settings).await.err().unwrap().to_string();
    assert!(refused.contains("plugins.asks.budgets.before-lunch"), "{refused}");
}

#[tokio::test]
async fn a_plugin_is_told_how_much_time_is_left_after_waiting() {
    let lab = lab();
    let mut settings = granted();
    settings.budgets.insert("before-tool-call".into(), Duration::from_secs(5));
    let (plugin, _) = lab.load_built("probe", built::PROBE, settings).await.unwrap();
    let (call, nap, deadline) = (Call::new(), tool_call("nap", &json!({})), tool_call("deadline", &json!({})));
    let left = async || plugin.call::<BeforeToolCall>(&call, &deadline).await.unwrap().params.unwrap().parse().unwrap()["left"].as_u64();
    assert_eq!(left().await, Some(5_000));
    let (napped, left) = tokio::join!(plugin.call::<BeforeToolCall>(&call, &nap), left());
    napped.unwrap();
    assert!(left.is_some_and(|left| (1..=4_900).contains(&left)), "{left:?}: the nap takes 100 ms");
}

/// Settings for mischief: its secret, and short budgets.
fn mischievous() -> Settings {
    let mut settings = granted();
    settings.config = json!({ "token": "t0p-s3cret" }).as_object().unwrap().clone();
    settings
}
