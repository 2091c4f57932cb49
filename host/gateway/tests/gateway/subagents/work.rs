//! What a subagent is: a session of the plugin's own, with turns like all others, on behalf of who is behind the turn that set it to work.

use super::stage::{Crews, said};
use plugbay_gateway::TurnAsked;
use plugbay_gateway::runtime::Principal;
use serde_json::{Value, json};

#[tokio::test]
async fn it_takes_a_turn_in_a_session_of_its_own_and_is_waited_for() {
    let crews = Crews::new("a").await;
    let principal = Principal { channel: "phone".into(), sender: "ada".into(), scopes: vec!["operator.read".into()] };
    let text = format!("use crew-a-delegate {}", json!({ "name": "scout", "message": "say three of them", "wait": 20_000 }));
    let asked = TurnAsked { principal: Some(principal), ..TurnAsked::said("main", "test", text) };
    let answer = said(crews.stage.gateway.turn(asked).await.unwrap()).await;
    assert_eq!(answer, json!({ "ok": { "state": "done", "text": "three of them", "error": null } }));

    assert_eq!(crews.stage.words("crew-a/scout").await, ["user: say three of them", "assistant: three of them"]);
    assert_eq!(crews.stage.words("main").await.len(), 4, "what was said, the call, its answer, the last word");
    let [run] = &crews.stage.runs("crew-a/scout").await[..] else { panic!() };
    assert_eq!((run.trigger.as_str(), &run.facts["principal"]["sender"]), ("subagent", &json!("ada")));

    // It goes on with its conversation, in the order in which it is told.
    let again = crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": "say more", "wait": 20_000 })).await;
    assert_eq!(again["ok"]["text"], "more");
    let messages = crews.act("main", "crew-a-messages", json!({ "name": "scout", "limit": 3 })).await;
    assert_eq!(messages["ok"], json!([["assistant", "three of them"], ["user", "say more"], ["assistant", "more"]]));
    assert_eq!(crews.act("main", "crew-a-messages", json!({ "name": "nobody", "limit": 3 })).await["code"], "unknown");
}

#[tokio::test]
async fn a_run_goes_on_when_the_turn_that_began_it_is_over_and_is_found_later() {
    let crews = Crews::new("ab").await;
    let run = crews.held("main", "scout").await;
    crews.model.holds(1).await;
    assert_eq!(crews.wait("main", &run, 0).await, json!({ "ok": { "state": "pending", "text": null, "error": null } }));
    assert_eq!(crews.wait("other", &run, 30).await["ok"]["state"], "pending", "that is no error, whoever of the plugin asks");
    let foreign = crews.act("main", "crew-b-wait", json!({ "run": run, "wait": 0 })).await;
    assert_eq!(foreign["code"], "unknown", "another plugin has no such run: {foreign}");
    crews.model.lets_go(1);
    assert_eq!(crews.wait("main", &run, 20_000).await["ok"], json!({ "state": "done", "text": "done", "error": null }));
    // More runs than are remembered: then the state says it.
    for n in 0..70 {
        crews.act("main", "crew-a-delegate", json!({ "name": "other", "message": format!("say {n}"), "wait": 20_000 })).await;
    }
    assert_eq!(crews.wait("main", &run, 0).await["ok"], json!({ "state": "done", "text": "done", "error": null }));
    let failed = crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": "fail server", "wait": 20_000 })).await;
    assert_eq!(failed["ok"]["state"], "failed");
    assert!(failed["ok"]["error"].as_str().unwrap().contains("server"), "{failed}");
}

#[tokio::test]
async fn a_session_that_is_somebody_elses_is_taken() {
    let crews = Crews::new("ab").await;
    crews.stage.answer("crew-a/scout", "say mine").await;
    let refused = crews.act("main", "crew-a-run", json!({ "name": "scout", "message": "say x" })).await;
    assert_eq!(refused["code"], "taken", "{refused}");
    assert!(crews.noted().await.is_empty());
    assert_eq!(crews.act("main", "crew-a-delete", json!({ "name": "scout" })).await, json!({ "ok": false }));
    assert!(crews.exists("crew-a/scout").await);
    // And a plugin can't name another's.
    let refused = crews.act("main", "crew-b-run", json!({ "name": "crew-a/scout", "message": "say x" })).await;
    assert_eq!(refused["code"], "invalid-input", "{refused}");
}

#[tokio::test]
async fn the_session_that_it_works_for_is_told_of_each_run() {
    let crews = Crews::new("a").await;
    let witness = crews.stage.witness('w', json!({})).await;
    let done = crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": "say x", "wait": 20_000 })).await;
    assert_eq!(done["ok"]["state"], "done");
    crews.act("main", "crew-a-delegate", json!({ "name": "scout", "message": "fail server", "wait": 20_000 })).await;
    let rows = crews.stage.witnessed(&witness).await;
    let of = |hook: &str| rows.iter().filter(|row| row["hook"] == hook).map(Value::to_string).collect::<Vec<_>>();
    let (spawned, ended) = (of("subagent-spawned"), of("subagent-ended"));
    assert_eq!((spawned.len(), ended.len()), (2, 2), "{rows:?}");
    assert!(spawned.iter().chain(&ended).all(|row| row.contains("crew-a/scout")), "{spawned:?} {ended:?}");
    assert!(ended[0].contains("Done") && ended[1].contains("Failed"), "{ended:?}");
}
