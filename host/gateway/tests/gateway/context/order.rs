//! When an engine is told what.

use super::stage::{calls, calls_with, does, id, ids, ingested, load, methods, of, serving};
use crate::dying::Dying;
use crate::turns::stage::{Stage, settings};
use plugbay_gateway::runtime::state::{Cursor, EngineSpot, Memory, NewEntry, RunStatus, SessionStore};
use plugbay_gateway::runtime::{Order, Trigger};
use plugbay_gateway::{GatewaySettings, Recovered, TurnAsked, TurnStatus};
use plugbay_guests::engines::engine;
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

fn spot<'a>(engine: &'a str, life: &'a str) -> EngineSpot<'a> {
    EngineSpot { engine, session: "s", life }
}

#[tokio::test]
async fn a_turn_with_a_tool_goes_through_all_of_it_in_order() {
    let stage = Stage::started().await;
    stage.toolbox().await;
    let plugin = serving(&stage, engine('a').foreground(), does(&json!({}))).await;
    stage.answer("s", "use add {\"a\":1,\"b\":2}\nthen\nsay three").await;
    let first = calls(&stage, &plugin).await;
    assert_eq!(methods(&first), ["bootstrap", "maintain", "assemble", "assemble", "ingest", "turn", "maintain", "dispose"]);
    let (run, all) = (stage.runs("s").await[0].run.clone(), ids(&stage, "s").await);
    assert!(first.iter().all(|call| call["run"] == json!(run) && call["session"] == "s"), "{first:?}");
    assert!(first.iter().all(|call| call["cause"].as_str().unwrap().ends_with("contextengine")));
    assert_eq!(first[0]["event"]["entries"], 0);
    assert_eq!((&first[1]["event"]["moment"], &first[6]["event"]["moment"]), (&json!("opening"), &json!("closing")));

    let assembled: Vec<&Value> = of(&first, "assemble").iter().map(|call| &call["event"]).collect();
    assert_eq!((&assembled[0]["call"], &assembled[1]["call"]), (&json!(1), &json!(2)));
    assert_eq!(assembled[0]["prompt"], "use add {\"a\":1,\"b\":2}\nthen\nsay three");
    assert!(assembled[0]["tools"].as_array().unwrap().contains(&json!("add")));
    assert!(assembled[1]["budget"].as_u64() < assembled[0]["budget"].as_u64(), "what was said meanwhile takes room");
    assert!(of(&first, "assemble").iter().all(|call| call["transcript"] == 0), "it ends before this turn");
    assert_eq!((ingested(&first), &first[4]["transcript"]), (all, &json!(4)));
    assert_eq!((&first[5]["event"]["turn-key"], &first[5]["event"]["budget"]), (&json!(run), &assembled[1]["budget"]));

    let asked = TurnAsked { trigger: Trigger::Heartbeat, ..TurnAsked::said("s", "test", "say beat") };
    assert_eq!(stage.gateway.turn(asked).await.unwrap().ended().await.status, TurnStatus::Done);
    let second = calls(&stage, &plugin).await.split_off(first.len());
    assert_eq!(methods(&second), ["maintain", "assemble", "ingest", "turn", "maintain", "dispose"]);
    assert_eq!(second[1]["transcript"], 4);
    assert!([1, 2, 3].iter().all(|at| second[*at]["event"]["heartbeat"] == true), "{second:?}");
    assert!(second[3]["event"]["tokens"].as_u64() > Some(0), "what was told of the turn before");
    let life = stage.gateway.session("s").await.unwrap().unwrap().id;
    let cursor = stage.state.cursor(spot("engine-a", &life)).unwrap();
    assert_eq!(cursor, Some(Cursor { entries: 6, untold: None }));
}

