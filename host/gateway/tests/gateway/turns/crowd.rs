//! Many turns: in order in one session, side by side in others, and nothing left behind.

use super::stage::{Stage, settings, toolbox, until};
use plugbay_gateway::runtime::Settings;
use plugbay_gateway::runtime::engine::Limits;
use plugbay_gateway::{GatewaySettings, TurnAsked, TurnError, TurnEvent, TurnStatus};
use plugbay_guests::built;
use std::time::Duration;

#[tokio::test]
async fn turns_of_one_session_go_in_order_and_too_many_are_refused() {
    let stage = Stage::started_with(GatewaySettings { waiting: 5, ..settings() }).await;
    let mut first = stage.turn("s", "say one\nslow 60000\nsay two").await;
    until(&mut first, |event| matches!(event, TurnEvent::Text { .. })).await;
    let mut waiting = Vec::new();
    for n in 0..5 {
        waiting.push(stage.turn("s", &format!("say {n}")).await);
    }
    let refused = stage.gateway.turn(TurnAsked::said("s", "test", "say more")).await;
    assert!(matches!(refused, Err(TurnError::Busy { waiting: 5, most: 5, .. })), "{refused:?}");
    assert_eq!(stage.gateway.session("s").await.unwrap().unwrap().turns, 6);
    // Another session goes on meanwhile.
    assert_eq!(stage.answer("other", "say hello").await, "hello");

    assert!(stage.gateway.cancel(first.run().unwrap()));
    for turn in waiting {
        assert_eq!(turn.ended().await.status, TurnStatus::Done);
    }
    let words = stage.words("s").await;
    let said: Vec<_> = words.iter().filter(|line| line.starts_with("assistant")).collect();
    assert_eq!(said, ["assistant: 0", "assistant: 1", "assistant: 2", "assistant: 3", "assistant: 4"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_sessions_at_once() {
    let stage = Stage::started().await;
    // All of them want the same plugin at once: more may wait for it than usual.
    let limits = Limits { waiting: 1_000, ..Limits::default() };
    stage.load("toolbox", built::TOOLBOX, Settings { limits, ..toolbox() }).await;
    let mut turns = Vec::new();
    for n in 0..1_000 {
        turns.push(stage.turn(&format!("s-{n}"), &format!("use add {{\"a\":{n},\"b\":1}}")).await);
    }
    for (n, turn) in turns.into_iter().enumerate() {
        assert_eq!(turn.ended().await.message, Some(format!("`add` answered: {}", n + 1)));
    }
    assert!(stage.gateway.live().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_runs_leave_nothing() {
    let stage = Stage::started().await;
    for round in 0..100 {
        let mut turns = Vec::new();
        for n in 0..100 {
            turns.push(stage.turn(&format!("s-{}", n % 20), &format!("say {round}")).await);
        }
        for turn in turns {
            assert_eq!(turn.ended().await.status, TurnStatus::Done);
        }
    }
    assert!(stage.gateway.live().is_empty());
    // Whoever observes the end of a run has a moment to look at it.
    let mut left = usize::MAX;
    for _ in 0..1_000 {
        left = stage.gateway.runs().count();
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(left, 0);
    for n in 0..20 {
        assert_eq!(stage.gateway.session(&format!("s-{n}")).await.unwrap().unwrap().turns, 0);
    }
}
