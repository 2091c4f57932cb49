//! What is welcome of jobs and deliveries: names, JSON, moments, bounds, each to the byte.

use super::{Stage, add, all, claim, history, next, parcel, rules, timer};
use crate::assert_error;
use plugbay_state::{
    Code, DeliveriesQuery, Fact, JobEnd, JobSession, JobSpot, JobTime, JobsQuery, MAX_TIME, NewDelivery, NewJob, Operation, Record,
    StateError, WorkBounds,
};

rules! {
    a_wrong_name_of_a_job_is_named_by_its_operation,
    a_wrong_name_of_a_run_or_a_delivery_is_named_by_its_operation,
    a_refusal_says_what_it_was_and_its_bound,
    bodies_and_plans_are_bounded_to_the_byte,
    bodies_and_plans_are_json,
    moments_are_moments,
    lists_of_names_are_bounded_and_all_different,
    the_history_is_told_what_it_would_be_told_anyway,
}

/// What an operation says to a wrong name.
fn said_to<T>(outcome: Result<T, StateError>) -> (Operation, Code) {
    let error = outcome.err().unwrap();
    (error.operation, error.code)
}

async fn a_wrong_name_of_a_job_is_named_by_its_operation(stage: Stage) {
    let state = &stage.with_sessions().await.state;
    for (bad, code) in
        [(" bad".to_owned(), Code::InvalidInput), (String::new(), Code::InvalidInput), ("x".repeat(513), Code::LimitExceeded)]
    {
        let (put, name) = (|job: NewJob| state.put_job(job, 9), || bad.clone());
        let session = |key: &str, life: &str| Some(JobSession { key: key.into(), life: life.into() });
        let query = JobsQuery::default;
        let spot = JobSpot { run_at: 1, id: bad.clone() };
        let said_to_all = [
            said_to(put(timer(&bad)).await),
            said_to(put(NewJob { plugin: name(), ..timer("a") }).await),
            said_to(put(NewJob { name: Some(name()), ..timer("a") }).await),
            said_to(put(NewJob { tag: Some(name()), ..timer("a") }).await),
            said_to(put(NewJob { kind: name(), ..timer("a") }).await),
            said_to(put(NewJob { session: session(&bad, "l1"), ..timer("a") }).await),
            said_to(put(NewJob { session: session("main", &bad), ..timer("a") }).await),
            said_to(state.job(&bad).await),
            said_to(state.jobs(query().id(&bad)).await),
            said_to(state.jobs(query().of(&bad)).await),
            said_to(state.jobs(query().about(&bad)).await),
            said_to(state.jobs(query().tagged(&bad)).await),
            said_to(state.jobs(query().kind(&bad)).await),
            said_to(state.jobs(JobsQuery { after: Some(spot), ..query() }).await),
            said_to(state.remove_jobs(query().tagged(&bad)).await),
            said_to(state.next_job_at(&[name()])),
        ];
        use Operation::{Job, Jobs, NextJobAt, PutJob, RemoveJobs};
        let operations: Vec<_> = [PutJob; 7].into_iter().chain([Job]).chain([Jobs; 6]).chain([RemoveJobs, NextJobAt]).collect();
        assert_eq!(said_to_all.to_vec(), operations.into_iter().map(|operation| (operation, code)).collect::<Vec<_>>());
    }
    assert_eq!((Operation::PutJob.as_str(), Operation::NextJobAt.as_str()), ("put-job", "next-job-at"));
    assert_eq!(all(&**state).await, [""; 0]);
}

