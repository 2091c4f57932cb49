//! Sessions: their lives, and what plugins keep about them.

use super::scene::Scene;
use crate::agents::all;
use plugbay_gateway::TurnStatus;
use plugbay_guests::built;
use plugbay_runtime::Json;
use serde_json::json;
use std::num::NonZeroUsize;

/// What is asked in a plain turn.
macro_rules! turn {
    () => {
        "before-dispatch before-agent-reply before-model-resolve agent-turn-prepare before-prompt-build before-agent-run \
         before-message-write before-message-write before-agent-finalize message-sending "
    };
}

/// What is told of one, in a session that there is.
macro_rules! told {
    () => {
        "agent-events:lifecycle llm-input model-call-started model-call-ended llm-output agent-events:assistant message-sent \
         agent-events:lifecycle agent-end "
    };
}

pub(super) fn scenes() -> Vec<Scene> {
    vec![
        a_second_turn_of_a_session(),
        a_session_that_is_reset_and_one_that_there_isn_t(),
        a_conversation_that_is_compacted(),
        a_subagent_that_works_for_a_session(),
        a_session_that_is_deleted_and_one_that_there_isn_t(),
        state_that_is_patched_once_unset_and_listed_often(),
    ]
}

fn a_second_turn_of_a_session() -> Scene {
    Scene {
        asked: concat!(turn!(), turn!()),
        told: concat!("session-start ", told!(), "message-received ", told!()),
        apart: "gateway-start message-received",
        ..Scene::new("a second turn of a session", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                for _ in 0..2 {
                    assert_eq!(stage.said("s", "say hello").await.status, TurnStatus::Done);
                    stage.settled().await;
                }
            })
        })
    }
}

fn a_session_that_is_reset_and_one_that_there_isn_t() -> Scene {
    Scene {
        asked: turn!(),
        told: concat!("session-start ", told!(), "before-reset session-end session-start cleanup"),
        apart: "gateway-start message-received",
        ..Scene::new("a session that is reset, and one that there isn't", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                stage.said("s", "say hello").await;
                assert!(stage.gateway.reset("s").await.unwrap().is_some());
                assert_eq!(stage.gateway.reset("nobody's").await.unwrap(), None);
            })
        })
    }
}

fn a_conversation_that_is_compacted() -> Scene {
    Scene {
        asked: concat!(turn!(), turn!(), turn!()),
        told: concat!(
            "session-start ",
            told!(),
            "message-received ",
            told!(),
            "message-received ",
            told!(),
            "before-compaction after-compaction"
        ),
        apart: "gateway-start message-received",
        ..Scene::new("a conversation that is compacted", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                for _ in 0..3 {
                    stage.said("s", &format!("say {}", "hello ".repeat(100))).await;
                    stage.settled().await;
                }
                assert!(stage.gateway.compact("s", None).await.unwrap().unwrap().compacted);
                assert_eq!(stage.gateway.compact("nobody's", None).await.unwrap(), None);
            })
        })
    }
}

/// What is asked and told in the subagent's own session isn't looked at here: it is a turn like any other.
fn a_subagent_that_works_for_a_session() -> Scene {
    Scene {
        asked: "before-install before-dispatch before-agent-reply before-model-resolve agent-turn-prepare before-prompt-build \
                before-agent-run before-message-write before-message-write tool-policy before-tool-call tool-result-persist before-message-write \
                before-message-write before-agent-finalize message-sending",
        told: "session-start agent-events:lifecycle llm-input model-call-started model-call-ended llm-output agent-events:assistant \
               agent-events:tool subagent-spawned subagent-ended after-tool-call agent-events:tool llm-input model-call-started \
               model-call-ended llm-output agent-events:assistant message-sent agent-events:lifecycle agent-end",
        apart: "gateway-start message-received",
        ..Scene::new("a subagent that works for a session", |stage| {
            Box::pin(async move {
                stage.load("crew-a", &std::fs::read(built::CREW).unwrap(), all()).await;
                stage.gateway.start().await.unwrap();
                let errand = r#"{"name":"helper","message":"say it","wait":60000}"#;
                let end = stage.said("s", &format!("use crew-a-delegate {errand}\nthen\nsay done")).await;
                assert_eq!((end.status, end.message.as_deref()), (TurnStatus::Done, Some("done")), "{:?}", end.error);
            })
        })
    }
}

fn a_session_that_is_deleted_and_one_that_there_isn_t() -> Scene {
    Scene {
        asked: turn!(),
        told: concat!("session-start ", told!(), "session-end cleanup"),
        apart: "gateway-start message-received",
        ..Scene::new("a session that is deleted, and one that there isn't", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                stage.said("s", "say hello").await;
                // Who is told after the end of something that came before finds its session gone.
                stage.settled().await;
                assert!(stage.gateway.delete("s").await.unwrap());
                assert!(!stage.gateway.delete("nobody's").await.unwrap());
            })
        })
    }
}

fn state_that_is_patched_once_unset_and_listed_often() -> Scene {
    Scene {
        spared: None,
        asked: concat!(turn!(), "session-projection"),
        told: concat!("session-start ", told!()),
        apart: "gateway-start message-received",
        ..Scene::new("state that is patched once, unset and listed often", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                stage.said("s", "say hello").await;
                let patch = |value| stage.gateway.patch_state("s", "witness-a", "seen", value);
                patch(Some(Json::from_value(&json!(1)).unwrap())).await.unwrap();
                for _ in 0..10 {
                    let listed = stage.gateway.sessions(None, NonZeroUsize::MIN).await.unwrap();
                    assert_eq!(listed[0].shown.len(), 1, "{listed:?}");
                    assert!(stage.gateway.session("s").await.unwrap().is_some());
                }
                patch(None).await.unwrap();
                let other = stage.gateway.patch_state("s", "witness-a", "unheard-of", None).await;
                assert!(other.is_err(), "{other:?}");
            })
        })
    }
}
