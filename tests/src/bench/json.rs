//! `json-10k`: checking JSON text, against serde_json reading it into `IgnoredAny`, which checks the grammar and keeps nothing.
//!
//! Three shapes of 10 KB: prose in strings, lists of numbers, many small objects. The row is the worst of them; the others are in its notes.

use super::rounds::{Compared, nanos_each};
use super::row::Row;
use anyhow::{Context, Result};
use plugbay_runtime::Json;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Checks in a row.
const BATCH: u32 = 500;

/// Bytes of a document.
const SIZE: usize = 10_000;

pub(super) async fn check(rounds: usize) -> Result<Vec<Row>> {
    let mut all = Vec::new();
    for (shape, item) in [("prose", prose as fn(u64) -> Value), ("numbers", numbers), ("objects", objects)] {
        all.push((shape, compare(&document(item), rounds).await?));
    }
    let notes: Vec<String> = all.iter().map(|(shape, compared)| format!("{shape} {:.2}", compared.ratio())).collect();
    let (shape, worst) = all.iter().max_by(|a, b| a.1.ratio().total_cmp(&b.1.ratio())).context("there are three shapes")?;
    let row = worst.row(("json-10k", "ns"), "serde_json::from_str::<IgnoredAny>", 1.5);
    Ok(vec![row.note(format!("the worst of: {}; the row is {shape}", notes.join(", ")))])
}

async fn compare(text: &str, rounds: usize) -> Result<Compared> {
    let shared: Arc<str> = text.into();
    let ours = async || {
        let start = Instant::now();
        for _ in 0..BATCH {
            black_box(Json::check(black_box(shared.clone()))?);
        }
        Ok(nanos_each(start, BATCH))
    };
    let serde = async || {
        let start = Instant::now();
        for _ in 0..BATCH {
            black_box(serde_json::from_str::<IgnoredAny>(black_box(&*shared))?);
        }
        Ok(nanos_each(start, BATCH))
    };
    Compared::measure(rounds, ours, serde).await
}

/// As many items as make 10 KB.
fn document(item: fn(u64) -> Value) -> String {
    let mut items = Vec::new();
    let mut size = 0;
    while size < SIZE {
        let next = item(items.len() as u64).to_string();
        size += next.len() + 1;
        items.push(next);
    }
    format!(r#"{{"items":[{}]}}"#, items.join(","))
}

fn prose(n: u64) -> Value {
    let text = "She said: \"It depends.\" Then she read the letter again, slowly, and put it back where it had been.\n";
    json!({ "role": if n.is_multiple_of(2) { "user" } else { "assistant" }, "content": text.repeat(3) })
}

fn numbers(n: u64) -> Value {
    json!([1_700_000_000 + n * 60, n, n as f64 * 0.125, -0.75, 1e-9])
}

fn objects(n: u64) -> Value {
    json!({ "id": n, "tag": "a", "on": true, "at": { "x": n % 7, "y": null } })
}
