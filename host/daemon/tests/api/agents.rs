//! Turns: their events in order, their ends, cancelled ones, questions and answers, and what callers are told who ask for nonsense.

use super::client::{Load, Via, begin};
use super::following::Events;
use super::stage::Stage;
use hyper::Method;
use plugbay_guests::built::{TOOLBOX, TOOLBOX_TWO};
use serde_json::{Value, json};

/// A witness that asks a person before each call of a tool.
const ASKS: &str = "[plugins.witness-a.config.answers.before-tool-call.approval]\ntitle = \"really?\"\ndescription = \"look\"\n";

const TURNS: &str = "/v1/sessions/s/turns";

fn text(text: &str) -> Load {
    Load::json(&json!({ "text": text }))
}

/// A turn's events, read as they come.
struct Told(Events);

impl Told {
    async fn of(stage: &Stage, path: &str, load: Load) -> Self {
        Self(Events::from(begin(&stage.socket, &Method::POST, path, &load.streamed()).await.unwrap()))
    }

    /// The next one; it is as documented.
    async fn next(&mut self, stage: &Stage) -> Option<Value> {
        let (kind, _, data) = self.0.event().await?;
        let data: Value = serde_json::from_str(&data).unwrap();
        stage.contract.is(&json!({ "$ref": "#/components/schemas/TurnEvent" }), &data);
        assert_eq!(data["event"], kind);
        Some(data)
    }

