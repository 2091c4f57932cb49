//! Sessions: made, listed, reset, deleted.

use super::{Stage, append, claimed, n, note, rules, said, spot, texts, turn};
use crate::assert_error;
use plugbay_state::{Code, NewRun, Operation, Question, Queued, RunStatus, SessionRow, StateSpot, Window};

rules! {
    a_session_is_made_once_and_keeps_its_first_life,
    many_who_ensure_one_session_make_one,
    sessions_are_listed_by_key_with_what_plugins_show,
    a_listing_holds_a_thousand_and_ends_where_its_bytes_do,
    a_reset_begins_a_life_and_keeps_the_lives_before,
    a_reset_takes_injections_and_state,
    a_reset_leaves_runs_and_questions,
    a_life_has_an_id_of_its_own,
    nobody_writes_into_a_deleted_session,
    a_deleted_session_takes_along_what_is_its_own_only,
    a_session_that_is_made_again_begins_anew,
    what_is_not_there_can_be_neither_reset_nor_deleted,
}

fn row(key: &str, id: &str) -> SessionRow {
    SessionRow { key: key.into(), id: id.into(), created_at: 1_000, began_at: 1_000, updated_at: 1_000, entries: 0, shown: vec![] }
}

fn question(id: &str, session: Option<&str>) -> Question {
    Question { id: id.into(), plugin: "p".into(), session: session.map(Into::into), run: None, body: "{}".into(), asked_at: 1 }
}

async fn a_session_is_made_once_and_keeps_its_first_life(Stage { state, clock, .. }: Stage) {
    assert_eq!(state.session("main").await, Ok(None));
    let made = state.ensure_session("main", "l1").await.unwrap();
    assert_eq!((made.session, made.is_new), (row("main", "l1"), true));
    clock.set(2_000);
    let there = state.ensure_session("main", "l2").await.unwrap();
    assert_eq!((there.session, there.is_new), (row("main", "l1"), false));
    assert_eq!(state.session("main").await, Ok(Some(row("main", "l1"))));
}

async fn many_who_ensure_one_session_make_one(Stage { state, .. }: Stage) {
    let asked: Vec<_> = (0..32)
        .map(|i| {
            let state = state.clone();
            tokio::spawn(async move { state.ensure_session("main", &format!("l{i}")).await.unwrap() })
        })
        .collect();
    let mut made = Vec::new();
    for asked in asked {
        made.push(asked.await.unwrap());
    }
    assert_eq!(made.iter().filter(|ensured| ensured.is_new).count(), 1);
    assert!(made.iter().all(|ensured| ensured.session.id == made[0].session.id));
}

async fn sessions_are_listed_by_key_with_what_plugins_show(Stage { state, .. }: Stage) {
    for key in ["b", "main", "a", "ä", "B"] {
        state.ensure_session(key, "l1").await.unwrap();
    }
    for (plugin, namespace, shown) in [("q", "n", Some("1")), ("p", "y", Some("2")), ("p", "x", Some("3")), ("p", "hidden", None)] {
        state.put_state(spot(plugin, namespace), "{}".to_owned().into(), shown.map(Into::into)).await.unwrap();
    }
    let listed = state.sessions(None, n(1_000)).await.unwrap();
    assert_eq!(listed.iter().map(|session| session.key.as_str()).collect::<Vec<_>>(), ["B", "a", "b", "main", "ä"]);
    let shown: Vec<_> = listed[3].shown.iter().map(|s| (s.plugin.as_str(), s.namespace.as_str(), s.value.as_str())).collect();
    assert_eq!(shown, [("p", "x", "3"), ("p", "y", "2"), ("q", "n", "1")]);
    assert_eq!(state.session("main").await.unwrap().as_ref(), listed.get(3), "one is shown as it is listed");
    assert!(listed.iter().all(|session| session.key == "main" || session.shown.is_empty()));
    let mut paged = state.sessions(None, n(2)).await.unwrap();
    while let Some(last) = paged.last().map(|session| session.key.clone()) {
        let page = state.sessions(Some(&last), n(2)).await.unwrap();
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, listed, "a page counts sessions, not what is shown there");
}