async fn a_wrong_name_of_a_run_or_a_delivery_is_named_by_its_operation(stage: Stage) {
    let state = &stage.with_sessions().await.state;
    for (bad, code) in [("bad\n".to_owned(), Code::InvalidInput), ("x".repeat(513), Code::LimitExceeded)] {
        let (send, name) = (|delivery: NewDelivery| state.add_delivery(delivery), || bad.clone());
        let said_to_all = [
            said_to(state.claim_jobs(&[name()], vec!["c".into()]).await),
            said_to(state.claim_jobs(&["p".into()], vec![name()]).await),
            said_to(state.begin_job(&bad, "c").await),
            said_to(state.begin_job("a", &bad).await),
            said_to(state.end_job(&bad, "c", next(None)).await),
            said_to(state.end_job("a", &bad, next(None)).await),
            said_to(send(parcel(&bad)).await),
            said_to(send(NewDelivery { plugin: name(), ..parcel("a") }).await),
            said_to(send(NewDelivery { session: name(), ..parcel("a") }).await),
            said_to(send(NewDelivery { life: name(), ..parcel("a") }).await),
            said_to(send(NewDelivery { run: Some(name()), ..parcel("a") }).await),
            said_to(state.delivery(&bad).await),
            said_to(state.deliveries(DeliveriesQuery::default().to(&bad)).await),
            said_to(state.deliveries(DeliveriesQuery::default().of(&bad)).await),
            said_to(state.remove_delivery(&bad).await),
        ];
        use Operation::{AddDelivery, BeginJob, ClaimJobs, Deliveries, Delivery, EndJob, RemoveDelivery};
        let of_runs = [ClaimJobs, ClaimJobs, BeginJob, BeginJob, EndJob, EndJob].into_iter();
        let operations = of_runs.chain([AddDelivery; 5]).chain([Delivery, Deliveries, Deliveries, RemoveDelivery]);
        assert_eq!(said_to_all.to_vec(), operations.map(|operation| (operation, code)).collect::<Vec<_>>());
    }
    assert_eq!((Operation::RecoverJobs.as_str(), Operation::RemoveDelivery.as_str()), ("recover-jobs", "remove-delivery"));
}

async fn a_refusal_says_what_it_was_and_its_bound(Stage { state, .. }: Stage) {
    let error = state.put_job(NewJob { tag: Some("x".repeat(513)), ..timer("a") }, 9).await.unwrap_err();
    assert_eq!(error.message, "the job's tag: 513 bytes wanted, 512 bytes allowed (fixed, no setting changes it)");
    let error = state.put_job(NewJob { time: JobTime { due_at: 1, run_at: MAX_TIME + 1 }, ..timer("a") }, 9).await.unwrap_err();
    assert_eq!(error.message, format!("the job's `run_at` is {}: expected {MAX_TIME} milliseconds at most", MAX_TIME + 1));
    let error = state.claim_jobs(&["p".into()], vec!["c".into(), "c".into()]).await.unwrap_err();
    assert_eq!(error.message, "the claim \"c\" is there twice: expected names that are all different");
}

fn json(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes - 2))
}

async fn bodies_and_plans_are_bounded_to_the_byte(stage: Stage) {
    let state = &stage.with_sessions().await.state;
    let (body, plan) = (WorkBounds::BODY, WorkBounds::PLAN);
    let job = |id: &str, body: usize, plan: usize| NewJob { body: json(body), plan: json(plan), ..timer(id) };
    for large in [job("a", body + 1, 2), job("a", 2, plan + 1)] {
        assert_error(state.put_job(large, 9).await, Code::LimitExceeded, Operation::PutJob);
    }
    let kept = add(&**state, job("a", body, plan)).await;
    assert_eq!((kept.asked.body.len(), kept.asked.plan.len()), (256 << 10, 4 << 10));
    assert_eq!(state.job("a").await, Ok(Some(kept)));
    let most = WorkBounds::DELIVERY;
    let sent = |bytes: usize| NewDelivery { body: json(bytes), bytes: MAX_TIME, ..parcel("a") };
    assert_error(state.add_delivery(sent(most + 1)).await, Code::LimitExceeded, Operation::AddDelivery);
    assert_eq!(state.add_delivery(sent(most)).await, Ok(true));
    let listed = state.delivery("a").await.unwrap().unwrap().sent;
    assert_eq!((listed.body.len(), listed.bytes), (64 << 10, MAX_TIME));
}

