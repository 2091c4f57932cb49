//! `thread-memory`: what is to be remembered is before the agent from that very turn on, can be asked for, and ends with the session's life.

use super::stage::{Guest, Stage};
use plugbay_guests::built;
use serde_json::json;

fn guest() -> Guest {
    Guest { id: "thread-memory", built: built::THREAD_MEMORY, config: json!({}) }
}

const NOTES: &str = "[Notes of this thread.";
const FACT: &str = ": we deploy on Tuesdays";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fact_is_remembered_until_the_session_is_reset() {
    let stage = Stage::with(&[guest()]).await;
    let shown = stage.answer("s", "remember: we deploy on Tuesdays\nshow messages").await;
    assert!(shown.contains(NOTES) && shown.matches("we deploy on Tuesdays").count() == 2, "the note, and the words: {shown}");
    let stage = stage.again(&[guest()]).await;
    let found = stage.answer("s", "use recall {\"query\":\"deploy\"}").await;
    assert!(found.starts_with("`recall` answered: ") && found.ends_with(FACT), "{found}");
    assert!(stage.shown("s").await.contains(FACT));
    assert!(!stage.answer("another", "show messages").await.contains(NOTES), "it is this thread's");
    stage.gateway.reset("s").await.unwrap();
    stage.settled().await;
    let after = stage.answer("s", "show messages").await;
    assert!(!after.contains(NOTES) && !after.contains("Tuesdays"), "{after}");
    assert!(stage.answer("s", "use recall {\"query\":\"deploy\"}").await.ends_with("Nothing is remembered with \"deploy\"."));
    assert!(stage.command("memory", Some("s")).await.starts_with("Nothing is remembered of this thread."));
}
