//! A plugin's life, command by command, for people and for programs.

use super::{Daemon, Place, built, has, words};
use plugbay_daemon::api::types::{
    Changed, Findings, HistoryPage, HookAnswer, Inspection, LimitList, LogPage, PluginDetail, PluginList, Standing, TokenList, UsageList,
    VersionList,
};
use serde::de::DeserializeOwned;
use std::io::Write;
use std::process::Stdio;

const CALL: [&str; 5] = ["call", "echo", "before-tool-call", "--event", r#"{"tool-name":"any","params":{"a":1}}"#];

#[test]
fn a_plugin_lives_by_commands() {
    let daemon = Place::new().start();
    has(&daemon.says(&["list"]), "no plugins");

    has(&daemon.says(&["install", built::ECHO_ONE, "--grant", "conversation", "--why", "a try"]), "serves: generation 1");
    let first = daemon.json(&["inspect", "echo"])["digest"].as_str().unwrap().to_owned();
    assert_eq!(words(&daemon.says(&["list"]), "echo")[..7], ["echo", "active", "0.1.0", &first[..12], "1", "0", "0"]);

    let said = daemon.says(&CALL);
    has(&said, "generation 1 answers:");
    has(&said, r#""version": "0.1.0""#);
    assert_eq!(words(&daemon.says(&["list"]), "echo")[5], "1");
    let usage = daemon.says(&["usage", "echo"]);
    let used = usage.lines().find(|line| line.contains("before-tool-call")).unwrap();
    assert_eq!(used.split_whitespace().nth(2), Some("1"), "{usage}");

    has(&daemon.says(&["install", built::ECHO_TWO]), "in place of what did: generation 2");
    let versions = daemon.says(&["versions", "echo"]);
    has(words(&versions, "0.2.0").last().unwrap(), "active");
    assert_eq!(words(&versions, "0.1.0")[1], &first[..12]);
    has(&daemon.says(&["rollback", "echo", "--to", &first[..12], "--why", "worse"]), "echo 0.1.0");
    assert_eq!(words(&daemon.says(&["list"]), "echo")[2], "0.1.0");

    assert_eq!(daemon.says(&["disable", "echo"]).lines().next(), Some("echo is disabled"));
    assert_eq!(words(&daemon.says(&["list"]), "echo")[1], "disabled");
    has(&daemon.says(&["enable", "echo"]), "serves");
    assert_eq!(words(&daemon.says(&["list"]), "echo")[1], "active");
    has(&daemon.says(&["reset", "echo"]), "echo");

    let history = daemon.says(&["history", "echo", "-n", "50"]);
    has(&history, "a try");
    has(&history, "worse");
    assert_eq!(daemon.says(&["history", "-n", "2"]).lines().count(), 3);

    has(&daemon.says(&["uninstall", "echo", "--purge"]), "echo is uninstalled");
    has(&daemon.says(&["list"]), "no plugins");
}

#[test]
fn limits_are_shown_changed_and_taken_back() {
    let daemon = Place::new().start().with_echo();
    let limit = |name: &str| words(&daemon.says(&["limits", "echo"]), name).join(" ");
    has(&limit("memory"), "64 MiB default");
    daemon.says(&["limits", "echo", "memory=32 MiB", "host-calls=5"]);
    has(&limit("memory"), "32 MiB you");
    has(&limit("memory"), "plugins.echo.limits.memory");
    has(&limit("host-calls"), "5 you");
    daemon.says(&["limits", "echo", "memory=default"]);
    has(&limit("memory"), "64 MiB default");
    has(&limit("host-calls"), "5 you");
    has(&daemon.run(&["limits", "echo", "memroy=1 MiB"]).failed(1), "memory");
    has(&daemon.run(&["limits", "echo", "memory"]).failed(2), "--help");
}

#[test]
fn programs_read_the_apis_own_json() {
    let daemon = Place::new().start().with_echo();
    assert_eq!(read::<PluginList>(&daemon, &["list"]).plugins[0].standing, Standing::Active);
    assert_eq!(read::<PluginDetail>(&daemon, &["inspect", "echo"]).summary.id, "echo");
    assert_eq!(read::<Inspection>(&daemon, &["inspect", built::ECHO_TWO]).version, "0.2.0");
    assert_eq!(read::<Changed>(&daemon, &["install", built::ECHO_TWO]).change, "replaced");
    assert_eq!(read::<Changed>(&daemon, &["rollback", "echo"]).version.as_deref(), Some("0.1.0"));
    assert_eq!(read::<Changed>(&daemon, &["disable", "echo"]).change, "aside");
    assert_ne!(read::<Changed>(&daemon, &["enable", "echo"]).change, "aside");
    assert_eq!(read::<Changed>(&daemon, &["grant", "echo", "state"]).id, "echo");
    assert_eq!(read::<Changed>(&daemon, &["limits", "echo", "memory=32 MiB"]).change, "replaced");
    assert_eq!(read::<HookAnswer>(&daemon, &CALL).outcome["params"]["params"]["a"], 1);
    assert_eq!(read::<VersionList>(&daemon, &["versions", "echo"]).versions.len(), 2);
    assert!(read::<LimitList>(&daemon, &["limits", "echo"]).limits.iter().any(|limit| limit.name == "memory" && limit.set));
    assert_eq!(read::<UsageList>(&daemon, &["usage"]).plugins[0].id, "echo");
    assert!(read::<LogPage>(&daemon, &["logs", "echo"]).lines.is_empty());
    assert_eq!(read::<HistoryPage>(&daemon, &["history", "-n", "3"]).events.len(), 3);
    assert!(!read::<Findings>(&daemon, &["doctor"]).findings.is_empty());
    assert!(read::<TokenList>(&daemon, &["tokens", "list"]).tokens.is_empty());
    assert_eq!(read::<Changed>(&daemon, &["uninstall", "echo"]).id, "echo");
}

#[track_caller]
fn read<T: DeserializeOwned>(daemon: &Daemon, arguments: &[&str]) -> T {
    serde_json::from_value(daemon.json(arguments)).unwrap()
}

#[test]
fn an_event_can_come_from_standard_input() {
    let daemon = Place::new().start().with_echo();
    let mut call = daemon.place.command(&["call", "echo", "before-tool-call", "--event", "-"]);
    let mut call = call.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    call.stdin.take().unwrap().write_all(br#"{"tool-name":"noop","params":{}}"#).unwrap();
    let ended = super::Ended::from(call.wait_with_output().unwrap());
    has(&ended.done(), "no opinion");
    has(&daemon.run(&["call", "echo", "before-tool-call", "--event", "{"]).failed(2), "--event: expected JSON");
    has(&daemon.run(&["call", "echo", "before-tool-cal"]).failed(1), "before-tool-cal");
    has(&daemon.run(&["call", "echo", "before-tool-call", "--event", r#"{"tool-name":"fail","params":{}}"#]).failed(1), "as you asked");
}
