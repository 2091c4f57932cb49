//! `deploy-approval`: an agent asks, a person answers once, the agent goes on with the answer; who may not, may not; what nobody answers counts as rejected.

use super::stage::{ADMIN, Acted, Guest, MINUTE, Stage, WRITE, code, success};
use plugbay_guests::built;
use serde_json::{Value, json};

async fn stage() -> Stage {
    Stage::with(&[Guest { id: "deploy-approval", built: built::DEPLOY_APPROVAL, config: json!({}) }]).await
}

/// The agent asks.
async fn asks(stage: &Stage, environment: &str) -> String {
    let asked = json!({ "service": "shop", "version": "1", "environment": environment, "reason": "x" });
    stage.answer("s", &format!("use request_deploy {asked}")).await
}

async fn approves(stage: &Stage, scope: &str) -> Acted {
    stage.acts("deploy-approval", "approve", "s", Some(json!({ "request": "d-1" })), scope).await
}

/// Names of the jobs that there are.
async fn names(stage: &Stage) -> Vec<String> {
    stage.jobs().await.into_iter().filter_map(|job| job.name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_answers_once_and_the_agent_goes_on() {
    let stage = stage().await;
    let told = asks(&stage, "staging").await;
    assert!(told.contains("Request d-1 is made: deploy shop 1 to staging"), "{told}");
    assert_eq!(names(&stage).await, ["time-out-d-1"]);
    assert!(stage.projected("s").await.as_str().unwrap().starts_with("d-1: deploy shop 1 to staging, waits"));
    let done = success(approves(&stage, WRITE).await);
    assert!(done.continue_agent);
    assert_eq!(done.result.unwrap().parse().unwrap(), json!({ "request": "d-1", "verdict": "approved" }));
    stage.turns("s", 2).await;
    // The run's end is written before that of its job, and only a job begins another.
    stage.jobs_are(|jobs| jobs.iter().all(|job| job.kind != "action")).await;
    let words = stage.words("s").await;
    let went_on = words.last().unwrap();
    assert!(
        went_on.starts_with("assistant: ") && went_on.contains("request d-1 (deploy shop 1 to staging) was APPROVED by ada"),
        "{words:?}"
    );
    assert_eq!(stage.shown("s").await, "show messages", "it is told once");
    stage.turns("s", 3).await;
    assert!(stage.jobs().await.is_empty(), "what it waited for came");
    assert_eq!(code(approves(&stage, WRITE).await), "already-decided");
    assert_eq!(stage.projected("s").await, Value::Null, "nothing waits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_needs_an_admin() {
    let stage = stage().await;
    asks(&stage, "production").await;
    assert_eq!(code(approves(&stage, WRITE).await), "needs-admin");
    assert_eq!(names(&stage).await, ["time-out-d-1"], "it waits on");
    assert!(success(approves(&stage, ADMIN).await).continue_agent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_answers_counts_as_rejected_and_the_agent_is_told() {
    let waits = Guest { id: "deploy-approval", built: built::DEPLOY_APPROVAL, config: json!({}) };
    let stage = Stage::with(&[waits, Guest { id: "errand", built: built::ERRAND, config: json!({}) }]).await;
    asks(&stage, "staging").await;
    // What is due is claimed together: when this timer is over, all that was due with it has begun at least.
    let later = json!({ "after-ms": 59 * MINUTE });
    success(stage.acts("errand", "later", "s", Some(later), WRITE).await);
    stage.hand.advance(59 * MINUTE);
    let left = stage.jobs_are(|jobs| jobs.iter().all(|job| job.plugin != "errand")).await;
    let [job] = &left[..] else { panic!("not one: {left:?}") };
    assert!(job.name.as_deref() == Some("time-out-d-1") && !job.running, "{job:?}");
    stage.hand.advance(2 * MINUTE);
    stage.jobs_are(<[_]>::is_empty).await;
    let shown = stage.shown("s").await;
    assert!(shown.contains("nobody answered request d-1") && shown.contains("it counts as REJECTED"), "{shown}");
    assert_eq!(stage.shown("s").await, "show messages");
    assert_eq!(code(approves(&stage, WRITE).await), "already-decided");
}
