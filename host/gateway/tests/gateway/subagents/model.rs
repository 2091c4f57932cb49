//! The model that plugins ask: in no session, and taken back with the call that asks.

use super::stage::{Crews, granted};
use plugbay_gateway::TurnStatus;
use plugbay_gateway::runtime::Settings;
use plugbay_gateway::runtime::engine::Isolation;
use serde_json::json;
use std::num::NonZeroUsize;
use std::time::Duration;

#[tokio::test]
async fn it_answers_and_no_session_knows() {
    let crews = Crews::new("a").await;
    let witness = crews.stage.witness('w', json!({})).await;
    let answer = crews.act("main", "crew-a-ask", json!({ "message": "say forty-two", "instructions": "be brief" })).await;
    assert_eq!(answer, json!({ "ok": { "text": "forty-two", "model": "offline" } }));
    assert_eq!(crews.stage.gateway.sessions(None, NonZeroUsize::new(9).unwrap()).await.unwrap().len(), 1);
    let calls = crews.stage.witnessed_by(&witness, "model-call-started").await;
    assert_eq!(calls.len(), 2, "those of the turn, and not the plugin's: {calls:?}");
    let failed = crews.act("main", "crew-a-ask", json!({ "message": "fail too-long" })).await;
    assert_eq!(failed["code"], "too-long", "{failed}");
}

#[tokio::test]
async fn a_call_that_is_cut_takes_its_question_back() {
    let crews = Crews::new("").await;
    let budgets = [("tools".to_owned(), Duration::from_millis(300))].into();
    crews.load('a', Settings { budgets, ..granted() }).await;
    let turn = crews.turn("main", "crew-a-ask", json!({ "message": "held\nsay x" })).await;
    crews.model.holds(1).await;
    let end = turn.ended().await;
    assert_eq!(end.status, TurnStatus::Done);
    crews.model.holds(0).await;
}

#[tokio::test]
async fn a_turn_that_is_cancelled_takes_its_plugins_questions_back() {
    let crews = Crews::new("").await;
    crews.load('a', Settings { isolation: Some(Isolation::Call), ..granted() }).await;
    let mut turns = Vec::new();
    for n in 0..5 {
        turns.push(crews.turn(&format!("s-{n}"), "crew-a-ask", json!({ "message": "held\nsay x", "timeout": 3_600_000 })).await);
    }
    crews.model.holds(3).await;
    for turn in &turns {
        assert!(crews.stage.gateway.cancel(turn.run().unwrap()));
    }
    for turn in turns {
        assert_eq!(turn.ended().await.status, TurnStatus::Cancelled);
    }
    crews.model.holds(0).await;
}