#[tokio::test]
async fn what_came_before_an_engine_is_bootstrapped_or_ingested() {
    let stage = Stage::started().await;
    stage.answer("s", "say one").await;
    let bare = serving(&stage, engine('b').bare(), does(&json!({}))).await;
    stage.answer("s", "say two").await;
    let seen = calls(&stage, &bare).await;
    assert_eq!(methods(&seen), ["ingest", "assemble", "ingest"], "first what came before, then the turn");
    assert_eq!(ingested(&seen), ids(&stage, "s").await);
    assert_eq!((&seen[1]["transcript"], of(&seen, "ingest")[0]["event"]["ids"].as_array().unwrap().len()), (&json!(2), 2));
    let life = stage.gateway.session("s").await.unwrap().unwrap().id;
    let cursor = stage.state.cursor(spot("engine-b", &life)).unwrap();
    assert_eq!(cursor, Some(Cursor { entries: 4, untold: None }), "it isn't told of turns, so none is untold");

    let full = serving(&stage, engine('a').foreground(), does(&json!({}))).await;
    stage.answer("s", "say three").await;
    let seen = calls(&stage, &full).await;
    assert_eq!((methods(&seen)[0], &seen[0]["event"]["entries"], &seen[0]["transcript"]), ("bootstrap", &json!(4), &json!(4)));
    assert_eq!(ingested(&seen), ids(&stage, "s").await[4..], "what it took over isn't told again");
}

#[tokio::test]
async fn an_engine_that_comes_back_gets_what_it_missed_and_each_entry_once() {
    let stage = Stage::started().await;
    let plugin = serving(&stage, engine('a').foreground(), does(&json!({}))).await;
    stage.answer("s", "say one").await;
    stage.gateway.contexts().set_engine(None);
    stage.answer("s", "say two").await;
    // A turn that isn't done is ingested like everything else, and nobody tells of it.
    assert_eq!(stage.said("s", "fail server").await.status, TurnStatus::Failed);
    let before = calls(&stage, &plugin).await.len();
    stage.gateway.contexts().set_engine(Some(id("engine-a")));
    stage.answer("s", "say three").await;
    let seen = calls(&stage, &plugin).await;
    assert_eq!(methods(&seen[before..]), ["ingest", "maintain", "assemble", "ingest", "turn", "maintain", "dispose"]);
    assert_eq!(seen[before]["event"]["ids"].as_array().unwrap().len(), 4);
    assert_eq!(ingested(&seen), ids(&stage, "s").await);
    assert_eq!(of(&seen, "turn").len(), 2, "one for each turn that it served");
}

#[tokio::test]
async fn another_life_is_new_to_the_engine() {
    let stage = Stage::started().await;
    let plugin = serving(&stage, engine('a').foreground(), does(&json!({}))).await;
    stage.answer("s", "say one").await;
    stage.gateway.reset("s").await.unwrap().unwrap();
    stage.answer("s", "say two").await;
    let seen = calls(&stage, &plugin).await;
    let boots = of(&seen, "bootstrap");
    assert_eq!(boots.len(), 2);
    assert_ne!(boots[0]["life"], boots[1]["life"]);
}

#[tokio::test]
async fn a_turn_that_may_not_have_been_told_is_told_again_first() {
    let (first, state) = {
        let stage = Stage::started().await;
        serving(&stage, engine('a').foreground(), does(&json!({ "context-turn": ["err"] }))).await;
        stage.answer("s", "say one").await;
        (stage.runs("s").await[0].run.clone(), stage.state.clone())
    };
    let life = state.session("s").await.unwrap().unwrap().id;
    let untold = state.cursor(spot("engine-a", &life)).unwrap();
    assert_eq!(untold, Some(Cursor { entries: 2, untold: Some(first.clone()) }), "it was written before the engine was told");

    let stage = Stage::on(state, GatewaySettings { context_engine: Some(id("engine-a")), ..settings() });
    let plugin = load(&stage, engine('a').foreground(), does(&json!({}))).await;
    stage.gateway.start().await.unwrap();
    let before = calls(&stage, &plugin).await.len();
    stage.answer("s", "say two").await;
    let seen = calls(&stage, &plugin).await.split_off(before);
    assert_eq!(methods(&seen), ["turn", "maintain", "assemble", "ingest", "turn", "maintain", "dispose"]);
    assert_eq!(seen[0]["event"]["turn-key"], json!(first));
    assert_eq!(stage.state.cursor(spot("engine-a", &life)).unwrap(), Some(Cursor { entries: 4, untold: None }));
}

