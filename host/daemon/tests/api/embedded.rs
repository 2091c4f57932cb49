//! Gateways with an agent loop of their own: hooks that they fire, and turns whose models they run.

use super::client::Load;
use super::stage::Stage;
use hyper::Method;
use serde_json::{Value, json};

const PREPARE: &str = "/v1/sessions/s/prepare";

fn text(text: &str) -> Load {
    Load::json(&json!({ "text": text }))
}

/// A prepared turn, and the path of its steps.
async fn prepared(stage: &Stage, said: &str) -> (Value, impl Fn(&str) -> String + use<>) {
    let turn = stage.change(Method::POST, PREPARE, text(said)).await;
    let run = turn["run"].as_str().unwrap().to_owned();
    (turn, move |step: &str| format!("/v1/runs/{run}/{step}"))
}

async fn statuses(stage: &Stage) -> Vec<Value> {
    stage.get("/v1/sessions/s").await["runs"].as_array().unwrap().iter().map(|run| run["status"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_is_fired_at_all_who_handle_it_and_told_with_a_receipt() {
    let blocks = "[plugins.witness-a.config.answers.before-tool-call.block]\nreason = \"not this one\"\n";
    let stage = Stage::with(blocks).await.with_echo().await.with_witness().await;
    let event = json!({ "tool-name": "any", "params": { "a": 1 } });
    let asked = json!({ "event": event, "session": { "key": "theirs" }, "run": "their-run",
        "principal": { "channel": "irc", "sender": "carol", "scopes": ["cook"] } });
    let fired = stage.change(Method::POST, "/v1/hooks/before-tool-call", Load::json(&asked)).await;
    assert_eq!((&fired["by"], &fired["outcome"]["block"]), (&json!("witness-a"), &json!("not this one")));
    assert_eq!((&fired["receipt"]["run"], &fired["receipt"]["hook"]), (&json!("their-run"), &json!("before-tool-call")));
    assert!(
        fired["receipt"]["ran"].as_array().unwrap().iter().any(|ran| ran["plugin"] == "witness-a" && ran["said"] == "ended"),
        "{fired}"
    );
    assert_eq!(stage.get("/v1/sessions").await["sessions"], json!([]), "it makes no session");

    let told = json!({ "event": { "text": "hello", "at": 1_000 } });
    let told = stage.change(Method::POST, "/v1/hooks/message-received", Load::json(&told)).await;
    assert!(told.get("outcome").is_none() && told["receipt"]["ran"].as_array().unwrap().len() == 2, "{told}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_is_none_or_an_event_of_another_is_refused_and_so_is_who_claims_too_much() {
    let stage = Stage::new().await;
    let fire = async |hook: &str, body: Value| stage.ask(Method::POST, &format!("/v1/hooks/{hook}"), Load::json(&body)).await.problem();
    let event = json!({ "event": { "tool-name": "any", "params": {} } });
    let mistyped = fire("before-toolcall", event.clone()).await;
    assert!(mistyped.0 == 404 && mistyped.2.contains("did you mean `before-tool-call`"), "{mistyped:?}");
    assert_eq!(fire("before-tool-call", json!({ "event": { "toool": 1 } })).await.0, 400);
    assert_eq!(fire("before-tool-call", json!({ "event": event["event"], "session": { "key": "" } })).await.0, 400);
    assert_eq!(fire("before-tool-call", json!({ "event": event["event"], "run": "" })).await.0, 400);
    let direct = fire("tools", json!({ "event": {} })).await;
    assert_eq!((direct.0, direct.1.as_str()), (422, "direct"), "{direct:?}");

    let robot = stage.port(Some(&stage.token("robot", "operator.write", None).await));
    let claims =
        |scope: &str| Load::json(&json!({ "event": event["event"], "principal": { "channel": "x", "sender": "y", "scopes": [scope] } }));
    let path = "/v1/hooks/before-tool-call";
    let beyond = stage.ask_via(&robot, Method::POST, path, claims("operator.admin")).await.problem();
    assert!(beyond.0 == 403 && beyond.2.contains("operator.admin") && beyond.2.contains("robot"), "{beyond:?}");
    assert_eq!(stage.ask_via(&robot, Method::POST, path, claims("operator.read")).await.status, 200);

    let (turn, step) = prepared(&stage, "hello").await;
    let ours = fire("before-tool-call", json!({ "event": event["event"], "run": turn["run"] })).await;
    assert_eq!((ours.0, ours.1.as_str()), (409, "conflict"), "{ours:?}");
    stage.change(Method::POST, &step("finish"), Load::NONE).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_is_prepared_shown_spoken_and_finished_by_who_runs_the_model() {
    let stage = Stage::new().await.with_toolbox().await;
    let inject = "use inject {\"text\": \"by the way\", \"append\": true}";
    stage.change(Method::POST, "/v1/sessions/s/turns", text(inject)).await;
    let (turn, step) = prepared(&stage, "what is 2 + 3?").await;
    assert_eq!(turn["prompt"], "what is 2 + 3?\n\nby the way");
    assert_eq!((&turn["history"][0]["role"], &turn["history"][0]["text"]), (&json!("user"), &json!(inject)));
    assert!(turn["tools"].as_array().unwrap().iter().any(|tool| tool["name"] == "add"));
    let shown = stage.change(Method::POST, &step("shown"), Load::NONE).await;
    assert_eq!(shown["prompt"], turn["prompt"]);
    let again = stage.ask(Method::POST, &step("shown"), Load::NONE).await.problem();
    assert!(again.0 == 422 && again.2.contains("shown already"), "{again:?}");

    let call = json!({ "id": "c1", "name": "add", "arguments": "{\"a\":2,\"b\":3}" });
    stage.change(Method::POST, &step("said"), Load::json(&json!({ "text": "", "tool_calls": [call] }))).await;
    let end = stage.change(Method::POST, &step("tools"), Load::json(&call)).await;
    assert_eq!((&end["end"], &end["answer"], &end["is_error"]), (&json!("answered"), &json!("5"), &json!(false)));
    stage.change(Method::POST, &step("said"), Load::json(&json!({ "text": "five" }))).await;
    stage.change(Method::POST, &step("finish"), Load::NONE).await;
    assert_eq!(statuses(&stage).await, ["done", "done"]);
    let newest = stage.get("/v1/sessions/s/transcript?count=4").await["entries"].clone();
    let roles: Vec<_> = newest.as_array().unwrap().iter().map(|entry| entry["role"].clone()).collect();
    assert_eq!(
        (roles, &newest[3]["content"]),
        (vec![json!("user"), json!("assistant"), json!("tool"), json!("assistant")], &json!("five"))
    );
    for over in ["shown", "finish", "cancel"] {
        assert_eq!(stage.ask(Method::POST, &step(over), Load::NONE).await.problem().0, 404, "{over}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_turn_fails_is_cancelled_or_ends_with_the_host() {
    let stage = Stage::new().await;
    let (_, step) = prepared(&stage, "one").await;
    stage.change(Method::POST, &step("finish"), Load::json(&json!({ "error": "my model is gone" }))).await;
    let failed = stage.get("/v1/sessions/s").await["runs"][0].clone();
    assert_eq!((&failed["status"], &failed["error"]), (&json!("failed"), &json!("my model is gone")));

    let (_, step) = prepared(&stage, "two").await;
    stage.change(Method::POST, &step("cancel"), Load::NONE).await;
    // What comes next has the session only when that is over.
    let (_, last) = prepared(&stage, "three").await;
    assert_eq!(statuses(&stage).await, ["running", "cancelled", "failed"]);
    assert_eq!(stage.ask(Method::POST, &step("shown"), Load::NONE).await.problem().0, 404);
    stage.change(Method::POST, &last("shown"), Load::NONE).await;
    let host = stage.host.clone();
    stage.end().await;
    assert!(host.gateway().live().is_empty(), "it ended with the host");
}
