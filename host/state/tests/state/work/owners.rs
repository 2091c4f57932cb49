//! Whom jobs and deliveries go with: sessions that are reset or deleted, plugins that are switched off or uninstalled.

use super::{Stage, about, add, all, claim, history, next, parcel, rules, timer};
use plugbay_state::{DeliveriesQuery, Fact, JobEnd, JobEnded, JobPut, JobSession, NewDelivery, NewJob, WorkStore};

rules! {
    a_reset_takes_the_jobs_of_a_session_and_leaves_its_deliveries,
    a_deleted_session_takes_its_jobs_and_deliveries,
    a_session_that_is_made_again_has_none_of_them,
    a_plugin_that_is_switched_off_loses_its_jobs,
    a_plugin_that_is_uninstalled_loses_its_jobs_and_keeps_its_deliveries,
}

/// Jobs about `main`, about `other` and about none, of two plugins; those of `p` are claimed, and one has begun. A delivery to each session of each plugin.
async fn furnished(stage: Stage) -> Stage {
    let stage = stage.with_sessions().await;
    let state = &*stage.state;
    for plugin in ["p", "q"] {
        for session in ["main", "other"] {
            let id = format!("{plugin}-{session}");
            add(state, NewJob { plugin: plugin.into(), ..about(&id, session) }).await;
            let sent = NewDelivery { plugin: plugin.into(), session: session.into(), ..parcel(&id) };
            assert_eq!(state.add_delivery(sent).await, Ok(true));
        }
        add(state, NewJob { plugin: plugin.into(), ..timer(&format!("{plugin}-none")) }).await;
    }
    stage.clock.set(2_000);
    assert_eq!(claim(state, "c", 9).await.len(), 3);
    state.begin_job("p-main", "c.0").await.unwrap();
    stage
}

async fn delivered(state: &dyn WorkStore) -> Vec<String> {
    let deliveries = state.deliveries(DeliveriesQuery::default()).await.unwrap();
    deliveries.into_iter().rev().map(|delivery| delivery.sent.id).collect()
}

const EVERYTHING: [&str; 4] = ["p-main", "p-other", "q-main", "q-other"];

async fn a_reset_takes_the_jobs_of_a_session_and_leaves_its_deliveries(stage: Stage) {
    let state = &furnished(stage).await.state;
    state.reset_session("main", "l2").await.unwrap().unwrap();
    assert_eq!(all(&**state).await, ["p-none", "p-other", "q-none", "q-other"]);
    assert_eq!(delivered(&**state).await, EVERYTHING);
    let end = JobEnd { events: vec![Fact::new("host", "run-job")], ..next(Some(9_000)) };
    assert_eq!(state.end_job("p-main", "c.0", end).await, Ok(JobEnded::NotThere));
    assert_eq!(history(&**state).await, ["run-job"], "what was done was done");
    assert_eq!(state.put_job(about("late", "main"), 9).await, Ok(JobPut::Gone));
    let anew = Some(JobSession { key: "main".into(), life: "l2".into() });
    assert!(matches!(state.put_job(NewJob { session: anew, ..timer("p-main") }, 9).await, Ok(JobPut::Added(_))));
    assert_eq!(state.add_delivery(parcel("late")).await, Ok(false));
}

async fn a_deleted_session_takes_its_jobs_and_deliveries(stage: Stage) {
    let state = &furnished(stage).await.state;
    state.reset_session("main", "l2").await.unwrap().unwrap();
    let anew = Some(JobSession { key: "main".into(), life: "l2".into() });
    add(&**state, NewJob { session: anew, ..timer("second") }).await;
    state.delete_session("main").await.unwrap().unwrap();
    assert_eq!(all(&**state).await, ["p-none", "p-other", "q-none", "q-other"]);
    assert_eq!(delivered(&**state).await, ["p-other", "q-other"]);
    assert_eq!((state.delivery("p-main").await, state.add_delivery(parcel("late")).await), (Ok(None), Ok(false)));
}

async fn a_session_that_is_made_again_has_none_of_them(stage: Stage) {
    let state = &furnished(stage).await.state;
    state.delete_session("main").await.unwrap().unwrap();
    state.ensure_session("main", "l1").await.unwrap();
    assert_eq!(all(&**state).await, ["p-none", "p-other", "q-none", "q-other"]);
    assert_eq!(delivered(&**state).await, ["p-other", "q-other"]);
    assert_eq!(state.begin_job("p-main", "c.0").await, Ok(false));
    add(&**state, about("p-main", "main")).await;
    assert_eq!(state.add_delivery(parcel("p-main")).await, Ok(true));
}

async fn a_plugin_that_is_switched_off_loses_its_jobs(stage: Stage) {
    let state = &furnished(stage).await.state;
    state.forget_plugin("p", false).await.unwrap();
    assert_eq!(all(&**state).await, ["q-main", "q-none", "q-other"]);
    assert_eq!((delivered(&**state).await, state.next_job_at(&["p".into()])), (EVERYTHING.map(str::to_owned).to_vec(), Ok(None)));
    assert_eq!(state.end_job("p-main", "c.0", next(None)).await, Ok(JobEnded::NotThere));
    assert!(matches!(state.put_job(timer("p-none"), 1).await, Ok(JobPut::Added(_))), "none of the old ones counts");
}

async fn a_plugin_that_is_uninstalled_loses_its_jobs_and_keeps_its_deliveries(stage: Stage) {
    let state = &furnished(stage).await.state;
    state.forget_plugin("p", true).await.unwrap();
    assert_eq!(all(&**state).await, ["q-main", "q-none", "q-other"]);
    assert_eq!(delivered(&**state).await, EVERYTHING);
}
