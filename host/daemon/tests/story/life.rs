//! A plugin's whole life under an operator's hands, on the real program.
//!
//! Each chapter is one thing that an operator does; they follow each other on one daemon and one state, since what came before is what the next has to
//! cope with.

use super::callers::{Callers, Heard};
use super::program::{Daemon, Place, has, text, wait, words};
use plugbay_guests::built;
use plugbay_guests::odd::{self, Odd};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

/// Calls that are waited for before and after something is done under load.
const SOME: u64 = 20;

const CALL: [&str; 5] = ["call", "echo", "before-tool-call", "--event", r#"{"tool-name":"any","params":{}}"#];

#[test]
fn a_plugin_comes_changes_and_goes_while_others_work() {
    let mut daemon = Place::new().start();
    dropped_in_and_granted(&daemon);
    replaced_under_load(&daemon);
    refused(&daemon);
    taken_back_on_probation(&daemon);
    let failed = daemon.json(&["list"]);
    put_right(&daemon);
    switched_off_and_on(&daemon);
    rolled_back_under_load(&daemon);
    let before = lasting(&daemon.json(&["inspect", "echo"]));
    restarted(&mut daemon, Signal::TERM, Some(0));
    assert_eq!(lasting(&daemon.json(&["inspect", "echo"])), before);
    killed_while_it_installs(&mut daemon);
    told(&daemon, &failed);
    uninstalled(&daemon);
}

/// A file appears, is held, says what it asks for, is granted that, and serves.
fn dropped_in_and_granted(daemon: &Daemon) {
    drop_in(daemon, "echo.wasm", &fs::read(built::ECHO_ONE).unwrap());
    wait("it is held", || daemon.says(&["list"]).contains(" held "));
    let held = &daemon.json(&["inspect", "echo"])["file"];
    assert_eq!(
        (&held["version"], &held["undecided"], &held["adds"]),
        (&json!("0.1.0"), &json!(["conversation"]), &json!(["conversation"]))
    );
    has(&daemon.says(&["inspect", "echo"]), "conversation");
    has(&daemon.run(&CALL).failed(1), "held");
    has(&daemon.says(&["grant", "echo", "conversation", "--why", "it is ours"]), "serves: generation 1");
    has(&daemon.says(&["inspect", "echo"]), "(granted)");
    has(&daemon.says(&CALL), r#""version": "0.1.0""#);
    assert_eq!(daemon.json(&CALL)["outcome"]["params"]["calls"], 2);
}

/// A better build: no call fails, and nobody who calls after it was installed is answered by the old one.
fn replaced_under_load(daemon: &Daemon) {
    let callers = Callers::start(daemon.place.path("state/plugbay.sock"));
    during(&callers, || has(&daemon.says(&["install", built::ECHO_TWO, "--why", "better"]), "in place of what did: generation 2"));
    one_after_the_other(&callers.end(), "0.1.0", "0.2.0");
}

/// Builds that can't serve: the step is named, and nothing else happens.
fn refused(daemon: &Daemon) {
    let callers = Callers::start(daemon.place.path("state/plugbay.sock"));
    let half = daemon.place.path("half.wasm");
    let whole = fs::read(built::ECHO_TWO).unwrap();
    fs::write(&half, &whole[..whole.len() / 2]).unwrap();
    let broken = daemon.place.path("broken.wasm");
    fs::write(&broken, Odd::new("echo").version("echo", "0.2.1").activate("(unreachable)").build()).unwrap();
    during(&callers, || {
        for (file, step) in [(&half, "verify"), (&broken, "activate")] {
            let refused = daemon.run(&["install", text(file), "--json"]);
            let problem: Value = serde_json::from_str(&refused.stdout).unwrap();
            assert_eq!((refused.code, &problem["code"], &problem["step"]), (1, &json!("refused"), &json!(step)), "{refused:?}");
        }
    });
    assert_eq!(fs::read(daemon.place.path("plugins/echo.wasm")).unwrap(), whole);
    // In the directory it stays where it was put, and the listing says that it doesn't run.
    during(&callers, || {
        fs::copy(&broken, daemon.place.path("plugins/echo.wasm")).unwrap();
        wait("it is refused", || daemon.json(&["inspect", "echo"])["file"]["fate"] == "refused");
    });
    has(&daemon.says(&["list"]), "its file 0.2.1");
    has(&daemon.says(&["list"]), "refused at step `activate`");
    let heard = callers.end();
    assert!(heard.iter().all(|call| call.answer.as_deref() == Ok("0.2.0")), "{heard:?}");
}

/// A build that starts and faults in each call: the one before comes back by itself, and the failed one isn't tried again, however often its file is
/// touched.
fn taken_back_on_probation(daemon: &Daemon) {
    let crashes = Odd::new("echo").version("echo", "0.3.0").handle("(unreachable)").build();
    drop_in(daemon, "echo.wasm", &crashes);
    wait("it serves", || daemon.json(&["inspect", "echo"])["version"] == "0.3.0");
    has(&daemon.says(&["list"]), "on probation");
    wait("the version before is back", || {
        let call = daemon.run(&CALL);
        call.code == 0 && call.stdout.contains("0.2.0")
    });
    let shown = daemon.json(&["inspect", "echo"]);
    assert_eq!((&shown["standing"], &shown["version"], &shown["file"]["fate"]), (&json!("active"), &json!("0.2.0"), &json!("failed")));
    has(&daemon.says(&["versions", "echo"]), "5 of 5 calls on probation faulted");

    // The daemon has seen the file again when it has seen the one that came after it.
    drop_in(daemon, "echo.wasm", &crashes);
    drop_in(daemon, "witness.wasm", &odd::good("witness"));
    wait("the other one is seen", || daemon.says(&["list"]).contains("witness"));
    daemon.says(&["uninstall", "witness"]);
    assert_eq!(lasting(&daemon.json(&["inspect", "echo"])), lasting(&shown));
}

/// The file is again what serves.
fn put_right(daemon: &Daemon) {
    has(&daemon.says(&["install", built::ECHO_TWO]), "serves as before: generation 4");
    assert_eq!(daemon.json(&["inspect", "echo"])["file"], Value::Null);
}

fn rolled_back_under_load(daemon: &Daemon) {
    let callers = Callers::start(daemon.place.path("state/plugbay.sock"));
    during(&callers, || has(&daemon.says(&["rollback", "echo", "--why", "worse"]), "echo 0.1.0"));
    one_after_the_other(&callers.end(), "0.2.0", "0.1.0");
    has(&daemon.says(&["list"]), "worse");
}

fn switched_off_and_on(daemon: &Daemon) {
    assert_eq!(daemon.says(&["disable", "echo", "--why", "a pause"]), "echo is disabled\n");
    let refused = daemon.run(&[&CALL[..], &["--json"]].concat());
    assert_eq!((refused.code, &serde_json::from_str::<Value>(&refused.stdout).unwrap()["code"]), (1, &json!("disabled")));
    has(&daemon.says(&["enable", "echo", "--why", "no pause"]), "echo 0.2.0");
    has(&daemon.says(&CALL), r#""version": "0.2.0""#);
}

/// The daemon dies in the middle of an install, a bit later each time: afterwards it is one version or the other, and nothing in between.
fn killed_while_it_installs(daemon: &mut Daemon) {
    let versions = |daemon: &Daemon| daemon.json(&["versions", "echo"])["versions"].as_array().unwrap().len();
    let kept = versions(daemon);
    for (answers, build) in [built::ECHO_TWO, built::ECHO_ONE, built::ECHO_TWO, built::ECHO_ONE].iter().enumerate() {
        let mut install = daemon.place.command(&["install", build, "--why", "in the middle"]);
        let mut install = install.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        (0..answers).for_each(|_| drop(daemon.says(&["list"])));
        restarted(daemon, Signal::KILL, None);
        install.wait().unwrap();

        let shown = daemon.json(&["inspect", "echo"]);
        let version = shown["version"].as_str().unwrap().to_owned();
        assert!(["0.1.0", "0.2.0"].contains(&version.as_str()) && shown["standing"] == "active", "{shown}");
        has(&daemon.says(&CALL), &format!(r#""version": "{version}""#));
        assert_eq!(versions(daemon), kept);
        sound(daemon);
    }
}

#[test]
fn inspecting_a_held_plugin_says_what_it_waits_for() {
    let daemon = Place::new().start();
    drop_in(&daemon, "echo.wasm", &fs::read(built::ECHO_ONE).unwrap());
    wait("it is held", || daemon.says(&["list"]).contains(" held "));
    let shown = daemon.says(&["inspect", "echo"]);
    has(&shown, "conversation: see messages, tool calls and transcripts (undecided)");
    assert!(!shown.contains("nothing"), "{shown}");
}

#[test]
fn what_was_taken_back_stays_back_until_it_is_asked_for() {
    let daemon = Place::new().start().with_echo();
    daemon.says(&["install", built::ECHO_TWO]);
    taken_back_on_probation(&daemon);
    has(&daemon.says(&["limits", "echo", "memory=32 MiB"]), "echo 0.2.0");
    has(&daemon.says(&["rollback", "echo"]), "echo 0.1.0");
    for command in [
        &["limits", "echo", "memory=64 MiB"][..],
        &["grant", "echo", "state"],
        &["reset", "echo"],
        &["disable", "echo"],
        &["enable", "echo"],
    ] {
        daemon.says(command);
        assert_eq!(daemon.json(&["inspect", "echo"])["version"], "0.1.0", "after {command:?}");
    }
    has(&daemon.says(&["install", built::ECHO_TWO]), "echo 0.2.0");
}

/// Ends the daemon and starts another in its place.
fn restarted(daemon: &mut Daemon, signal: Signal, code: Option<i32>) {
    assert_eq!(daemon.end(signal).code(), code, "{}", daemon.log());
    daemon.run(&["list"]).failed(3);
    daemon.restart();
}

/// The history tells all of it, in order: who did what, from which version to which, and why.
fn told(daemon: &Daemon, failed: &Value) {
    let page = daemon.json(&["history", "echo", "-n", "100"]);
    let events: Vec<_> = page["events"].as_array().unwrap().iter().rev().collect();
    let text = |event: &Value, field: &str| event[field].as_str().unwrap_or("-").to_owned();
    let whats: Vec<_> = events.iter().map(|event| text(event, "what")).collect();
    let story = ["held", "grant", "install", "swap", "refused", "swap", "rollback", "disable", "enable", "rollback"];
    assert_eq!(whats[..story.len()], story, "{page}");

    let at = |n: usize| (text(events[n], "who"), text(events[n], "why"));
    let operator = at(1).0;
    assert!(operator.starts_with("uid:"), "{operator}");
    let own = |why: &str| (operator.clone(), why.to_owned());
    assert_eq!(
        [at(1), at(3), at(7), at(8), at(9)],
        [own("conversation: it is ours"), own("better"), own("a pause"), own("no pause"), own("worse")]
    );
    assert_eq!(at(5).0, "plugins directory");
    has(&at(6).1, "5 of 5 calls on probation faulted");

    let from_to = |n: usize| (text(events[n], "from"), text(events[n], "to"));
    let (one, two) = (from_to(3).0, from_to(3).1);
    let three = failed["plugins"][0]["file"]["digest"].as_str().unwrap().to_owned();
    assert_eq!(BTreeSet::from([&one, &two, &three]).len(), 3);
    let ways = [2, 5, 6, 7, 8, 9].map(from_to);
    let way = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    assert_eq!(ways, [way("-", &one), way(&two, &three), way(&three, &two), way(&two, &two), way(&two, &two), way(&two, &one)]);
    let times: Vec<_> = events.iter().map(|event| event["at"].as_u64().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
}

fn uninstalled(daemon: &Daemon) {
    assert_eq!(daemon.says(&["uninstall", "echo", "--why", "done"]).lines().next(), Some("echo is uninstalled"));
    has(&daemon.says(&["list"]), "no plugins");
    assert!(!daemon.place.path("plugins/echo.wasm").exists());
    has(&daemon.run(&CALL).failed(1), "no plugin `echo`");
    assert_eq!(words(&daemon.says(&["history", "-n", "1"]), "TIME").len(), 7);
    assert_eq!(daemon.json(&["history", "echo", "-n", "1"])["events"][0]["what"], "uninstall");
    sound(daemon);
}

/// The doctor finds nothing to mend. That another version runs than its file holds is worth a word, and is as the operator wanted it.
#[track_caller]
fn sound(daemon: &Daemon) {
    let findings = daemon.json(&["doctor"]);
    let bad = |finding: &&Value| finding["severity"] != "ok" && finding["about"] != "plugin echo";
    assert_eq!(findings["findings"].as_array().unwrap().iter().find(bad), None);
}

/// Puts a file into the plugins directory, as a copy that an operator makes.
fn drop_in(daemon: &Daemon, name: &str, bytes: &[u8]) {
    fs::write(daemon.place.path("plugins").join(name), bytes).unwrap();
}

/// Does something while callers are at work: some calls before it, some after it.
#[track_caller]
fn during(callers: &Callers, step: impl FnOnce()) {
    let more = |what: &str| {
        let so_far = callers.heard();
        wait(what, || callers.heard() >= so_far + SOME);
    };
    more("calls before it");
    step();
    callers.turn_the_page();
    more("calls after it");
}

/// Every call was answered, by the version before or the one after, and those that began after the change by the one after.
#[track_caller]
fn one_after_the_other(heard: &[Heard], before: &str, after: &str) {
    for call in heard {
        let answer = call.answer.as_deref();
        assert!(answer == Ok(after) || (call.chapter == 0 && answer == Ok(before)), "{call:?}");
    }
    assert!([before, after].iter().all(|version| heard.iter().any(|call| call.answer.as_deref() == Ok(version))));
}

/// What of a plugin a restart doesn't change.
fn lasting(detail: &Value) -> Value {
    let fields = ["standing", "version", "digest", "file", "versions", "grants", "required"];
    fields.iter().map(|field| ((*field).to_owned(), detail[*field].clone())).collect::<serde_json::Map<_, _>>().into()
}
