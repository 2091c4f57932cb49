//! What is kept of dispatches.

use super::stage::{SILENT, Stage, blocks, gate, rewrites, tool_call};
use plugbay_gateway::runtime::Call;
use plugbay_gateway::{HooksSettings, ReceiptsSettings};
use serde_json::json;

async fn fire_in(stage: &Stage, run: &str) {
    stage.hooks.before_tool_call(&Call::new().run(run), tool_call("any", &json!({}))).await;
}

fn bounded(receipts: ReceiptsSettings) -> Stage {
    Stage::with(HooksSettings { receipts, ..HooksSettings::default() })
}

#[tokio::test]
async fn a_run_s_receipts_are_kept_in_order_and_others_are_not() {
    let stage = Stage::new();
    fire_in(&stage, "early").await;
    assert!(stage.hooks.receipts("early").is_empty(), "nobody handled it");
    stage.load("gate", gate("gate", 0, SILENT)).await;
    stage.fire("without a run").await;
    fire_in(&stage, "r").await;
    fire_in(&stage, "other").await;
    fire_in(&stage, "r").await;
    let receipts = stage.hooks.receipts("r");
    assert_eq!(receipts.len(), 2);
    assert!(receipts[0].invocation < receipts[1].invocation);
    assert_eq!((receipts[0].hook, receipts[0].run.as_deref()), ("before-tool-call", Some("r")));
}

#[tokio::test]
async fn the_oldest_runs_are_forgotten() {
    let stage = bounded(ReceiptsSettings { runs: 2, ..ReceiptsSettings::default() });
    stage.load("gate", gate("gate", 0, SILENT)).await;
    for run in ["a", "b", "a", "c"] {
        fire_in(&stage, run).await;
    }
    assert_eq!(["a", "b", "c"].map(|run| stage.hooks.receipts(run).len()), [0, 1, 1]);
}

#[tokio::test]
async fn what_is_beyond_a_run_s_bound_is_counted() {
    let stage = bounded(ReceiptsSettings { each_run: 3, ..ReceiptsSettings::default() });
    stage.load("gate", gate("gate", 0, SILENT)).await;
    for _ in 0..5 {
        fire_in(&stage, "r").await;
    }
    assert_eq!((stage.hooks.receipts("r").len(), stage.hooks.receipts_beyond("r")), (3, 2));
}

#[tokio::test]
async fn so_many_bytes_are_kept() {
    let stage = bounded(ReceiptsSettings { bytes: 4_000, ..ReceiptsSettings::default() });
    stage.load("gate", gate("gate", 0, SILENT)).await;
    let runs: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    for run in &runs {
        fire_in(&stage, run).await;
    }
    let kept: Vec<_> = runs.iter().filter(|run| !stage.hooks.receipts(run).is_empty()).collect();
    assert!((2..30).contains(&kept.len()) && kept.last() == Some(&&runs[99]), "{kept:?}");
}

#[tokio::test]
async fn what_plugins_said_is_shown_and_kept_short() {
    let stage = Stage::new();
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(5_000));
    stage.load("long", rewrites("long", 2, &long)).await;
    stage.load("guard", blocks("guard", 1, "no")).await;
    let call = Call::new().run("r");
    let dispatched = stage.hooks.before_tool_call(&call, tool_call("any", &json!({}))).await;
    let said =
        |receipt| serde_json::to_value(receipt).unwrap()["ran"].as_array().unwrap().iter().map(|r| r["said"].clone()).collect::<Vec<_>>();
    let whole = said(&*dispatched.receipt);
    assert_eq!(whole[0]["wants"]["params"]["text"].as_str().map(str::len), Some(5_000));
    assert_eq!(whole[1], json!({ "ended": { "block": "no" } }));
    let kept = said(&stage.hooks.receipts("r")[0]);
    assert!(kept[0]["wants"]["truncated"]["bytes"].as_u64().is_some_and(|bytes| bytes > 5_000), "{kept:?}");
    assert_eq!(kept[1], whole[1]);
    let row = &serde_json::to_value(&*dispatched.receipt).unwrap()["ran"][1];
    assert!(row["took-us"].is_u64() && row["extra-cell"] == false && row["generation"] == 1, "{row}");
}
