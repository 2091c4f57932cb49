//! Agents of a host: what a start finds of those before it, and what the doctor says of them.

use crate::house::*;
use plugbay_daemon::api::types::{Decision, ReceiptList, Resolve, RunState, Severity, Standing, TranscriptQuery, TurnRequest};
use plugbay_daemon::host::Host;
use plugbay_daemon::tokens::{Caller, Scope};
use plugbay_guests::{builds, built};
use plugbay_runtime::state::{NewRun, Question, SessionStore, StateStore};
use std::time::Duration;

const ASKS: &str = "[plugins.toolbox]\ngrants.prompt = true\n[plugins.witness-a]\ngrants = { conversation = true, prompt = true, policy = true }\n\
    [plugins.witness-a.config.answers.before-tool-call.approval]\ntitle = \"really?\"\ndescription = \"look\"\n";

fn house(more: &str) -> House {
    let house = House::patient(&format!("{ASKS}{more}"));
    house.place("toolbox", &std::fs::read(built::TOOLBOX).unwrap());
    house.place("witness-a", &builds::witness('a', 500).unwrap());
    house
}

/// A host whose tools and witness serve.
async fn start(house: &House) -> Host {
    let host = house.start().await;
    for id in ["toolbox", "witness-a"] {
        let plugin = listed(&host, id).unwrap();
        assert_eq!(plugin.standing, Standing::Active, "{plugin:?}");
    }
    host
}

async fn turn(host: &Host, text: &str) -> plugbay_gateway::Turn {
    let asked = TurnRequest { text: text.to_owned(), message_id: None, channel: None };
    host.turn("s", asked, &Caller { name: "alice".to_owned(), scope: Scope::Write }).await.unwrap()
}

/// The content of a session's newest entries.
async fn words(host: &Host) -> Vec<serde_json::Value> {
    host.transcript("s", TranscriptQuery::default()).await.unwrap().entries.into_iter().map(|entry| entry.content).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_stops_cancels_the_question_and_its_session_says_how_the_turn_ended() {
    let house = house("");
    let host = start(&house).await;
    let turn = turn(&host, "use echo {\"said\": 1}").await;
    until("somebody is asked", || !host.approvals().approvals.is_empty()).await;
    let id = host.approvals().approvals[0].id.clone();
    let host = house.restart(host).await;
    let end = turn.ended().await;
    says(&end.message.unwrap(), &["really?", "cancelled"]);
    assert!(host.approvals().approvals.is_empty());
    let run = host.session("s").await.unwrap().runs.remove(0);
    assert_eq!(run.status, RunState::Done, "it went on without an answer: {run:?}");
    let answer = Resolve { decision: Decision::AllowOnce, why: None };
    assert_eq!(host.resolve(&id, answer, me()).await.unwrap_err().problem.code, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_a_killed_host_left_is_a_no_and_says_why() {
    let house = house("");
    start(&house).await.stop(Duration::ZERO).await;
    let state = house.state();
    let life = state.ensure_session("s", "life").await.unwrap().session.id;
    let run = NewRun { run: "run".into(), session: "s".into(), life, trigger: "user".into(), facts: "{}".into(), plugins: vec![] };
    state.begin_run(run).await.unwrap().unwrap();
    let body = serde_json::json!({ "title": "really?", "tool": "echo" }).to_string();
    let (session, run) = (Some("s".to_owned()), Some("run".to_owned()));
    state.ask(Question { id: "q".into(), plugin: "witness-a".into(), session, run, body, asked_at: 1 }).await.unwrap();
    state.close().await;
    drop(state);

    let host = start(&house).await;
    assert!(host.approvals().approvals.is_empty());
    let detail = host.session("s").await.unwrap();
    assert_eq!((detail.runs[0].status, detail.runs[0].run.as_str()), (RunState::Interrupted, "run"));
    says(words(&host).await[0].as_str().unwrap(), &["The host stopped in the middle of this turn"]);
    let late = host.resolve("q", Resolve { decision: Decision::AllowOnce, why: None }, me()).await.unwrap_err().problem;
    assert_eq!(late.code, "settled");
    says(&late.message, &["cancelled"]);
    let ReceiptList { receipts, .. } = host.receipts("s", "run").await.unwrap();
    assert!(
        receipts.iter().any(|receipt| receipt.hook == "approvals" && receipt.ran[0].plugin == "witness-a"),
        "its plugin is told: {receipts:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_people_are_not_asked_the_doctor_notes_who_would_ask() {
    let house = house("[agent]\napprovals = false\n");
    let host = start(&house).await;
    let finding = host.doctor().await.findings.into_iter().find(|finding| finding.about == "approvals").unwrap();
    assert_eq!(finding.severity, Severity::Ok, "it is a note");
    says(&finding.found, &["`agent.approvals`", "`witness-a`"]);
    assert!(!finding.found.contains("toolbox"), "it can't ask: {}", finding.found);
    let end = turn(&host, "use echo {\"said\": 1}").await.ended().await;
    says(&end.message.unwrap(), &["setting `agent.approvals`"]);
    assert!(host.doctor().await.findings.iter().all(|finding| !finding.about.starts_with("tool ")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_required_plugin_that_is_not_active_is_an_error_that_says_what_is_refused() {
    let house = house("[plugins.good]\nrequired = true\n");
    house.place("good", &good("good", "1.0.0"));
    let host = house.start().await;
    let finding = complains(&host, "plugin good", "required").await;
    assert_eq!(finding.severity, Severity::Error);
    says(&finding.found, &["held", "what it guards is refused", "`before-tool-call`"]);
    assert!(!finding.found.contains("tool-policy"), "it doesn't export that: {}", finding.found);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_another_start_changes_is_said_of_models_and_agents_too() {
    let house = House::patient("");
    let host = house.start().await;
    house.add("[agent]\nrounds = 3\n[model]\nmodel = \"llama\"\nbase-url = \"http://127.0.0.1:1/v1\"\n[logs]\nlevel = \"debug\"\n");
    let finding = complains(&host, "configuration", "isn't in force yet").await;
    says(&finding.found, &["[logs]", "[model]", "[agent]"]);
}