async fn bodies_and_plans_are_json(stage: Stage) {
    let state = &stage.with_sessions().await.state;
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    add(&**state, NewJob { body: deep(64), plan: deep(64), ..timer("deep") }).await;
    for (wrong, code) in [(String::new(), Code::InvalidInput), ("{\"a\":}".into(), Code::InvalidInput), (deep(65), Code::LimitExceeded)] {
        assert_error(state.put_job(NewJob { body: wrong.clone(), ..timer("a") }, 9).await, code, Operation::PutJob);
        assert_error(state.put_job(NewJob { plan: wrong.clone(), ..timer("a") }, 9).await, code, Operation::PutJob);
        assert_error(state.add_delivery(NewDelivery { body: wrong, ..parcel("a") }).await, code, Operation::AddDelivery);
    }
    assert_eq!(all(&**state).await, ["deep"]);
}

async fn moments_are_moments(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_sessions().await;
    let beyond = MAX_TIME + 1;
    let (due, run) = (JobTime { due_at: beyond, run_at: 1 }, JobTime { due_at: 1, run_at: beyond });
    let last = JobTime { due_at: MAX_TIME, run_at: MAX_TIME };
    for time in [due, run] {
        assert_error(state.put_job(NewJob { time, ..timer("a") }, 9).await, Code::InvalidInput, Operation::PutJob);
        let end = JobEnd { next: Some(time), ..JobEnd::default() };
        assert_error(state.end_job("a", "c", end).await, Code::InvalidInput, Operation::EndJob);
    }
    assert_eq!(add(&**state, NewJob { time: last, ..timer("a") }).await.asked.time, last);
    clock.set(u64::MAX);
    assert_eq!(claim(&**state, "c", 1).await.len(), 1, "the last moment comes, too");
    let spot = Some(JobSpot { run_at: beyond, id: "a".into() });
    assert_error(state.jobs(JobsQuery { after: spot, ..JobsQuery::default() }).await, Code::InvalidInput, Operation::Jobs);
    let older = DeliveriesQuery::default().older_than(beyond);
    assert_error(state.deliveries(older).await, Code::InvalidInput, Operation::Deliveries);
    let huge = NewDelivery { bytes: beyond, ..parcel("a") };
    assert_error(state.add_delivery(huge).await, Code::InvalidInput, Operation::AddDelivery);
}

async fn lists_of_names_are_bounded_and_all_different(Stage { state, .. }: Stage) {
    let names = |n: usize| (0..n).map(|i| format!("n{i}")).collect::<Vec<_>>();
    let twice = || vec!["a".to_owned(), "a".to_owned()];
    assert_error(state.claim_jobs(&names(1_001), names(1)).await, Code::LimitExceeded, Operation::ClaimJobs);
    assert_error(state.claim_jobs(&names(1), names(1_001)).await, Code::LimitExceeded, Operation::ClaimJobs);
    assert_error(state.next_job_at(&names(1_001)), Code::LimitExceeded, Operation::NextJobAt);
    assert_error(state.claim_jobs(&twice(), names(1)).await, Code::InvalidInput, Operation::ClaimJobs);
    assert_error(state.claim_jobs(&names(1), twice()).await, Code::InvalidInput, Operation::ClaimJobs);
    assert_error(state.next_job_at(&twice()), Code::InvalidInput, Operation::NextJobAt);
    assert_eq!(state.claim_jobs(&names(1_000), names(1_000)).await, Ok(vec![]));
}

async fn the_history_is_told_what_it_would_be_told_anyway(Stage { state, clock, .. }: Stage) {
    add(&*state, timer("a")).await;
    clock.set(2_000);
    let claimed = claim(&*state, "c", 1).await;
    let many = JobEnd { events: vec![Fact::new("host", "run-job"); Record::MAX_PARTS + 1], ..JobEnd::default() };
    let long =
        JobEnd { events: vec![Fact { why: Some("x".repeat(Record::MAX_TEXT + 1)), ..Fact::new("host", "run-job") }], ..JobEnd::default() };
    for end in [many, long] {
        assert_error(state.end_job("a", "c.0", end).await, Code::LimitExceeded, Operation::EndJob);
    }
    assert_eq!((state.jobs(JobsQuery::default()).await, history(&*state).await), (Ok(claimed), vec![]));
}
