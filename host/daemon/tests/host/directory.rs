//! Files that come, change and go in the plugins directory.

use crate::house::*;
use plugbay_daemon::api::types::{HistoryQuery, Standing};
use std::fs;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_held_then_granted_then_swapped() {
    let house = House::patient("");
    let host = house.start().await;
    house.place("good", &good("good", "1.0.0"));
    let held = standing(&host, "good", Standing::Held).await;
    let file = held.file.unwrap();
    assert_eq!(
        (file.undecided, file.adds, file.version.as_deref()),
        (vec!["conversation".into()], vec!["conversation".into()], Some("1.0.0"))
    );
    assert_eq!(call(&host, "good", "x").await.unwrap_err().problem.code, "held");

    let changed = grant(&host, "good").await;
    assert_eq!((changed.change.as_str(), changed.generation, changed.version.as_deref()), ("installed", 1, Some("1.0.0")));
    assert_eq!(listed(&host, "good").unwrap().standing, Standing::Active, "it is live when the command answers");
    assert!(call(&host, "good", "x").await.is_ok());

    house.place("good", &good("good", "2.0.0"));
    assert_eq!(version(&host, "good", "2.0.0").await.generation, 2);
    let own = |what: &str, who: &str| (what.to_owned(), who.to_owned());
    let expected = [own("held", "plugins directory"), own("grant", "alice"), own("install", "alice"), own("swap", "plugins directory")];
    assert_eq!(history(&host, "good").await, expected);
    let events = host.history(HistoryQuery { plugin: None, before: None, limit: Some(2) }).await.unwrap().events;
    assert_eq!(events[0].from, events[1].to, "the swap went from what was installed");
    assert!(events[0].to.is_some() && events[0].to != events[0].from);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_asks_for_more_is_held_while_the_old_one_serves() {
    let house = House::patient("");
    let host = house.start().await;
    house.place("good", &modest("good", "1.0.0"));
    version(&host, "good", "1.0.0").await;
    house.place("good", &good("good", "2.0.0"));
    let file = beside(&host, "good", "held").await;
    assert_eq!((file.adds, file.undecided), (vec!["conversation".to_owned()], vec!["conversation".to_owned()]));
    let plugin = version(&host, "good", "1.0.0").await;
    assert_eq!(plugin.generation, 1);
    complains(&host, "plugin good", "is held").await;

    let changed = grant(&host, "good").await;
    assert_eq!((changed.change.as_str(), changed.version.as_deref()), ("replaced", Some("2.0.0")));
    assert!(listed(&host, "good").unwrap().file.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_away_for_a_moment_is_no_missing_plugin() {
    let house = House::patient("[plugins.good]\ngrants.conversation = true\n");
    let host = house.start().await;
    house.place("good", &good("good", "1.0.0"));
    version(&host, "good", "1.0.0").await;
    house.remove("good");
    // A second file is seen after the removal: so the removal was seen as well.
    house.place("other", &modest("other", "1.0.0"));
    version(&host, "other", "1.0.0").await;
    assert_eq!(listed(&host, "good").unwrap().standing, Standing::Active);
    assert!(call(&host, "good", "x").await.is_ok());
    fs::write(house.file("good"), good("good", "2.0.0")).unwrap();
    version(&host, "good", "2.0.0").await;
    assert_eq!(happened(&host, "good").await, ["install", "swap"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_away_for_long_makes_a_missing_plugin_and_nothing_is_lost() {
    let house = House::new("10 ms", "[plugins.counter]\ngrants.conversation = true\n");
    let host = house.start().await;
    let component = counter("1.0.0", "");
    house.place("counter", &component);
    version(&host, "counter", "1.0.0").await;
    call(&host, "counter", "count").await.unwrap();
    call(&host, "counter", "keep").await.unwrap();
    let text = house.text();
    house.remove("counter");
    standing(&host, "counter", Standing::Missing).await;
    assert_eq!(call(&host, "counter", "peek").await.unwrap_err().problem.code, "missing");

    // Neither another setting nor a command brings back what has no file.
    house.add("limits.host-calls = 900\n");
    until("the setting counts", || host.limits("counter").unwrap().limits.iter().any(|l| l.name == "host-calls" && l.set)).await;
    assert_eq!(host.switch("counter", true, me()).await.unwrap_err().problem.code, "missing");
    assert_eq!(host.roll_back("counter", None, me()).await.unwrap_err().problem.code, "missing");
    host.settle(&"counter".to_owned().try_into().unwrap(), plugbay_runtime::Order::automatic("test")).await.unwrap();
    assert_eq!(listed(&host, "counter").unwrap().standing, Standing::Missing);
    house.write(&text);

    house.place("counter", &component);
    version(&host, "counter", "1.0.0").await;
    let kept = call(&host, "counter", "kept").await.unwrap();
    assert_eq!(kept["params"]["note"], 1, "{kept}");
    assert_eq!(happened(&host, "counter").await[..3], ["install", "missing", "found"]);
    assert_eq!(house.text(), text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_plugin_changes_nothing_that_runs() {
    let house = House::patient("[plugins.good]\ngrants.conversation = true\n");
    let host = house.start().await;
    house.place("good", &good("good", "1.0.0"));
    version(&host, "good", "1.0.0").await;
    house.place("good", &good("somebody", "2.0.0"));
    let file = beside(&host, "good", "refused").await;
    says(&file.why, &["somebody", "good"]);
    house.place("good", b"no wasm at all");
    once(&host, "good", |p| p.file.as_ref().is_some_and(|f| f.fate == "refused" && !f.why.contains("somebody"))).await;
    assert!(call(&host, "good", "x").await.is_ok());
    assert!(listed(&host, "somebody").is_none());

    fs::write(house.path("plugins/Not a plugin.wasm"), "x").unwrap();
    until("the file is refused", || host.list().refused.iter().any(|f| f.name == "Not a plugin.wasm")).await;
    complains(&host, "file Not a plugin.wasm", "name").await;
    fs::remove_file(house.path("plugins/Not a plugin.wasm")).unwrap();
    assert!(host.list().refused.is_empty(), "what isn't there any more isn't listed");

    house.place("good", &good("good", "2.0.0"));
    assert!(version(&host, "good", "2.0.0").await.file.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_anybody_may_write_to_is_no_longer_read() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new("10 ms", "poll = \"20 ms\"\n[plugins.good]\ngrants.conversation = true\n");
    let host = house.start().await;
    house.place("good", &good("good", "1.0.0"));
    version(&host, "good", "1.0.0").await;
    fs::set_permissions(house.path("plugins"), fs::Permissions::from_mode(0o777)).unwrap();
    complains(&host, "plugins directory", "chmod go-w").await;
    house.place("good", &good("good", "2.0.0"));
    assert!(call(&host, "good", "x").await.is_ok());

    // So it is after a start: what ran before runs.
    let host = house.restart(host).await;
    assert_eq!(version(&host, "good", "1.0.0").await.standing, Standing::Active);
    fs::set_permissions(house.path("plugins"), fs::Permissions::from_mode(0o700)).unwrap();
    version(&host, "good", "2.0.0").await;
}
