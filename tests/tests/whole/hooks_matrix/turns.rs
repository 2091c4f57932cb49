//! Turns, from a plain one to all the ways in which one doesn't come to a plain end.

use super::scene::{Play, Scene};
use crate::agents::{Stage, until};
use plugbay_gateway::{TurnAsked, TurnEnd, TurnEvent, TurnStatus};
use plugbay_runtime::Trigger;
use serde_json::json;

/// Somebody says this in the session `s`, and it ends so.
async fn ends(stage: &Stage, text: &str, status: TurnStatus, message: Option<&str>) -> TurnEnd {
    let end = stage.said("s", text).await;
    assert_eq!((end.status, end.message.as_deref()), (status, message), "{:?}", end.error);
    end
}

/// Somebody says hello.
fn hello(stage: &Stage) -> Play<'_> {
    Box::pin(async move {
        stage.gateway.start().await.unwrap();
        ends(stage, "say hello", TurnStatus::Done, Some("hello")).await;
    })
}

pub(super) fn scenes() -> Vec<Scene> {
    vec![
        a_plain_turn(),
        a_turn_that_is_blocked_with_a_word_for_the_person(),
        a_turn_that_is_blocked_by_a_fault(),
        a_message_that_a_plugin_takes(),
        a_turn_that_a_plugin_answers(),
        an_answer_that_is_sent_back_once(),
        an_answer_that_isn_t_sent(),
    ]
}

fn a_plain_turn() -> Scene {
    Scene {
        asked: "before-dispatch before-agent-reply before-model-resolve agent-turn-prepare before-prompt-build before-agent-run \
                    before-message-write before-message-write before-agent-finalize message-sending",
        told: "session-start agent-events:lifecycle llm-input model-call-started model-call-ended llm-output agent-events:assistant \
                   message-sent agent-events:lifecycle agent-end",
        apart: "gateway-start message-received",
        ..Scene::new("a plain turn", hello)
    }
}

fn a_turn_that_is_blocked_with_a_word_for_the_person() -> Scene {
    Scene {
        does: json!({ "answers": { "before-agent-run": { "block": { "reason": "why", "message": "no" } } } }),
        spared: Some("before-agent-run"),
        asked: "before-dispatch before-agent-reply before-model-resolve agent-turn-prepare before-prompt-build before-agent-run message-sending",
        told: "session-start agent-events:lifecycle message-sent agent-events:lifecycle agent-end",
        apart: "gateway-start message-received",
        ..Scene::new("a turn that is blocked, with a word for the person", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                ends(stage, "say hello", TurnStatus::Blocked, Some("no")).await;
            })
        })
    }
}

fn a_turn_that_is_blocked_by_a_fault() -> Scene {
    Scene {
        does: json!({ "does": { "before-agent-run": "fault" } }),
        spared: Some("before-agent-run"),
        asked: "before-dispatch before-agent-reply before-model-resolve agent-turn-prepare before-prompt-build before-agent-run",
        told: "session-start agent-events:lifecycle agent-events:lifecycle agent-end",
        apart: "gateway-start message-received",
        ..Scene::new("a turn that is blocked by a fault", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                ends(stage, "say hello", TurnStatus::Blocked, None).await;
            })
        })
    }
}

fn a_message_that_a_plugin_takes() -> Scene {
    Scene {
        does: json!({ "answers": { "before-dispatch": { "text": "mine" } } }),
        spared: Some("before-dispatch"),
        asked: "before-dispatch message-sending",
        apart: "gateway-start message-received message-sent",
        ..Scene::new("a message that a plugin takes", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                ends(stage, "say hello", TurnStatus::Taken, Some("mine")).await;
            })
        })
    }
}

fn a_turn_that_a_plugin_answers() -> Scene {
    Scene {
        does: json!({ "answers": { "before-agent-reply": { "reply": "I know" } } }),
        spared: Some("before-agent-reply"),
        asked: "before-dispatch before-agent-reply before-message-write before-message-write message-sending",
        told: "session-start agent-events:lifecycle message-sent agent-events:lifecycle agent-end",
        apart: "gateway-start message-received",
        ..Scene::new("a turn that a plugin answers", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                ends(stage, "say hello", TurnStatus::Done, Some("I know")).await;
            })
        })
    }
}

fn an_answer_that_is_sent_back_once() -> Scene {
    Scene {
        does: json!({ "answers": { "before-agent-finalize": [{ "action": "revise", "retry": { "instruction": "say better" } }] } }),
        asked: "before-dispatch before-agent-reply before-model-resolve agent-turn-prepare before-prompt-build before-agent-run \
                    before-message-write before-message-write before-agent-finalize before-message-write before-message-write \
                    before-agent-finalize message-sending",
        told: "session-start agent-events:lifecycle llm-input model-call-started model-call-ended llm-output agent-events:assistant \
                   llm-input model-call-started model-call-ended llm-output agent-events:assistant message-sent agent-events:lifecycle agent-end",
        apart: "gateway-start message-received",
        ..Scene::new("an answer that is sent back once", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                ends(stage, "say hello", TurnStatus::Done, Some("better")).await;
            })
        })
    }
}

fn an_answer_that_isn_t_sent() -> Scene {
    Scene {
        does: json!({ "answers": { "message-sending": { "cancel": "no" } } }),
        spared: Some("message-sending"),
        asked: "before-dispatch before-agent-reply before-model-resolve agent-turn-prepare before-prompt-build before-agent-run \
                    before-message-write before-message-write before-agent-finalize message-sending",
        told: "session-start agent-events:lifecycle llm-input model-call-started model-call-ended llm-output agent-events:assistant \
                   agent-events:lifecycle agent-end",
        apart: "gateway-start message-received",
        ..Scene::new("an answer that isn't sent", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                ends(stage, "say hello", TurnStatus::Done, None).await;
            })
        })
    }
}

