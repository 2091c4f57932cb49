//! Where plugins' files go, and what the doctor says of their commands.

use crate::house::*;
use plugbay_daemon::api::types::Standing;
use plugbay_daemon::host::Host;
use plugbay_guests::built;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_outbox_is_made_for_its_owner_and_where_the_configuration_says() {
    for (more, folder) in [("", "state/outbox"), ("[outbox]\nfolder = \"out/box\"\n", "out/box")] {
        let house = House::patient(more);
        let host = house.start().await;
        let made = fs::metadata(house.path(folder)).unwrap();
        assert!(made.is_dir() && made.permissions().mode() & 0o777 == 0o700, "{folder}: {:o}", made.permissions().mode());
        // It is found again, with what is in it.
        let host = house.restart(host).await;
        assert!(complaint(&host, "outbox").await.is_none());
        fs::set_permissions(house.path(folder), fs::Permissions::from_mode(0o755)).unwrap();
        complains(&host, "outbox", "open to others").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outbox_that_cannot_be_one_keeps_the_host_from_starting_and_names_the_setting() {
    let start = async |folder: &str, prepare: fn(&House)| {
        let house = House::patient(&format!("[outbox]\nfolder = {folder:?}\n"));
        prepare(&house);
        let before = names(&house.path("."));
        let refused = Host::start(&house.program()).await.err().map(|e| e.to_string()).unwrap_or_default();
        assert!(before.iter().all(|name| names(&house.path(".")).contains(name)), "nothing is lost");
        says(&refused, &["setting `outbox.folder`"]);
        refused
    };
    says(&start("file", |house| fs::write(house.path("file"), "x").unwrap()).await, &["file"]);
    says(&start(".", |_| {}).await, &["the host's own directory", "state"]);
    says(&start("plugins", |_| {}).await, &["the host's own directory", "plugins"]);
    let with_papers = |house: &House| fs::create_dir_all(house.path("papers/2025")).unwrap();
    says(&start("papers", with_papers).await, &["papers/2025", "no outbox put it there"]);
    let with_drafts = |house: &House| fs::create_dir_all(house.path("blog/drafts/one")).unwrap();
    says(&start("blog", with_drafts).await, &["blog/drafts/one", "no outbox put it there"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_nobody_has_is_a_warning() {
    let house = House::patient("[plugins.errand.grants]\nschedule = true\nattachments = true\n");
    house.place("errand", &fs::read(built::ERRAND).unwrap());
    let host = house.start().await;
    assert_eq!(listed(&host, "errand").unwrap().standing, Standing::Active);
    assert!(complaint(&host, "command /ping").await.is_none());
    install(&host, &fs::read(built::ERRAND_TWO).unwrap()).await.unwrap();
    says(&complaint(&host, "command /ping").await.unwrap().found, &["`errand`, `errand-two`", "none has it"]);
    says(&complaint(&host, "command /help").await.unwrap().found, &["`errand-two`", "the program has a command of that name itself"]);
    let commands = host.show("errand-two").unwrap().commands;
    let of = |name: &str| commands.iter().find(|command| command.name == name).unwrap();
    assert_eq!(
        (of("ping").clashes_with.as_slice(), of("ping").reserved, of("help").reserved),
        (["errand".to_owned()].as_slice(), false, true)
    );
    let listed: Vec<_> = host.commands().commands.into_iter().map(|command| command.name).collect();
    assert_eq!(listed, ["errand", "errand-forget"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_another_start_changes_is_said_of_jobs_and_deliveries_too() {
    let house = House::patient("");
    let host = house.start().await;
    house.add("[schedule]\njobs = 3\n[outbox]\nkeep = \"forever\"\n");
    says(&complains(&host, "configuration", "isn't in force yet").await.found, &["[schedule]", "[outbox]"]);
}
