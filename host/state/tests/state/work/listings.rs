//! Jobs that are listed and taken away: their order, what is asked for, pages, bytes.

use super::{Stage, about, add, all, at, claim, ids, n, named, rules, timer};
use crate::assert_error;
use plugbay_state::{Code, Job, JobStatus, JobsQuery, NewJob, Operation, WorkStore};

rules! {
    jobs_are_listed_by_time_and_id,
    jobs_are_found_by_everything_that_they_are,
    a_listing_goes_on_behind_a_spot,
    a_listing_holds_a_thousand_and_ends_where_its_bytes_do,
    what_is_removed_is_answered_and_gone,
    a_removal_takes_what_its_answer_holds,
    the_next_time_is_that_of_the_first_that_waits,
}

async fn jobs_are_listed_by_time_and_id(Stage { state, clock, .. }: Stage) {
    for (id, plugin, moment) in [("c", "p", 2_000), ("a", "q", 3_000), ("b", "p", 2_000), ("ä", "p", 1_000), ("d", "q", 2_000)] {
        add(&*state, NewJob { plugin: plugin.into(), time: at(moment), ..timer(id) }).await;
    }
    clock.set(2_000);
    claim(&*state, "c", 2).await;
    assert_eq!(all(&*state).await, ["ä", "b", "c", "d", "a"], "whoever is at work");
    assert_eq!(ids(&state.jobs(JobsQuery { limit: n(2), ..JobsQuery::default() }).await.unwrap()), ["ä", "b"]);
}

/// Two plugins, two sessions and none, two tags and none, two kinds: each of its id.
async fn various(stage: Stage) -> Stage {
    let stage = stage.with_sessions().await;
    for plugin in ["p", "q"] {
        for session in ["main", "other", ""] {
            for tag in ["t", "u", ""] {
                for kind in ["turn", "timer"] {
                    let id = format!("{plugin}:{session}:{tag}:{kind}");
                    let job = if session.is_empty() { timer(&id) } else { about(&id, session) };
                    let tag = Some(tag.to_owned()).filter(|tag| !tag.is_empty());
                    add(&*stage.state, NewJob { plugin: plugin.into(), tag, kind: kind.into(), ..job }).await;
                }
            }
        }
    }
    stage
}

async fn jobs_are_found_by_everything_that_they_are(stage: Stage) {
    let state = &various(stage).await.state;
    let everything = all(&**state).await;
    assert_eq!(everything.len(), 36);
    let none = JobsQuery::default;
    for (which, parts) in [
        (none().of("q"), vec![(0, "q")]),
        (none().about("main"), vec![(1, "main")]),
        (none().tagged("t"), vec![(2, "t")]),
        (none().kind("turn"), vec![(3, "turn")]),
        (none().of("p").about("other"), vec![(0, "p"), (1, "other")]),
        (none().of("p").tagged("u"), vec![(0, "p"), (2, "u")]),
        (none().about("main").tagged("u").kind("timer"), vec![(1, "main"), (2, "u"), (3, "timer")]),
        (none().of("q").about("main").tagged("t").kind("turn"), vec![(0, "q"), (1, "main"), (2, "t"), (3, "turn")]),
    ] {
        let is = |id: &&String| parts.iter().all(|(place, part)| id.split(':').nth(*place) == Some(part));
        let wanted: Vec<_> = everything.iter().filter(is).cloned().collect();
        assert!(!wanted.is_empty());
        let found: Vec<_> = state.jobs(which.clone()).await.unwrap().into_iter().map(|job| job.asked.id).collect();
        assert_eq!(found, wanted, "{which:?}");
    }
    let one = none().id("p:main:t:turn");
    assert_eq!(ids(&state.jobs(one.clone()).await.unwrap()), ["p:main:t:turn"]);
    for other in [one.clone().of("q"), one.clone().about("other"), one.clone().tagged("u"), one.kind("timer"), none().of("nobody")] {
        assert_eq!(state.jobs(other).await, Ok(vec![]));
    }
}

