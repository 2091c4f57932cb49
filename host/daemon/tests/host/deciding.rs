//! Grants, limits, and what a plugin makes of them.

use crate::house::*;
use plugbay_daemon::api::types::Standing;
use std::collections::BTreeMap;

const GRANTED: &str = "[plugins.counter]\ngrants.conversation = true\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_denied_answers_so_and_the_plugin_is_told() {
    let house = House::patient(GRANTED);
    house.place("counter", &counter("1.0.0", ""));
    let host = house.start().await;
    let changed = host.decide("counter", &decisions(&[("state", Some(false))]), me()).await.unwrap();
    assert_eq!((changed.change.as_str(), changed.generation), ("replaced", 2));
    says(&changed.notes.join(" "), &["denied", "state"]);
    let told = call(&host, "counter", "told").await.unwrap();
    assert_eq!((&told["params"]["denied"][0], told["params"]["granted"].as_array().unwrap().len()), (&"state".into(), 1), "{told}");
    let refused = call(&host, "counter", "keep").await.unwrap_err();
    says(&refused.problem.message, &["denied"]);
    let detail = host.show("counter").unwrap();
    assert_eq!((detail.grants.granted, detail.grants.denied), (vec!["conversation".to_owned()], vec!["state".to_owned()]));
    assert_eq!(history(&host, "counter").await[1], ("deny".into(), "alice".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_that_is_taken_back_is_gone_at_once() {
    let house = House::patient(GRANTED);
    house.place("counter", &counter("1.0.0", ""));
    let host = house.start().await;
    assert!(call(&host, "counter", "count").await.unwrap()["params"]["count"] == 1);
    let denied = host.decide("counter", &decisions(&[("conversation", Some(false))]), me()).await.unwrap();
    assert_eq!(denied.change, "replaced");
    assert!(call(&host, "counter", "count").await.unwrap()["params"].is_null(), "its hook isn't called");

    let undecide = async || host.decide("counter", &decisions(&[("conversation", None)]), me()).await.unwrap();
    assert_eq!(undecide().await.change, "held");
    assert_eq!(listed(&host, "counter").unwrap().standing, Standing::Active, "it goes on without what it was denied");
    assert_eq!(grant(&host, "counter").await.change, "replaced");
    assert_eq!(undecide().await.change, "held");
    assert_eq!(listed(&host, "counter").unwrap().standing, Standing::Held);
    assert_eq!(call(&host, "counter", "count").await.unwrap_err().problem.code, "held");
    assert!(!house.text().contains("conversation"), "{}", house.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_holds_even_if_the_plugin_refuses_it() {
    let house = House::patient(GRANTED);
    house.place("counter", &counter("1.0.0", "activate-needs-state"));
    let host = house.start().await;
    let changed = host.decide("counter", &decisions(&[("state", Some(false))]), me()).await.unwrap();
    assert_eq!(changed.change, "refused");
    says(&changed.notes.join(" "), &["can't do without"]);
    says(&house.text(), &["state = false"]);
    assert_eq!(listed(&host, "counter").unwrap().standing, Standing::Failed, "it has no grant that was taken from it");
    let changed = host.decide("counter", &decisions(&[("state", Some(true))]), me()).await.unwrap();
    assert_eq!(changed.change, "installed");
    assert!(call(&host, "counter", "count").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_set_shown_and_given_back() {
    let house = House::patient(GRANTED);
    house.place("counter", &counter("1.0.0", ""));
    let host = house.start().await;
    let limit = |name: &str, value: Option<&str>| BTreeMap::from([(name.to_owned(), value.map(str::to_owned))]);
    let memory = || host.limits("counter").unwrap().limits.into_iter().find(|l| l.name == "memory").unwrap();
    let default = memory();
    assert!(!default.set && default.setting == "plugins.counter.limits.memory", "{default:?}");

    let changed = host.limit("counter", &limit("memory", Some("32 MiB")), me()).await.unwrap();
    assert_eq!((changed.change.as_str(), changed.generation), ("replaced", 2));
    assert_eq!((memory().value.as_str(), memory().set), ("32 MiB", true));
    says(&house.text(), &["limits.memory = \"32 MiB\""]);
    let why = host.history(plugbay_daemon::api::types::HistoryQuery { plugin: None, before: None, limit: Some(2) }).await.unwrap();
    assert!(why.events.iter().any(|e| e.what == "limits" && e.why.as_deref() == Some("memory = 32 MiB")), "{why:?}");

    host.limit("counter", &limit("memory", None), me()).await.unwrap();
    assert_eq!((memory().value, memory().set), (default.value, false));
    let before = house.text();
    let unknown = host.limit("counter", &limit("memroy", Some("1 MiB")), me()).await.unwrap_err();
    says(&unknown.problem.message, &["memroy", "did you mean `memory`"]);
    let nonsense = host.limit("counter", &limit("memory", Some("much")), me()).await.unwrap_err();
    says(&nonsense.problem.message, &["memory"]);
    assert_eq!(house.text(), before);

    call(&host, "counter", "keep").await.unwrap();
    let usage = host.usage(Some("counter")).await.unwrap().plugins.remove(0);
    assert_eq!((usage.rows, usage.generation), (1, 3));
    assert_eq!(usage.exports.iter().map(|e| e.calls).sum::<u64>(), 1);
    assert_eq!(host.usage(Some("countre")).await.unwrap_err().problem.near.as_deref(), Some("counter"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_goes_back_and_forth_between_versions() {
    let house = House::patient(GRANTED);
    house.place("counter", &counter("1.0.0", ""));
    let host = house.start().await;
    for next in ["2.0.0", "3.0.0"] {
        house.place("counter", &counter(next, ""));
        version(&host, "counter", next).await;
    }
    let kept = host.versions("counter").unwrap().versions;
    assert_eq!(kept.iter().map(|v| v.version.as_str()).collect::<Vec<_>>(), ["3.0.0", "2.0.0", "1.0.0"]);
    let ambiguous = host.roll_back("counter", Some(""), me()).await.unwrap_err();
    says(&ambiguous.problem.message, &["2 earlier versions"]);
    let unknown = host.roll_back("counter", Some("nothing"), me()).await.unwrap_err();
    says(&unknown.problem.message, &["nothing", &kept[1].digest, &kept[2].digest]);
    assert_eq!(listed(&host, "counter").unwrap().generation, 3);

    let done = host.roll_back("counter", Some(&kept[2].digest[..12]), me()).await.unwrap();
    assert_eq!((done.version.as_deref(), done.generation), (Some("1.0.0"), 4));
    let file = listed(&host, "counter").unwrap().file.unwrap();
    assert_eq!((file.fate.as_str(), file.version.as_deref()), ("rolled-back", Some("3.0.0")));
    assert_eq!(call(&host, "counter", "peek").await.unwrap()["params"]["version"], "1.0.0");

    // Switched off, nothing lets it serve but switching it on; then the file's version rests still.
    host.switch("counter", false, me()).await.unwrap();
    assert_eq!(host.roll_back("counter", None, me()).await.unwrap_err().problem.code, "disabled");
    assert_eq!(listed(&host, "counter").unwrap().standing, Standing::Disabled);
}
