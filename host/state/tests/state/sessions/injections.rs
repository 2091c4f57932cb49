//! Injections: queued, bounded, ordered, claimed, shown, given back.

use super::{Stage, claimed, ids, note, rules, said, turn, waiting};
use crate::assert_error;
use plugbay_state::{Code, InjectionStatus, MAX_TIME, NewInjection, NewRun, Operation, Queued, RunStatus, SessionBounds};

rules! {
    what_is_queued_is_claimed_once_as_it_was_asked,
    the_higher_priority_is_first_then_the_older_then_who_came_first,
    one_lives_through_the_millisecond_of_its_ttl,
    a_claim_drops_what_has_expired_and_what_nobody_may_show,
    a_key_waits_once_for_its_plugin_and_session,
    a_key_can_be_used_again_once_it_is_shown_or_has_expired,
    thirty_two_wait_and_no_more,
    what_has_expired_makes_room,
    another_life_or_a_deleted_session_is_gone,
    an_id_waits_once,
    what_was_claimed_and_not_shown_waits_again_with_its_age,
    what_was_shown_is_spent,
    what_is_queued_during_a_run_waits_for_the_next,
    two_runs_never_share_an_injection,
    a_run_shows_and_ends_for_itself_only,
}

async fn what_is_queued_is_claimed_once_as_it_was_asked(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    let asked = NewInjection {
        text: "  read\u{a0}this\n".into(),
        append: true,
        priority: -3,
        ttl_ms: Some(MAX_TIME),
        key: Some("once".into()),
        metadata: Some("{\"a\": [1]}".into()),
        ..note("i")
    };
    clock.set(1_200);
    assert_eq!(state.inject(asked.clone(), "l1").await, Ok(Queued::Fresh));
    let there = state.injections("main").await.unwrap().remove(0);
    assert_eq!(there.asked, NewInjection { text: "read\u{a0}this".into(), ..asked }, "trimmed");
    assert_eq!((there.created_at, there.status, there.run.as_deref()), (1_200, InjectionStatus::Pending, None));
    clock.set(1_300);
    let taken = state.begin_run(turn("r")).await.unwrap().unwrap().remove(0);
    assert_eq!((taken.asked.clone(), taken.created_at), (there.asked, 1_200));
    assert_eq!((taken.status, taken.run.as_deref()), (InjectionStatus::Claimed, Some("r")));
    assert_eq!(state.injections("main").await, Ok(vec![taken]));
    assert_eq!(claimed(&**state, "s").await, Vec::<String>::new());
}

async fn the_higher_priority_is_first_then_the_older_then_who_came_first(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    let asked = [
        ("d", "p", i32::MIN, 1_000),
        ("b", "p", 0, 1_000),
        ("a", "q", 0, 1_000),
        ("c", "p", 0, 900),
        ("e", "q", i32::MAX, 1_100),
        ("f", "p", 1, 1_200),
    ];
    for (id, plugin, priority, now) in asked {
        clock.set(now);
        state.inject(NewInjection { plugin: plugin.into(), priority, ..note(id) }, "l1").await.unwrap();
    }
    let expected = ["e", "f", "c", "b", "a", "d"];
    assert_eq!(ids(&state.injections("main").await.unwrap()), expected);
    assert_eq!(claimed(&**state, "r").await, expected);
}

async fn one_lives_through_the_millisecond_of_its_ttl(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    for (id, ttl) in [("zero", 0), ("ten", 10), ("late", 11)] {
        state.inject(NewInjection { ttl_ms: Some(ttl), ..note(id) }, "l1").await.unwrap();
    }
    state.inject(note("ever"), "l1").await.unwrap();
    for (now, expected) in [
        (1_000, ["zero", "ten", "late", "ever"].as_slice()),
        (1_001, &["ten", "late", "ever"]),
        (1_010, &["ten", "late", "ever"]),
        (1_011, &["late", "ever"]),
        (1_012, &["ever"]),
        // Set back, the clock makes nobody older than new.
        (10, &["zero", "ten", "late", "ever"]),
    ] {
        clock.set(now);
        assert_eq!(ids(&state.injections("main").await.unwrap()), expected, "at {now}");
    }
    clock.set(1_011);
    assert_eq!(claimed(&**state, "r").await, ["late", "ever"]);
}

async fn a_claim_drops_what_has_expired_and_what_nobody_may_show(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    for (id, plugin, ttl_ms) in [("a", "p", None), ("b", "p", Some(5)), ("c", "stranger", None), ("d", "q", None)] {
        state.inject(NewInjection { plugin: plugin.into(), ttl_ms, ..note(id) }, "l1").await.unwrap();
    }
    clock.set(1_006);
    assert_eq!(claimed(&**state, "r").await, ["a", "d"]);
    state.end_run("r", RunStatus::Failed, None).await.unwrap();
    clock.set(1_000);
    let all = NewRun { plugins: ["p", "q", "stranger"].map(Into::into).into(), ..turn("s") };
    assert_eq!(ids(&state.begin_run(all).await.unwrap().unwrap()), ["a", "d"], "what was dropped doesn't come back");
}

