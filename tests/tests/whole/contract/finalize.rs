//! Second tries, as guests want them: what several together come to, and how often.

use crate::agents::Ground;
use plugbay_gateway::TurnStatus;
use serde_json::{Value, json};

/// A wish, with a retry.
fn revise(reason: Option<&str>, instruction: &str) -> Value {
    json!({ "action": "revise", "reason": reason, "retry": { "instruction": instruction } })
}

/// A wish whose retry is counted by a key, so often.
fn keyed(key: &str, most: u32) -> Value {
    json!({ "action": "revise", "retry": { "instruction": format!("say {key}"), "key": key, "max-attempts": most } })
}

struct Case {
    name: &'static str,
    /// What the two witnesses answer: always the same, or one of a list after the other.
    wishes: [Value; 2],
    /// What the agent is told in each of two turns.
    told: [&'static [&'static str]; 2],
}

fn cases() -> Vec<Case> {
    let case = |name, first, second, told| Case { name, wishes: [first, second], told };
    let done = || json!({ "action": "finalize" });
    let none = Value::Null;
    vec![
        case("nobody wants anything", none.clone(), json!({ "action": "continue" }), [&[], &[]]),
        case("revise beats continue", json!({ "action": "continue" }), json!([revise(Some("r"), "say i")]), [&["r\n\nsay i"], &[]]),
        case("finalize beats revise before it", json!([revise(Some("r"), "say i")]), done(), [&[], &[]]),
        case("finalize beats revise behind it", done(), json!([revise(Some("r"), "say i")]), [&[], &[]]),
        case(
            "reasons of both, instruction of the first",
            json!([revise(Some("r"), "say i")]),
            json!([revise(Some("s"), "say j")]),
            [&["r\n\ns\n\nsay i"], &[]],
        ),
        case("a reason is enough", json!([{ "action": "revise", "reason": "r" }]), none.clone(), [&["r"], &[]]),
        case("a blank instruction is none", json!([revise(Some("r"), " \n\t")]), none.clone(), [&["r"], &[]]),
        case("and without a reason nothing is wanted", json!([revise(None, " \n\t")]), none.clone(), [&[], &[]]),
        case("an instruction that the reason says", json!([revise(Some("please say i"), "say i")]), none.clone(), [&["please say i"], &[]]),
        case("one attempt if nothing is said, in each run", revise(None, "say i"), none.clone(), [&["say i"], &["say i"]]),
        case("no attempts are one", keyed("k", 0), none.clone(), [&["say k"], &["say k"]]),
        case("as many as the key has, in each run", keyed("k", 2), none.clone(), [&["say k", "say k"], &["say k", "say k"]]),
        case("the same key of two is one", keyed("k", 1), keyed("k", 1), [&["say k"], &["say k"]]),
        case("the first with an attempt left is followed", keyed("k", 1), keyed("l", 1), [&["say k", "say l"], &["say k", "say l"]]),
        case("three in all, whoever wants them", keyed("k", 9), keyed("l", 9), [&["say k"; 3], &["say k"; 3]]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_guests_want_together() {
    let ground = Ground::new();
    for Case { name, wishes: [first, second], told } in cases() {
        let stage = ground.stage();
        stage.witness('a', 900, json!({ "record": false, "answers": { "before-agent-finalize": first } })).await;
        stage.witness('b', 100, json!({ "record": false, "answers": { "before-agent-finalize": second } })).await;
        stage.gateway.start().await.unwrap();
        let mut before = 0;
        for expected in told {
            assert_eq!(stage.said("s", "say hello").await.status, TurnStatus::Done, "{name}");
            let told: Vec<_> =
                stage.words("s").await.into_iter().filter_map(|line| line.strip_prefix("system: ").map(str::to_owned)).collect();
            assert_eq!(told[before..], *expected, "{name}");
            before = told.len();
        }
    }
}

#[tokio::test]
async fn who_fails_has_no_opinion() {
    let stage = Ground::new().stage();
    stage.witness('a', 900, json!({ "does": { "before-agent-finalize": "fault" } })).await;
    stage.witness('b', 100, json!({ "answers": { "before-agent-finalize": [revise(None, "say better")] } })).await;
    stage.gateway.start().await.unwrap();
    let end = stage.said("s", "say hello").await;
    assert_eq!((end.status, end.message.as_deref()), (TurnStatus::Done, Some("better")));
}
