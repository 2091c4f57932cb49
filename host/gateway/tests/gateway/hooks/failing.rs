//! What it means that a plugin has no answer.

use super::stage::{SILENT, SPINS, Stage, TRAPS, blocks, fails, gate, granted, ran, rows, tool_call};
use plugbay_gateway::runtime::engine::Cpu;
use plugbay_gateway::runtime::{BeforeToolCall, BreakerSettings, Call, Fired, Settings};
use plugbay_gateway::{Dispatched, HooksSettings, Said};
use plugbay_guests::odd::Odd;
use serde_json::json;
use std::num::NonZeroU32;
use std::time::Duration;

const TWO: NonZeroU32 = NonZeroU32::new(2).unwrap();

/// Little time for a call.
fn hurried() -> Settings {
    let mut settings = granted();
    settings.limits.cpu = Cpu::Fixed(Duration::from_secs(60));
    settings.budgets.insert("before-tool-call".into(), Duration::from_millis(40));
    settings
}

/// Who said no, the code, and the reason for people.
fn refusal(dispatched: &Dispatched<plugbay_gateway::runtime::ToolDecision>) -> (String, &'static str, String) {
    let Some(Said::Refused(failure)) = dispatched.receipt.ran.last().map(|ran| &ran.said) else { panic!("{:?}", dispatched.receipt) };
    (dispatched.by.as_ref().unwrap().to_string(), failure.code, dispatched.outcome.block.clone().unwrap())
}

#[tokio::test]
async fn a_gate_that_has_no_answer_says_no() {
    let cases: [(Odd, Settings, &str, &str); 3] = [
        (gate("bad", 1, TRAPS), granted(), "fault", "trap"),
        (fails("bad", 1, "out of paper"), granted(), "failed", "out of paper"),
        (gate("bad", 1, SPINS), hurried(), "fault", "wall time"),
    ];
    for (odd, settings, code, word) in cases {
        let stage = Stage::new();
        stage.load_with("bad", odd, settings).await;
        stage.load("next", gate("next", 0, SILENT)).await;
        let dispatched = stage.fire("any").await;
        let (by, found, why) = refusal(&dispatched);
        assert_eq!((by.as_str(), found), ("bad", code), "{why}");
        assert!(why.contains("plugin `bad`") && why.contains(word), "{why}");
        assert_eq!(stage.who(), ["bad"], "the refusal is final");
    }
}

#[tokio::test]
async fn a_gate_that_is_full_or_takes_too_long_to_reach_says_no() {
    let stage = Stage::new();
    let mut settings = hurried();
    settings.budgets.insert("before-tool-call".into(), Duration::from_millis(400));
    settings.limits.waiting = 1;
    let busy = stage.load_with("busy", gate("busy", 0, SPINS), settings).await;
    let (call, event) = (Call::new(), Fired::<BeforeToolCall>::new(tool_call("any", &json!({}))));
    // One is under way, one waits, the third finds no room.
    let (_, _, dispatched) = tokio::join!(busy.call(&call, &event), busy.call(&call, &event), stage.fire("any"));
    let (_, code, why) = refusal(&dispatched);
    assert_eq!(code, "busy");
    assert!(why.contains("plugins.busy.limits.waiting") || why.contains("waiting"), "{why}");

    let (_, dispatched) = tokio::join!(busy.call(&call, &event), stage.fire("any"));
    assert_eq!(refusal(&dispatched).1, "waited");
}

#[tokio::test]
async fn a_breaker_that_is_open_says_no() {
    let breaker = BreakerSettings { faults: TWO, first_back_off: Duration::from_secs(60), ..BreakerSettings::default() };
    let stage = Stage::breaking(HooksSettings::default(), breaker);
    stage.load("bad", gate("bad", 0, TRAPS)).await;
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(refusal(&stage.fire("any").await).1);
    }
    assert_eq!(codes, ["fault", "fault", "breaker-open"]);
}

#[tokio::test]
async fn what_others_wanted_before_stays_in_the_answer() {
    let stage = Stage::new();
    stage.load("early", super::stage::rewrites("early", 5, r#"{"a":2}"#)).await;
    stage.load("bad", gate("bad", 4, TRAPS)).await;
    stage.load("never", blocks("never", 3, "never asked")).await;
    let dispatched = stage.fire("any").await;
    assert_eq!(ran(&dispatched.receipt), rows([("early", "wants"), ("bad", "refused")]));
    assert!(dispatched.outcome.block.unwrap().contains("`bad`"));
}
