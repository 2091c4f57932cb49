//! `plugbay chat` where nobody sits at a terminal.

use super::agents::{ended, with_question, with_toolbox, with_tools};
use super::{Daemon, Ended, Place, has, wait};
use plugbay_daemon::api::types::{SessionDetail, TurnEvent, TurnStatus};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Write;
use std::process::Stdio;

/// What `chat` prints when it is given these lines.
#[track_caller]
fn told(daemon: &Daemon, arguments: &[&str], lines: &str) -> Ended {
    let mut chat = daemon.place.command(&[&["chat"], arguments].concat());
    let mut chat = chat.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    chat.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    ended(chat)
}

#[test]
fn each_line_is_a_turn_and_only_answers_go_to_standard_output() {
    let daemon = with_tools();
    let lines = "say one\nuse add {\"a\":2,\"b\":3}\n\n  \n/quit\nsay \u{9b}31mthree";
    let chat = told(&daemon, &["--session", "s"], lines);
    let answers: Vec<_> = chat.stdout.lines().collect();
    assert_eq!((answers[0], answers[1], answers[3]), ("one", "`add` answered: 5", "\\u{9b}31mthree"), "{chat:?}");
    // A line with a slash is a turn like any other.
    has(answers[2], "\"/quit\"");
    assert_eq!(answers.len(), 4);
    let notes: Vec<_> = chat.stderr.lines().collect();
    assert_eq!(notes.len(), 1, "{chat:?}");
    assert!(notes[0].starts_with("· add {\"a\":2,\"b\":3} -> answered in "), "{chat:?}");
    assert_eq!(chat.code, 0);
}

#[test]
fn a_turn_that_fails_is_said_and_the_next_one_goes_on() {
    let daemon = Place::new().start();
    let chat = told(&daemon, &[], "fail refused\nsay after it\n");
    assert_eq!((chat.code, chat.stdout.as_str()), (1, "after it\n"), "{chat:?}");
    has(&chat.stderr, "the turn failed: ");
    assert_eq!(daemon.run(&["chat", "fail refused"]).code, 1);
}

#[test]
fn a_tool_that_is_blocked_says_by_whom() {
    let daemon = with_tools();
    let chat = told(&daemon, &[], "use echo {\"command\":\"sudo reboot\"}\nuse fail\n");
    has(&chat.stderr, "· echo {\"command\":\"sudo reboot\"} -> blocked by shell-guard: ");
    has(&chat.stderr, "· fail {} -> failed: ");
    has(&chat.stderr, "as you asked");
    assert_eq!(chat.code, 0);
}

#[test]
fn questions_are_answered_as_was_said_or_wait_for_the_command() {
    let daemon = with_tools();
    let push = "use echo {\"command\":\"git push\"}\n";
    let denied = told(&daemon, &["--approve", "deny"], push);
    has(&denied.stderr, "  Run a command with `git push`? (warning)\n");
    has(&denied.stderr, "  denied by uid:");
    has(&denied.stderr, "-> blocked");
    let allowed = told(&daemon, &["--approve", "allow-once"], push);
    has(&allowed.stderr, "  allowed once by uid:");
    has(&allowed.stderr, "-> answered in");
    assert_eq!((denied.code, allowed.code), (0, 0));

    let (chat, id) = with_question(&daemon, "main");
    daemon.says(&["approvals", "deny", &id]);
    has(&ended(chat).stderr, &format!("answer it with `plugbay approvals allow {id}` or `plugbay approvals deny {id}`; no answer until "));
}

#[test]
fn programs_get_each_event_as_a_line() {
    let daemon = with_tools();
    let chat = told(&daemon, &["--json"], "use add {\"a\":2,\"b\":3}\nsay so\n");
    let events: Vec<TurnEvent> = chat.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(matches!(events[0], TurnEvent::Accepted { .. }), "{chat:?}");
    let messages: Vec<_> =
        events.iter().filter_map(|event| if let TurnEvent::Message { text } = event { Some(text.as_str()) } else { None }).collect();
    assert_eq!(messages, ["`add` answered: 5", "so"]);
    assert_eq!(events.last(), Some(&TurnEvent::End { status: TurnStatus::Done }));
    assert_eq!((chat.stderr.as_str(), chat.code), ("", 0));
    let failed = told(&daemon, &["--json"], "fail refused\n");
    assert_eq!(failed.code, 1, "{failed:?}");
}

#[test]
fn ctrl_c_cancels_the_turn_and_ends_the_rest() {
    let daemon = with_tools();
    let mut chat = daemon.place.command(&["chat"]);
    let mut chat = chat.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    chat.stdin.take().unwrap().write_all(b"use echo {\"command\":\"git push\"}\nsay never\n").unwrap();
    wait("the question is asked", || daemon.says(&["approvals"]).contains("git push"));
    kill_process(Pid::from_child(&chat), Signal::INT).unwrap();
    let chat = ended(chat);
    assert_eq!((chat.code, chat.stdout.as_str()), (1, ""), "{chat:?}");
    has(&chat.stderr, "the turn was cancelled");
    let session: SessionDetail = serde_json::from_value(daemon.json(&["sessions", "show", "main"])).unwrap();
    assert_eq!(session.runs.len(), 1);
}

#[test]
fn a_reader_that_has_enough_is_no_failure_and_stops_no_turn() {
    let daemon = with_toolbox("");
    let mut chat = daemon.place.command(&["chat", "--json", "long 20000"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(chat.stdout.take());
    let chat = ended(chat);
    assert_eq!((chat.code, chat.stderr.as_str()), (0, ""), "{chat:?}");
    wait("the turn ends by itself", || daemon.json(&["sessions", "show", "main"])["runs"][0]["status"] == "done");
}

#[test]
fn a_daemon_that_ends_in_the_middle_is_said() {
    let mut daemon = with_tools();
    let (chat, _) = with_question(&daemon, "main");
    daemon.child.kill().unwrap();
    let chat = ended(chat);
    assert_eq!(chat.code, 1, "{chat:?}");
    has(chat.stderr.lines().last().unwrap(), "plugbay: ");
}
