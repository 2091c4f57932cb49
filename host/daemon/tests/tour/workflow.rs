//! What happens around conversations: a person decides with a button, the agent goes on, a file is handed over, and what was to be done later is done, whatever happens to the host meanwhile.

use super::program::{has, text, wait};
use super::stage::Stage;
use hyper::Method;
use plugbay_guests::{builds, built};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;

/// What the agent asks for.
const DEPLOY: &str =
    r#"use request_deploy {"service": "shop", "version": "1.4.2", "environment": "staging", "reason": "The cart loses items."}"#;
/// What it makes a file of.
const REPORT: &str = r#"use write_report {"title": "Release 1.4.2", "sections": [{"heading": "Done", "text": "- the cart"}, {"heading": "Open", "text": "- nothing"}]}"#;
/// What is to be done later.
const LATER: &str = r#"{"turn": "say Remember to tag the release.", "after-ms": 6000, "announce": true, "name": "reminder"}"#;

pub(crate) fn waits_for_a_person(stage: &mut Stage) {
    stage.step("An agent wants a deploy, and `deploy-approval` has it wait for a person; whoever lists sessions sees that.");
    has(&stage.does(&["install", built::DEPLOY_APPROVAL]), "serves: generation 1");
    has(&stage.says("release", DEPLOY), "d-1");
    has(&stage.shows(&["sessions"], |line| line.contains("deploy-approval")), "d-1");
    has(&stage.shows(&["jobs"], |line| line.contains("time-out-d-1")), "time-out-d-1");
    has(&stage.does(&["actions", "--plugin", "deploy-approval"]), "approve");
}

pub(crate) fn is_decided_with_a_button(stage: &mut Stage) {
    stage
        .step("A person approves it; the agent goes on, and is told before anything else. Whoever comes second learns that it is decided.");
    let yes = r#"{"request": "d-1", "note": "Watch the queue."}"#;
    stage.does(&["actions", "run", "deploy-approval", "approve", "--session", "release", "--params", yes]);
    wait("the agent goes on", || newest(stage)["trigger"] == "action" && newest(stage)["status"] == "done");
    let transcript = stage.shows(&["sessions", "show", "release", "--transcript"], |line| line.contains("APPROVED"));
    has(&transcript, "APPROVED");
    assert!(!stage.json(&["jobs"])["jobs"].to_string().contains("time-out-d-1"), "it waits for nobody any more");
    let again = stage.http(
        &Method::POST,
        &["actions", "deploy-approval", "approve"],
        &json!({ "session": "release", "params": { "request": "d-1" } }),
    );
    assert_eq!((&again["ok"], &again["code"]), (&json!(false), &json!("already-decided")));
}

/// The newest turn of the session.
fn newest(stage: &Stage) -> Value {
    stage.json(&["sessions", "show", "release"])["runs"][0].clone()
}

pub(crate) fn hands_a_file_over(stage: &mut Stage) {
    stage.step("`report-writer` makes a file of what the agent says: it stands in the outbox, and a person gets it from there.");
    has(&stage.does(&["install", built::REPORT_WRITER]), "serves: generation 1");
    stage.says("release", REPORT);
    let listed = stage.does(&["outbox", "--session", "release"]);
    has(&listed, "Release 1.4.2");
    let deliveries = stage.json(&["outbox", "--session", "release"]);
    let id = deliveries["deliveries"].as_array().unwrap().iter().find(|one| !one["files"].as_array().unwrap().is_empty()).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let file = stage.daemon.place.path("release.md");
    stage.does(&["outbox", "get", &id, "1", "-o", text(&file)]);
    let report = fs::read_to_string(&file).unwrap();
    assert!(report.starts_with("# Release 1.4.2") && report.contains("- the cart"), "{report}");
}

pub(crate) fn is_reminded_later(stage: &mut Stage) {
    stage.step(
        "`errand` has a turn wait. The daemon is killed twice before it is due, and the plugin is replaced three times: it has its turn, once.",
    );
    has(&stage.does(&["install", built::ERRAND]), "serves: generation 1");
    stage.does(&["actions", "run", "errand", "later", "--session", "release", "--params", LATER]);
    has(&stage.does(&["jobs", "--plugin", "errand"]), "reminder");
    let later = stage.daemon.place.path("errand-1.1.0.wasm");
    fs::write(&later, builds::errand_later().unwrap()).unwrap();
    has(&stage.does(&["install", text(&later)]), "generation 2");
    killed(stage);
    has(&stage.does(&["rollback", "errand"]), "in place of what did");
    killed(stage);
    has(&stage.does(&["install", text(&later)]), "in place of what did");
    let said = |stage: &Stage| stage.json(&["outbox", "--session", "release"]).to_string().matches("Remember to tag the release.").count();
    wait("the reminder is said", || said(stage) == 1);
    wait("the job is over", || stage.json(&["jobs", "--plugin", "errand"])["jobs"] == json!([]));
    stage.does(&["outbox", "--session", "release"]);
    let turns =
        stage.json(&["sessions", "show", "release"])["runs"].as_array().unwrap().iter().filter(|run| run["trigger"] == "schedule").count();
    assert_eq!((said(stage), turns), (1, 1));
    has(&stage.shows(&["history"], |line| line.contains("job-done")), "job-done");
}

fn killed(stage: &mut Stage) {
    println!("   $ kill -9 …");
    assert_eq!(stage.daemon.end(Signal::KILL).code(), None);
    println!("   $ plugbay run");
    stage.daemon.restart();
}
