//! `review-assistant`: an answer that claims what didn't happen goes back to the agent, and people see that it did.

use super::stage::{Guest, Stage};
use plugbay_guests::built;
use serde_json::json;

async fn stage() -> Stage {
    Stage::with(&[Guest { id: "review-assistant", built: built::REVIEW_ASSISTANT, config: json!({}) }]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_claims_too_much_goes_back() {
    let stage = stage().await;
    assert_eq!(stage.answer("s", "say Nothing to report.").await, "Nothing to report.");
    assert_eq!(stage.command("reviews", Some("s")).await, "No review has found anything in this session.");
    let answer = stage.answer("s", "say All tests pass.\nthen\nsay I have not run any test.").await;
    assert_eq!(answer, "I have not run any test.");
    let shown = stage.projected("s").await;
    assert_eq!((&shown["sent back"], &shown["put right"], &shown["stood"]), (&json!(1), &json!(1), &json!(0)), "{shown}");
    let told = stage.command("reviews", Some("s")).await;
    assert!(told.starts_with("Sent back 1, put right 1, stood all the same 0.\nBroken: tests-claimed 1."), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_claims_it_again_and_again_stands_in_the_end() {
    let stage = stage().await;
    let stubborn = ["say All tests pass."; 4].join("\nthen\n");
    assert_eq!(stage.answer("s", &stubborn).await, "All tests pass.");
    let shown = stage.projected("s").await;
    assert_eq!((&shown["sent back"], &shown["put right"], &shown["stood"]), (&json!(2), &json!(0), &json!(1)), "{shown}");
}
