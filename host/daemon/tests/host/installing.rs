//! Installing and uninstalling by command.

use crate::house::*;
use plugbay_daemon::api::types::Standing;
use plugbay_guests::odd::Odd;
use std::fs;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_install_is_live_when_it_answers() {
    let house = House::patient("# mine\n");
    let host = house.start().await;
    let component = good("good", "1.0.0");
    let changed = install(&host, &component).await.unwrap();
    assert_eq!((changed.change.as_str(), changed.generation), ("installed", 1));
    assert!(call(&host, "good", "x").await.is_ok());
    assert_eq!((fs::read(house.file("good")).unwrap(), house.files()), (component.clone(), vec!["good.wasm".to_owned()]));
    says(&house.text(), &["# mine", "[plugins.good]", "conversation = true"]);

    assert_eq!(install(&host, &component).await.unwrap().change, "unchanged");
    let changed = install(&host, &good("good", "2.0.0")).await.unwrap();
    assert_eq!((changed.change.as_str(), changed.generation), ("replaced", 2));
    let changed = install(&host, &component).await.unwrap();
    says(&changed.notes.join(" "), &["downgrade"]);
    assert!(listed(&host, "good").unwrap().downgrade);
    assert_eq!(history(&host, "good").await.iter().map(|(_, who)| who.as_str()).collect::<Vec<_>>(), ["alice"; 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_one_is_placed_and_waits() {
    let house = House::patient("");
    let host = house.start().await;
    let changed = host.install(good("good", "1.0.0"), &decisions(&[]), false, me()).await.unwrap();
    assert_eq!(changed.change, "held");
    says(&changed.notes.join(" "), &["conversation"]);
    let plugin = listed(&host, "good").unwrap();
    assert_eq!((plugin.standing, plugin.file.unwrap().undecided), (Standing::Held, vec!["conversation".to_owned()]));
    assert_eq!(house.files(), ["good.wasm"]);
    assert_eq!(grant(&host, "good").await.change, "installed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_one_leaves_nothing_behind() {
    let house = House::patient("# mine\n");
    let host = house.start().await;
    let before = house.text();
    let traps = Odd::new("good").activate("(unreachable)").build();
    let refused = install(&host, &traps).await.unwrap_err();
    assert_eq!((refused.problem.code.as_str(), refused.problem.step.as_deref()), ("refused", Some("activate")));
    assert!(install(&host, b"no wasm").await.is_err());
    let unknown = host.install(good("good", "1.0.0"), &decisions(&[("conversatoin", Some(true))]), false, me()).await.unwrap_err();
    assert_eq!(unknown.problem.near.as_deref(), Some("conversation"));
    assert_eq!((house.text(), house.files()), (before, Vec::new()));
    assert!(listed(&host, "good").is_none(), "{:?}", host.list());
    let host = house.restart(host).await;
    assert!(listed(&host, "good").is_none());

    // Beside one that serves.
    install(&host, &good("good", "1.0.0")).await.unwrap();
    let (text, file) = (house.text(), fs::read(house.file("good")).unwrap());
    assert!(install(&host, &traps).await.is_err());
    let plugin = listed(&host, "good").unwrap();
    assert_eq!((plugin.generation, plugin.standing, plugin.file.is_none()), (1, Standing::Active, true));
    assert_eq!((house.text(), fs::read(house.file("good")).unwrap(), house.files().len()), (text, file, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn installed_while_it_is_switched_off_it_stays_off() {
    let house = House::patient("[plugins.good]\nenabled = false\n");
    let host = house.start().await;
    assert_eq!(install(&host, &good("good", "1.0.0")).await.unwrap().change, "aside");
    assert_eq!(listed(&host, "good").unwrap().standing, Standing::Disabled);
    assert_eq!(call(&host, "good", "x").await.unwrap_err().problem.code, "disabled");
    let on = host.switch("good", true, me()).await.unwrap();
    assert_eq!((on.change.as_str(), on.version.as_deref()), ("installed", Some("1.0.0")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uninstalling_ends_it_and_keeps_its_rows_unless_they_are_purged() {
    let house = House::patient("# mine\n[plugins.other]\nenabled = false\n");
    let host = house.start().await;
    for purge in [false, true] {
        let changed = install(&host, &counter("1.0.0", "")).await.unwrap();
        assert_eq!((changed.change.as_str(), changed.generation), ("installed", 1), "it begins anew");
        let note = call(&host, "counter", "kept").await.unwrap()["params"]["note"].clone();
        assert_eq!(note.is_null(), !purge, "rows outlast the plugin: {note}");
        call(&host, "counter", "count").await.unwrap();
        call(&host, "counter", "keep").await.unwrap();
        let gone = host.uninstall("counter", purge, me()).await.unwrap();
        assert_eq!((gone.notes.is_empty(), house.files().len()), (purge, 0));
        assert!(listed(&host, "counter").is_none() && call(&host, "counter", "peek").await.is_err());
        let text = house.text();
        says(&text, &["# mine", "[plugins.other]"]);
        assert!(!text.contains("counter"), "{text}");
    }
    install(&host, &counter("1.0.0", "")).await.unwrap();
    assert!(call(&host, "counter", "kept").await.unwrap()["params"]["note"].is_null());
    host.uninstall("counter", false, me()).await.unwrap();
    let host = house.restart(host).await;
    assert!(host.list().plugins.is_empty(), "{:?}", host.list());
    assert!(host.versions("counter").is_err() && names(&house.path("state/versions")).iter().all(|n| !n.ends_with(".wasm")));
    let what = happened(&host, "counter").await;
    assert_eq!(what, ["install", "uninstall", "install", "uninstall", "install", "uninstall"]);
    assert!(host.uninstall("counter", false, me()).await.is_err());
}