async fn a_listing_holds_a_thousand_and_ends_where_its_bytes_do(Stage { state, .. }: Stage) {
    assert_error(state.sessions(None, n(1_001)).await, Code::LimitExceeded, Operation::Sessions);
    let large = format!("\"{}\"", "x".repeat(255 << 10));
    for i in 0..20 {
        let key = format!("s{i:02}");
        state.ensure_session(&key, "l1").await.unwrap();
        for namespace in ["a", "b"] {
            let at = StateSpot { session: &key, life: "l1", plugin: "p", namespace };
            state.put_state(at, Some("1".into()), Some(large.clone())).await.unwrap();
        }
    }
    let first = state.sessions(None, n(1_000)).await.unwrap();
    assert_eq!(first.len(), 16, "two of 255 KiB each, in 8 MiB");
    let rest = state.sessions(Some(&first[15].key), n(1_000)).await.unwrap();
    assert_eq!(rest.iter().map(|session| session.key.as_str()).collect::<Vec<_>>(), ["s16", "s17", "s18", "s19"]);
    assert!(rest.iter().all(|session| session.shown.len() == 2));
}

async fn a_reset_begins_a_life_and_keeps_the_lives_before(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    append(&**state, "l1", &["a", "b"]).await;
    clock.set(2_000);
    let before = state.reset_session("main", "l2").await.unwrap().unwrap();
    assert_eq!(before, SessionRow { entries: 2, ..row("main", "l1") });
    let now = state.session("main").await.unwrap().unwrap();
    assert_eq!(now, SessionRow { began_at: 2_000, updated_at: 2_000, ..row("main", "l2") });
    assert_eq!(append(&**state, "l1", &["late"]).await, None);
    assert_eq!(append(&**state, "l2", &["c"]).await, Some(vec![3]), "numbers grow over lives");
    state.reset_session("main", "l3").await.unwrap();
    assert_eq!(append(&**state, "l3", &["d"]).await, Some(vec![4]));
    for (life, texts_of) in [("l1", vec!["a", "b"]), ("l2", vec!["c"]), ("l3", vec!["d"]), ("l4", vec![])] {
        assert_eq!(texts(&**state, life, Window::Newest(10)), texts_of);
        assert_eq!(state.count_entries("main", life), Ok(texts_of.len() as u64));
    }
}

async fn a_reset_takes_injections_and_state(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.inject(note("i"), "l1").await.unwrap();
    assert_eq!(claimed(&**state, "r").await, ["i"]);
    state.inject(note("j"), "l1").await.unwrap();
    state.put_state(spot("p", "n"), Some("1".into()), Some("2".into())).await.unwrap();
    assert_eq!(state.reset_session("main", "l2").await.unwrap().unwrap().shown.len(), 1, "it answers how the session was");
    assert_eq!(state.injections("main").await, Ok(vec![]));
    assert_eq!(state.session("main").await.unwrap().unwrap().shown, []);
    assert_eq!(state.state_of(spot("p", "n")), Ok(None));
    assert_eq!(state.state_of(StateSpot { life: "l2", ..spot("p", "n") }), Ok(Some(None)));
    state.end_run("r", RunStatus::Cancelled, None).await.unwrap();
    assert_eq!(state.injections("main").await, Ok(vec![]), "what the run had claimed doesn't come back");
}

async fn a_reset_leaves_runs_and_questions(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.begin_run(turn("r")).await.unwrap();
    state.ask(question("ask", Some("main"))).await.unwrap();
    state.reset_session("main", "l2").await.unwrap();
    let runs = state.runs("main", n(9)).await.unwrap();
    assert_eq!((runs[0].status, runs[0].life.as_str()), (RunStatus::Running, "l1"));
    assert_eq!(state.show("r", vec![said("late")]).await, Ok(None));
    assert_eq!(state.end_run("r", RunStatus::Cancelled, None).await, Ok(true));
    assert_eq!(state.answered("ask").await, Ok(true));
}

async fn a_life_has_an_id_of_its_own(stage: Stage) {
    let state = &stage.with_session().await.state;
    assert_error(state.reset_session("main", "l1").await, Code::InvalidInput, Operation::ResetSession);
    state.reset_session("main", "l2").await.unwrap();
    let there = state.session("main").await;
    for id in ["l1", "l2"] {
        assert_error(state.reset_session("main", id).await, Code::InvalidInput, Operation::ResetSession);
    }
    assert_eq!(state.session("main").await, there);
}

