//! `/metrics`, as a reader of the format sees it.

use super::client::Load;
use super::stage::Stage;
use hyper::Method;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Samples by name and labels, after checking that the text is of the format.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let (body, end) = text.split_at(text.len() - "# EOF\n".len());
    assert_eq!(end, "# EOF\n");
    let mut types = BTreeMap::new();
    let mut samples = BTreeMap::new();
    for line in body.lines() {
        if let Some(about) = line.strip_prefix("# TYPE ") {
            let (name, kind) = about.split_once(' ').unwrap();
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} twice");
        } else if !line.starts_with('#') {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            let (family, suffix) = ["_total", "_info"].iter().find_map(|s| name.strip_suffix(s).map(|f| (f, *s))).unwrap_or((name, ""));
            let expected = match types.get(family).unwrap_or_else(|| panic!("{name} has no type")).as_str() {
                "counter" => "_total",
                "info" => "_info",
                _ => "",
            };
            assert_eq!(suffix, expected, "{line}");
            assert!(samples.insert(sample.to_owned(), value.parse().unwrap()).is_none(), "{sample} twice");
        }
    }
    samples
}

async fn gather(stage: &Stage) -> BTreeMap<String, f64> {
    let answer = stage.ask(Method::GET, "/metrics", Load::NONE).await;
    assert_eq!(answer.kind(), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    parse(answer.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_plugins_do_is_counted_by_plugin_version_and_export() {
    let stage = Stage::new().await.with_echo().await;
    for tool in ["any", "any", "fail"] {
        let call = Load::json(&json!({ "event": { "tool-name": tool, "params": {} } }));
        stage.ask(Method::POST, "/v1/plugins/echo/hooks/before-tool-call", call).await;
    }
    let version = stage.get("/v1/plugins/echo").await["version"].as_str().unwrap().to_owned();
    let samples = gather(&stage).await;
    let export = format!("plugin=\"echo\",version=\"{version}\",export=\"before-tool-call\"");
    let of = |name: &str| *samples.get(&format!("plugbay_{name}{{{export}}}")).unwrap_or_else(|| panic!("no {name} in {samples:#?}"));
    assert_eq!((of("calls_total"), of("calls_failed_total"), of("calls_faulted_total")), (3.0, 1.0, 0.0));
    assert_eq!((of("calls_cut_total"), of("calls_unserved_total"), of("host_calls_total")), (0.0, 0.0, of("host_calls_total")));
    assert!(of("cpu_seconds_total") > 0.0 && of("memory_peak_bytes") >= 65_536.0);
    let standing: BTreeMap<_, _> = samples.iter().filter(|(name, _)| name.starts_with("plugbay_standing{")).collect();
    assert_eq!(standing.len(), 6);
    let hot: BTreeSet<_> = standing.iter().filter(|(_, value)| ***value != 0.0).map(|(name, _)| name.as_str()).collect();
    assert_eq!(hot, BTreeSet::from(["plugbay_standing{plugin=\"echo\",standing=\"active\"}"]));
    assert_eq!(samples["plugbay_generation{plugin=\"echo\"}"], 1.0);
    assert_eq!(samples["plugbay_context_engine{plugin=\"builtin\"}"], 1.0);
    assert_eq!(samples[&format!("plugbay_warm_cells{{plugin=\"echo\",version=\"{version}\"}}")], 1.0);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_does_not_serve_stands_somewhere_and_the_process_is_there_too() {
    let stage = Stage::new().await.with_echo().await;
    stage.change(Method::POST, "/v1/plugins/echo/disable", Load::NONE).await;
    let samples = gather(&stage).await;
    assert_eq!(samples["plugbay_standing{plugin=\"echo\",standing=\"disabled\"}"], 1.0);
    assert_eq!(samples["plugbay_standing{plugin=\"echo\",standing=\"active\"}"], 0.0);
    assert!(!samples.keys().any(|name| name.starts_with("plugbay_calls")), "{samples:#?}");
    assert_eq!(samples["plugbay_retired_cells"], 0.0);
    assert_eq!(samples[concat!("plugbay_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}")], 1.0);
    assert!(samples["process_cpu_seconds_total"] > 0.0 && samples["process_resident_memory_bytes"] > 1e6);
    assert!(samples["process_open_fds"] > 3.0 && samples["process_start_time_seconds"] > 1.5e9);
    stage.end().await;
}
