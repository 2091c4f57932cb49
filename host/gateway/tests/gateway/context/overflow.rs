//! Conversations that are too long.

use super::stage::{Liar, calls, calls_with, does, ids, load, methods, of, quarantine, serving, shown};
use crate::turns::stage::{Stage, settings};
use plugbay_gateway::model::{ModelWindow, Models, OfflineModel};
use plugbay_gateway::runtime::state::SessionStore;
use plugbay_gateway::{GatewaySettings, TurnStatus};
use plugbay_guests::engines::engine;
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// A model that refuses more than so many tokens, and says that it takes more.
async fn refusing(tokens: u64) -> Stage {
    Stage::started_with(GatewaySettings { models: Models::new(Arc::new(Liar::taking(tokens))), ..settings() }).await
}

/// So many turns of some fifty tokens each.
async fn talk(stage: &Stage, session: &str, turns: usize) {
    for n in 0..turns {
        stage.answer(session, &format!("say {n} {}", "word ".repeat(20))).await;
    }
}

#[tokio::test]
async fn what_the_model_refuses_is_compacted_by_the_builtin_engine_and_told_again() {
    let stage = refusing(1_500).await;
    let witness = stage.witness('a', json!({})).await;
    talk(&stage, "s", 40).await;
    let life = stage.gateway.session("s").await.unwrap().unwrap().id;
    let compactions = stage.state.compactions("s", &life).await.unwrap();
    assert!(!compactions.is_empty(), "it was compacted on the way");
    let told = shown(&stage, "s").await;
    assert!(told[0].contains("summarised") && told.len() < 80, "{told:?}");
    assert!(told.iter().any(|words| words.starts_with("say 39 ")), "{told:?}");
    let (before, after) = (stage.witnessed_by(&witness, "before-compaction").await, stage.witnessed_by(&witness, "after-compaction").await);
    assert_eq!((before.len(), after.len()), (compactions.len(), compactions.len()), "each was told, and told to have succeeded");
}

#[tokio::test]
async fn an_engine_compacts_and_assembles_again() {
    let stage = refusing(1_500).await;
    let plugin = serving(&stage, engine('a').foreground().owns_compaction(), does(&json!({}))).await;
    talk(&stage, "s", 40).await;
    let seen = calls(&stage, &plugin).await;
    let compactions = of(&seen, "compact");
    assert!(!compactions.is_empty());
    let at = methods(&seen).iter().position(|method| *method == "compact").unwrap();
    assert_eq!(methods(&seen[at - 1..at + 2]), ["assemble", "compact", "assemble"]);
    assert_eq!(seen[at - 1]["event"]["call"], seen[at + 1]["event"]["call"], "for the same call of the model");
    let asked = &compactions[0]["event"];
    assert_eq!((&asked["reason"], &asked["forced"]), (&json!("overflow"), &json!(true)));
    assert!(asked["tokens"].as_u64() > Some(1_000), "what it took when it was refused: {asked}");
    let life = stage.gateway.session("s").await.unwrap().unwrap().id;
    assert!(stage.state.compactions("s", &life).await.unwrap().is_empty(), "the built-in engine has no part in it");
}

#[tokio::test]
async fn after_three_compactions_that_do_nothing_the_turn_fails_and_says_so() {
    let stage = refusing(1_500).await;
    let nothing = json!({ "context-compact": [{ "answer": { "compacted": false, "why": "it is all needed" } }] });
    let plugin = serving(&stage, engine('a').foreground().owns_compaction(), does(&nothing)).await;
    let mut turns = 0;
    let end = loop {
        let end = stage.said("s", &format!("say {turns} {}", "word ".repeat(20))).await;
        turns += 1;
        if end.status != TurnStatus::Done {
            break end;
        }
    };
    let error = end.error.unwrap();
    assert!(error.contains("too-long") && error.contains("3 times") && error.contains("it is all needed"), "{error}");
    let seen = calls_with(&stage, &plugin, "dispose", turns).await;
    assert_eq!(of(&seen, "compact").len(), 3);
    let run = &stage.runs("s").await[0].run;
    let of_it: Vec<Value> = seen.iter().filter(|call| call["run"] == json!(run)).cloned().collect();
    let again = ["compact", "assemble"];
    assert_eq!(
        methods(&of_it),
        [&["maintain", "assemble"][..], &again, &again, &again, &["dispose"]].concat(),
        "and nobody is told that it is done"
    );
    assert!(stage.gateway.contexts().quarantined().is_empty(), "it did nothing wrong");
}

#[tokio::test]
async fn an_engine_that_fails_to_compact_is_out_and_the_conversation_goes_on() {
    let stage = refusing(1_500).await;
    serving(&stage, engine('a').foreground().owns_compaction(), does(&json!({ "context-compact": ["trap"] }))).await;
    talk(&stage, "s", 40).await;
    assert_eq!(quarantine(&stage).operation, "context-compact");
    assert_eq!(stage.answer("s", "say on").await, "on");
}

