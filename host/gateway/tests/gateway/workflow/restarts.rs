//! Hosts that come and go: what was missed, what nobody knows the end of, what was half done.

use super::stage::{Hand, NEW_YEAR, by, done, errand, granted, jobs, jobs_are, noted, session, skipping, told};
use crate::turns::stage::Stage;
use plugbay_gateway::GatewaySettings;
use plugbay_gateway::runtime::state::{DeliveriesQuery, Memory, WorkStore};
use plugbay_guests::built;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// A gateway that makes some jobs, and stops.
async fn before(hand: &Hand, later: &[serde_json::Value]) -> Arc<Memory> {
    let (stage, _) = errand(by(hand, None), hand.memory()).await;
    session(&stage).await;
    for one in later {
        done(&stage, "later", one.clone()).await;
    }
    stage.gateway.shutdown(Duration::ZERO, None).await;
    stage.state.clone()
}

/// The next one, with the plugin, not started.
async fn after(state: Arc<Memory>, settings: GatewaySettings) -> Stage {
    let stage = Stage::on(state, settings);
    stage.load("errand", built::ERRAND, granted()).await;
    stage
}

#[tokio::test]
async fn missed_times_run_once_when_the_host_is_back() {
    let hand = Hand::at(NEW_YEAR);
    let hourly = json!({ "cron": "0 * * * *", "name": "hour", "payload": "hour" });
    let state = before(&hand, &[hourly, json!({ "after-ms": 60_000, "payload": "once" })]).await;
    hand.advance(36 * 3_600_000);
    let stage = after(state, by(&hand, None)).await;
    stage.gateway.start().await.unwrap();
    jobs_are(&stage, |jobs| jobs.len() == 1 && jobs[0].next_at == Some(NEW_YEAR + 37 * 3_600_000)).await;
    let (fired, _) = noted(&stage).await;
    assert_eq!(fired.len(), 2, "{fired:?}");
    assert!(fired.iter().all(|row| row["times"] == 1));
}

#[tokio::test]
async fn or_they_are_skipped_and_that_is_said() {
    let hand = Hand::at(NEW_YEAR);
    let hourly = json!({ "cron": "0 * * * *", "name": "hour", "payload": "hour" });
    let once = json!({ "after-ms": 60_000, "payload": "once" });
    let all_the_same = json!({ "after-ms": 60_000, "payload": "all the same", "catch-up": "once" });
    let state = before(&hand, &[hourly, once, all_the_same]).await;
    hand.advance(36 * 3_600_000);
    let stage = after(state, skipping(&hand)).await;
    stage.gateway.start().await.unwrap();
    jobs_are(&stage, |jobs| jobs.len() == 1 && !jobs[0].running && jobs[0].next_at == Some(NEW_YEAR + 37 * 3_600_000)).await;
    let (fired, _) = noted(&stage).await;
    assert_eq!(fired.iter().map(|row| &row["payload"]).collect::<Vec<_>>(), [&json!("all the same")]);
    let told = told(&stage).await;
    assert_eq!(
        told.iter().filter(|(what, why)| what == "job-skipped" && why.as_deref().unwrap().contains("schedule.catch-up")).count(),
        2,
        "{told:?}"
    );
}

#[tokio::test]
async fn a_run_that_nobody_knows_the_end_of_is_said_and_not_run_again() {
    let hand = Hand::at(NEW_YEAR);
    let [timer, turn, claimed] = ["timer", "turn", "claimed"].map(|name| json!({ "after-ms": 1_000, "name": name, "payload": name }));
    let turn = json!({ "turn": "say it is time", "after-ms": turn["after-ms"], "name": "turn" });
    let state = before(&hand, &[timer, turn, claimed]).await;
    hand.advance(1_000);
    // What a host that dies leaves: all are claimed, and two of them had begun.
    let taken = state.claim_jobs(&["errand".into()], vec!["c-1".into(), "c-2".into(), "c-3".into()]).await.unwrap();
    assert_eq!(taken.len(), 3);
    for job in taken.iter().filter(|job| job.asked.name.as_deref() != Some("claimed")) {
        assert!(state.begin_job(&job.asked.id, job.claim.as_deref().unwrap()).await.unwrap());
    }
    let stage = after(state, by(&hand, None)).await;
    assert_eq!(stage.gateway.start().await.unwrap().jobs, 1, "the timer: of the turn it is known that it never began");
    jobs_are(&stage, <[_]>::is_empty).await;
    let (fired, _) = noted(&stage).await;
    assert_eq!(fired.iter().map(|row| (&row["payload"], &row["times"])).collect::<Vec<_>>(), [(&json!("claimed"), &json!(1))]);
    assert_eq!(stage.words("s").await.iter().filter(|line| *line == "assistant: it is time").count(), 1);
    let told = told(&stage).await;
    let lost: Vec<_> = told.iter().filter(|(what, _)| what == "job-failed").collect();
    assert!(lost.len() == 1 && lost[0].1.as_deref().unwrap().contains("the host stopped while it ran"), "{told:?}");
}

#[tokio::test]
async fn files_that_were_never_listed_go_and_what_was_listed_stays() {
    let (hand, folder) = (Hand::at(NEW_YEAR), tempfile::tempdir().unwrap());
    let (stage, _) = errand(by(&hand, Some(folder.path())), hand.memory()).await;
    session(&stage).await;
    done(&stage, "send", json!({ "files": [{ "name": "x", "text": "kept" }] })).await;
    stage.gateway.shutdown(Duration::ZERO, None).await;
    let orphan = folder.path().join("0190c2f4-0000-4000-8000-000000000001");
    std::fs::create_dir(&orphan).unwrap();
    std::fs::write(orphan.join("0"), "x").unwrap();
    let next = after(stage.state.clone(), by(&hand, Some(folder.path()))).await;
    next.gateway.start().await.unwrap();
    assert!(!orphan.exists());
    let [kept] = &next.gateway.deliveries().list(DeliveriesQuery::default()).await.unwrap()[..] else { panic!("not one") };
    assert!(next.gateway.deliveries().read(&kept.id, 0).await.unwrap().is_some());
    assert!(jobs(&next).await.is_empty());
}
