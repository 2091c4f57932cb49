//! Subagents: noted, found, marked, forgotten.

use super::{Stage, rules};
use crate::assert_error;
use plugbay_state::{Code, NewSubagent, Operation, SessionBounds, SessionStore, Subagent};

rules! {
    a_subagent_is_found_by_its_name_and_by_its_session,
    a_plugin_has_one_subagent_of_a_name,
    a_subagent_has_a_session_of_its_own,
    subagents_are_listed_by_plugin_and_name_those_that_are_to_be_deleted_first,
    of_many_subagents_a_thousand_come,
    a_listing_of_subagents_ends_where_its_bytes_do,
    a_mark_stays_until_the_subagent_is_forgotten,
    who_is_forgotten_leaves_name_and_session_to_others,
    a_ticket_is_kept_with_its_engine,
    a_subagent_outlives_its_session_and_its_plugin,
    whose_session_is_deleted_is_marked_in_the_same_commit,
    the_end_of_a_life_marks_all_who_work_for_it_and_nobody_else,
    who_has_to_see_all_subagents_sees_them_by_session,
}

/// A subagent of `p` or `q`, at the session that its plugin and its name say.
fn new(plugin: &str, name: &str) -> NewSubagent {
    NewSubagent {
        session: format!("{plugin}/{name}"),
        plugin: plugin.into(),
        name: name.into(),
        parent: "main".into(),
        depth: 1,
        engine: None,
        ticket: None,
    }
}

/// What is noted of it at this time.
fn noted(new: NewSubagent, made_at: u64) -> Subagent {
    let NewSubagent { session, plugin, name, parent, depth, engine, ticket } = new;
    Subagent { session, plugin, name, parent, depth, engine, ticket, made_at, deleting: false, gone: false }
}

async fn sessions(state: &dyn SessionStore, plugin: Option<&str>) -> Vec<String> {
    state.subagents(plugin).await.unwrap().into_iter().map(|subagent| subagent.session).collect()
}

async fn a_subagent_is_found_by_its_name_and_by_its_session(Stage { state, clock, .. }: Stage) {
    let full = NewSubagent { depth: u32::MAX, engine: Some("e".into()), ticket: Some(" \0é ".into()), ..new("p", "a") };
    assert_eq!((state.subagent("p", "a").await, state.subagent_at("p/a").await), (Ok(None), Ok(None)));
    assert_eq!(state.add_subagent(full.clone()).await, Ok(true));
    clock.set(2_000);
    assert_eq!(state.add_subagent(new("p", "b")).await, Ok(true));
    let (first, second) = (noted(full, 1_000), noted(new("p", "b"), 2_000));
    assert_eq!((state.subagent("p", "a").await, state.subagent_at("p/a").await), (Ok(Some(first.clone())), Ok(Some(first.clone()))));
    assert_eq!(state.subagent_at("p/b").await, Ok(Some(second.clone())));
    assert_eq!(state.subagents(Some("p")).await, Ok(vec![first, second]));
    assert_eq!((state.subagent("q", "a").await, state.subagent_at("main").await), (Ok(None), Ok(None)));
    assert_eq!(state.session("p/a").await, Ok(None), "a note makes no session");
}

async fn a_plugin_has_one_subagent_of_a_name(Stage { state, clock, .. }: Stage) {
    state.add_subagent(new("p", "a")).await.unwrap();
    clock.set(2_000);
    let again = NewSubagent { session: "elsewhere".into(), depth: 9, ..new("p", "a") };
    assert_eq!(state.add_subagent(again).await, Ok(false));
    assert_eq!(state.add_subagent(new("p", "a")).await, Ok(false));
    assert_eq!(state.subagents(None).await, Ok(vec![noted(new("p", "a"), 1_000)]), "the first stays as it was");
    assert_eq!(state.add_subagent(new("q", "a")).await, Ok(true), "of another plugin");
}

async fn a_subagent_has_a_session_of_its_own(Stage { state, .. }: Stage) {
    state.add_subagent(new("p", "a")).await.unwrap();
    for other in [new("p", "b"), new("q", "a")] {
        let error = state.add_subagent(NewSubagent { session: "p/a".into(), ..other }).await.unwrap_err();
        let whose = "that of the subagent \"a\" of the plugin \"p\": expected one of its own";
        assert_eq!(error.message, format!("the session \"p/a\" is {whose}"));
        assert_error(Err::<(), _>(error), Code::InvalidInput, Operation::AddSubagent);
    }
    assert_eq!(sessions(&*state, None).await, ["p/a"]);
}

