//! Commands without a daemon.

use super::{CONFIGURATION, Place, has, text};
use serde_json::Value;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::thread;

#[test]
fn no_daemon_is_an_exit_code_of_its_own() {
    let place = Place::new();
    for arguments in [&["list"][..], &["enable", "echo"], &["logs", "-f", "echo"], &["tokens", "list"]] {
        let said = place.run(arguments).failed(3);
        has(&said, text(&place.path("state/plugbay.sock")));
        has(&said, text(&place.configuration()));
        has(&said, "plugbay run");
        assert_eq!(said.matches("os error").count(), 1, "{said}");
    }
    let elsewhere = place.path("else.sock");
    has(&place.run(&["list", "--socket", text(&elsewhere)]).failed(3), &format!("{} (by --socket)", elsewhere.display()));
}

#[test]
fn the_socket_is_found_by_a_configuration_that_is_wrong() {
    let place = Place::with("[host]\nsocket = \"my.sock\"\nprobation = \"soon\"\n[oops\n");
    has(&place.run(&["list"]).failed(3), text(&place.path("my.sock")));
}

#[test]
fn something_else_at_the_socket_is_no_daemon_and_is_said_to_be_none() {
    let place = Place::new();
    let path = place.path("other.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let answers =
        ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "no HTTP\r\n\r\n"];
    let other = thread::spawn(move || {
        for answer in answers {
            let mut stream = listener.accept().unwrap().0;
            // The whole request, so that it isn't cut off: it has no body.
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            assert!(lines.take_while(|line| !line.is_empty()).any(|line| line.starts_with("GET /v1/plugins ")));
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    for (said, reason) in
        [("no daemon of this version", "isn't understood"), ("no daemon of this version", "status 404"), ("broke", "other.sock")]
    {
        let failed = place.run(&["list", "--socket", text(&path)]).failed(1);
        has(&failed, said);
        has(&failed, reason);
    }
    other.join().unwrap();
}

#[test]
fn wrong_usage_is_two_and_names_what_was_meant() {
    let place = Place::new();
    let mistyped = place.run(&["lst"]);
    assert_eq!(mistyped.code, 2);
    has(&mistyped.stderr, "'list'");
    assert_eq!(place.run(&["install"]).code, 2);
    assert_eq!(place.run(&["enable", ""]).code, 2);
}

#[test]
fn a_file_that_is_none_is_refused_before_anybody_is_asked() {
    let place = Place::new();
    fs::write(place.path("letter.wasm"), "Dear host").unwrap();
    has(&place.run(&["install", text(&place.path("none.wasm"))]).failed(1), "none.wasm");
    has(&place.run(&["install", text(place.0.path())]).failed(1), "is no file");
    has(&place.run(&["inspect", text(&place.path("letter.wasm"))]).failed(1), "no WebAssembly component");
}

#[test]
fn a_configuration_is_checked_and_described() {
    let place = Place::new();
    has(&place.run(&["config", "check"]).done(), "is right");
    let wrong = place.path("wrong.toml");
    fs::write(&wrong, "[hots]\n[watch]\npoll = \"1 ms\"\n").unwrap();
    let said = place.run(&["config", "check", text(&wrong)]);
    assert_eq!(said.code, 1);
    has(&said.stdout, "wrong.toml:1:2: ");
    has(&said.stdout, "did you mean `host`?");
    has(&said.stdout, "wrong.toml:3:8: ");
    let json = place.run(&["config", "check", text(&wrong), "--json"]);
    assert_eq!(json.code, 1);
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    let places: Vec<_> = report["problems"].as_array().unwrap().iter().map(|p| (p["line"].as_u64(), p["column"].as_u64())).collect();
    assert_eq!((report["ok"].as_bool(), places), (Some(false), vec![(Some(1), Some(2)), (Some(3), Some(8))]));
    has(&place.run(&["config", "check", text(&place.path("none.toml"))]).failed(1), "there is no");

    let schema: Value = serde_json::from_str(&place.run(&["config", "schema"]).done()).unwrap();
    assert_eq!(schema["title"], "plugbay.toml");
    assert!(jsonschema::is_valid(&schema, &serde_json::json!({ "engine": { "cells": 50 } })));
    assert!(!jsonschema::is_valid(&schema, &serde_json::json!({ "engine": { "cels": 50 } })));
}

#[test]
fn shells_complete_the_commands() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.run(&["completions", shell]).done();
        for word in ["plugbay", "uninstall", "rollback", "undecided", "completions", "sessions", "heartbeat", "skip-gates", "allow-once"] {
            has(&script, word);
        }
    }
}

#[test]
fn the_doctor_needs_no_daemon_and_changes_nothing() {
    let place = Place::new();
    let said = place.run(&["doctor"]).done();
    has(&said, "daemon: none runs");
    has(&said, "-> start it: `plugbay run`");
    has(&said, "configuration: ");
    assert_eq!(fs::read_dir(place.0.path()).unwrap().count(), 1);

    let plugins = place.path("plugins");
    fs::create_dir(&plugins).unwrap();
    fs::set_permissions(&plugins, Permissions::from_mode(0o777)).unwrap();
    let said = place.run(&["doctor"]);
    assert_eq!(said.code, 1);
    has(said.stdout.lines().next().unwrap(), "error    plugins directory: ");

    fs::write(place.configuration(), "[host]\nstaet = 1\n").unwrap();
    let said = place.run(&["doctor", "--json"]);
    assert_eq!(said.code, 1);
    let findings: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(findings["findings"][0]["about"], "configuration");
}

#[test]
fn the_doctor_reads_a_state_that_is_there() {
    let mut daemon = Place::with(CONFIGURATION).start();
    assert_eq!(daemon.end(rustix::process::Signal::TERM).code(), Some(0));
    has(&daemon.says(&["doctor"]), "state: it can be read");
    fs::write(daemon.place.path("state/state.db"), "no database, but longer than the head of one".repeat(50)).unwrap();
    let said = daemon.run(&["doctor"]);
    assert_eq!(said.code, 1, "{said:?}");
    has(said.stdout.lines().next().unwrap(), "error    state: ");
}
