//! The keyed store's rules on every backend, and six processes on one file.

use plugbay_tests::conformance::{InMemory, Make, NOT_OURS, OnDisk, processes, rules, run, uncovered};
use std::collections::BTreeSet;
use std::path::Path;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_keeps_every_rule() {
    keeps_every_rule(InMemory::make, rules().filter(|rule| rule.durable).count()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_every_rule() {
    keeps_every_rule(OnDisk::make, 0).await;
}

async fn keeps_every_rule(make: Make, skipped: usize) {
    let report = run(make).await.unwrap();
    println!("{report}");
    assert!(report.broken.is_empty(), "{report}");
    assert_eq!(report.skipped.len(), skipped);
    assert_eq!(report.held.len() + skipped, rules().count());
}

#[test]
fn every_section_has_a_rule_or_a_reason() {
    for part in NOT_OURS {
        println!("not ours: {} {}: {}", part.section, part.what, part.reason);
    }
    assert_eq!(uncovered(), Vec::<String>::new());
    let names: BTreeSet<_> = rules().map(|rule| rule.name).collect();
    assert_eq!(names.len(), rules().count(), "two rules have one name");
}

#[tokio::test]
async fn six_processes_share_a_file_and_lose_nothing() {
    const OPERATIONS: u64 = 250;
    for seed in [0x5eed, 0xbeef] {
        let folder = tempfile::tempdir().unwrap();
        processes::prepare(folder.path()).await.unwrap();
        let tallies = processes::run(Path::new(env!("CARGO_BIN_EXE_state-worker")), folder.path(), 6, seed, OPERATIONS).unwrap();
        processes::judge(folder.path(), &tallies, OPERATIONS).await.unwrap();
        let conflicts: u64 = tallies.iter().map(|tally| tally.conflicts).sum();
        let slowest = tallies.iter().map(|tally| tally.slowest_ms).max();
        println!("seed {seed:#x}: {conflicts} conflicts, the slowest operation took {slowest:?} ms");
    }
}
