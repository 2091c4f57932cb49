//! Jobs: listed, shown, removed.

use super::client::Load;
use super::stage::Stage;
use hyper::Method;
use serde_json::{Value, json};

fn column(list: &Value, name: &str) -> Vec<Value> {
    list.as_array().unwrap().iter().map(|row| row[name].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_by_when_they_run_and_narrowed_down() {
    let stage = Stage::new().await.with_errand().await;
    stage.session("s").await;
    assert_eq!(stage.get("/v1/jobs").await, json!({ "jobs": [] }));
    let later = async |params: Value| stage.errand("later", json!({ "session": "s", "params": params })).await["id"].clone();
    let second = later(json!({ "at": 32_503_680_000_000_u64, "name": "second", "tag": "a", "payload": 1 })).await;
    let turn = later(json!({ "turn": "look again", "at-time": "2999-01-01T00:00:00Z", "tag": "b" })).await;
    let cron = later(json!({ "cron": "0 9 * * *", "zone": "Europe/Berlin", "about": true, "name": "morning" })).await;

    let jobs = stage.get("/v1/jobs").await["jobs"].clone();
    assert_eq!(column(&jobs, "id"), [cron.clone(), turn.clone(), second.clone()]);
    assert_eq!(column(&jobs, "kind"), ["timer", "turn", "timer"]);
    assert_eq!(column(&jobs, "session"), [json!("s"), json!("s"), Value::Null]);
    assert_eq!(
        (&jobs[1]["message"], &jobs[1]["when"], &jobs[1]["next_at"]),
        (&json!("look again"), &json!("once"), &json!(32_472_144_000_000_u64))
    );
    assert!(jobs[0]["when"].as_str().unwrap().contains("Europe/Berlin"), "{jobs}");
    for (query, ids) in [
        ("plugin=errand", 3),
        ("plugin=other", 0),
        ("session=s", 2),
        ("tag=a", 1),
        ("tag=b&session=s", 1),
        ("tag=a&session=s", 0),
        ("limit=1", 1),
    ] {
        assert_eq!(stage.get(&format!("/v1/jobs?{query}")).await["jobs"].as_array().unwrap().len(), ids, "{query}");
    }
    let mut paged = Vec::new();
    let mut page = stage.get("/v1/jobs?limit=2").await;
    while let Some(spot) = page["next"].as_str().map(str::to_owned) {
        paged.extend(page["jobs"].as_array().unwrap().clone());
        assert!(paged.len() <= 3, "it doesn't go on: {paged:?}");
        page = stage.get(&format!("/v1/jobs?limit=2&after={spot}")).await;
    }
    assert_eq!((Value::Array(paged), page), (jobs.clone(), json!({ "jobs": [] })));
    let behind = stage.get("/v1/jobs?limit=1&session=s").await["next"].as_str().unwrap().to_owned();
    assert_eq!(column(&stage.get(&format!("/v1/jobs?session=s&after={behind}")).await["jobs"], "id"), [turn]);
    for query in ["limit=0", "limit=1001", "tga=a", "after=x", "after=1.", "after=-1.x", "after=18446744073709551615.x", "after="] {
        assert_eq!(stage.ask(Method::GET, &format!("/v1/jobs?{query}"), Load::NONE).await.problem().0, 400, "{query}");
    }
    let shown = stage.get(&format!("/v1/jobs/{}", second.as_str().unwrap())).await;
    assert_eq!(shown, jobs[2]);
    assert_eq!(stage.ask(Method::GET, "/v1/jobs/none", Load::NONE).await.problem().0, 404);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_on_where_the_one_before_ended_though_that_job_is_gone() {
    let stage = Stage::new().await.with_errand().await;
    stage.errand("many", json!({ "params": { "count": 5, "after-ms": 3_600_000 } })).await;
    let all = column(&stage.get("/v1/jobs").await["jobs"], "id");
    let first = stage.get("/v1/jobs?limit=2").await;
    for gone in &all[1..3] {
        stage.change(Method::DELETE, &format!("/v1/jobs/{}", gone.as_str().unwrap()), Load::NONE).await;
    }
    let rest = stage.get(&format!("/v1/jobs?after={}", first["next"].as_str().unwrap())).await;
    assert_eq!(column(&rest["jobs"], "id"), all[3..]);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_removes_a_job_and_the_history_says_who_and_why() {
    let stage = Stage::new().await.with_errand().await;
    let job = stage.errand("later", json!({ "params": { "after-ms": 3_600_000, "name": "tea" } })).await["id"].clone();
    let path = format!("/v1/jobs/{}", job.as_str().unwrap());
    let alice = stage.port(Some(&stage.token("alice", "operator.write", None).await));
    assert_eq!(stage.ask_via(&alice, Method::DELETE, &path, Load::NONE).await.problem().0, 403);
    let removed = stage.change(Method::DELETE, &format!("{path}?why=nobody%20drinks%20it"), Load::NONE).await;
    assert_eq!(removed, json!({ "id": job, "plugin": "errand" }));
    let history = stage.get("/v1/history?plugin=errand&limit=1").await["events"][0].clone();
    assert_eq!((&history["what"], &history["why"]), (&json!("job-removed"), &json!("tea: nobody drinks it")), "{history}");
    assert!(history["who"].as_str().unwrap().starts_with("uid:"));
    assert_eq!(stage.ask(Method::DELETE, &path, Load::NONE).await.problem().0, 404);
    assert_eq!(stage.get("/v1/jobs").await["jobs"], json!([]));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_has_no_more_jobs_than_the_configuration_says() {
    let stage = Stage::with("[schedule]\njobs = 2\n").await.with_errand().await;
    let many = |count: u64| Load::json(&json!({ "params": { "count": count, "after-ms": 3_600_000 } }));
    let (status, ..) = stage.ask(Method::POST, "/v1/actions/errand/many", many(3)).await.problem();
    assert_eq!((status, stage.get("/v1/jobs").await["jobs"].as_array().unwrap().len()), (502, 2));
    let refused = stage.ask(Method::POST, "/v1/actions/errand/many", many(1)).await.problem();
    assert_eq!((refused.0, refused.1.as_str()), (502, "failed"), "{}", refused.2);
    let first = stage.get("/v1/jobs").await["jobs"][0]["id"].clone();
    stage.change(Method::DELETE, &format!("/v1/jobs/{}", first.as_str().unwrap()), Load::NONE).await;
    assert_eq!(stage.errand("many", json!({ "params": { "count": 1, "after-ms": 3_600_000 } })).await, json!(1));
    let jobs = column(&stage.get("/v1/jobs").await["jobs"], "id");
    assert!(jobs.len() == 2 && !jobs.contains(&first), "one that goes makes room for one, and for no more: {jobs:?}");
    stage.end().await;
}