    /// Events up to the first of this kind.
    async fn until(&mut self, stage: &Stage, kind: &str) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.next(stage).await {
            events.push(event);
            if events.last().unwrap()["event"] == kind {
                return events;
            }
        }
        panic!("no {kind}: {events:#?}")
    }

    /// All that is left.
    async fn rest(mut self, stage: &Stage) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.next(stage).await {
            events.push(event);
        }
        events
    }
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_is_told_streamed_in_order_or_as_its_end() {
    let stage = Stage::new().await.with_toolbox().await;
    let events = Told::of(&stage, TURNS, text("use add {\"a\": 2, \"b\": 3}")).await.rest(&stage).await;
    let mut told = kinds(&events);
    told.dedup();
    assert_eq!(told, ["accepted", "run-started", "tool-started", "tool-ended", "text", "message", "end"]);
    assert_eq!((&events[0]["run"], &events[1]["session"]), (&events[1]["run"], &json!("s")));
    assert_eq!((&events[2]["tool"], &events[2]["call_id"]), (&json!("add"), &events[3]["call_id"]));
    assert_eq!((&events[3]["end"], &events[3]["is_error"], &events[3]["answer"]), (&json!("answered"), &json!(false), &json!("5")));
    assert_eq!(events.last().unwrap(), &json!({ "event": "end", "status": "done" }));

    let end = stage.change(Method::POST, TURNS, text("say Good morning.")).await;
    assert_eq!((&end["status"], &end["message"]), (&json!("done"), &json!("Good morning.")));
    let failed = stage.change(Method::POST, TURNS, text("fail refused")).await;
    assert_eq!(failed["status"], "failed");
    assert!(!failed["error"].as_str().unwrap().is_empty() && failed.get("message").is_none(), "{failed}");
    let runs = stage.get("/v1/sessions/s").await["runs"].clone();
    assert_eq!((&runs[1]["run"], &runs[1]["status"], &runs[0]["status"]), (&end["run"], &json!("done"), &json!("failed")));

    let beat = stage.change(Method::POST, "/v1/sessions/s/heartbeat", Load::NONE).await;
    assert_eq!(beat["status"], "done");
    assert_eq!(kinds(&Told::of(&stage, "/v1/sessions/s/heartbeat", Load::NONE).await.rest(&stage).await).last(), Some(&"end"));
    assert_eq!(stage.get("/v1/sessions/s").await["runs"][0]["trigger"], "heartbeat");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_something_is_behind_it() {
    let stage = Stage::new().await.with_witness().await;
    let alice = stage.port(Some(&stage.token("alice", "operator.write", None).await));
    let said = Load::json(&json!({ "text": "say Hello.", "channel": "irc", "message_id": "m-1" }));
    assert_eq!(stage.ask_via(&alice, Method::POST, TURNS, said).await.status, 200);
    let run = stage.get("/v1/sessions/s").await["runs"][0].clone();
    assert_eq!((&run["sender"], &run["channel"], &run["message_id"]), (&json!("alice"), &json!("irc"), &json!("m-1")));
    stage.change(Method::POST, TURNS, text("say Hello.")).await;
    let run = stage.get("/v1/sessions/s").await["runs"][0].clone();
    assert_eq!((&run["sender"], &run["channel"]), (&json!(format!("uid:{}", rustix::process::geteuid().as_raw())), &json!("http")));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_stops_nothing_and_cancelling_does() {
    let stage = Stage::new().await;
    let mut told = Told::of(&stage, TURNS, text("slow 20\nlong 20\nsay there")).await;
    told.until(&stage, "text").await;
    drop(told);
    // Its place in the line is the proof: what comes next waits for it.
    stage.change(Method::POST, TURNS, text("say next")).await;
    let runs = stage.get("/v1/sessions/s").await["runs"].clone();
    assert_eq!((&runs[0]["status"], &runs[1]["status"]), (&json!("done"), &json!("done")));

    let mut runs_long = Told::of(&stage, TURNS, text("slow 60000\nlong 100")).await;
    let started = runs_long.until(&stage, "run-started").await;
    let mut waits = Told::of(&stage, TURNS, text("say never")).await;
    let accepted = waits.until(&stage, "accepted").await;
    assert_eq!(stage.get("/v1/sessions/s").await["turns"], 2);
    for (run, told) in [(&accepted[0]["run"], waits), (&started[0]["run"], runs_long)] {
        let cancelled = stage.change(Method::POST, &format!("/v1/runs/{}/cancel", run.as_str().unwrap()), Load::NONE).await;
        assert_eq!(&cancelled["run"], run);
        let rest = told.rest(&stage).await;
        assert_eq!(rest[rest.len() - 2..], [json!({ "event": "cancelled" }), json!({ "event": "end", "status": "cancelled" })]);
    }
    let again = format!("/v1/runs/{}/cancel", started[0]["run"].as_str().unwrap());
    assert_eq!(stage.ask(Method::POST, &again, Load::NONE).await.problem().0, 404);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_listed_answered_once_and_told_in_the_turn() {
    let stage = Stage::with(ASKS).await.with_toolbox().await.with_witness().await;
    let mut told = Told::of(&stage, TURNS, text("use echo {\"said\": 1}")).await;
    let asked = told.until(&stage, "approval-asked").await.pop().unwrap()["approval"].clone();
    assert_eq!(stage.get("/v1/approvals").await["approvals"], json!([asked]));
    assert_eq!((&asked["title"], &asked["tool"], &asked["plugin"]), (&json!("really?"), &json!("echo"), &json!("witness-a")));
    assert_eq!((&asked["session"], &asked["params"]), (&json!("s"), &json!({ "said": 1 })));

    let path = format!("/v1/approvals/{}", asked["id"].as_str().unwrap());
    let bob = stage.port(Some(&stage.token("bob", "operator.write", None).await));
    let answer = |decision: &str| Load::json(&json!({ "decision": decision, "why": "it is only echo" }));
    let nonsense = stage.ask_via(&bob, Method::POST, &path, answer("perhaps")).await;
    assert_eq!(nonsense.problem().0, 400);
    let settled = stage.ask_via(&bob, Method::POST, &path, answer("allow-once")).await;
    assert_eq!((settled.status.as_u16(), &settled.json()["resolution"], &settled.json()["by"]), (200, &json!("allow-once"), &json!("bob")));
    let late = stage.ask(Method::POST, &path, answer("deny")).await.problem();
    assert!(late.0 == 409 && late.1 == "settled" && late.2.contains("bob"), "{late:?}");
    assert_eq!(stage.ask(Method::POST, "/v1/approvals/nothing", answer("deny")).await.problem().0, 404);

    let rest = told.rest(&stage).await;
    let settled = rest.iter().find(|event| event["event"] == "approval-resolved").unwrap();
    assert_eq!((&settled["settled"]["resolution"], &settled["settled"]["by"]), (&json!("allow-once"), &json!("bob")));
    assert_eq!(rest.iter().find(|event| event["event"] == "tool-ended").unwrap()["end"], "answered");
    let history = stage.get("/v1/history?plugin=witness-a&limit=1").await["events"][0].clone();
    assert_eq!(
        (&history["what"], &history["who"], &history["why"]),
        (&json!("approval"), &json!("bob"), &json!("allow-once: really?: it is only echo"))
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_begins_to_stop_keeps_no_question_waiting() {
    let stage = Stage::with(ASKS).await.with_toolbox().await.with_witness().await;
    let mut told = Told::of(&stage, TURNS, text("use echo {\"said\": 1}")).await;
    told.until(&stage, "approval-asked").await;
    stage.host.begin_to_stop();
    let rest = told.rest(&stage).await;
    assert_eq!((&rest[0]["event"], &rest[0]["settled"]["resolution"]), (&json!("approval-resolved"), &json!("cancelled")));
    assert_eq!(rest.iter().find(|event| event["event"] == "tool-ended").unwrap()["end"], "blocked");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_are_listed_with_their_owners_and_what_clashes_is_nobodys() {
    let stage = Stage::new().await.with_toolbox().await;
    let tools = stage.get("/v1/tools").await;
    let add = tools["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == "add").unwrap();
    assert_eq!(
        (&add["owner"], &add["risk"], &add["tags"], &add["title"]),
        (&json!("toolbox"), &json!("low"), &json!(["maths", "pure"]), &json!("Add"))
    );
    assert_eq!(tools["clashes"], json!([]));
    assert_eq!(stage.change(Method::POST, "/v1/plugins", Load::built(TOOLBOX_TWO)).await["change"], "installed");
    let tools = stage.get("/v1/tools").await;
    assert_eq!(tools["clashes"], json!([{ "name": "add", "owners": ["toolbox", "toolbox-two"] }]));
    assert!(tools["tools"].as_array().unwrap().iter().all(|tool| tool["name"] != "add"));
    let shown = stage.get("/v1/plugins/toolbox-two").await["tools"].clone();
    assert_eq!(shown.as_array().unwrap().iter().find(|tool| tool["name"] == "add").unwrap()["clashes_with"], json!(["toolbox"]));
    let doctor = stage.get("/v1/doctor").await["findings"].clone();
    let finding = doctor.as_array().unwrap().iter().find(|f| f["about"] == "tool add").unwrap();
    assert!(finding["severity"] == "warning" && finding["found"].as_str().unwrap().contains("`toolbox`, `toolbox-two`"), "{finding}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_lacks_a_grant_is_shown_with_it_and_the_setting() {
    let stage = Stage::new().await;
    let installed = stage
        .change(
            Method::POST,
            "/v1/plugins?deny=conversation&grant=policy&grant=prompt",
            Load::wasm(plugbay_guests::builds::witness('a', 500).unwrap()),
        )
        .await;
    assert_eq!(installed["change"], "installed", "{installed}");
    let uncalled = stage.get("/v1/plugins/witness-a").await["uncalled"].clone();
    let of = |name: &str| uncalled.as_array().unwrap().iter().find(|hook| hook["name"] == name).cloned();
    let lacks = json!({ "name": "before-tool-call", "lacks": ["conversation"], "settings": ["plugins.witness-a.grants.conversation"] });
    assert_eq!(of("before-tool-call"), Some(lacks));
    assert_eq!(of("before-prompt-build").unwrap()["lacks"], json!(["conversation"]), "it has the other");
    assert!(of("session-start").is_none() && of("tool-policy").is_none());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_may_refuse_an_installation_and_an_administrator_skips_it() {
    let blocks = "[plugins.witness-a.config.answers.before-install]\nblock = \"not on a Friday\"\n";
    let stage = Stage::with(blocks).await.with_witness().await;
    let refused = stage.ask(Method::POST, "/v1/plugins?grant=prompt", Load::built(TOOLBOX)).await.problem();
    assert!(refused.0 == 422 && refused.2.contains("not on a Friday"), "{refused:?}");
    let skipped = stage.change(Method::POST, "/v1/plugins?grant=prompt&skip_gates=true", Load::built(TOOLBOX)).await;
    assert_eq!(skipped["change"], "installed");
    let history = stage.get("/v1/history?plugin=toolbox").await["events"].to_string();
    assert!(history.contains("gates"), "{history}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused_before_anything_happens() {
    let stage = Stage::with("[agent]\nwaiting = 0\n").await;
    for (path, body, said) in [
        (TURNS, json!({}), "missing field `text`"),
        (TURNS, json!({ "text": "x", "channl": "y" }), "`channl` isn't known"),
        (TURNS, json!({ "text": "x", "channel": "" }), "`channel`: expected 1 to 64"),
        ("/v1/sessions/%20/turns", json!({ "text": "x" }), "session"),
        ("/v1/sessions/%0a/prepare", json!({ "text": "x" }), "session"),
    ] {
        let (status, code, message) = stage.ask(Method::POST, path, Load::json(&body)).await.problem();
        assert_eq!((status, code.as_str()), (400, "invalid-input"), "{path} {body}: {message}");
        assert!(message.contains(said), "{message}");
    }
    assert_eq!(stage.ask(Method::POST, TURNS, Load::NONE).await.problem().0, 415);
    assert_eq!(stage.get("/v1/sessions").await["sessions"], json!([]));
    let mut told = Told::of(&stage, TURNS, text("slow 60000\nsay x")).await;
    let run = told.until(&stage, "run-started").await[0]["run"].as_str().unwrap().to_owned();
    let (status, code, message) = stage.ask(Method::POST, TURNS, text("say y")).await.problem();
    assert!(status == 503 && code == "busy" && message.contains("agent.waiting"), "{message}");
    stage.change(Method::POST, &format!("/v1/runs/{run}/cancel"), Load::NONE).await;
    assert!(matches!(stage.socket, Via::Socket(_)));
    stage.end().await;
}
