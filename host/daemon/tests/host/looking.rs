//! Readiness and the doctor.

use crate::boot::quarantine;
use crate::house::*;
use plugbay_daemon::api::types::{HistoryQuery, Severity};
use plugbay_runtime::state::StateStore;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_is_ready_when_nothing_required_is_missing() {
    let house = House::patient("[plugins.good]\nrequired = true\n");
    let host = house.start().await;
    says(&host.readiness().waits_for.join(" "), &["good", "no file"]);
    house.place("good", &good("good", "1.0.0"));
    until("it is held", || host.readiness().waits_for == ["plugin `good` is required and held"]).await;
    assert!(!host.readiness().ready);
    grant(&host, "good").await;
    assert!(host.readiness().ready);
    assert!(listed(&host, "good").unwrap().required);
    host.switch("good", false, me()).await.unwrap();
    assert!(host.readiness().ready, "operators switch it off to go on without");
    host.switch("good", true, me()).await.unwrap();
    host.stop(Duration::ZERO).await;
    assert!(!host.readiness().ready);

    quarantine(&house, "good").await;
    let host = house.start().await;
    assert_eq!(host.readiness().waits_for, ["plugin `good` is required and quarantined"]);
    complains(&host, "plugin good", "it is required").await;
}

/// Every file's content, but of the state.
fn content(house: &House) -> BTreeMap<String, Vec<u8>> {
    let files = house.files().into_iter().map(|f| format!("plugins/{f}")).chain(["plugbay.toml".to_owned()]);
    files.map(|name| (name.clone(), fs::read(house.path(&name)).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_has_nothing_to_say_of_a_sound_host_and_changes_nothing() {
    let house = House::patient("[plugins.counter]\ngrants.conversation = true\n");
    house.place("counter", &counter("1.0.0", ""));
    let host = house.start().await;
    call(&host, "counter", "count").await.unwrap();
    call(&host, "counter", "keep").await.unwrap();
    let seen = async || {
        let state = house.state();
        let documents = state.documents("plugin").await.unwrap();
        let events = host.history(HistoryQuery { plugin: None, before: None, limit: None }).await.unwrap().events.len();
        let usage = format!("{:?}", state.usage().await.unwrap());
        (content(&house), names(&house.path("state/versions")), documents, events, usage)
    };
    let before = seen().await;
    let findings = host.doctor().await.findings;
    let bad: Vec<_> = findings.iter().filter(|f| f.severity != Severity::Ok).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let about: Vec<_> = findings.iter().map(|f| f.about.as_str()).collect();
    for what in ["state", "configuration", "plugins directory", "state directory", "cache", "outbox", "plugin counter"] {
        assert!(about.contains(&what), "{what} isn't in {about:?}");
    }
    assert_eq!(seen().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_names_what_is_broken_and_says_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::patient("[plugins.ghost]\nenabled = true\n[plugins.off]\nenabled = false\n");
    house.place("held", &good("held", "1.0.0"));
    house.place("broken", b"broken");
    house.place("off", &good("off", "1.0.0"));
    let host = house.start().await;
    fs::set_permissions(house.path("state"), fs::Permissions::from_mode(0o755)).unwrap();
    for (about, word, advice) in [
        ("plugin held", "held", "plugbay grant held"),
        ("plugin broken", "failed", "install a version"),
        ("plugin ghost", "no such plugin", "plugins directory"),
        ("state directory", "open to others", "chmod 700"),
    ] {
        let finding = complaint(&host, about).await.unwrap_or_else(|| panic!("nothing about {about}"));
        says(&finding.found, &[word]);
        says(&finding.advice.unwrap(), &[advice]);
    }
    assert!(complaint(&host, "plugin off").await.is_none(), "what the operator wants is in order");
    let severities: Vec<_> = host.doctor().await.findings.iter().map(|f| f.severity as u8).collect();
    assert!(severities.windows(2).all(|pair| pair[0] >= pair[1]), "the worst first: {severities:?}");
}