#[tokio::test]
async fn a_turn_that_is_too_long_all_by_itself_says_what_takes_how_much() {
    let models = Models::new(Arc::new(OfflineModel::default().within(ModelWindow::of(2_000))));
    let stage = Stage::started_with(GatewaySettings { models, system_prompt: Some("Be kind.".into()), ..settings() }).await;
    stage.answer("s", "say one").await;
    let end = stage.said("s", &"word ".repeat(3_000)).await;
    let error = end.error.unwrap();
    for words in
        ["What was said in this turn takes 3", "the instructions 7 (setting `agent.system-prompt`)", "2000 (setting `model.window`)"]
    {
        assert!(error.contains(words), "{words}: {error}");
    }
    let refused = refusing(1_500).await;
    let error = refused.said("s", &"word ".repeat(3_000)).await.error.unwrap();
    assert!(error.contains("too-long") && error.contains("What was said in this turn takes 3"), "the model's own words: {error}");
    assert_eq!(refused.answer("s", "say on").await, "on", "it isn't told whole to the next turn");
}

#[tokio::test]
async fn what_does_not_fit_is_summarised_before_the_model_is_asked() {
    let history_tokens = NonZeroUsize::new(1_000).unwrap();
    let stage = Stage::started_with(GatewaySettings { history_tokens, ..settings() }).await;
    talk(&stage, "s", 40).await;
    let life = stage.gateway.session("s").await.unwrap().unwrap().id;
    let compactions = stage.state.compactions("s", &life).await.unwrap();
    assert!(compactions.len() > 1 && compactions.is_sorted_by_key(|compaction| compaction.entries), "{compactions:?}");
    let told = shown(&stage, "s").await;
    assert!(told[0].contains("summarised") && told.iter().any(|words| words.starts_with("say 39 ")), "{told:?}");
    let newest = compactions.last().unwrap();
    let all = ids(&stage, "s").await;
    assert!(newest.entries as usize + told.len() >= all.len() - 1, "what isn't told is in the summary");
}

#[tokio::test]
async fn one_long_message_is_no_reason_to_forget_what_came_before_it() {
    let history_tokens = NonZeroUsize::new(4_000).unwrap();
    let stage = Stage::started_with(GatewaySettings { history_tokens, ..settings() }).await;
    talk(&stage, "s", 60).await;
    let life = stage.gateway.session("s").await.unwrap().unwrap().id;
    let before = stage.state.compactions("s", &life).await.unwrap();
    // It takes all the room that there is.
    stage.answer("s", &format!("say {}", "word ".repeat(3_900))).await;
    assert_eq!(stage.state.compactions("s", &life).await.unwrap(), before, "nothing is written down because of one turn");
    stage.answer("s", "say on").await;
    let newest = stage.state.compaction("s", &life).unwrap().unwrap();
    assert!(newest.summary.contains("say 59 word") && newest.summary.len() > 1_000, "it has as much room as ever: {}", newest.summary);
}

#[tokio::test]
async fn an_engine_that_comes_close_to_its_budget_is_asked_to_compact_unless_that_is_its_own() {
    let stage = Stage::started().await;
    let close = json!({ "context-assemble": [{ "answer": { "parts": [], "estimated-tokens": 90_000 } }] });
    let plugin = serving(&stage, engine('a'), does(&close)).await;
    stage.answer("s", "say one").await;
    let seen = calls_with(&stage, &plugin, "dispose", 1).await;
    assert_eq!(methods(&seen), ["bootstrap", "assemble", "ingest", "turn", "maintain", "compact", "dispose"]);
    let asked = of(&seen, "compact")[0];
    assert_eq!((&asked["event"]["reason"], &asked["event"]["forced"]), (&json!("threshold"), &json!(false)));
    assert_ne!(asked["cell"], of(&seen, "assemble")[0]["cell"], "in a cell of its own");
    assert_ne!(of(&seen, "maintain")[0]["cell"], of(&seen, "assemble")[0]["cell"]);

    let owner = serving(&stage, engine('b').owns_compaction(), does(&close)).await;
    stage.answer("s", "say two").await;
    assert!(of(&calls_with(&stage, &owner, "dispose", 1).await, "compact").is_empty());
    let far = json!({ "context-assemble": [{ "answer": { "parts": [], "estimated-tokens": 70_000 } }] });
    load(&stage, engine('b').owns_compaction(), does(&far)).await;
    let calm = serving(&stage, engine('c'), does(&far)).await;
    stage.answer("s", "say three").await;
    assert!(of(&calls_with(&stage, &calm, "dispose", 1).await, "compact").is_empty());
}