const SECOND: StateSpot<'_> = StateSpot { session: "main", life: "l2", plugin: "p", namespace: "n" };

fn second(run: &str) -> NewRun {
    NewRun { life: "l2".into(), ..turn(run) }
}

/// `main` in its second life with everything that a session may have, and then deleted.
async fn deleted(stage: Stage) -> Stage {
    let stage = stage.with_session().await;
    let state = &*stage.state;
    append(state, "l1", &["a"]).await;
    state.reset_session("main", "l2").await.unwrap();
    append(state, "l2", &["b", "c"]).await;
    state.begin_run(second("r")).await.unwrap().unwrap();
    state.inject(note("i"), "l2").await.unwrap();
    state.put_state(SECOND, Some("1".into()), Some("2".into())).await.unwrap();
    state.ask(question("mine", Some("main"))).await.unwrap();
    state.meet("p", "main").await.unwrap();
    let there = state.session("main").await.unwrap();
    assert!(there.is_some());
    assert_eq!(state.delete_session("main").await.unwrap(), there);
    stage
}

async fn nobody_writes_into_a_deleted_session(stage: Stage) {
    let state = &deleted(stage).await.state;
    assert_eq!(append(&**state, "l2", &["late"]).await, None);
    assert_eq!(state.inject(note("j"), "l2").await, Ok(Queued::Gone));
    assert_eq!(state.begin_run(second("s")).await, Ok(None));
    assert_eq!(state.show("r", vec![]).await, Ok(None));
    assert_eq!(state.end_run("r", RunStatus::Done, None).await, Ok(false));
    assert_eq!(state.put_state(SECOND, Some("1".into()), None).await, Ok(None));
    assert_eq!(state.session("main").await, Ok(None));
}

async fn a_deleted_session_takes_along_what_is_its_own_only(stage: Stage) {
    stage.state.ensure_session("other", "l1").await.unwrap();
    stage.state.append("other", "l1", vec![said("kept")]).await.unwrap();
    stage.state.begin_run(NewRun { session: "other".into(), ..turn("o") }).await.unwrap();
    stage.state.ask(question("another's", Some("other"))).await.unwrap();
    let state = &deleted(stage).await.state;
    assert_eq!((state.runs("main", n(9)).await, state.injections("main").await), (Ok(vec![]), Ok(vec![])));
    assert_eq!((state.answered("mine").await, state.answered("another's").await), (Ok(false), Ok(true)));
    assert_eq!((state.count_entries("other", "l1"), state.end_run("o", RunStatus::Done, None).await), (Ok(1), Ok(true)));
    assert_eq!(state.met("p", "main").await, Ok(Some(None)), "who has met it is told that it is gone");
}

async fn a_session_that_is_made_again_begins_anew(stage: Stage) {
    let state = &deleted(stage).await.state;
    assert!(state.ensure_session("main", "l2").await.unwrap().is_new);
    assert_eq!(state.count_entries("main", "l1"), Ok(0));
    assert_eq!(texts(&**state, "l2", Window::Newest(9)), Vec::<String>::new());
    assert_eq!((state.runs("main", n(9)).await, state.injections("main").await), (Ok(vec![]), Ok(vec![])));
    assert_eq!(state.state_of(SECOND), Ok(Some(None)));
    assert_eq!(append(&**state, "l2", &["first"]).await, Some(vec![1]));
    assert_eq!(state.begin_run(second("another")).await, Ok(Some(vec![])));
    assert_eq!(state.begin_run(second("r")).await, Ok(Some(vec![])), "the run of this name is gone, too");
    state.reset_session("main", "l1").await.unwrap();
}

async fn what_is_not_there_can_be_neither_reset_nor_deleted(Stage { state, .. }: Stage) {
    assert_eq!(state.reset_session("main", "l1").await, Ok(None));
    assert_eq!(state.delete_session("main").await, Ok(None));
    assert_eq!(append(&*state, "l1", &["a"]).await, None);
    assert_eq!(state.sessions(None, n(1)).await, Ok(vec![]));
}
