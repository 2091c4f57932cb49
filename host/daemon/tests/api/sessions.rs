//! Sessions: listed, read, reset, deleted; receipts; what plugins keep about them.

use super::client::Load;
use super::stage::Stage;
use hyper::Method;
use serde_json::{Value, json};

async fn say(stage: &Stage, session: &str, text: &str) -> Value {
    let end = stage.change(Method::POST, &format!("/v1/sessions/{session}/turns"), Load::json(&json!({ "text": text }))).await;
    assert_eq!(end["status"], "done", "{end}");
    end
}

fn column(list: &Value, name: &str) -> Vec<Value> {
    list.as_array().unwrap().iter().map(|row| row[name].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_by_key_a_page_at_a_time() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/v1/sessions").await, json!({ "sessions": [] }));
    for key in ["b", "a%2Fx", "c"] {
        say(&stage, key, "say Hello.").await;
    }
    let all = stage.get("/v1/sessions").await["sessions"].clone();
    assert_eq!(column(&all, "key"), ["a/x", "b", "c"]);
    assert_eq!((column(&all, "entries"), column(&all, "turns")), (vec![json!(2); 3], vec![json!(0); 3]));
    let page = |query: &str| format!("/v1/sessions?{query}");
    assert_eq!(column(&stage.get(&page("limit=2")).await["sessions"], "key"), ["a/x", "b"]);
    assert_eq!(column(&stage.get(&page("limit=2&after=b")).await["sessions"], "key"), ["c"]);
    assert_eq!(stage.get(&page("after=c")).await["sessions"], json!([]));
    for query in ["limit=0", "limit=1001"] {
        let (status, _, message) = stage.ask(Method::GET, &page(query), Load::NONE).await.problem();
        assert!(status == 400 && message.contains("expected 1 to 1000"), "{message}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_is_read_from_any_position_or_from_its_end() {
    let stage = Stage::new().await;
    for text in ["say one", "say two"] {
        say(&stage, "s", text).await;
    }
    let transcript = async |query: &str| stage.get(&format!("/v1/sessions/s/transcript{query}")).await;
    let all = transcript("").await;
    assert_eq!(
        (&all["total"], column(&all["entries"], "role")),
        (&json!(4), vec![json!("user"), json!("assistant"), json!("user"), json!("assistant")])
    );
    assert_eq!(column(&all["entries"], "content"), ["say one", "one", "say two", "two"]);
    assert_eq!(column(&transcript("?count=1").await["entries"], "content"), ["two"], "the newest");
    assert_eq!(column(&transcript("?start=1&count=2").await["entries"], "content"), ["one", "say two"]);
    assert_eq!(transcript("?start=4").await["entries"], json!([]));
    let (status, _, message) = stage.ask(Method::GET, "/v1/sessions/s/transcript?count=0", Load::NONE).await.problem();
    assert!(status == 400 && message.contains("`count` is 0"), "{message}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_tell_what_plugins_did_in_a_turn() {
    let config = r#"
[plugins.witness-a.config.answers.before-agent-run.block]
reason = "none today"
message = "Come back tomorrow."
[plugins.witness-a.config.does]
agent-turn-prepare = "err"
"#;
    let stage = Stage::with(config).await.with_witness().await;
    let end = stage.change(Method::POST, "/v1/sessions/s/turns", Load::json(&json!({ "text": "say Hello." }))).await;
    assert_eq!((&end["status"], &end["message"]), (&json!("blocked"), &json!("Come back tomorrow.")));
    let path = format!("/v1/sessions/s/runs/{}/receipts", end["run"].as_str().unwrap());
    let receipts = stage.get(&path).await;
    let ran = |hook: &str| receipts["receipts"].as_array().unwrap().iter().find(|r| r["hook"] == hook).unwrap()["ran"][0].clone();
    let blocked = ran("before-agent-run");
    assert_eq!(
        (&blocked["plugin"], &blocked["said"], &blocked["wants"]["block"]["reason"]),
        (&json!("witness-a"), &json!("ended"), &json!("none today"))
    );
    let failed = ran("agent-turn-prepare");
    assert_eq!((&failed["said"], &failed["code"]), (&json!("failed"), &json!("failed")));
    assert_eq!(receipts["beyond"], 0);
    say_nothing(&stage, "/v1/sessions/t/runs/x/receipts").await;
    say_nothing(&stage, "/v1/sessions/s/runs/x/receipts").await;
    stage.end().await;
}

async fn say_nothing(stage: &Stage, path: &str) {
    assert_eq!(stage.ask(Method::GET, path, Load::NONE).await.problem().0, 404, "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_reset_and_deleted_and_what_there_is_not_is_said() {
    let stage = Stage::new().await;
    say(&stage, "s", "say one").await;
    let before = stage.get("/v1/sessions/s").await;
    let reset = stage.change(Method::POST, "/v1/sessions/s/reset", Load::NONE).await;
    assert!(reset["key"] == "s" && reset["life"] != before["life"], "{reset}");
    let after = stage.get("/v1/sessions/s").await;
    assert_eq!((&after["life"], &after["entries"], after["runs"].as_array().unwrap().len()), (&reset["life"], &json!(0), 1));
    assert_eq!(stage.change(Method::DELETE, "/v1/sessions/s", Load::NONE).await, json!({ "key": "s" }));
    let history = stage.get("/v1/history?limit=1").await["events"][0].clone();
    assert_eq!((&history["what"], &history["why"]), (&json!("session-deleted"), &json!("s")));
    for (method, path) in [
        (Method::GET, "/v1/sessions/s"),
        (Method::GET, "/v1/sessions/s/transcript"),
        (Method::POST, "/v1/sessions/s/reset"),
        (Method::DELETE, "/v1/sessions/s"),
    ] {
        let (status, _, message) = stage.ask(method, path, Load::NONE).await.problem();
        assert!(status == 404 && message == "there is no session `s`", "{path}: {message}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_made_smaller_and_stays_whole() {
    let stage = Stage::new().await;
    for n in 0..8 {
        say(&stage, "s", &format!("say {}", format!("word-{n} ").repeat(200))).await;
    }
    let done = stage.change(Method::POST, "/v1/sessions/s/compact", Load::json(&json!({ "instructions": "keep the numbers" }))).await;
    assert_eq!((&done["key"], &done["engine"], &done["compacted"]), (&json!("s"), &json!("builtin"), &json!(true)), "{done}");
    assert!(done["tokens_after"].as_u64() < done["tokens_before"].as_u64(), "{done}");
    assert!(!done["summary"].as_str().unwrap().is_empty());
    assert_eq!(stage.get("/v1/sessions/s").await["entries"], 16, "the transcript keeps what was said");
    let history = stage.get("/v1/history?limit=1").await["events"][0].clone();
    assert_eq!(history["what"], "session-compacted");
    // Nothing has to be said.
    assert_eq!(stage.change(Method::POST, "/v1/sessions/s/compact", Load::NONE).await["key"], "s");
    assert_eq!(stage.ask(Method::POST, "/v1/sessions/t/compact", Load::NONE).await.problem().0, 404);
    for (body, said) in [(json!({ "instruction": "x" }), "instruction"), (json!({ "instructions": "x".repeat(17 << 10) }), "at most 16384")]
    {
        let (status, _, message) = stage.ask(Method::POST, "/v1/sessions/s/compact", Load::json(&body)).await.problem();
        assert!(status == 400 && message.contains(said), "{message}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_puts_what_a_plugin_keeps_and_takes_it_away() {
    let stage = Stage::new().await.with_toolbox().await;
    say(&stage, "s", "say Hello.").await;
    let path = "/v1/sessions/s/state/toolbox/notes";
    let patch = async |body: Value| stage.change(Method::PATCH, path, Load::json(&body)).await;
    assert_eq!(patch(json!({ "value": [1, 2] })).await, json!({ "replaced": false, "shown": { "bytes": 5 } }));
    let shown = json!([{ "plugin": "toolbox", "namespace": "notes", "value": { "bytes": 5 } }]);
    assert_eq!(stage.get("/v1/sessions").await["sessions"][0]["shown"], shown);
    assert_eq!(say(&stage, "s", "use recall {}").await["message"], "`recall` answered: [1,2]");
    assert_eq!(patch(json!({ "value": null })).await, json!({ "replaced": true, "shown": { "bytes": 4 } }), "null is a value");
    assert_eq!(patch(json!({ "unset": true })).await, json!({ "replaced": true }));
    assert_eq!(patch(json!({ "unset": true })).await, json!({ "replaced": false }));
    assert_eq!(stage.get("/v1/sessions/s").await["shown"], json!([]));
    let facts = stage.get("/v1/history?plugin=toolbox&limit=4").await["events"].clone();
    assert_eq!(column(&facts, "what"), ["state-unset", "state-unset", "state-set", "state-set"]);

    for (body, said) in [
        (json!({}), "neither"),
        (json!({ "unset": false }), "neither"),
        (json!({ "value": 1, "unset": true }), "both"),
        (json!({ "valeu": 1 }), "valeu"),
    ] {
        let (status, _, message) = stage.ask(Method::PATCH, path, Load::json(&body)).await.problem();
        assert!(status == 400 && message.contains(said), "{body}: {message}");
    }
    for (path, said) in [
        ("/v1/sessions/t/state/toolbox/notes", "no session `t`"),
        ("/v1/sessions/s/state/tolbox/notes", "did you mean `toolbox`"),
        ("/v1/sessions/s/state/toolbox/note", "it has `notes`"),
    ] {
        let (status, _, message) = stage.ask(Method::PATCH, path, Load::json(&json!({ "value": 1 }))).await.problem();
        assert!(status == 404 && message.contains(said), "{path}: {message}");
    }
    stage.end().await;
}
