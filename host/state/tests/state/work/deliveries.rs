//! Deliveries: listed, found, paged, taken off the list.

use super::{Stage, n, parcel, rules};
use crate::assert_error;
use plugbay_state::{Code, DeliveriesQuery, Delivery, NewDelivery, Operation, WorkStore};

rules! {
    a_delivery_comes_back_as_it_was_sent,
    a_delivery_is_to_a_session_in_its_life,
    deliveries_are_listed_newest_first_by_session_and_plugin,
    a_page_goes_on_before_a_number,
    what_is_older_than_a_moment_is_found,
    moments_do_not_go_back,
    a_number_never_comes_again,
    a_listing_of_deliveries_ends_where_its_bytes_do,
}

async fn send(state: &dyn WorkStore, sent: NewDelivery) {
    assert_eq!(state.add_delivery(sent).await, Ok(true));
}

fn ids(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.sent.id.as_str()).collect()
}

async fn a_delivery_comes_back_as_it_was_sent(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_sessions().await;
    clock.set(1_500);
    let sent = NewDelivery { run: None, body: r#" {"files":["é"]} "#.into(), bytes: 1 << 40, ..parcel("a") };
    send(&**state, sent.clone()).await;
    let listed = state.delivery("a").await.unwrap().unwrap();
    assert_eq!((&listed.sent, listed.at), (&sent, 1_500));
    assert_eq!(state.deliveries(DeliveriesQuery::default()).await, Ok(vec![listed]));
    assert_eq!((state.remove_delivery("a").await, state.remove_delivery("a").await), (Ok(true), Ok(false)));
    assert_eq!((state.delivery("a").await, state.deliveries(DeliveriesQuery::default()).await), (Ok(None), Ok(vec![])));
    assert_eq!(state.session("main").await.unwrap().unwrap().updated_at, 1_000, "nothing was said there");
}

async fn a_delivery_is_to_a_session_in_its_life(stage: Stage) {
    let state = &stage.with_sessions().await.state;
    send(&**state, parcel("a")).await;
    for gone in [NewDelivery { life: "l2".into(), ..parcel("b") }, NewDelivery { session: "nowhere".into(), ..parcel("b") }] {
        assert_eq!(state.add_delivery(gone).await, Ok(false));
    }
    let error = state.add_delivery(NewDelivery { session: "other".into(), ..parcel("a") }).await.unwrap_err();
    assert_eq!(error.message, "there is a delivery \"a\" already: expected a new id");
    assert_error(Err::<(), _>(error), Code::InvalidInput, Operation::AddDelivery);
    assert_eq!(ids(&state.deliveries(DeliveriesQuery::default()).await.unwrap()), ["a"]);
}

async fn deliveries_are_listed_newest_first_by_session_and_plugin(stage: Stage) {
    let state = &stage.with_sessions().await.state;
    for (id, plugin, session) in [("a", "p", "main"), ("d", "q", "main"), ("b", "p", "other"), ("c", "p", "main")] {
        send(&**state, NewDelivery { plugin: plugin.into(), session: session.into(), ..parcel(id) }).await;
    }
    let none = DeliveriesQuery::default;
    for (which, wanted) in [
        (none(), vec!["c", "b", "d", "a"]),
        (none().to("main"), vec!["c", "d", "a"]),
        (none().of("p"), vec!["c", "b", "a"]),
        (none().to("main").of("p"), vec!["c", "a"]),
        (none().to("other").of("q"), vec![]),
        (DeliveriesQuery { limit: n(2), ..none().of("p") }, vec!["c", "b"]),
    ] {
        assert_eq!(ids(&state.deliveries(which.clone()).await.unwrap()), wanted, "{which:?}");
    }
}

async fn a_page_goes_on_before_a_number(stage: Stage) {
    let state = &stage.with_sessions().await.state;
    for i in 0..20 {
        let plugin = if i % 2 == 0 { "p" } else { "q" };
        send(&**state, NewDelivery { plugin: plugin.into(), ..parcel(&format!("d{i}")) }).await;
    }
    for which in [DeliveriesQuery::default(), DeliveriesQuery::default().of("q"), DeliveriesQuery::default().to("main")] {
        let whole = state.deliveries(which.clone()).await.unwrap();
        assert!(whole.len() >= 10 && whole.is_sorted_by(|one, next| one.seq > next.seq));
        let paged = DeliveriesQuery { limit: n(3), ..which };
        let mut read = state.deliveries(paged.clone()).await.unwrap();
        loop {
            let page = state.deliveries(paged.clone().before(read.last().unwrap().seq)).await.unwrap();
            if page.is_empty() {
                break;
            }
            read.extend(page);
        }
        assert_eq!(read, whole);
    }
}

async fn what_is_older_than_a_moment_is_found(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_sessions().await;
    for (id, plugin, at) in [("a", "p", 1_000), ("b", "q", 1_000), ("c", "p", 2_000), ("d", "p", 3_000)] {
        clock.set(at);
        send(&**state, NewDelivery { plugin: plugin.into(), ..parcel(id) }).await;
    }
    let older = |moment| DeliveriesQuery::default().older_than(moment);
    let seq = |id: &'static str| async move { state.delivery(id).await.unwrap().unwrap().seq };
    for (which, wanted) in [
        (older(1_000), vec![]),
        (older(1_001), vec!["b", "a"]),
        (older(3_000), vec!["c", "b", "a"]),
        (older(3_000).of("p"), vec!["c", "a"]),
        (older(3_000).before(seq("c").await), vec!["b", "a"]),
        (older(1_001).before(seq("d").await), vec!["b", "a"]),
        (older(9_000), vec!["d", "c", "b", "a"]),
    ] {
        assert_eq!(ids(&state.deliveries(which.clone()).await.unwrap()), wanted, "{which:?}");
    }
}

async fn moments_do_not_go_back(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_sessions().await;
    for (id, at) in [("a", 5_000), ("b", 2_000), ("c", 6_000)] {
        clock.set(at);
        send(&**state, parcel(id)).await;
    }
    let listed = state.deliveries(DeliveriesQuery::default()).await.unwrap();
    assert_eq!(listed.iter().map(|delivery| delivery.at).collect::<Vec<_>>(), [6_000, 5_000, 5_000]);
}

async fn a_number_never_comes_again(stage: Stage) {
    let state = &stage.with_sessions().await.state;
    send(&**state, parcel("a")).await;
    let first = state.delivery("a").await.unwrap().unwrap().seq;
    state.remove_delivery("a").await.unwrap();
    send(&**state, parcel("a")).await;
    assert!(state.delivery("a").await.unwrap().unwrap().seq > first);
}

async fn a_listing_of_deliveries_ends_where_its_bytes_do(stage: Stage) {
    let stage = stage.answering(4_000).with_sessions().await;
    let state = &stage.state;
    let over = DeliveriesQuery { limit: n(1_001), ..DeliveriesQuery::default() };
    assert_error(state.deliveries(over).await, Code::LimitExceeded, Operation::Deliveries);
    let long = |id: &str, bytes: usize| NewDelivery { body: format!("\"{}\"", "x".repeat(bytes)), ..parcel(id) };
    for id in ["a", "b", "c"] {
        send(&**state, long(id, 1_500)).await;
    }
    assert_eq!(ids(&state.deliveries(DeliveriesQuery::default()).await.unwrap()), ["c", "b"]);
    send(&**state, long("d", 5_000)).await;
    assert_eq!(ids(&state.deliveries(DeliveriesQuery::default()).await.unwrap()), ["d"], "one at least");
}
