//! `report-writer`: what an agent writes is a file for people in which nothing is markup but what the plugin made; a digest is a job that goes when it isn't wanted any more.

use super::stage::{Acted, Guest, MINUTE, Stage, WRITE, code, success};
use plugbay_gateway::ScheduleClock;
use plugbay_guests::built;
use serde_json::{Value, json};

async fn stage() -> Stage {
    Stage::with(&[Guest { id: "report-writer", built: built::REPORT_WRITER, config: json!({}) }]).await
}

async fn acts(stage: &Stage, action: &str, params: Option<Value>) -> Acted {
    stage.acts("report-writer", action, "s", params, WRITE).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_is_a_file_for_people() {
    let stage = stage().await;
    let sections = json!([{ "heading": "A", "text": "**x** <b>" }, { "heading": "B", "text": "- y" }]);
    let told = stage.answer("s", &format!("use write_report {}", json!({ "title": "Week 3", "sections": sections }))).await;
    assert!(told.contains("Delivered as "), "{told}");
    let [delivery] = &stage.deliveries().await[..] else { panic!("not one") };
    assert_eq!((delivery.plugin.as_str(), delivery.session.as_str(), delivery.caption.as_deref()), ("report-writer", "s", Some("Week 3")));
    let [file] = &delivery.files[..] else { panic!("{delivery:?}") };
    assert!(file.content_type == "text/markdown" && file.name.ends_with(".md") && told.contains(&file.name), "{file:?}");
    let text = std::io::read_to_string(stage.gateway.deliveries().read(&delivery.id, 0).await.unwrap().unwrap()).unwrap();
    for part in ["# Week 3\n", "## 1. A\n", "**x** ", "## 2. B\n", "\n- y\n"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains(" <b>"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_digest_comes_each_day_until_nobody_wants_it() {
    let stage = stage().await;
    stage.answer("s", "say hello").await;
    for at in ["9:00", "18:00"] {
        success(acts(&stage, "digest", Some(json!({ "at": at, "zone": "Europe/Berlin" }))).await);
    }
    let [job] = &stage.jobs().await[..] else { panic!("not one") };
    assert!(job.kind == "turn" && job.when.contains("0 18 * * *") && job.when.contains("Europe/Berlin"), "{job:?}");
    stage.hand.advance(48 * 60 * MINUTE); // two of them at once are one
    let now = ScheduleClock::now(&stage.hand);
    stage.jobs_are(|jobs| jobs.iter().all(|job| !job.running && job.next_at.is_some_and(|at| at > now))).await;
    stage.turns("s", 2).await;
    let [delivery] = &stage.deliveries().await[..] else { panic!("not one") };
    assert!(delivery.plugin == "report-writer" && delivery.caption.is_some() && delivery.files.is_empty(), "{delivery:?}");
    success(acts(&stage, "stop-digest", None).await);
    assert!(stage.jobs().await.is_empty());
    assert_eq!(code(acts(&stage, "stop-digest", None).await), "no-digest");
    assert_eq!(code(acts(&stage, "digest", Some(json!({ "at": "noon" }))).await), "bad-time");
    assert_eq!(code(acts(&stage, "digest", Some(json!({ "at": "18:00", "zone": "Europe/Atlantis" }))).await), "invalid-input");
}