async fn a_key_waits_once_for_its_plugin_and_session(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.ensure_session("other", "l1").await.unwrap();
    let keyed = |id: &str| NewInjection { key: Some("k".into()), ..note(id) };
    assert_eq!(state.inject(keyed("a"), "l1").await, Ok(Queued::Fresh));
    assert_eq!(state.inject(keyed("b"), "l1").await, Ok(Queued::Waits("a".into())));
    assert_eq!(state.inject(keyed("a"), "l1").await, Ok(Queued::Waits("a".into())), "the same, asked again");
    assert_eq!(state.inject(NewInjection { plugin: "q".into(), ..keyed("c") }, "l1").await, Ok(Queued::Fresh));
    assert_eq!(state.inject(NewInjection { session: "other".into(), ..keyed("d") }, "l1").await, Ok(Queued::Fresh));
    assert_eq!(state.inject(note("e"), "l1").await, Ok(Queued::Fresh));
    assert_eq!(state.inject(note("f"), "l1").await, Ok(Queued::Fresh), "no key is like no other");
    assert_eq!(claimed(&**state, "r").await, ["a", "c", "e", "f"]);
    assert_eq!(state.inject(keyed("g"), "l1").await, Ok(Queued::Waits("a".into())), "claimed isn't shown yet");
}

async fn a_key_can_be_used_again_once_it_is_shown_or_has_expired(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    let keyed = |id: &str| NewInjection { key: Some("k".into()), ttl_ms: Some(10), ..note(id) };
    state.inject(keyed("a"), "l1").await.unwrap();
    clock.set(1_011);
    assert_eq!(state.inject(keyed("b"), "l1").await, Ok(Queued::Fresh));
    assert_eq!(claimed(&**state, "r").await, ["b"], "the expired one is gone");
    clock.set(1_100);
    assert_eq!(state.inject(keyed("c"), "l1").await, Ok(Queued::Waits("b".into())), "a claimed one doesn't expire");
    state.show("r", vec![]).await.unwrap();
    assert_eq!(state.inject(keyed("b"), "l1").await, Ok(Queued::Fresh));
}

async fn thirty_two_wait_and_no_more(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.ensure_session("other", "l1").await.unwrap();
    for i in 0..SessionBounds::INJECTIONS {
        assert_eq!(state.inject(note(&format!("i{i:02}")), "l1").await, Ok(Queued::Fresh));
    }
    assert_eq!(state.inject(note("x"), "l1").await, Ok(Queued::Full(32)));
    assert_eq!(state.inject(NewInjection { plugin: "q".into(), ..note("x") }, "l1").await, Ok(Queued::Fresh));
    assert_eq!(state.inject(NewInjection { session: "other".into(), ..note("x") }, "l1").await, Ok(Queued::Fresh));
    assert_eq!(claimed(&**state, "r").await.len(), 33);
    assert_eq!(state.inject(note("x"), "l1").await, Ok(Queued::Full(32)), "claimed ones may come back");
    state.show("r", vec![]).await.unwrap();
    assert_eq!(state.inject(note("x"), "l1").await, Ok(Queued::Fresh));
}

async fn what_has_expired_makes_room(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    for i in 0..SessionBounds::INJECTIONS {
        state.inject(NewInjection { ttl_ms: Some(i), ..note(&format!("i{i:02}")) }, "l1").await.unwrap();
    }
    assert_eq!(state.inject(note("x"), "l1").await, Ok(Queued::Full(32)));
    clock.set(1_002);
    assert_eq!(state.inject(note("x"), "l1").await, Ok(Queued::Fresh));
    assert_eq!(state.inject(note("y"), "l1").await, Ok(Queued::Fresh));
    assert_eq!(state.inject(note("z"), "l1").await, Ok(Queued::Full(32)));
    clock.set(1_000);
    assert_eq!(waiting(&**state).await.len(), 32, "the two that had expired are gone for good");
}

async fn another_life_or_a_deleted_session_is_gone(stage: Stage) {
    let state = &stage.with_session().await.state;
    assert_eq!(state.inject(note("a"), "l2").await, Ok(Queued::Gone));
    assert_eq!(state.inject(NewInjection { session: "nowhere".into(), ..note("a") }, "l1").await, Ok(Queued::Gone));
    assert_eq!(state.begin_run(NewRun { life: "l2".into(), ..turn("r") }).await, Ok(None));
    state.reset_session("main", "l2").await.unwrap();
    assert_eq!(state.inject(note("a"), "l1").await, Ok(Queued::Gone));
    assert_eq!(state.begin_run(turn("r")).await, Ok(None));
    assert_eq!((waiting(&**state).await, state.runs("main", super::n(9)).await), (vec![], Ok(vec![])));
}

