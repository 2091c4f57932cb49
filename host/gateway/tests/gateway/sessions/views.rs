//! Sessions as they are listed and shown.

use crate::turns::stage::Stage;
use plugbay_gateway::runtime::Json;
use plugbay_gateway::runtime::Principal;
use plugbay_gateway::runtime::state::Window;
use plugbay_gateway::{PatchError, TurnAsked};
use serde_json::json;
use std::num::NonZeroUsize;

#[tokio::test]
async fn listing_calls_no_guest_and_shows_what_plugins_project() {
    let stage = Stage::started().await;
    let plugin = stage.witness('a', json!({})).await;
    for key in ["a", "b", "c"] {
        stage.answer(key, "say hello").await;
    }
    let value = Json::from_value(&json!({ "secret": 1 })).unwrap();
    stage.gateway.patch_state("b", "witness-a", "seen", Some(value)).await.unwrap();
    let calls = stage.witnessed(&plugin).await.len();
    let list = stage.gateway.sessions(None, NonZeroUsize::new(10).unwrap()).await.unwrap();
    assert_eq!(list.iter().map(|session| session.key.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(list[1].shown.iter().map(|shown| shown.value.clone()).collect::<Vec<_>>(), [json!({ "seen": "seen" })]);
    assert_eq!(stage.witnessed(&plugin).await.len(), calls);
    let behind = stage.gateway.sessions(Some("a"), NonZeroUsize::new(1).unwrap()).await.unwrap();
    assert_eq!(behind.iter().map(|session| session.key.as_str()).collect::<Vec<_>>(), ["b"]);
    let unknown = stage.gateway.patch_state("zzz", "witness-a", "seen", None).await;
    assert!(matches!(unknown, Err(PatchError::UnknownSession(_))), "{unknown:?}");
}

#[tokio::test]
async fn a_session_is_shown_with_its_transcript_and_its_runs() {
    let stage = Stage::started().await;
    let principal = Principal { channel: "test".into(), sender: "ann".into(), scopes: vec!["operator.read".into()] };
    let asked = TurnAsked { principal: Some(principal), message_id: Some("m1".into()), ..TurnAsked::said("s", "test", "say hello") };
    let turn = stage.gateway.turn(asked).await.unwrap();
    let run = turn.run().unwrap().to_string();
    turn.ended().await;
    let runs = stage.runs("s").await;
    assert_eq!((runs[0].run.as_str(), runs[0].status, runs[0].trigger.as_str()), (run.as_str(), "done", "user"));
    assert_eq!((&runs[0].facts["principal"]["sender"], &runs[0].facts["message-id"]), (&json!("ann"), &json!("m1")));
    let newest = stage.gateway.transcript("s", Window::Newest(1)).await.unwrap().unwrap();
    assert_eq!((newest.len(), &newest[0].content, newest[0].run.as_deref()), (1, &json!("hello"), Some(run.as_str())));
    assert_eq!(stage.gateway.transcript("none", Window::Newest(1)).await.unwrap(), None);
}
