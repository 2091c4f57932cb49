//! Actions, jobs and deliveries by commands: for people, for programs, and with the exit code that says what came of it.

use super::{Daemon, Place, built, has, words};
use plugbay_daemon::api::types::{
    ActionAnswer, ActionList, ActionView, DeliveryList, DeliveryRemoved, DeliveryView, JobList, JobRemoved, JobView,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::process::Stdio;

pub(super) fn with_errand() -> Daemon {
    let daemon = Place::new().start();
    daemon.says(&["install", built::ERRAND, "--grant", "schedule", "--grant", "attachments"]);
    daemon
}

#[track_caller]
fn read<T: DeserializeOwned>(daemon: &Daemon, arguments: &[&str]) -> T {
    serde_json::from_value(daemon.json(arguments)).unwrap()
}

/// Has `errand` do something in the session `main`. What came of it.
#[track_caller]
fn errand(daemon: &Daemon, action: &str, params: &Value) -> Value {
    let done = daemon.json(&["actions", "run", "errand", action, "--session", "main", "--params", &params.to_string()]);
    assert_eq!(done["ok"], true, "{done}");
    done["result"].clone()
}

#[test]
fn actions_are_listed_shown_and_done() {
    let daemon = Place::new().start();
    has(&daemon.says(&["actions"]), "There are no actions");
    daemon.says(&["install", built::ERRAND, "--grant", "schedule", "--grant", "attachments"]);
    let list = daemon.says(&["actions"]);
    let greet = list.lines().find(|line| line.contains(" greet ")).unwrap();
    has(greet, "operator.write");
    has(greet, "[continue] name");
    assert_eq!(read::<ActionList>(&daemon, &["actions", "--plugin", "errand"]).actions.len(), list.lines().count() - 1);
    let shown = daemon.says(&["actions", "show", "errand", "greet"]);
    has(&shown, "  title        Greet somebody\n");
    has(&shown, "\"required\"");
    assert_eq!(read::<ActionView>(&daemon, &["actions", "show", "errand", "nod"]).scope, "operator.read");
    has(&daemon.run(&["actions", "show", "errand", "gret"]).failed(1), "it has break, call-off");

    let greeted = daemon.says(&["actions", "run", "errand", "greet", "--params", r#"{"name":"Ada"}"#]);
    assert!(greeted.starts_with("Hello, Ada!\n") && greeted.contains("\"greeted\": \"Ada\""), "{greeted}");
    assert_eq!(daemon.says(&["actions", "run", "errand", "nod"]), "done\n");
    let mut piped = daemon.place.command(&["actions", "run", "errand", "greet", "--params", "-", "--json"]);
    let mut piped = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(br#"{"name": "Bob"}"#).unwrap();
    let answer: ActionAnswer = serde_json::from_str(&super::agents::ended(piped).done()).unwrap();
    assert!(matches!(answer, ActionAnswer::Done(done) if done.reply.as_deref() == Some("Hello, Bob!")));
}

#[test]
fn a_no_of_the_plugins_is_exit_code_one_and_in_its_words() {
    let daemon = with_errand();
    let refuse = ["actions", "run", "errand", "refuse", "--params", r#"{"error":"no tea\u001b[2J","code":"tea","details":{"left":0}}"#];
    let refused = daemon.run(&refuse);
    assert_eq!(refused.code, 1, "{refused:?}");
    has(&refused.stdout, "errand couldn't do it (tea): no tea\\u{1b}[2J\n");
    has(&refused.stdout, "\"left\": 0");
    let refused = daemon.run(&[&refuse[..], &["--json"]].concat());
    assert_eq!(refused.code, 1);
    let answer: Value = serde_json::from_str(&refused.stdout).unwrap();
    assert_eq!((&answer["ok"], &answer["details"]["left"]), (&json!(false), &json!(0)));

    has(&daemon.run(&["actions", "run", "errand", "break"]).failed(1), "its log says why");
    has(&daemon.run(&["actions", "run", "errand", "greet"]).failed(1), "name");
    has(&daemon.run(&["actions", "run", "errand", "greet", "--params", "{"]).failed(2), "--params: expected JSON");
    has(&daemon.run(&["actions", "run", "erand", "greet"]).failed(1), "did you mean `errand`?");
    has(&daemon.run(&["actions", "run", "errand", "nod", "--session", "none"]).failed(1), "no session `none`");
    has(&Place::new().run(&["actions"]).failed(3), "plugbay run");
}

#[test]
fn jobs_are_listed_shown_and_removed() {
    let daemon = with_errand();
    has(&daemon.says(&["jobs"]), "There are no jobs");
    daemon.says(&["chat", "say Hello."]);
    let timer = errand(&daemon, "later", &json!({ "after-ms": 3_600_000, "name": "tea", "tag": "kitchen" }))["id"].clone();
    let turn = errand(&daemon, "later", &json!({ "turn": "look\nagain", "cron": "0 9 * * *", "zone": "Europe/Berlin" }))["id"].clone();
    let (timer, turn) = (timer.as_str().unwrap(), turn.as_str().unwrap());
    let list = daemon.says(&["jobs"]);
    assert_eq!(words(&list, timer)[1..6], ["errand", "timer", "tea", "kitchen", "-"]);
    assert_eq!(words(&list, turn)[1..6], ["errand", "turn", "-", "-", "main"]);
    let page = daemon.json(&["jobs", "-n", "1"]);
    let spot = page["next"].as_str().unwrap();
    has(&daemon.says(&["jobs", "-n", "1"]), &format!("There may be more: --lines, --after {spot}, --plugin"));
    let behind = read::<JobList>(&daemon, &["jobs", "--after", spot]);
    assert_eq!((page["jobs"][0]["id"].as_str(), behind.jobs[0].id.as_str(), behind.jobs.len()), (Some(timer), turn, 1));
    let last = behind.next.as_deref().unwrap();
    assert_eq!(daemon.json(&["jobs", "--after", last]), json!({ "jobs": [] }));
    has(&daemon.says(&["jobs", "--after", last]), "There are no more jobs");
    assert_eq!(read::<JobList>(&daemon, &["jobs", "--tag", "kitchen"]).jobs[0].id, timer);
    assert_eq!(read::<JobList>(&daemon, &["jobs", "--session", "main", "--plugin", "errand"]).jobs[0].id, turn);
    let shown = daemon.says(&["jobs", "show", turn]);
    has(&shown, "  kind         turn: the session's agent has one\n");
    has(&shown, "  agent told   look\n  agent told   again\n");
    assert_eq!(read::<JobView>(&daemon, &["jobs", "show", timer]).tag.as_deref(), Some("kitchen"));

    assert_eq!(daemon.says(&["jobs", "remove", timer, "--why", "no tea"]), format!("{timer} of errand is removed\n"));
    has(&daemon.says(&["history"]), "tea: no tea");
    assert_eq!(read::<JobRemoved>(&daemon, &["jobs", "remove", turn]).plugin, "errand");
    has(&daemon.run(&["jobs", "remove", turn]).failed(1), "there is no job");
    has(&daemon.run(&["jobs", "show", "none"]).failed(1), "none");
    assert_eq!(daemon.run(&["jobs", "show"]).code, 2);
}

#[test]
fn more_jobs_are_listed_than_a_page_has() {
    let daemon = Place::with(&format!("{}[schedule]\njobs = 2000\n", super::CONFIGURATION)).start();
    daemon.says(&["install", built::ERRAND, "--grant", "schedule", "--grant", "attachments"]);
    // As many as one call may ask for.
    for _ in 0..6 {
        daemon.json(&["actions", "run", "errand", "many", "--params", r#"{"count":200,"after-ms":3600000}"#]);
    }
    let ids = |most: &str| {
        let list = read::<JobList>(&daemon, &["jobs", "-n", most]);
        list.jobs.into_iter().map(|job| job.id).collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!((ids("1100"), ids("5000")), (1_100, 1_200));
}

#[test]
fn deliveries_are_listed_shown_got_and_removed() {
    let daemon = with_errand();
    has(&daemon.says(&["outbox"]), "The outbox is empty");
    daemon.says(&["chat", "say Hello."]);
    let files = json!([{ "name": "report.md", "type": "text/markdown", "text": "# R\n" }, { "name": ".profile", "text": "evil" }, { "name": "REPORT.md", "zeroes": 5 }]);
    let id = errand(&daemon, "send", &json!({ "files": files, "caption": "*look*\nhere", "format": "markdown" }))["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let list = daemon.says(&["outbox"]);
    let line = list.lines().find(|line| line.contains(&id)).unwrap();
    for part in ["main", "errand", "*look*", " 3 "] {
        has(line, part);
    }
    let shown = daemon.says(&["outbox", "show", &id]);
    has(&shown, "  caption      (markdown)\n               *look*\n               here\n");
    has(&shown, "  file         1 report.md, text/markdown, 4 B\n");
    assert_eq!(read::<DeliveryView>(&daemon, &["outbox", "show", &id]).files.len(), 3);
    assert_eq!(read::<DeliveryList>(&daemon, &["outbox", "--session", "main", "--plugin", "errand"]).deliveries[0].id, id);
    assert_eq!(read::<DeliveryList>(&daemon, &["outbox", "--before", "0"]).deliveries, []);

    let here = daemon.place.path("here");
    fs::create_dir(&here).unwrap();
    let get = |more: &[&str]| {
        super::Ended::from(daemon.place.command(&[&["outbox", "get", &id], more].concat()).current_dir(&here).output().unwrap())
    };
    assert_eq!(get(&[]).done(), "report.md (4 B)\n_profile (4 B)\n3-REPORT.md (5 B)\n");
    assert_eq!(
        (fs::read_to_string(here.join("report.md")).unwrap(), fs::read(here.join("3-REPORT.md")).unwrap()),
        ("# R\n".into(), vec![0; 5])
    );
    assert_eq!(fs::read_to_string(here.join("_profile")).unwrap(), "evil", "it isn't where a shell would read it");

    fs::write(here.join("report.md"), "mine").unwrap();
    has(&get(&["1"]).failed(1), "report.md is there already: --force writes over it");
    assert_eq!(fs::read_to_string(here.join("report.md")).unwrap(), "mine");
    get(&["1", "--force"]).done();
    assert_eq!(fs::read_to_string(here.join("report.md")).unwrap(), "# R\n");
    assert_eq!(fs::read_dir(&here).unwrap().count(), 3, "nothing half written stays");
    // A link is replaced, and never followed.
    fs::write(daemon.place.path("outside"), "theirs").unwrap();
    fs::remove_file(here.join("report.md")).unwrap();
    std::os::unix::fs::symlink(daemon.place.path("outside"), here.join("report.md")).unwrap();
    has(&get(&["1"]).failed(1), "there already");
    get(&["1", "--force"]).done();
    assert_eq!(fs::read_to_string(daemon.place.path("outside")).unwrap(), "theirs");

    assert_eq!(get(&["1", "-o", "other.md"]).done(), "other.md (4 B)\n");
    fs::create_dir(here.join("sub")).unwrap();
    let got: Value = serde_json::from_str(&get(&["-o", "sub", "--json"]).done()).unwrap();
    assert_eq!((got["files"].as_array().unwrap().len(), &got["files"][1]["path"]), (3, &json!("sub/_profile")));
    has(&get(&["-o", "none"]).failed(1), "none is no directory, and there are 3 files");
    has(&get(&["4"]).failed(1), "has no file 4: it has 3 files");

    assert_eq!(daemon.says(&["outbox", "remove", &id, "--why", "old"]), format!("{id} is removed, with its files\n"));
    has(&daemon.run(&["outbox", "get", &id]).failed(1), "there is no delivery");
    let other = errand(&daemon, "send", &json!({ "files": [{ "name": "a" }] }))["id"].as_str().unwrap().to_owned();
    assert_eq!(read::<DeliveryRemoved>(&daemon, &["outbox", "remove", &other]).session, "main");
}

#[test]
fn what_a_plugin_offers_to_people_is_in_its_sheet() {
    let daemon = with_errand();
    let sheet = daemon.says(&["inspect", "errand"]);
    has(&sheet, "  action       greet (operator.write): Greet somebody\n");
    has(&sheet, "  command      /errand <what> (operator.write): Runs an errand.\n");
    has(&sheet, "  shown        panel on the surface session (operator.read): Errands\n");
    has(&sheet, "  asks for     schedule: ");
    has(&sheet, "  asks for     attachments: ");
}
