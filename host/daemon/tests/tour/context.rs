//! What the model sees of a conversation: made smaller, by another author's engine, and by the built-in one when that engine is gone. And an agent that has another one work for it.

use super::program::has;
use super::stage::Stage;
use hyper::Method;
use plugbay_guests::built;
use serde_json::json;

pub(crate) fn is_compacted(stage: &mut Stage) {
    stage.step("A long conversation is made smaller: a summary stands for what is older, and the transcript keeps what was said.");
    for n in 1..=4 {
        let words = format!("Chapter {n}. {}", "It was a dark and stormy night. ".repeat(30));
        stage.says("novel", &format!("say {words}"));
    }
    let entries = stage.json(&["sessions", "show", "novel"])["entries"].clone();
    let done = stage.http(&Method::POST, &["sessions", "novel", "compact"], &json!({ "instructions": "keep the numbers of the chapters" }));
    assert_eq!((&done["engine"], &done["compacted"]), (&json!("builtin"), &json!(true)));
    assert!(done["tokens_after"].as_u64() < done["tokens_before"].as_u64(), "{done}");
    assert_eq!(stage.json(&["sessions", "show", "novel"])["entries"], entries);
}

pub(crate) fn has_another_engine(stage: &mut Stage) {
    stage.step(
        "From the next turn on another author's engine decides what the model sees; when it is switched off, the conversation goes on.",
    );
    has(&stage.does(&["install", built::LOSSLESS_CONTEXT]), "serves: generation 1");
    has(&stage.does(&["slots", "context-engine", "lossless-context"]), "context-engine");
    assert_eq!(stage.json(&["slots"])["slots"][0]["serving"], "lossless-context");
    has(&stage.says("novel", "say And then?"), "And then?");
    has(&stage.shows(&["list"], |line| line.contains("lossless")), "context engine");
    stage.does(&["disable", "lossless-context"]);
    has(&stage.does(&["slots"]), "plugin `lossless-context` is disabled");
    has(&stage.says("novel", "say The end."), "The end.");
    stage.does(&["slots", "context-engine", "builtin"]);
}

pub(crate) fn has_another_agent_work(stage: &mut Stage) {
    stage.step("One has an agent of its own work for it, in a session of its own.");
    has(&stage.does(&["install", built::CREW]), "serves: generation 1");
    let errand = json!({ "name": "helper", "message": "say It is done.", "wait": 60_000 });
    has(&stage.says("main", &format!("use crew-a-delegate {errand}")), "It is done.");
    has(&stage.does(&["sessions"]), "crew-a/helper");
    has(&stage.says("main", r#"use crew-a-delete {"name": "helper"}"#), "true");
    assert!(!stage.does(&["sessions"]).contains("crew-a/helper"));
    stage.does(&["disable", "crew-a"]);
}
