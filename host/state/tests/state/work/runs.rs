//! Runs of jobs: claimed, begun, ended, found by a host that starts.

use super::{Stage, about, add, all, at, claim, history, ids, named, next, rules, timer, turn};
use crate::assert_error;
use plugbay_state::{Code, Fact, HistoryQuery, Job, JobEnd, JobEnded, JobStatus, JobTime, JobsQuery, NewJob, Operation};

rules! {
    what_is_due_is_claimed_the_longest_due_first,
    a_claim_takes_one_job_and_only_of_these_plugins,
    what_is_at_work_is_not_claimed_again_before_it_has_ended,
    claims_end_where_the_bytes_do_and_leave_the_rest,
    a_job_begins_once_and_by_its_claim,
    an_end_says_when_it_runs_next_or_that_it_is_gone,
    an_end_by_another_claim_ends_nothing,
    the_history_is_told_with_the_end,
    the_time_of_the_history_does_not_go_back,
    of_a_host_that_stopped_what_was_only_claimed_waits_again,
    of_a_host_that_stopped_what_has_begun_is_told_until_it_is_ended,
    a_turn_that_began_no_run_waits_again,
    what_was_planned_anew_before_the_host_stopped_waits_for_its_new_time,
}

async fn what_is_due_is_claimed_the_longest_due_first(Stage { state, clock, .. }: Stage) {
    for (id, plugin, run_at) in [("c", "p", 2_000), ("b", "q", 2_000), ("a", "p", 2_001), ("d", "p", 1_500), ("e", "q", 1_501)] {
        add(&*state, NewJob { plugin: plugin.into(), time: JobTime { due_at: 1, run_at }, ..timer(id) }).await;
    }
    let both = ["q".to_owned(), "p".to_owned()];
    let claims = |c: &str| (0..9).map(|i| format!("{c}.{i}")).collect::<Vec<_>>();
    assert_eq!(state.claim_jobs(&both, claims("early")).await, Ok(vec![]), "due, and put off");
    clock.set(2_000);
    let claimed = state.claim_jobs(&both, claims("c")).await.unwrap();
    let made: Vec<_> = claimed.iter().map(|job| (job.asked.id.as_str(), job.claim.as_deref().unwrap(), job.status)).collect();
    let status = JobStatus::Claimed;
    assert_eq!(made, [("d", "c.0", status), ("e", "c.1", status), ("b", "c.2", status), ("c", "c.3", status)]);
    for job in &claimed {
        assert_eq!(state.job(&job.asked.id).await, Ok(Some(job.clone())), "as it was answered");
    }
    assert_eq!(state.job("a").await.unwrap().unwrap().status, JobStatus::Waiting);
}

async fn a_claim_takes_one_job_and_only_of_these_plugins(Stage { state, clock, .. }: Stage) {
    for (id, plugin) in [("a", "p"), ("b", "q"), ("c", "p"), ("d", "r")] {
        add(&*state, NewJob { plugin: plugin.into(), ..timer(id) }).await;
    }
    clock.set(9_000);
    assert_eq!(state.claim_jobs(&[], vec!["c".into()]).await, Ok(vec![]));
    assert_eq!(state.claim_jobs(&["p".into()], vec![]).await, Ok(vec![]));
    assert_eq!(ids(&state.claim_jobs(&["p".into(), "r".into()], vec!["x".into(), "y".into()]).await.unwrap()), ["a", "c"]);
    assert_eq!(ids(&state.claim_jobs(&["p".into(), "r".into()], vec!["z".into()]).await.unwrap()), ["d"]);
    assert_eq!(state.job("b").await.unwrap().unwrap().status, JobStatus::Waiting);
}

async fn what_is_at_work_is_not_claimed_again_before_it_has_ended(Stage { state, clock, .. }: Stage) {
    add(&*state, timer("a")).await;
    clock.set(2_000);
    assert_eq!(claim(&*state, "c", 5).await.len(), 1);
    assert_eq!(claim(&*state, "d", 5).await, []);
    state.begin_job("a", "c.0").await.unwrap();
    assert_eq!(claim(&*state, "e", 5).await, []);
    state.end_job("a", "c.0", next(Some(2_000))).await.unwrap();
    assert_eq!(claim(&*state, "f", 5).await.len(), 1);
}

async fn claims_end_where_the_bytes_do_and_leave_the_rest(stage: Stage) {
    let Stage { state, clock, .. } = &stage.answering(4_000);
    for id in ["a", "b", "c"] {
        add(&**state, NewJob { body: format!("\"{}\"", "x".repeat(1_500)), ..timer(id) }).await;
    }
    add(&**state, NewJob { body: format!("\"{}\"", "x".repeat(5_000)), ..timer("d") }).await;
    clock.set(2_000);
    assert_eq!(ids(&claim(&**state, "x", 9).await), ["a", "b"]);
    assert_eq!(state.job("c").await.unwrap().unwrap().status, JobStatus::Waiting);
    assert_eq!((ids(&claim(&**state, "y", 9).await), ids(&claim(&**state, "z", 9).await)), (vec!["c"], vec!["d"]));
}

