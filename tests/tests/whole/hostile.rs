//! What hostile components try over several calls. The table of those that need one is in a program of its own: `tests/hostile.rs`.

use crate::lab;
use plugbay_engine::{CallError, Fault, Limit};
use plugbay_guests::odd;
use plugbay_runtime::{BeforeToolCall, Call, Session};
use plugbay_tests::lab::{granted, tool_call};
use serde_json::json;

/// A cell whose table of handles is full is replaced, not kept in that state.
#[tokio::test]
async fn a_hoard_of_handles_costs_one_call_at_a_time() {
    let lab = lab();
    let (plugin, _) = lab.load("handle-hoard", &odd::handle_hoard(), granted()).await.unwrap();
    let call = Call::new().session(Session::new("main", "1"));
    let mut failed_before = false;
    let mut failures = 0;
    for _ in 0..30 {
        if failures == 4 {
            return; // one more within a minute, and its breaker opens
        }
        let answer = plugin.call::<BeforeToolCall>(&call, &tool_call("x", &json!({}))).await;
        if let Err(error) = &answer {
            assert!(matches!(error, CallError::Fault(Fault::Limit(o)) if o.limit == Limit::Handles), "{error}");
            assert!(!failed_before, "twice in a row");
            failures += 1;
        }
        failed_before = answer.is_err();
    }
    panic!("{failures} failures in 30 calls");
}
