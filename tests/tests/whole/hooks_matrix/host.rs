//! The host: its start and its end, and what becomes of plugins meanwhile.

use super::scene::Scene;
use crate::agents::{toolbox, witness};
use plugbay_gateway::TurnStatus;
use plugbay_guests::{builds, built};
use serde_json::json;
use std::time::Duration;

pub(super) fn scenes() -> Vec<Scene> {
    vec![
        a_host_that_starts_and_is_asked_to_once_more(),
        a_host_that_stops_with_a_session_in_use(),
        a_host_that_stops_with_a_session_that_it_didn_t_use(),
        a_plugin_that_is_installed_and_replaced(),
        an_installation_that_is_blocked(),
        a_plugin_that_gets_other_settings_nobody_is_asked(),
        a_plugin_that_is_switched_off_and_hears_of_nothing_from_then_on(),
        a_plugin_of_another_digest_isn_t_asked_about_itself(),
    ]
}

fn a_host_that_starts_and_is_asked_to_once_more() -> Scene {
    Scene {
        apart: "gateway-start",
        ..Scene::new("a host that starts, and is asked to once more", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                stage.gateway.start().await.unwrap();
            })
        })
    }
}

fn a_host_that_stops_with_a_session_in_use() -> Scene {
    Scene {
        asked: "before-dispatch before-agent-reply before-model-resolve agent-turn-prepare before-prompt-build before-agent-run \
                    before-message-write before-message-write before-agent-finalize message-sending",
        told: "session-start agent-events:lifecycle llm-input model-call-started model-call-ended llm-output agent-events:assistant \
                   message-sent agent-events:lifecycle agent-end session-end",
        apart: "gateway-start message-received gateway-stop",
        ..Scene::new("a host that stops, with a session in use", |stage| {
            Box::pin(async move {
                stage.gateway.start().await.unwrap();
                assert_eq!(stage.said("s", "say hello").await.status, TurnStatus::Done);
                stage.gateway.shutdown(Duration::from_secs(60), Some("a test".into())).await;
            })
        })
    }
}

fn a_host_that_stops_with_a_session_that_it_didn_t_use() -> Scene {
    Scene {
        apart: "gateway-start gateway-stop",
        ..Scene::new("a host that stops, with a session that it didn't use", |stage| {
            Box::pin(async move {
                use plugbay_runtime::state::SessionStore;
                stage.state.ensure_session("s", "life").await.unwrap();
                stage.gateway.start().await.unwrap();
                stage.gateway.shutdown(Duration::from_secs(60), None).await;
            })
        })
    }
}

fn a_plugin_that_is_installed_and_replaced() -> Scene {
    Scene {
        asked: "before-install before-install",
        ..Scene::new("a plugin that is installed, and replaced", |stage| {
            Box::pin(async move {
                stage.load("toolbox-two", &std::fs::read(built::TOOLBOX_TWO).unwrap(), toolbox()).await;
                stage.load("toolbox", &std::fs::read(built::TOOLBOX_LATER).unwrap(), toolbox()).await;
            })
        })
    }
}

fn an_installation_that_is_blocked() -> Scene {
    Scene {
        does: json!({ "answers": { "before-install": { "block": "no licence" } } }),
        spared: Some("before-install"),
        asked: "before-install",
        ..Scene::new("an installation that is blocked", |stage| {
            Box::pin(async move {
                let refused = stage.try_load("toolbox-two", &std::fs::read(built::TOOLBOX_TWO).unwrap(), toolbox()).await;
                let why = refused.err().unwrap().to_string();
                assert!(why.contains("witness-a") && why.contains("no licence"), "{why}");
            })
        })
    }
}

fn a_plugin_that_gets_other_settings_nobody_is_asked() -> Scene {
    Scene {
        spared: Some("cleanup"),
        apart: "cleanup",
        ..Scene::new("a plugin that gets other settings: nobody is asked", |stage| {
            Box::pin(async move {
                let plugin = stage.witness('a', 900, json!({ "seed": 1 })).await;
                assert_eq!(plugin.generation().unwrap().number(), 2);
            })
        })
    }
}

fn a_plugin_that_is_switched_off_and_hears_of_nothing_from_then_on() -> Scene {
    Scene {
        spared: Some("cleanup"),
        apart: "cleanup",
        ..Scene::new("a plugin that is switched off, and hears of nothing from then on", |stage| {
            Box::pin(async move {
                let plugin = stage.gateway.plugins().get("witness-a").unwrap();
                stage.disable(&plugin).await;
                stage.settled().await;
                assert!(plugin.generation().is_none());
            })
        })
    }
}

fn a_plugin_of_another_digest_isn_t_asked_about_itself() -> Scene {
    Scene {
        spared: Some("cleanup"),
        also: "before-install",
        apart: "cleanup",
        ..Scene::new("a plugin of another digest isn't asked about itself", |stage| {
            Box::pin(async move {
                let later = builds::witness('a', 901).unwrap();
                assert_eq!(stage.load("witness-a", &later, witness(json!({}))).await.generation().unwrap().number(), 2);
            })
        })
    }
}
