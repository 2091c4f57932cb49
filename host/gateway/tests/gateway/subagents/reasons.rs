//! Why a run has no answer, as plugins are told: in words that are for them. Those of providers and of gates are for the operator.

use super::stage::Crews;
use plugbay_gateway::runtime::state::{NewRun, RunStatus, SessionStore};
use serde_json::json;

#[tokio::test]
async fn of_a_models_failure_a_plugin_learns_the_kind() {
    let crews = Crews::new("a").await;
    let witness = crews.stage.witness('w', json!({})).await;
    let order = json!({ "name": "scout", "message": "fail unauthorized", "wait": 20_000 });
    let failed = crews.act("main", "crew-a-delegate", order).await;
    let kind = "the model didn't answer (unauthorized)";
    assert_eq!(failed["ok"], json!({ "state": "failed", "text": null, "error": kind }));
    let told = crews.stage.witnessed_by(&witness, "subagent-ended").await;
    assert!(told.len() == 1 && told[0].contains(kind) && !told[0].contains("was told to fail"), "{told:?}");
    let kept = crews.stage.runs("crew-a/scout").await[0].error.clone();
    assert!(kept.as_ref().is_some_and(|error| error.contains("was told to fail")), "the operator has the words: {kept:?}");
}

#[tokio::test]
async fn of_a_run_that_is_long_over_the_operators_reason_does_not_show() {
    let crews = Crews::new("a").await;
    crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": "say x", "wait": 20_000 })).await;
    let life = crews.stage.gateway.session("crew-a/scout").await.unwrap().unwrap().id;
    let ends = [
        ("blocked", RunStatus::Blocked, "blocked", "a plugin didn't let the turn run"),
        ("failed", RunStatus::Failed, "failed", "the turn failed"),
    ];
    for (run, status, state, shown) in ends {
        let new = NewRun {
            run: run.into(),
            session: "crew-a/scout".into(),
            life: life.clone(),
            trigger: "subagent".into(),
            facts: "{}".into(),
            plugins: Vec::new(),
        };
        crews.stage.state.begin_run(new).await.unwrap().unwrap();
        crews.stage.state.end_run(run, status, Some("internal words")).await.unwrap();
        assert_eq!(crews.wait("main", run, 0).await["ok"], json!({ "state": state, "text": null, "error": shown }));
    }
}
