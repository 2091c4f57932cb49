//! Logs that are followed, and text that others chose.

use super::{Daemon, Place, has, wait};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;

#[track_caller]
fn tell(daemon: &Daemon, text: &str) {
    let event = serde_json::json!({ "text": text, "at": 1 }).to_string();
    daemon.says(&["call", "echo", "message-received", "--event", &event]);
}

/// What a command that goes on prints, line by line.
fn follow(daemon: &Daemon, arguments: &[&str]) -> (Child, mpsc::Receiver<String>) {
    let mut child = daemon.place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (send, receive) = mpsc::channel();
    thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| send.send(line)));
    (child, receive)
}

#[test]
fn a_followed_log_shows_what_was_and_what_comes() {
    let mut daemon = Place::new().start().with_echo();
    tell(&daemon, "the first");
    wait("the line is kept", || daemon.says(&["logs", "echo"]).contains("the first"));
    let (text, lines) = follow(&daemon, &["logs", "-f", "echo", "-n", "1"]);
    has(&lines.recv_timeout(super::PATIENCE).unwrap(), "info  the first");
    let (json, objects) = follow(&daemon, &["logs", "-f", "echo", "--json"]);
    has(&objects.recv_timeout(super::PATIENCE).unwrap(), r#""text":"the first""#);

    tell(&daemon, "the second");
    has(&lines.recv_timeout(super::PATIENCE).unwrap(), "info  the second");
    has(&objects.recv_timeout(super::PATIENCE).unwrap(), r#""text":"the second""#);

    assert!(daemon.end(rustix::process::Signal::TERM).success(), "{}", daemon.log());
    for child in [text, json] {
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
    }
}

#[test]
fn the_last_lines_of_a_log_are_those_that_were_asked_for() {
    let daemon = Place::new().start().with_echo();
    ["one", "two", "three"].iter().for_each(|text| tell(&daemon, text));
    wait("all lines are kept", || daemon.says(&["logs", "echo"]).lines().count() == 3);
    let two = daemon.says(&["logs", "echo", "-n", "2"]);
    let last: Vec<_> = two.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(last, ["two", "three"]);
}

#[test]
fn what_others_write_takes_no_terminal_over() {
    let daemon = Place::new().start().with_echo();
    let why = "\u{1b}[2Jgone\u{202e}\u{9b}31m";
    daemon.says(&["disable", "echo", "--why", why]);
    let text = daemon.says(&["history", "echo"]);
    has(&text, r"\u{1b}[2Jgone\u{202e}\u{9b}31m");
    let json = daemon.says(&["history", "echo", "--json"]);
    for printed in [&text, &json] {
        assert!(!printed.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{printed}");
    }
    let events: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(events["events"].as_array().unwrap().iter().any(|event| event["why"] == why), "{json}");
    has(&daemon.run(&["enable", "\u{1b}[2J"]).failed(1), r"\u{1b}");
}
