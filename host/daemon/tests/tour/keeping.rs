//! What plugins keep about sessions, and what they have to say in them later.

use super::program::has;
use super::stage::Stage;
use hyper::Method;
use serde_json::json;

pub(crate) fn keeps_state(stage: &mut Stage) {
    stage.step("One keeps something about a session; lists show what it makes of it, and an admin changes it.");
    stage.says("main", r#"use remember {"value": {"mood": "good"}}"#);
    has(&stage.does(&["sessions"]), r#"toolbox/notes {"bytes":15}"#);
    let patched = stage.http(&Method::PATCH, &["sessions", "main", "state", "toolbox", "notes"], &json!({ "value": { "mood": "bad" } }));
    assert_eq!(patched, json!({ "replaced": true, "shown": { "bytes": 14 } }));
    has(&stage.says("main", "use recall"), r#"`recall` answered: {"mood":"bad"}"#);
}

pub(crate) fn queues_words(stage: &mut Stage) {
    stage.step("One has something to say in the next turn, and in that one only.");
    stage.says("builds", r#"use inject {"text": "The build is broken."}"#);
    has(&stage.says("builds", "Anything new?"), "and this: \"The build is broken.\n\nAnything new?\"");
    has(&stage.says("builds", "And now?"), "and this: \"And now?\"");
}
