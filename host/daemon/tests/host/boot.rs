//! Starting: what is found there, sound or not.

use crate::house::*;
use plugbay_daemon::api::types::Standing;
use plugbay_daemon::host::Host;
use plugbay_runtime::state::{DocumentChange, Record, StateStore};
use std::fs;
use std::time::Duration;

const GRANTED: &str = "[plugins.good]\ngrants.conversation = true\n[plugins.counter]\ngrants.conversation = true\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_plugin_keeps_a_host_from_starting() {
    let house = House::patient(GRANTED);
    house.place("good", &good("good", "1.0.0"));
    house.place("corrupt", b"\0asm but then nothing");
    house.place("empty", b"");
    house.place("misnamed", &good("somebody", "1.0.0"));
    house.place("traps", &plugbay_guests::odd::Odd::new("traps").without_hook().activate("(unreachable)").build());
    std::os::unix::fs::symlink("/dev/null", house.file("link")).unwrap();
    fs::create_dir(house.file("folder")).unwrap();
    let host = house.start().await;
    assert_eq!(listed(&host, "good").unwrap().standing, Standing::Active);
    for (id, word) in [("corrupt", "verify"), ("empty", "verify"), ("misnamed", "somebody"), ("traps", "activate")] {
        let plugin = listed(&host, id).unwrap();
        assert_eq!(plugin.standing, Standing::Failed, "{id}");
        says(&plugin.why.unwrap(), &[word]);
        complains(&host, &format!("plugin {id}"), "failed").await;
    }
    let refused: Vec<_> = host.list().refused.into_iter().map(|f| f.name).collect();
    assert_eq!(refused, ["folder.wasm", "link.wasm"]);
    assert!(host.readiness().ready && host.readiness().active == 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ran_before_runs_whatever_became_of_its_file() {
    let house = House::patient(GRANTED);
    house.place("good", &good("good", "1.0.0"));
    house.place("modest", &modest("modest", "1.0.0"));
    house.place("open", &modest("open", "1.0.0"));
    let host = house.start().await;
    host.stop(Duration::ZERO).await;
    house.place("good", b"broken");
    house.place("modest", &good("modest", "2.0.0"));
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(house.file("open"), fs::Permissions::from_mode(0o666)).unwrap();
    for _ in 0..2 {
        let host = house.start().await;
        for (id, fate) in [("good", "refused"), ("modest", "held")] {
            let plugin = listed(&host, id).unwrap();
            assert_eq!((plugin.standing, plugin.version.as_deref()), (Standing::Active, Some("1.0.0")), "{plugin:?}");
            assert_eq!(plugin.file.unwrap().fate, fate);
        }
        assert!(call(&host, "good", "x").await.is_ok());
        assert_eq!(listed(&host, "open").unwrap().standing, Standing::Active);
        assert_eq!(host.list().refused[0].name, "open.wasm");
        host.stop(Duration::ZERO).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_plugins_stood_they_stand_after_a_start() {
    let house = House::patient(GRANTED);
    house.place("counter", &counter("1.0.0", ""));
    house.place("good", &good("good", "1.0.0"));
    house.place("waits", &good("waits", "1.0.0"));
    let host = house.start().await;
    house.place("counter", &counter("2.0.0", ""));
    version(&host, "counter", "2.0.0").await;
    host.roll_back("counter", None, me()).await.unwrap();
    host.switch("good", false, me()).await.unwrap();
    let told = happened(&host, "counter").await;

    let host = house.restart(host).await;
    let counter = listed(&host, "counter").unwrap();
    assert_eq!((counter.standing, counter.version.as_deref()), (Standing::Active, Some("1.0.0")));
    assert_eq!(counter.file.unwrap().fate, "rolled-back");
    assert_eq!(listed(&host, "good").unwrap().standing, Standing::Disabled);
    assert_eq!(listed(&host, "waits").unwrap().standing, Standing::Held);
    assert_eq!(happened(&host, "counter").await, told, "a start is no event of a plugin's life");

    host.stop(Duration::ZERO).await;
    quarantine(&house, "counter").await;
    house.remove("good");
    let host = house.start().await;
    let plugin = listed(&host, "counter").unwrap();
    assert_eq!((plugin.standing, plugin.why.as_deref()), (Standing::Quarantined, Some("it kept failing")));
    assert_eq!(call(&host, "counter", "peek").await.unwrap_err().problem.code, "quarantined");
    assert_eq!(listed(&host, "good").unwrap().standing, Standing::Missing);
    host.reset("counter", me()).await.unwrap();
    assert!(call(&host, "counter", "peek").await.is_ok());
    assert_eq!(history(&host, "counter").await.last().unwrap(), &("reset".into(), "alice".into()));
}

/// Remembers a plugin as quarantined.
pub(crate) async fn quarantine(house: &House, id: &str) {
    let state = house.state();
    let document = state.document("plugin", id).await.unwrap().unwrap();
    let mut record: serde_json::Value = serde_json::from_str(&document.body).unwrap();
    record["quarantined"] = "it kept failing".into();
    let documents = vec![DocumentChange::set("plugin", id, record.to_string())];
    state.record(Record { documents, events: Vec::new() }).await.unwrap().unwrap();
    state.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_host_is_refused_and_told_of_the_first() {
    let house = House::patient("");
    let host = house.start().await;
    let refused = Host::start(&house.program()).await.err().unwrap().to_string();
    says(&refused, &["another daemon", &format!("process {}", std::process::id())]);
    let held = host.clone();
    host.stop(Duration::ZERO).await;
    // Whoever still holds on to the first one.
    house.start().await;
    assert!(held.list().plugins.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_sound_state_or_configuration_nothing_starts() {
    let house = House::patient("");
    fs::write(house.path("state/state.db"), "this is no database, and it is long enough to be looked at".repeat(100)).unwrap();
    says(&Host::start(&house.program()).await.err().unwrap().to_string(), &["state"]);

    let house = House::patient("[plugins.good\n");
    says(&Host::start(&house.program()).await.err().unwrap().to_string(), &["plugbay.toml:8:"]);

    let house = House::patient("");
    house.place("good", &modest("good", "1.0.0"));
    house.start().await.stop(Duration::ZERO).await;
    let state = house.state();
    let documents = vec![DocumentChange::set("plugin", "good", "{\"generation\":\"many\"}".into())];
    state.record(Record { documents, events: Vec::new() }).await.unwrap().unwrap();
    state.close().await;
    drop(state);
    says(&Host::start(&house.program()).await.err().unwrap().to_string(), &["plugin `good`", "can't be read"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_under_way_end_before_the_host_does() {
    let house = House::patient(GRANTED);
    house.place("counter", &counter("1.0.0", ""));
    let host = house.start().await;
    let under_way = tokio::spawn({
        let host = host.clone();
        async move { call(&host, "counter", "nap").await }
    });
    let begun = || host.plugins().get("counter").unwrap().generation().is_some_and(|g| g.warm_cells() == 0);
    tokio::select! {
        () = until("the call has the cell", begun) => {}
        () = tokio::time::sleep(Duration::from_millis(100)) => {}
    }
    host.stop(Duration::from_secs(10)).await;
    assert_eq!(under_way.await.unwrap().unwrap()["params"]["count"], 1);
    assert!(call(&host, "counter", "peek").await.is_err());
    assert_eq!(host.switch("counter", false, me()).await.unwrap_err().problem.code, "stopping");
    let again = house.start().await;
    assert_eq!(call(&again, "counter", "peek").await.unwrap()["params"]["count"], 0);
}
