//! Jobs while a gateway runs: made, found, run, put off, removed.

use super::stage::{Hand, NEW_YEAR, acts, became, by, done, errand, fails, granted, jobs, jobs_are, noted, session, skipping, told};
use crate::dying::Dying;
use crate::turns::stage::Stage;
use plugbay_gateway::runtime::state::{DeliveriesQuery, JobPut, JobTime, NewJob, StateLimits, WorkStore};
use plugbay_gateway::runtime::{Grants, Order, Settings, Source, Wanted};
use plugbay_gateway::{AnswerTo, GatewaySettings, ScheduleSettings, TurnAsked};
use plugbay_guests::built;
use serde_json::{Value, json};

async fn stage(hand: &Hand) -> Stage {
    let (stage, _) = errand(by(hand, None), hand.memory()).await;
    session(&stage).await;
    stage
}

/// How often each due time was told, by the timer's payload.
fn times(fired: &[Value]) -> Vec<(Value, u64)> {
    fired.iter().map(|row| (row["payload"].clone(), row["times"].as_u64().unwrap())).collect()
}

#[tokio::test]
async fn a_timer_is_told_when_it_is_due_and_is_gone_then() {
    let hand = Hand::at(NEW_YEAR);
    let stage = stage(&hand).await;
    let later = json!({ "after-ms": 60_000, "payload": { "n": 1 }, "name": "one", "tag": "t", "about": true });
    let job = done(&stage, "later", later).await;
    assert_eq!((&job["kind"], &job["session"], &job["next-at"]), (&json!("timer"), &json!("s"), &json!(NEW_YEAR + 60_000)));
    done(&stage, "later", json!({ "after-ms": 59_999, "payload": "before it" })).await;
    hand.advance(59_999);
    jobs_are(&stage, |jobs| jobs.len() == 1).await;
    assert_eq!(times(&noted(&stage).await.0), [(json!("before it"), 1)]);
    done(&stage, "forget-all", Value::Null).await;
    hand.advance(1);
    jobs_are(&stage, <[_]>::is_empty).await;
    let (fired, changes) = noted(&stage).await;
    assert_eq!(fired.len(), 1);
    assert_eq!(
        (&fired[0]["payload"], &fired[0]["name"], &fired[0]["tag"], &fired[0]["session"], &fired[0]["due-at"], &fired[0]["next-at"]),
        (&json!({ "n": 1 }), &json!("one"), &json!("t"), &json!("s"), &json!(NEW_YEAR + 60_000), &Value::Null)
    );
    let changes: Vec<_> = changes.iter().map(|change| change["change"].as_str().unwrap().to_owned()).collect();
    assert_eq!(changes, ["started", "finished"]);
    assert_eq!(told(&stage).await.len(), 2, "a line for each of the two, and nothing else is left of them");
}

#[tokio::test]
async fn a_turn_is_the_agents_and_its_answer_goes_where_it_is_said() {
    let hand = Hand::at(NEW_YEAR);
    let folder = tempfile::tempdir().unwrap();
    let (stage, _) = errand(by(&hand, Some(folder.path())), hand.memory()).await;
    session(&stage).await;
    done(&stage, "later", json!({ "turn": "say quietly", "after-ms": 1_000 })).await;
    done(&stage, "later", json!({ "turn": "say aloud", "after-ms": 2_000, "announce": true })).await;
    hand.advance(1_000);
    jobs_are(&stage, |jobs| jobs.len() == 1).await;
    hand.advance(1_000);
    jobs_are(&stage, <[_]>::is_empty).await;
    assert_eq!(stage.words("s").await[2..], ["user: say quietly", "assistant: quietly", "user: say aloud", "assistant: aloud"]);
    assert_eq!(stage.runs("s").await[0].trigger, "schedule");
    let delivered = stage.gateway.deliveries().list(DeliveriesQuery::default()).await.unwrap();
    assert_eq!(delivered.len(), 1);
    let [one] = &delivered[..] else { panic!("{delivered:?}") };
    assert_eq!((one.caption.as_deref(), one.plugin.as_str(), one.session.as_str(), one.files.len()), (Some("aloud"), "errand", "s", 0));
}

