//! Jobs that are put: added, left as they are, planned anew, refused.

use super::{Stage, about, add, all, at, claim, history, ids, n, named, next, rules, timer};
use crate::assert_error;
use plugbay_state::{Code, Fact, Job, JobEnd, JobEnded, JobPut, JobSession, JobStatus, JobTime, JobsQuery, NewJob, Operation};

rules! {
    a_job_comes_back_as_it_was_asked,
    a_job_without_a_name_is_always_a_new_one,
    of_a_name_a_plugin_has_one_job,
    one_about_which_nothing_changes_stays_as_it_is,
    whatever_changes_is_a_new_plan_with_the_id_and_age_of_the_old,
    an_id_is_that_of_one_job,
    a_plugin_has_as_many_as_it_may_and_may_still_plan_them_anew,
    a_job_about_a_session_that_is_gone_is_not_kept,
    one_that_is_planned_anew_while_it_is_at_work_goes_by_that_when_it_ends,
    one_that_is_planned_anew_is_not_gone_when_its_run_says_so,
    one_that_stays_the_same_while_it_is_at_work_goes_by_its_end,
}

async fn a_job_comes_back_as_it_was_asked(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_sessions().await;
    clock.set(1_500);
    let time = JobTime { due_at: 3_000, run_at: 3_456 };
    let (name, tag) = (Some("daily".to_owned()), Some("news".to_owned()));
    let asked = NewJob { name, tag, kind: "turn".into(), body: r#"{"text":"hé"}"#.into(), plan: " 1 ".into(), time, ..about("a", "main") };
    let kept = Job { asked: asked.clone(), created_at: 1_500, status: JobStatus::Waiting, claim: None, anew: false };
    assert_eq!(state.put_job(asked, 9).await, Ok(JobPut::Added(kept.clone())));
    assert_eq!(state.job("a").await, Ok(Some(kept.clone())));
    assert_eq!(state.jobs(JobsQuery::default()).await, Ok(vec![kept]));
    assert_eq!((state.job("b").await, add(&**state, timer("b")).await.asked), (Ok(None), timer("b")));
}

async fn a_job_without_a_name_is_always_a_new_one(Stage { state, .. }: Stage) {
    for id in ["a", "b"] {
        assert!(matches!(state.put_job(timer(id), 9).await, Ok(JobPut::Added(_))));
    }
    assert_eq!(all(&*state).await, ["a", "b"]);
}

async fn of_a_name_a_plugin_has_one_job(Stage { state, .. }: Stage) {
    add(&*state, named("a", "x")).await;
    add(&*state, named("b", "y")).await;
    add(&*state, NewJob { plugin: "q".into(), ..named("c", "x") }).await;
    let JobPut::Changed(job) = state.put_job(NewJob { plan: "2".into(), ..named("d", "x") }, 9).await.unwrap() else { panic!() };
    assert_eq!((job.asked.id.as_str(), all(&*state).await), ("a", vec!["a".into(), "b".into(), "c".into()]));
    assert_eq!(state.job("c").await.unwrap().unwrap().asked.plan, "1");
}

async fn one_about_which_nothing_changes_stays_as_it_is(Stage { state, clock, .. }: Stage) {
    let there = add(&*state, named("a", "x")).await;
    clock.set(1_900);
    let later = NewJob { time: at(9_000), ..named("b", "x") };
    assert_eq!(state.put_job(later, 9).await, Ok(JobPut::Same(there.clone())), "its times, too");
    assert_eq!(state.put_job(named("a", "x"), 9).await, Ok(JobPut::Same(there.clone())));
    assert_eq!(state.job("a").await, Ok(Some(there)));
}

async fn whatever_changes_is_a_new_plan_with_the_id_and_age_of_the_old(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_sessions().await;
    add(&**state, named("a", "x")).await;
    let same = |asked: NewJob| NewJob { id: "new".into(), name: Some("x".into()), time: at(5_000), ..asked };
    let elsewhere = JobSession { key: "other".into(), life: "l1".into() };
    for asked in [
        NewJob { kind: "action".into(), ..timer("new") },
        NewJob { body: "[]".into(), ..timer("new") },
        NewJob { plan: "2".into(), ..timer("new") },
        NewJob { tag: Some("t".into()), ..timer("new") },
        about("new", "main"),
        NewJob { session: Some(elsewhere), ..timer("new") },
        timer("new"),
    ] {
        clock.advance(1);
        let asked = same(asked);
        let changed = Job {
            asked: NewJob { id: "a".into(), ..asked.clone() },
            created_at: 1_000,
            status: JobStatus::Waiting,
            claim: None,
            anew: false,
        };
        assert_eq!(state.put_job(asked, 9).await, Ok(JobPut::Changed(changed.clone())));
        assert_eq!(state.job("a").await, Ok(Some(changed)));
    }
    assert_eq!((state.next_job_at(&["p".into()]), all(&**state).await), (Ok(Some(5_000)), vec!["a".to_owned()]));
}

async fn an_id_is_that_of_one_job(Stage { state, .. }: Stage) {
    let there = add(&*state, timer("a")).await;
    add(&*state, named("b", "x")).await;
    let error = state.put_job(NewJob { plugin: "q".into(), ..timer("a") }, 9).await.unwrap_err();
    assert_eq!(error.message, "there is a job \"a\" already: expected a new id");
    assert_error(Err::<(), _>(error), Code::InvalidInput, Operation::PutJob);
    assert_error(state.put_job(NewJob { plan: "2".into(), ..named("a", "x") }, 9).await, Code::InvalidInput, Operation::PutJob);
    assert_eq!(state.job("a").await, Ok(Some(there)));
    assert_eq!(state.job("b").await.unwrap().unwrap().asked, named("b", "x"));
}

async fn a_plugin_has_as_many_as_it_may_and_may_still_plan_them_anew(Stage { state, .. }: Stage) {
    add(&*state, named("a", "x")).await;
    add(&*state, timer("b")).await;
    add(&*state, NewJob { plugin: "q".into(), ..timer("c") }).await;
    assert_eq!(state.put_job(timer("d"), 2).await, Ok(JobPut::Full(2)));
    assert_eq!(state.put_job(named("d", "y"), 1).await, Ok(JobPut::Full(2)));
    assert!(matches!(state.put_job(named("d", "x"), 0).await, Ok(JobPut::Same(_))));
    assert!(matches!(state.put_job(NewJob { plan: "2".into(), ..named("d", "x") }, 0).await, Ok(JobPut::Changed(_))));
    assert_eq!(state.job("d").await, Ok(None));
    state.remove_jobs(JobsQuery::default().id("b")).await.unwrap();
    assert!(matches!(state.put_job(timer("d"), 2).await, Ok(JobPut::Added(_))));
}

async fn a_job_about_a_session_that_is_gone_is_not_kept(stage: Stage) {
    let state = &stage.with_sessions().await.state;
    let there = add(&**state, named("a", "x")).await;
    state.reset_session("other", "l2").await.unwrap();
    for session in ["nowhere", "other"] {
        assert_eq!(state.put_job(about("b", session), 9).await, Ok(JobPut::Gone));
        assert_eq!(state.put_job(NewJob { name: Some("x".into()), ..about("b", session) }, 9).await, Ok(JobPut::Gone));
    }
    assert_eq!(state.jobs(JobsQuery::default()).await, Ok(vec![there]));
}

async fn one_that_is_planned_anew_while_it_is_at_work_goes_by_that_when_it_ends(Stage { state, clock, .. }: Stage) {
    add(&*state, named("a", "x")).await;
    clock.set(2_000);
    for (round, begins) in [(1, false), (2, true)] {
        let claimed = claim(&*state, &format!("c{round}"), 1).await.remove(0);
        let c = claimed.claim.clone().unwrap();
        assert!(!begins || state.begin_job("a", &c).await.unwrap());
        let status = if begins { JobStatus::Begun } else { JobStatus::Claimed };
        let planned = NewJob { plan: format!("\"anew {round}\""), time: at(2_000 + round), ..named("b", "x") };
        let JobPut::Changed(job) = state.put_job(planned.clone(), 9).await.unwrap() else { panic!() };
        assert_eq!((job.status, job.claim.as_ref(), job.anew, job.asked.time), (status, Some(&c), true, at(2_000 + round)));
        assert!(matches!(state.put_job(planned, 9).await, Ok(JobPut::Same(_))));
        clock.advance(9);
        assert_eq!(ids(&claim(&*state, "late", 9).await), [""; 0], "it is at work, though its new time has come");
        assert_eq!(state.next_job_at(&["p".into()]), Ok(None));
        assert_eq!(state.end_job("a", &c, next(Some(90_000))).await, Ok(JobEnded::Waits(at(2_000 + round))));
        let job = state.job("a").await.unwrap().unwrap();
        assert_eq!((job.status, job.claim, job.anew, job.asked.time), (JobStatus::Waiting, None, false, at(2_000 + round)));
        assert_eq!(job.asked.plan, format!("\"anew {round}\""));
    }
}

async fn one_that_is_planned_anew_is_not_gone_when_its_run_says_so(Stage { state, clock, .. }: Stage) {
    add(&*state, named("a", "x")).await;
    clock.set(2_000);
    claim(&*state, "c", 1).await;
    state.put_job(NewJob { plan: "2".into(), time: at(7_000), ..named("b", "x") }, 9).await.unwrap();
    assert_eq!(state.begin_job("a", "c.0").await, Ok(true));
    let end = JobEnd { last: vec![Fact::new("host", "run-job")], ..next(None) };
    assert_eq!(state.end_job("a", "c.0", end).await, Ok(JobEnded::Waits(at(7_000))));
    assert_eq!(history(&*state).await, [""; 0], "it wasn't the last run");
    assert_eq!(state.job("a").await.unwrap().unwrap().asked.time, at(7_000));
    clock.set(7_000);
    assert_eq!(ids(&claim(&*state, "d", 1).await), ["a"]);
    assert_eq!(state.end_job("a", "d.0", next(None)).await, Ok(JobEnded::Gone));
    assert_eq!(state.job("a").await, Ok(None), "this run is of the new plan, and counts");
}

async fn one_that_stays_the_same_while_it_is_at_work_goes_by_its_end(Stage { state, clock, .. }: Stage) {
    add(&*state, named("a", "x")).await;
    clock.set(2_000);
    claim(&*state, "c", 1).await;
    assert!(matches!(state.put_job(NewJob { time: at(7_000), ..named("b", "x") }, 9).await, Ok(JobPut::Same(job)) if !job.anew));
    assert_eq!(state.end_job("a", "c.0", next(Some(3_000))).await, Ok(JobEnded::Waits(at(3_000))));
    let jobs = state.jobs(JobsQuery { limit: n(1), ..JobsQuery::default() }).await.unwrap();
    assert_eq!(jobs[0].asked.time, at(3_000));
}
