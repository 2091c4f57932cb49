//! Sessions that a plugin has met, and handles of those that are deleted.

use crate::tools::host::Host;
use plugbay_gateway::runtime::state::SessionStore;
use plugbay_gateway::runtime::{Caller, Chain, PluginId, ServiceCode, Services};

fn caller(plugin: &str) -> Caller {
    let plugin = PluginId::try_from(plugin.to_owned()).unwrap();
    Caller { plugin, generation: 1, session: None, run: None, chain: Chain::default() }
}

#[tokio::test]
async fn a_plugin_opens_the_sessions_that_it_has_met_and_no_others() {
    let host = Host::new();
    let session = host.session("s").await;
    let (a, b) = (caller("a"), caller("b"));
    assert_eq!(host.desk.open_session(&a, "s").await.unwrap_err().code, ServiceCode::Unknown);
    host.desk.meet(&a.plugin, &session).await.unwrap();
    host.desk.meet(&a.plugin, &session).await.unwrap();
    let opened = host.desk.open_session(&a, "s").await.unwrap();
    assert_eq!((opened.key(), opened.id()), (Some("s"), Some("s-1")));
    assert_eq!(host.desk.open_session(&b, "s").await.unwrap_err().code, ServiceCode::Unknown);
    host.state.reset_session("s", "s-2").await.unwrap();
    assert_eq!(host.desk.open_session(&a, "s").await.unwrap().id(), Some("s-2"), "the life that it has now");
    host.state.delete_session("s").await.unwrap();
    let error = host.desk.open_session(&a, "s").await.unwrap_err();
    assert!(matches!(error.code, ServiceCode::Gone | ServiceCode::Unknown), "{error}");
}

#[tokio::test]
async fn every_handle_of_a_deleted_session_is_gone() {
    let host = Host::new();
    let session = host.session("s").await;
    let (a, other) = (caller("a"), host.session("t").await);
    host.desk.meet(&a.plugin, &session).await.unwrap();
    let opened = host.desk.open_session(&a, "s").await.unwrap();
    let old_life = host.desk.handles().handle("s", "s-0");
    host.desk.handles().deleted("s");
    for handle in [&session, &opened, &old_life] {
        assert_eq!((handle.key(), handle.id()), (None, None));
    }
    assert_eq!(other.key(), Some("t"));
    assert_eq!(host.desk.handles().handle("s", "s-9").key(), Some("s"), "a session of the same name is another one");
}

#[tokio::test]
async fn handles_that_nobody_holds_take_no_room() {
    let host = Host::new();
    let held: Vec<_> = (0..100).map(|n| host.desk.handles().handle(&format!("held{n}"), "1")).collect();
    for n in 0..100_000 {
        drop(host.desk.handles().handle(&format!("s{n}"), "1"));
    }
    assert!(host.desk.handles().count() <= 2_048, "{}", host.desk.handles().count());
    host.desk.handles().deleted("held7");
    assert_eq!(held.iter().filter(|handle| handle.key().is_none()).count(), 1, "what is held is known all the same");
}
