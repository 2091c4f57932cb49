//! What a plugin asks for, and who decides.

use super::{Place, built, has, words};
use serde_json::Value;

#[test]
fn a_held_plugin_names_the_line_that_decides() {
    let daemon = Place::new().start();
    let held = daemon.run(&["install", built::ECHO_ONE]);
    assert_eq!(held.code, 1, "{held:?}");
    has(&held.stdout, "echo is held");
    has(&held.stdout, "it asks for conversation: see messages, tool calls and transcripts");
    assert_eq!(words(&daemon.says(&["list"]), "echo")[1], "held");

    let line = held.stdout.lines().map(str::trim).find(|line| line.starts_with("plugbay grant ")).unwrap();
    assert_eq!(line, "plugbay grant echo conversation");
    has(&daemon.says(&line.split(' ').skip(1).collect::<Vec<_>>()), "echo 0.1.0");
    assert_eq!(words(&daemon.says(&["list"]), "echo")[1], "active");
}

#[test]
fn a_plugin_runs_without_what_is_denied_and_is_held_again_when_that_is_forgotten() {
    let daemon = Place::new().start().with_echo();
    daemon.says(&["revoke", "echo", "conversation"]);
    has(&daemon.says(&["inspect", "echo"]), "transcripts (denied)");
    let forgotten = daemon.run(&["revoke", "echo", "conversation", "--undecided"]);
    assert_eq!(forgotten.code, 1, "{forgotten:?}");
    has(&forgotten.stdout, "plugbay grant echo conversation");
    daemon.says(&["grant", "echo", "conversation"]);
    has(&daemon.says(&["inspect", "echo"]), "transcripts (granted)");
    has(&daemon.run(&["grant", "echo", "conversatoin"]).failed(1), "`conversation`");
}

#[test]
fn for_programs_held_is_the_apis_json_and_the_same_exit_code() {
    let daemon = Place::new().start();
    let held = daemon.run(&["install", built::ECHO_ONE, "--json"]);
    assert_eq!((held.code, held.stderr.as_str()), (1, ""), "{held:?}");
    assert_eq!(serde_json::from_str::<Value>(&held.stdout).unwrap()["change"], "held");
}

#[test]
fn a_file_is_shown_beside_what_runs() {
    let daemon = Place::new().start();
    let line = |name: &str| words(&daemon.says(&["inspect", built::ECHO_ONE]), name).join(" ");
    assert_eq!(line("adds"), "adds conversation");
    assert_eq!(line("asks"), "asks for conversation: see messages, tool calls and transcripts (undecided)");
    has(&daemon.says(&["inspect", built::ECHO_ONE]), "--grant conversation");
    has(&daemon.says(&["list"]), "no plugins");

    daemon.says(&["install", built::ECHO_TWO, "--grant", "conversation"]);
    assert_eq!([line("adds"), line("drops")], ["adds nothing", "drops nothing"]);
    has(&line("asks"), "(granted)");
}
