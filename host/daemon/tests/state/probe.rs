//! `probe`: each step, and what it leaves behind.

use crate::{command, json, plugbay, printed, raw, text};
use plugbay_state::{DATABASE_FILE, Sqlite, SqliteSettings, StateStore};
use serde_json::json;
use std::process::Stdio;

#[tokio::test]
async fn every_step_is_told_and_nothing_stays_behind() {
    let directory = tempfile::tempdir().unwrap();
    Sqlite::open(SqliteSettings::new(directory.path())).unwrap().close().await;
    let shown = printed(&plugbay("probe", directory.path(), &[]));
    let steps: Vec<Vec<_>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(steps[0], ["STEP", "RESULT", "CODE", "MESSAGE"]);
    let names = ["state-directory", "open", "schema", "write", "read", "delete"];
    assert_eq!(steps[1..], names.map(|name| vec![name, "ok", "-", "-"]));
    let rows: i64 = raw(directory.path()).query_row("SELECT count(*) FROM keyed", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn the_row_of_a_killed_probe_is_shown_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    Sqlite::open(SqliteSettings::new(directory.path())).unwrap().close().await;
    let row = "INSERT INTO keyed VALUES ('$probe', 'probe', '77-0', '\"77-0\"', 1, NULL, 0)";
    raw(directory.path()).execute(row, []).unwrap();
    assert_eq!(printed(&plugbay("show", directory.path(), &[])), "no rows\n");
    assert_eq!(printed(&plugbay("export", directory.path(), &["--values"])), "");
}

#[tokio::test]
async fn json_has_no_trace_of_the_probes_value() {
    let directory = tempfile::tempdir().unwrap();
    Sqlite::open(SqliteSettings::new(directory.path())).unwrap().close().await;
    let child = command("probe", directory.path(), &["--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Its value starts with its process's id.
    let value = format!("{}-", child.id());
    let shown = printed(&child.wait_with_output().unwrap());
    assert!(!shown.contains(&value), "{shown}");
    let report = json(&shown);
    assert_eq!((&report["ok"], report["steps"].as_array().unwrap().len()), (&json!(true), 6));
    assert_eq!(report["steps"][3], json!({ "step": "write", "ok": true, "code": null, "message": null }));
}

#[test]
fn a_failed_step_is_reported_and_fails_the_command() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(DATABASE_FILE), b"no database. ".repeat(1_000)).unwrap();
    let output = plugbay("probe", directory.path(), &["--json"]);
    assert_eq!(crate::refused(&output), "plugbay: the probe failed at the step `open`");
    let report = json(&text(&output.stdout));
    assert_eq!((&report["ok"], report["steps"].as_array().unwrap().len()), (&json!(false), 2));
    let failed = &report["steps"][1];
    assert_eq!((&failed["step"], &failed["ok"], &failed["code"]), (&json!("open"), &json!(false), &json!("corrupt")));
    assert!(failed["message"].as_str().unwrap().contains("not a database"), "{failed}");
}

#[test]
fn a_probe_that_nobody_reads_still_fails() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(DATABASE_FILE), b"no database. ".repeat(1_000)).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = command("probe", directory.path(), &[]).stdout(writer).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(1));
}