async fn an_id_waits_once(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.inject(note("a"), "l1").await.unwrap();
    assert_error(state.inject(note("a"), "l1").await, Code::InvalidInput, Operation::Inject);
    assert_eq!(state.inject(NewInjection { plugin: "q".into(), ..note("a") }, "l1").await, Ok(Queued::Fresh));
    assert_eq!(claimed(&**state, "r").await, ["a", "a"]);
}

async fn what_was_claimed_and_not_shown_waits_again_with_its_age(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    state.inject(note("old"), "l1").await.unwrap();
    state.inject(NewInjection { ttl_ms: Some(50), ..note("short") }, "l1").await.unwrap();
    clock.set(1_010);
    assert_eq!(claimed(&**state, "r").await, ["old", "short"]);
    clock.set(1_020);
    state.inject(note("a-new"), "l1").await.unwrap();
    assert_eq!(state.end_run("r", RunStatus::Failed, Some("the model is away")).await, Ok(true));
    let back = state.injections("main").await.unwrap();
    assert_eq!(ids(&back), ["old", "short", "a-new"]);
    assert!(back.iter().all(|injection| injection.status == InjectionStatus::Pending && injection.run.is_none()));
    assert_eq!(back[0].created_at, 1_000);
    clock.set(1_051);
    assert_eq!(claimed(&**state, "s").await, ["old", "a-new"], "it grew old while it was claimed, too");
}

async fn what_was_shown_is_spent(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.inject(note("a"), "l1").await.unwrap();
    assert_eq!(claimed(&**state, "r").await, ["a"]);
    assert_eq!(state.show("r", vec![said("prompt")]).await, Ok(Some(vec![1])));
    assert_eq!(waiting(&**state).await, vec![]);
    assert_eq!(state.show("r", vec![said("again")]).await, Ok(Some(vec![2])), "a second call of the model");
    state.end_run("r", RunStatus::Done, None).await.unwrap();
    assert_eq!(claimed(&**state, "s").await, Vec::<String>::new());
    assert_eq!(state.recover().await.unwrap().0.remove(0).shown, [], "nothing is left of it");
}

async fn what_is_queued_during_a_run_waits_for_the_next(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.inject(note("a"), "l1").await.unwrap();
    assert_eq!(claimed(&**state, "r").await, ["a"]);
    state.inject(note("b"), "l1").await.unwrap();
    state.show("r", vec![]).await.unwrap();
    assert_eq!(waiting(&**state).await, [("b".into(), InjectionStatus::Pending)]);
    state.end_run("r", RunStatus::Done, None).await.unwrap();
    assert_eq!(claimed(&**state, "s").await, ["b"]);
}

async fn two_runs_never_share_an_injection(stage: Stage) {
    let state = &stage.with_session().await.state;
    for i in 0..20 {
        state.inject(note(&format!("i{i:02}")), "l1").await.unwrap();
    }
    let runs: Vec<_> = (0..8)
        .map(|i| {
            let state = state.clone();
            tokio::spawn(async move { claimed(&*state, &format!("r{i}")).await })
        })
        .collect();
    let mut all = Vec::new();
    for run in runs {
        all.extend(run.await.unwrap());
    }
    assert_eq!(all.len(), 20);
    state.show("r0", vec![]).await.unwrap();
    // Another run's end gives nothing of it back.
    state.end_run("r1", RunStatus::Done, None).await.unwrap();
    state.end_run("r0", RunStatus::Done, None).await.unwrap();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 20, "each was claimed once");
}

async fn a_run_shows_and_ends_for_itself_only(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.inject(note("a"), "l1").await.unwrap();
    assert_eq!(claimed(&**state, "r").await, ["a"]);
    state.inject(note("b"), "l1").await.unwrap();
    assert_eq!(claimed(&**state, "s").await, ["b"]);
    state.show("r", vec![]).await.unwrap();
    assert_eq!(waiting(&**state).await, [("b".into(), InjectionStatus::Claimed)]);
    state.end_run("r", RunStatus::Done, None).await.unwrap();
    assert_eq!(waiting(&**state).await, [("b".into(), InjectionStatus::Claimed)]);
    state.end_run("s", RunStatus::Failed, None).await.unwrap();
    assert_eq!(waiting(&**state).await, [("b".into(), InjectionStatus::Pending)]);
}