#[tokio::test]
async fn a_turn_is_told_of_though_its_host_was_killed_with_the_end_of_its_run() {
    let state = Arc::new(Memory::default());
    let (gateway, dying) = Dying::with(state.clone(), &["end_run", "end_run_untold"]).await;
    let killed = Stage::of(gateway, state.clone());
    serving(&killed, engine('a').foreground(), does(&json!({}))).await;
    let turn = killed.turn("s", "say one").await;
    let first = turn.run().unwrap().to_string();
    dying.died().await;
    assert_eq!(state.runs("s", NonZeroUsize::MIN).await.unwrap()[0].status, RunStatus::Done);

    let stage = Stage::on(state, GatewaySettings { context_engine: Some(id("engine-a")), ..settings() });
    let plugin = load(&stage, engine('a').foreground(), does(&json!({}))).await;
    assert_eq!(stage.gateway.start().await.unwrap(), Recovered::default(), "the turn was over");
    let before = calls(&stage, &plugin).await;
    assert_eq!(methods(&before), ["bootstrap", "maintain", "assemble"], "the engine hadn't heard of its end");
    stage.answer("s", "say two").await;
    let seen = calls(&stage, &plugin).await.split_off(before.len());
    assert_eq!(methods(&seen), ["ingest", "turn", "maintain", "assemble", "ingest", "turn", "maintain", "dispose"]);
    let (second, told) = (stage.runs("s").await[0].run.clone(), of(&seen, "turn"));
    assert_eq!([&told[0]["event"]["turn-key"], &told[1]["event"]["turn-key"]], [&json!(first), &json!(second)]);
    assert_eq!(ingested(&seen), ids(&stage, "s").await);
}

#[tokio::test]
async fn a_prepared_turn_and_one_that_a_plugin_answers_are_told_as_well() {
    let stage = Stage::started().await;
    let addition = json!({ "context-assemble": [{ "assembles": { "addition": "be kind" } }] });
    let plugin = serving(&stage, engine('a').foreground(), does(&addition)).await;
    let mut turn = stage.gateway.prepare_turn(TurnAsked::said("s", "test", "hello")).await.unwrap();
    assert_eq!(turn.system_prompt(), None);
    assert_eq!(turn.history().await.unwrap(), []);
    assert_eq!(turn.system_prompt(), Some("be kind"));
    turn.show().await.unwrap();
    turn.say("hi", &[]).await.unwrap();
    turn.finish(Ok(())).await;
    let seen = calls(&stage, &plugin).await;
    assert_eq!(methods(&seen), ["bootstrap", "maintain", "assemble", "ingest", "turn", "maintain", "dispose"]);

    stage.witness('a', json!({ "answers": { "before-agent-reply": { "reply": "I do" } } })).await;
    let before = seen.len();
    assert_eq!(stage.answer("s", "anybody?").await, "I do");
    let seen = calls(&stage, &plugin).await.split_off(before);
    assert_eq!(methods(&seen), ["ingest", "turn", "maintain", "dispose"], "no model was called");
}

#[tokio::test]
async fn one_that_is_dropped_is_over_for_the_engine_too() {
    let stage = Stage::started().await;
    let plugin = serving(&stage, engine('a'), does(&json!({}))).await;
    let mut turn = stage.gateway.prepare_turn(TurnAsked::said("s", "test", "hello")).await.unwrap();
    turn.history().await.unwrap();
    drop(turn);
    let seen = super::stage::calls_with(&stage, &plugin, "dispose", 1).await;
    assert_eq!(methods(&seen), ["bootstrap", "assemble", "dispose"]);
}

/// So many entries of 60 kB: seventeen of them are a batch.
async fn said_before(stage: &Stage, entries: usize) -> String {
    let life = stage.state.ensure_session("s", "1").await.unwrap().session.id;
    let content = json!("x".repeat(60_000)).to_string();
    for _ in 0..entries {
        let entry = NewEntry { role: "user".to_owned(), content: content.clone(), tool_call_id: None, run: None, meta: None };
        stage.state.append("s", &life, vec![entry]).await.unwrap().unwrap();
    }
    life
}

