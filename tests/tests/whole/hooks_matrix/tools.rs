//! Calls of tools: made, refused, asked about; and what plugins say while they are.

use super::scene::{Play, Scene};
use crate::agents::{Stage, until};
use plugbay_gateway::{ApprovalAnswer, TurnEvent, TurnStatus};
use serde_json::json;

/// What comes before the model's first word, and what after its last.
macro_rules! turn {
    ($between:literal) => {
        concat!(
            "before-dispatch before-agent-reply before-model-resolve agent-turn-prepare before-prompt-build before-agent-run \
             before-message-write before-message-write ",
            $between,
            " tool-result-persist before-message-write before-message-write before-agent-finalize message-sending"
        )
    };
}

/// What is told of a turn with one call of a tool, which tells this in between.
macro_rules! told {
    ($between:literal) => {
        concat!(
            "session-start agent-events:lifecycle llm-input model-call-started model-call-ended llm-output agent-events:assistant \
             agent-events:tool ",
            $between,
            " agent-events:tool llm-input model-call-started model-call-ended llm-output agent-events:assistant message-sent \
             agent-events:lifecycle agent-end"
        )
    };
}

/// What the tool's answer is, as it is written.
async fn uses(stage: &Stage, tool: &str) -> String {
    stage.gateway.start().await.unwrap();
    let end = stage.said("s", &format!("use {tool}\nthen\nsay done")).await;
    assert_eq!((end.status, end.message.as_deref()), (TurnStatus::Done, Some("done")), "{:?}", end.error);
    stage.words("s").await.remove(2)
}

