//! `sla-monitor`: whoever waits too long has an answer, once, and it is counted; there is one timer, however often the host starts.

use super::stage::{Guest, MINUTE, Stage};
use plugbay_gateway::TurnStatus;
use plugbay_guests::built;
use plugbay_runtime::state::{Options, Owner, StateStore};
use serde_json::{Value, json};

fn guest() -> Guest {
    Guest { id: "sla-monitor", built: built::SLA_MONITOR, config: json!({ "target-minutes": 1 }) }
}

/// Time goes by: for the host, and for who waits. A plugin's own clock can't be moved, so what it has noted is.
async fn goes_by(stage: &Stage, ms: u64) {
    let owner = Owner::new("sla-monitor").unwrap();
    let waiting = stage.state.open(&owner, "waiting", Options::up_to(500)).await.unwrap();
    for row in waiting.entries().await.unwrap() {
        let mut wait: Value = row.value.parse().unwrap();
        wait["since"] = json!(wait["since"].as_u64().unwrap() - ms);
        waiting.register(&row.key, wait.to_string(), None).await.unwrap();
    }
    stage.hand.advance(ms);
}

/// Waits until the plugin has looked at all that is due.
async fn looked(stage: &Stage) {
    let now = plugbay_gateway::ScheduleClock::now(&stage.hand);
    stage.jobs_are(|jobs| jobs.len() == 1 && jobs.iter().all(|job| !job.running && job.next_at.is_some_and(|next| next > now))).await;
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_too_long_has_an_answer() {
    let stage = Stage::with(&[guest()]).await;
    assert_eq!(stage.said("s", "fail refused").await.status, TurnStatus::Failed);
    let waits = stage.command("sla", None).await;
    assert!(waits.starts_with("Waiting: 1, longer than 1 min: 0\ns: "), "{waits}");
    goes_by(&stage, 2 * MINUTE).await;
    stage.turns("s", 2).await;
    looked(&stage).await;
    let [delivery] = &stage.deliveries().await[..] else { panic!("not one: {}", stage.log()) };
    assert_eq!((delivery.plugin.as_str(), delivery.session.as_str(), delivery.files.len()), ("sla-monitor", "s", 0));
    assert!(delivery.caption.as_deref().unwrap().contains("sla-monitor: Somebody waits for an answer"), "{delivery:?}");
    let over = stage.command("sla", None).await;
    assert!(over.starts_with("Nobody waits for an answer.\n") && over.contains("breaches: 1; answers: 1, of which too late: 1"), "{over}");
    goes_by(&stage, 2 * MINUTE).await;
    looked(&stage).await;
    stage.turns("s", 2).await;
    assert_eq!(stage.deliveries().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_one_timer_however_often_the_host_starts() {
    let mut stage = Stage::with(&[guest()]).await;
    for _ in 0..3 {
        let jobs = stage.jobs().await;
        assert_eq!(jobs.iter().map(|job| (job.plugin.as_str(), job.name.as_deref())).collect::<Vec<_>>(), [("sla-monitor", Some("sweep"))]);
        stage = stage.again(&[guest()]).await;
    }
}