pub(super) fn others() -> Vec<Scene> {
    vec![
        a_heartbeat(),
        a_turn_that_a_schedule_begins(),
        a_turn_that_is_cancelled_while_the_model_speaks_and_one_behind_it_that_waits(),
        a_model_that_fails(),
        a_model_that_there_isn_t(),
        a_turn_whose_model_the_embedder_runs(),
        a_turn_that_nobody_listens_to(),
    ]
}

fn a_heartbeat() -> Scene {
    Scene {
        asked: "before-agent-reply before-model-resolve agent-turn-prepare heartbeat-prompt before-prompt-build before-agent-run \
                    before-message-write before-message-write before-agent-finalize message-sending",
        told: "session-start agent-events:lifecycle llm-input model-call-started model-call-ended llm-output agent-events:assistant \
                   message-sent agent-events:lifecycle agent-end",
        apart: "gateway-start",
        ..Scene::new("a heartbeat", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                let end = stage.gateway.heartbeat("s").await.unwrap().ended().await;
                assert_eq!(end.status, TurnStatus::Done);
            })
        })
    }
}

fn a_turn_that_a_schedule_begins() -> Scene {
    Scene {
        asked: "before-agent-reply before-model-resolve agent-turn-prepare before-prompt-build before-agent-run before-message-write \
                    before-message-write before-agent-finalize message-sending",
        told: "session-start agent-events:lifecycle llm-input model-call-started model-call-ended llm-output agent-events:assistant \
                   message-sent agent-events:lifecycle agent-end",
        apart: "gateway-start",
        ..Scene::new("a turn that a schedule begins", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                let asked = TurnAsked { trigger: Trigger::Schedule, ..TurnAsked::said("s", "test", "say hello") };
                assert_eq!(stage.gateway.turn(asked).await.unwrap().ended().await.status, TurnStatus::Done);
            })
        })
    }
}

fn a_turn_that_is_cancelled_while_the_model_speaks_and_one_behind_it_that_waits() -> Scene {
    Scene {
        asked: "before-dispatch before-agent-reply before-model-resolve agent-turn-prepare before-prompt-build before-agent-run \
                    before-message-write before-dispatch",
        told: "session-start agent-events:lifecycle llm-input model-call-started message-received model-call-ended agent-events:lifecycle \
                   agent-end",
        apart: "gateway-start message-received",
        ..Scene::new("a turn that is cancelled while the model speaks, and one behind it that waits", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                let first = stage.turn("s", "slow 60000\nsay hello").await;
                while stage.heard('a', "model-call-started").await.is_empty() {}
                let second = stage.turn("s", "say never").await;
                for turn in [second, first] {
                    assert!(stage.gateway.cancel(turn.run().unwrap()));
                    assert_eq!(turn.ended().await.status, TurnStatus::Cancelled);
                }
            })
        })
    }
}

fn a_model_that_fails() -> Scene {
    Scene {
        asked: "before-dispatch before-agent-reply before-model-resolve agent-turn-prepare before-prompt-build before-agent-run \
                    before-message-write",
        told: "session-start agent-events:lifecycle llm-input model-call-started model-call-ended agent-events:lifecycle agent-end",
        apart: "gateway-start message-received",
        ..Scene::new("a model that fails", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                ends(stage, "fail server", TurnStatus::Failed, None).await;
            })
        })
    }
}

fn a_model_that_there_isn_t() -> Scene {
    Scene {
        does: json!({ "answers": { "before-model-resolve": { "model": "huge" } } }),
        asked: "before-dispatch before-agent-reply before-model-resolve",
        told: "session-start agent-events:lifecycle agent-events:lifecycle agent-end",
        apart: "gateway-start message-received",
        ..Scene::new("a model that there isn't", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                let end = ends(stage, "say hello", TurnStatus::Failed, None).await;
                assert!(end.error.as_deref().is_some_and(|why| why.contains("`huge`")), "{end:?}");
            })
        })
    }
}

fn a_turn_whose_model_the_embedder_runs() -> Scene {
    Scene {
        asked: "agent-turn-prepare before-prompt-build before-message-write before-message-write",
        told: "session-start agent-events:lifecycle agent-events:lifecycle agent-end",
        apart: "gateway-start",
        ..Scene::new("a turn whose model the embedder runs", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                let mut turn = stage.gateway.prepare_turn(TurnAsked::said("s", "test", "hello")).await.unwrap();
                turn.show().await.unwrap();
                turn.say("hello yourself", &[]).await.unwrap();
                turn.finish(Ok(())).await;
            })
        })
    }
}

fn a_turn_that_nobody_listens_to() -> Scene {
    Scene {
        asked: "before-dispatch before-agent-reply before-model-resolve agent-turn-prepare before-prompt-build before-agent-run \
                    before-message-write before-message-write before-agent-finalize message-sending",
        told: "session-start agent-events:lifecycle llm-input model-call-started model-call-ended llm-output agent-events:assistant \
                   message-sent agent-events:lifecycle agent-end",
        apart: "gateway-start message-received",
        ..Scene::new("a turn that nobody listens to", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                let mut turn = stage.turn("s", "say one\nsay two").await;
                until(&mut turn, |event| matches!(event, TurnEvent::RunStarted { .. })).await;
                drop(turn);
                while stage.heard('a', "agent-end").await.is_empty() {}
            })
        })
    }
}