fn adds(stage: &Stage) -> Play<'_> {
    Box::pin(async move { assert_eq!(uses(stage, r#"add {"a":1,"b":2}"#).await, "tool: 3") })
}

fn is_blocked(stage: &Stage) -> Play<'_> {
    Box::pin(async move {
        let answer = uses(stage, r#"add {"a":1,"b":2}"#).await;
        assert!(answer.starts_with("tool: the call was blocked"), "{answer}");
    })
}

pub(super) fn scenes() -> Vec<Scene> {
    vec![
        a_tool_is_called(),
        its_own_tool_is_called(),
        a_call_that_a_plugin_blocks(),
        a_call_that_is_blocked_by_an_error(),
        a_call_that_a_policy_denies(),
        a_tool_that_there_isn_t(),
        arguments_that_the_tool_doesn_t_take(),
        a_tool_that_emits_an_event(),
        a_tool_that_emits_a_reserved_event(),
    ]
}

fn a_tool_is_called() -> Scene {
    Scene {
        asked: turn!("tool-policy before-tool-call"),
        told: told!("after-tool-call"),
        apart: "gateway-start message-received",
        ..Scene::new("a tool is called", adds)
    }
}

fn its_own_tool_is_called() -> Scene {
    Scene {
        spared: None,
        asked: turn!("tool-policy before-tool-call tools"),
        told: told!("after-tool-call"),
        apart: "gateway-start message-received",
        ..Scene::new("its own tool is called", |stage| {
            Box::pin(async move { assert_eq!(uses(stage, r#"witness {"what":1}"#).await, "tool: seen") })
        })
    }
}

fn a_call_that_a_plugin_blocks() -> Scene {
    Scene {
        does: json!({ "answers": { "before-tool-call": { "block": { "reason": "no" } } } }),
        spared: Some("before-tool-call"),
        asked: turn!("tool-policy before-tool-call"),
        told: told!("after-tool-call"),
        apart: "gateway-start message-received",
        ..Scene::new("a call that a plugin blocks", is_blocked)
    }
}

fn a_call_that_is_blocked_by_an_error() -> Scene {
    Scene {
        does: json!({ "does": { "before-tool-call": "err" } }),
        spared: Some("before-tool-call"),
        asked: turn!("tool-policy before-tool-call"),
        told: told!("after-tool-call"),
        apart: "gateway-start message-received",
        ..Scene::new("a call that is blocked by an error", is_blocked)
    }
}

fn a_call_that_a_policy_denies() -> Scene {
    Scene {
        does: json!({ "answers": { "tool-policy": { "deny": "no" } } }),
        spared: Some("tool-policy"),
        asked: turn!("tool-policy"),
        told: told!("after-tool-call"),
        apart: "gateway-start message-received",
        ..Scene::new("a call that a policy denies", is_blocked)
    }
}

fn a_tool_that_there_isn_t() -> Scene {
    Scene {
        asked: turn!(""),
        told: told!("after-tool-call"),
        apart: "gateway-start message-received",
        ..Scene::new("a tool that there isn't", |stage| {
            Box::pin(async move { assert!(uses(stage, "divide {}").await.contains("there is no tool `divide`")) })
        })
    }
}

fn arguments_that_the_tool_doesn_t_take() -> Scene {
    Scene {
        asked: turn!("tool-policy before-tool-call"),
        told: told!("after-tool-call"),
        apart: "gateway-start message-received",
        ..Scene::new("arguments that the tool doesn't take", |stage| {
            Box::pin(async move { assert!(uses(stage, r#"add {"a":1}"#).await.contains("don't fit the schema")) })
        })
    }
}

fn a_tool_that_emits_an_event() -> Scene {
    Scene {
        asked: turn!("tool-policy before-tool-call"),
        told: told!("agent-events:toolbox.step after-tool-call"),
        apart: "gateway-start message-received",
        ..Scene::new("a tool that emits an event", |stage| {
            Box::pin(async move { assert_eq!(uses(stage, r#"emit {"topic":"toolbox.step","data":1}"#).await, "tool: null") })
        })
    }
}

fn a_tool_that_emits_a_reserved_event() -> Scene {
    Scene {
        asked: turn!("tool-policy before-tool-call"),
        told: told!("after-tool-call"),
        apart: "gateway-start message-received",
        ..Scene::new("a tool that emits a reserved event", |stage| {
            Box::pin(async move { assert!(uses(stage, r#"emit {"topic":"lifecycle","data":1}"#).await.contains("lifecycle")) })
        })
    }
}

/// Answers the question of a call.
async fn answered(stage: &Stage, answer: ApprovalAnswer) -> String {
    stage.gateway.start().await.unwrap();
    let mut turn = stage.turn("s", "use add {\"a\":1,\"b\":2}\nthen\nsay done").await;
    let events = until(&mut turn, |event| matches!(event, TurnEvent::ApprovalAsked(_))).await;
    let Some(TurnEvent::ApprovalAsked(asked)) = events.last() else { panic!("{events:?}") };
    stage.gateway.approvals().resolve(&asked.id, answer, "a test").unwrap();
    assert_eq!(turn.ended().await.message.as_deref(), Some("done"));
    stage.words("s").await.remove(2)
}

pub(super) fn questions() -> Vec<Scene> {
    let question = json!({ "approval": { "title": "Really?", "description": "It adds." } });
    vec![
        Scene {
            does: json!({ "answers": { "before-tool-call": question } }),
            spared: Some("approvals"),
            asked: turn!("tool-policy before-tool-call"),
            told: told!("after-tool-call"),
            apart: "gateway-start message-received agent-events:approval agent-events:approval approvals",
            ..Scene::new("a call that a person allows", |stage| {
                Box::pin(async move { assert_eq!(answered(stage, ApprovalAnswer::AllowOnce).await, "tool: 3") })
            })
        },
        Scene {
            does: json!({ "answers": { "tool-policy": question } }),
            spared: Some("approvals"),
            asked: turn!("tool-policy before-tool-call"),
            told: told!("after-tool-call"),
            apart: "gateway-start message-received agent-events:approval agent-events:approval approvals",
            ..Scene::new("a call that a person denies", |stage| {
                Box::pin(async move { assert!(answered(stage, ApprovalAnswer::Deny).await.contains("denied by a test")) })
            })
        },
        Scene {
            does: json!({ "answers": { "before-tool-call": question } }),
            spared: Some("approvals"),
            asked: "before-dispatch before-agent-reply before-model-resolve agent-turn-prepare before-prompt-build before-agent-run \
                    before-message-write before-message-write tool-policy before-tool-call",
            told: "session-start agent-events:lifecycle llm-input model-call-started model-call-ended llm-output agent-events:assistant \
                   agent-events:tool after-tool-call agent-events:lifecycle agent-end",
            apart: "gateway-start message-received agent-events:approval agent-events:approval approvals",
            ..Scene::new("a turn that is cancelled while a person is asked", |stage| {
                Box::pin(async move {
                    stage.gateway.start().await.unwrap();
                    let mut turn = stage.turn("s", "use add {\"a\":1,\"b\":2}").await;
                    until(&mut turn, |event| matches!(event, TurnEvent::ApprovalAsked(_))).await;
                    assert!(stage.gateway.cancel(turn.run().unwrap()));
                    assert_eq!(turn.ended().await.status, TurnStatus::Cancelled);
                })
            })
        },
    ]
}
