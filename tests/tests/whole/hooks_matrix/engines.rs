//! The context engine: what the plugin in the slot is called for, in which order and how often, as it writes it down itself. Nobody else is called for any of it.

use crate::agents::{Ground, Stage, all};
use plugbay_gateway::TurnStatus;
use plugbay_guests::{built, engines::engine};
use plugbay_runtime::state::StateStore;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::Duration;

/// What happens, and the calls that come of it, by their names without `context-`.
const SCENES: &[(&str, &str)] = &[
    ("turn", "bootstrap maintain assemble ingest turn maintain dispose"),
    ("turn with a tool", "maintain assemble assemble ingest turn maintain dispose"),
    ("turn that fails", "maintain assemble dispose"),
    ("turn after that", "ingest maintain assemble ingest turn maintain dispose"),
    ("compaction", "maintain assemble compact assemble dispose"),
    ("turn that has a subagent made", "maintain assemble spawn assemble ingest turn maintain dispose"),
    ("turn that has it deleted", "maintain assemble spawn-end assemble ingest turn maintain dispose"),
];

/// The hooks that these scenes fire.
pub(super) fn fires() -> BTreeSet<&'static str> {
    let words: BTreeSet<&str> = SCENES.iter().flat_map(|(_, calls)| calls.split(' ')).collect();
    let known = plugbay_runtime::HOOKS.iter().map(|hook| hook.name);
    known.filter(|name| name.strip_prefix("context-").is_some_and(|name| words.contains(name))).collect()
}

/// What happens in the session `s`.
async fn play(stage: &Stage, scene: &str) {
    let (said, ends) = match scene {
        "turn" | "turn after that" => ("say so", TurnStatus::Done),
        "turn with a tool" => ("use add {\"a\":1,\"b\":2}\nthen\nsay so", TurnStatus::Done),
        "turn that fails" => ("fail server", TurnStatus::Failed),
        "turn that has a subagent made" => {
            ("use crew-a-delegate {\"name\":\"helper\",\"message\":\"say it\",\"wait\":60000}\nthen\nsay so", TurnStatus::Done)
        }
        "turn that has it deleted" => ("use crew-a-delete {\"name\":\"helper\"}\nthen\nsay so", TurnStatus::Done),
        other => panic!("nobody plays {other}"),
    };
    assert_eq!(stage.said("s", said).await.status, ends, "{scene}");
}

/// What the engine was called for about the session `s`, since it wrote so many rows.
async fn calls(stage: &Stage, skip: usize) -> Vec<String> {
    let rows = stage.state.export(None, NonZeroUsize::new(10_000).unwrap()).await.unwrap();
    let its = rows.into_iter().filter(|row| row.id.owner.as_str() == "engine-a" && row.id.namespace == "calls");
    let mut its: Vec<(String, Value)> = its.map(|row| (row.id.key, serde_json::from_str(&row.value).unwrap())).collect();
    its.sort_by(|one, other| one.0.cmp(&other.0));
    let of_s = its.into_iter().map(|(_, call)| call).filter(|call| call["session"] == "s");
    of_s.skip(skip).map(|call| call["method"].as_str().unwrap().trim_start_matches("context-").to_owned()).collect()
}

/// The same once there are so many, since an engine is let go behind the answer; what there is, if there aren't for long.
async fn at_last(stage: &Stage, skip: usize, count: usize) -> Vec<String> {
    for _ in 0..1_000 {
        let found = calls(stage, skip).await;
        if found.len() >= count {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    calls(stage, skip).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_is_called_where_and_as_often_as_it_says() {
    let ground = Ground::new();
    let stage = ground.stage();
    stage.toolbox().await;
    stage.load("crew-a", &std::fs::read(built::CREW).unwrap(), all()).await;
    // One that could serve as well, and isn't in the slot.
    stage.load("engine-b", &engine('b').build().unwrap(), all()).await;
    let engine = stage.load("engine-a", &engine('a').foreground().build().unwrap(), all()).await;
    stage.gateway.contexts().set_engine(Some(engine.id().clone()));
    stage.gateway.start().await.unwrap();
    let (mut seen, mut wrong) = (0, Vec::new());
    for (scene, expected) in SCENES {
        if *scene == "compaction" {
            stage.gateway.compact("s", None).await.unwrap().unwrap();
        } else {
            play(&stage, scene).await;
        }
        let found = at_last(&stage, seen, expected.split(' ').count()).await;
        seen += found.len();
        if found.join(" ") != *expected {
            wrong.push(format!("{scene}\n  expected {expected}\n  found    {}", found.join(" ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let others = stage.state.export(None, NonZeroUsize::new(10_000).unwrap()).await.unwrap();
    assert!(others.iter().all(|row| row.id.owner.as_str() != "engine-b"), "nobody else is called");
}

/// It hears of a conversation behind all who may keep the turn from running.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_hears_nothing_of_a_turn_that_does_not_run() {
    let stage = Ground::new().stage();
    stage.witness('a', 900, json!({ "answers": { "before-agent-run": { "block": { "reason": "not today" } } } })).await;
    let engine = stage.load("engine-a", &engine('a').foreground().build().unwrap(), all()).await;
    stage.gateway.contexts().set_engine(Some(engine.id().clone()));
    stage.gateway.start().await.unwrap();
    assert_eq!(stage.said("s", "say so").await.status, TurnStatus::Blocked);
    stage.settled().await;
    assert_eq!(calls(&stage, 0).await, Vec::<String>::new());
}
