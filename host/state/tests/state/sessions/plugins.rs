//! What plugins keep of sessions, whom they have met, what they ask.

use super::{Stage, claimed, note, rules, spot, waiting};
use crate::assert_error;
use plugbay_state::{Code, InjectionStatus, NewInjection, Operation, Question, StateSpot};

rules! {
    state_is_put_and_taken_away_with_what_is_shown,
    state_belongs_to_one_life_plugin_and_namespace,
    a_plugin_that_is_switched_off_loses_its_injections_only,
    a_plugin_that_is_uninstalled_leaves_nothing,
    a_plugin_has_met_what_it_has_met,
    a_question_stands_until_it_is_answered,
}

async fn state_is_put_and_taken_away_with_what_is_shown(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    let (at, json) = (spot("p", "n"), |text: &str| Some(text.to_owned()));
    assert_eq!(state.state_of(at), Ok(Some(None)));
    clock.set(2_000);
    assert_eq!(state.put_state(at, None, None).await, Ok(Some(false)));
    assert_eq!(state.session("main").await.unwrap().unwrap().updated_at, 1_000, "nothing was written");
    assert_eq!(state.put_state(at, json(" {\"a\": 1} "), json("\"one\"")).await, Ok(Some(false)));
    assert_eq!(state.state_of(at), Ok(Some(json(" {\"a\": 1} "))));
    let session = state.session("main").await.unwrap().unwrap();
    assert_eq!((session.updated_at, session.shown[0].value.as_str()), (2_000, "\"one\""));
    assert_eq!(state.put_state(at, json("2"), None).await, Ok(Some(true)));
    assert_eq!(state.session("main").await.unwrap().unwrap().shown, [], "what isn't shown any more is gone");
    state.put_state(at, json("3"), json("4")).await.unwrap();
    assert_eq!(state.put_state(at, None, None).await, Ok(Some(true)));
    assert_eq!((state.state_of(at), state.session("main").await.unwrap().unwrap().shown), (Ok(Some(None)), vec![]));
    assert_error(state.put_state(at, None, json("5")).await, Code::InvalidInput, Operation::PutState);
}

async fn state_belongs_to_one_life_plugin_and_namespace(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.ensure_session("other", "l1").await.unwrap();
    state.put_state(spot("p", "n"), Some("1".into()), None).await.unwrap();
    let there = [spot("q", "n"), spot("p", "m"), StateSpot { session: "other", ..spot("p", "n") }];
    assert!(there.into_iter().all(|at| state.state_of(at) == Ok(Some(None))));
    for gone in [StateSpot { life: "l2", ..spot("p", "n") }, StateSpot { session: "nowhere", ..spot("p", "n") }] {
        assert_eq!(state.state_of(gone), Ok(None));
        assert_eq!(state.put_state(gone, Some("1".into()), None).await, Ok(None));
        assert_eq!(state.put_state(gone, None, None).await, Ok(None));
    }
    assert_eq!(state.state_of(spot("p", "n")), Ok(Some(Some("1".into()))));
}

/// Two plugins with everything that a plugin may have.
async fn furnished(stage: Stage) -> Stage {
    let stage = stage.with_session().await;
    for plugin in ["p", "q"] {
        let at = spot(plugin, "n");
        stage.state.put_state(at, Some("1".into()), Some("2".into())).await.unwrap();
        stage.state.meet(plugin, "main").await.unwrap();
        stage.state.inject(NewInjection { plugin: plugin.into(), ..note(&format!("{plugin}-first")) }, "l1").await.unwrap();
    }
    assert_eq!(claimed(&*stage.state, "r").await, ["p-first", "q-first"]);
    stage.state.show("r", vec![]).await.unwrap();
    for plugin in ["p", "q"] {
        stage.state.inject(NewInjection { plugin: plugin.into(), ..note(&format!("{plugin}-second")) }, "l1").await.unwrap();
    }
    assert_eq!(claimed(&*stage.state, "s").await, ["p-second", "q-second"]);
    for plugin in ["p", "q"] {
        stage.state.inject(NewInjection { plugin: plugin.into(), ..note(&format!("{plugin}-third")) }, "l1").await.unwrap();
    }
    stage
}

async fn a_plugin_that_is_switched_off_loses_its_injections_only(stage: Stage) {
    let state = &furnished(stage).await.state;
    state.forget_plugin("p", false).await.unwrap();
    let left = [("q-second".into(), InjectionStatus::Claimed), ("q-third".into(), InjectionStatus::Pending)];
    assert_eq!(waiting(&**state).await, left);
    assert_eq!(state.state_of(spot("p", "n")), Ok(Some(Some("1".into()))));
    assert_eq!(state.session("main").await.unwrap().unwrap().shown.len(), 2);
    assert!(state.met("p", "main").await.unwrap().is_some());
    let shown: Vec<_> = state.recover().await.unwrap().0.into_iter().flat_map(|run| run.shown).map(|shown| shown.asked.id).collect();
    assert_eq!(shown, ["p-first", "q-first"], "what was shown was shown");
}

async fn a_plugin_that_is_uninstalled_leaves_nothing(stage: Stage) {
    let state = &furnished(stage).await.state;
    state.forget_plugin("p", true).await.unwrap();
    assert!(waiting(&**state).await.iter().all(|(id, _)| id.starts_with('q')));
    assert_eq!(state.state_of(spot("p", "n")), Ok(Some(None)));
    let shown = state.session("main").await.unwrap().unwrap().shown;
    assert_eq!(shown.iter().map(|shown| shown.plugin.as_str()).collect::<Vec<_>>(), ["q"]);
    assert_eq!(state.met("p", "main").await, Ok(None));
    assert!(state.met("q", "main").await.unwrap().is_some());
}

async fn a_plugin_has_met_what_it_has_met(stage: Stage) {
    let state = &stage.with_session().await.state;
    assert_eq!(state.met("p", "main").await, Ok(None));
    for _ in 0..2 {
        state.meet("p", "main").await.unwrap();
    }
    assert_eq!(state.met("p", "main").await, Ok(Some(state.session("main").await.unwrap())));
    assert_eq!((state.met("q", "main").await, state.met("p", "other").await), (Ok(None), Ok(None)));
    state.reset_session("main", "l2").await.unwrap();
    assert_eq!(state.met("p", "main").await.unwrap().unwrap().unwrap().id, "l2");
}

async fn a_question_stands_until_it_is_answered(Stage { state, .. }: Stage) {
    let question = |id: &str| Question { id: id.into(), plugin: "p".into(), session: None, run: None, body: "[]".into(), asked_at: 7 };
    assert_eq!(state.answered("a").await, Ok(false));
    state.ask(question("a")).await.unwrap();
    assert_error(state.ask(question("a")).await, Code::InvalidInput, Operation::Ask);
    assert_eq!((state.answered("a").await, state.answered("a").await), (Ok(true), Ok(false)));
    state.ask(question("a")).await.unwrap();
    assert_eq!(state.recover().await, Ok((vec![], vec![question("a")])), "it comes back as it was asked");
}