#[tokio::test]
async fn a_turn_whose_last_words_cannot_be_told_is_told_with_them_the_next_time() {
    let stage = Stage::started().await;
    let plugin = serving(&stage, engine('a').foreground(), does(&json!({ "context-ingest": [{ "nap": 300 }, "well"] }))).await;
    let turn = stage.turn("s", "say one").await;
    let run = turn.run().unwrap().to_string();
    calls_with(&stage, &plugin, "ingest", 1).await;
    assert!(stage.gateway.cancel(&run), "while its end is told");
    assert_eq!(turn.ended().await.status, TurnStatus::Done);
    let life = stage.gateway.session("s").await.unwrap().unwrap().id;
    let cursor = stage.state.cursor(spot("engine-a", &life)).unwrap();
    assert_eq!(cursor, Some(Cursor { entries: 0, untold: Some(run.clone()) }));

    let before = calls_with(&stage, &plugin, "dispose", 1).await.len();
    let asked = TurnAsked { trigger: Trigger::Heartbeat, ..TurnAsked::said("s", "test", "say two") };
    assert_eq!(stage.gateway.turn(asked).await.unwrap().ended().await.status, TurnStatus::Done);
    let seen = calls(&stage, &plugin).await.split_off(before);
    assert_eq!(methods(&seen), ["ingest", "turn", "maintain", "assemble", "ingest", "turn", "maintain", "dispose"]);
    assert_eq!(seen[1]["event"]["turn-key"], json!(run), "behind the words");
    assert_eq!([0, 1, 4, 5].map(|at| seen[at]["event"]["heartbeat"] == true), [false, false, true, true], "only the second was one");
    assert_eq!(stage.state.cursor(spot("engine-a", &life)).unwrap(), Some(Cursor { entries: 4, untold: None }));
}

#[tokio::test]
async fn what_is_told_late_is_told_apart_from_a_heartbeat() {
    let stage = Stage::started().await;
    let plugin = serving(&stage, engine('b').bare(), does(&json!({}))).await;
    stage.answer("s", "say one").await;
    stage.gateway.contexts().set_engine(None);
    stage.answer("s", "say two").await;
    stage.gateway.contexts().set_engine(Some(id("engine-b")));
    // No model is called in this one, so nothing is told before it ends.
    stage.witness('a', json!({ "answers": { "before-agent-reply": { "reply": "I do" } } })).await;
    let asked = TurnAsked { trigger: Trigger::Heartbeat, ..TurnAsked::said("s", "test", "anybody?") };
    assert_eq!(stage.gateway.turn(asked).await.unwrap().ended().await.status, TurnStatus::Done);
    let seen = calls(&stage, &plugin).await;
    let late: Vec<_> =
        of(&seen, "ingest").iter().skip(1).map(|call| (call["event"]["heartbeat"].clone(), call["event"]["ids"].clone())).collect();
    let ids = ids(&stage, "s").await;
    assert_eq!(late, [(json!(false), json!(ids[2..4])), (json!(true), json!(ids[4..]))]);
}

#[tokio::test]
async fn an_engine_that_takes_long_for_what_it_missed_gets_the_rest_later() {
    let stage = Stage::started().await;
    let life = said_before(&stage, 50).await;
    let mut settings = does(&json!({ "context-ingest": [{ "nap": 300 }, "well"] }));
    settings.budgets.insert("context-ingest".to_owned(), Duration::from_secs(600));
    let plugin = serving(&stage, engine('b').bare(), settings).await;
    let turn = stage.turn("s", "say one").await;
    calls_with(&stage, &plugin, "ingest", 1).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    assert_eq!(turn.ended().await.message.as_deref(), Some("one"));
    let seen = calls(&stage, &plugin).await;
    assert!(of(&seen, "assemble").is_empty(), "it doesn't know enough to decide");
    let told: Vec<usize> = of(&seen, "ingest").iter().map(|call| call["event"]["ids"].as_array().unwrap().len()).collect();
    assert_eq!(told, [17, 17, 16, 2], "one batch before the turn, and all others when it is done");
    assert_eq!(ingested(&seen), ids(&stage, "s").await);
    assert_eq!(stage.state.cursor(spot("engine-b", &life)).unwrap(), Some(Cursor { entries: 52, untold: None }));
}

#[tokio::test]
async fn nothing_is_kept_of_an_engine_that_is_uninstalled_while_it_is_told() {
    let stage = Stage::started().await;
    let plugin = serving(&stage, engine('a').foreground(), does(&json!({ "context-ingest": [{ "nap": 400 }] }))).await;
    let turn = stage.turn("s", "say one").await;
    calls_with(&stage, &plugin, "ingest", 1).await;
    stage.gateway.plugins().uninstall(id("engine-a"), false, Order::by("a test")).await.unwrap();
    assert_eq!(turn.ended().await.status, TurnStatus::Done);
    let life = stage.gateway.session("s").await.unwrap().unwrap().id;
    assert_eq!(stage.state.cursor(spot("engine-a", &life)).unwrap(), None);
}
