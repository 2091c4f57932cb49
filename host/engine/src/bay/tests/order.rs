//! One driver's calls keep their order, however often bays take over from each other.

use super::*;
use std::collections::BTreeMap;

/// One driver lines calls up while bays change; others serve them.
async fn swap_under_a_driver() {
    let log = Arc::new(Mutex::new(BTreeMap::<u32, Vec<u32>>::new()));
    let (mut serving, mut tasks, mut number) = (shared(0), Vec::new(), 0);
    for tenant in 1..=1_000 {
        for _ in 0..3 {
            let (entering, log, this) = (come(&serving, None), log.clone(), number);
            number += 1;
            tasks.push(tokio::spawn(async move {
                let mut lease = entering.await.unwrap();
                lock(&log).entry(*lease.tenant()).or_default().push(this);
                let fresh = lease.cell().is_none();
                yield_now().await;
                if fresh {
                    lease.furnish(cell(0));
                }
            }));
        }
        if tenant % 3 == 0 {
            yield_now().await;
        }
        let next = shared(tenant);
        serving.lead_to(&next);
        serving = next;
    }
    for task in tasks {
        task.await.unwrap();
    }
    let log = lock(&log);
    assert!(log.len() > 100, "the calls were spread over {} bays", log.len());
    let all: Vec<_> = log.values().flatten().copied().collect();
    assert_eq!(all, (0..3_000).collect::<Vec<_>>(), "each bay served in order, and an earlier bay earlier calls");
}

#[tokio::test]
async fn order_holds_over_a_thousand_changes() {
    swap_under_a_driver().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_holds_over_a_thousand_changes_on_several_threads() {
    swap_under_a_driver().await;
}
