//! `show`: what is counted, and what isn't printed.

use crate::{json, long_ago, plugbay, printed, store, write};
use plugbay_state::{Sqlite, SqliteSettings, StateStore};
use serde_json::json;
use std::path::Path;

const SECRET: &str = r#""the secret value""#;

/// Two plugins, one of them with rows that have expired.
async fn sample(directory: &Path) {
    let state = long_ago(directory);
    write(&state, "scribe", "notes", &[("a-private-key", SECRET), ("b", "12345")]).await;
    write(&state, "scribe", "drafts", &[("d", "[]")]).await;
    let hits = store(&state, "limiter", "hits").await;
    for n in 0..12 {
        hits.register(&format!("h{n}"), "1".into(), Some(5_000)).await.unwrap();
    }
    hits.register("stays", "100".into(), None).await.unwrap();
    state.close().await;
}

#[tokio::test]
async fn the_table_counts_rows_bytes_and_expired_rows_with_totals_and_limits() {
    let directory = tempfile::tempdir().unwrap();
    sample(directory.path()).await;
    let expected = "\
PLUGIN   NAMESPACE  ROWS  MAX-ROWS  BYTES  MAX-BYTES  EXPIRED
limiter  hits          1         -      3          -       12
limiter  (total)       1      1000      3   67108864       12
scribe   drafts        1         -      2          -        0
scribe   notes         2         -     23          -        0
scribe   (total)       3      1000     25   67108864        0
limits are the defaults; a gateway that was given others holds to those
";
    assert_eq!(printed(&plugbay("show", directory.path(), &[])), expected);
}

#[tokio::test]
async fn neither_values_nor_keys_are_shown() {
    let directory = tempfile::tempdir().unwrap();
    sample(directory.path()).await;
    for options in [&[][..], &["--json"]] {
        let shown = printed(&plugbay("show", directory.path(), options));
        assert!(shown.contains("notes") && !shown.contains("secret") && !shown.contains("private"), "{shown}");
    }
}

#[tokio::test]
async fn json_holds_the_same_and_all_limits() {
    let directory = tempfile::tempdir().unwrap();
    sample(directory.path()).await;
    let shown = json(&printed(&plugbay("show", directory.path(), &["--json"])));
    let limiter = json!({
        "plugin": "limiter", "rows": 1, "bytes": 3, "expired": 12, "max_rows": 1000, "max_bytes": 67_108_864,
        "namespaces": [{ "namespace": "hits", "rows": 1, "bytes": 3, "expired": 12 }],
    });
    assert_eq!(shown["plugins"][0], limiter);
    assert_eq!(shown["plugins"][1]["namespaces"].as_array().unwrap().len(), 2);
    let limits = shown["limits"].as_object().unwrap();
    assert_eq!((&limits["from"], &limits["state.key-bytes"], &limits["state.rows"]), (&json!("defaults"), &json!(512), &json!(1000)));
    // All but a namespace's own, which its plugin says.
    assert_eq!(limits.len(), plugbay_state::Limit::ALL.len());
}

#[tokio::test]
async fn one_plugin_is_shown_alone_and_even_without_rows() {
    let directory = tempfile::tempdir().unwrap();
    sample(directory.path()).await;
    let one = json(&printed(&plugbay("show", directory.path(), &["--plugin", "scribe", "--json"])));
    let plugins = one["plugins"].as_array().unwrap();
    assert_eq!((plugins.len(), &plugins[0]["plugin"], &plugins[0]["rows"]), (1, &json!("scribe"), &json!(3)));
    let none = printed(&plugbay("show", directory.path(), &["--plugin", "nobody"]));
    let line: Vec<_> = none.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(line, ["nobody", "(total)", "0", "1000", "0", "67108864", "0"]);
}

#[tokio::test]
async fn an_empty_state_has_no_rows() {
    let directory = tempfile::tempdir().unwrap();
    Sqlite::open(SqliteSettings::new(directory.path())).unwrap().close().await;
    assert_eq!(printed(&plugbay("show", directory.path(), &[])), "no rows\n");
}

#[tokio::test]
async fn sweeping_deletes_what_has_expired_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    sample(directory.path()).await;
    assert_eq!(printed(&plugbay("sweep", directory.path(), &[])), "12 expired rows deleted\n");
    assert_eq!(printed(&plugbay("sweep", directory.path(), &["--json"])), "{\"deleted\":0}\n");
    let shown = json(&printed(&plugbay("show", directory.path(), &["--json"])));
    assert_eq!((&shown["plugins"][0]["rows"], &shown["plugins"][0]["expired"]), (&json!(1), &json!(0)));
}
