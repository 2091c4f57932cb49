//! Tokens, over restarts.

use crate::house::*;
use plugbay_daemon::api::types::NewToken;
use plugbay_daemon::tokens::{Refused, Scope};
use plugbay_runtime::state::StateStore;
use std::fs;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_kept_hashed_and_are_good_after_a_restart() {
    let house = House::patient("");
    let host = house.start().await;
    let asked = |name: &str, scope: &str| NewToken { name: name.into(), scope: scope.into(), expires_at: None };
    let issued = host.issue_token(asked("laptop", "operator.read"), me()).await.unwrap();
    let other = host.issue_token(asked("gone", "operator.admin"), me()).await.unwrap();
    assert_eq!(host.issue_token(asked("laptop", "operator.read"), me()).await.unwrap_err().problem.code, "conflict");
    assert_eq!(host.issue_token(asked("x", "god"), me()).await.unwrap_err().problem.code, "invalid-input");
    assert!(host.authenticate(&issued.secret).is_ok());
    host.revoke_token("gone", me()).await.unwrap();
    assert_eq!(host.revoke_token("laptpo", me()).await.unwrap_err().problem.near.as_deref(), Some("laptop"));

    let host = house.restart(host).await;
    let caller = host.authenticate(&issued.secret).unwrap();
    assert_eq!((caller.name.as_str(), caller.scope), ("laptop", Scope::Read));
    assert!(host.authenticate(&other.secret).is_err(), "a token that was revoked stays so");
    assert!(matches!(host.authenticate("nothing like it"), Err(Refused::Unknown)));
    let documents = house.state().documents("token").await.unwrap();
    assert_eq!(documents.len(), 1);
    let record: serde_json::Value = serde_json::from_str(&documents[0].body).unwrap();
    assert!(record.to_string().contains("last"), "when it was last used is kept: {record}");
    assert!(record.as_object().unwrap().iter().any(|(key, value)| key.contains("last") && value.is_u64()), "{record}");
    for name in names(&house.path("state")) {
        let Ok(bytes) = fs::read(house.path(&format!("state/{name}"))) else { continue };
        let secret = issued.secret.as_bytes();
        assert!(!bytes.windows(secret.len()).any(|w| w == secret), "the secret is in {name}");
    }
    let told: Vec<_> = host
        .history(plugbay_daemon::api::types::HistoryQuery { plugin: None, before: None, limit: None })
        .await
        .unwrap()
        .events
        .into_iter()
        .map(|e| e.what)
        .collect();
    assert_eq!(told, ["token-revoked", "token-issued", "token-issued"]);
}