async fn a_job_begins_once_and_by_its_claim(Stage { state, clock, .. }: Stage) {
    add(&*state, timer("a")).await;
    assert_eq!((state.begin_job("a", "c.0").await, state.begin_job("nothing", "c.0").await), (Ok(false), Ok(false)));
    clock.set(2_000);
    claim(&*state, "c", 1).await;
    assert_eq!(state.begin_job("a", "d").await, Ok(false));
    assert_eq!((state.begin_job("a", "c.0").await, state.begin_job("a", "c.0").await), (Ok(true), Ok(false)));
    let job = state.job("a").await.unwrap().unwrap();
    assert_eq!((job.status, job.claim.as_deref()), (JobStatus::Begun, Some("c.0")));
}

async fn an_end_says_when_it_runs_next_or_that_it_is_gone(Stage { state, clock, .. }: Stage) {
    let there = add(&*state, timer("a")).await;
    clock.set(2_000);
    claim(&*state, "c", 1).await;
    state.begin_job("a", "c.0").await.unwrap();
    let time = JobTime { due_at: 5_000, run_at: 5_200 };
    assert_eq!(state.end_job("a", "c.0", JobEnd { next: Some(time), ..JobEnd::default() }).await, Ok(JobEnded::Waits(time)));
    let after = Job { asked: NewJob { time, ..timer("a") }, ..there };
    assert_eq!(state.job("a").await, Ok(Some(after)));
    clock.set(5_199);
    assert_eq!(claim(&*state, "d", 1).await, []);
    clock.set(5_200);
    claim(&*state, "e", 1).await;
    assert_eq!(state.end_job("a", "e.0", next(None)).await, Ok(JobEnded::Gone), "one that hasn't begun ends, too");
    assert_eq!(state.job("a").await, Ok(None));
}

async fn an_end_by_another_claim_ends_nothing(Stage { state, clock, .. }: Stage) {
    add(&*state, timer("a")).await;
    assert_eq!(state.end_job("a", "c.0", next(None)).await, Ok(JobEnded::NotThere), "nobody runs it");
    clock.set(2_000);
    let claimed = claim(&*state, "c", 1).await;
    assert_eq!(state.end_job("a", "d", next(None)).await, Ok(JobEnded::NotThere));
    assert_eq!(state.jobs(JobsQuery::default()).await, Ok(claimed));
    assert_eq!(state.end_job("a", "c.0", next(Some(9_000))).await, Ok(JobEnded::Waits(at(9_000))));
    assert_eq!(state.end_job("a", "c.0", next(None)).await, Ok(JobEnded::NotThere), "once");
    assert_eq!(all(&*state).await, ["a"]);
}

fn told(next: Option<u64>, what: &[&str]) -> JobEnd {
    let facts = what.iter().map(|what| Fact { plugin: Some("p".into()), ..Fact::new("host", what) });
    JobEnd { next: next.map(at), events: facts.collect(), ..JobEnd::default() }
}

async fn the_history_is_told_with_the_end(Stage { state, clock, .. }: Stage) {
    add(&*state, timer("a")).await;
    clock.set(2_000);
    claim(&*state, "c", 1).await;
    assert_eq!(state.end_job("a", "c.0", told(Some(2_000), &["run-job", "miss-job"])).await, Ok(JobEnded::Waits(at(2_000))));
    let events = state.history(HistoryQuery::oldest(9).of("p")).await.unwrap();
    assert_eq!(
        events.iter().map(|event| (event.at, event.fact.what.as_str())).collect::<Vec<_>>(),
        [(2_000, "run-job"), (2_000, "miss-job")]
    );
    claim(&*state, "d", 1).await;
    state.remove_jobs(JobsQuery::default().id("a")).await.unwrap();
    assert_eq!(state.end_job("a", "d.0", told(None, &["fail-job"])).await, Ok(JobEnded::NotThere));
    assert_eq!(history(&*state).await, ["run-job", "miss-job", "fail-job"], "of a job that was removed, too");
    add(&*state, timer("b")).await;
    for (claimed, next, told) in [("f", Some(2_000), 3), ("g", None, 4)] {
        claim(&*state, claimed, 1).await;
        let last = JobEnd { last: vec![Fact::new("host", "done-job")], ..crate::work::next(next) };
        state.end_job("b", &format!("{claimed}.0"), last).await.unwrap();
        assert_eq!(history(&*state).await.len(), told, "what is said of the last run is said of that");
    }
    add(&*state, timer("a")).await;
    claim(&*state, "e", 1).await;
    let wrong = told(None, &["fine", "Not A Word"]);
    assert_error(state.end_job("a", "e.0", wrong).await, Code::InvalidInput, Operation::EndJob);
    assert_eq!((history(&*state).await.len(), all(&*state).await), (4, vec!["a".to_owned()]));
}

