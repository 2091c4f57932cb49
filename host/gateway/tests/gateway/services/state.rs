//! Session state, as guests use it and operators change it, and what is shown of it.

use crate::tools::host::{Host, told};
use plugbay_gateway::PatchError;
use plugbay_gateway::runtime::state::SessionStore;
use plugbay_gateway::runtime::{Call, Json, Session, ToolCallFate};
use serde_json::{Value, json};

/// What is shown of a session where sessions are listed.
async fn shown(host: &Host, key: &str) -> Vec<(String, String, Value)> {
    let row = host.state.session(key).await.unwrap().unwrap();
    row.shown.into_iter().map(|s| (s.plugin, s.namespace, serde_json::from_str(&s.value).unwrap())).collect()
}

fn bytes(bytes: usize) -> Vec<(String, String, Value)> {
    vec![("toolbox".into(), "notes".into(), json!({ "bytes": bytes }))]
}

fn about(session: &Session) -> Call {
    Call::new().session(session.clone())
}

async fn recalled(host: &Host, session: &Session) -> Value {
    told(&host.call(&about(session), "recall", &json!({})).await)
}

async fn remember(host: &Host, session: &Session, value: Value) -> ToolCallFate {
    host.call(&about(session), "remember", &json!({ "value": value })).await.end
}

#[tokio::test]
async fn a_plugin_keeps_a_value_for_each_session_and_its_projection_is_shown() {
    let host = Host::new();
    host.toolbox().await;
    let (s, t) = (host.session("s").await, host.session("t").await);
    assert_eq!(remember(&host, &s, json!([1, 2])).await, ToolCallFate::Answered, "though the plugin's only cell waits for its projection");
    assert_eq!((recalled(&host, &s).await, recalled(&host, &t).await), (json!([1, 2]), json!(null)));
    assert_eq!((shown(&host, "s").await, shown(&host, "t").await), (bytes(5), vec![]));
    assert_eq!(told(&host.call(&about(&s), "forget", &json!({})).await), json!(true));
    assert_eq!(told(&host.call(&about(&s), "forget", &json!({})).await), json!(false));
    assert_eq!((recalled(&host, &s).await, shown(&host, "s").await), (json!(null), vec![]));
}

#[tokio::test]
async fn a_projection_that_says_nothing_or_fails_shows_nothing_and_the_value_is_kept() {
    let host = Host::new();
    host.toolbox().await;
    let s = host.session("s").await;
    for value in [json!("hide"), json!("fail")] {
        remember(&host, &s, json!(1)).await;
        assert_eq!(shown(&host, "s").await, bytes(1));
        assert_eq!(remember(&host, &s, value.clone()).await, ToolCallFate::Answered);
        assert_eq!((recalled(&host, &s).await, shown(&host, "s").await), (value, vec![]));
    }
}

#[tokio::test]
async fn listing_sessions_calls_no_guest() {
    let host = Host::new();
    let plugin = host.toolbox().await;
    for n in 0..50 {
        let session = host.session(&format!("s{n}")).await;
        remember(&host, &session, json!(n)).await;
    }
    let projected = || plugin.generation().unwrap().counted().find(|(hook, _)| *hook == "session-projection").unwrap().1.calls;
    let before = projected();
    assert_eq!(before, 50);
    let rows = host.state.sessions(None, std::num::NonZeroUsize::new(100).unwrap()).await.unwrap();
    assert!(rows.len() == 50 && rows.iter().all(|row| row.shown.len() == 1));
    assert_eq!(projected(), before);
}

#[tokio::test]
async fn a_session_in_another_life_has_other_state() {
    let host = Host::new();
    host.toolbox().await;
    let s = host.session("s").await;
    remember(&host, &s, json!(1)).await;
    host.state.reset_session("s", "s-2").await.unwrap();
    assert_eq!(remember(&host, &s, json!(2)).await, ToolCallFate::Failed, "the life of that handle is over");
    let second = host.desk.handles().handle("s", "s-2");
    assert_eq!((recalled(&host, &second).await, shown(&host, "s").await), (json!(null), vec![]));
}

async fn patch(host: &Host, key: &str, plugin: &str, namespace: &str, value: Value) -> Result<(bool, Option<Value>), PatchError> {
    let value = Some(value).filter(|v| !v.is_null()).map(|v| Json::from_value(&v).unwrap());
    let patched = host.desk.session_state().patch_as_admin(key, plugin, namespace, value).await?;
    Ok((patched.replaced, patched.shown.map(|shown| shown.parse().unwrap())))
}

#[tokio::test]
async fn an_operator_changes_what_a_plugin_keeps() {
    let host = Host::new();
    host.toolbox().await;
    let s = host.session("s").await;
    assert_eq!(patch(&host, "s", "toolbox", "notes", json!([7])).await.unwrap(), (false, Some(json!({ "bytes": 3 }))));
    assert_eq!((recalled(&host, &s).await, shown(&host, "s").await), (json!([7]), bytes(3)));
    assert_eq!(patch(&host, "s", "toolbox", "notes", json!("hide")).await.unwrap(), (true, None));
    assert_eq!(patch(&host, "s", "toolbox", "notes", json!(null)).await.unwrap(), (true, None));
    assert_eq!((recalled(&host, &s).await, shown(&host, "s").await), (json!(null), vec![]));
}

#[tokio::test]
async fn an_operators_change_of_what_there_is_not_says_what() {
    let host = Host::new();
    let plugin = host.toolbox().await;
    host.session("s").await;
    let error = |key: &'static str, plugin: &'static str, namespace: &'static str| {
        let host = &host;
        async move { patch(host, key, plugin, namespace, json!(1)).await.unwrap_err().to_string() }
    };
    assert_eq!(error("s", "other", "notes").await, "there is no plugin `other`");
    assert_eq!(error("s", "toolbox", "other").await, "plugin `toolbox` has no session state `other`: it has `notes`");
    assert_eq!(error("t", "toolbox", "notes").await, "there is no session `t`");
    host.disable(&plugin).await;
    assert!(error("s", "toolbox", "notes").await.contains("doesn't serve"));
    assert_eq!(shown(&host, "s").await, vec![]);
}