async fn subagents_are_listed_by_plugin_and_name_those_that_are_to_be_deleted_first(Stage { state, .. }: Stage) {
    for (plugin, name) in [("q", "b"), ("p", "ä"), ("p", "a"), ("q", "a"), ("p", "Z"), ("p", "b")] {
        state.add_subagent(new(plugin, name)).await.unwrap();
    }
    assert_eq!(sessions(&*state, None).await, ["p/Z", "p/a", "p/b", "p/ä", "q/a", "q/b"]);
    for (plugin, name) in [("q", "b"), ("p", "b")] {
        state.mark_deleting(plugin, name).await.unwrap();
    }
    assert_eq!(sessions(&*state, None).await, ["p/b", "q/b", "p/Z", "p/a", "p/ä", "q/a"]);
    assert_eq!(sessions(&*state, Some("p")).await, ["p/b", "p/Z", "p/a", "p/ä"]);
    assert_eq!(sessions(&*state, Some("nobody")).await, Vec::<String>::new());
}

async fn of_many_subagents_a_thousand_come(Stage { state, .. }: Stage) {
    let most = SessionBounds::ANSWER;
    for i in 0..=most {
        state.add_subagent(new("p", &format!("a{i:04}"))).await.unwrap();
    }
    state.mark_deleting("p", &format!("a{most:04}")).await.unwrap();
    for plugin in [None, Some("p")] {
        let listed = sessions(&*state, plugin).await;
        assert_eq!((listed.len(), listed[0].as_str(), listed[most - 1].as_str()), (most, "p/a1000", "p/a0998"));
    }
}

async fn a_listing_of_subagents_ends_where_its_bytes_do(stage: Stage) {
    let state = &stage.answering(100).state;
    let with = |name, bytes| NewSubagent { engine: Some("e".into()), ticket: Some("x".repeat(bytes)), ..new("p", name) };
    // A session's key here has three bytes.
    for (name, bytes) in [("a", 47), ("b", 47), ("c", 0)] {
        state.add_subagent(with(name, bytes)).await.unwrap();
    }
    assert_eq!(sessions(&**state, None).await, ["p/a", "p/b"]);
    state.set_ticket("p", "a", Some("e".into()), Some("x".repeat(101))).await.unwrap();
    assert_eq!(sessions(&**state, Some("p")).await, ["p/a"], "one at least");
}

async fn a_mark_stays_until_the_subagent_is_forgotten(Stage { state, .. }: Stage) {
    assert_eq!(state.mark_deleting("p", "a").await, Ok(false));
    for name in ["a", "b"] {
        state.add_subagent(new("p", name)).await.unwrap();
    }
    let marked = Subagent { deleting: true, ..noted(new("p", "a"), 1_000) };
    for _ in 0..2 {
        assert_eq!(state.mark_deleting("p", "a").await, Ok(true));
        assert_eq!(state.subagents(None).await, Ok(vec![marked.clone(), noted(new("p", "b"), 1_000)]));
    }
    assert_eq!(state.add_subagent(new("p", "a")).await, Ok(false), "it is still there");
    state.set_ticket("p", "a", None, None).await.unwrap();
    assert_eq!(state.subagent("p", "a").await, Ok(Some(marked)));
}

async fn who_is_forgotten_leaves_name_and_session_to_others(Stage { state, .. }: Stage) {
    assert_eq!(state.forget_subagent("p", "a").await, Ok(false));
    for name in ["a", "b"] {
        state.add_subagent(new("p", name)).await.unwrap();
    }
    state.mark_deleting("p", "a").await.unwrap();
    assert_eq!((state.forget_subagent("p", "a").await, state.forget_subagent("p", "a").await), (Ok(true), Ok(false)));
    assert_eq!((state.subagent("p", "a").await, state.subagent_at("p/a").await), (Ok(None), Ok(None)));
    assert_eq!(sessions(&*state, None).await, ["p/b"]);
    assert_eq!(state.add_subagent(new("p", "a")).await, Ok(true));
    assert_eq!(state.subagent("p", "a").await, Ok(Some(noted(new("p", "a"), 1_000))), "it begins anew");
}

async fn a_ticket_is_kept_with_its_engine(Stage { state, .. }: Stage) {
    assert_eq!(state.set_ticket("p", "a", Some("e".into()), Some("t".into())).await, Ok(false));
    for name in ["a", "b"] {
        state.add_subagent(new("p", name)).await.unwrap();
    }
    for (engine, ticket) in [(Some("e"), Some("t")), (Some("f"), Some("")), (Some("f"), None), (None, None)] {
        let (engine, ticket) = (engine.map(str::to_owned), ticket.map(str::to_owned));
        assert_eq!(state.set_ticket("p", "a", engine.clone(), ticket.clone()).await, Ok(true));
        assert_eq!(state.subagent("p", "a").await, Ok(Some(Subagent { engine, ticket, ..noted(new("p", "a"), 1_000) })));
    }
    assert_error(state.set_ticket("p", "a", None, Some("t".into())).await, Code::InvalidInput, Operation::SetTicket);
    let lost = NewSubagent { ticket: Some("t".into()), ..new("p", "c") };
    assert_error(state.add_subagent(lost).await, Code::InvalidInput, Operation::AddSubagent);
    assert_eq!(state.subagents(None).await, Ok(vec![noted(new("p", "a"), 1_000), noted(new("p", "b"), 1_000)]));
}

