//! Injections as plugins queue them.

use crate::tools::host::Host;
use plugbay_gateway::runtime::state::SessionStore;
use plugbay_gateway::runtime::{
    Caller, Chain, InjectionQueued, InjectionRequest, Json, PluginId, ServiceCode, ServiceError, Services, Session,
};
use std::collections::BTreeSet;

fn caller(plugin: &str) -> Caller {
    let plugin = PluginId::try_from(plugin.to_owned()).unwrap();
    Caller { plugin, generation: 1, session: None, run: None, chain: Chain::default() }
}

fn text(text: &str) -> InjectionRequest {
    InjectionRequest { text: text.into(), append: false, priority: 0, ttl_ms: None, key: None, metadata: None }
}

async fn queue(host: &Host, session: &Session, asked: InjectionRequest) -> Result<InjectionQueued, ServiceError> {
    host.desk.enqueue(&caller("a"), session, asked).await
}

#[tokio::test]
async fn what_is_queued_is_as_it_was_asked_without_the_space_around_it() {
    let host = Host::new();
    let session = host.session("s").await;
    let metadata = Json::check(r#"{"why":"rain"}"#).unwrap();
    let asked = InjectionRequest {
        append: true,
        priority: -3,
        ttl_ms: Some(60_000),
        key: Some("k".into()),
        metadata: Some(metadata),
        ..text(" take a coat\n")
    };
    let queued = queue(&host, &session, asked).await.unwrap();
    assert!(queued.fresh);
    let waiting = host.state.injections("s").await.unwrap();
    let [injection] = &waiting[..] else { panic!("{waiting:?}") };
    let asked = &injection.asked;
    assert_eq!((asked.id.as_str(), asked.plugin.as_str(), asked.text.as_str()), (queued.id.as_str(), "a", "take a coat"));
    assert_eq!((asked.append, asked.priority, asked.ttl_ms, asked.key.as_deref()), (true, -3, Some(60_000), Some("k")));
    assert_eq!(asked.metadata.as_deref(), Some(r#"{"why":"rain"}"#));
}

#[tokio::test]
async fn one_with_the_same_key_waits_already() {
    let host = Host::new();
    let session = host.session("s").await;
    let keyed = |words: &str| InjectionRequest { key: Some("k".into()), ..text(words) };
    let first = queue(&host, &session, keyed("one")).await.unwrap();
    let second = queue(&host, &session, keyed("two")).await.unwrap();
    assert_eq!(second, InjectionQueued { id: first.id.clone(), fresh: false });
    let other = host.desk.enqueue(&caller("b"), &session, keyed("three")).await.unwrap();
    assert!(other.fresh && other.id != first.id, "a key is a plugin's own");
    let elsewhere = queue(&host, &host.session("t").await, keyed("four")).await.unwrap();
    assert!(elsewhere.fresh && elsewhere.id != first.id, "and a session's");
}

#[tokio::test]
async fn what_is_beyond_a_bound_is_refused_by_name() {
    let host = Host::new();
    let session = host.session("s").await;
    let keyed = |key: String| InjectionRequest { key: Some(key), ..text("x") };
    let refused = |asked: InjectionRequest| queue(&host, &session, asked);
    assert!(refused(text(&"ä".repeat(32_768))).await.is_ok(), "characters, not bytes");
    assert!(refused(text(&format!("  {}  ", "x".repeat(32_768)))).await.is_ok(), "space around isn't counted");
    assert!(refused(keyed("k".repeat(512))).await.is_ok());
    for (asked, word) in [
        (text(&"x".repeat(32_769)), "32769 characters, 32768 allowed"),
        (text(" \n"), "blank"),
        (keyed("k".repeat(513)), "513 bytes, 512 allowed"),
        (keyed(" ".into()), "blank"),
    ] {
        let error = refused(asked).await.unwrap_err();
        assert_eq!(error.code, ServiceCode::InvalidInput, "{error}");
        assert!(error.message.contains(word), "{error}");
    }
    assert_eq!(host.state.injections("s").await.unwrap().len(), 3, "nothing of what was refused");
}

#[tokio::test]
async fn the_thirty_third_is_refused() {
    let host = Host::new();
    let session = host.session("s").await;
    let mut ids = BTreeSet::new();
    for n in 0..32 {
        ids.insert(queue(&host, &session, text(&n.to_string())).await.unwrap().id);
    }
    assert_eq!(ids.len(), 32, "each has an id of its own");
    let error = queue(&host, &session, text("one more")).await.unwrap_err();
    assert_eq!(error.code, ServiceCode::LimitExceeded);
    assert!(error.message.contains("32 allowed"), "{error}");
    assert!(host.desk.enqueue(&caller("b"), &session, text("x")).await.is_ok(), "it is each plugin's own bound");
    assert!(queue(&host, &host.session("t").await, text("x")).await.is_ok(), "and each session's");
}

#[tokio::test]
async fn a_session_that_is_gone_takes_none() {
    let host = Host::new();
    let session = host.session("s").await;
    host.state.reset_session("s", "s-2").await.unwrap();
    assert_eq!(queue(&host, &session, text("x")).await.unwrap_err().code, ServiceCode::Gone, "another life");
    let session = host.desk.handles().handle("s", "s-2");
    assert!(queue(&host, &session, text("x")).await.is_ok());
    host.state.delete_session("s").await.unwrap();
    assert_eq!(queue(&host, &session, text("x")).await.unwrap_err().code, ServiceCode::Gone, "deleted");
    host.desk.handles().deleted("s");
    assert_eq!(queue(&host, &session, text("x")).await.unwrap_err().code, ServiceCode::Gone);
}

#[tokio::test]
async fn what_waits_of_a_plugin_that_left_is_gone() {
    let host = Host::new();
    let session = host.session("s").await;
    queue(&host, &session, text("x")).await.unwrap();
    host.desk.enqueue(&caller("b"), &session, text("y")).await.unwrap();
    host.desk.left(&caller("a").plugin, false).await.unwrap();
    let waiting = host.state.injections("s").await.unwrap();
    assert_eq!(waiting.iter().map(|i| i.asked.plugin.as_str()).collect::<Vec<_>>(), ["b"]);
}