async fn the_time_of_the_history_does_not_go_back(Stage { state, clock, .. }: Stage) {
    add(&*state, timer("a")).await;
    clock.set(5_000);
    claim(&*state, "c", 1).await;
    state.end_job("a", "c.0", told(Some(1_000), &["run-job"])).await.unwrap();
    clock.set(3_000);
    claim(&*state, "d", 1).await;
    state.end_job("a", "d.0", told(None, &["run-job"])).await.unwrap();
    let events = state.history(HistoryQuery::oldest(9)).await.unwrap();
    assert_eq!(events.iter().map(|event| event.at).collect::<Vec<_>>(), [5_000, 5_000]);
}

/// Of four jobs two have begun, one is claimed, and one has ended and waits for 3,000.
async fn stopped(stage: Stage) -> Stage {
    let state = &*stage.state;
    for (id, moment) in [("waits", 2_000), ("claimed", 2_000), ("begun", 2_000), ("late", 1_900)] {
        add(state, NewJob { time: at(moment), ..timer(id) }).await;
    }
    stage.clock.set(2_000);
    assert_eq!(ids(&claim(state, "c", 4).await), ["late", "begun", "claimed", "waits"]);
    assert_eq!((state.begin_job("late", "c.0").await, state.begin_job("begun", "c.1").await), (Ok(true), Ok(true)));
    assert_eq!(state.end_job("waits", "c.3", next(Some(3_000))).await, Ok(JobEnded::Waits(at(3_000))));
    stage
}

async fn of_a_host_that_stopped_what_was_only_claimed_waits_again(stage: Stage) {
    let state = &stopped(stage).await.state;
    state.recover_jobs().await.unwrap();
    let again = state.job("claimed").await.unwrap().unwrap();
    assert_eq!((again.status, again.claim, again.asked.time), (JobStatus::Waiting, None, at(2_000)));
    assert_eq!(state.begin_job("claimed", "c.2").await, Ok(false), "by its old claim");
    assert_eq!(ids(&claim(&**state, "d", 4).await), ["claimed"]);
}

async fn of_a_host_that_stopped_what_has_begun_is_told_until_it_is_ended(stage: Stage) {
    let state = &stopped(stage).await.state;
    let found = state.recover_jobs().await.unwrap();
    assert_eq!(ids(&found), ["late", "begun"]);
    assert_eq!(
        found.iter().map(|job| (job.status, job.claim.as_deref())).collect::<Vec<_>>(),
        [(JobStatus::Begun, Some("c.0")), (JobStatus::Begun, Some("c.1"))]
    );
    assert_eq!(state.recover_jobs().await, Ok(found));
    for (id, claim) in [("late", "c.0"), ("begun", "c.1")] {
        assert_eq!(state.end_job(id, claim, told(None, &["lose-job"])).await, Ok(JobEnded::Gone));
    }
    assert_eq!((state.recover_jobs().await, history(&**state).await.len()), (Ok(vec![]), 2));
    assert_eq!(all(&**state).await, ["claimed", "waits"]);
}

async fn a_turn_that_began_no_run_waits_again(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_sessions().await;
    for (id, kind) in [("action-", "action"), ("action-run", "action"), ("timer-", "timer"), ("turn-", "turn"), ("turn-run", "turn")] {
        add(&**state, NewJob { kind: kind.into(), ..about(id, "main") }).await;
    }
    clock.set(2_000);
    for job in claim(&**state, "c", 9).await {
        let (id, claim) = (job.asked.id, job.claim.unwrap());
        assert_eq!(state.begin_job(&id, &claim).await, Ok(true));
        if id.ends_with("run") {
            state.begin_run(turn(&claim)).await.unwrap().unwrap();
        }
    }
    state.recover().await.unwrap();
    assert_eq!(ids(&state.recover_jobs().await.unwrap()), ["action-run", "timer-", "turn-run"], "a run that is interrupted is one");
    assert_eq!(ids(&claim(&**state, "d", 9).await), ["action-", "turn-"]);
}

async fn what_was_planned_anew_before_the_host_stopped_waits_for_its_new_time(Stage { state, clock, .. }: Stage) {
    add(&*state, named("a", "x")).await;
    add(&*state, NewJob { kind: "turn".into(), ..named("b", "y") }).await;
    add(&*state, named("c", "z")).await;
    clock.set(2_000);
    claim(&*state, "c", 9).await;
    for (id, claim) in [("b", "c.1"), ("c", "c.2")] {
        state.begin_job(id, claim).await.unwrap();
    }
    for (name, kind) in [("x", "timer"), ("y", "turn"), ("z", "timer")] {
        state.put_job(NewJob { kind: kind.into(), plan: "2".into(), time: at(6_000), ..named("new", name) }, 9).await.unwrap();
    }
    let found = state.recover_jobs().await.unwrap();
    assert_eq!((ids(&found), found[0].anew), (vec!["c"], true));
    for id in ["a", "b"] {
        let job = state.job(id).await.unwrap().unwrap();
        assert_eq!((job.status, job.claim, job.anew, job.asked.time), (JobStatus::Waiting, None, false, at(6_000)));
    }
    assert_eq!(state.end_job("c", "c.2", next(None)).await, Ok(JobEnded::Waits(at(6_000))));
    assert_eq!(state.job("c").await.unwrap().unwrap().asked.time, at(6_000));
}