async fn a_subagent_outlives_its_session_and_its_plugin(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.ensure_session("p/a", "l1").await.unwrap();
    state.add_subagent(NewSubagent { engine: Some("e".into()), ticket: Some("t".into()), ..new("p", "a") }).await.unwrap();
    state.mark_deleting("p", "a").await.unwrap();
    let there = state.subagent("p", "a").await.map(|noted| noted.map(|noted| Subagent { gone: true, ..noted }));
    for session in ["p/a", "main"] {
        state.reset_session(session, "l2").await.unwrap();
        state.delete_session(session).await.unwrap();
    }
    for plugin in ["p", "e"] {
        state.forget_plugin(plugin, true).await.unwrap();
    }
    state.recover().await.unwrap();
    assert!(there.clone().unwrap().is_some());
    assert_eq!((state.subagent("p", "a").await, state.subagent_at("p/a").await), (there.clone(), there));
}

async fn whose_session_is_deleted_is_marked_in_the_same_commit(Stage { state, .. }: Stage) {
    for name in ["a", "b"] {
        state.ensure_session(&format!("p/{name}"), "l1").await.unwrap();
        state.add_subagent(new("p", name)).await.unwrap();
    }
    state.reset_session("p/a", "l2").await.unwrap();
    assert_eq!(state.subagent("p", "a").await, Ok(Some(noted(new("p", "a"), 1_000))), "another life is still its own");
    state.delete_session("p/a").await.unwrap();
    let gone = Subagent { gone: true, ..noted(new("p", "a"), 1_000) };
    assert_eq!(state.subagent("p", "a").await, Ok(Some(gone.clone())));
    assert_eq!(state.subagent("p", "b").await, Ok(Some(noted(new("p", "b"), 1_000))));
    state.ensure_session("p/a", "l3").await.unwrap();
    assert_eq!(state.subagent("p", "a").await, Ok(Some(gone.clone())), "one that is made then is somebody else's");
    state.mark_deleting("p", "a").await.unwrap();
    assert_eq!(state.subagent("p", "a").await, Ok(Some(Subagent { deleting: true, ..gone })));
    state.mark_deleting("p", "b").await.unwrap();
    assert_eq!(sessions(&*state, None).await, ["p/a", "p/b"]);
    assert_eq!(state.delete_session("nowhere").await, Ok(None));
}

async fn the_end_of_a_life_marks_all_who_work_for_it_and_nobody_else(stage: Stage) {
    let state = &stage.with_session().await.state;
    let most = SessionBounds::ANSWER + 1;
    for i in 0..most {
        state.add_subagent(new("p", &format!("a{i:04}"))).await.unwrap();
    }
    state.add_subagent(NewSubagent { parent: "other".into(), ..new("q", "a") }).await.unwrap();
    assert_eq!((state.end_life("nowhere", None).await, state.end_life("nowhere", Some("l2")).await), (Ok(None), Ok(None)));
    for next in [Some("l2"), None] {
        state.add_subagent(new("q", &format!("{next:?}"))).await.unwrap();
        assert!(state.end_life("main", next).await.unwrap().is_some());
        let (mut after, mut marked, mut kept) = (None, 0, Vec::new());
        loop {
            let page = state.subagents_behind(after.as_deref()).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.session.clone());
            marked += page.iter().filter(|subagent| subagent.deleting).count();
            kept.extend(page.into_iter().filter(|subagent| !subagent.deleting).map(|subagent| subagent.session));
        }
        assert_eq!((marked, kept), (most + if next.is_some() { 1 } else { 2 }, vec!["q/a".to_owned()]), "{next:?}");
    }
    assert_eq!(state.session("main").await, Ok(None));
    assert_error(state.end_life(" bad", None).await, Code::InvalidInput, Operation::DeleteSession);
    assert_error(state.end_life("main", Some(" bad")).await, Code::InvalidInput, Operation::ResetSession);
}

async fn who_has_to_see_all_subagents_sees_them_by_session(stage: Stage) {
    let state = &stage.answering(6).state;
    for (plugin, name) in [("q", "b"), ("p", "ä"), ("q", "a"), ("p", "Z")] {
        state.add_subagent(new(plugin, name)).await.unwrap();
    }
    state.mark_deleting("q", "b").await.unwrap();
    let (mut seen, mut pages) = (Vec::<Subagent>::new(), 0);
    loop {
        let page = state.subagents_behind(seen.last().map(|subagent| subagent.session.as_str())).await.unwrap();
        if page.is_empty() {
            break;
        }
        (pages, seen) = (pages + 1, [seen, page].concat());
    }
    assert_eq!(seen.iter().map(|subagent| subagent.session.as_str()).collect::<Vec<_>>(), ["p/Z", "p/ä", "q/a", "q/b"]);
    assert!(pages > 1, "a page ends where its bytes do");
    assert_error(state.subagents_behind(Some(" bad")).await, Code::InvalidInput, Operation::Subagents);
}
