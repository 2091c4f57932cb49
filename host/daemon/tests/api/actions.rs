//! Actions and commands: listed for who draws them, done for who may, and answered in one of two forms.

use super::client::{Load, Via};
use super::stage::Stage;
use hyper::Method;
use plugbay_guests::built::ERRAND;
use serde_json::{Value, json};

const GREET: &str = "/v1/actions/errand/greet";

async fn post(stage: &Stage, via: &Via, path: &str, body: Value) -> super::client::Answer {
    stage.ask_via(via, Method::POST, path, Load::json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_told_all_that_it_needs_to_draw_what_plugins_can_do() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/v1/actions").await, json!({ "actions": [] }));
    let stage = stage.with_errand().await;
    let actions = stage.get("/v1/actions?plugin=errand").await["actions"].clone();
    assert_eq!(stage.get("/v1/actions").await["actions"], actions);
    let of = |id: &str| actions.as_array().unwrap().iter().find(|action| action["id"] == id).unwrap().clone();
    let greet = of("greet");
    assert_eq!(
        (&greet["plugin"], &greet["generation"], &greet["title"], &greet["scope"]),
        (&json!("errand"), &json!(1), &json!("Greet somebody"), &json!("operator.write"))
    );
    assert!(greet["description"].as_str().unwrap().starts_with("Greets somebody"), "{greet}");
    assert_eq!((&greet["params"]["required"], &greet["params"]["properties"]["name"]["type"]), (&json!(["name"]), &json!("string")));
    assert_eq!((of("nod").get("params"), &of("nod")["scope"]), (None, &json!("operator.read")));
    let (status, _, message) = stage.ask(Method::GET, "/v1/actions?plugin=erand", Load::NONE).await.problem();
    assert!(status == 404 && message.contains("did you mean `errand`"), "{message}");

    let commands = stage.get("/v1/commands").await;
    let names: Vec<_> = commands["commands"].as_array().unwrap().iter().map(|command| command["name"].clone()).collect();
    assert_eq!((names, &commands["clashes"]), (vec![json!("errand"), json!("errand-forget"), json!("ping")], &json!([])));
    assert_eq!((&commands["commands"][0]["args"], commands["commands"][2].get("args")), (&json!("<what>"), None));

    let shown = stage.get("/v1/ui").await["ui"].clone();
    let ids: Vec<_> = shown.as_array().unwrap().iter().map(|shown| shown["id"].clone()).collect();
    assert_eq!(ids, ["house-keeping", "panel"], "by their order");
    assert_eq!(
        (&shown[1]["surface"], &shown[1]["actions"], &shown[1]["generation"], &shown[1]["order"]),
        (&json!("session"), &json!(["greet", "refuse"]), &json!(1), &json!(10))
    );
    let desk = stage.port(Some(&stage.token("desk", "operator.write", None).await));
    let seen = stage.ask_via(&desk, Method::GET, "/v1/ui", Load::NONE).await.json();
    assert_eq!((seen["ui"].as_array().unwrap().len(), &seen["ui"][0]["id"]), (1, &json!("panel")), "the other is for administrators");

    let detail = stage.get("/v1/plugins/errand").await;
    assert!(
        detail["actions"].as_array().unwrap().len() == actions.as_array().unwrap().len() && detail["ui"][0]["id"] == "panel",
        "{detail}"
    );
    assert_eq!((&detail["commands"][0]["reserved"], &detail["commands"][0]["clashes_with"]), (&json!(false), &json!([])));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_answers_in_one_of_two_forms_and_each_is_closed() {
    let stage = Stage::new().await.with_errand().await;
    let done = stage.change(Method::POST, GREET, Load::json(&json!({ "params": { "name": "Ada" } }))).await;
    let by = json!({ "channel": "http", "sender": format!("uid:{}", rustix::process::geteuid().as_raw()),
        "scopes": ["operator.read", "operator.write", "operator.admin"] });
    let result = json!({ "greeted": "Ada", "session": null, "by": by });
    assert_eq!(done, json!({ "ok": true, "result": result, "reply": "Hello, Ada!" }));
    assert_eq!(stage.change(Method::POST, "/v1/actions/errand/nod", Load::NONE).await, json!({ "ok": true }));
    assert_eq!(stage.change(Method::POST, "/v1/actions/errand/nod", Load::json(&json!({ "params": null }))).await, json!({ "ok": true }));

    let refuse =
        async |params: Value| stage.change(Method::POST, "/v1/actions/errand/refuse", Load::json(&json!({ "params": params }))).await;
    assert_eq!(refuse(json!({})).await, json!({ "ok": false, "error": "as you asked" }), "without parameters it takes {{}}");
    let said = json!({ "error": "no tea", "code": "tea", "details": { "left": 0 } });
    assert_eq!(refuse(said).await, json!({ "ok": false, "error": "no tea", "code": "tea", "details": { "left": 0 } }));

    // The document has both forms, and takes no third.
    let answer = json!({ "$ref": "#/components/schemas/ActionAnswer" });
    let document = serde_json::to_value(plugbay_daemon::api::document()).unwrap();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["ActionAnswer"]["oneOf"].as_array().unwrap().len(), 2, "{}", schemas["ActionAnswer"]);
    for form in ["ActionDone", "ActionFailed"] {
        assert_eq!(schemas[form]["additionalProperties"], false, "{form}");
    }
    stage.contract.is(&answer, &json!({ "ok": true, "continueAgent": true }));
    let schema = json!({ "allOf": [answer], "components": document["components"] });
    let takes = jsonschema::validator_for(&schema).unwrap();
    for neither in [
        json!({ "ok": false }),
        json!({ "ok": true, "error": "no" }),
        json!({ "ok": false, "error": "no", "reply": "x" }),
        json!({ "ok": true, "more": 1 }),
        json!({ "ok": false, "error": "no", "more": 1 }),
        json!({ "reply": "x" }),
    ] {
        assert!(!takes.is_valid(&neither), "{neither}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_and_the_plugin_is_not_asked() {
    let stage = Stage::new().await.with_errand().await;
    for (path, body, status, code, said) in [
        ("/v1/actions/erand/greet", json!({}), 404, "not-found", "did you mean `errand`"),
        ("/v1/actions/errand/gret", json!({}), 404, "not-found", "has no action `gret`"),
        (GREET, json!({ "session": "nowhere", "params": { "name": "x" } }), 404, "not-found", "no session `nowhere`"),
        (GREET, json!({}), 422, "invalid-params", "name"),
        (GREET, json!({ "params": { "name": 1 } }), 422, "invalid-params", "/name"),
        (GREET, json!({ "params": { "name": "x", "more": 1 } }), 422, "invalid-params", "more"),
        ("/v1/actions/errand/nod", json!({ "params": { "a": 1 } }), 422, "invalid-params", "it takes none"),
        (GREET, json!({ "parms": {} }), 400, "invalid-input", "parms"),
        ("/v1/commands/pong", json!({}), 404, "not-found", "did you mean `ping`"),
        ("/v1/commands/ping", json!({ "args": "x" }), 422, "invalid-params", "takes nothing"),
        ("/v1/commands/ping", json!({ "arg": "x" }), 400, "invalid-input", "arg"),
    ] {
        let answer = post(&stage, &stage.socket, path, body.clone()).await;
        let (is, named, message) = answer.problem();
        assert_eq!((is, named.as_str()), (status, code), "{path} {body}: {message}");
        assert!(message.contains(said), "{path} {body}: {message}");
    }
    let near = post(&stage, &stage.socket, "/v1/actions/errand/gret", json!({})).await.json();
    assert_eq!(near["near"], "greet");
    let calls = stage.get("/v1/usage?plugin=errand").await["plugins"][0]["exports"].clone();
    let asked =
        calls.as_array().unwrap().iter().filter(|export| ["session-actions", "commands"].contains(&export["export"].as_str().unwrap()));
    assert_eq!(asked.map(|export| export["calls"].as_u64().unwrap()).sum::<u64>(), 0, "{calls}");

    stage.change(Method::POST, "/v1/plugins/errand/disable", Load::NONE).await;
    let (status, code, message) = post(&stage, &stage.socket, GREET, json!({ "params": { "name": "x" } })).await.problem();
    assert_eq!((status, code.as_str()), (503, "not-serving"), "{message}");
    assert_eq!(stage.get("/v1/actions").await["actions"], json!([]));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_fails_is_said_to_have_and_its_words_are_in_the_log() {
    let stage = Stage::new().await.with_errand().await;
    for how in ["err", "panic", "blank"] {
        let (status, code, message) =
            post(&stage, &stage.socket, "/v1/actions/errand/break", json!({ "params": { "how": how } })).await.problem();
        assert_eq!((status, code.as_str()), (502, "failed"), "{how}: {message}");
        assert!(message.contains("its log says why") && !message.contains("secret"), "{message}");
    }
    let (status, code, message) = post(&stage, &stage.socket, "/v1/commands/errand", json!({})).await.problem();
    assert_eq!((status, code.as_str()), (422, "refused"), "a command's words are the person's: {message}");
    assert!(message.contains("say what it is to do"), "{message}");
    let (status, code, _) = post(&stage, &stage.socket, GREET, json!({ "params": { "name": "x", "continue": true } })).await.problem();
    assert_eq!((status, code.as_str()), (502, "malformed"), "there is no session whose agent could go on");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_asks_for_its_own_scope() {
    let stage = Stage::new().await.with_errand().await;
    let mut callers = Vec::new();
    for scope in ["operator.read", "operator.write", "operator.admin"] {
        callers.push((scope, stage.port(Some(&stage.token(scope, scope, None).await))));
    }
    let forget = "/v1/actions/errand/forget-all";
    for (path, body, needs) in [
        ("/v1/actions/errand/nod", json!({}), 0),
        (GREET, json!({ "params": { "name": "x" } }), 1),
        (forget, json!({}), 2),
        ("/v1/commands/ping", json!({}), 0),
        ("/v1/commands/errand", json!({ "args": "tea" }), 1),
        ("/v1/commands/errand-forget", json!({}), 2),
    ] {
        for (n, (scope, via)) in callers.iter().enumerate() {
            let answer = post(&stage, via, path, body.clone()).await;
            if n >= needs {
                assert_eq!(answer.status, 200, "{path} with {scope}: {}", answer.text());
                continue;
            }
            let (status, code, message) = answer.problem();
            assert_eq!((status, code.as_str()), (403, "forbidden"), "{path} with {scope}");
            assert!(message.contains(callers[needs].0) && message.contains(scope), "{message}");
        }
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_goes_on_where_an_action_or_a_command_says_so() {
    let stage = Stage::new().await.with_errand().await;
    stage.session("s").await;
    let body = json!({ "session": "s", "params": { "name": "Ada", "continue": true } });
    let done = stage.change(Method::POST, GREET, Load::json(&body)).await;
    assert_eq!((&done["continueAgent"], &done["result"]["session"]), (&json!(true), &json!("s")));
    let of_action = |session: &Value| {
        session["runs"].as_array().unwrap().iter().filter(|run| run["trigger"] == "action" && run["status"] == "done").count()
    };
    stage.until("/v1/sessions/s", |session| of_action(session) == 1).await;
    let told = stage.get("/v1/sessions/s/transcript").await["entries"].to_string();
    assert!(told.contains("Hello, Ada!") && told.contains("Greet somebody"), "{told}");

    let command = Load::json(&json!({ "session": "s", "args": "go on with tea" }));
    let answer = stage.change(Method::POST, "/v1/commands/errand", command).await;
    let text = format!("tea is done for uid:{}.", rustix::process::geteuid().as_raw());
    assert_eq!(answer, json!({ "plugin": "errand", "text": text, "job": answer["job"] }));
    stage.until("/v1/sessions/s", |session| of_action(session) == 2).await;
    let run = &stage.get("/v1/sessions/s").await["runs"][0];
    assert_eq!((&run["message_id"], &run["channel"]), (&answer["job"], &json!("action")));
    assert!(answer["job"].is_string());
    let silent = stage.change(Method::POST, "/v1/commands/errand", Load::json(&json!({ "args": "nothing" }))).await;
    assert_eq!(silent, json!({ "plugin": "errand" }));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_listed_with_its_generation_and_serves_at_once() {
    let stage = Stage::new().await.with_errand().await;
    let bare = Load::built(plugbay_guests::built::ERRAND_BARE);
    assert_eq!(stage.change(Method::POST, "/v1/plugins", bare).await["change"], "replaced");
    let actions = stage.get("/v1/actions").await["actions"].clone();
    assert_eq!((actions.as_array().unwrap().len(), &actions[0]["generation"]), (1, &json!(2)));
    assert_eq!(stage.change(Method::POST, GREET, Load::NONE).await, json!({ "ok": true, "reply": "Hello." }));
    assert_eq!(stage.get("/v1/commands").await["commands"], json!([]));
    stage.change(Method::POST, "/v1/plugins?grant=schedule&grant=attachments", Load::built(ERRAND)).await;
    assert_eq!(stage.get("/v1/actions?plugin=errand").await["actions"][0]["generation"], 3);
    stage.end().await;
}