async fn pages(state: &dyn WorkStore, which: JobsQuery) -> Vec<Job> {
    let mut paged = state.jobs(which.clone()).await.unwrap();
    while let Some(last) = paged.last() {
        let page = state.jobs(which.clone().after(last)).await.unwrap();
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    paged
}

async fn a_listing_goes_on_behind_a_spot(Stage { state, .. }: Stage) {
    for i in 0..20 {
        let plugin = if i % 2 == 0 { "p" } else { "q" };
        add(&*state, NewJob { plugin: plugin.into(), time: at(2_000 + i / 7), ..timer(&format!("j{:02}", 19 - i)) }).await;
    }
    for which in [JobsQuery::default(), JobsQuery::default().of("q")] {
        let whole = state.jobs(which.clone()).await.unwrap();
        assert!(whole.len() >= 10);
        assert_eq!(pages(&*state, JobsQuery { limit: n(3), ..which }).await, whole);
    }
}

async fn a_listing_holds_a_thousand_and_ends_where_its_bytes_do(stage: Stage) {
    let over = JobsQuery { limit: n(1_001), ..JobsQuery::default() };
    assert_error(stage.state.jobs(over.clone()).await, Code::LimitExceeded, Operation::Jobs);
    assert_error(stage.state.remove_jobs(over).await, Code::LimitExceeded, Operation::RemoveJobs);
    let state = &stage.answering(4_000).state;
    let long = |id: &str| NewJob { body: format!("\"{}\"", "x".repeat(1_500)), ..timer(id) };
    for id in ["a", "b", "c", "d", "e"] {
        add(&**state, long(id)).await;
    }
    let first = state.jobs(JobsQuery::default()).await.unwrap();
    assert_eq!(ids(&first), ["a", "b"]);
    assert_eq!(ids(&pages(&**state, JobsQuery::default()).await), ["a", "b", "c", "d", "e"]);
    add(&**state, NewJob { time: at(1), body: format!("\"{}\"", "x".repeat(5_000)), ..timer("large") }).await;
    assert_eq!(ids(&state.jobs(JobsQuery::default()).await.unwrap()), ["large"], "one at least");
}

async fn what_is_removed_is_answered_and_gone(stage: Stage) {
    let Stage { state, clock, .. } = &various(stage).await;
    let before = state.jobs(JobsQuery::default().of("p").tagged("t")).await.unwrap();
    assert_eq!(state.remove_jobs(JobsQuery::default().of("p").tagged("t")).await, Ok(before));
    assert_eq!(state.remove_jobs(JobsQuery::default().of("p").tagged("t")).await, Ok(vec![]));
    assert_eq!(all(&**state).await.len(), 30);
    clock.set(2_000);
    let claimed = claim(&**state, "c", 2).await;
    let (one, other) = (&claimed[0].asked.id, &claimed[1].asked.id);
    state.begin_job(other, "c.1").await.unwrap();
    for (id, status) in [(one, JobStatus::Claimed), (other, JobStatus::Begun)] {
        let removed = state.remove_jobs(JobsQuery::default().id(id)).await.unwrap();
        assert_eq!((ids(&removed), removed[0].status), (vec![id.as_str()], status));
    }
    assert_eq!(state.begin_job(one, "c.0").await, Ok(false));
    add(&**state, named("again", "x")).await;
    state.remove_jobs(JobsQuery::default().id("again")).await.unwrap();
    add(&**state, named("again", "x")).await;
}

async fn a_removal_takes_what_its_answer_holds(stage: Stage) {
    let state = &stage.answering(4_000).state;
    for id in ["a", "b", "c"] {
        add(&**state, NewJob { body: format!("\"{}\"", "x".repeat(1_500)), ..timer(id) }).await;
    }
    assert_eq!(ids(&state.remove_jobs(JobsQuery { limit: n(1), ..JobsQuery::default() }).await.unwrap()), ["a"]);
    add(&**state, NewJob { body: format!("\"{}\"", "x".repeat(1_500)), ..timer("d") }).await;
    assert_eq!(ids(&state.remove_jobs(JobsQuery::default()).await.unwrap()), ["b", "c"]);
    assert_eq!(all(&**state).await, ["d"], "what wasn't answered is there");
}

async fn the_next_time_is_that_of_the_first_that_waits(Stage { state, clock, .. }: Stage) {
    let both = ["p".to_owned(), "q".to_owned()];
    assert_eq!((state.next_job_at(&both), state.next_job_at(&[])), (Ok(None), Ok(None)));
    add(&*state, NewJob { time: plugbay_state::JobTime { due_at: 10, run_at: 4_000 }, ..timer("a") }).await;
    assert_eq!(state.next_job_at(&both), Ok(Some(4_000)), "when it runs, not when it is due");
    add(&*state, NewJob { plugin: "q".into(), time: at(3_000), ..timer("b") }).await;
    add(&*state, NewJob { time: at(500), ..timer("c") }).await;
    let of = |plugin: &str| state.next_job_at(&[plugin.to_owned()]);
    assert_eq!(
        (state.next_job_at(&both), of("q"), of("nobody"), state.next_job_at(&[])),
        (Ok(Some(500)), Ok(Some(3_000)), Ok(None), Ok(None))
    );
    clock.set(2_000);
    claim(&*state, "c", 1).await;
    assert_eq!((state.next_job_at(&both), of("p")), (Ok(Some(3_000)), Ok(Some(4_000))), "what is at work doesn't wait");
}
