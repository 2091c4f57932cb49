//! What goes wrong, or goes on meanwhile: a swap, a fault, a file that is no plugin, a host that dies, the end.

use super::program::{has, text};
use super::stage::Stage;
use plugbay_guests::built;
use rustix::process::Signal;
use serde_json::Value;
use std::fs;

/// A call that waits for a person.
const PUSH: &str = r#"use echo {"text": "git push"}"#;

pub(crate) fn is_replaced_in_the_middle(stage: &mut Stage) {
    stage.step("`toolbox` is replaced in the middle of a turn: that turn keeps the tool that it began with, the next one has the new one.");
    let turn = stage.begins("swapped", PUSH);
    let id = stage.question();
    has(&stage.does(&["install", built::TOOLBOX_LATER]), "in place of what did: generation 2");
    stage.does(&["approvals", "allow", &id]);
    has(&turn.ends().done(), r#"`echo` answered: {"text":"git push"}"#);
    has(&stage.says("swapped", r#"use echo {"text": "git pull"}"#), r#"`echo` answered: {"later":"git pull"}"#);
}

pub(crate) fn faults(stage: &mut Stage) {
    stage.step("One loops for ever at one hook and crashes at another: the turn goes on, and the receipts tell.");
    stage.witness('f');
    assert_eq!(stage.says("main", "say I am still here."), "I am still here.\n");
    stage.shows(&["sessions", "show", "main", "--receipts"], |line| line.contains("witness-f") && line.contains("failed"));
    let receipts = stage.gets(&["sessions", "main", "runs", &stage.newest_run("main"), "receipts"]);
    let faults = faults_of("witness-f", &receipts);
    assert_eq!(faults.iter().map(|(hook, _)| *hook).collect::<Vec<_>>(), ["before-model-resolve", "before-prompt-build"], "{receipts}");
    has(faults[0].1, "cpu");
    has(faults[1].1, "as you asked");
    let list = stage.shows(&["list"], |line| line.starts_with("PLUGIN") || line.starts_with("witness-f"));
    let row = list.lines().find(|line| line.starts_with("witness-f")).unwrap();
    has(row, "active");
    stage.does(&["uninstall", "witness-f", "--why", "it does no good"]);
}

/// The hooks at which a plugin faulted, and why.
fn faults_of<'r>(plugin: &str, receipts: &'r Value) -> Vec<(&'r str, &'r str)> {
    let mut faults = Vec::new();
    for receipt in receipts["receipts"].as_array().unwrap() {
        let ran = receipt["ran"].as_array().unwrap().iter().filter(|ran| ran["plugin"] == plugin && ran["code"] == "fault");
        faults.extend(ran.map(|ran| (receipt["hook"].as_str().unwrap(), ran["why"].as_str().unwrap())));
    }
    faults
}

pub(crate) fn is_no_plugin(stage: &mut Stage) {
    stage.step("A file that is no plugin is refused, with the reason.");
    let letter = stage.daemon.place.path("letter.wasm");
    fs::write(&letter, "Dear host, please run me.").unwrap();
    has(&stage.fails(&["install", text(&letter)], 1), "is no WebAssembly component");
}

pub(crate) fn host_is_killed(stage: &mut Stage) {
    stage.step(
        "The daemon is killed while a person is being asked. It starts again: no answer is a no, and the session says what happened.",
    );
    let turn = stage.begins("main", PUSH);
    stage.question();
    println!("   $ kill -9 …");
    assert_eq!(stage.daemon.end(Signal::KILL).code(), None);
    assert_ne!(turn.ends().code, 0);
    println!("   $ plugbay run");
    stage.daemon.restart();
    has(&stage.does(&["approvals"]), "No question waits for an answer.");
    let says = "The host stopped in the middle of this turn";
    has(&stage.shows(&["sessions", "show", "main", "--transcript"], |line| line.contains(says)), says);
    has(&stage.says("main", "use recall"), r#"`recall` answered: {"mood":"bad"}"#);
}

pub(crate) fn ends(mut stage: Stage) {
    stage.step("The daemon is told to end, and does.");
    println!("   $ kill …");
    assert_eq!(stage.daemon.end(Signal::TERM).code(), Some(0), "{}", stage.daemon.log());
    stage.fails(&["list"], 3);
}
