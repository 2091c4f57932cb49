//! A host that stops: before, in the midst of and after a change, and while calls are under way.

use crate::counter::{ask, counter, host, id, plugin, put, put_with, refused, restarted, seen, source, until};
use plugbay_engine::CallError;
use plugbay_runtime::{Done, LoadError, Order, Reason, Wanted};
use plugbay_tests::lab::{Lab, granted};
use std::time::Duration;

/// A host whose `counter` has counted to two.
async fn counted_to_two() -> Lab {
    let lab = host().await;
    put(&lab.plugins, &counter("7.0.0", "")).await.unwrap();
    for n in 1..=2 {
        assert_eq!(seen(&plugin(&lab.plugins), "count").await.1, n);
    }
    lab
}

/// What serves after a restart, and whether it was the new one that had been recorded.
async fn after_a_stop(lab: &Lab, swap: Result<Done, LoadError>) {
    assert_eq!(lab.plugins.retired_cells(), 0);
    assert_eq!(refused(ask(&plugin(&lab.plugins), "count").await).0, "disabled");
    let again = restarted(lab).await;
    let expected = if swap.is_ok() { "8.0.0" } else { "7.0.0" };
    let listed = plugin(&again).listing();
    assert_eq!(listed.active.unwrap().version.to_string(), expected, "{swap:?}");
    let wanted = Wanted { source: None, ..Wanted::running(source(&[]), granted()) };
    again.apply(id(), wanted, Order::boot()).await.unwrap();
    assert_eq!(seen(&plugin(&again), "count").await.0, expected);
    // Whatever it was stopped in: the file that is still there is loaded at the next start.
    put_with(&again, &counter("8.0.0", "activate-naps"), granted(), Order::boot()).await.unwrap();
    assert_eq!(seen(&plugin(&again), "count").await.0, "8.0.0");
}

#[tokio::test]
async fn a_stop_before_during_and_after_a_swap_leaves_one_version() {
    for point in ["asked", "activates", "done"] {
        let lab = counted_to_two().await;
        let (component, plugins) = (counter("8.0.0", "activate-naps"), lab.plugins.clone());
        let swap = tokio::spawn(async move { put(&plugins, &component).await });
        match point {
            "asked" => tokio::task::yield_now().await,
            "activates" => until(|| lab.log.contains("8.0.0 activates")).await,
            _ => until(|| swap.is_finished()).await,
        }
        lab.plugins.shutdown(Duration::from_secs(5)).await;
        let swap = swap.await.unwrap();
        assert_eq!(swap.is_ok(), point == "done", "{point}: {swap:?}");
        assert!(swap.as_ref().err().is_none_or(|e| matches!(e.reason, Reason::Stopping)), "{swap:?}");
        after_a_stop(&lab, swap).await;
    }
}

#[tokio::test]
async fn a_stopping_host_takes_no_orders_and_cuts_what_goes_on_too_long() {
    let lab = counted_to_two().await;
    let plugin = plugin(&lab.plugins);
    let (long, ()) = tokio::join!(ask(&plugin, "long-nap"), lab.plugins.shutdown(Duration::from_millis(20)));
    assert!(matches!(long, Err(CallError::Cut(_))), "{long:?}");
    let late = put(&lab.plugins, &counter("8.0.0", "")).await.unwrap_err();
    assert!(matches!(late.reason, Reason::Stopping), "{late}");
    assert!(!lab.log.contains("8.0.0"));
}