#[tokio::test]
async fn an_answer_that_is_too_long_for_the_list_is_cut_and_says_so() {
    let (hand, folder) = (Hand::at(NEW_YEAR), tempfile::tempdir().unwrap());
    let (stage, _) = errand(by(&hand, Some(folder.path())), hand.memory()).await;
    session(&stage).await;
    let long = "ä".repeat(10_000);
    done(&stage, "later", json!({ "turn": format!("say {long}"), "after-ms": 1, "announce": true })).await;
    hand.advance(1);
    jobs_are(&stage, <[_]>::is_empty).await;
    let caption = stage.gateway.deliveries().list(DeliveriesQuery::default()).await.unwrap().remove(0).caption.unwrap();
    assert!(caption.starts_with(&"ä".repeat(8_192)) && caption.ends_with("stands in the transcript)"), "{}", caption.len());
    assert_eq!(stage.words("s").await[3], format!("assistant: {long}"));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_costs_nothing() {
    let hand = Hand::at(NEW_YEAR);
    let stage = stage(&hand).await;
    for wrong in [
        json!({ "cron": "0 0 30 2 *" }),
        json!({ "cron": "0 9 * * mon", "zone": "Europe/Atlantis" }),
        json!({ "at-time": "yesterday" }),
        json!({ "after-ms": 1, "tag": "a:b" }),
        json!({ "after-ms": 1, "name": " " }),
        json!({ "after-ms": 1, "name": "n".repeat(129) }),
        json!({ "after-ms": 1, "jitter-ms": 86_400_001_u64 }),
        json!({ "after-ms": 1, "turn": "  " }),
        json!({ "after-ms": 1, "turn": "x".repeat(32_769) }),
    ] {
        fails(&stage, "later", wrong).await;
    }
    assert!(jobs(&stage).await.is_empty());
    done(&stage, "many", json!({ "count": 100, "after-ms": 1_000 })).await;
    fails(&stage, "later", json!({ "after-ms": 1 })).await;
    assert_eq!(jobs(&stage).await.len(), 100);
    assert_eq!(done(&stage, "call-off", json!({ "tag": "many" })).await, json!(100));
}

#[tokio::test]
async fn a_name_is_one_job_whatever_is_asked() {
    let hand = Hand::at(NEW_YEAR);
    let stage = stage(&hand).await;
    let cron = json!({ "cron": "0 9 * * *", "name": "morning" });
    let first = done(&stage, "later", cron.clone()).await;
    hand.advance(3_600_000);
    assert_eq!(done(&stage, "later", cron).await, first, "nothing about it changes");
    let changed = done(&stage, "later", json!({ "cron": "0 10 * * *", "name": "morning" })).await;
    assert_eq!((&changed["id"], &changed["next-at"]), (&first["id"], &json!(NEW_YEAR + 10 * 3_600_000)));
    assert_eq!(jobs(&stage).await.len(), 1);
    let (_, changes) = noted(&stage).await;
    assert_eq!(changes.iter().map(|change| change["change"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), ["added", "updated"]);
}

#[tokio::test]
async fn runs_of_a_job_never_overlap_and_a_failure_is_no_reason_for_another() {
    let hand = Hand::at(NEW_YEAR);
    let stage = stage(&hand).await;
    let tick = done(&stage, "later", json!({ "cron": "* * * * * *", "name": "tick", "payload": { "task": { "slow": 300 } } })).await;
    done(&stage, "later", json!({ "after-ms": 1_000, "payload": { "task": "fail" } })).await;
    done(&stage, "later", json!({ "after-ms": 1_000, "payload": { "task": "panic" } })).await;
    let rests = async || {
        let now = plugbay_gateway::ScheduleClock::now(&hand);
        jobs_are(&stage, |jobs| jobs.len() == 1 && jobs.iter().all(|job| !job.running && job.next_at.unwrap() > now)).await;
    };
    hand.advance(1_000);
    rests().await;
    for _ in 0..3 {
        hand.advance(1_000);
        jobs_are(&stage, |jobs| jobs.iter().any(|job| job.running)).await;
        // It is due again while it runs.
        hand.advance(1_000);
        hand.advance(1_000);
        rests().await;
    }
    let (fired, changes) = noted(&stage).await;
    assert!(times(&fired).iter().all(|(_, times)| *times == 1), "{fired:?}");
    let ticks = fired.iter().filter(|row| row["name"] == "tick").count();
    let became: Vec<_> = became(&changes, &tick["id"]).into_iter().map(|(what, _)| what).collect();
    let one_by_one = [["started", "finished"]].concat().repeat(ticks);
    assert!(ticks >= 4 && became[0] == "added" && became[1..] == one_by_one[..], "{ticks} runs: {became:?}");
    let failed: Vec<_> = changes.iter().filter(|change| !change["error"].is_null()).collect();
    assert_eq!(failed.len(), 2, "{changes:?}");
    let told = told(&stage).await;
    assert_eq!(told.iter().filter(|(what, why)| what == "job-failed" && why.is_some()).count(), 2);
    assert_eq!(told.len(), 2, "what goes well and comes again leaves no line");
}

#[tokio::test]
async fn what_fails_again_and_again_is_told_to_its_plugin_each_time_and_to_the_history_once() {
    let hand = Hand::at(NEW_YEAR);
    let stage = stage(&hand).await;
    let job = done(&stage, "later", json!({ "cron": "* * * * * *", "payload": { "task": "fail" } })).await;
    for second in 1..=4 {
        hand.advance(1_000);
        jobs_are(&stage, |jobs| !jobs[0].running && jobs[0].next_at == Some(NEW_YEAR + (second + 1) * 1_000)).await;
    }
    let (_, changes) = noted(&stage).await;
    assert_eq!(became(&changes, &job["id"]).iter().filter(|(what, _)| what == "finished").count(), 4);
    assert_eq!(told(&stage).await.len(), 1);
}

#[tokio::test]
async fn a_timer_that_has_itself_run_again_is_not_over() {
    let hand = Hand::at(NEW_YEAR);
    let stage = stage(&hand).await;
    let job = done(&stage, "later", json!({ "after-ms": 1_000, "name": "tick", "payload": { "task": { "again": 60_000 } } })).await;
    hand.advance(1_000);
    let next = NEW_YEAR + 61_000;
    jobs_are(&stage, |jobs| !jobs[0].running && jobs[0].next_at == Some(next)).await;
    let (_, changes) = noted(&stage).await;
    let first = NEW_YEAR + 1_000;
    let [added, started, updated, finished] =
        [("added", Some(first)), ("started", None), ("updated", Some(next)), ("finished", Some(next))]
            .map(|(what, at)| (what.to_owned(), at));
    assert_eq!(became(&changes, &job["id"]), [added, started, updated, finished]);
    assert!(told(&stage).await.is_empty(), "it goes on");
    hand.advance(60_000);
    jobs_are(&stage, <[_]>::is_empty).await;
    assert_eq!(told(&stage).await, [("job-done".to_owned(), None)]);
}

#[tokio::test]
async fn one_that_is_removed_while_it_runs_comes_to_its_end_and_has_no_next_time() {
    let hand = Hand::at(NEW_YEAR);
    let stage = stage(&hand).await;
    let job = done(&stage, "later", json!({ "cron": "* * * * * *", "payload": { "task": { "slow": 300 } } })).await;
    hand.advance(1_000);
    jobs_are(&stage, |jobs| jobs[0].running).await;
    assert!(stage.gateway.schedule().remove_job(job["id"].as_str().unwrap()).await.unwrap());
    let last = loop {
        let (_, changes) = noted(&stage).await;
        let last = became(&changes, &job["id"]).pop().unwrap();
        if last.0 == "finished" {
            break last;
        }
    };
    assert_eq!(last.1, None);
    assert!(jobs(&stage).await.is_empty());
}

#[tokio::test]
async fn a_plugin_finds_all_its_jobs_however_long_they_are() {
    let hand = Hand::at(NEW_YEAR);
    let limits = StateLimits { result: 20_000.try_into().unwrap(), ..StateLimits::default() };
    let (stage, _) = errand(by(&hand, None), hand.memory_with(limits)).await;
    session(&stage).await;
    for name in ["a", "b", "c", "d", "e"] {
        done(&stage, "later", json!({ "after-ms": 1_000, "name": name, "payload": "x".repeat(9_000) })).await;
    }
    assert!(jobs(&stage).await.len() < 5, "one answer hasn't room for them");
    assert_eq!(done(&stage, "jobs", json!({})).await.as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn what_cannot_be_written_for_a_moment_is_written_then() {
    let hand = Hand::at(NEW_YEAR);
    let state = hand.memory();
    let stage = Stage::of(Dying::failing(state.clone(), &["begin_job", "end_job"], by(&hand, None)), state);
    stage.load("errand", built::ERRAND, granted()).await;
    stage.gateway.start().await.unwrap();
    session(&stage).await;
    done(&stage, "later", json!({ "after-ms": 1_000, "payload": 1 })).await;
    hand.advance(1_000);
    jobs_are(&stage, <[_]>::is_empty).await;
    assert_eq!(times(&noted(&stage).await.0), [(json!(1), 1)]);
}

#[tokio::test]
async fn a_moment_that_has_passed_is_now_also_where_missed_times_are_skipped() {
    let hand = Hand::at(NEW_YEAR);
    let (stage, _) = errand(skipping(&hand), hand.memory()).await;
    session(&stage).await;
    hand.advance(1_000);
    done(&stage, "later", json!({ "at": NEW_YEAR - 60_000, "payload": "late" })).await;
    jobs_are(&stage, <[_]>::is_empty).await;
    assert_eq!(times(&noted(&stage).await.0), [(json!("late"), 1)]);
}

#[tokio::test]
async fn jobs_go_with_their_session_and_their_plugin() {
    let hand = Hand::at(NEW_YEAR);
    let (stage, plugin) = errand(by(&hand, None), hand.memory()).await;
    let make = async || {
        session(&stage).await;
        done(&stage, "later", json!({ "turn": "say x", "after-ms": 60_000, "tag": "t" })).await;
        done(&stage, "later", json!({ "after-ms": 60_000, "tag": "t", "about": true })).await;
        done(&stage, "later", json!({ "after-ms": 60_000, "tag": "t" })).await;
    };
    make().await;
    stage.gateway.reset("s").await.unwrap();
    assert_eq!(jobs(&stage).await.len(), 1, "that which is about no session");
    make().await;
    assert_eq!(jobs(&stage).await.len(), 4);
    assert!(stage.gateway.delete("s").await.unwrap());
    assert_eq!(jobs(&stage).await.len(), 2);
    make().await;
    assert_eq!(done(&stage, "call-off", json!({ "tag": "t", "here": true })).await, json!(2));
    let source = || Source::file(built::ERRAND);
    let id = plugin.id().clone();
    let swap = Wanted::running(source(), Settings { required: Some(true), ..granted() });
    stage.gateway.plugins().apply(id.clone(), swap, Order::by("test")).await.unwrap();
    assert_eq!(jobs(&stage).await.len(), 3, "a swap keeps them");
    let off = Wanted { runs: Err("for a test".into()), ..Wanted::running(source(), granted()) };
    stage.gateway.plugins().apply(id, off, Order::by("test")).await.unwrap();
    assert!(jobs(&stage).await.is_empty());
}

#[tokio::test]
async fn a_plugin_that_does_not_serve_keeps_its_jobs_and_one_that_was_denied_is_skipped() {
    let hand = Hand::at(NEW_YEAR);
    let (stage, plugin) = errand(by(&hand, None), hand.memory()).await;
    session(&stage).await;
    done(&stage, "later", json!({ "after-ms": 1_000, "payload": 1 })).await;
    stage.gateway.plugins().missing(plugin.id().clone(), Order::by("test")).await.unwrap();
    hand.advance(2_000);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(jobs(&stage).await.len(), 1);
    stage.load("errand", built::ERRAND, granted()).await;
    jobs_are(&stage, <[_]>::is_empty).await;
    assert_eq!(times(&noted(&stage).await.0), [(json!(1), 1)]);
    done(&stage, "later", json!({ "after-ms": 1_000, "payload": 2 })).await;
    let denied = Grants { denied: [plugbay_gateway::runtime::Grant::Schedule].into(), ..granted().grants };
    stage.load("errand", built::ERRAND, Settings { grants: denied, ..granted() }).await;
    hand.advance(2_000);
    jobs_are(&stage, <[_]>::is_empty).await;
    assert_eq!(noted(&stage).await.0.len(), 1);
    let (what, why) = told(&stage).await.pop().unwrap();
    assert!(what == "job-skipped" && why.unwrap().contains("`schedule`"));
    assert!(acts(&stage, "later", json!({ "after-ms": 1 })).await.is_err(), "and it can make no more");
}

#[tokio::test]
async fn a_turn_for_a_life_that_is_over_makes_no_session() {
    let hand = Hand::at(NEW_YEAR);
    let stage = stage(&hand).await;
    let life = stage.gateway.session("s").await.unwrap().unwrap().id;
    stage.gateway.reset("s").await.unwrap();
    let asked = TurnAsked { life: Some(life), answer: AnswerTo::Nobody, ..TurnAsked::said("s", "test", "say x") };
    let end = stage.gateway.turn(asked).await.unwrap().ended().await;
    assert!(end.error.unwrap().contains("deleted or reset"));
    assert!(stage.transcript("s").await.is_empty());
}

#[tokio::test]
async fn an_operator_removes_one() {
    let hand = Hand::at(NEW_YEAR);
    let stage = stage(&hand).await;
    let job = done(&stage, "later", json!({ "cron": "0 9 * * mon-fri", "zone": "Europe/Berlin" })).await;
    let listed = jobs(&stage).await.remove(0);
    assert_eq!((listed.when.as_str(), listed.kind.as_str(), listed.running), ("0 9 * * mon-fri (Europe/Berlin)", "timer", false));
    let id = job["id"].as_str().unwrap();
    assert!(stage.gateway.schedule().remove_job(id).await.unwrap());
    assert!(!stage.gateway.schedule().remove_job(id).await.unwrap());
    assert_eq!(noted(&stage).await.1.last().unwrap()["change"], "removed");
}

#[tokio::test]
async fn a_plugin_whose_timers_take_long_keeps_no_other_from_its_own() {
    let hand = Hand::at(NEW_YEAR);
    let usual = by(&hand, None);
    let schedule = ScheduleSettings { concurrent: 4.try_into().unwrap(), ..usual.schedule };
    let (stage, _) = errand(GatewaySettings { schedule, ..usual }, hand.memory()).await;
    stage.load("bench-alarm", built::BENCH_ALARM, granted()).await;
    session(&stage).await;
    for n in 0..12 {
        done(&stage, "later", json!({ "after-ms": 1, "payload": { "task": { "slow": 300 } }, "name": format!("slow {n}") })).await;
    }
    let (body, plan) = (json!({ "kind": "timer", "payload": null }), json!({ "once": NEW_YEAR + 2 }));
    let other = NewJob {
        id: "the-other".into(),
        plugin: "bench-alarm".into(),
        name: None,
        tag: None,
        session: None,
        kind: "timer".into(),
        body: body.to_string(),
        plan: plan.to_string(),
        time: JobTime { due_at: NEW_YEAR + 2, run_at: NEW_YEAR + 2 },
    };
    assert!(matches!(stage.state.put_job(other, u64::MAX).await.unwrap(), JobPut::Added(_)));
    hand.advance(2);
    let left = jobs_are(&stage, |jobs| jobs.iter().all(|job| job.plugin != "bench-alarm")).await;
    assert!(left.len() > 8, "it is due after all of these, and doesn't wait for them: {}", left.len());
}
