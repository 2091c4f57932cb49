//! Plugins that steer an agent: its prompt, its tools, its last word.

use super::program::has;
use super::stage::Stage;
use plugbay_guests::built;
use serde_json::Value;

pub(crate) fn begins(stage: &mut Stage) {
    stage.step("The daemon runs. There are no plugins, and the agent already answers.");
    has(&stage.does(&["list"]), "There are no plugins");
    assert_eq!(stage.says("main", "say Good morning."), "Good morning.\n");
    let events = told(stage, "slow 1\nsay It comes word by word.");
    assert_eq!(names(&events), ["accepted", "run-started", "text", "message", "end"]);
}

/// A turn, event by event.
fn told(stage: &Stage, words: &str) -> Vec<Value> {
    let told = stage.does(&["chat", "--session", "main", "--json", words]);
    told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The events' names; those that follow on their like are one.
fn names(events: &[Value]) -> Vec<&str> {
    let mut names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    names.dedup();
    names
}

pub(crate) fn plugins_come(stage: &mut Stage) {
    stage.step("Plugins of three authors are installed; the configuration says what each may do.");
    for file in [built::TOOLBOX, built::SHELL_GUARD] {
        has(&stage.does(&["install", file]), "serves: generation 1");
    }
    stage.witness('a');
    let list = stage.does(&["list"]);
    assert_eq!(list.lines().filter(|line| line.contains(" active ")).count(), 3);
}

pub(crate) fn changes_the_prompt(stage: &mut Stage) {
    stage.step("One changes the prompt: `witness-a` adds to the instructions.");
    assert_eq!(stage.says("main", "show system"), "Answer in German.\n");
}

pub(crate) fn adds_a_tool(stage: &mut Stage) {
    stage.step("One adds tools: what the model may call, whose it is, and a turn event by event.");
    let tools = stage.shows(&["tools"], |line| ["TOOL", "add", "echo"].iter().any(|word| line.starts_with(word)));
    let row: Vec<_> = tools.lines().find(|line| line.starts_with("add ")).unwrap().split_whitespace().collect();
    assert_eq!(row[..3], ["add", "toolbox", "low"]);
    // `witness-a` may decide on what is sent, so nobody hears the model's words before it did: they come as one message.
    let events = told(stage, r#"use add {"a": 2, "b": 3}"#);
    assert_eq!(names(&events), ["accepted", "run-started", "tool-started", "tool-ended", "message", "end"]);
    let message = events.iter().find(|event| event["event"] == "message").unwrap();
    assert_eq!(message["text"], "`add` answered: 5");
}

pub(crate) fn sends_it_back(stage: &mut Stage) {
    stage.step("One sends the agent back: `witness-b` wants a source, once in each turn.");
    stage.witness('b');
    assert_eq!(stage.says("weather", "say It rains."), "It rains. Source: the window.\n");
    let transcript = stage.does(&["sessions", "show", "weather", "--transcript"]);
    let said = ["say It rains.", "It rains.", "no source", "It rains. Source: the window."];
    let mut rest = transcript.as_str();
    for words in said {
        let at = rest.find(words).unwrap_or_else(|| panic!("no `{words}` in its place: {transcript}"));
        rest = &rest[at + words.len()..];
    }
    let receipts =
        stage.shows(&["sessions", "show", "weather", "--receipts"], |line| line.contains("witness-b") && line.contains("revise"));
    has(&receipts, "before-agent-finalize");
    stage.does(&["disable", "witness-b", "--why", "it was heard"]);
}
