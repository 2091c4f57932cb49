//! A person asks for a compaction.

use super::stage::{calls, calls_with, does, hasty, id, methods, of, quarantine, serving, shown};
use crate::turns::stage::{Stage, settings};
use plugbay_gateway::model::{Model, ModelRequest, ModelStream, Models};
use plugbay_gateway::runtime::state::SessionStore;
use plugbay_gateway::{GatewaySettings, ServingEngine, TurnError};
use plugbay_guests::engines::engine;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

async fn talk(stage: &Stage, turns: usize) {
    for n in 0..turns {
        stage.answer("s", &format!("say {n} {}", "word ".repeat(20))).await;
    }
}

#[tokio::test]
async fn the_builtin_engine_summarises_all_but_the_last_exchange() {
    let stage = Stage::started().await;
    assert_eq!(stage.gateway.compact("s", None).await.unwrap(), None, "there is no such session");
    talk(&stage, 5).await;
    let report = stage.gateway.compact("s", Some("Keep the numbers.".into())).await.unwrap().unwrap();
    assert_eq!((report.engine, report.compacted, report.summarised), (ServingEngine::Builtin, true, 8));
    assert!(report.tokens_after < report.tokens_before && report.summary.is_some());
    let told = shown(&stage, "s").await;
    assert_eq!((told.len(), told[0].contains("summarised"), told[1].starts_with("say 4 ")), (4, true, true), "{told:?}");
}

#[tokio::test]
async fn an_engine_is_caught_up_compacts_and_is_done() {
    let stage = Stage::started().await;
    let witness = stage.witness('a', json!({})).await;
    talk(&stage, 5).await;
    let plugin = serving(&stage, engine('a'), does(&json!({ "context-compact": ["well"] }))).await;
    let report = stage.gateway.compact("s", Some("Keep the numbers.".into())).await.unwrap().unwrap();
    assert_eq!((report.engine, report.compacted), (ServingEngine::Plugin(id("engine-a")), true));
    let seen = calls_with(&stage, &plugin, "dispose", 1).await;
    assert_eq!(methods(&seen), ["bootstrap", "assemble", "compact", "assemble", "dispose"]);
    let asked = &of(&seen, "compact")[0]["event"];
    assert_eq!((&asked["reason"], &asked["forced"], &asked["instructions"]), (&json!("manual"), &json!(true), &json!("Keep the numbers.")));
    assert_eq!(asked["budget"], 100_000, "the setting, since the model's window takes more");
    assert!(seen.iter().all(|call| call["run"].is_null() && call["session"] == "s"));
    assert_eq!(asked["tokens"], json!(report.tokens_before), "by our count");
    assert!(0 < report.tokens_after && report.tokens_after < report.tokens_before);
    let told = stage.witnessed_by(&witness, "before-compaction").await;
    assert!(told.len() == 1 && told[0].contains("forced: true"), "{told:?}");
    assert_eq!(stage.witnessed_by(&witness, "after-compaction").await.len(), 1);
}

#[tokio::test]
async fn a_failure_is_reported_and_from_then_on_the_builtin_engine_does_it() {
    let stage = Stage::started().await;
    let witness = stage.witness('a', json!({})).await;
    talk(&stage, 5).await;
    let mut asked = 0;
    for (deed, words) in [("err", "was told to fail"), ("trap", "as you asked"), ("spin", "limit reached"), ("oversized", "")] {
        serving(&stage, engine('a'), hasty(&json!({ "context-compact": [deed] }), Duration::from_millis(1_500))).await;
        let error = stage.gateway.compact("s", None).await.unwrap_err();
        assert!(matches!(error, TurnError::Failed(_)), "{deed}: {error:?}");
        let said = error.to_string();
        assert!(said.contains("`engine-a`") && said.contains("quarantined") && said.contains(words), "{deed}: {said}");
        assert_eq!(quarantine(&stage).operation, "context-compact", "{deed}");
        let report = stage.gateway.compact("s", None).await.unwrap().unwrap();
        assert_eq!(report.engine, ServingEngine::Builtin, "{deed}");
        asked += 2;
    }
    assert_eq!(stage.witnessed_by(&witness, "before-compaction").await.len(), asked);
    assert_eq!(stage.witnessed_by(&witness, "after-compaction").await.len(), asked / 2, "only those that succeeded");
}

/// A model that never answers.
struct Silent;

impl Model for Silent {
    fn provider(&self) -> &str {
        "silent"
    }

    fn default_model(&self) -> &str {
        "silent"
    }

    fn stream(&self, _: ModelRequest) -> ModelStream {
        Box::pin(futures_util::stream::pending())
    }
}

#[tokio::test]
async fn who_stops_waiting_stops_it_and_the_session_goes_on() {
    let stage = Stage::started().await;
    let other = Stage::on(stage.state.clone(), GatewaySettings { models: Models::new(Arc::new(Silent)), ..settings() });
    other.gateway.start().await.unwrap();
    talk(&stage, 5).await;
    {
        let compacting = other.gateway.compact("s", None);
        tokio::pin!(compacting);
        assert!(futures_util::poll!(&mut compacting).is_pending());
        tokio::task::yield_now().await;
    }
    // Its turn in the line is over as soon as nobody waits for it.
    assert!(other.gateway.delete("s").await.unwrap());
    assert!(other.gateway.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_builtin_compaction_that_hangs_ends_after_its_limit() {
    let stage = Stage::started().await;
    talk(&stage, 5).await;
    let other = Stage::on(stage.state.clone(), GatewaySettings { models: Models::new(Arc::new(Silent)), ..settings() });
    other.gateway.start().await.unwrap();
    let error = other.gateway.compact("s", None).await.unwrap_err().to_string();
    assert!(error.contains("180 s"), "{error}");
    let life = stage.gateway.session("s").await.unwrap().unwrap().id;
    assert!(stage.state.compactions("s", &life).await.unwrap().is_empty());
}

#[tokio::test]
async fn it_waits_for_the_turn_before_it() {
    let stage = Stage::started().await;
    talk(&stage, 3).await;
    let plugin = serving(&stage, engine('a').foreground(), does(&json!({}))).await;
    let turn = stage.turn("s", "say slow").await;
    let (end, report) = tokio::join!(turn.ended(), stage.gateway.compact("s", None));
    assert_eq!((end.message.as_deref(), report.unwrap().unwrap().compacted), (Some("slow"), true));
    let seen = calls(&stage, &plugin).await;
    let (turn, compact) = (of(&seen, "turn")[0], of(&seen, "compact")[0]);
    let place = |wanted| seen.iter().position(|call| call == wanted);
    assert!(place(turn) < place(compact), "{:?}", methods(&seen));
}
