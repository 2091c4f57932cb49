//! The configuration, changed by hand.

use crate::house::*;
use plugbay_daemon::api::types::Standing;
use plugbay_guests::built;
use std::fs;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_by_hand_is_applied() {
    let house = House::patient("");
    house.place("good", &good("good", "1.0.0"));
    let host = house.start().await;
    standing(&host, "good", Standing::Held).await;
    let start = house.text();
    let granted = format!("{start}[plugins.good]\ngrants.conversation = true\n");
    house.write(&granted);
    let active = standing(&host, "good", Standing::Active).await;
    house.write(&format!("{granted}enabled = false\n"));
    let disabled = standing(&host, "good", Standing::Disabled).await;
    says(&disabled.why.unwrap(), &["plugins.good.enabled"]);
    house.write(&granted);
    standing(&host, "good", Standing::Active).await;
    house.write(&format!("{granted}limits.memory = \"8 MiB\"\n"));
    once(&host, "good", |p| p.generation == active.generation + 2).await;
    house.write(&format!("{granted}[plugins]\ndeny = [\"good\"]\n"));
    says(&standing(&host, "good", Standing::Disabled).await.why.unwrap(), &["plugins.deny"]);
    house.write(&format!("{granted}[plugins]\nallow = [\"other\"]\n"));
    once(&host, "good", |p| p.why.as_ref().is_some_and(|why| why.contains("plugins.allow"))).await;
    complains(&host, "plugin other", "no such plugin").await;
    house.write(&granted);
    standing(&host, "good", Standing::Active).await;

    let told = history(&host, "good").await;
    let by_hand = ["held", "install", "disable", "enable", "settings", "disable", "enable"];
    assert_eq!(told.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>(), by_hand);
    assert!(told[1..].iter().all(|(_, who)| who == "plugbay.toml"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_the_plugins_schema_refuses_leave_the_old_ones_serving() {
    let house = House::patient("[plugins.echo]\ngrants.conversation = true\nconfig.greeting = \"hello\"\n");
    house.place("echo", &fs::read(built::ECHO_ONE).unwrap());
    let host = house.start().await;
    let greeting = async || call(&host, "echo", "config").await.unwrap()["params"]["greeting"].clone();
    assert_eq!(greeting().await, "hello");
    let first = house.text();
    house.write(&first.replace("\"hello\"", "5"));
    let file = beside(&host, "echo", "refused").await;
    says(&file.why, &["greeting"]);
    says(&complaint(&host, "plugin echo").await.unwrap().found, &["settings that it had before", "greeting"]);
    assert_eq!((greeting().await, listed(&host, "echo").unwrap().generation), ("hello".into(), 1));

    house.write(&first.replace("\"hello\"", "\"good day\""));
    once(&host, "echo", |p| p.generation == 2).await;
    assert_eq!(greeting().await, "good day");
    assert!(listed(&host, "echo").unwrap().file.is_none() && complaint(&host, "plugin echo").await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_refused_with_its_place_and_nothing_changes() {
    let house = House::patient("[plugins.good]\ngrants.conversation = true\n");
    house.place("good", &good("good", "1.0.0"));
    let host = house.start().await;
    let sound = house.text();
    let line = sound.lines().count() + 1;
    for (nonsense, words) in [
        ("enabled = = false\n", &["plugbay.toml:{line}:11: extra `=`"][..]),
        ("enabeld = false\n", &["did you mean `enabled`", "plugbay.toml:{line}:1"]),
        ("slots = [\"context-engine\"]\n[plugins.other]\nslots = [\"context-engine\"]\n", &["context-engine", "`good`", "`other`"]),
    ] {
        house.write(&format!("{sound}{nonsense}"));
        let finding = complains(&host, "configuration", &words[0].replace("{line}", &line.to_string())).await;
        words.iter().for_each(|word| says(&finding.found, &[&word.replace("{line}", &line.to_string())]));
        assert!(!finding.found.contains("plugbay.toml:1:"), "what follows from broken grammar isn't said: {}", finding.found);
        let refused = host.switch("good", false, me()).await.unwrap_err();
        assert_eq!(refused.problem.code, "invalid-configuration");
        assert_eq!(house.text(), format!("{sound}{nonsense}"), "nobody touches what an operator is at");
        assert_eq!(listed(&host, "good").unwrap().standing, Standing::Active);
    }
    house.write(&sound);
    while complaint(&host, "configuration").await.is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!((happened(&host, "good").await, listed(&host, "good").unwrap().generation), (vec!["install".to_owned()], 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_that_vanishes_takes_nothing_with_it() {
    let house = House::patient("[plugins.good]\ngrants.conversation = true\n");
    house.place("good", &good("good", "1.0.0"));
    let host = house.start().await;
    let text = house.text();
    fs::remove_file(house.path("plugbay.toml")).unwrap();
    says(&complains(&host, "configuration", "plugbay.toml").await.found, &["it was there before"]);
    assert!(host.switch("good", false, me()).await.is_err());
    assert!(!house.path("plugbay.toml").exists() && listed(&host, "good").unwrap().standing == Standing::Active);
    house.write(&text);
    while complaint(&host, "configuration").await.is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(call(&host, "good", "x").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_keep_comments_and_order() {
    let own =
        "# mine\n[plugins.zebra] # last things first\nenabled = false\n\n[plugins.good]\n# why\ngrants = { conversation = true } # so\n";
    let house = House::patient(own);
    house.place("good", &good("good", "1.0.0"));
    let host = house.start().await;
    let before = house.text();
    let off = host.switch("good", false, me()).await.unwrap();
    assert_eq!(off.change, "aside");
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let after = lines(&house.text());
    assert_eq!(after.len(), lines(&before).len() + 1);
    let mut rest = after.iter();
    assert!(lines(&before).iter().all(|line| rest.any(|l| l == line)), "what was there is there, in its order");
    let on = host.switch("good", true, me()).await.unwrap();
    assert_eq!((on.change.as_str(), on.generation), ("installed", 2));
    assert_eq!(host.switch("good", true, me()).await.unwrap().change, "unchanged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_a_start_changes_is_said() {
    let house = House::patient("");
    let host = house.start().await;
    house.write(&house.text().replace("cells = 50", "cells = 60"));
    says(&complains(&host, "configuration", "[engine]").await.advice.unwrap(), &["start the program again"]);
    house.write(&house.text().replace("cells = 60", "cells = 50"));
    while complaint(&host, "configuration").await.is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
