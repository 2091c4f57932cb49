//! What operators do, from the first plugin to the last.

use super::client::Load;
use super::stage::Stage;
use hyper::Method;
use plugbay_guests::built::{ECHO_ONE, ECHO_TWO};
use plugbay_guests::odd;
use serde_json::{Value, json};

fn call() -> Load {
    Load::json(&json!({ "event": { "tool-name": "any", "params": { "a": 1 } }, "session": "s" }))
}

const HOOK: &str = "/v1/plugins/echo/hooks/before-tool-call";

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_comes_is_held_granted_called_replaced_rolled_back_and_goes() {
    let stage = Stage::new().await;
    let inspected = stage.change(Method::POST, "/v1/inspect", Load::built(ECHO_ONE)).await;
    assert_eq!((&inspected["id"], &inspected["grants"]["undecided"]), (&json!("echo"), &json!(["conversation"])));

    let held = stage.change(Method::POST, "/v1/plugins?why=a+first+try", Load::built(ECHO_ONE)).await;
    assert_eq!((&held["change"], &held["generation"]), (&json!("held"), &json!(0)));
    assert_eq!(stage.get("/v1/plugins").await["plugins"][0]["standing"], "held");
    let grants = Load::json(&json!({ "grants": { "conversation": true }, "why": "it is ours" }));
    let granted = stage.change(Method::PATCH, "/v1/plugins/echo/grants", grants).await;
    assert_eq!((&granted["change"], &granted["generation"]), (&json!("installed"), &json!(1)));

    let answered = stage.change(Method::POST, HOOK, call()).await;
    assert_eq!(answered["outcome"]["params"]["params"], json!({ "a": 1 }));
    let replaced = stage.change(Method::POST, "/v1/plugins", Load::built(ECHO_TWO)).await;
    assert_eq!((&replaced["change"], &replaced["generation"]), (&json!("replaced"), &json!(2)));
    let versions = stage.get("/v1/plugins/echo/versions").await;
    assert_eq!(versions["versions"].as_array().unwrap().len(), 2);
    let back = stage.change(Method::POST, "/v1/plugins/echo/rollback", Load::json(&json!({ "why": "the new one is worse" }))).await;
    assert_eq!((&back["version"], &back["generation"]), (&answered["outcome"]["params"]["version"], &json!(3)));

    let gone = stage.change(Method::DELETE, "/v1/plugins/echo?purge=true&why=enough", Load::NONE).await;
    assert_eq!(gone["notes"], json!([]));
    assert_eq!(stage.get("/v1/plugins").await["plugins"], json!([]));
    let why: Vec<Value> =
        stage.get("/v1/history?plugin=echo").await["events"].as_array().unwrap().iter().map(|e| e["why"].clone()).collect();
    for expected in ["enough", "the new one is worse"] {
        assert!(why.iter().any(|w| w.as_str().is_some_and(|w| w.contains(expected))), "{expected} isn't in {why:?}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_there_is_to_see_of_a_plugin_is_as_documented() {
    let stage = Stage::new().await.with_echo().await;
    stage.change(Method::POST, HOOK, call()).await;
    let shown = stage.get("/v1/plugins/echo").await;
    assert_eq!((&shown["standing"], &shown["calls"], &shown["grants"]["granted"]), (&json!("active"), &json!(1), &json!(["conversation"])));
    let usage = stage.get("/v1/usage?plugin=echo").await;
    assert_eq!(usage, stage.get("/v1/usage").await);
    assert_eq!(usage["plugins"][0]["exports"].as_array().unwrap().iter().map(|e| e["calls"].as_u64().unwrap()).sum::<u64>(), 1);
    assert!(!stage.get("/v1/doctor").await["findings"].as_array().unwrap().is_empty());
    assert_eq!(stage.get("/readyz").await["active"], 1);
    assert_eq!(stage.get("/openapi.json").await["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(stage.ask(Method::GET, "/healthz", Load::NONE).await.text(), "ok\n");
    let history = stage.get("/v1/history?limit=1").await;
    assert_eq!((history["events"].as_array().unwrap().len(), &history["events"][0]["who"]), (1, &json!(format!("uid:{}", own_user()))));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_change_and_a_switched_off_plugin_says_so() {
    let stage = Stage::new().await.with_echo().await;
    let limited = stage.change(Method::PATCH, "/v1/plugins/echo/limits", Load::json(&json!({ "limits": { "memory": "32 MiB" } }))).await;
    assert_eq!(limited["generation"], 2);
    let limits = stage.get("/v1/plugins/echo/limits").await;
    let memory = limits["limits"].as_array().unwrap().iter().find(|l| l["name"] == "memory").unwrap();
    assert_eq!((&memory["value"], &memory["set"]), (&json!("32 MiB"), &json!(true)));

    stage.change(Method::POST, "/v1/plugins/echo/disable", Load::json(&json!({ "why": "tonight" }))).await;
    let (status, code, message) = stage.ask(Method::POST, HOOK, call()).await.problem();
    assert_eq!((status, code.as_str()), (503, "disabled"), "{message}");
    stage.change(Method::POST, "/v1/plugins/echo/enable", Load::NONE).await;
    stage.change(Method::POST, "/v1/plugins/echo/reset", Load::NONE).await;
    stage.change(Method::POST, HOOK, call()).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_has_its_status_its_code_and_the_name_that_was_meant() {
    let stage = Stage::new().await.with_echo().await;
    let refusal = async |method, path: &str, load| stage.ask(method, path, load).await;
    let mistyped = refusal(Method::GET, "/v1/plugins/ehco", Load::NONE).await;
    assert_eq!(mistyped.problem(), (404, "not-found".into(), "there is no plugin `ehco`; did you mean `echo`?".into()));
    assert_eq!(mistyped.json()["near"], "echo");
    for (method, path) in [
        (Method::GET, "/v1/usage?plugin=nobody"),
        (Method::GET, "/v1/plugins/nobody/logs"),
        (Method::GET, "/v1/plugins/nobody/limits"),
        (Method::GET, "/v1/plugins/nobody/versions"),
        (Method::POST, "/v1/plugins/nobody/rollback"),
        (Method::DELETE, "/v1/plugins/nobody"),
        (Method::DELETE, "/v1/tokens/nobody"),
    ] {
        assert_eq!(refusal(method, path, Load::NONE).await.status, 404, "{path}");
    }
    let trap = refusal(Method::POST, "/v1/plugins?grant=conversation", Load::wasm(odd::trap_in_activate())).await;
    assert_eq!((trap.status.as_u16(), &trap.json()["code"], &trap.json()["step"]), (422, &json!("refused"), &json!("activate")));
    let nonsense = refusal(Method::POST, "/v1/inspect", Load::wasm("not wasm")).await;
    assert_eq!(nonsense.status, 422);
    assert_eq!(refusal(Method::POST, "/v1/plugins/echo/hooks/nonsense", call()).await.status, 404);
    let event = Load::json(&json!({ "event": { "toool": 1 } }));
    assert_eq!(refusal(Method::POST, HOOK, event).await.status, 400);
    let failing = Load::json(&json!({ "event": { "tool-name": "fail", "params": {} } }));
    let failed = refusal(Method::POST, HOOK, failing).await.problem();
    assert!(failed.0 == 502 && failed.1 == "failed" && failed.2.contains("as you asked"), "{failed:?}");
    let both = refusal(Method::POST, "/v1/plugins?grant=state&deny=conversation&deny=state", Load::built(ECHO_ONE)).await;
    assert_eq!(both.problem(), (400, "invalid-input".into(), "`state` is both in `grant` and in `deny`".into()));
    let unknown = refusal(Method::PATCH, "/v1/plugins/echo/grants", Load::json(&json!({ "grants": { "conversations": true } }))).await;
    assert_eq!((unknown.status.as_u16(), &unknown.json()["near"]), (404, &json!("conversation")));
    stage.end().await;
}

fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}
