//! Every row of the hostile table, one round each. `cargo xtask hostile` runs them a hundred times and watches memory.
//!
//! It is a program of its own because it looks at the processor time and the children of its process, which no other test may share.

#![cfg(test)]

use plugbay_tests::hostile;
use std::path::Path;

#[test]
fn every_hostile_component_is_contained() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let rows = runtime.block_on(hostile::run_once(Path::new(env!("CARGO_BIN_EXE_compile-child")))).unwrap();
    let escaped: Vec<_> = rows.iter().filter(|row| !row.contained()).map(|row| format!("{}: {}", row.name, row.verdict())).collect();
    assert!(escaped.is_empty(), "{escaped:#?}");
    assert!(rows.len() > 100, "{} rows", rows.len());
}
