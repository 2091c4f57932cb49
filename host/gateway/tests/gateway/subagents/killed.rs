//! What a host that is killed leaves of subagents, the next one finds: whatever is to go goes, however many they are, and nothing else does.

use super::stage::Crews;
use crate::dying::Dying;
use crate::turns::stage::{Stage, settings};
use plugbay_gateway::runtime::state::{Memory, NewSubagent, SessionBounds, SessionStore};
use plugbay_gateway::runtime::{Caller, Chain, PluginId, ServiceCode, Services, Session};
use serde_json::json;
use std::sync::Arc;

/// More than a listing has.
const MANY: usize = SessionBounds::ANSWER + 5;

/// A subagent of `crew-a` that works for this session, with a session of its own.
async fn noted(state: &Memory, name: &str, parent: &str) {
    let session = format!("crew-a/{name}");
    let (plugin, name, parent) = ("crew-a".to_owned(), name.to_owned(), parent.to_owned());
    let new = NewSubagent { session: session.clone(), plugin, name, parent, depth: 1, engine: None, ticket: None };
    assert!(state.add_subagent(new).await.unwrap());
    state.ensure_session(&session, "1").await.unwrap();
}

/// `main` with many who work for it, and one who works for `other`.
async fn crowd() -> Arc<Memory> {
    let state = Arc::new(Memory::default());
    for session in ["main", "other"] {
        state.ensure_session(session, "1").await.unwrap();
    }
    for n in 0..MANY {
        noted(&state, &format!("n-{n:04}"), "main").await;
    }
    noted(&state, "z", "other").await;
    state
}

/// All that are noted, by session.
async fn all(state: &Memory) -> Vec<String> {
    let mut all = Vec::<String>::new();
    loop {
        let page = state.subagents_behind(all.last().map(String::as_str)).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page.into_iter().map(|row| row.session));
    }
}

/// Waits until only these are noted; and there is a session for each of them, and for no other.
async fn left(state: &Memory, names: &[&str]) {
    let keys: Vec<_> = names.iter().map(|name| format!("crew-a/{name}")).collect();
    loop {
        let noted = all(state).await;
        if noted == keys {
            break;
        }
        assert!(keys.iter().all(|key| noted.contains(key)), "one of {keys:?} is gone");
        tokio::task::yield_now().await;
    }
    let sessions = state.sessions(Some("crew-a/"), SessionBounds::ANSWER.try_into().unwrap()).await.unwrap();
    let of_crew = sessions.into_iter().map(|row| row.key).filter(|key| key.starts_with("crew-a/"));
    assert_eq!(of_crew.collect::<Vec<_>>(), keys);
}

#[tokio::test]
async fn those_who_worked_for_a_life_that_is_over_go_though_the_host_was_killed_with_its_end() {
    for deleted in [false, true] {
        let state = crowd().await;
        let (gateway, dying) = Dying::with(state.clone(), &["reset_session", "delete_session", "end_life"]).await;
        let ending = tokio::spawn(async move {
            match deleted {
                true => gateway.delete("main").await.map(drop),
                false => gateway.reset("main").await.map(drop),
            }
        });
        dying.died().await;
        ending.abort();
        // Somebody comes back to it before the next host looks.
        state.ensure_session("main", "2").await.unwrap();
        noted(&state, "new", "main").await;
        let stage = Stage::on(state.clone(), settings());
        stage.gateway.start().await.unwrap();
        left(&state, &["new", "z"]).await;
    }
}

#[tokio::test]
async fn the_end_of_a_life_is_that_of_all_who_work_for_it_however_many() {
    let state = crowd().await;
    let stage = Stage::on(state.clone(), settings());
    stage.gateway.start().await.unwrap();
    stage.gateway.reset("main").await.unwrap().unwrap();
    left(&state, &["z"]).await;
}

#[tokio::test]
async fn a_session_that_has_the_key_of_a_deleted_subagent_is_left_alone() {
    let state = Arc::new(Memory::default());
    state.ensure_session("main", "1").await.unwrap();
    noted(&state, "mine", "main").await;
    state.mark_deleting("crew-a", "mine").await.unwrap();
    noted(&state, "theirs", "main").await;
    let (gateway, dying) = Dying::with(state.clone(), &["end_life", "delete_session"]).await;
    dying.died().await;
    drop(gateway);
    assert!(state.session("crew-a/mine").await.unwrap().is_none(), "it was deleted, and that is all that was done");
    state.ensure_session("crew-a/mine", "another's").await.unwrap();
    // And one that a person deleted while no host looked.
    state.delete_session("crew-a/theirs").await.unwrap();

    let stage = Stage::on(state.clone(), settings());
    stage.gateway.start().await.unwrap();
    while !state.subagents(None).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(state.session("crew-a/mine").await.unwrap().unwrap().id, "another's");
}

#[tokio::test]
async fn nobody_is_sent_out_for_a_life_that_is_over() {
    let crews = Crews::new("a").await;
    let turn = crews.stage.turn("main", "held\nsay x").await;
    crews.model.holds(1).await;
    let life = crews.stage.gateway.session("main").await.unwrap().unwrap().id;
    let caller = Caller {
        plugin: PluginId::try_from("crew-a".to_owned()).unwrap(),
        generation: 1,
        session: Some(Session::new("main", life)),
        run: turn.run().cloned(),
        chain: Chain::default(),
    };
    // By another process, say: this gateway's own resets wait for the turn.
    crews.stage.state.end_life("main", Some("next")).await.unwrap().unwrap();
    let services: &dyn Services = crews.stage.gateway.desk();
    let refused = services.run_subagent(&caller, "late", "say x".into()).await.map(drop).unwrap_err();
    assert_eq!(refused.code, ServiceCode::Gone, "{refused}");
    assert!(refused.message.contains("`main` was reset or deleted"), "{refused}");
    assert!(crews.noted().await.is_empty() && !crews.exists("crew-a/late").await);
    crews.model.lets_go(1);
    turn.ended().await;
    let again = crews.act("main", "crew-a-delegate", json!({ "name": "late", "message": "say x", "wait": 20_000 })).await;
    assert_eq!(again["ok"]["text"], "x", "the next life has its own: {again}");
}
