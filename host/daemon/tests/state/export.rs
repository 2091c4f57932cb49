//! `export`: every row once, byte for byte, and only what was asked for.

use crate::{command, contents, json, long_ago, plugbay, printed, raw, refused, roomy, store, write};
use plugbay_state::{Sqlite, SqliteSettings, StateStore};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;

async fn small(directory: &Path) {
    let state = Sqlite::open(SqliteSettings::new(directory)).unwrap();
    write(&state, "scribe", "notes", &[("a", r#"{"secret": 1}"#), ("b", "2")]).await;
    write(&state, "limiter", "hits", &[("h", "3")]).await;
    state.close().await;
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(json).collect()
}

fn keys(lines: &[Value]) -> Vec<[&str; 3]> {
    lines.iter().map(|line| ["plugin", "namespace", "key"].map(|field| line[field].as_str().unwrap())).collect()
}

#[tokio::test]
async fn values_are_left_out_unless_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    small(directory.path()).await;
    let without = printed(&plugbay("export", directory.path(), &[]));
    assert!(!without.contains("secret") && !without.contains("\"value\""), "{without}");
    let rows = lines(&without);
    assert_eq!(keys(&rows), [["limiter", "hits", "h"], ["scribe", "notes", "a"], ["scribe", "notes", "b"]]);
    assert_eq!((&rows[1]["bytes"], &rows[1]["corrupt"], &rows[1]["expires_at"]), (&json!(13), &json!(false), &json!(null)));
    assert!(rows[1]["created_at"].as_u64().unwrap() > 1_600_000_000_000);
    let with = lines(&printed(&plugbay("export", directory.path(), &["--values"])));
    assert_eq!(with[1]["value"], json!(r#"{"secret": 1}"#));
}

#[tokio::test]
async fn one_plugin_is_exported_alone() {
    let directory = tempfile::tempdir().unwrap();
    small(directory.path()).await;
    write(&Sqlite::open(SqliteSettings::new(directory.path())).unwrap(), "zebra", "z", &[("z", "1")]).await;
    let one = |id| lines(&printed(&plugbay("export", directory.path(), &["--plugin", id])));
    assert_eq!(keys(&one("scribe")), [["scribe", "notes", "a"], ["scribe", "notes", "b"]]);
    assert_eq!(keys(&one("limiter")), [["limiter", "hits", "h"]]);
    assert!(one("scrib").is_empty());
}

#[tokio::test]
async fn expired_rows_are_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let state = long_ago(directory.path());
    let rows = store(&state, "scribe", "notes").await;
    rows.register("gone", "1".into(), Some(1)).await.unwrap();
    rows.register("here", "1".into(), None).await.unwrap();
    assert_eq!(keys(&lines(&printed(&plugbay("export", directory.path(), &[])))), [["scribe", "notes", "here"]]);
}

/// The values of the n-th row: JSON that a parser and a printer would change.
fn value(n: usize) -> String {
    match n % 4 {
        0 => format!("{{ \"n\" :  {n}.0,\t\"n\": 1e2 }}"),
        1 => format!("\"\\u00e9 \\/ é \u{1f980} {n}\""),
        2 => format!("[{n},\n  null ]"),
        _ => "12345678901234567890123456789.10".to_owned(),
    }
}

#[tokio::test]
async fn many_rows_come_back_byte_for_byte_each_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let state = roomy(directory.path());
    let mut expected = Vec::new();
    for (plugin, namespace, count) in [("alpha", "one", 5_500), ("alpha", "two", 1_000), ("beta", "one", 5_000)] {
        let rows = store(&state, plugin, namespace).await;
        for n in 0..count {
            let key = format!("k\u{9b}é{n:05}");
            rows.register(&key, value(n), None).await.unwrap();
            expected.push((plugin, namespace, key, value(n)));
        }
    }
    // Pages that end for their bytes, not for their rows.
    let large = store(&state, "gamma", "large").await;
    for n in 0..300 {
        let (key, value) = (format!("{n:03}"), format!("\"{}{n}\"", "x".repeat(60_000)));
        large.register(&key, value.clone(), None).await.unwrap();
        expected.push(("gamma", "large", key, value));
    }
    let output = printed(&plugbay("export", directory.path(), &["--values"]));
    let exported = lines(&output);
    assert_eq!(exported.len(), expected.len());
    for (line, (plugin, namespace, key, value)) in exported.iter().zip(&expected) {
        assert_eq!(keys(std::slice::from_ref(line)), [[*plugin, *namespace, key.as_str()]]);
        assert!(line["value"] == **value && line["bytes"] == value.len(), "{key}");
    }
    assert!(!output.contains('\u{9b}'), "a key could take over a terminal");
}

#[tokio::test]
async fn a_corrupt_row_is_flagged_and_told_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    small(directory.path()).await;
    raw(directory.path()).execute("UPDATE keyed SET value = '{broken' WHERE key = 'a'", []).unwrap();
    let rows = lines(&printed(&plugbay("export", directory.path(), &["--plugin", "scribe", "--values"])));
    assert_eq!((&rows[0]["corrupt"], &rows[0]["value"], &rows[0]["bytes"]), (&json!(true), &json!("{broken"), &json!(7)));
    assert_eq!(rows[1]["corrupt"], json!(false));
}

#[tokio::test]
async fn a_file_is_whole_private_and_alone() {
    let (directory, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    small(directory.path()).await;
    let file = folder.path().join("rows.jsonl");
    std::fs::write(&file, "what was there before, and longer than all that is to come. ".repeat(100)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut export = command("export", directory.path(), &["--out", "rows.jsonl"]);
    assert_eq!(printed(&export.current_dir(folder.path()).output().unwrap()), "");
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written, printed(&plugbay("export", directory.path(), &[])));
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    assert_eq!(contents(folder.path()).len(), 1);
}

#[tokio::test]
async fn an_export_that_fails_midway_leaves_what_was_there() {
    let (directory, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    small(directory.path()).await;
    // Its key is no text, which shows only when the export gets there.
    raw(directory.path()).execute("INSERT INTO keyed VALUES ('zebra', 'z', CAST(x'ff' AS TEXT), '1', 1, NULL, 0)", []).unwrap();
    let file = folder.path().join("rows.jsonl");
    std::fs::write(&file, "before").unwrap();
    let error = refused(&plugbay("export", directory.path(), &["--out", file.to_str().unwrap()]));
    assert!(error.contains("can't read the rows: PLUGIN_STATE_CORRUPT (export)"), "{error}");
    assert_eq!(contents(folder.path()), [("rows.jsonl".to_owned(), "before".to_owned())]);
}

#[tokio::test]
async fn what_is_no_file_and_what_is_the_states_is_not_replaced() {
    let (directory, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    small(directory.path()).await;
    let (target, link, pipe) = (folder.path().join("target"), folder.path().join("link"), folder.path().join("folder"));
    std::fs::write(&target, "kept").unwrap();
    symlink(&target, &link).unwrap();
    std::fs::create_dir(&pipe).unwrap();
    for place in [&link, &pipe] {
        let error = refused(&plugbay("export", directory.path(), &["--out", place.to_str().unwrap()]));
        assert!(error.ends_with("it is there and is no regular file"), "{error}");
    }
    assert!(link.is_symlink() && pipe.is_dir());
    for name in ["state.db", "rows.jsonl"] {
        let inside = directory.path().join(name);
        let error = refused(&plugbay("export", directory.path(), &["--out", inside.to_str().unwrap()]));
        assert!(error.ends_with("it is in the state directory"), "{error}");
    }
    let missing = folder.path().join("missing/rows.jsonl");
    let error = refused(&plugbay("export", directory.path(), &["--out", missing.to_str().unwrap()]));
    assert!(error.contains("can't export to") && error.contains("No such file"), "{error}");
    assert_eq!(lines(&printed(&plugbay("export", directory.path(), &[]))).len(), 3);
}

#[tokio::test]
async fn a_reader_that_has_enough_ends_it_quietly() {
    let directory = tempfile::tempdir().unwrap();
    let state = roomy(directory.path());
    let rows = store(&state, "alpha", "one").await;
    for n in 0..5_000 {
        rows.register(&format!("{n:05}"), format!("\"{}\"", "x".repeat(100)), None).await.unwrap();
    }
    let mut export = command("export", directory.path(), &["--values"]);
    let mut child = export.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::with_capacity(256, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(json(&first)["key"], json!("00000"));
    let (mut error, status) = (String::new(), child.wait().unwrap());
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!((status.code(), error.as_str()), (Some(0), ""));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_under_standard_output_is_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    small(directory.path()).await;
    for name in ["export", "show"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = refused(&command(name, directory.path(), &[]).stdout(full).output().unwrap());
        assert!(error.starts_with("plugbay: can't write to standard output: No space left"), "{error}");
    }
}
