//! File, state and history change together or not at all, whatever comes between.

use crate::house::*;
use plugbay_daemon::api::types::Standing;
use plugbay_daemon::host::Host;
use plugbay_runtime::state::{DocumentChange, Record, StateStore};
use serde_json::json;
use std::fs;
use std::process::Command;

const GRANTED: &str = "[plugins.counter]\ngrants.conversation = true\n";

fn hex(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Waits until a command has its new configuration on the disk, and then edits the old one by hand.
async fn edit_meanwhile(house: &House) {
    until("a command prepares", || names(&house.path(".")).iter().any(|n| n.starts_with(".plugbay.toml."))).await;
    house.add("# by hand\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_by_hand_wins_over_a_command_that_is_under_way() {
    let house = House::patient(&format!("{GRANTED}enabled = false\n"));
    house.place("counter", &counter("1.0.0", "activate-naps"));
    let host = house.start().await;
    let switching = tokio::spawn({
        let host = host.clone();
        async move { host.switch("counter", true, me()).await }
    });
    edit_meanwhile(&house).await;
    let refused = switching.await.unwrap().unwrap_err();
    assert_eq!(refused.problem.code, "conflict");
    says(&refused.problem.message, &["was changed since it was read"]);
    says(&house.text(), &["enabled = false", "# by hand"]);
    assert_eq!(listed(&host, "counter").unwrap().standing, Standing::Disabled);
    assert_eq!(happened(&host, "counter").await, ["install", "undone"]);
    assert!(house.state().documents("intent").await.unwrap().is_empty(), "what was taken back isn't intended any more");

    // Again, on what is there now.
    assert_eq!(host.switch("counter", true, me()).await.unwrap().change, "installed");
    says(&house.text(), &["enabled = true", "# by hand"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_install_that_meets_an_edit_by_hand_leaves_the_old_file() {
    let house = House::patient("");
    house.place("counter", &counter("1.0.0", ""));
    let host = house.start().await;
    grant(&host, "counter").await;
    let old = fs::read(house.file("counter")).unwrap();
    let installing = tokio::spawn({
        let (host, new) = (host.clone(), counter("2.0.0", "activate-naps"));
        async move { host.install(new, &decisions(&[("state", Some(true))]), false, me()).await }
    });
    edit_meanwhile(&house).await;
    assert_eq!(installing.await.unwrap().unwrap_err().problem.code, "conflict");
    assert_eq!(fs::read(house.file("counter")).unwrap(), old);
    assert_eq!(house.files(), ["counter.wasm"]);
    assert_eq!(version(&host, "counter", "1.0.0").await.generation, 1);
    assert!(!house.text().contains("state = true"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cant_be_put_in_place_takes_the_configuration_back() {
    let house = House::patient("# mine\n");
    let host = house.start().await;
    fs::create_dir_all(house.path("plugins/good.wasm/full")).unwrap();
    let before = house.text();
    let refused = install(&host, &good("good", "1.0.0")).await.unwrap_err();
    says(&refused.problem.message, &["good.wasm"]);
    assert_eq!((house.text(), house.files()), (before, vec!["good.wasm".to_owned()]));
    assert!(listed(&host, "good").is_none_or(|p| p.standing != Standing::Active));
    assert!(call(&host, "good", "x").await.is_err());
    fs::remove_dir_all(house.path("plugins/good.wasm")).unwrap();
    assert_eq!(install(&host, &good("good", "1.0.0")).await.unwrap().change, "installed");
}

/// Removes what was mounted, whatever the test comes to.
struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_leaves_everything_as_it_was() {
    let house = House::patient("");
    let plugins = house.path("plugins");
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs"]).arg(&plugins).output();
    if !mount.is_ok_and(|m| m.status.success()) {
        println!("skipped: no file system can be mounted here");
        return;
    }
    let _mounted = Mounted(plugins);
    house.place("good", &good("good", "1.0.0"));
    let host = house.start().await;
    grant(&host, "good").await;
    let before = house.text();
    let large = good("good", "2.0.0").into_iter().chain([0, 0x82, 0x80, 0x08, 1, b'x']).chain(vec![0; 128 << 10]).collect();
    let refused = host.install(large, &decisions(&[]), false, me()).await.unwrap_err();
    assert_eq!(refused.problem.code, "unavailable", "{refused}");
    says(&refused.problem.message, &["plugins"]);
    assert_eq!((house.text(), house.files()), (before, vec!["good.wasm".to_owned()]));
    assert_eq!(version(&host, "good", "1.0.0").await.generation, 1);
    assert!(call(&host, "good", "x").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_cant_be_written_leaves_the_files_as_they_were() {
    let house = House::patient("[plugins.good]\ngrants.conversation = true\n");
    house.place("good", &good("good", "1.0.0"));
    let host = house.start().await;
    let before = house.text();
    let other = rusqlite::Connection::open(house.path("state/state.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(host.switch("good", false, me()).await.unwrap_err().problem.code, "unavailable");
    assert_eq!(host.decide("good", &decisions(&[("conversation", Some(false))]), me()).await.unwrap_err().problem.code, "unavailable");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!((house.text(), listed(&host, "good").unwrap().standing), (before, Standing::Active));
    assert_eq!(happened(&host, "good").await, ["install"]);
    assert_eq!(host.switch("good", false, me()).await.unwrap().change, "aside");
}

/// A host that died between the state's transaction and the renames.
async fn died(house: &House, host: Host, intent: serde_json::Value) -> Host {
    host.stop(std::time::Duration::ZERO).await;
    let state = house.state();
    let documents = vec![DocumentChange::set("intent", "files", intent.to_string())];
    state.record(Record { documents, events: Vec::new() }).await.unwrap().unwrap();
    state.close().await;
    house.start().await
}

fn intent(house: &House, text: &str, component: Option<&str>) -> serde_json::Value {
    let (toml, file) = (house.path("plugbay.toml"), house.file("good"));
    json!({
        "configuration": { "path": toml, "was": hex(house.text().as_bytes()), "text": text },
        "plugin": { "path": file, "was": fs::read(&file).ok().map(|b| hex(&b)), "from": component.map(|c| house.path(&format!("plugins/{c}"))) },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_host_that_died_had_still_to_do_is_done() {
    let house = House::patient("[plugins.good]\ngrants.conversation = true\n");
    house.place("good", &good("good", "1.0.0"));
    let host = house.start().await;
    fs::write(house.path("plugins/.plugbay-a"), good("good", "2.0.0")).unwrap();
    fs::write(house.path("plugins/.plugbay-b"), "what was never finished").unwrap();
    let text = format!("{}drain = \"7 s\"\n", house.text());
    let host = died(&house, host, intent(&house, &text, Some(".plugbay-a"))).await;
    assert_eq!((house.text(), house.files()), (text, vec!["good.wasm".to_owned()]));
    version(&host, "good", "2.0.0").await;
    assert!(house.state().documents("intent").await.unwrap().is_empty());

    let text = house.text().replace("[plugins.good]", "[plugins.other]");
    let host = died(&house, host, intent(&house, &text, None)).await;
    assert_eq!((house.text(), house.files()), (text, Vec::new()));
    assert_eq!(listed(&host, "good").unwrap().standing, Standing::Missing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_by_hand_since_a_host_died_stays() {
    let house = House::patient("[plugins.good]\ngrants.conversation = true\n");
    house.place("good", &good("good", "1.0.0"));
    let host = house.start().await;
    fs::write(house.path("plugins/.plugbay-a"), good("good", "2.0.0")).unwrap();
    let intent = intent(&house, "[plugins]\n", Some(".plugbay-a"));
    house.add("# by hand\n");
    house.place("good", &good("good", "3.0.0"));
    let by_hand = house.text();
    let host = died(&house, host, intent).await;
    assert_eq!((house.text(), house.files()), (by_hand, vec!["good.wasm".to_owned()]));
    version(&host, "good", "3.0.0").await;
}
