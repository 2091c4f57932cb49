//! What is refused, and that the rest goes on.

use super::{CONFIGURATION, Place, built, has, wait, words};
use std::fs;

#[test]
fn a_mistyped_id_names_the_near_one() {
    let daemon = Place::new().start().with_echo();
    for arguments in [
        &["inspect", "ecko"][..],
        &["disable", "ecko"],
        &["logs", "ecko"],
        &["logs", "-f", "ecko"],
        &["versions", "ecko"],
        &["usage", "ecko"],
    ] {
        has(&daemon.run(arguments).failed(1), "did you mean `echo`?");
    }
    let refused = daemon.run(&["enable", "ecko", "--json"]);
    let problem: serde_json::Value = serde_json::from_str(&refused.stdout).unwrap();
    assert_eq!((refused.code, &problem["near"]), (1, &"echo".into()));
}

#[test]
fn a_component_that_is_refused_changes_nothing() {
    let daemon = Place::new().start().with_echo();
    let file = daemon.place.path("echo.wasm");
    let mut bytes = fs::read(built::ECHO_TWO).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(&file, bytes).unwrap();
    let refused = daemon.run(&["install", super::text(&file)]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(words(&daemon.says(&["list"]), "echo")[1..3], ["active", "0.1.0"]);
    has(&daemon.run(&["rollback", "echo"]).failed(1), "echo");
}

#[test]
fn a_configuration_that_was_broken_by_hand_keeps_no_command_from_the_daemon() {
    let daemon = Place::new().start().with_echo();
    fs::write(daemon.place.configuration(), format!("{CONFIGURATION}[plugins.echo]\nenabeld = false\n")).unwrap();
    wait("it is noticed", || daemon.run(&["doctor"]).stdout.contains("error    configuration"));
    assert_eq!(words(&daemon.says(&["list"]), "echo")[1], "active");
    let said = daemon.run(&["disable", "echo"]);
    assert_eq!(said.code, 1);
    has(&said.stderr, "enabeld");
}

#[test]
fn a_file_that_is_no_plugin_is_listed_with_the_reason() {
    let daemon = Place::new().start();
    fs::write(daemon.place.path("plugins/No Plugin.wasm"), "Dear host").unwrap();
    wait("it is seen", || daemon.says(&["list"]).contains("The file No Plugin.wasm is no plugin: "));
    has(&daemon.says(&["doctor"]), "file No Plugin.wasm");
}
