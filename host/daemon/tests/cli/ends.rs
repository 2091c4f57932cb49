//! How a daemon begins and ends.

use super::{CONFIGURATION, Place, built, has, wait};
use rustix::process::Signal;
use std::process::Stdio;

#[test]
fn a_signal_ends_a_daemon_in_good_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut daemon = Place::new().start().with_echo();
        let socket = daemon.place.path("state/plugbay.sock");
        assert!(socket.exists());
        assert_eq!(daemon.end(signal).code(), Some(0), "{}", daemon.log());
        assert!(!socket.exists());
        has(daemon.log().lines().last().unwrap(), "stopped");
        has(&daemon.run(&["list"]).failed(3), "plugbay run");
    }
}

#[test]
fn what_was_installed_is_there_after_a_restart() {
    let mut daemon = Place::new().start().with_echo();
    assert_eq!(daemon.end(Signal::TERM).code(), Some(0));
    daemon.restart();
    assert_eq!(super::words(&daemon.says(&["list"]), "echo")[1], "active");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut daemon = Place::new().start().with_echo();
    let mut call = daemon.place.command(&["call", "echo", "before-tool-call", "--event", r#"{"tool-name":"long-nap","params":{}}"#]);
    let mut call = call.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait("the call is under way", || daemon.json(&["usage", "echo"])["plugins"][0]["warm_cells"] == 0);
    daemon.signal(Signal::TERM);
    wait("it stops", || daemon.log().contains("another signal"));
    assert_eq!(daemon.end(Signal::TERM).code(), Some(1), "{}", daemon.log());
    assert_eq!(call.wait().unwrap().code(), Some(1));
}

#[test]
fn a_second_daemon_names_the_first() {
    let daemon = Place::new().start();
    let pid = format!("process {}", daemon.child.id());
    has(&daemon.run(&["run"]).failed(1), &pid);

    // At another socket, with the same state.
    let other = Place::with(&format!("{CONFIGURATION}[host]\nstate = {:?}\nsocket = \"sock\"\n", daemon.place.path("state")));
    has(&other.run(&["run"]).failed(1), &pid);
    assert!(!other.path("sock").exists());
    daemon.says(&["list"]);
}

#[test]
fn a_daemon_that_cant_begin_says_what_to_change() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = Place::with(&format!("{CONFIGURATION}[http]\nlisten = \"{address}\"\n"));
    let said = place.run(&["run"]).failed(1);
    has(&said, &address);
    has(&said, "http.listen");

    let broken = Place::with("[host]\nstaet = 1\n").run(&["run"]);
    assert_eq!(broken.code, 1);
    has(&broken.stderr, "plugbay.toml:2:1: ");
    has(&broken.stderr, "did you mean `state`?");
}

#[test]
fn logs_are_text_or_json() {
    let mut daemon = Place::with(&format!("{CONFIGURATION}[logs]\nformat = \"json\"\n")).start();
    daemon.run(&["install", built::ECHO_ONE]);
    assert_eq!(daemon.end(Signal::TERM).code(), Some(0));
    let log = daemon.log();
    assert!(log.lines().count() > 1 && log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{log}");
}
